//! Tagged values: the encoding of everything that a service carries.
//!
//! Invariant: constructed values are not recursed into; how deep they are is counted, and bounded.
//! Source: ASHRAE 135-2020 §20.2.1.

use std::fmt;

use super::ObjectId;
use crate::{Cursor, Fault, Limit};

/// A tag is not built as tags are.
pub(super) const TAG: &str = "ASHRAE 135-2020 §20.2.1";
/// Another tag, or none, stands where the service has one.
pub(super) const PRODUCTION: &str = "ASHRAE 135-2020 §21";
/// A value is not built as values of its kind are.
pub(super) const VALUE: &str = "ASHRAE 135-2020 §20.2";
/// More follows than the service has.
pub(super) const EXCESS: &str = "ASHRAE 135-2020 §18.9";
/// A priority is not 1 to 16.
pub(super) const PRIORITY: &str = "ASHRAE 135-2020 §19.2";

const DEPTH_MAX: usize = 16;
/// How deep constructed values may be nested; the services of the standard need half of it.
pub const DEPTH_LIMIT: Limit = Limit { name: "levels of constructed BACnet data", max: DEPTH_MAX };

// The kinds of values, by their tag numbers (§20.2.1.4).
pub(super) const UNSIGNED: u8 = 2;
pub(super) const ENUMERATED: u8 = 9;
pub(super) const DATE: u8 = 10;
pub(super) const TIME: u8 = 11;
pub(super) const OBJECT: u8 = 12;

/// Bytes that are not read; `Debug` gives only their number.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Octets<'a>(pub &'a [u8]);

impl fmt::Debug for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte(s)", self.0.len())
    }
}

/// Tagged values that are not read yet; `Debug` gives only their length.
#[derive(Clone, Copy)]
pub struct Parameters<'a> {
    bytes: &'a [u8],
    at: usize,
    is_cut: bool,
}

impl<'a> Parameters<'a> {
    /// Takes bytes; `at` is their place in the datagram, for faults, and `is_cut` says that they
    /// are the beginning of something longer.
    #[must_use]
    pub fn new(bytes: &'a [u8], at: usize, is_cut: bool) -> Self {
        Self { bytes, at, is_cut }
    }

    /// Gives the bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Says whether they are the beginning of something longer.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Gives the place of the end in the datagram.
    pub(super) fn end(&self) -> usize {
        self.at.saturating_add(self.bytes.len())
    }

    /// Gives the tags.
    #[must_use]
    pub fn tags(&self) -> Tags<'a> {
        Tags { parameters: *self, at: 0, last: 0, open: [0; DEPTH_MAX], depth: 0, is_done: false }
    }
}

impl PartialEq for Parameters<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.bytes, self.is_cut) == (other.bytes, other.is_cut)
    }
}

impl Eq for Parameters<'_> {}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte(s)", self.bytes.len())
    }
}

/// A tag with its value; `Debug` gives only the length of the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tag<'a> {
    /// A value whose kind the tag says.
    Application {
        /// The kind: 0 null, 1 boolean, 2 unsigned, …, 12 object identifier.
        kind: u8,
        /// The number of bytes; of a boolean, whether it is true.
        length: u32,
        /// The value; empty for a boolean.
        bytes: &'a [u8],
    },
    /// A value whose kind the service says.
    Context {
        /// Which parameter it is.
        number: u8,
        /// The value.
        bytes: &'a [u8],
    },
    /// A constructed value begins.
    Opening {
        /// Which parameter it is.
        number: u8,
    },
    /// A constructed value ends.
    Closing {
        /// Which parameter it is.
        number: u8,
    },
}

impl fmt::Debug for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application { kind, bytes, .. } => {
                write!(f, "Application {kind} ({} byte(s))", bytes.len())
            }
            Self::Context { number, bytes } => {
                write!(f, "Context {number} ({} byte(s))", bytes.len())
            }
            Self::Opening { number } => write!(f, "Opening {number}"),
            Self::Closing { number } => write!(f, "Closing {number}"),
        }
    }
}

/// Goes through tagged values in the order of the bytes; after a fault there is nothing more.
///
/// Where the values are cut, the end is [`Fault::Incomplete`].
#[derive(Debug, Clone)]
pub struct Tags<'a> {
    parameters: Parameters<'a>,
    at: usize,
    /// Where the last tag begins.
    last: usize,
    /// The numbers of the constructed values that are open, outermost first.
    open: [u8; DEPTH_MAX],
    depth: usize,
    is_done: bool,
}

impl<'a> Iterator for Tags<'a> {
    type Item = Result<Tag<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let item = self.peek().map(|peeked| {
            let (tag, end) = peeked?;
            self.step(tag, end).map(|()| tag)
        });
        self.is_done = !matches!(item, Some(Ok(_)));
        item
    }
}

