//! Extensions and lists in a ClientHello.
//!
//! Invariant: a view is made only of bytes that have been checked; walking them cannot fail.

use crate::{Cursor, Fault};

/// Says whether a value means nothing, and is there so that nobody relies on the list being closed.
/// # Source
/// RFC 8701 §2.
#[must_use]
pub fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0F == 0x0A
}

/// Values of two bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize, rule: &'static str) -> Result<Self, Fault> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(2) {
            return Err(Fault::Malformed { at, rule });
        }
        Ok(Self(bytes))
    }

    /// Gives the values in order.
    pub fn iter(self) -> impl Iterator<Item = u16> + 'a {
        self.0.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word))
    }

    /// Gives the values in order, without those that mean nothing.
    pub fn real(self) -> impl Iterator<Item = u16> + 'a {
        self.iter().filter(|word| !is_grease(*word))
    }
}

/// One extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its type.
    pub kind: u16,
    /// What it says.
    pub data: &'a [u8],
}

/// Extensions in the order in which they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// Takes extensions that have been walked once.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn one(from: &mut Cursor<'a>) -> Result<Extension<'a>, Fault> {
        let (kind, length) = (from.u16()?, from.u16()?);
        Ok(Extension { kind, data: from.take(usize::from(length))? })
    }

    /// Gives the extensions in order.
    pub fn iter(self) -> impl Iterator<Item = Extension<'a>> {
        let mut from = Cursor::open(self.0);
        std::iter::from_fn(move || Self::one(&mut from).ok())
    }
}

/// Names of application protocols.
/// # Source
/// RFC 7301 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    pub(super) fn read(from: &mut Cursor<'a>) -> Result<Self, Fault> {
        const RULE: &str = "RFC 7301 §3.1";
        let bytes = list(from)?;
        let mut names = Cursor::whole(bytes, RULE);
        if bytes.is_empty() {
            return Err(from.malformed(RULE));
        }
        while !names.is_empty() {
            if Self::one(&mut names)?.is_empty() {
                return Err(from.malformed(RULE));
            }
        }
        Ok(Self(bytes))
    }

    fn one(from: &mut Cursor<'a>) -> Result<&'a [u8], Fault> {
        let length = from.u8()?;
        from.take(usize::from(length))
    }

    /// Gives the names in the order in which the client prefers them.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut from = Cursor::open(self.0);
        std::iter::from_fn(move || Self::one(&mut from).ok())
    }
}

/// Takes a length of two bytes and as many bytes as it says.
pub(super) fn list<'a>(from: &mut Cursor<'a>) -> Result<&'a [u8], Fault> {
    let length = from.u16()?;
    from.take(usize::from(length))
}
