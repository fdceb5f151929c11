//! Reading a stream while it is written: record after record, from a place that outlives the
//! reader.
//!
//! A segment that is still written may end in zero bytes or in the middle of a line; that is not an
//! error, there is nothing more yet. Signatures are not checked here; the chain is.
//!
//! Invariant: a record is handed out only if a whole head stands behind it.
//! Invariant: no record is passed over silently: a gap is an error that names it.

mod cursor;
mod lines;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

pub use cursor::{Cursor, CursorError};

use crate::hash::Hash;
use crate::head::Head;
use crate::record::{Link, Record, RecordError};
use crate::segment::{self, Header, HeaderError, Line};
use lines::Lines;

/// A record as it stands in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The place behind it: who has taken it goes on from there.
    pub cursor: Cursor,
    /// Its hash.
    pub leaf: Hash,
    /// Its line, without its line end.
    pub line: Vec<u8>,
    /// Its place in the chain.
    pub link: Link,
}

impl Entry {
    /// Reads the record.
    /// # Errors
    /// [`RecordError`].
    pub fn record(&self) -> Result<Record, RecordError> {
        Record::decode(&self.line)
    }
}

/// Says why a stream cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Records are no longer there: their time was over before they were taken.
    #[error("records {first} to {last} are no longer there")]
    Gap {
        /// The first that is missing.
        first: u64,
        /// The last that is missing.
        last: u64,
        /// The place behind the gap.
        resume: Box<Cursor>,
    },
    /// The stream is not the one that the cursor was taken from.
    #[error("the journal is another one than before: record {next} does not continue it")]
    Replaced {
        /// The record that would be next.
        next: u64,
    },
    /// A segment begins with no header.
    #[error("segment {segment} has no header")]
    Header {
        /// The segment.
        segment: u64,
        /// Why.
        #[source]
        source: HeaderError,
    },
    /// A line is not what it should be.
    #[error("segment {segment}, byte {offset}: expected {expected}")]
    Malformed {
        /// The segment.
        segment: u64,
        /// Where in it.
        offset: u64,
        /// What should be there.
        expected: &'static str,
    },
}

impl ReadError {
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// What is written and not yet taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Records, those included that no head stands behind yet.
    pub records: u64,
    /// Bytes of the segments from the cursor on.
    pub bytes: u64,
}

/// Reads one stream.
/// # Shape
/// It holds one open file and a buffer of a few lines, however long the stream is.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    place: Cursor,
    lines: Option<Lines>,
    /// Up to where, in the open segment, heads stand behind the records.
    covered: u64,
}

/// Gives the segments of a stream, by the number of their first record.
fn segments(dir: &Path) -> Result<BTreeSet<u64>, ReadError> {
    let mut found = BTreeSet::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(ReadError::file(dir)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(ReadError::file(dir))?;
        found.extend(entry.file_name().to_str().and_then(segment::first_of));
    }
    Ok(found)
}

fn open(dir: &Path, first: u64) -> Result<Lines, ReadError> {
    let path = dir.join(segment::file_name(first));
    let file = File::open(&path).map_err(ReadError::file(&path))?;
    Ok(Lines::new(file, path, first))
}

/// Reads the header of a segment; nothing while it is not wholly written.
fn header(lines: &mut Lines) -> Result<Option<Header>, ReadError> {
    let segment = lines.segment();
    lines.seek(0);
    let Some(line) = lines.next()? else { return Ok(None) };
    let header = Header::decode(line).map_err(|source| ReadError::Header { segment, source })?;
    if header.first == segment {
        return Ok(Some(header));
    }
    Err(ReadError::Malformed {
        segment,
        offset: 0,
        expected: "the number that the file's name has",
    })
}

