//! Judges BACnet/IP messages.
//!
//! Both sides ask and tell on the same port, so who asks is said by each message and not by the
//! conversation: an answer is one that something pending waits for.
//!
//! Invariant: what is remembered of a conversation and of a device is bounded; no value that is
//! read or written, no text and no password is kept.
//!
//! Source: ASHRAE 135-2020 §5.4, §6.4, §13–19, Annex J.

mod operation;
mod pending;

use cordon_model::fleet::BacnetRules;
use cordon_model::{Now, Operation, OperationClass};
use cordon_wire::Fault;
use cordon_wire::bacnet::{Apdu, Bvlc, ConfirmedService, Packet, Service, reject_reason};

use super::{Judge, Judgement, Kind, Memory, Rate, Reason, Refusal, Subject, Way};
pub use pending::{Flow, PENDING_MAX, PENDING_SPAN_S};

/// How many searches for devices a source may send in [`DISCOVERY_SPAN_S`].
pub const DISCOVERY_MAX: u32 = 1;
/// The span of [`DISCOVERY_MAX`].
/// # Units
/// Seconds.
pub const DISCOVERY_SPAN_S: u64 = 1;

/// The last of the priorities that are the fire system's: 1 manual, 2 automatic life safety.
/// # Source
/// ASHRAE 135-2020 §19.2.1.1.
const LIFE_SAFETY_PRIORITY: u8 = 2;

/// What refusals say.
/// # Source
/// ASHRAE 135-2020 §15.5.1.3.1, §15.9.1.3.1, §18.3, §18.9.
mod code {
    pub(super) const PROPERTY: u16 = 2;
    pub(super) const READ_ACCESS_DENIED: u16 = 27;
    pub(super) const WRITE_ACCESS_DENIED: u16 = 40;
    pub(super) const UNRECOGNIZED_SERVICE: u8 = 9;
}

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {
    searches: Rate<1>,
}

/// Judges one datagram, or what could not be read as one.
pub fn judge(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: Result<&Packet<'_>, Fault>,
    subject: &Subject<'_>,
) -> Judgement {
    let packet = match message {
        Ok(packet) => packet,
        Err(fault) => {
            let mut judge = Judge::new(now.mono, subject, way, Kind::Request, None);
            judge.fault(fault, memory);
            return judge.finish();
        }
    };
    let kind = kind(packet);
    let operation = if kind == Kind::Reply { None } else { operation::of(packet, way) };
    let mut judged = Judged {
        judge: Judge::new(now.mono, subject, way, kind, operation),
        memory,
        packet,
        way,
        operation,
        is_blocked: false,
    };
    judged.link();
    if kind == Kind::Reply {
        if !flow.answer(packet, way, now.mono) {
            judged.add(Reason::UnexpectedReply);
        }
        judged.reply();
    } else if packet.npdu.is_some() {
        judged.ask();
        judged.discovery(flow);
        if pending::waits(packet) && flow.is_full(packet, way, now.mono) {
            judged.add(Reason::TooManyPending);
        }
    }
    if kind != Kind::Reply && !judged.is_blocked {
        flow.ask(packet, way, now.mono);
    }
    judged.judge.finish()
}

/// Says what a message is in its conversation.
fn kind(packet: &Packet<'_>) -> Kind {
    let is_answer = match packet.bvlc {
        Bvlc::Result { .. }
        | Bvlc::ReadBroadcastTableAck { .. }
        | Bvlc::ReadForeignTableAck { .. } => true,
        Bvlc::WriteBroadcastTable { .. }
        | Bvlc::ReadBroadcastTable
        | Bvlc::ForwardedNpdu { .. }
        | Bvlc::RegisterForeignDevice { .. }
        | Bvlc::ReadForeignTable
        | Bvlc::DeleteForeignEntry { .. }
        | Bvlc::DistributeBroadcast
        | Bvlc::OriginalUnicast
        | Bvlc::OriginalBroadcast
        | Bvlc::Secure { .. } => packet.apdu.is_some_and(|apdu| apdu.is_reply()),
    };
    match (is_answer, packet.is_broadcast()) {
        (true, _) => Kind::Reply,
        (false, true) => Kind::Broadcast,
        (false, false) => Kind::Request,
    }
}

