//! Answers.

use std::fmt;

use super::file::{FileGroups, FileValues};
use super::function::{EXCEPTION_BIT, PDU_RULE, function_name, rule};
use super::identification::Objects;
use super::request::{coil, put_coil, put_words};
use super::values::{Coils, Registers, Span, Table, counted, counted_registers, put_counted};
use super::{
    FIFO_REGISTERS_MAX, PDU_BYTES_MAX, READ_BITS_MAX, READ_REGISTERS_MAX, WRITE_COILS_MAX,
    WRITE_REGISTERS_MAX,
};
use crate::{Cursor, Fault};

/// What a server answers.
///
/// # Source
/// Modbus APv1.1b3 §6, §7.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Response<'a> {
    /// Functions 01 and 02.
    ReadBits {
        /// From where.
        table: Table,
        /// What was there; the last ones may be padding.
        values: Coils<'a>,
    },
    /// Functions 03 and 04.
    ReadRegisters {
        /// From where.
        table: Table,
        /// What was there.
        values: Registers<'a>,
    },
    /// Function 05.
    WriteSingleCoil {
        /// Where.
        address: u16,
        /// What.
        on: bool,
    },
    /// Function 06.
    WriteSingleRegister {
        /// Where.
        address: u16,
        /// What.
        value: u16,
    },
    /// Function 07.
    ReadExceptionStatus {
        /// Eight bits that the device gives a meaning.
        status: u8,
    },
    /// Function 08.
    Diagnostics {
        /// Which of them.
        sub_function: u16,
        /// Its data.
        data: &'a [u8],
    },
    /// Function 0B.
    GetCommEventCounter {
        /// Whether a command is still being executed.
        busy: bool,
        /// How many messages were completed.
        events: u16,
    },
    /// Function 0C.
    GetCommEventLog {
        /// Whether a command is still being executed.
        busy: bool,
        /// How many messages were completed.
        events: u16,
        /// How many messages were processed.
        messages: u16,
        /// The last events, one a byte, the newest first.
        log: &'a [u8],
    },
    /// Functions 0F and 10.
    WriteMultiple {
        /// Coils or holding registers.
        table: Table,
        /// What was written.
        span: Span,
    },
    /// Function 11.
    ReportServerId {
        /// What the device says of itself, in its own form.
        data: &'a [u8],
    },
    /// Function 14.
    ReadFileRecord(FileValues<'a>),
    /// Function 15.
    WriteFileRecord(FileGroups<'a>),
    /// Function 16.
    MaskWriteRegister {
        /// Where.
        address: u16,
        /// What was kept.
        and_mask: u16,
        /// What was set.
        or_mask: u16,
    },
    /// Function 17.
    ReadWriteMultipleRegisters {
        /// What was there.
        values: Registers<'a>,
    },
    /// Function 18.
    ReadFifoQueue {
        /// What is in the queue.
        values: Registers<'a>,
    },
    /// Function 2B, type 0D: CANopen, which is not read here.
    Canopen {
        /// Its data.
        data: &'a [u8],
    },
    /// Function 2B, type 0E.
    ReadDeviceIdentification {
        /// 1 basic, 2 regular, 3 extended, 4 one object.
        code: u8,
        /// What the device can say: 1 to 3, and 0x80 if objects can be asked for one by one.
        conformity: u8,
        /// The object to go on with, if there are more.
        next: Option<u8>,
        /// The objects.
        objects: Objects<'a>,
    },
    /// A refusal.
    Exception {
        /// The function that was asked for.
        function: u8,
        /// Why it was refused.
        code: u8,
    },
    /// A function that is none of the standard's.
    Other {
        /// Its code.
        function: u8,
        /// Its data.
        data: &'a [u8],
    },
}

impl<'a> Response<'a> {
    /// Reads a PDU.
    /// # Errors
    /// When it breaks a rule of its function.
    pub fn read(pdu: &'a [u8]) -> Result<Self, Fault> {
        let function = pdu.first().copied().unwrap_or_default();
        if function & !EXCEPTION_BIT == 0 {
            return Err(Fault::Malformed { at: 0, rule: PDU_RULE });
        }
        let mut from = Cursor::whole(pdu, rule(function));
        from.u8()?;
        let response = Self::body(function, &mut from)?;
        // The limit of the function is the better reason, where it has one.
        if pdu.len() > PDU_BYTES_MAX {
            return Err(Fault::Malformed { at: PDU_BYTES_MAX, rule: PDU_RULE });
        }
        if from.is_empty() { Ok(response) } else { Err(from.malformed(rule(function))) }
    }

    fn body(function: u8, from: &mut Cursor<'a>) -> Result<Self, Fault> {
        let rule = rule(function);
        Ok(match function {
            0x01 => Self::ReadBits { table: Table::Coils, values: bits(from, rule)? },
            0x02 => Self::ReadBits { table: Table::DiscreteInputs, values: bits(from, rule)? },
            0x03 => Self::ReadRegisters {
                table: Table::HoldingRegisters,
                values: counted_registers(from, READ_REGISTERS_MAX, rule)?,
            },
            0x04 => Self::ReadRegisters {
                table: Table::InputRegisters,
                values: counted_registers(from, READ_REGISTERS_MAX, rule)?,
            },
            0x05 => Self::WriteSingleCoil { address: from.u16()?, on: coil(from, rule)? },
            0x06 => Self::WriteSingleRegister { address: from.u16()?, value: from.u16()? },
            0x07 => Self::ReadExceptionStatus { status: from.u8()? },
            0x08 => diagnostics(from, rule)?,
            0x0B => Self::GetCommEventCounter { busy: busy(from, rule)?, events: from.u16()? },
            0x0C => event_log(from, rule)?,
            0x0F => Self::WriteMultiple {
                table: Table::Coils,
                span: Span::read(from, WRITE_COILS_MAX, rule)?,
            },
            0x10 => Self::WriteMultiple {
                table: Table::HoldingRegisters,
                span: Span::read(from, WRITE_REGISTERS_MAX, rule)?,
            },
            0x11 => Self::ReportServerId { data: counted(from)? },
            0x14 => Self::ReadFileRecord(FileValues::read(from)?),
            0x15 => Self::WriteFileRecord(FileGroups::read(from)?),
            0x16 => Self::MaskWriteRegister {
                address: from.u16()?,
                and_mask: from.u16()?,
                or_mask: from.u16()?,
            },
            0x17 => Self::ReadWriteMultipleRegisters {
                values: counted_registers(from, READ_REGISTERS_MAX, rule)?,
            },
            0x18 => Self::ReadFifoQueue { values: queue(from, rule)? },
            0x2B if from.peek() == Some(0x0D) => {
                from.u8()?;
                Self::Canopen { data: from.take(from.left())? }
            }
            0x2B if from.peek() == Some(0x0E) => identification(from)?,
            0x2B if from.is_empty() => return Err(from.malformed(rule)),
            0x80.. => Self::Exception { function: function & !EXCEPTION_BIT, code: from.u8()? },
            _ => Self::Other { function, data: from.take(from.left())? },
        })
    }

    /// Gives the function code, of an exception without its bit.
    #[must_use]
    pub fn function(&self) -> u8 {
        match self {
            Self::ReadBits { table, .. } if *table == Table::Coils => 0x01,
            Self::ReadBits { .. } => 0x02,
            Self::ReadRegisters { table, .. } if *table == Table::HoldingRegisters => 0x03,
            Self::ReadRegisters { .. } => 0x04,
            Self::WriteSingleCoil { .. } => 0x05,
            Self::WriteSingleRegister { .. } => 0x06,
            Self::ReadExceptionStatus { .. } => 0x07,
            Self::Diagnostics { .. } => 0x08,
            Self::GetCommEventCounter { .. } => 0x0B,
            Self::GetCommEventLog { .. } => 0x0C,
            Self::WriteMultiple { table, .. } if *table == Table::Coils => 0x0F,
            Self::WriteMultiple { .. } => 0x10,
            Self::ReportServerId { .. } => 0x11,
            Self::ReadFileRecord(_) => 0x14,
            Self::WriteFileRecord(_) => 0x15,
            Self::MaskWriteRegister { .. } => 0x16,
            Self::ReadWriteMultipleRegisters { .. } => 0x17,
            Self::ReadFifoQueue { .. } => 0x18,
            Self::Canopen { .. } | Self::ReadDeviceIdentification { .. } => 0x2B,
            Self::Exception { function, .. } | Self::Other { function, .. } => *function,
        }
    }

    /// Appends the PDU.
    /// # Errors
    /// When it would break a rule of its function; nothing is appended then.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = out.len();
        self.put(out);
        let written = out.get(start..).unwrap_or_default();
        let checked = Response::read(written).map(|_| ());
        if checked.is_err() {
            out.truncate(start);
        }
        checked
    }

    fn put(&self, out: &mut Vec<u8>) {
        let is_exception = matches!(self, Self::Exception { .. });
        out.push(self.function() | if is_exception { EXCEPTION_BIT } else { 0 });
        match *self {
            Self::ReadBits { values, .. } => put_counted(values.wire(), out),
            Self::ReadRegisters { values, .. } | Self::ReadWriteMultipleRegisters { values } => {
                put_counted(values.wire(), out);
            }
            Self::WriteSingleCoil { address, on } => put_coil(address, on, out),
            Self::WriteSingleRegister { address, value } => put_words(&[address, value], out),
            Self::ReadExceptionStatus { status } => out.push(status),
            Self::Diagnostics { sub_function, data } => {
                put_words(&[sub_function], out);
                out.extend_from_slice(data);
            }
            Self::GetCommEventCounter { busy, events } => {
                put_words(&[if busy { 0xFFFF } else { 0 }, events], out);
            }
            Self::GetCommEventLog { busy, events, messages, log } => {
                let count = log.len().saturating_add(6);
                out.push(u8::try_from(count).unwrap_or(u8::MAX));
                put_words(&[if busy { 0xFFFF } else { 0 }, events, messages], out);
                out.extend_from_slice(log);
            }
            Self::WriteMultiple { span, .. } => span.write(out),
            Self::ReportServerId { data } => put_counted(data, out),
            Self::ReadFileRecord(groups) => put_counted(groups.wire(), out),
            Self::WriteFileRecord(groups) => put_counted(groups.wire(), out),
            Self::MaskWriteRegister { address, and_mask, or_mask } => {
                put_words(&[address, and_mask, or_mask], out);
            }
            Self::ReadFifoQueue { values } => {
                let count = u16::try_from(values.len()).unwrap_or(u16::MAX);
                put_words(&[count.saturating_mul(2).saturating_add(2), count], out);
                out.extend_from_slice(values.wire());
            }
            Self::Canopen { data } => {
                out.push(0x0D);
                out.extend_from_slice(data);
            }
            Self::ReadDeviceIdentification { code, conformity, next, objects } => {
                let more = if next.is_some() { 0xFF } else { 0 };
                out.extend_from_slice(&[0x0E, code, conformity, more, next.unwrap_or(0)]);
                objects.write(out);
            }
            Self::Exception { code, .. } => out.push(code),
            Self::Other { data, .. } => out.extend_from_slice(data),
        }
    }
}

