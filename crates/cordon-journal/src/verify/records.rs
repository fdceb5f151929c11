//! The records of a stream, one after the other, whatever else stands in its segments.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::record::Link;
use crate::segment::{self, Line};

use super::lines::{At, Lines, Piece};
use super::walk::open;
use super::{SEGMENTS_MAX, VerifyError};

/// Lists the segments of a stream by their first records.
pub(crate) fn segments(dir: &Path) -> Result<Vec<u64>, VerifyError> {
    let failed = |source| VerifyError::Read { path: dir.to_owned(), source };
    let mut firsts = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        // A stream that was deleted as a whole is as one whose segments were.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(firsts),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if let Some(first) = name.to_str().and_then(segment::first_of) {
            if firsts.len() == SEGMENTS_MAX {
                return Err(VerifyError::OverLimit(dir.to_owned()));
            }
            firsts.push(first);
        }
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// The first record of its segment, by the file's name.
    pub(super) segment: u64,
    pub(super) at: At,
}

/// Reads the records of a stream.
pub(super) struct Records {
    dir: PathBuf,
    firsts: std::vec::IntoIter<u64>,
    segment: u64,
    lines: Option<Lines<File>>,
    count: usize,
}

impl Records {
    pub(super) fn open(dir: &Path) -> Result<Self, VerifyError> {
        let firsts = segments(dir)?;
        let count = firsts.len();
        let dir = dir.to_owned();
        Ok(Self { dir, firsts: firsts.into_iter(), segment: 0, lines: None, count })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Moves to the next line that has the form of a record.
    pub(super) fn next(&mut self) -> Option<(Link, Spot, &[u8])> {
        loop {
            if self.lines.is_none() {
                self.segment = self.firsts.next()?;
                let path = self.dir.join(segment::file_name(self.segment));
                self.lines = open(&path).ok().map(Lines::new);
                continue;
            }
            match self.lines.as_mut()?.next() {
                Ok((_, Piece::Line(line))) => {
                    if matches!(Line::of(line), Line::Record(_)) && Link::of(line).is_some() {
                        break;
                    }
                }
                Ok((_, Piece::Long)) => {}
                Ok((_, Piece::End(_))) | Err(_) => self.lines = None,
            }
        }
        let segment = self.segment;
        let (at, line) = self.lines.as_ref()?.again();
        Some((Link::of(line)?, Spot { segment, at }, line))
    }
}