/// A message while it is being judged.
struct Judged<'a, 'm, 'p> {
    judge: Judge<'a>,
    memory: &'m mut Memory,
    packet: &'p Packet<'p>,
    way: Way,
    operation: Option<Operation>,
    is_blocked: bool,
}

impl Judged<'_, '_, '_> {
    fn add(&mut self, reason: Reason) {
        self.is_blocked |= self.judge.add(reason, self.memory);
        if let Some(refusal) = refusal(self.packet) {
            self.judge.refuse(refusal);
        }
    }

    fn fault(&mut self, fault: Fault) {
        self.is_blocked |= self.judge.fault(fault, self.memory);
        if refusal(self.packet).is_some() {
            let reason = reject_reason(self.packet, fault);
            self.judge.refuse(Refusal::BacnetReject { reason });
        }
    }

    fn rule(&self, asked: impl Fn(&BacnetRules) -> bool) -> bool {
        self.judge.subject().rules.bacnet.as_ref().is_some_and(asked)
    }

    /// Holds the virtual link layer to who may manage broadcasts.
    fn link(&mut self) {
        let is_management = match self.packet.bvlc {
            Bvlc::WriteBroadcastTable { .. }
            | Bvlc::RegisterForeignDevice { .. }
            | Bvlc::DeleteForeignEntry { .. }
            | Bvlc::DistributeBroadcast => true,
            // Only a BBMD forwards, and it says whom it forwards; a device could say anybody.
            Bvlc::ForwardedNpdu { .. } => self.way == Way::FromDevice,
            Bvlc::ReadBroadcastTable | Bvlc::ReadForeignTable => {
                if !self.rule(|rules| rules.broadcast_management) {
                    self.add(Reason::OperationNotListed);
                }
                false
            }
            Bvlc::Secure { .. } => {
                self.fault(Fault::Unsupported { at: 1, what: "secure BVLL" });
                false
            }
            Bvlc::Result { .. }
            | Bvlc::ReadBroadcastTableAck { .. }
            | Bvlc::ReadForeignTableAck { .. }
            | Bvlc::OriginalUnicast
            | Bvlc::OriginalBroadcast => false,
        };
        if is_management && !self.rule(|rules| rules.broadcast_management) {
            self.add(Reason::BroadcastManagement);
        }
    }

    /// Looks whether an answer can be read.
    fn reply(&mut self) {
        let read = self.packet.check().and_then(|()| {
            self.packet.error()?;
            self.packet.service()
        });
        if let Err(fault) = read.and_then(|service| walk(service.as_ref()).map(|_| ())) {
            self.content_fault(fault);
        }
    }

    /// Adds a fault in parameters, unless it is only that a first segment ends.
    fn content_fault(&mut self, fault: Fault) {
        if !matches!(fault, Fault::Incomplete { .. }) {
            self.fault(fault);
        }
    }

    /// Judges what asks or tells something by itself.
    fn ask(&mut self) {
        if let Some(message) = self.packet.npdu.and_then(|npdu| npdu.message) {
            // Routing tables, connections, and keys of the security that no edition has any more.
            if matches!(message.kind, 0x06..=0x11) {
                self.add(Reason::NetworkMessage);
            } else if !self.is_permitted() {
                self.add(Reason::OperationNotListed);
            }
            return;
        }
        let read = self.packet.check().and_then(|()| self.packet.service());
        let service = match read {
            Ok(service) => service,
            Err(fault) => {
                self.content_fault(fault);
                None
            }
        };
        let is_request = matches!(self.packet.apdu, Some(Apdu::ConfirmedRequest { .. }));
        if is_request && self.packet.is_broadcast() {
            // Nobody may answer it (§5.4.5.1, ConfirmedBroadcastReceived).
            self.add(Reason::Malformed);
        }
        if !self.is_permitted() {
            self.add(self.unlisted());
        }
        let gravest = walk(service.as_ref()).unwrap_or_else(|fault| {
            self.content_fault(fault);
            None
        });
        self.priority(gravest);
        self.instance(service.as_ref());
    }

    fn is_permitted(&self) -> bool {
        let permitted = self.judge.subject().permitted;
        self.operation.is_some_and(|operation| permitted.contains(operation))
    }

    /// Gives the reason for what is not listed: the gravest that fits.
    fn unlisted(&self) -> Reason {
        let class = self.operation.map(Operation::class);
        if class == Some(OperationClass::Maintenance) {
            return Reason::DangerousService;
        }
        let changes = match class {
            Some(OperationClass::Write | OperationClass::Command) => true,
            Some(
                OperationClass::Telemetry
                | OperationClass::Alarm
                | OperationClass::Read
                | OperationClass::Maintenance
                | OperationClass::Discovery
                | OperationClass::Connection,
            ) => false,
            None => operation::configures(self.packet),
        };
        if changes && self.way == Way::FromDevice {
            Reason::CommandFromDevice
        } else {
            Reason::OperationNotListed
        }
    }

    /// Holds writes to the priorities that are not the fire system's; of a request in segments they
    /// cannot be seen.
    fn priority(&mut self, gravest: Option<u8>) {
        if self.operation != Some(Operation::BacnetWriteProperty)
            || self.rule(|rules| rules.life_safety_writer)
        {
            return;
        }
        if gravest.is_some_and(|priority| priority <= LIFE_SAFETY_PRIORITY) {
            self.add(Reason::WritePriority);
        }
        if self.packet.apdu.is_some_and(|apdu| apdu.segment().is_some()) {
            self.fault(Fault::Unsupported { at: 0, what: "a write in segments" });
        }
    }

    /// Holds what a device says of itself to the instance that it is registered with.
    fn instance(&mut self, service: Option<&Service<'_>>) {
        let Some(instance) = self.judge.subject().identity.bacnet_instance else { return };
        let claims = matches!(
            service,
            Some(Service::IAm(_) | Service::IHave { .. } | Service::CovNotification { .. })
        );
        let claimed = service.and_then(|service| service.device()).filter(|_| claims);
        if self.way == Way::FromDevice
            && claimed.is_some_and(|device| device.device() != Some(instance))
        {
            self.add(Reason::InstanceMismatch);
        }
    }

    /// Holds each source to so many searches; what is stopped anyway does not count.
    fn discovery(&mut self, flow: &mut Flow) {
        if self.operation != Some(Operation::BacnetWhoIs) || self.is_blocked {
            return;
        }
        let searches = match self.way {
            Way::FromDevice => &mut self.memory.bacnet.searches,
            Way::ToDevice => &mut flow.searches,
        };
        if searches.admit(self.judge.now(), DISCOVERY_SPAN_S, DISCOVERY_MAX).is_err() {
            self.add(Reason::DiscoveryRate);
        }
    }
}

