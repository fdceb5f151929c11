//! Where the parts of a journal lie in its folder.
//!
//! ```text
//! journal.pub              public keys, one line for each stream
//! lock                     held by the writer
//! evidence/ traffic/ detail/
//!   00000000000000000000.jsonl    segments, named by their first record
//!   00000000000000000000.leaves   hashes of a segment's records; a cache, never trusted
//!   tree.1 tree.2 …               hashes of complete subtrees of 256, 65,536, … records; a cache
//!   checkpoint                    the newest head
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cordon_model::event::Retention;
use cordon_model::{HospitalId, WriterId};

use crate::segment;

/// The file of public keys.
pub const KEYS: &str = "journal.pub";
/// The file that the writer locks.
pub const LOCK: &str = "lock";
/// The newest head of a stream.
pub const CHECKPOINT: &str = "checkpoint";
/// Levels of the tree between two files of subtree hashes.
pub const LEVELS_PER_FILE: u8 = 8;

/// Gives the folder of a stream.
#[must_use]
pub fn stream(journal: &Path, stream: Retention) -> PathBuf {
    journal.join(stream.name())
}

/// Gives the file with the hashes of the records of the segment that begins with `first`.
#[must_use]
pub fn leaves(stream: &Path, first: u64) -> PathBuf {
    stream.join(format!("{first:020}.leaves"))
}

/// Gives the file with the hashes of complete subtrees of level `8 * file`.
#[must_use]
pub fn subtrees(stream: &Path, file: u8) -> PathBuf {
    stream.join(format!("tree.{file}"))
}

/// Gives the origin of a stream, which is also the name of its key.
#[must_use]
pub fn origin(hospital: &HospitalId, writer: &WriterId, stream: Retention) -> String {
    format!("{hospital}/{writer}/{stream}")
}

/// Gives the first records of the segments of a stream, in order.
/// # Errors
/// If the folder cannot be read.
pub fn segments(stream: &Path) -> io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in fs::read_dir(stream)? {
        firsts.extend(entry?.file_name().to_str().and_then(segment::first_of));
    }
    firsts.sort_unstable();
    Ok(firsts)
}
