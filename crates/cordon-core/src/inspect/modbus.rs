//! Judges Modbus requests and answers.
//!
//! Invariant: what is remembered of a conversation and of a device has a fixed size; no value that
//! is read or written is kept.
//!
//! Source: Modbus APv1.1b3; Modbus TCP IGv1.0b.

mod pending;
mod places;

use cordon_model::fleet::ModbusRules;
use cordon_model::{Direction, Now, Operation};
use cordon_wire::modbus::{Adu, Outline, Request, Response, outline};
use cordon_wire::{Fault, Side};

use super::{Judge, Judgement, Kind, Memory, Rate, Reason, Recent, Refusal, Subject, Verdict, Way};
pub use pending::{Flow, PENDING_MAX, PENDING_SPAN_S};

/// How many requests may fail for their address in a minute before they are a scan.
pub const ILLEGAL_ADDRESSES_MAX: usize = 3;
/// The span of [`ILLEGAL_ADDRESSES_MAX`] and of the writes that may be.
/// # Units
/// Seconds.
pub const SPAN_S: u64 = 60;
/// How many writes in a minute are counted one by one.
const WRITES_COUNTED: usize = 64;

/// Exception codes.
/// # Source
/// Modbus APv1.1b3 §7.
mod code {
    pub(super) const ILLEGAL_FUNCTION: u8 = 1;
    pub(super) const ILLEGAL_ADDRESS: u8 = 2;
    pub(super) const ILLEGAL_VALUE: u8 = 3;
    pub(super) const DEVICE_FAILURE: u8 = 4;
}

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {
    writes: Rate<WRITES_COUNTED>,
    illegal_addresses: Recent<{ ILLEGAL_ADDRESSES_MAX + 1 }>,
}

/// Judges one unit, or what could not be read as one.
pub fn judge(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: Result<&Adu<'_>, Fault>,
    subject: &Subject<'_>,
) -> Judgement {
    // Who opens the conversation asks; the other side answers.
    let is_request = match subject.opened {
        Direction::Out => way == Way::FromDevice,
        Direction::In => way == Way::ToDevice,
    };
    flow.expire(now.mono);
    match message {
        Ok(adu) if is_request => request(flow, memory, now, way, adu, subject),
        Ok(adu) => reply(flow, memory, now, way, adu, subject),
        Err(fault) => {
            let kind = if is_request { Kind::Request } else { Kind::Reply };
            let mut judge = Judge::new(now.mono, subject, way, kind, None);
            judge.fault(fault, memory);
            judge.finish()
        }
    }
}

fn request(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    adu: &Adu<'_>,
    subject: &Subject<'_>,
) -> Judgement {
    let outline = outline(adu.pdu, Side::Request);
    let operation = operation(&outline);
    let mut asked = Asked {
        judge: Judge::new(now.mono, subject, way, Kind::Request, operation),
        memory,
        is_blocked: false,
    };
    if operation.is_none() {
        asked.add(Reason::FunctionUnknown, code::ILLEGAL_FUNCTION);
    }
    if operation.is_none_or(|operation| !subject.permitted.contains(operation)) {
        asked.add(Reason::OperationNotListed, code::ILLEGAL_FUNCTION);
    }
    // Restart and force listen-only (§6.8).
    if outline.function == Some(0x08) && matches!(outline.sub_function, Some(0x01 | 0x04)) {
        asked.add(Reason::DangerousDiagnostics, code::ILLEGAL_FUNCTION);
    }
    let request = Request::read(adu.pdu);
    if let Err(fault) = request {
        asked.is_blocked |= asked.judge.fault(fault, asked.memory);
        asked.judge.refuse(Refusal::ModbusException { code: illegal(&outline) });
    }
    if let Some(rules) = &subject.rules.modbus {
        asked.rules(rules, adu.unit_id, request.as_ref().ok(), operation);
    }
    if asked.memory.modbus.illegal_addresses.count(now.mono, SPAN_S) > ILLEGAL_ADDRESSES_MAX {
        asked.add(Reason::ScanPattern, code::DEVICE_FAILURE);
    }
    if flow.is_full() {
        asked.add(Reason::TooManyPending, code::DEVICE_FAILURE);
    }
    let judgement = asked.judge.finish();
    if judgement.verdict != Verdict::Block {
        flow.ask(adu, now.mono);
    }
    judgement
}

