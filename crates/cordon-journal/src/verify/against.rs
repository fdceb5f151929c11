//! Two copies of a stream: the first record that is not the same in both.

use std::path::Path;

use crate::segment;

use super::fault::{Notable, Place, Wrong};
use super::records::Records;
use super::{Report, VerifyError};

/// Compares the records of two copies.
pub(super) fn compare(own: &Path, other: &Path, report: &mut Report) -> Result<(), VerifyError> {
    let mut ours = Records::open(own)?;
    let mut theirs = Records::open(other)?;
    let mut first = None;
    let mut size = 0;
    let mut end = Place { file: String::new(), line: 1, offset: 0, seq: None };
    let (mut our, mut their) = (ours.next(), theirs.next());
    let mut is_uneven = false;
    while let (Some((here, spot, line)), Some((there, _, other))) = (&our, &their) {
        let (seq, other_seq) = (here.stamp.seq, there.stamp.seq);
        end.file = segment::file_name(spot.segment);
        (end.line, end.offset, end.seq) = (spot.at.line, spot.at.offset, Some(seq));
        if seq == other_seq {
            if line != other {
                report.fault(end, Wrong::DiffersFromCopy);
                return Ok(());
            }
            first = first.or(Some(seq));
            size = seq.saturating_add(1);
            (our, their) = (ours.next(), theirs.next());
        } else {
            is_uneven = true;
            if seq < other_seq {
                our = ours.next();
            } else {
                their = theirs.next();
            }
        }
    }
    if our.is_none() && their.is_some() {
        report.fault(end, Wrong::ShorterThanCopy { held: size });
    } else if is_uneven || our.is_some() != their.is_some() {
        let notable = Notable::CopyDiffers { first: first.unwrap_or(0), size };
        report.remark(end, notable);
    }
    Ok(())
}
