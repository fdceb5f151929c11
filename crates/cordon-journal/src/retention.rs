//! Retention: segments whose time is over are deleted, or those that a spool has no room for, unless
//! somebody holds them; a record says what went, before it goes.
//!
//! Source: 45 CFR 164.316(b)(2)(i) (six years).

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use cordon_model::event::{Actor, JournalNote, Retention};
use cordon_model::{Label, WallMs};

use crate::disk;
use crate::journal::{Journal, RecordFailure};
use crate::layout;
use crate::record::Link;
use crate::segment::{self, LINE_BYTES_MAX};

/// The folder of holds: one file for each, named by it.
pub const HOLDS: &str = "holds";
/// Most holds of one journal.
pub const HOLDS_MAX: usize = 1_000;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Says why nothing, or not all, was deleted.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// A file cannot be read, written or deleted.
    #[error("`{}` cannot be read, written or deleted", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The record that must come first could not be written.
    #[error("the record of it could not be written, so nothing was done")]
    Record(#[from] RecordFailure),
    /// Somebody holds the journal.
    #[error("it is held by `{0}`: nothing may be deleted until that is released")]
    Held(String),
    /// There is no such hold.
    #[error("there is no hold `{0}`")]
    NoHold(Label),
    /// There is already such a hold.
    #[error("there is already a hold `{0}`")]
    HoldExists(Label),
    /// There are too many holds.
    #[error("a journal has at most {HOLDS_MAX} holds")]
    HoldsOverLimit,
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> RetentionError {
    let path = path.to_owned();
    move |source| RetentionError::Io { path, source }
}

/// Segments of one stream that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The stream.
    pub stream: Retention,
    /// The first record of each segment.
    pub segments: Vec<u64>,
    /// The last record of them.
    pub last: u64,
    /// Their bytes on the disk.
    pub bytes: u64,
}

/// Gives the time of the last record of a sealed segment.
fn newest(path: &Path) -> io::Result<Option<WallMs>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(2 * LINE_BYTES_MAX as u64)))?;
    let mut tail = Vec::new();
    file.take(2 * LINE_BYTES_MAX as u64).read_to_end(&mut tail)?;
    let newest = tail.split(|byte| *byte == b'\n').rev().find_map(Link::of);
    Ok(newest.map(|link| link.stamp.time))
}

/// Gives what may be deleted at a moment, holds apart; nothing is changed.
/// # Errors
/// [`RetentionError::Io`].
pub fn due(journal: &Path, now: WallMs) -> Result<Vec<Due>, RetentionError> {
    let mut all = Vec::new();
    for class in Retention::ALL {
        let folder = layout::stream(journal, class);
        let firsts = layout::segments(&folder).map_err(io(&folder))?;
        let mut due = Due { stream: class, segments: vec![], last: 0, bytes: 0 };
        // The last segment is the live one; it stays.
        for (first, next) in firsts.iter().zip(firsts.iter().skip(1)) {
            let path = folder.join(segment::file_name(*first));
            let newest = newest(&path).map_err(io(&path))?;
            let end = newest.map(|newest| newest.0.saturating_add(class.days() * DAY_MS));
            if end.is_none_or(|end| end >= now.0) {
                break;
            }
            due.segments.push(*first);
            due.last = next.saturating_sub(1);
            due.bytes += fs::metadata(&path).map_err(io(&path))?.len();
        }
        if !due.segments.is_empty() {
            all.push(due);
        }
    }
    Ok(all)
}

/// Deletes what may be deleted at a moment; gives what went.
/// # Errors
/// [`RetentionError`]; [`RetentionError::Held`] if anything is due and somebody holds the journal.
pub fn expire(journal: &Journal, now: WallMs) -> Result<Vec<Due>, RetentionError> {
    let all = due(journal.folder(), now)?;
    remove(journal, all)
}

