//! The delimiters of a message, and values between them.

use std::fmt;

use memchr::{memchr, memchr_iter, memrchr};

use crate::Fault;

/// The rule of MSH, its first two fields above all.
const HEADER: &str = "HL7 v2.6 §2.14.9";
const DELIMITERS: &str = "HL7 v2.6 §2.5.4";

/// The delimiters that a message says it uses.
/// # Source
/// HL7 v2.6 §2.5.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoding {
    /// MSH-1, usually `|`.
    pub field: u8,
    /// Usually `^`.
    pub component: u8,
    /// Usually `~`.
    pub repetition: u8,
    /// Usually `\`.
    pub escape: u8,
    /// Usually `&`.
    pub subcomponent: u8,
    /// The mark of cut values that v2.7 added, usually `#`.
    pub truncation: Option<u8>,
}

impl Encoding {
    /// The delimiters that everybody uses.
    pub const USUAL: Self = Self {
        field: b'|',
        component: b'^',
        repetition: b'~',
        escape: b'\\',
        subcomponent: b'&',
        truncation: None,
    };

    /// Reads MSH-1 and MSH-2.
    pub(super) fn read(payload: &[u8]) -> Result<Self, Fault> {
        let Some(rest) = payload.strip_prefix(b"MSH") else {
            return Err(Fault::Malformed { at: 0, rule: HEADER });
        };
        let Some((&field, rest)) = rest.split_first() else {
            return Err(Fault::Malformed { at: payload.len(), rule: HEADER });
        };
        if !is_delimiter(field) {
            return Err(Fault::Malformed { at: 3, rule: DELIMITERS });
        }
        let is_end = |byte: &u8| *byte == field || matches!(byte, b'\r' | b'\n');
        let length = rest.iter().take(6).position(is_end).unwrap_or(rest.len());
        let encoding = rest.get(..length).unwrap_or_default();
        let (four, truncation) = match encoding {
            [four @ .., truncation] if encoding.len() == 5 => (four, Some(*truncation)),
            four => (four, None),
        };
        let [component, repetition, escape, subcomponent] = *four else {
            return Err(Fault::Malformed { at: 4, rule: DELIMITERS });
        };
        let read = Self { field, component, repetition, escape, subcomponent, truncation };
        if read.is_sound() { Ok(read) } else { Err(Fault::Malformed { at: 4, rule: DELIMITERS }) }
    }

    /// Gives the delimiters in the order of the message; the last may be absent.
    pub(super) fn all(&self) -> impl Iterator<Item = u8> + Clone + '_ {
        [self.field, self.component, self.repetition, self.escape, self.subcomponent]
            .into_iter()
            .chain(self.truncation)
    }

    fn is_sound(&self) -> bool {
        // A byte has a place among 128 bits; that of a delimiter must be free.
        let mut seen = 0_u128;
        self.all().all(|byte| {
            let bit = 1_u128.checked_shl(u32::from(byte)).unwrap_or(0);
            let is_new = seen & bit == 0;
            seen |= bit;
            is_new && is_delimiter(byte)
        })
    }
}

/// Says whether a byte can delimit: printable, and nothing that words are made of.
pub(super) fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric()
}

/// Gives the part between the delimiters `index` and `index` + 1 (from 0); nothing when absent.
///
/// Most segments are asked for a late field that they do not have, and counting is much faster
/// than finding.
pub(super) fn part(bytes: &[u8], delimiter: u8, index: usize) -> &[u8] {
    if index == 0 {
        return first(bytes, delimiter);
    }
    let total = memchr_iter(delimiter, bytes).count();
    let Some(after) = total.checked_sub(index) else { return &[] };
    if after < index {
        let mut rest = bytes;
        for _ in 0..after {
            rest = memrchr(delimiter, rest).and_then(|place| rest.get(..place)).unwrap_or_default();
        }
        let start = memrchr(delimiter, rest).map_or(0, |place| place.saturating_add(1));
        return rest.get(start..).unwrap_or_default();
    }
    let mut rest = bytes;
    for _ in 0..index {
        let next = memchr(delimiter, rest).map_or(rest.len(), |place| place.saturating_add(1));
        rest = rest.get(next..).unwrap_or_default();
    }
    first(rest, delimiter)
}

fn first(bytes: &[u8], delimiter: u8) -> &[u8] {
    bytes.split(|byte| *byte == delimiter).next().unwrap_or_default()
}

/// A value of a message: a field, a repetition, a component or a subcomponent.
///
/// Its `Debug` shows how long it is and never what it says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    bytes: &'a [u8],
    encoding: Encoding,
}

impl<'a> Value<'a> {
    pub(super) fn new(bytes: &'a [u8], encoding: Encoding) -> Self {
        Self { bytes, encoding }
    }

