//! Reading a journal: its records in order, or one by its name.
//!
//! Invariant: what is read follows the chain; where the chain breaks, reading stops and says so.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use cordon_journal::layout;
use cordon_journal::read::{Cursor, Entry, ReadError, Reader};
use cordon_journal::record::Record;
use cordon_journal::segment::{self, Header, LINE_BYTES_MAX};
use cordon_model::event::{EventId, Kind, Retention};
use cordon_model::{DeviceId, PointId, WriterId};

use crate::moment::Span;
use crate::outcome::{Failure, chain};
use crate::recorder::Owner;

mod words;

pub(crate) use words::line;

/// A record with its name.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: EventId,
    pub(crate) entry: Entry,
    pub(crate) record: Record,
}

/// Which records are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) streams: Vec<Retention>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) device: Option<DeviceId>,
    pub(crate) point: Option<PointId>,
    pub(crate) span: Span,
}

impl Filter {
    fn has_stream(&self, class: Retention) -> bool {
        let is_named = self.streams.is_empty() || self.streams.contains(&class);
        let is_of_kind = |kind: &Kind| kind.retention() == class;
        is_named && (self.kinds.is_empty() || self.kinds.iter().any(is_of_kind))
    }

    fn wants(&self, record: &Record) -> bool {
        let event = &record.event;
        (self.kinds.is_empty() || self.kinds.contains(&event.what.kind()))
            && self.span.contains(event.at)
            && self.device.as_ref().is_none_or(|device| event.what.device() == Some(device))
            && self.point.as_ref().is_none_or(|point| event.point.as_ref() == Some(point))
    }
}

/// Says why a journal cannot be read on.
pub(crate) fn unreadable(error: &ReadError, stream: Retention) -> Failure {
    let message = format!("the stream `{stream}`: {}", chain(error));
    match error {
        ReadError::File { .. } => Failure::config(message, "check the path and its permissions"),
        ReadError::Gap { .. }
        | ReadError::Replaced { .. }
        | ReadError::Header { .. }
        | ReadError::Malformed { .. } => {
            Failure::input(message, "`cordon journal verify` says what is wrong, and where")
        }
    }
}

/// A journal on the disk, or a copy of one.
#[derive(Debug)]
pub(crate) struct Ledger {
    folder: PathBuf,
    writer: WriterId,
}

/// Reads the header of a segment.
fn header(path: &Path) -> Option<Header> {
    let mut line = Vec::new();
    let limit = u64::try_from(LINE_BYTES_MAX).ok()?;
    BufReader::new(File::open(path).ok()?.take(limit)).read_until(b'\n', &mut line).ok()?;
    Header::decode(line.strip_suffix(b"\n")?).ok()
}

impl Ledger {
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        if !folder.is_dir() {
            let message = format!("{} is not a directory", folder.display());
            return Err(Failure::config(message, "name the folder of a journal"));
        }
        let owner = match Owner::of(folder)? {
            Some(owner) => Some(owner),
            // A copy without its keys still says whose it is.
            None => Retention::ALL.into_iter().find_map(|class| {
                let stream = layout::stream(folder, class);
                let first = layout::segments(&stream).ok()?.first().copied()?;
                Owner::of_origin(&header(&stream.join(segment::file_name(first)))?.origin)
            }),
        };
        let owner = owner.ok_or_else(|| {
            let message = format!("{} is no journal", folder.display());
            Failure::input(message, "name a folder with `journal.pub` and its streams")
        })?;
        Ok(Self { folder: folder.to_owned(), writer: owner.writer })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn writer(&self) -> &WriterId {
        &self.writer
    }

