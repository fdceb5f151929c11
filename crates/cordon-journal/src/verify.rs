//! Verification of a stream from its files alone.
//!
//! Every record names the hash of the one before, so a change of one record shows at the next; every
//! head signs the root over all records before it, so a change of many shows at the next head. The
//! walk follows the chain with what the *next* record names: if one record was changed and nothing
//! else, all later heads still fit, and exactly that record is reported.
//!
//! A signature costs more than hashing a whole batch, so unless `deep` is asked for, signatures are
//! checked only of the last head of each segment, of the head in each header, of the checkpoint and
//! of every head that does not fit. For the records that loses nothing: each head's text must be
//! that of the tree over the records before it, and that tree is the beginning of a larger one whose
//! head is verified, so by the collision resistance of SHA-256 its owner has signed these records in
//! this order. What it does not see is a change of the signature itself on a head in the middle,
//! which no record's evidence rests on; `deep` sees that too. A head in the middle that is not there
//! at all is never seen: the next one signs the same records.
//!
//! Invariant: caches (`*.leaves`, `tree.N`) are never read here.
//! Invariant: memory is bounded by constants, whatever the files hold; no link is followed.
//! Source: RFC 9162 §2.1; C2SP signed-note, tlog-checkpoint, tlog-cosignature.

mod against;
mod chain;
mod clock;
mod fault;
mod find;
mod found;
mod heads;
pub(crate) mod lines;
mod notes;
pub(crate) mod records;
mod stream;
pub(crate) mod walk;

use std::io;
use std::path::{Path, PathBuf};

use cordon_model::WallMs;
use cordon_model::note::{NoteError, Verifier};

use crate::head::Head;

pub use fault::{Expected, Fault, Misfit, Notable, Place, Remark, Wrong};

/// Most faults that a report keeps; more are counted.
pub const FAULTS_MAX: usize = 100;
/// Most remarks that a report keeps; more are counted.
pub const REMARKS_MAX: usize = 100;
/// Most segments of a stream.
pub const SEGMENTS_MAX: usize = 1_000_000;

/// What to verify beyond the files themselves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Another copy of the same stream: the first record that differs is named.
    pub against: Option<PathBuf>,
    /// Reads every record in full and verifies the signature of every head.
    pub deep: bool,
    /// Heads that were kept elsewhere, as signed notes; those of other streams are passed over.
    pub heads: Vec<String>,
    /// The writer may be running: an end that is not signed yet is no fault.
    pub live: bool,
    /// The keys of witnesses who should have cosigned the checkpoint.
    pub witnesses: Vec<Verifier>,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bytes of segments.
    pub bytes: u64,
    /// Heads between the records.
    pub heads: u64,
    /// Records.
    pub records: u64,
    /// Segments.
    pub segments: u64,
    /// Signatures that were verified.
    pub signatures: u64,
}

/// That a witness has cosigned the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// When.
    /// # Units
    /// Seconds since 1970-01-01T00:00:00Z.
    pub time_s: u64,
    /// Which witness.
    pub witness: String,
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The witnesses that cosigned the checkpoint.
    pub cosigned: Vec<Cosigned>,
    /// What was looked at.
    pub counts: Counts,
    /// What is wrong, in the order of the files.
    pub faults: Vec<Fault>,
    /// How many more faults there are.
    pub faults_more: u64,
    /// The number of the first record that is there.
    pub first: u64,
    /// The time of the first record.
    pub first_time: Option<WallMs>,
    /// The newest head in the segments that fits them: origin, size and root of what is signed.
    pub head: Option<Head>,
    /// How many of the given heads are of this stream and agree with it.
    pub heads_agreed: u64,
    /// The time of the last record.
    pub last_time: Option<WallMs>,
    /// Whose stream it says it is.
    pub origin: String,
    /// What else should be known.
    pub remarks: Vec<Remark>,
    /// How many more remarks there are.
    pub remarks_more: u64,
}

impl Report {
    /// Says whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.faults_more == 0
    }

    /// Gives the number of records that are signed.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.size)
    }
}

/// Says why a stream could not be verified at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There are more than [`SEGMENTS_MAX`] segments, or too many folders.
    #[error("`{}` has too many entries", .0.display())]
    OverLimit(PathBuf),
    /// A file of keys has a line that is none.
    #[error("`{}`, line {line}: not a public key", path.display())]
    Keys {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Why.
        source: NoteError,
    },
}

/// Verifies the stream in a folder.
/// # Shape
/// `keys`: of any streams; the one whose name is the stream's origin is used.
/// # Errors
/// [`VerifyError`] only if the folder itself cannot be read; all else is a fault in the report.
pub fn verify_stream(
    dir: &Path,
    keys: &[Verifier],
    options: &Options,
) -> Result<Report, VerifyError> {
    stream::verify(dir, keys, options, false)
}

/// Verifies the stream in a folder, record by record: slower than [`verify_stream`], which must come
/// to the same report. It is what that is tested against.
/// # Errors
/// [`VerifyError`].
pub fn verify_one_by_one(
    dir: &Path,
    keys: &[Verifier],
    options: &Options,
) -> Result<Report, VerifyError> {
    stream::verify(dir, keys, options, true)
}

/// Finds the folders of streams at or below a path.
/// # Shape
/// A stream's folder, a journal's, or a folder of journals, at most four levels deep; sorted. A
/// folder is given even if it is missing, if the `journal.pub` beside it has a key for it.
/// # Errors
/// [`VerifyError`] if the path cannot be read.
pub fn find_streams(path: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    find::streams(path)
}

/// Reads the public keys in a file, one a line, as `journal.pub` holds them.
/// # Errors
/// [`VerifyError`].
pub fn read_keys(path: &Path) -> Result<Vec<Verifier>, VerifyError> {
    find::keys(path)
}
