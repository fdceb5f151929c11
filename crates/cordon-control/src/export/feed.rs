//! What one exporter reads: streams of several journals, merged by the time of their records.
//!
//! The order inside a stream is kept. Between streams the older record goes first, as far as both
//! are there; a journal that comes late is late.

use std::path::PathBuf;

use cordon_journal::read::{self, Backlog, Cursor, CursorError, Entry, ReadError, Reader};
use cordon_journal::record::{Record, RecordError};
use cordon_model::event::{EventId, Retention};
use cordon_model::{Mono, WriterId};

use super::delivery::{Item, MS};

/// How long a stream that cannot be read is left alone.
const RETRY_MS: u64 = 10_000;

/// Gives a record in the words of the receiver; nothing if the format has none for it.
pub type Words<'a> = dyn Fn(&Entry, &Record, &EventId) -> Option<String> + Sync + 'a;

/// One stream of one journal.
#[derive(Debug)]
pub(super) struct Stream {
    dir: PathBuf,
    writer: WriterId,
    class: Retention,
    file: PathBuf,
    reader: Option<Reader>,
    /// The record that is read and not yet handed out.
    ahead: Option<Entry>,
    /// The place up to which records are handed out.
    place: Option<Cursor>,
    /// The place up to which everything is delivered, and whether it is kept.
    pub(super) done: Option<Cursor>,
    is_kept: bool,
    retry: Mono,
    pub(super) error: Option<String>,
}

/// What happened while reading.
#[derive(Debug)]
pub(super) enum News {
    /// Records are gone; go on behind them.
    Gap { index: usize, first: u64, records: u64 },
    /// A stream cannot be read for now.
    Unreadable { label: &'static str },
    /// A stream can be read again.
    Readable,
}

fn label(error: &ReadError) -> &'static str {
    match error {
        ReadError::File { .. } => "journal-unreadable",
        ReadError::Gap { .. } => "journal-gap",
        ReadError::Replaced { .. } => "journal-replaced",
        ReadError::Header { .. } | ReadError::Malformed { .. } => "journal-malformed",
    }
}

/// Joins an error and its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl Stream {
    /// Takes up a stream where it was left.
    pub(super) fn open(
        journal: &std::path::Path,
        writer: WriterId,
        class: Retention,
        folder: &std::path::Path,
    ) -> Result<Self, CursorError> {
        let file = folder.join(format!("{writer}.{class}.cursor"));
        let done = Cursor::load(&file)?;
        Ok(Self {
            dir: cordon_journal::layout::stream(journal, class),
            writer,
            class,
            file,
            reader: None,
            ahead: None,
            place: done,
            done,
            is_kept: true,
            retry: Mono(0),
            error: None,
        })
    }

    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.writer, self.class)
    }

    /// Gives the next record without taking it.
    fn peek(&mut self) -> Result<Option<&Entry>, ReadError> {
        if self.ahead.is_none() {
            if self.reader.is_none() {
                let place = match self.place {
                    Some(place) => place,
                    // Nothing was promised of what was gone before the exporter existed.
                    None => Reader::oldest(&self.dir)?,
                };
                self.reader = Some(Reader::open(&self.dir, place)?);
            }
            if let Some(reader) = &mut self.reader {
                self.ahead = reader.next()?;
            }
        }
        Ok(self.ahead.as_ref())
    }

    /// Marks everything up to a place as delivered.
    pub(super) fn advance(&mut self, cursor: Cursor) {
        self.done = Some(cursor);
        self.is_kept = false;
    }

    /// Counts a gap as delivered, if nothing before it is still on its way.
    pub(super) fn skip(&mut self, first: u64) {
        if self.done.is_some_and(|done| done.next == first) {
            self.done = self.place;
            self.is_kept = false;
        }
    }

    /// Brings the place to disk.
    pub(super) fn keep(&mut self) -> Result<(), CursorError> {
        if let Some(done) = self.done.filter(|_| !self.is_kept) {
            done.save(&self.file)?;
            self.is_kept = true;
        }
        Ok(())
    }

    /// Measures what is not delivered; nothing if that cannot be read.
    pub(super) fn backlog(&self) -> Option<Backlog> {
        let from = self.done.map_or_else(|| Reader::oldest(&self.dir), Ok).ok()?;
        read::backlog(&self.dir, &from).ok()
    }

    fn take(&mut self, index: usize, words: &Words<'_>) -> Result<Option<Item>, RecordError> {
        let Some(entry) = self.ahead.take() else { return Ok(None) };
        let record = match entry.record() {
            Ok(record) => record,
            Err(error) => {
                self.ahead = Some(entry);
                return Err(error);
            }
        };
        let (writer, seq) = (self.writer.clone(), record.seq);
        let id = EventId { writer, stream: self.class, seq };
        self.place = Some(entry.cursor);
        Ok(Some(Item {
            source: index,
            cursor: entry.cursor,
            time: record.time,
            uid: id.to_string(),
            text: words(&entry, &record, &id),
        }))
    }

    fn fail(&mut self, now: Mono, label: &'static str, text: String, news: &mut Vec<News>) {
        self.reader = None;
        self.retry = Mono(now.0.saturating_add(RETRY_MS * MS));
        if self.error.as_ref() != Some(&text) {
            self.error = Some(text);
            news.push(News::Unreadable { label });
        }
    }
}

/// The streams of an exporter.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) streams: Vec<Stream>,
}

impl Feed {
    /// Gives the oldest record of all streams.
    pub(super) fn next(
        &mut self,
        now: Mono,
        words: &Words<'_>,
        news: &mut Vec<News>,
    ) -> Option<Item> {
        let mut first = None;
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if now < stream.retry {
                continue;
            }
            match stream.peek() {
                Ok(entry) => {
                    let time = entry.map(|entry| (entry.link.stamp.time, index));
                    first = match (first, time) {
                        (Some(first), Some(time)) => Some(std::cmp::min(first, time)),
                        (first, time) => first.or(time),
                    };
                    if stream.error.take().is_some() {
                        news.push(News::Readable);
                    }
                }
                Err(ReadError::Gap { first, last, resume }) => {
                    let records = last.saturating_sub(first).saturating_add(1);
                    stream.reader = None;
                    stream.place = Some(*resume);
                    news.push(News::Gap { index, first, records });
                }
                Err(error) => stream.fail(now, label(&error), chain(&error), news),
            }
        }
        let (_, index) = first?;
        let stream = self.streams.get_mut(index)?;
        match stream.take(index, words) {
            Ok(item) => item,
            Err(error) => {
                let label = match error {
                    RecordError::Version(_) => "journal-newer",
                    RecordError::OverLimit | RecordError::Json(_) | RecordError::NotCanonical => {
                        "journal-malformed"
                    }
                };
                stream.fail(now, label, chain(&error), news);
                None
            }
        }
    }
}