/// Gives the place at the beginning of a segment.
fn beginning(dir: &Path, first: u64) -> Result<Cursor, ReadError> {
    let mut lines = open(dir, first)?;
    let missing = ReadError::Malformed { segment: first, offset: 0, expected: "a whole header" };
    let header = header(&mut lines)?.ok_or(missing)?;
    Ok(Cursor { next: first, last: header.last, segment: first, offset: 0 })
}

impl Reader {
    /// Gives the place before the oldest record that is still there.
    /// # Errors
    /// [`ReadError`].
    pub fn oldest(dir: &Path) -> Result<Cursor, ReadError> {
        match segments(dir)?.first() {
            Some(0) | None => Ok(Cursor::START),
            Some(first) => beginning(dir, *first),
        }
    }

    /// Opens a stream at a place.
    /// # Shape
    /// `dir`: the folder of the stream; it may come into being later.
    /// # Errors
    /// [`ReadError`]; [`ReadError::Gap`] if the segment is gone, [`ReadError::Replaced`] if the
    /// stream was never at this place.
    pub fn open(dir: &Path, cursor: Cursor) -> Result<Self, ReadError> {
        let mut reader = Self { dir: dir.to_owned(), place: cursor, lines: None, covered: 0 };
        let found = segments(dir)?;
        if found.contains(&cursor.segment) {
            let mut lines = open(dir, cursor.segment)?;
            reader.verify(&mut lines)?;
            lines.seek(cursor.offset);
            reader.covered = cursor.offset;
            reader.lines = Some(lines);
        } else if let Some(first) = found.range(cursor.segment..).next() {
            reader.enter(*first)?;
        } else if !found.is_empty() || cursor != Cursor::START {
            return Err(ReadError::Replaced { next: cursor.next });
        }
        Ok(reader)
    }

