//! Heads and bodies of one direction of a stream.

use super::head::{Coding, Head, Start};
use super::section::Section;
use super::{HEAD_FIELDS, Side, chunk};
use crate::{Fault, Step, Tail, Unit};

/// How many requests may wait for their responses.
pub const EXPECTED_MAX: usize = 32;

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A head.
    Head(Head<'a>),
    /// As much of a body as has arrived.
    Body(Content<'a>),
    /// What is between the pieces of a body: sizes of chunks, and the trailer section.
    Framing,
    /// What is not HTTP any more: a tunnel, or another protocol that both agreed on.
    Opaque(Content<'a>),
}

/// Bytes that are not printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content<'a>(pub &'a [u8]);

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({})", self.0.len())
    }
}

/// What a response answers, as far as it says whether the response has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asked {
    #[default]
    Other,
    Head,
    Connect,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Head(Section),
    Length(u64),
    UntilClose,
    ChunkSize {
        scanned: usize,
    },
    Chunk(u64),
    ChunkEnd,
    Trailer(Section),
    Opaque,
    /// Nothing is read any more.
    Lost,
}

/// What is at the front of the stream: so many bytes are a part, or a fault.
type Look<'a> = Result<Option<(usize, Part<'a>)>, (usize, Fault)>;

/// Reads one direction of a connection.
///
/// Bodies come out in the pieces in which they arrive; everything else is the same whatever the
/// pieces. A fault loses the stream.
#[derive(Debug)]
pub struct Reader {
    side: Side,
    state: State,
    tail: Tail,
    at: u64,
    expected: [Asked; EXPECTED_MAX],
    waiting: usize,
}

impl Reader {
    /// Begins at a head.
    #[must_use]
    pub fn new(side: Side) -> Self {
        Self {
            side,
            state: State::Head(Section::head()),
            tail: Tail::default(),
            at: 0,
            expected: [Asked::Other; EXPECTED_MAX],
            waiting: 0,
        }
    }

