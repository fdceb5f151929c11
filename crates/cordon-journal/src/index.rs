//! The tree of a stream as it lies on disk: proofs in a few reads, however long the stream is.
//!
//! `<first>.leaves` holds the hashes of a segment's records, `tree.L` those of the complete subtrees
//! over 256^L records, one after the other. Both only save time: what is missing or short is made of
//! what lies below, in the end of the records themselves.
//!
//! Invariant: no proof is handed out that does not lead to the signed root, whatever caches hold.
//! Source: C2SP tlog-tiles (subtrees of 256).

mod files;
mod rebuild;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::head::{HEAD_BYTES_MAX, Head, HeadError};
use crate::layout::CHECKPOINT;
use crate::proof::{Consistency, Proof};
use crate::record::Link;
use crate::segment::{self, HeaderError, Line};
use crate::tree::{Nodes as _, is_consistent, is_included, prove_consistency, prove_inclusion};
use crate::verify::lines::{Lines, Piece};
use crate::verify::records;
use crate::verify::walk::open;

pub use files::Files;
pub use rebuild::rebuild;

/// Says why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A file cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The header of a segment cannot be read.
    #[error("the header of `{}` cannot be read", path.display())]
    Header {
        /// Of which.
        path: PathBuf,
        /// Why.
        source: HeaderError,
    },
    /// A head cannot be read.
    #[error("the head cannot be read")]
    Head(#[source] HeadError),
    /// The head does not sign the record yet.
    #[error("record {seq} is not signed: the head signs {size} records")]
    NotSigned {
        /// Which record.
        seq: u64,
        /// How many are signed.
        size: u64,
    },
    /// The record is not there.
    #[error("record {0} is not there; its time may have been over")]
    Gone(u64),
    /// The older head has more records, or none.
    #[error("there is no proof from {old} records to {new}")]
    Sizes {
        /// How many the older signs.
        old: u64,
        /// How many the newer signs.
        new: u64,
    },
    /// The records are not those that were signed.
    #[error("the records are not those that the head signs: verify the stream")]
    Broken,
    /// There are too many segments.
    #[error("`{}` has too many segments", .0.display())]
    OverLimit(PathBuf),
}

/// Reads the newest head of a stream.
/// # Errors
/// [`IndexError`].
pub fn checkpoint(dir: &Path) -> Result<String, IndexError> {
    let path = dir.join(CHECKPOINT);
    let limit = u64::try_from(HEAD_BYTES_MAX).unwrap_or(0);
    let mut text = String::new();
    match open(&path).and_then(|file| file.take(limit).read_to_string(&mut text)) {
        Ok(_) => Ok(text),
        Err(source) => Err(IndexError::File { path, source }),
    }
}

/// Proves that a record is in a stream, under its newest head.
/// # Errors
/// [`IndexError`].
pub fn prove(dir: &Path, seq: u64) -> Result<Proof, IndexError> {
    prove_under(dir, seq, checkpoint(dir)?)
}

/// Proves that a record is in a stream, under a head of it: the writer's own is newer than the one
/// beside the segments.
/// # Shape
/// `checkpoint`: a signed note.
/// # Errors
/// [`IndexError`].
pub fn prove_under(dir: &Path, seq: u64, checkpoint: String) -> Result<Proof, IndexError> {
    let head = Head::peek(&checkpoint).map_err(IndexError::Head)?;
    let size = head.size;
    if seq >= size {
        return Err(IndexError::NotSigned { seq, size });
    }
    for is_quick in [true, false] {
        let files = Files::open(dir, is_quick)?;
        let tried = files
            .node(0, seq)
            .and_then(|leaf| Ok((leaf, prove_inclusion(&files, seq, size)?.unwrap_or_default())));
        match tried {
            Ok((leaf, path)) if is_included(&leaf, seq, size, &path, &head.root) => {
                return Ok(Proof { index: seq, path, checkpoint });
            }
            Err(error) if !is_quick => return Err(error),
            // A cache lied or is missing; the records know.
            Ok(_) | Err(_) => {}
        }
    }
    Err(IndexError::Broken)
}

/// Proves that a stream only grew between two heads.
/// # Shape
/// `old`, `new`: signed notes.
/// # Errors
/// [`IndexError`].
pub fn consistency(dir: &Path, old: &str, new: &str) -> Result<Consistency, IndexError> {
    let was = Head::peek(old).map_err(IndexError::Head)?;
    let is = Head::peek(new).map_err(IndexError::Head)?;
    let sizes = IndexError::Sizes { old: was.size, new: is.size };
    for is_quick in [true, false] {
        let files = Files::open(dir, is_quick)?;
        match prove_consistency(&files, was.size, is.size) {
            Ok(None) => return Err(sizes),
            Ok(Some(path)) if is_consistent((was.size, &was.root), (is.size, &is.root), &path) => {
                return Ok(Consistency { old: was.size, path, checkpoint: new.to_owned() });
            }
            Err(error) if !is_quick => return Err(error),
            Ok(Some(_)) | Err(_) => {}
        }
    }
    Err(IndexError::Broken)
}

/// Finds the line of a record, without its line end.
/// # Errors
/// [`IndexError`].
pub fn find_record(dir: &Path, seq: u64) -> Result<Vec<u8>, IndexError> {
    let firsts = firsts(dir)?;
    let before = firsts.partition_point(|first| *first <= seq);
    let first = before.checked_sub(1).and_then(|at| firsts.get(at)).ok_or(IndexError::Gone(seq))?;
    let path = dir.join(segment::file_name(*first));
    let failed = |source| IndexError::File { path: path.clone(), source };
    let mut lines = Lines::new(open(&path).map_err(failed)?);
    loop {
        match lines.next().map_err(failed)?.1 {
            Piece::Line(line) => {
                let is_record = matches!(Line::of(line), Line::Record(_));
                if is_record && Link::of(line).is_some_and(|link| link.stamp.seq == seq) {
                    return Ok(line.to_owned());
                }
            }
            Piece::Long => {}
            Piece::End(_) => return Err(IndexError::Gone(seq)),
        }
    }
}

fn firsts(dir: &Path) -> Result<Vec<u64>, IndexError> {
    use crate::verify::VerifyError;
    records::segments(dir).map_err(|error| match error {
        VerifyError::Read { path, source } => IndexError::File { path, source },
        VerifyError::OverLimit(path) => IndexError::OverLimit(path),
        VerifyError::Keys { path, .. } => IndexError::OverLimit(path),
    })
}
