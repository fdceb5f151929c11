//! Why an event was not recorded, and why a journal cannot be opened.

use std::fmt;
use std::io;
use std::path::PathBuf;

use cordon_model::event::Retention;

use super::recover::RecoverError;

/// Why nothing can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// More came than the disk takes.
    QueueFull,
    /// The disk is full.
    DiskFull,
    /// The disk fails, or may not be written.
    DiskFailed,
}

impl Why {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::DiskFull => "disk-full",
            Self::DiskFailed => "disk-failed",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "more is recorded than the disk takes",
            Self::DiskFull => "the disk is full",
            Self::DiskFailed => "the disk fails, or may not be written",
        })
    }
}

/// An event was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The queue is full; the event is counted as lost.
    #[error("the journal takes no more: {0}")]
    Full(Why),
    /// The event is longer than a record may be.
    #[error("the event is longer than a record may be")]
    Long,
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

/// A record is queued but not yet on the disk, and cannot be written just now; it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not yet on the disk: {0}")]
pub struct Unavailable(pub Why);

/// An event was not recorded, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordFailure {
    /// It was not queued.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is queued, and not yet on the disk.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Says why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error("`{}` is written by another process", .0.display())]
    Locked(PathBuf),
    /// A folder cannot be made or locked.
    #[error("`{}` cannot be used as a journal", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is signed by another key.
    #[error("`{}` is signed by another key: use the one it was begun with", .0.display())]
    Key(PathBuf),
    /// A stream cannot be continued.
    #[error("the stream `{stream}` cannot be continued")]
    Stream {
        /// Which.
        stream: Retention,
        /// Why.
        #[source]
        source: RecoverError,
    },
}
