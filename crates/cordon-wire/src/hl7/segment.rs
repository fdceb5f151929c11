//! The segments of a message, and how they are told apart.

use std::fmt;

use memchr::{memchr, memchr_iter, memchr2};

use super::encoding::{Encoding, Value, part};

/// How the segments of a message end.
/// # Source
/// HL7 v2.6 §2.5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentEnd {
    /// By CR, as they must; an LF within a segment belongs to its text.
    Cr,
    /// By CR LF.
    CrLf,
    /// By LF; a CR ends one as well.
    Lf,
}

impl SegmentEnd {
    /// Tells by the end of the first segment.
    pub(super) fn find(payload: &[u8]) -> Self {
        let first = memchr2(b'\r', b'\n', payload).and_then(|end| payload.get(end..));
        match first {
            Some([b'\r', b'\n', ..]) => Self::CrLf,
            Some([b'\n', ..]) => Self::Lf,
            Some(_) | None => Self::Cr,
        }
    }
}

/// Goes through the segments of a message; lines with nothing on them are no segments.
#[derive(Debug, Clone)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    at: usize,
    end: SegmentEnd,
}

impl<'a> Lines<'a> {
    pub(super) fn new(payload: &'a [u8], end: SegmentEnd) -> Self {
        Self { rest: payload, at: 0, end }
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
        self.at = self.at.saturating_add(count);
    }
}

impl<'a> Iterator for Lines<'a> {
    /// The offset in the message, and the bytes without their end.
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let [b'\r' | b'\n', ..] = self.rest {
            self.skip(1);
        }
        let end = match self.end {
            SegmentEnd::Cr | SegmentEnd::CrLf => memchr(b'\r', self.rest),
            SegmentEnd::Lf => memchr2(b'\r', b'\n', self.rest),
        };
        let length = end.unwrap_or(self.rest.len());
        let line = self.rest.get(..length).unwrap_or_default();
        let at = self.at;
        self.skip(length.saturating_add(1));
        (!line.is_empty()).then_some((at, line))
    }
}

/// A segment of a message.
///
/// Its `Debug` shows its name and how many fields it has, never what they say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
}

impl<'a> Segment<'a> {
    pub(super) fn new(bytes: &'a [u8], encoding: Encoding) -> Self {
        Self { bytes, encoding }
    }

    /// Gives the bytes without the end of the segment.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Gives the name, for example `OBX`.
    #[must_use]
    pub fn name(self) -> &'a [u8] {
        self.bytes.get(..3).unwrap_or(self.bytes)
    }

    /// Gives a field, counted as the standard counts: MSH-1 is the delimiter itself. Empty when
    /// absent.
    /// # Source
    /// HL7 v2.6 §2.14.9.1.
    #[must_use]
    pub fn field(self, number: usize) -> Value<'a> {
        let bytes = match (self.name(), number) {
            (_, 0) => &[],
            (b"MSH", 1) => self.bytes.get(3..4).unwrap_or_default(),
            (b"MSH", _) => part(self.bytes, self.encoding.field, number.saturating_sub(1)),
            _ => part(self.bytes, self.encoding.field, number),
        };
        Value::new(bytes, self.encoding)
    }

    /// Gives the number of fields.
    #[must_use]
    pub fn fields(self) -> usize {
        let delimiters = memchr_iter(self.encoding.field, self.bytes).count();
        if self.name() == b"MSH" { delimiters.saturating_add(1) } else { delimiters }
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} fields)", self.name().escape_ascii(), self.fields())
    }
}

/// Says whether a segment has a name, and nothing but a field after it.
/// # Source
/// HL7 v2.6 §2.5.2.
pub(super) fn is_named(line: &[u8], encoding: Encoding) -> bool {
    let (name, after) = match line {
        [a, b, c] => ([a, b, c], None),
        [a, b, c, after, ..] => ([a, b, c], Some(*after)),
        _ => return false,
    };
    let [first, second, third] = name;
    let is_letter = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    first.is_ascii_uppercase()
        && is_letter(second)
        && is_letter(third)
        && after.is_none_or(|byte| byte == encoding.field)
}