    /// Says whether nothing more can be read.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost)
    }

    /// Gives how many bytes of a unit that is not complete are kept.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.tail.len()
    }

    /// Tells a reader of responses which method the next request has that was passed on: whether a
    /// response has a body depends on it. Says whether there was room.
    /// # Source
    /// RFC 9112 §6.3.
    pub fn expect(&mut self, method: &str) -> bool {
        let Some(place) = self.expected.get_mut(self.waiting) else { return false };
        *place = match method {
            "HEAD" => Asked::Head,
            "CONNECT" => Asked::Connect,
            _ => Asked::Other,
        };
        self.waiting += 1;
        true
    }

    /// Tells a reader of requests that the server agreed to another protocol: nothing that follows
    /// is HTTP. Only the server's word counts, otherwise a client could hide what it asks.
    /// # Source
    /// RFC 9110 §7.8.
    pub fn switch_protocol(&mut self) {
        if !self.is_lost() {
            self.state = State::Opaque;
        }
    }

    /// Reads what has arrived, and hands out each part that is complete with it.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Unit<'_, Part<'_>>)) {
        let mut tail = std::mem::take(&mut self.tail);
        tail.feed(bytes, &mut |front| self.step(front, each));
        self.tail = tail;
    }

    /// Ends the stream; what is left of a message is handed out as incomplete.
    pub fn finish(&mut self, each: &mut dyn FnMut(Unit<'_, Part<'_>>)) {
        let need = match self.state {
            State::Head(_) if self.tail.is_empty() => None,
            State::UntilClose | State::Opaque | State::Lost => None,
            State::Length(left) | State::Chunk(left) => {
                Some(usize::try_from(left).unwrap_or(usize::MAX))
            }
            State::Head(_) | State::ChunkSize { .. } | State::ChunkEnd | State::Trailer(_) => {
                Some(1)
            }
        };
        if let Some(need) = need {
            let value = Err(Fault::Incomplete { need });
            each(Unit { at: self.at, bytes: self.tail.kept(), value });
        }
        self.tail.clear();
        self.state = State::Lost;
    }

    fn step(&mut self, front: &[u8], each: &mut dyn FnMut(Unit<'_, Part<'_>>)) -> Step {
        if self.is_lost() {
            return Step::Took(front.len());
        }
        let (length, value) = match self.look(front) {
            Ok(None) => {
                // Both bytes of the line end after a chunk are needed; of lines nobody knows.
                let need = if matches!(self.state, State::ChunkEnd) { 1 } else { usize::MAX };
                return Step::Wait { need };
            }
            Ok(Some((length, part))) => (length, Ok(part)),
            Err((length, fault)) => {
                self.state = State::Lost;
                (length, Err(fault))
            }
        };
        each(Unit { at: self.at, bytes: front.get(..length).unwrap_or(front), value });
        self.at = self.at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        Step::Took(length)
    }

    /// Looks at the front in the present state, and goes on to the next.
    fn look<'a>(&mut self, front: &'a [u8]) -> Look<'a> {
        match self.state {
            State::Head(section) => self.head(section, front),
            State::Length(left) => {
                let (piece, left) = piece(front, left);
                self.state = if left == 0 { Self::HEAD } else { State::Length(left) };
                Ok(Some((piece.len(), Part::Body(Content(piece)))))
            }
            State::UntilClose => Ok(Some((front.len(), Part::Body(Content(front))))),
            State::ChunkSize { mut scanned } => {
                let found = chunk::size(front, &mut scanned).map_err(cut)?;
                self.state = match found {
                    None => State::ChunkSize { scanned },
                    Some((_, 0)) => State::Trailer(Section::trailer()),
                    Some((_, size)) => State::Chunk(size),
                };
                Ok(found.map(|(length, _)| (length, Part::Framing)))
            }
            State::Chunk(left) => {
                let (piece, left) = piece(front, left);
                self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                Ok(Some((piece.len(), Part::Body(Content(piece)))))
            }
            State::ChunkEnd => match front.first_chunk::<2>() {
                None => Ok(None),
                Some(b"\r\n") => {
                    self.state = State::ChunkSize { scanned: 0 };
                    Ok(Some((2, Part::Framing)))
                }
                Some(_) => Err((2, Fault::Malformed { at: 0, rule: chunk::RULE })),
            },
            State::Trailer(section) => self.trailer(section, front),
            State::Opaque | State::Lost => Ok(Some((front.len(), Part::Opaque(Content(front))))),
        }
    }

    fn head<'a>(&mut self, mut section: Section, front: &'a [u8]) -> Look<'a> {
        let Some(length) = section.look(front).map_err(cut)? else {
            self.state = State::Head(section);
            return Ok(None);
        };
        let bytes = front.get(..length).unwrap_or(front);
        let head = Head::read(bytes, self.side).map_err(|fault| (length, fault))?;
        self.state = self.after(&head);
        Ok(Some((length, Part::Head(head))))
    }

    fn trailer<'a>(&mut self, mut section: Section, front: &'a [u8]) -> Look<'a> {
        let Some(length) = section.look(front).map_err(cut)? else {
            self.state = State::Trailer(section);
            return Ok(None);
        };
        let bytes = front.get(..length).unwrap_or(front);
        let mut fields = [httparse::EMPTY_HEADER; HEAD_FIELDS.max];
        httparse::parse_headers(bytes, &mut fields)
            .map_err(|error| (length, super::head::fault(error, bytes)))?;
        self.state = Self::HEAD;
        Ok(Some((length, Part::Framing)))
    }

    const HEAD: State = State::Head(Section::head());

    /// Says what follows a head.
    /// # Source
    /// RFC 9112 §6.3.
    fn after(&mut self, head: &Head<'_>) -> State {
        let by_length = match (head.coding(), head.content_length()) {
            (Some(Coding::Chunked), _) => State::ChunkSize { scanned: 0 },
            (Some(Coding::Other), _) => State::UntilClose,
            (None, Some(0)) => Self::HEAD,
            (None, Some(length)) => State::Length(length),
            (None, None) if self.side == Side::Request => Self::HEAD,
            (None, None) => State::UntilClose,
        };
        match head.start() {
            // Whoever permits a tunnel permits what is in it.
            Start::Request { method: "CONNECT", .. } => State::Opaque,
            Start::Request { .. } => by_length,
            Start::Response { status: 101 } => State::Opaque,
            Start::Response { status: 100..=199 } => Self::HEAD,
            Start::Response { status } => match (self.answered(), status) {
                (Asked::Connect, 200..=299) => State::Opaque,
                (Asked::Head, _) | (_, 204 | 304) => Self::HEAD,
                (Asked::Other | Asked::Connect, _) => by_length,
            },
        }
    }

    /// Takes the oldest request that has no response yet.
    fn answered(&mut self) -> Asked {
        let oldest = self.expected.first().copied().unwrap_or_default();
        if self.waiting == 0 {
            return Asked::Other;
        }
        self.expected.rotate_left(1);
        self.waiting -= 1;
        oldest
    }
}

/// Takes the part of a body that has arrived; gives it and what is left of the body.
fn piece(front: &[u8], left: u64) -> (&[u8], u64) {
    let wanted = usize::try_from(left).unwrap_or(usize::MAX);
    let piece = front.get(..wanted).unwrap_or(front);
    (piece, left.saturating_sub(u64::try_from(piece.len()).unwrap_or(u64::MAX)))
}

/// Gives a fault with the bytes up to it: the same whatever came with them.
fn cut(fault: Fault) -> (usize, Fault) {
    let length = match fault {
        Fault::OverLimit { at, .. } => at,
        Fault::Malformed { at, .. } | Fault::Unsupported { at, .. } => at.saturating_add(1),
        Fault::Incomplete { .. } => 1,
    };
    (length, fault)
}
