//! Values of the four tables, as they lie in a PDU.

use std::fmt;

use crate::{Cursor, Fault};

/// A table of the data model.
/// # Source
/// Modbus APv1.1b3 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Single bits, read and write.
    Coils,
    /// Single bits, read only.
    DiscreteInputs,
    /// Words, read and write.
    HoldingRegisters,
    /// Words, read only.
    InputRegisters,
}

/// Addresses that follow each other; never past the end of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first address.
    /// # Units
    /// As on the wire, from 0.
    pub address: u16,
    /// How many there are.
    pub quantity: u16,
}

impl Span {
    /// Gives the last address.
    #[must_use]
    pub fn last(self) -> u16 {
        self.address.saturating_add(self.quantity.saturating_sub(1))
    }

    /// Reads an address and a quantity, and holds them to the limits.
    pub(super) fn read(
        from: &mut Cursor<'_>,
        quantity_max: u16,
        rule: &'static str,
    ) -> Result<Self, Fault> {
        let at = from.at();
        let (address, quantity) = (from.u16()?, from.u16()?);
        if quantity == 0 || quantity > quantity_max {
            return Err(Fault::Malformed { at: at.saturating_add(2), rule });
        }
        // A table has 65 536 places (§4.4).
        if u32::from(address) + u32::from(quantity) > 0x1_0000 {
            return Err(Fault::Malformed { at, rule });
        }
        Ok(Self { address, quantity })
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.address.to_be_bytes());
        out.extend_from_slice(&self.quantity.to_be_bytes());
    }
}

/// Registers that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registers<'a>(&'a [u8]);

impl<'a> Registers<'a> {
    /// Takes registers as they are on the wire, two bytes each, high byte first.
    #[must_use]
    pub fn from_wire(bytes: &'a [u8]) -> Option<Self> {
        bytes.len().is_multiple_of(2).then_some(Self(bytes))
    }

    /// Gives the number of registers.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.len() / 2
    }

    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Gives the values in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = u16> + 'a {
        self.0.as_chunks::<2>().0.iter().map(|word| u16::from_be_bytes(*word))
    }

    /// Gives the bytes on the wire.
    #[must_use]
    pub fn wire(self) -> &'a [u8] {
        self.0
    }
}

// Values can be measurements of a patient: only their number is printed.
impl fmt::Debug for Registers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registers({})", self.len())
    }
}

/// Coils or discrete inputs that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coils<'a> {
    bytes: &'a [u8],
    count: u16,
}

impl<'a> Coils<'a> {
    /// Takes bits as they are on the wire: eight in a byte, lowest first.
    #[must_use]
    pub fn from_wire(bytes: &'a [u8], count: u16) -> Option<Self> {
        (bytes.len() == usize::from(count.div_ceil(8))).then_some(Self { bytes, count })
    }

    /// Gives the number of bits; in an answer, which does not say it, all bits of its bytes.
    #[must_use]
    pub fn len(self) -> usize {
        usize::from(self.count)
    }

    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Gives the bits in order.
    pub fn iter(self) -> impl Iterator<Item = bool> + 'a {
        let bits = self.bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        bits.take(self.len())
    }

    /// Gives the bytes on the wire.
    #[must_use]
    pub fn wire(self) -> &'a [u8] {
        self.bytes
    }
}

impl fmt::Debug for Coils<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coils({})", self.count)
    }
}

/// Takes a byte count and as many bytes as it says.
pub(super) fn counted<'a>(from: &mut Cursor<'a>) -> Result<&'a [u8], Fault> {
    let count = from.u8()?;
    from.take(usize::from(count))
}

/// Takes a byte count, registers, and nothing else than 1 to `max` of them.
pub(super) fn counted_registers<'a>(
    from: &mut Cursor<'a>,
    max: u16,
    rule: &'static str,
) -> Result<Registers<'a>, Fault> {
    let at = from.at();
    let registers = Registers::from_wire(counted(from)?);
    registers
        .filter(|registers| !registers.is_empty() && registers.len() <= usize::from(max))
        .ok_or(Fault::Malformed { at, rule })
}

/// Writes a byte count and the bytes; a count that does not fit is one that cannot be read back.
pub(super) fn put_counted(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(bytes);
}