impl<'a> Tags<'a> {
    /// Reads the next tag without moving; gives it with the place of its end.
    fn peek(&self) -> Option<Result<(Tag<'a>, usize), Fault>> {
        let rest = self.parameters.bytes.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return match (self.parameters.is_cut, self.depth) {
                (true, _) => Some(Err(Fault::Incomplete { need: 1 })),
                (false, 0) => None,
                (false, _) => Some(Err(self.fault(self.at, TAG))),
            };
        }
        let mut cursor =
            if self.parameters.is_cut { Cursor::open(rest) } else { Cursor::whole(rest, TAG) };
        let tag = decode(&mut cursor);
        let start = self.parameters.at.saturating_add(self.at);
        Some(tag.map(|tag| (tag, self.at.saturating_add(cursor.at()))).map_err(|f| f.after(start)))
    }

    /// Moves behind a tag.
    fn step(&mut self, tag: Tag<'a>, end: usize) -> Result<(), Fault> {
        match tag {
            Tag::Opening { number } => {
                let Some(slot) = self.open.get_mut(self.depth) else {
                    let at = self.parameters.at.saturating_add(self.at);
                    return Err(Fault::OverLimit { at, limit: DEPTH_LIMIT });
                };
                *slot = number;
                self.depth = self.depth.saturating_add(1);
            }
            Tag::Closing { number } => {
                let inner = self.depth.checked_sub(1);
                let opened = inner.and_then(|inner| self.open.get(inner));
                if opened != Some(&number) {
                    return Err(self.fault(self.at, TAG));
                }
                self.depth = inner.unwrap_or(0);
            }
            Tag::Application { .. } | Tag::Context { .. } => {}
        }
        self.last = self.at;
        self.at = end;
        Ok(())
    }

    fn fault(&self, at: usize, rule: &'static str) -> Fault {
        Fault::Malformed { at: self.parameters.at.saturating_add(at), rule }
    }

    /// Makes the fault that the last tag breaks a rule.
    pub(super) fn blame(&self, rule: &'static str) -> Fault {
        self.fault(self.last, rule)
    }

    /// Takes the next tag if it is what `wanted` wants; at a cut there is none.
    fn take_if<T>(&mut self, wanted: impl Fn(Tag<'a>) -> Option<T>) -> Result<Option<T>, Fault> {
        match self.peek() {
            None | Some(Err(Fault::Incomplete { .. })) => Ok(None),
            Some(Err(fault)) => Err(fault),
            Some(Ok((tag, end))) => match wanted(tag) {
                None => Ok(None),
                Some(found) => self.step(tag, end).map(|()| Some(found)),
            },
        }
    }

    /// Makes the fault that something else stands here, or nothing.
    pub(super) fn missing(&self) -> Fault {
        match self.peek() {
            Some(Err(fault @ Fault::Incomplete { .. })) => fault,
            _ => self.fault(self.at, PRODUCTION),
        }
    }

    fn must<T>(&self, found: Option<T>) -> Result<T, Fault> {
        found.ok_or_else(|| self.missing())
    }

    /// Says whether anything is left.
    pub(super) fn more(&self) -> Result<bool, Fault> {
        match self.peek() {
            None | Some(Err(Fault::Incomplete { .. })) => Ok(false),
            Some(peeked) => peeked.map(|_| true),
        }
    }

    /// Holds that nothing is left.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.more()? { Err(self.fault(self.at, EXCESS)) } else { Ok(()) }
    }

    pub(super) fn bytes_if(&mut self, wanted: u8) -> Result<Option<&'a [u8]>, Fault> {
        self.take_if(|tag| match tag {
            Tag::Context { number, bytes } if number == wanted => Some(bytes),
            Tag::Context { .. }
            | Tag::Application { .. }
            | Tag::Opening { .. }
            | Tag::Closing { .. } => None,
        })
    }

    pub(super) fn bytes(&mut self, number: u8) -> Result<&'a [u8], Fault> {
        let found = self.bytes_if(number)?;
        self.must(found)
    }

    pub(super) fn open_if(&mut self, number: u8) -> Result<bool, Fault> {
        let wanted = |tag| (tag == Tag::Opening { number }).then_some(());
        self.take_if(wanted).map(|found| found.is_some())
    }

    pub(super) fn open(&mut self, number: u8) -> Result<(), Fault> {
        let found = self.open_if(number)?;
        self.must(found.then_some(()))
    }

    pub(super) fn close_if(&mut self, number: u8) -> Result<bool, Fault> {
        let wanted = |tag| (tag == Tag::Closing { number }).then_some(());
        self.take_if(wanted).map(|found| found.is_some())
    }

    pub(super) fn close(&mut self, number: u8) -> Result<(), Fault> {
        let found = self.close_if(number)?;
        self.must(found.then_some(()))
    }

    /// Takes a constructed value whole and gives what is in it, up to the cut.
    pub(super) fn construct_if(&mut self, number: u8) -> Result<Option<Parameters<'a>>, Fault> {
        let outside = self.depth;
        if !self.open_if(number)? {
            return Ok(None);
        }
        let start = self.at;
        let at = self.parameters.at.saturating_add(start);
        while self.depth > outside {
            match self.next() {
                Some(Ok(_)) => {}
                Some(Err(Fault::Incomplete { .. })) => {
                    let bytes = self.parameters.bytes.get(start..).unwrap_or_default();
                    self.at = self.parameters.bytes.len();
                    return Ok(Some(Parameters::new(bytes, at, true)));
                }
                Some(Err(fault)) => return Err(fault),
                None => return Err(self.fault(self.at, TAG)),
            }
        }
        let bytes = self.parameters.bytes.get(start..self.last).unwrap_or_default();
        Ok(Some(Parameters::new(bytes, at, false)))
    }

    pub(super) fn construct(&mut self, number: u8) -> Result<Parameters<'a>, Fault> {
        let found = self.construct_if(number)?;
        self.must(found)
    }

    /// Takes a value if it is of the kind that is wanted.
    pub(super) fn application_if(&mut self, wanted: u8) -> Result<Option<&'a [u8]>, Fault> {
        self.take_if(|tag| match tag {
            Tag::Application { kind, bytes, .. } if kind == wanted => Some(bytes),
            Tag::Application { .. }
            | Tag::Context { .. }
            | Tag::Opening { .. }
            | Tag::Closing { .. } => None,
        })
    }

    /// Takes a value of the kind that is wanted.
    pub(super) fn application(&mut self, wanted: u8) -> Result<&'a [u8], Fault> {
        let found = self.application_if(wanted)?;
        self.must(found)
    }

    pub(super) fn application_object_if(&mut self) -> Result<Option<ObjectId>, Fault> {
        let bytes = self.application_if(OBJECT)?;
        bytes.map(|bytes| self.to_object(bytes)).transpose()
    }

    pub(super) fn application_number(&mut self, kind: u8) -> Result<u32, Fault> {
        let bytes = self.application(kind)?;
        self.to_number(bytes)
    }

    pub(super) fn application_object(&mut self) -> Result<ObjectId, Fault> {
        let bytes = self.application(OBJECT)?;
        self.to_object(bytes)
    }

    pub(super) fn number_if(&mut self, number: u8) -> Result<Option<u32>, Fault> {
        let bytes = self.bytes_if(number)?;
        bytes.map(|bytes| self.to_number(bytes)).transpose()
    }

    pub(super) fn number(&mut self, number: u8) -> Result<u32, Fault> {
        let bytes = self.bytes(number)?;
        self.to_number(bytes)
    }

    pub(super) fn object_if(&mut self, number: u8) -> Result<Option<ObjectId>, Fault> {
        let bytes = self.bytes_if(number)?;
        bytes.map(|bytes| self.to_object(bytes)).transpose()
    }

    pub(super) fn object(&mut self, number: u8) -> Result<ObjectId, Fault> {
        let bytes = self.bytes(number)?;
        self.to_object(bytes)
    }

    /// Takes a priority of a write, 1 to 16, if there is one.
    pub(super) fn priority_if(&mut self, number: u8) -> Result<Option<u8>, Fault> {
        match self.number_if(number)? {
            None => Ok(None),
            Some(priority) => match u8::try_from(priority) {
                Ok(priority @ 1..=16) => Ok(Some(priority)),
                _ => Err(self.blame(PRIORITY)),
            },
        }
    }

    /// Reads an unsigned number or an enumeration.
    /// # Source
    /// ASHRAE 135-2020 §20.2.4, §20.2.11.
    fn to_number(&self, bytes: &[u8]) -> Result<u32, Fault> {
        if bytes.is_empty() || bytes.len() > 4 {
            return Err(self.blame(VALUE));
        }
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn to_object(&self, bytes: &[u8]) -> Result<ObjectId, Fault> {
        let whole = <[u8; 4]>::try_from(bytes).map_err(|_| self.blame(VALUE))?;
        Ok(ObjectId(u32::from_be_bytes(whole)))
    }
}

