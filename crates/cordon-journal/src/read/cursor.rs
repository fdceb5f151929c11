//! The place of a reader in a stream, and the file that keeps it.
//!
//! STORED: cursors of version 1.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::hash::Hash;

/// Longest file of a cursor, in bytes.
const CURSOR_BYTES_MAX: u64 = 1_024;

/// The place of a reader: which record comes next, what came before it, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The hash of the record that was taken last; [`Hash::ZERO`] before the first.
    pub last: Hash,
    /// The number of the record that comes next.
    pub next: u64,
    /// The byte of the segment from which to read on.
    pub offset: u64,
    /// The segment, by the number of its first record.
    pub segment: u64,
}

/// Says why a cursor cannot be kept or found again.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The file cannot be read or written.
    #[error("cannot keep the place in `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file does not hold a cursor.
    #[error("`{}` does not hold a place in a journal", path.display())]
    Json {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Cursor {
    /// The place before the first record.
    pub const START: Self = Self { last: Hash::ZERO, next: 0, offset: 0, segment: 0 };

    /// Reads a cursor from its file; nothing if there is no such file.
    /// # Errors
    /// [`CursorError`].
    pub fn load(path: &Path) -> Result<Option<Self>, CursorError> {
        let error = |source| CursorError::File { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(error(source)),
        };
        let mut text = Vec::new();
        file.take(CURSOR_BYTES_MAX).read_to_end(&mut text).map_err(error)?;
        let cursor = serde_json::from_slice(&text);
        cursor.map(Some).map_err(|source| CursorError::Json { path: path.to_owned(), source })
    }

    /// Writes the cursor to its file, so that after a fall of the power either the old or the new
    /// one is there.
    /// # Errors
    /// [`CursorError::File`].
    pub fn save(&self, path: &Path) -> Result<(), CursorError> {
        let save = || -> io::Result<()> {
            let mut text = serde_json::to_vec(self)?;
            text.push(b'\n');
            disk::replace(path, &text)
        };
        save().map_err(|source| CursorError::File { path: path.to_owned(), source })
    }
}
