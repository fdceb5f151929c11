//! Requests.

use std::fmt;

use super::file::{FileGroups, FileReads};
use super::function::{PDU_RULE, function_name, outline, rule};
use super::values::{Coils, Registers, Span, Table, counted, counted_registers, put_counted};
use super::{
    PDU_BYTES_MAX, READ_BITS_MAX, READ_REGISTERS_MAX, READ_WRITE_REGISTERS_MAX, WRITE_COILS_MAX,
    WRITE_REGISTERS_MAX,
};
use crate::{Cursor, Fault, Side};

/// What a client asks for.
///
/// # Source
/// Modbus APv1.1b3 §6.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// Functions 01 to 04.
    Read {
        /// From where.
        table: Table,
        /// What.
        span: Span,
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
    ReadExceptionStatus,
    /// Function 08.
    Diagnostics {
        /// Which of them: 1 restarts, 4 silences.
        sub_function: u16,
        /// Its data.
        data: &'a [u8],
    },
    /// Function 0B.
    GetCommEventCounter,
    /// Function 0C.
    GetCommEventLog,
    /// Function 0F.
    WriteMultipleCoils {
        /// Where.
        span: Span,
        /// What; as many as the span is long.
        values: Coils<'a>,
    },
    /// Function 10.
    WriteMultipleRegisters {
        /// Where.
        span: Span,
        /// What; as many as the span is long.
        values: Registers<'a>,
    },
    /// Function 11.
    ReportServerId,
    /// Function 14.
    ReadFileRecord(FileReads<'a>),
    /// Function 15.
    WriteFileRecord(FileGroups<'a>),
    /// Function 16: the register becomes (it AND `and_mask`) OR (`or_mask` AND NOT `and_mask`).
    MaskWriteRegister {
        /// Where.
        address: u16,
        /// What is kept.
        and_mask: u16,
        /// What is set.
        or_mask: u16,
    },
    /// Function 17: writes first.
    ReadWriteMultipleRegisters {
        /// What is read.
        read: Span,
        /// Where is written.
        span: Span,
        /// What is written; as many as the span is long.
        values: Registers<'a>,
    },
    /// Function 18.
    ReadFifoQueue {
        /// Where the count of the queue is.
        address: u16,
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
        /// The first object, or the one.
        object: u8,
    },
    /// A function that is none of the standard's.
    Other {
        /// Its code.
        function: u8,
        /// Its data.
        data: &'a [u8],
    },
}

impl<'a> Request<'a> {
    /// Reads a PDU.
    /// # Errors
    /// When it breaks a rule of its function.
    pub fn read(pdu: &'a [u8]) -> Result<Self, Fault> {
        let function = pdu.first().copied().unwrap_or_default();
        // §4.1: 1 to 127 are functions, 128 and above are exceptions, and 0 is nothing.
        if function == 0 || function > 0x7F {
            return Err(Fault::Malformed { at: 0, rule: PDU_RULE });
        }
        let mut from = Cursor::whole(pdu, rule(function));
        from.u8()?;
        let request = Self::body(function, &mut from)?;
        // The limit of the function is the better reason, where it has one.
        if pdu.len() > PDU_BYTES_MAX {
            return Err(Fault::Malformed { at: PDU_BYTES_MAX, rule: PDU_RULE });
        }
        if from.is_empty() { Ok(request) } else { Err(from.malformed(rule(function))) }
    }

    fn body(function: u8, from: &mut Cursor<'a>) -> Result<Self, Fault> {
        let rule = rule(function);
        Ok(match function {
            0x01 => Self::reads(Table::Coils, from, READ_BITS_MAX, rule)?,
            0x02 => Self::reads(Table::DiscreteInputs, from, READ_BITS_MAX, rule)?,
            0x03 => Self::reads(Table::HoldingRegisters, from, READ_REGISTERS_MAX, rule)?,
            0x04 => Self::reads(Table::InputRegisters, from, READ_REGISTERS_MAX, rule)?,
            0x05 => Self::WriteSingleCoil { address: from.u16()?, on: coil(from, rule)? },
            0x06 => Self::WriteSingleRegister { address: from.u16()?, value: from.u16()? },
            0x07 => Self::ReadExceptionStatus,
            0x08 => diagnostics(from, rule)?,
            0x0B => Self::GetCommEventCounter,
            0x0C => Self::GetCommEventLog,
            0x0F => {
                let span = Span::read(from, WRITE_COILS_MAX, rule)?;
                let at = from.at();
                let values = Coils::from_wire(counted(from)?, span.quantity)
                    .ok_or(Fault::Malformed { at, rule })?;
                Self::WriteMultipleCoils { span, values }
            }
            0x10 => {
                let (span, values) = written(from, WRITE_REGISTERS_MAX, rule)?;
                Self::WriteMultipleRegisters { span, values }
            }
            0x11 => Self::ReportServerId,
            0x14 => Self::ReadFileRecord(FileReads::read(from)?),
            0x15 => Self::WriteFileRecord(FileGroups::read(from)?),
            0x16 => Self::MaskWriteRegister {
                address: from.u16()?,
                and_mask: from.u16()?,
                or_mask: from.u16()?,
            },
            0x17 => {
                let read = Span::read(from, READ_REGISTERS_MAX, rule)?;
                let (span, values) = written(from, READ_WRITE_REGISTERS_MAX, rule)?;
                Self::ReadWriteMultipleRegisters { read, span, values }
            }
            0x18 => Self::ReadFifoQueue { address: from.u16()? },
            0x2B if from.peek() == Some(0x0D) => {
                from.u8()?;
                Self::Canopen { data: from.take(from.left())? }
            }
            0x2B if from.peek() == Some(0x0E) => identification(from)?,
            0x2B if from.is_empty() => return Err(from.malformed(rule)),
            _ => Self::Other { function, data: from.take(from.left())? },
        })
    }

    fn reads(
        table: Table,
        from: &mut Cursor<'a>,
        max: u16,
        rule: &'static str,
    ) -> Result<Self, Fault> {
        Ok(Self::Read { table, span: Span::read(from, max, rule)? })
    }

    /// Gives the function code.
    #[must_use]
    pub fn function(&self) -> u8 {
        match self {
            Self::Read { table: Table::Coils, .. } => 0x01,
            Self::Read { table: Table::DiscreteInputs, .. } => 0x02,
            Self::Read { table: Table::HoldingRegisters, .. } => 0x03,
            Self::Read { table: Table::InputRegisters, .. } => 0x04,
            Self::WriteSingleCoil { .. } => 0x05,
            Self::WriteSingleRegister { .. } => 0x06,
            Self::ReadExceptionStatus => 0x07,
            Self::Diagnostics { .. } => 0x08,
            Self::GetCommEventCounter => 0x0B,
            Self::GetCommEventLog => 0x0C,
            Self::WriteMultipleCoils { .. } => 0x0F,
            Self::WriteMultipleRegisters { .. } => 0x10,
            Self::ReportServerId => 0x11,
            Self::ReadFileRecord(_) => 0x14,
            Self::WriteFileRecord(_) => 0x15,
            Self::MaskWriteRegister { .. } => 0x16,
            Self::ReadWriteMultipleRegisters { .. } => 0x17,
            Self::ReadFifoQueue { .. } => 0x18,
            Self::Canopen { .. } | Self::ReadDeviceIdentification { .. } => 0x2B,
            Self::Other { function, .. } => *function,
        }
    }

    /// Appends the PDU.
    /// # Errors
    /// When it would break a rule of its function; nothing is appended then.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = out.len();
        self.put(out);
        let written = out.get(start..).unwrap_or_default();
        let checked = Request::read(written).map(|_| ());
        if checked.is_err() {
            out.truncate(start);
        }
        checked
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.function());
        match *self {
            Self::Read { span, .. } => span.write(out),
            Self::WriteSingleCoil { address, on } => put_coil(address, on, out),
            Self::WriteSingleRegister { address, value } => put_words(&[address, value], out),
            Self::ReadExceptionStatus
            | Self::GetCommEventCounter
            | Self::GetCommEventLog
            | Self::ReportServerId => {}
            Self::Diagnostics { sub_function, data } => {
                put_words(&[sub_function], out);
                out.extend_from_slice(data);
            }
            Self::WriteMultipleCoils { span, values } => {
                span.write(out);
                put_counted(values.wire(), out);
            }
            Self::WriteMultipleRegisters { span, values } => {
                span.write(out);
                put_counted(values.wire(), out);
            }
            Self::ReadFileRecord(reads) => put_counted(reads.wire(), out),
            Self::WriteFileRecord(groups) => put_counted(groups.wire(), out),
            Self::MaskWriteRegister { address, and_mask, or_mask } => {
                put_words(&[address, and_mask, or_mask], out);
            }
            Self::ReadWriteMultipleRegisters { read, span, values } => {
                read.write(out);
                span.write(out);
                put_counted(values.wire(), out);
            }
            Self::ReadFifoQueue { address } => put_words(&[address], out),
            Self::Canopen { data } => {
                out.push(0x0D);
                out.extend_from_slice(data);
            }
            Self::ReadDeviceIdentification { code, object } => {
                out.extend_from_slice(&[0x0E, code, object]);
            }
            Self::Other { data, .. } => out.extend_from_slice(data),
        }
    }
}

