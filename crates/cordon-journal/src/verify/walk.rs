//! One segment, line by line, on its own: its header says where it begins.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use cordon_model::note::{Note, Verifier};

use crate::hash::Hash;
use crate::head::{Head, HeadError};
use crate::record::{Link, RECORD_BYTES_MAX, Record};
use crate::segment::{self, Header, Line};
use crate::tree::Frontier;

use super::chain::{Chain, Ending, Fit, Held, Taken};
use super::clock::{Clock, Reading};
use super::fault::{Expected, Misfit, Place, Wrong};
use super::found::Findings;
use super::lines::{At, End, Lines, Piece};

/// Most records that a header may say stand before it; so counting never overflows.
pub(crate) const FIRST_MAX: u64 = 1 << 62;

/// What is asked of every segment.
pub(super) struct Ask<'a> {
    pub(super) dir: &'a Path,
    /// Whose stream it should be.
    pub(super) origin: &'a str,
    pub(super) key: Option<&'a Verifier>,
    pub(super) deep: bool,
    /// Takes records one by one, also where each follows the one before.
    pub(super) one_by_one: bool,
    /// The sizes at which the root is wanted, in order.
    pub(super) targets: &'a [u64],
}

/// A segment by its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    pub(super) first: u64,
    /// It is the last: the writer may be writing to it.
    pub(super) is_last: bool,
}

/// What a segment turned out to be.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) name: String,
    /// Nothing if it could not be read.
    pub(super) header: Option<Header>,
    pub(super) found: Findings,
    pub(super) clock: Clock,
    pub(super) ending: Ending,
    /// Where it ends.
    pub(super) end: At,
    /// Where records begin that no head covers, how many they are, and bytes of a cut-off line.
    pub(super) open: Option<(Place, u64, u64)>,
}

/// Opens a file that is one: no link, no pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path)?.file_type().is_file() {
        File::open(path)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

/// Walks a segment.
pub(super) fn walk(ask: &Ask<'_>, task: Task, clocks: Option<Reading>) -> Walked {
    let name = segment::file_name(task.first);
    let Ok(file) = open(&ask.dir.join(&name)) else {
        return unreadable(name, task);
    };
    let run = |all| match file.try_clone().and_then(rewound) {
        Ok(file) => run(file, &name, ask, task, clocks, all),
        Err(_) => unreadable(name.clone(), task),
    };
    let walked = run(ask.deep);
    let is_forged = |wrong: &Wrong| matches!(wrong, Wrong::BadSignature { .. });
    if !ask.deep && walked.found.faults.iter().any(|fault| is_forged(&fault.wrong)) {
        // The last head is forged: which is the first?
        return run(true);
    }
    walked
}

fn rewound(mut file: File) -> io::Result<File> {
    io::Seek::rewind(&mut file)?;
    Ok(file)
}

fn unreadable(name: String, task: Task) -> Walked {
    let mut walked = Walked { name, ..Walked::default() };
    walked.ending.next = task.first;
    let place = Place { file: walked.name.clone(), line: 1, offset: 0, seq: None };
    walked.found.fault(place, Wrong::Unreadable);
    walked
}

/// The walk over one segment.
struct Walk<'a> {
    ask: &'a Ask<'a>,
    name: &'a str,
    clock: Clock,
    all_signatures: bool,
    chain: Chain<'a>,
    header: Option<Header>,
    /// The last head, whose signature must verify.
    head: Option<(String, At)>,
    /// Where records begin that no head covers, the number of the first, and how many they are.
    open: Option<(At, u64, u64)>,
}

fn run(
    file: impl Read,
    name: &str,
    ask: &Ask<'_>,
    task: Task,
    clocks: Option<Reading>,
    all_signatures: bool,
) -> Walked {
    let mut lines = Lines::new(file);
    let clock = Clock::after(clocks);
    let chain = Chain::new(name, ask.targets, (None, None, task.first), clock);
    let mut walk =
        Walk { ask, name, clock, all_signatures, chain, header: None, head: None, open: None };
    let (at, end) = loop {
        if !ask.one_by_one {
            let (at, ahead) = lines.ahead();
            let taken = walk.smooth(ahead, at);
            lines.pass(taken.lines, taken.bytes);
        }
        match lines.next() {
            Ok((at, Piece::Line(line))) if at.line == 1 => walk.first(line, task),
            Ok((at, Piece::Line(line))) => walk.line(line, at),
            Ok((at, Piece::Long)) => walk.malformed(at, Expected::Length),
            Ok((at, Piece::End(end))) => break (at, end),
            Err(_) => {
                walk.chain.fault(At { line: 1, offset: 0 }, None, Wrong::Unreadable);
                break (At { line: 1, offset: lines.taken() }, End::default());
            }
        }
    };
    walk.chain.found.counts.bytes = lines.taken();
    walk.chain.found.counts.segments = 1;
    walk.end(at, end, task)
}

