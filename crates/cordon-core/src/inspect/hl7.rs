//! Judges HL7 v2 messages.
//!
//! What a message is comes from MSH-9 alone, and from what can still be found of it when the message
//! is broken: an alarm that cannot be read is still an alarm, and an order that cannot be read is
//! still an order. A message is an answer when its type is one of those that answer, or when it
//! answers what was asked in this conversation; an MSA in an order does not make it one.
//!
//! Invariant: `ORU^R40` from a device passes, whatever else is wrong with it. What a device may tell
//! others is nothing but a query, and that only when it is listed and the device asked for the
//! conversation. Only hashes are kept.
//! Source: HL7 v2.6 §2.9; HL7 v2.6 §2.14; IHE DEV TF-2 §3.

mod fields;
mod kind;
mod memory;

use cordon_model::{Direction, Eui64, Now, Operation, OperationClass};
use cordon_wire::Fault;
use cordon_wire::hl7::{self, AcknowledgmentCode, DeviceId, Message, Value};

use super::judgement::Refusal;
use super::{Judge, Judgement, Kind, Memory, Reason, Subject, Verdict, Way};
pub use kind::Sort;
pub use memory::{DeviceMemory, Flow};
use memory::{Seen, fingerprint};

/// The longest identifier of a patient that is compared.
/// # Source
/// HL7 v2.6 §2.A.14.
const PATIENT_ID_BYTES_MAX: usize = 256;

/// Judges one message; `payload` are its bytes without the framing, or what is left of them.
pub fn judge(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: Result<&Message<'_>, Fault>,
    payload: &[u8],
    subject: &Subject<'_>,
) -> Judgement {
    match message {
        Ok(message) => judge_message(flow, memory, now, way, message, subject),
        Err(fault) => judge_broken(memory, now, way, fault, payload, subject),
    }
}

fn judge_broken(
    memory: &mut Memory,
    now: Now,
    way: Way,
    fault: Fault,
    payload: &[u8],
    subject: &Subject<'_>,
) -> Judgement {
    let sort = hl7::peek_type(payload).map_or(Sort::Unknown, |kind| Sort::of(&kind));
    let is_answer = sort == Sort::Answer && (way == Way::FromDevice || has_one_header(payload));
    let kind = if is_answer { Kind::Reply } else { Kind::Request };
    let mut judge = Judge::new(now.mono, subject, way, kind, sort.operation());
    judge.fault(fault, memory);
    if sort.is_order() || sort.operation().is_some() {
        list(&mut judge, memory, way, sort);
    }
    judge.finish()
}

/// Says whether nothing that could be an order of its own follows the first header.
fn has_one_header(payload: &[u8]) -> bool {
    payload.windows(3).filter(|three| *three == b"MSH").count() == 1
}

fn judge_message(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: &Message<'_>,
    subject: &Subject<'_>,
) -> Judgement {
    let sort = Sort::of(&message.message_type());
    let may_answer = matches!(sort, Sort::Answer | Sort::Unknown);
    let answered = may_answer && answered(flow, way, message, subject);
    let is_answer = sort == Sort::Answer || answered;
    let kind = if is_answer { Kind::Reply } else { Kind::Request };
    let mut judge = Judge::new(now.mono, subject, way, kind, sort.operation());
    fields::check(&mut judge, memory, now, way, message, is_answer);
    if way == Way::FromDevice {
        identify(&mut judge, memory, message, is_answer);
    }
    if is_answer {
        if !answered {
            judge.add(Reason::UnexpectedReply, memory);
        }
        return judge.finish();
    }
    list(&mut judge, memory, way, sort);
    if way == Way::ToDevice && sort.is_order() {
        match_order(&mut judge, memory, message);
    }
    let id = message.control_id();
    if id.is_empty() {
        return judge.finish();
    }
    judge.refuse(Refusal::Hl7Reject);
    let sender = message.sending_application().bytes();
    let hash = fingerprint(subject.salt, &[way_mark(way), sender, id.bytes()]);
    match memory.hl7.see(hash, now.mono) {
        Seen::First => {}
        Seen::Again => {
            judge.add(Reason::Replay, memory);
        }
        Seen::TooOften => {
            judge.add(Reason::Replay, memory);
            judge.add(Reason::ResendStorm, memory);
        }
    }
    let judgement = judge.finish();
    if judgement.verdict != Verdict::Block {
        flow.ask(way, fingerprint(subject.salt, &[id.bytes()]));
    }
    judgement
}