// What is read can concern a patient: only the function is printed, and why it was refused.
impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = function_name(self.function()).unwrap_or("other");
        let mut debug = f.debug_struct("Response");
        debug.field("function", &name);
        if let Self::Exception { code, .. } = self {
            debug.field("exception", code);
        }
        debug.finish_non_exhaustive()
    }
}

fn bits<'a>(from: &mut Cursor<'a>, rule: &'static str) -> Result<Coils<'a>, Fault> {
    let fault = from.malformed(rule);
    let bytes = counted(from)?;
    let count = u16::try_from(bytes.len()).unwrap_or(u16::MAX).saturating_mul(8);
    if count == 0 || count > READ_BITS_MAX {
        return Err(fault);
    }
    Coils::from_wire(bytes, count).ok_or(fault)
}

fn diagnostics<'a>(from: &mut Cursor<'a>, rule: &'static str) -> Result<Response<'a>, Fault> {
    let sub_function = from.u16()?;
    let fault = from.malformed(rule);
    let data = from.take(from.left())?;
    // §6.8: an answer repeats the question or holds a counter.
    let is_legal = match sub_function {
        0x00 => !data.is_empty() && data.len().is_multiple_of(2),
        0x01..=0x04 | 0x0A..=0x12 | 0x14 => data.len() == 2,
        _ => data.len().is_multiple_of(2),
    };
    if is_legal { Ok(Response::Diagnostics { sub_function, data }) } else { Err(fault) }
}