impl Walk<'_> {
    fn malformed(&mut self, at: At, expected: Expected) {
        self.chain.fault(at, None, Wrong::MalformedLine { expected });
        self.chain.doubt();
    }

    /// Takes the first line, which should be the header.
    fn first(&mut self, line: &[u8], task: Task) {
        let at = At { line: 1, offset: 0 };
        let is_canonical = |header: &Header| {
            header.encode().is_ok_and(|again| again.strip_suffix(b"\n") == Some(line))
        };
        let header = Header::decode(line).ok().filter(is_canonical);
        let Some(header) = header.filter(|header| header.first <= FIRST_MAX) else {
            if task.first == 0 {
                let start = (Some(Frontier::default()), Some(Hash::ZERO), 0);
                self.chain = Chain::new(self.name, self.ask.targets, start, self.clock);
            }
            self.malformed(at, Expected::Header);
            if !matches!(Line::of(line), Line::Header(_) | Line::Foreign(_)) {
                self.line(line, at);
            }
            return;
        };
        let start = (header.frontier(), Some(header.last), header.first);
        self.chain = Chain::new(self.name, self.ask.targets, start, self.clock);
        if header.first != task.first {
            self.chain.fault(at, None, Wrong::HeaderMismatch { what: Misfit::Name });
        }
        if header.origin != self.ask.origin {
            let found = header.origin.clone();
            self.chain.fault(at, None, Wrong::OtherOrigin { found });
        } else if let Err(wrong) = self.check(&header) {
            self.chain.fault(at, None, wrong);
        }
        self.header = Some(header);
    }

    /// Checks that a header fits itself.
    fn check(&mut self, header: &Header) -> Result<(), Wrong> {
        let wrong = |what| Wrong::HeaderMismatch { what };
        if header.first == 0 {
            return match (&header.head, header.last) {
                (None, Hash::ZERO) => Ok(()),
                (Some(_), _) => Err(wrong(Misfit::Head)),
                (None, _) => Err(wrong(Misfit::Last)),
            };
        }
        let text = header.head.as_deref().filter(|text| is_plain(text));
        let head = text.and_then(|text| Head::peek(text).ok());
        let (Some(text), Some(head)) = (text, head) else { return Err(wrong(Misfit::Head)) };
        if head.origin != self.ask.origin {
            return Err(Wrong::OtherOrigin { found: head.origin });
        }
        let root = header.frontier().map(|frontier| frontier.root());
        if head.size != header.first || Some(head.root) != root {
            return Err(wrong(Misfit::Head));
        }
        self.verify(text)?;
        self.chain.found.head = Some(head);
        Ok(())
    }

    fn line(&mut self, line: &[u8], at: At) {
        match Line::of(line) {
            Line::Record(line) => self.record(line, at),
            Line::Head(line) => self.head(line, at),
            Line::Header(_) | Line::Foreign(_) => {
                self.chain.fault(at, None, Wrong::ForeignLine);
                self.chain.doubt();
            }
        }
    }

    /// Takes records ahead as long as nothing is wrong with them.
    fn smooth(&mut self, ahead: &[u8], at: At) -> Taken {
        if at.line == 1 {
            return Taken::default();
        }
        let seq = self.chain.next();
        let taken = self.chain.smooth(ahead, at, self.ask.deep);
        if taken.lines > 0 {
            self.chain.found.counts.records += taken.lines;
            let (_, _, records) = self.open.get_or_insert((at, seq, 0));
            *records += taken.lines;
        }
        taken
    }

    fn record(&mut self, line: &[u8], at: At) {
        let seq = self.chain.next();
        self.chain.found.counts.records += 1;
        let (_, _, records) = self.open.get_or_insert((at, seq, 0));
        *records += 1;
        let link = Link::of(line).filter(|_| line.len() <= RECORD_BYTES_MAX);
        let Some(link) = link else { return self.malformed(at, Expected::Record) };
        if self.ask.deep && Record::decode(line).is_err() {
            let wrong = Wrong::MalformedLine { expected: Expected::Record };
            self.chain.fault(at, Some(seq), wrong);
        }
        let Link { after, stamp } = link;
        let (leaf, seq) = (Hash::of_leaf(line), stamp.seq);
        self.chain.record(Held { leaf, after, seq, stamp, at, behind: behind(line, at) });
    }

    fn head(&mut self, line: &[u8], at: At) {
        self.chain.found.counts.heads += 1;
        let is_canonical = |text: &String| {
            is_plain(text) && segment::encode_head(text).strip_suffix(b"\n") == Some(line)
        };
        let text = segment::decode_head(line).filter(is_canonical);
        let head = text.as_deref().and_then(|text| Head::peek(text).ok());
        let (Some(text), Some(head)) = (text, head) else {
            return self.malformed(at, Expected::Head);
        };
        self.open = None;
        let is_alone = Note::parse(&text).is_ok_and(|note| note.names().count() == 1);
        if !is_alone || !text.starts_with(&head.body()) {
            return self.malformed(at, Expected::Head);
        }
        if head.origin != self.ask.origin {
            return self.chain.fault(at, None, Wrong::OtherOrigin { found: head.origin });
        }
        let fit = self.chain.head(&head, at, behind(line, at));
        if (self.all_signatures || fit == Fit::Misfits)
            && let Err(wrong) = self.verify(&text)
        {
            self.chain.fault(at, None, wrong);
            if fit == Fit::Misfits {
                self.chain.forgive();
            }
            self.head = None;
            return;
        }
        self.head = Some((text, at));
    }

    /// Verifies the signature of a head.
    fn verify(&mut self, text: &str) -> Result<(), Wrong> {
        let Some(key) = self.ask.key else { return Ok(()) };
        self.chain.found.counts.signatures += 1;
        match Head::open(text, key) {
            Ok(_) => Ok(()),
            Err(
                HeadError::Signature(_)
                | HeadError::Note(_)
                | HeadError::OverLimit
                | HeadError::Form { .. }
                | HeadError::Origin { .. },
            ) => Err(Wrong::BadSignature { key: key.name().to_owned() }),
        }
    }

    fn end(mut self, at: At, end: End, task: Task) -> Walked {
        if !self.all_signatures
            && let Some((text, at)) = self.head.take()
            && let Err(wrong) = self.verify(&text)
        {
            self.chain.fault(at, None, wrong);
        }
        let is_unbegun = task.is_last && at.line == 1 && self.header.is_none();
        let mut open = self.open.map(|(at, seq, records)| (at, Some(seq), records));
        if open.is_none() && (end.cut > 0 || is_unbegun) {
            open = Some((At { offset: at.offset, line: at.line }, None, 0));
        }
        let open = open.map(|(at, seq, records)| (self.chain.place(at, seq), records, end.cut));
        if let Some(behind) = end.behind {
            self.chain.fault(At { offset: behind, ..at }, None, Wrong::BytesBehindEnd);
        } else if !task.is_last && end.is_padded {
            self.chain.fault(at, None, Wrong::BytesBehindEnd);
        } else if !task.is_last && at.line == 1 && self.header.is_none() {
            let wrong = Wrong::MalformedLine { expected: Expected::Header };
            self.chain.fault(at, None, wrong);
        }
        let (mut found, clock, ending) = self.chain.finish();
        found.faults.sort_by_key(|fault| fault.place.offset);
        found.faults.dedup();
        let (name, header) = (self.name.to_owned(), self.header);
        Walked { name, header, found, clock, ending, end: at, open }
    }
}

/// Gives where the next line begins.
fn behind(line: &[u8], at: At) -> u64 {
    at.offset.saturating_add(u64::try_from(line.len()).unwrap_or(0)).saturating_add(1)
}

/// Says whether a head is spelt as it is written: its own lines, each with its line end.
pub(super) fn is_plain(text: &str) -> bool {
    text.ends_with('\n') && !text.contains('\r')
}
