//! Dead letters: the records that a receiver does not want, with the reason, kept for a person.
//!
//! Invariant: a letter is on disk before the place of its stream moves past it.
//! Invariant: the file is bounded; when it is full the exporter stands, and nothing is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;

use cordon_journal::disk;
use cordon_model::Wall;
use serde::Serialize;

use super::delivery::Item;
use super::sink::file::label;

/// The file of dead letters of one exporter.
#[derive(Debug)]
pub struct Letters {
    path: PathBuf,
    bytes_max: u64,
}

#[derive(Serialize)]
struct Letter<'a> {
    at: Wall,
    reason: &'a str,
    text: Option<&'a str>,
    uid: &'a str,
}

impl Letters {
    /// Names the file; it comes into being with the first letter.
    #[must_use]
    pub fn new(path: PathBuf, bytes_max: u64) -> Self {
        Self { path, bytes_max }
    }

    /// Counts the letters and their bytes.
    /// # Errors
    /// If the file cannot be read.
    pub fn count(&self) -> io::Result<(u64, u64)> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
            Err(error) => return Err(error),
        };
        let (mut letters, mut bytes) = (0, 0);
        let mut file = BufReader::new(file);
        loop {
            let part = file.fill_buf()?;
            if part.is_empty() {
                return Ok((letters, bytes));
            }
            let length = part.len();
            letters += memchr::memchr_iter(b'\n', part).count() as u64;
            bytes += length as u64;
            file.consume(length);
        }
    }

    /// Adds a letter.
    /// # Errors
    /// The label of what is wrong: `dead-letters-full`, `disk-full`, `write-failed`.
    pub fn add(&self, item: &Item, reason: &str, at: Wall) -> Result<(), &'static str> {
        let text = item.text.as_deref();
        let letter = Letter { at, reason, text, uid: &item.uid };
        let mut line = serde_json::to_vec(&letter).map_err(|_| "write-failed")?;
        line.push(b'\n');
        self.append(&line).map_err(|error| label(&error))?.then_some(()).ok_or("dead-letters-full")
    }

    fn append(&self, line: &[u8]) -> io::Result<bool> {
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let before = file.metadata()?.len();
        if before.saturating_add(line.len() as u64) > self.bytes_max {
            return Ok(false);
        }
        if let Err(error) = file.write_all(line).and_then(|()| file.sync_data()) {
            file.set_len(before)?;
            return Err(error);
        }
        if let Some(folder) = self.path.parent().filter(|_| is_new) {
            disk::sync_folder(folder)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