// What is written can concern a patient: function, address and quantity are printed, no value.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pdu = Vec::new();
        self.put(&mut pdu);
        let outline = outline(&pdu, Side::Request);
        f.debug_struct("Request")
            .field("function", &function_name(self.function()).unwrap_or("other"))
            .field("sub_function", &outline.sub_function)
            .field("address", &outline.address)
            .field("quantity", &outline.quantity)
            .finish()
    }
}

/// Takes the value of a coil: FF00 is on, 0000 is off, and nothing else is anything (§6.5).
pub(super) fn coil(from: &mut Cursor<'_>, rule: &'static str) -> Result<bool, Fault> {
    let fault = from.malformed(rule);
    match from.u16()? {
        0xFF00 => Ok(true),
        0x0000 => Ok(false),
        _ => Err(fault),
    }
}

pub(super) fn put_coil(address: u16, on: bool, out: &mut Vec<u8>) {
    put_words(&[address, if on { 0xFF00 } else { 0 }], out);
}

pub(super) fn put_words(words: &[u16], out: &mut Vec<u8>) {
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// Takes a span, a byte count and the registers of the span.
fn written<'a>(
    from: &mut Cursor<'a>,
    max: u16,
    rule: &'static str,
) -> Result<(Span, Registers<'a>), Fault> {
    let span = Span::read(from, max, rule)?;
    let at = from.at();
    let values = counted_registers(from, max, rule)?;
    if values.len() == usize::from(span.quantity) {
        Ok((span, values))
    } else {
        Err(Fault::Malformed { at, rule })
    }
}