fn way_mark(way: Way) -> &'static [u8] {
    match way {
        Way::FromDevice => b"<",
        Way::ToDevice => b">",
    }
}

/// Says whether the message answers something that was asked here, and takes note of the answer.
fn answered(flow: &mut Flow, way: Way, message: &Message<'_>, subject: &Subject<'_>) -> bool {
    if message.answers().is_empty() {
        return false;
    }
    let hash = fingerprint(subject.salt, &[message.answers().bytes()]);
    // In the enhanced mode the answer of the application follows the one that it was received.
    let is_last = message.acknowledgment() != Some(AcknowledgmentCode::CommitAccept);
    flow.answer(way, hash, is_last)
}

/// Checks the operation against what is listed, and who may tell whom what to do.
fn list(judge: &mut Judge<'_>, memory: &mut Memory, way: Way, sort: Sort) {
    let subject = judge.subject();
    let operation = sort.operation().filter(|operation| subject.permitted.contains(*operation));
    let reason = match (way, operation) {
        (Way::FromDevice, Some(Operation::Hl7Qbp)) if subject.opened == Direction::Out => return,
        (Way::FromDevice, _) if sort.is_order() => Reason::CommandFromDevice,
        (Way::FromDevice, Some(_)) => return,
        (Way::ToDevice, Some(operation)) if may_be_asked(operation, subject.opened) => return,
        (Way::ToDevice, _) if sort.is_infusion_order() => Reason::CommandSource,
        (Way::FromDevice | Way::ToDevice, _) => Reason::OperationNotListed,
    };
    judge.add(reason, memory);
}

/// Says whether something that is listed may be asked of a device. Orders may come over a
/// conversation that the device opened for them; what else is listed there the device asks.
fn may_be_asked(operation: Operation, opened: Direction) -> bool {
    opened == Direction::In || operation.class() == OperationClass::Command
}

/// Checks that the device names itself as it is registered, and its server as the server is.
/// # Source
/// HL7 v2.6 §2.14.9.3; HL7 v2.6 §7.4.2.18.
fn identify(judge: &mut Judge<'_>, memory: &mut Memory, message: &Message<'_>, is_answer: bool) {
    let (device, peer) = (judge.subject().identity, judge.subject().peer);
    // An answer may leave the names out; a message that tells something may not hide behind that.
    let differs = |value: Value<'_>, expected: Option<&str>, may_be_empty: bool| {
        expected.is_some_and(|text| {
            let is_named = value.is_text(text) || value.component(1).is_text(text);
            !(is_named || may_be_empty && value.is_empty())
        })
    };
    if differs(message.sending_application(), device.hl7_application, is_answer)
        || differs(message.sending_facility(), device.hl7_facility, is_answer)
        || device.eui64.is_some_and(|id| names_another(message, id))
    {
        judge.add(Reason::IdentityMismatch, memory);
    }
    if differs(message.receiving_application(), peer.hl7_application, true)
        || differs(message.receiving_facility(), peer.hl7_facility, true)
    {
        judge.add(Reason::ReceiverMismatch, memory);
    }
}

/// Says whether OBX-18 or PRT-10 names another device by EUI-64, or calls something one that is none.
fn names_another(message: &Message<'_>, id: Eui64) -> bool {
    message.devices().any(|named| match named {
        DeviceId::Eui64(bytes) => Eui64::new(bytes) != id,
        DeviceId::Unreadable => true,
        DeviceId::Other => false,
    })
}

/// Checks that an order is for the patient and the pump that belong together; who is not named is
/// not another.
fn match_order(judge: &mut Judge<'_>, memory: &mut Memory, message: &Message<'_>) {
    let subject = judge.subject();
    let patient = message.patient_id();
    if let Some(expected) = subject.patient.filter(|_| !patient.is_empty()) {
        let mut buffer = [0; PATIENT_ID_BYTES_MAX];
        let named = patient.unescape(&mut buffer).map(|id| subject.salt.hash(id));
        if named != Some(expected) {
            judge.add(Reason::PatientMismatch, memory);
        }
    }
    if subject.identity.eui64.is_some_and(|id| names_another(message, id)) {
        judge.add(Reason::DeviceMismatch, memory);
    }
}

#[cfg(test)]
mod tests;