/// Walks through the properties that a service names, and gives the gravest priority with which one
/// is written.
fn walk(service: Option<&Service<'_>>) -> Result<Option<u8>, Fault> {
    let Some(service) = service else { return Ok(None) };
    if let Service::WriteGroup { priority, .. } = service {
        return Ok(Some(*priority));
    }
    if let Service::WriteProperty(property) = service {
        return Ok(property.priority);
    }
    let mut gravest: Option<u8> = None;
    for property in service.properties().into_iter().flatten() {
        if let Some(priority) = property?.priority {
            gravest = Some(gravest.map_or(priority, |gravest| gravest.min(priority)));
        }
    }
    Ok(gravest)
}

/// Gives how a request is refused; none where nothing may be answered.
fn refusal(packet: &Packet<'_>) -> Option<Refusal> {
    let Some(Apdu::ConfirmedRequest { segment, service, .. }) = packet.apdu else { return None };
    if packet.is_broadcast() {
        return None;
    }
    let denied = |code| Refusal::BacnetError { class: code::PROPERTY, code };
    Some(match ConfirmedService::from_number(service) {
        // An error of a write names a property, which a segment may not have.
        Some(ConfirmedService::WriteProperty | ConfirmedService::WritePropertyMultiple)
            if segment.is_none() =>
        {
            denied(code::WRITE_ACCESS_DENIED)
        }
        Some(
            ConfirmedService::ReadProperty
            | ConfirmedService::ReadPropertyMultiple
            | ConfirmedService::ReadRange,
        ) => denied(code::READ_ACCESS_DENIED),
        _ => Refusal::BacnetReject { reason: code::UNRECOGNIZED_SERVICE },
    })
}

#[cfg(test)]
mod tests;