fn reply(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    adu: &Adu<'_>,
    subject: &Subject<'_>,
) -> Judgement {
    let mut judge = Judge::new(now.mono, subject, way, Kind::Reply, None);
    if !flow.answer(adu) {
        judge.add(Reason::UnexpectedReply, memory);
    }
    if let Err(fault) = Response::read(adu.pdu) {
        judge.fault(fault, memory);
    }
    let exception = outline(adu.pdu, Side::Response).exception;
    if exception == Some(code::ILLEGAL_ADDRESS)
        && memory.modbus.illegal_addresses.push(now.mono, SPAN_S)
    {
        judge.add(Reason::ScanPattern, memory);
    }
    judge.finish()
}

/// A request while it is being judged.
struct Asked<'a, 'm> {
    judge: Judge<'a>,
    memory: &'m mut Memory,
    is_blocked: bool,
}

impl Asked<'_, '_> {
    fn add(&mut self, reason: Reason, code: u8) {
        self.is_blocked |= self.judge.add(reason, self.memory);
        self.judge.refuse(Refusal::ModbusException { code });
    }

    /// Holds the request to the rules of the flow.
    fn rules(
        &mut self,
        rules: &ModbusRules,
        unit_id: u8,
        request: Option<&Request<'_>>,
        operation: Option<Operation>,
    ) {
        if !rules.units.is_empty() && !rules.units.contains(&unit_id) {
            self.add(Reason::UnitNotListed, code::ILLEGAL_ADDRESS);
        }
        if let Some(request) = request {
            let found = places::check(rules, request);
            if !found.is_listed {
                self.add(Reason::AddressNotListed, code::ILLEGAL_ADDRESS);
            }
            if !found.is_in_range {
                self.add(Reason::ValueOutOfRange, code::ILLEGAL_VALUE);
            }
        }
        // What is stopped anyway is not written, and does not count.
        let Some(max) = rules.writes_per_minute_max else { return };
        if operation == Some(Operation::ModbusWrite) && !self.is_blocked {
            let now = self.judge.now();
            if self.memory.modbus.writes.admit(now, SPAN_S, max).is_err() {
                self.add(Reason::WriteRate, code::DEVICE_FAILURE);
            }
        }
    }
}

/// Gives the verb of a request, which its function code says even where the rest is wrong.
fn operation(outline: &Outline) -> Option<Operation> {
    match (outline.function?, outline.sub_function) {
        (0x01..=0x04 | 0x18, _) => Some(Operation::ModbusRead),
        (0x05 | 0x06 | 0x0F | 0x10 | 0x16 | 0x17, _) => Some(Operation::ModbusWrite),
        (0x07 | 0x08 | 0x0B | 0x0C | 0x11, _) => Some(Operation::ModbusDiagnostics),
        (0x14 | 0x15, _) => Some(Operation::ModbusFile),
        (0x2B, Some(0x0E)) => Some(Operation::ModbusIdentify),
        _ => None,
    }
}

/// Gives the exception for a request that breaks the standard.
fn illegal(outline: &Outline) -> u8 {
    match (outline.function, outline.exception, outline.address, outline.quantity) {
        (None | Some(0), ..) | (_, Some(_), ..) => code::ILLEGAL_FUNCTION,
        (_, None, Some(address), Some(quantity))
            if u32::from(address) + u32::from(quantity) > 0x1_0000 =>
        {
            code::ILLEGAL_ADDRESS
        }
        _ => code::ILLEGAL_VALUE,
    }
}

#[cfg(test)]
mod tests;
