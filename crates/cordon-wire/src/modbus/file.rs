//! Groups of a request or an answer about file records.
//!
//! Invariant: a view is made only of groups that have all been checked; walking them cannot fail.

use std::fmt;

use super::function::rule;
use super::values::{Registers, counted};
use crate::{Cursor, Fault};

/// The only reference type there is.
/// # Source
/// Modbus APv1.1b3 §6.14.
const REFERENCE_TYPE: u8 = 6;
/// The highest number of a record.
/// # Source
/// Modbus APv1.1b3 §6.14.
const RECORD_MAX: u16 = 9999;

/// A place in a file.
fn place(from: &mut Cursor<'_>, rule: &'static str) -> Result<(u16, u16), Fault> {
    if from.u8()? != REFERENCE_TYPE {
        return Err(Fault::Malformed { at: from.at().saturating_sub(1), rule });
    }
    let file = from.u16()?;
    if file == 0 {
        return Err(Fault::Malformed { at: from.at().saturating_sub(2), rule });
    }
    let record = from.u16()?;
    if record > RECORD_MAX {
        return Err(Fault::Malformed { at: from.at().saturating_sub(2), rule });
    }
    Ok((file, record))
}

/// Takes a byte count within limits, and what it counts.
fn groups<'a>(
    from: &mut Cursor<'a>,
    min: usize,
    max: usize,
    rule: &'static str,
) -> Result<&'a [u8], Fault> {
    let at = from.at();
    let bytes = counted(from)?;
    if bytes.len() < min || bytes.len() > max {
        return Err(Fault::Malformed { at, rule });
    }
    Ok(bytes)
}

/// Records that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileRead {
    /// The number of the file.
    pub file: u16,
    /// The number of the first record.
    pub record: u16,
    /// How many registers are wanted.
    pub length: u16,
}

/// The groups of a request that reads records.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileReads<'a>(&'a [u8]);

impl<'a> FileReads<'a> {
    pub(super) fn read(from: &mut Cursor<'a>) -> Result<Self, Fault> {
        let rule = rule(0x14);
        // §6.14: 7 to 245 bytes, seven for each group, and the answer has to fit into a PDU.
        let bytes = groups(from, 7, 245, rule)?;
        let mut answer = 2_usize;
        let mut inner = Cursor::whole(bytes, rule);
        while !inner.is_empty() {
            let read = Self::group(&mut inner).map_err(|fault| fault.after(2))?;
            answer += 2 + 2 * usize::from(read.length);
            if answer > super::PDU_BYTES_MAX {
                // The length of this group, which is two bytes before its end.
                return Err(inner.malformed(rule));
            }
        }
        Ok(Self(bytes))
    }

    fn group(from: &mut Cursor<'_>) -> Result<FileRead, Fault> {
        let (file, record) = place(from, rule(0x14))?;
        Ok(FileRead { file, record, length: from.u16()? })
    }

    /// Gives the groups in order.
    pub fn iter(self) -> impl Iterator<Item = FileRead> + 'a {
        let mut from = Cursor::open(self.0);
        std::iter::from_fn(move || Self::group(&mut from).ok())
    }

    pub(super) fn wire(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for FileReads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Records that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileGroup<'a> {
    /// The number of the file.
    pub file: u16,
    /// The number of the first record.
    pub record: u16,
    /// What is written.
    pub values: Registers<'a>,
}

/// The groups of a request that writes records, and of the answer, which is the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileGroups<'a>(&'a [u8]);

impl<'a> FileGroups<'a> {
    pub(super) fn read(from: &mut Cursor<'a>) -> Result<Self, Fault> {
        let rule = rule(0x15);
        // §6.15: 9 to 251 bytes.
        let bytes = groups(from, 9, 251, rule)?;
        let mut inner = Cursor::whole(bytes, rule);
        while !inner.is_empty() {
            Self::group(&mut inner).map_err(|fault| fault.after(2))?;
        }
        Ok(Self(bytes))
    }

    fn group(from: &mut Cursor<'a>) -> Result<FileGroup<'a>, Fault> {
        let rule = rule(0x15);
        let (file, record) = place(from, rule)?;
        let length = from.u16()?;
        let bytes = from.take(usize::from(length).saturating_mul(2))?;
        let values = Registers::from_wire(bytes).ok_or_else(|| from.malformed(rule))?;
        Ok(FileGroup { file, record, values })
    }

    /// Gives the groups in order.
    pub fn iter(self) -> impl Iterator<Item = FileGroup<'a>> {
        let mut from = Cursor::open(self.0);
        std::iter::from_fn(move || Self::group(&mut from).ok())
    }

    pub(super) fn wire(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for FileGroups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The groups of an answer with records.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileValues<'a>(&'a [u8]);

impl<'a> FileValues<'a> {
    pub(super) fn read(from: &mut Cursor<'a>) -> Result<Self, Fault> {
        let rule = rule(0x14);
        // §6.14: each group has a length of its own that counts the reference type too.
        let bytes = groups(from, 2, 251, rule)?;
        let mut inner = Cursor::whole(bytes, rule);
        while !inner.is_empty() {
            Self::group(&mut inner).map_err(|fault| fault.after(2))?;
        }
        Ok(Self(bytes))
    }

    fn group(from: &mut Cursor<'a>) -> Result<Registers<'a>, Fault> {
        let fault = from.malformed(rule(0x14));
        match counted(from)?.split_first() {
            Some((&REFERENCE_TYPE, values)) => Registers::from_wire(values).ok_or(fault),
            _ => Err(fault),
        }
    }

    /// Gives what each group holds, in order.
    pub fn iter(self) -> impl Iterator<Item = Registers<'a>> {
        let mut from = Cursor::open(self.0);
        std::iter::from_fn(move || Self::group(&mut from).ok())
    }

    pub(super) fn wire(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for FileValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
