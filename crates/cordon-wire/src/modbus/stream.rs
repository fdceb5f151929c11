//! Units of a Modbus TCP stream.

use std::fmt;

use super::function::{EXCEPTION_BIT, PDU_RULE};
use super::{PDU_BYTES_MAX, function_name};
use crate::{Cursor, Fault, Step, Tail, Unit};

/// What the header of a unit is held to.
const HEADER_RULE: &str = "Modbus TCP IGv1.0b §3.1.3";

/// The bytes of the header before those that its length counts.
/// # Source
/// Modbus TCP IGv1.0b §3.1.3.
const COUNTED_FROM: usize = 6;

/// One unit: a PDU and its header.
/// # Source
/// Modbus TCP IGv1.0b §3.1.3.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Adu<'a> {
    /// Pairs an answer with its request.
    pub transaction_id: u16,
    /// Which unit behind the address is meant.
    pub unit_id: u8,
    /// The function code and its data; at least one byte.
    pub pdu: &'a [u8],
}

impl<'a> Adu<'a> {
    /// Reads the unit at the front of bytes; gives it and its length.
    /// # Errors
    /// [`Fault::Incomplete`] while more must come; [`Fault::Malformed`] when the header is none, and
    /// then nothing says where the next unit begins.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, usize), Fault> {
        let mut from = Cursor::open(bytes);
        let header = from.take(COUNTED_FROM)?;
        let mut header = Cursor::whole(header, HEADER_RULE);
        let (transaction_id, protocol, length) = (header.u16()?, header.u16()?, header.u16()?);
        if protocol != 0 {
            return Err(Fault::Malformed { at: 2, rule: HEADER_RULE });
        }
        // The unit id, at least a function code, and at most a whole PDU.
        let length = usize::from(length);
        if !(2..=1 + PDU_BYTES_MAX).contains(&length) {
            return Err(Fault::Malformed { at: 4, rule: HEADER_RULE });
        }
        let mut counted = Cursor::whole(from.take(length)?, HEADER_RULE);
        let unit_id = counted.u8()?;
        Ok((Self { transaction_id, unit_id, pdu: counted.rest() }, from.at()))
    }

    /// Appends the unit.
    /// # Errors
    /// When the PDU is empty or too long; nothing is appended then.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.pdu.is_empty() || self.pdu.len() > PDU_BYTES_MAX {
            return Err(Fault::Malformed { at: self.pdu.len(), rule: PDU_RULE });
        }
        let length = u16::try_from(self.pdu.len().saturating_add(1)).unwrap_or(u16::MAX);
        out.extend_from_slice(&self.transaction_id.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&length.to_be_bytes());
        out.push(self.unit_id);
        out.extend_from_slice(self.pdu);
        Ok(())
    }

    /// Gives the function code, of an exception without its bit.
    #[must_use]
    pub fn function(&self) -> u8 {
        self.pdu.first().copied().unwrap_or_default() & !EXCEPTION_BIT
    }
}

// What is read and written can concern a patient: no value is printed.
impl fmt::Debug for Adu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adu")
            .field("transaction_id", &self.transaction_id)
            .field("unit_id", &self.unit_id)
            .field("function", &function_name(self.function()).unwrap_or("other"))
            .field("pdu_bytes", &self.pdu.len())
            .finish()
    }
}

/// Appends a unit that refuses the request in `adu` with an exception code.
/// # Source
/// Modbus APv1.1b3 §7.
pub fn exception(adu: &Adu<'_>, code: u8, out: &mut Vec<u8>) {
    let pdu = [adu.function() | EXCEPTION_BIT, code];
    let refusal = Adu { transaction_id: adu.transaction_id, unit_id: adu.unit_id, pdu: &pdu };
    // Two bytes are neither none nor too many.
    let _written = refusal.write(out);
}

/// Reads one direction of a stream.
///
/// A header that is none loses the stream: nothing after it says where a unit begins.
#[derive(Debug, Default)]
pub struct Reader {
    tail: Tail,
    at: u64,
    lost: bool,
}

impl Reader {
    /// Begins at a unit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says whether nothing more can be read.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Gives how many bytes of a unit that is not complete are kept.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.tail.len()
    }

    /// Reads what has arrived, and hands out each unit that is complete with it.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Unit<'_, Adu<'_>>)) {
        let Self { tail, at, lost } = self;
        if *lost {
            return;
        }
        tail.feed(bytes, &mut |front| {
            if *lost {
                return Step::Took(front.len());
            }
            let (value, length) = match Adu::read(front) {
                Ok((adu, length)) => (Ok(adu), length),
                Err(Fault::Incomplete { need }) => return Step::Wait { need },
                Err(
                    fault @ (Fault::Malformed { .. }
                    | Fault::Unsupported { .. }
                    | Fault::OverLimit { .. }),
                ) => {
                    *lost = true;
                    (Err(fault), COUNTED_FROM)
                }
            };
            each(Unit { at: *at, bytes: front.get(..length).unwrap_or(front), value });
            *at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            Step::Took(length)
        });
    }

    /// Ends the stream; what is left of a unit is handed out as incomplete.
    pub fn finish(&mut self, each: &mut dyn FnMut(Unit<'_, Adu<'_>>)) {
        if let Err(fault) = Adu::read(self.tail.kept())
            && !self.tail.is_empty()
            && !self.lost
        {
            each(Unit { at: self.at, bytes: self.tail.kept(), value: Err(fault) });
        }
        self.tail.clear();
        self.lost = true;
    }
}