/// Takes a status word: FFFF while a command is being executed, otherwise 0000 (§6.9).
fn busy(from: &mut Cursor<'_>, rule: &'static str) -> Result<bool, Fault> {
    let fault = from.malformed(rule);
    match from.u16()? {
        0xFFFF => Ok(true),
        0x0000 => Ok(false),
        _ => Err(fault),
    }
}

fn event_log<'a>(from: &mut Cursor<'a>, rule: &'static str) -> Result<Response<'a>, Fault> {
    let fault = from.malformed(rule);
    let count = usize::from(from.u8()?);
    let (busy, events, messages) = (busy(from, rule)?, from.u16()?, from.u16()?);
    // §6.10: three words and up to 64 events.
    match count.checked_sub(6) {
        Some(length @ 0..=64) => {
            Ok(Response::GetCommEventLog { busy, events, messages, log: from.take(length)? })
        }
        _ => Err(fault),
    }
}

fn queue<'a>(from: &mut Cursor<'a>, rule: &'static str) -> Result<Registers<'a>, Fault> {
    let fault = from.malformed(rule);
    let (bytes, count) = (from.u16()?, from.u16()?);
    // §6.18: the byte count also counts the count of the queue.
    if count > FIFO_REGISTERS_MAX || bytes != count * 2 + 2 {
        return Err(fault);
    }
    Registers::from_wire(from.take(usize::from(count) * 2)?).ok_or(fault)
}

fn identification<'a>(from: &mut Cursor<'a>) -> Result<Response<'a>, Fault> {
    const RULE: &str = "Modbus APv1.1b3 §6.21";
    from.u8()?;
    let fault = from.malformed(RULE);
    let (code, conformity) = (from.u8()?, from.u8()?);
    let (more, next) = (from.u8()?, from.u8()?);
    let next = match (more, next) {
        (0xFF, next) => Some(next),
        (0x00, 0x00) => None,
        _ => return Err(fault.after(2)),
    };
    if !matches!(code, 1..=4) {
        return Err(fault);
    }
    if !matches!(conformity & !0x80, 1..=3) {
        return Err(fault.after(1));
    }
    let objects = Objects::read(from)?;
    Ok(Response::ReadDeviceIdentification { code, conformity, next, objects })
}
