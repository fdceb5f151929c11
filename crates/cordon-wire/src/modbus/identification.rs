//! Objects by which a device identifies itself.

use std::fmt;

use super::function::rule;
use crate::{Cursor, Fault};

/// One object.
/// # Source
/// Modbus APv1.1b3 §6.21.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Object<'a> {
    /// Its id: 0 vendor name, 1 product code, 2 revision, 3 vendor URL, 4 product name, 5 model
    /// name, 6 name of the user application; from 0x80 the vendor's own.
    pub id: u8,
    /// What it says, ASCII up to 0x7F.
    pub value: &'a [u8],
}

/// The objects of an answer; all of them have been checked.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Objects<'a> {
    bytes: &'a [u8],
    count: u8,
}

impl<'a> Objects<'a> {
    pub(super) fn read(from: &mut Cursor<'a>) -> Result<Self, Fault> {
        let count = from.u8()?;
        let (start, bytes) = (from.at(), from.rest());
        for _ in 0..count {
            Self::object(from)?;
        }
        let bytes = bytes.get(..from.at().saturating_sub(start)).unwrap_or_default();
        Ok(Self { bytes, count })
    }

    /// Takes objects as they are on the wire: id, length, value.
    #[must_use]
    pub fn from_wire(bytes: &'a [u8]) -> Option<Self> {
        let mut from = Cursor::whole(bytes, rule(0x2B));
        let mut count = 0_u8;
        while !from.is_empty() {
            Self::object(&mut from).ok()?;
            count = count.checked_add(1)?;
        }
        Some(Self { bytes, count })
    }

    fn object(from: &mut Cursor<'a>) -> Result<Object<'a>, Fault> {
        Ok(Object { id: from.u8()?, value: super::values::counted(from)? })
    }

    /// Gives the objects in order.
    pub fn iter(self) -> impl Iterator<Item = Object<'a>> {
        let mut from = Cursor::open(self.bytes);
        std::iter::from_fn(move || Self::object(&mut from).ok())
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.push(self.count);
        out.extend_from_slice(self.bytes);
    }
}

impl fmt::Debug for Objects<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|object| object.id)).finish()
    }
}