    /// Gives the bytes as they are in the message, escapes and delimiters included.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Says whether there is no value: nothing at all, or the `""` that deletes one.
    /// # Source
    /// HL7 v2.6 §2.5.3.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.bytes.is_empty() || self.bytes == b"\"\""
    }

    /// Gives the repetitions of a field; one, when it does not repeat.
    pub fn repetitions(self) -> impl Iterator<Item = Self> {
        let repetition = self.encoding.repetition;
        let parts = self.bytes.split(move |byte| *byte == repetition);
        parts.map(move |bytes| Self { bytes, ..self })
    }

    /// Gives a component of the first repetition, counted from 1; empty when absent.
    #[must_use]
    pub fn component(self, number: usize) -> Self {
        let first = part(self.bytes, self.encoding.repetition, 0);
        let bytes = part(first, self.encoding.component, number.saturating_sub(1));
        Self { bytes, ..self }
    }

    /// Gives the first components of a value that does not repeat.
    pub(super) fn components<const N: usize>(self) -> [&'a [u8]; N] {
        let mut parts = self.bytes.split(|byte| *byte == self.encoding.component);
        [(); N].map(|()| parts.next().unwrap_or_default())
    }

    /// Gives a subcomponent, counted from 1; empty when absent.
    #[must_use]
    pub fn subcomponent(self, number: usize) -> Self {
        let bytes = part(self.bytes, self.encoding.subcomponent, number.saturating_sub(1));
        Self { bytes, ..self }
    }

    /// Says whether the value, its escapes resolved, is a text.
    #[must_use]
    pub fn is_text(self, text: &str) -> bool {
        let mut left = Some(text.as_bytes());
        self.pieces(&mut |piece| {
            left = left.and_then(|left| left.strip_prefix(piece));
            left.is_some()
        });
        left.is_some_and(<[u8]>::is_empty)
    }

    /// Resolves the escapes `\F\ \S\ \T\ \R\ \E\ \P\ \Xhh…\` into a buffer; those that only lay out
    /// text stay as they are. Nothing when the buffer is too short; the value's length suffices.
    /// # Source
    /// HL7 v2.6 §2.7.1; HL7 v2.6 §2.7.5.
    #[must_use]
    pub fn unescape(self, buffer: &mut [u8]) -> Option<&[u8]> {
        let mut length = 0_usize;
        let mut fits = true;
        self.pieces(&mut |piece| {
            let end = length.saturating_add(piece.len());
            fits = match buffer.get_mut(length..end) {
                Some(place) => {
                    place.copy_from_slice(piece);
                    length = end;
                    true
                }
                None => false,
            };
            fits
        });
        if fits { buffer.get(..length) } else { None }
    }

    /// Gives the text in pieces, until `each` says no.
    fn pieces(self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let escape = self.encoding.escape;
        let mut rest = self.bytes;
        while let Some(start) = memchr(escape, rest) {
            let (before, from) = rest.split_at_checked(start).unwrap_or((rest, &[]));
            let after = from.get(1..).unwrap_or_default();
            let Some(length) = memchr(escape, after) else { break };
            let (code, tail) = after.split_at_checked(length).unwrap_or((after, &[]));
            if !each(before) {
                return;
            }
            let goes_on = match self.escaped(code) {
                Escaped::Byte(byte) => each(&[byte]),
                Escaped::Hex(digits) => digits
                    .chunks_exact(2)
                    .filter_map(|pair| pair.first_chunk::<2>().and_then(hex_pair))
                    .all(|byte| each(&[byte])),
                Escaped::Layout => each(from.get(..length.saturating_add(2)).unwrap_or_default()),
            };
            if !goes_on {
                return;
            }
            rest = tail.get(1..).unwrap_or_default();
        }
        each(rest);
    }

    fn escaped<'c>(&self, code: &'c [u8]) -> Escaped<'c> {
        match code {
            b"F" => Escaped::Byte(self.encoding.field),
            b"S" => Escaped::Byte(self.encoding.component),
            b"R" => Escaped::Byte(self.encoding.repetition),
            b"E" => Escaped::Byte(self.encoding.escape),
            b"T" => Escaped::Byte(self.encoding.subcomponent),
            b"P" => self.encoding.truncation.map_or(Escaped::Layout, Escaped::Byte),
            [b'X', digits @ ..] if is_hex(digits) => Escaped::Hex(digits),
            _ => Escaped::Layout,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.bytes.len())
    }
}

enum Escaped<'a> {
    Byte(u8),
    Hex(&'a [u8]),
    Layout,
}

fn is_hex(digits: &[u8]) -> bool {
    !digits.is_empty() && digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit)
}

/// Reads two hexadecimal digits.
pub(super) fn hex_pair(digits: &[u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high?.checked_mul(16)?.checked_add(low?)?).ok()
}