fn diagnostics<'a>(from: &mut Cursor<'a>, rule: &'static str) -> Result<Request<'a>, Fault> {
    let sub_function = from.u16()?;
    let fault = from.malformed(rule);
    let data = from.take(from.left())?;
    // §6.8: what each sub-function is told; those that the standard reserves are not known.
    let is_legal = match (sub_function, data) {
        (0x00, data) => !data.is_empty() && data.len().is_multiple_of(2),
        (0x01, data) => matches!(data, [0x00 | 0xFF, 0x00]),
        (0x03, data) => matches!(data, [_, 0x00]),
        (0x02 | 0x04 | 0x0A..=0x12 | 0x14, data) => matches!(data, [0x00, 0x00]),
        (_, data) => data.len().is_multiple_of(2),
    };
    if is_legal { Ok(Request::Diagnostics { sub_function, data }) } else { Err(fault) }
}

fn identification<'a>(from: &mut Cursor<'a>) -> Result<Request<'a>, Fault> {
    from.u8()?;
    let fault = from.malformed("Modbus APv1.1b3 §6.21");
    let (code, object) = (from.u8()?, from.u8()?);
    if matches!(code, 1..=4) {
        Ok(Request::ReadDeviceIdentification { code, object })
    } else {
        Err(fault)
    }
}