/// Reads one tag with its value.
fn decode<'a>(cursor: &mut Cursor<'a>) -> Result<Tag<'a>, Fault> {
    let place = cursor.clone();
    let first = cursor.u8()?;
    let is_context = first & 0x08 != 0;
    let mut number = first >> 4;
    if number == 15 {
        number = cursor.u8()?;
        // What fits into the first byte, and 255, is not written this way (§20.2.1.2).
        if number < 15 || number == 255 {
            return Err(place.malformed(TAG));
        }
    }
    let length = match first & 0x07 {
        6 if is_context => return Ok(Tag::Opening { number }),
        7 if is_context => return Ok(Tag::Closing { number }),
        6 | 7 => return Err(place.malformed(TAG)),
        5 => match cursor.u8()? {
            254 => u32::from(cursor.u16()?),
            255 => cursor.u32()?,
            length => u32::from(length),
        },
        length => u32::from(length),
    };
    let mut value = || match usize::try_from(length) {
        Ok(length) => cursor.take(length),
        Err(_) => Err(place.malformed(TAG)),
    };
    if is_context {
        return Ok(Tag::Context { number, bytes: value()? });
    }
    match number {
        1 if length > 1 => Err(place.malformed(TAG)),
        1 => Ok(Tag::Application { kind: 1, length, bytes: &[] }),
        0 | 2..=12 => Ok(Tag::Application { kind: number, length, bytes: value()? }),
        _ => Err(place.malformed(TAG)),
    }
}