/// Gives what has to go so that the segments of a journal have at most so many bytes: the oldest
/// detail first, then the oldest traffic. Evidence stays, and so does what is being written.
/// # Errors
/// [`RetentionError::Io`].
pub fn surplus(journal: &Path, bytes_max: u64) -> Result<Vec<Due>, RetentionError> {
    let mut streams = Vec::new();
    let mut sum = 0u64;
    for class in Retention::ALL {
        let folder = layout::stream(journal, class);
        let firsts = layout::segments(&folder).map_err(io(&folder))?;
        let mut sizes = Vec::new();
        for first in firsts {
            let path = folder.join(segment::file_name(first));
            let bytes = fs::metadata(&path).map_err(io(&path))?.len();
            sum = sum.saturating_add(bytes);
            sizes.push((first, bytes));
        }
        streams.push((class, sizes));
    }
    let mut all = Vec::new();
    for (stream, sizes) in streams.into_iter().rev() {
        let mut due = Due { stream, segments: vec![], last: 0, bytes: 0 };
        if stream == Retention::Evidence {
            continue;
        }
        for ((first, bytes), (next, _)) in sizes.iter().zip(sizes.iter().skip(1)) {
            if sum <= bytes_max {
                break;
            }
            due.segments.push(*first);
            due.last = next.saturating_sub(1);
            due.bytes += bytes;
            sum = sum.saturating_sub(*bytes);
        }
        if !due.segments.is_empty() {
            all.push(due);
        }
    }
    Ok(all)
}

/// Deletes what has to go so that a journal has at most so many bytes; gives what went.
/// # Errors
/// As [`expire`].
pub fn shed(journal: &Journal, bytes_max: u64) -> Result<Vec<Due>, RetentionError> {
    let all = surplus(journal.folder(), bytes_max)?;
    remove(journal, all)
}

/// Deletes segments, once the record of it is on the disk.
fn remove(journal: &Journal, all: Vec<Due>) -> Result<Vec<Due>, RetentionError> {
    if all.is_empty() {
        return Ok(all);
    }
    if let Some(name) = holds(journal.folder())?.first() {
        return Err(RetentionError::Held(name.to_string()));
    }
    for due in &all {
        let (first, last) = (due.segments.first().copied().unwrap_or(0), due.last);
        journal.record(&journal.note(JournalNote::Expire { first, last, stream: due.stream }))?;
        let folder = layout::stream(journal.folder(), due.stream);
        for first in &due.segments {
            let path = folder.join(segment::file_name(*first));
            fs::remove_file(&path).map_err(io(&path))?;
            // A cache; it may be missing.
            let _ = fs::remove_file(layout::leaves(&folder, *first));
        }
        disk::sync_folder(&folder).map_err(io(&folder))?;
    }
    Ok(all)
}

/// Gives the holds of a journal, sorted.
/// # Errors
/// [`RetentionError::Io`].
pub fn holds(journal: &Path) -> Result<Vec<Label>, RetentionError> {
    let folder = journal.join(HOLDS);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(io(&folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(io(&folder))?.file_name();
        names.extend(name.to_str().and_then(|name| Label::new(name).ok()));
    }
    names.sort();
    Ok(names)
}

/// Holds a journal: nothing of it is deleted until the hold is released.
/// # Errors
/// [`RetentionError`].
pub fn hold(journal: &Journal, name: &Label, by: Actor) -> Result<(), RetentionError> {
    let known = holds(journal.folder())?;
    if known.contains(name) {
        return Err(RetentionError::HoldExists(name.clone()));
    }
    if known.len() >= HOLDS_MAX {
        return Err(RetentionError::HoldsOverLimit);
    }
    let id = journal.record(&journal.note(JournalNote::Hold { by, name: name.clone() }))?;
    let folder = journal.folder().join(HOLDS);
    fs::create_dir_all(&folder).map_err(io(&folder))?;
    let path = folder.join(name.as_str());
    disk::replace(&path, format!("{id}\n").as_bytes()).map_err(io(&path))
}

/// Releases a hold.
/// # Errors
/// [`RetentionError`].
pub fn release(journal: &Journal, name: &Label, by: Actor) -> Result<(), RetentionError> {
    if !holds(journal.folder())?.contains(name) {
        return Err(RetentionError::NoHold(name.clone()));
    }
    journal.record(&journal.note(JournalNote::Release { by, name: name.clone() }))?;
    let path = journal.folder().join(HOLDS).join(name.as_str());
    fs::remove_file(&path).map_err(io(&path))
}