    /// Gives the place of the record that comes next.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.place
    }

    /// Makes sure that the record before the cursor is the one that was taken.
    fn verify(&self, lines: &mut Lines) -> Result<(), ReadError> {
        let replaced = ReadError::Replaced { next: self.place.next };
        if self.place.offset == 0 {
            return Ok(());
        }
        let Some(header) = header(lines)? else { return Err(replaced) };
        let (mut next, mut last) = (header.first, header.last);
        let mut taken = Vec::new();
        while lines.offset() < self.place.offset {
            let Some(line) = lines.next()? else { return Err(replaced) };
            if let Line::Record(line) = Line::of(line) {
                // Only the last one counts, but which is the last shows at the end.
                taken.clear();
                taken.extend_from_slice(line);
            }
        }
        if let Some(link) = Link::of(&taken) {
            last = Hash::of_leaf(&taken);
            next = link.stamp.seq.saturating_add(1);
        }
        let is_same = lines.offset() == self.place.offset
            && (next, last) == (self.place.next, self.place.last);
        is_same.then_some(()).ok_or(replaced)
    }

    /// Goes on with the segment that begins with record `first`.
    fn enter(&mut self, first: u64) -> Result<(), ReadError> {
        let next = self.place.next;
        if first > next {
            let resume = Box::new(beginning(&self.dir, first)?);
            return Err(ReadError::Gap { first: next, last: first - 1, resume });
        }
        if first < next {
            return Err(ReadError::Replaced { next });
        }
        self.lines = Some(open(&self.dir, first)?);
        self.place = Cursor { segment: first, offset: 0, ..self.place };
        self.covered = 0;
        Ok(())
    }

    /// Looks for the next head; says whether there is one.
    fn cover(&mut self) -> Result<bool, ReadError> {
        let Some(lines) = &mut self.lines else { return Ok(false) };
        // From the place on each time: what no head stood behind may have been written anew.
        lines.seek(self.place.offset);
        let mut is_covered = false;
        while let Some(line) = lines.next()? {
            if matches!(Line::of(line), Line::Head(_)) {
                is_covered = true;
                self.covered = lines.offset();
                break;
            }
        }
        lines.seek(self.place.offset);
        Ok(is_covered)
    }

    /// Looks for the segment behind the one that is open and enters it; says whether there is one.
    fn advance(&mut self) -> Result<bool, ReadError> {
        let from = if self.lines.is_some() { self.place.segment + 1 } else { 0 };
        let Some(first) = segments(&self.dir)?.range(from..).next().copied() else {
            return Ok(false);
        };
        // The old one may have grown between the two looks.
        if self.place.offset > 0 && self.cover()? {
            return Ok(true);
        }
        self.enter(first)?;
        Ok(true)
    }

    /// Reads the header of the open segment and compares it; says whether it is there.
    fn begin(&mut self) -> Result<bool, ReadError> {
        let Some(lines) = &mut self.lines else { return Ok(false) };
        let Some(header) = header(lines)? else { return Ok(false) };
        if (header.first, header.last) != (self.place.next, self.place.last) {
            return Err(ReadError::Replaced { next: self.place.next });
        }
        self.place.offset = lines.offset();
        self.covered = self.place.offset;
        Ok(true)
    }

    /// Gives the next record, or nothing while there is none.
    /// # Errors
    /// [`ReadError`]; after an error the place is that before it.
    #[expect(clippy::should_implement_trait, reason = "nothing now does not mean nothing later")]
    pub fn next(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            if self.lines.is_some() && self.place.offset == 0 {
                if !self.begin()? {
                    return Ok(None);
                }
            } else if self.place.offset < self.covered {
                if let Some(entry) = self.take()? {
                    return Ok(Some(entry));
                }
            } else if !self.cover()? && !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// Takes one line; gives the record if it is one.
    fn take(&mut self) -> Result<Option<Entry>, ReadError> {
        let Cursor { next, last, segment, offset } = self.place;
        let malformed = |expected| ReadError::Malformed { segment, offset, expected };
        let lines = self.lines.as_mut().ok_or(malformed("an open segment"))?;
        lines.seek(offset);
        let line = match lines.next()? {
            None => return Err(malformed("the line that was there before")),
            Some(line) => line.to_owned(),
        };
        let offset = lines.offset();
        match Line::of(&line) {
            Line::Record(_) => (),
            Line::Head(line) => {
                let head = segment::decode_head(line).and_then(|text| Head::peek(&text).ok());
                let head = head.ok_or(malformed("a head"))?;
                if head.size != next {
                    return Err(malformed("a head over all records before"));
                }
                self.place.offset = offset;
                return Ok(None);
            }
            Line::Header(_) | Line::Foreign(_) => return Err(malformed("a record or a head")),
        }
        let link = Link::of(&line).ok_or(malformed("a record"))?;
        if (link.stamp.seq, link.after) != (next, last) {
            return Err(ReadError::Replaced { next });
        }
        let leaf = Hash::of_leaf(&line);
        let cursor = Cursor { next: next.saturating_add(1), last: leaf, segment, offset };
        self.place = cursor;
        Ok(Some(Entry { cursor, leaf, line, link }))
    }
}

/// Measures what is written in a stream from a place on.
/// # Errors
/// [`ReadError::File`].
pub fn backlog(dir: &Path, from: &Cursor) -> Result<Backlog, ReadError> {
    let found = segments(dir)?;
    let mut bytes = 0_u64;
    let mut end = from.next;
    for first in found.range(from.segment..) {
        let lines = match open(dir, *first) {
            Ok(lines) => lines,
            // Its time was over just now.
            Err(ReadError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let is_last = found.last() == Some(first);
        let size = if is_last { lines.written()? } else { lines.len()? };
        let skip = if *first == from.segment { from.offset } else { 0 };
        bytes = bytes.saturating_add(size.saturating_sub(skip));
        end = end.max(*first);
        if is_last {
            end = end.max(lines.end(size)?);
        }
    }
    Ok(Backlog { records: end.saturating_sub(from.next), bytes })
}

#[cfg(test)]
mod tests;
