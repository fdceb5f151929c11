//! Records: an event with its place in the chain, as one line of canonical JSON.
//!
//! STORED: records of version 1.
//! Source: RFC 8785 (canonical JSON).

use std::io::Write as _;

use cordon_model::{Event, Mono, WallMs};
use serde::{Deserialize, Serialize};

use crate::hash::{Hash, TEXT_BYTES};

/// The version of records that is written; all up to it are read.
pub const VERSION: u32 = 1;
/// Longest line of a record, in bytes; longer events are refused, not cut.
pub const RECORD_BYTES_MAX: usize = 16_384;

/// What every record begins with.
pub(crate) const PREFIX: &[u8] = b"{\"after\":\"";

/// The place of a record: when it was written, by which start of the writer, as which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The monotonic clock of the writer.
    pub mono: Mono,
    /// The number of the writer's start, from 1; `mono` compares only within one.
    pub run: u32,
    /// The number of the record in its stream, from 0.
    pub seq: u64,
    /// The wall clock of the writer.
    pub time: WallMs,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The hash of the record before; [`Hash::ZERO`] before the first.
    pub after: Hash,
    /// What happened.
    pub event: Event,
    /// The monotonic clock of the writer.
    pub mono: Mono,
    /// The number of the writer's start.
    pub run: u32,
    /// The number of the record in its stream.
    pub seq: u64,
    /// The wall clock of the writer.
    pub time: WallMs,
    /// The version of this encoding.
    pub v: u32,
}

/// Says why a line is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is longer than [`RECORD_BYTES_MAX`].
    #[error("a record has at most {RECORD_BYTES_MAX} bytes")]
    OverLimit,
    /// It is not the JSON of a record.
    #[error("it is not the JSON of a record")]
    Json(#[source] serde_json::Error),
    /// It was written by a newer version.
    #[error("it has version {0}; this program reads up to {VERSION}: use a newer one")]
    Version(u32),
    /// It has another spelling than the canonical one.
    #[error("it is not in canonical form")]
    NotCanonical,
}

/// Appends the line of a record, with its line end.
/// # Shape
/// `event`: the canonical JSON of an event.
pub fn encode(out: &mut Vec<u8>, after: &Hash, event: &[u8], stamp: &Stamp) {
    out.extend_from_slice(PREFIX);
    out.extend_from_slice(&after.encode());
    out.extend_from_slice(b"\",\"event\":");
    out.extend_from_slice(event);
    let Stamp { mono, run, seq, time } = stamp;
    // Writing to a vector cannot fail.
    let _ = writeln!(
        out,
        ",\"mono\":{},\"run\":{run},\"seq\":{seq},\"time\":{},\"v\":{VERSION}}}",
        mono.0, time.0
    );
}

impl Record {
    /// Reads a record.
    /// # Shape
    /// `line`: without its line end.
    /// # Errors
    /// [`RecordError`].
    pub fn decode(line: &[u8]) -> Result<Self, RecordError> {
        if line.len() > RECORD_BYTES_MAX {
            return Err(RecordError::OverLimit);
        }
        let record: Self = serde_json::from_slice(line).map_err(RecordError::Json)?;
        if record.v > VERSION {
            return Err(RecordError::Version(record.v));
        }
        let again = serde_json::to_vec(&record).map_err(RecordError::Json)?;
        if again != line {
            return Err(RecordError::NotCanonical);
        }
        Ok(record)
    }
}

/// What the chain needs of a record, found without reading the event: verifying is as fast as
/// hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The hash of the record before.
    pub after: Hash,
    /// The place of the record.
    pub stamp: Stamp,
}

impl Link {
    /// Reads the link of a record.
    /// # Shape
    /// `line`: without its line end. Nothing if it has not the outer form of a record.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        let (after, rest) = line.strip_prefix(PREFIX)?.split_at_checked(TEXT_BYTES)?;
        rest.strip_prefix(b"\",\"event\":{")?;
        // From the end: the fields behind the event are the last, whatever the event holds.
        let mut rest = rest.strip_suffix(b"}")?;
        let mut field = |name: &[u8]| -> Option<u64> {
            let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let (before, number) = rest.split_at_checked(rest.len() - digits)?;
            rest = before.strip_suffix(name)?;
            let is_plain = number == b"0" || !number.is_empty() && !number.starts_with(b"0");
            let add = |sum: u64, digit: &u8| {
                sum.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
            };
            number.iter().try_fold(0, add).filter(|_| is_plain)
        };
        let _version = u32::try_from(field(b",\"v\":")?).ok()?;
        let time = WallMs(field(b",\"time\":")?);
        let seq = field(b",\"seq\":")?;
        let run = u32::try_from(field(b",\"run\":")?).ok()?;
        let mono = Mono(field(b",\"mono\":")?);
        let stamp = Stamp { mono, run, seq, time };
        Some(Self { after: Hash::decode(after).ok()?, stamp })
    }
}

#[cfg(test)]
mod tests;