    /// Opens every stream that is wanted at its oldest record.
    pub(crate) fn walk(&self, filter: Filter) -> Result<Walk<'_>, Failure> {
        let mut streams = Vec::new();
        for class in Retention::ALL.into_iter().filter(|class| filter.has_stream(*class)) {
            let folder = layout::stream(&self.folder, class);
            let fail = |error: ReadError| unreadable(&error, class);
            let reader = Reader::oldest(&folder).and_then(|from| Reader::open(&folder, from));
            streams.push(Strand {
                class,
                reader: reader.map_err(fail)?,
                next: None,
                is_dry: false,
            });
        }
        Ok(Walk { ledger: self, filter, streams })
    }

    fn stored(&self, class: Retention, entry: Entry) -> Result<Stored, Failure> {
        let id = EventId { writer: self.writer.clone(), stream: class, seq: entry.link.stamp.seq };
        let record = entry.record().map_err(|error| {
            let message = format!("{id}: {}", chain(&error));
            Failure::input(message, "`cordon journal verify` says what is wrong, and where")
        })?;
        Ok(Stored { id, entry, record })
    }

    /// Finds a record by its name.
    pub(crate) fn find(&self, id: &EventId) -> Result<Stored, Failure> {
        let absent =
            |why: String| Failure::input(format!("there is no record {id}: {why}"), ABSENT);
        if id.writer != self.writer {
            let at = self.folder.display();
            return Err(absent(format!("{at} is written by `{}`", self.writer)));
        }
        let folder = layout::stream(&self.folder, id.stream);
        let firsts = layout::segments(&folder).map_err(|error| Failure::path(&folder, &error))?;
        let oldest = firsts.first().copied().unwrap_or(0);
        let segment = firsts.iter().rev().find(|first| **first <= id.seq).copied();
        let Some(segment) = segment else {
            let is_empty = firsts.is_empty();
            let why = format!("the oldest that is kept is {oldest}");
            return Err(absent(if is_empty { "the stream is empty".to_owned() } else { why }));
        };
        let path = folder.join(segment::file_name(segment));
        let last = header(&path).map(|header| header.last).ok_or_else(|| {
            let message = format!("{} has no header", path.display());
            Failure::input(message, "`cordon journal verify` says what is wrong, and where")
        })?;
        let cursor = Cursor { last, next: segment, offset: 0, segment };
        let fail = |error: ReadError| unreadable(&error, id.stream);
        let mut reader = Reader::open(&folder, cursor).map_err(fail)?;
        while let Some(entry) = reader.next().map_err(fail)? {
            if entry.link.stamp.seq == id.seq {
                return self.stored(id.stream, entry);
            }
        }
        Err(absent("the stream ends before it".to_owned()))
    }
}

/// What to do about a record that is not there.
const ABSENT: &str =
    "`cordon journal show` lists what is there; an event is named writer/stream/number";

/// A stream that is read, and the record that was read ahead.
#[derive(Debug)]
struct Strand {
    class: Retention,
    reader: Reader,
    next: Option<Stored>,
    /// It had nothing more when it was asked last; it is asked again when no stream has any.
    is_dry: bool,
}

/// Records of all wanted streams, by the time at which they were written.
#[derive(Debug)]
pub(crate) struct Walk<'l> {
    ledger: &'l Ledger,
    filter: Filter,
    streams: Vec<Strand>,
}

impl Walk<'_> {
    /// Gives the next record, or nothing while there is none.
    pub(crate) fn next(&mut self) -> Result<Option<Stored>, Failure> {
        for strand in &mut self.streams {
            while strand.next.is_none() && !strand.is_dry {
                let read = strand.reader.next();
                let entry = match read {
                    Ok(entry) => entry,
                    // Its time was over while it was read.
                    Err(ReadError::Gap { resume, .. }) => {
                        let folder = layout::stream(&self.ledger.folder, strand.class);
                        strand.reader = Reader::open(&folder, *resume)
                            .map_err(|error| unreadable(&error, strand.class))?;
                        continue;
                    }
                    Err(error) => return Err(unreadable(&error, strand.class)),
                };
                let Some(entry) = entry else {
                    strand.is_dry = true;
                    break;
                };
                let stored = self.ledger.stored(strand.class, entry)?;
                if self.filter.wants(&stored.record) {
                    strand.next = Some(stored);
                }
            }
        }
        let time = |strand: &&mut Strand| strand.next.as_ref().map(|next| next.record.time);
        let ready = self.streams.iter_mut().filter(|strand| strand.next.is_some());
        let next = ready.min_by_key(time).and_then(|strand| strand.next.take());
        if next.is_none() {
            self.streams.iter_mut().for_each(|strand| strand.is_dry = false);
        }
        Ok(next)
    }

    /// Goes on behind the newest records there are, of which none is given.
    pub(crate) fn skip_to_end(&mut self) -> Result<(), Failure> {
        while self.next()?.is_some() {}
        Ok(())
    }
}
