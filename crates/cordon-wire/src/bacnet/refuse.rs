//! Refusals of confirmed requests, addressed as the answer of the one who was asked.
//!
//! Invariant: never a positive answer; nothing is said to what is no confirmed request, nor to one
//! that went to all, which nobody answers (ASHRAE 135-2020 §5.4.5.1).
//! Source: ASHRAE 135-2020 §5.4.5, §6.2.2, §20.1.7, §20.1.8, §20.1.9.

use super::tag::{EXCESS, PRIORITY, PRODUCTION, TAG, VALUE};
use super::{
    Address, Apdu, Bvlc, ConfirmedService, Npdu, Packet, Parameters, Property, Reference, Service,
};
use crate::Fault;

/// How many routers an answer may pass.
/// # Source
/// ASHRAE 135-2020 §6.2.3.
const HOPS: u8 = 255;

/// Appends a reject; gives false, and appends nothing, where none may be sent.
/// # Source
/// ASHRAE 135-2020 §20.1.8, §18.9.
#[must_use]
pub fn reject(packet: &Packet<'_>, reason: u8, out: &mut Vec<u8>) -> bool {
    let Some(request) = Request::of(packet) else { return false };
    request.answer(Apdu::Reject { invoke_id: request.invoke_id, reason }, out);
    true
}

/// Appends an abort by the one who was asked; gives false, and appends nothing, where none may be
/// sent.
/// # Source
/// ASHRAE 135-2020 §20.1.9, §18.10.
#[must_use]
pub fn abort(packet: &Packet<'_>, reason: u8, out: &mut Vec<u8>) -> bool {
    let Some(request) = Request::of(packet) else { return false };
    let invoke_id = request.invoke_id;
    request.answer(Apdu::Abort { is_server: true, invoke_id, reason }, out);
    true
}

/// Appends an error; gives false, and appends nothing, where none may be sent, and for services
/// whose errors name something of the request that cannot be read.
/// # Source
/// ASHRAE 135-2020 §20.1.7, §21.4.
#[must_use]
pub fn error(packet: &Packet<'_>, class: u16, code: u16, out: &mut Vec<u8>) -> bool {
    let Some(request) = Request::of(packet) else { return false };
    let mut content = Content::default();
    let is_wrapped = matches!(
        ConfirmedService::from_number(request.service),
        Some(
            ConfirmedService::AddListElement
                | ConfirmedService::RemoveListElement
                | ConfirmedService::CreateObject
                | ConfirmedService::WritePropertyMultiple
                | ConfirmedService::ConfirmedPrivateTransfer
                | ConfirmedService::VtClose
                | ConfirmedService::SubscribeCovPropertyMultiple
        )
    );
    if is_wrapped {
        content.push(&[0x0E]);
    }
    content.number(0x90, u32::from(class));
    content.number(0x90, u32::from(code));
    if is_wrapped {
        content.push(&[0x0F]);
        if !content.detail(packet) && needs_detail(request.service) {
            return false;
        }
    }
    let parameters = Parameters::new(content.bytes(), 0, false);
    let (invoke_id, service) = (request.invoke_id, request.service);
    request.answer(Apdu::Error { invoke_id, service, parameters }, out);
    true
}

/// Says whether an error of the service is nothing without naming a part of the request.
fn needs_detail(service: u8) -> bool {
    !matches!(
        ConfirmedService::from_number(service),
        Some(ConfirmedService::VtClose | ConfirmedService::SubscribeCovPropertyMultiple)
    )
}

/// Gives the reason with which a request is rejected whose parameters have a fault.
/// # Source
/// ASHRAE 135-2020 §18.9.
#[must_use]
pub fn reject_reason(packet: &Packet<'_>, fault: Fault) -> u8 {
    let end = packet.end();
    match fault {
        Fault::Malformed { rule: PRODUCTION, at } if at >= end => 5,
        Fault::Malformed { rule: PRODUCTION | TAG, .. } => 4,
        Fault::Malformed { rule: EXCESS, .. } => 7,
        Fault::Malformed { rule: PRIORITY, .. } => 6,
        Fault::Malformed { rule: VALUE, .. } => 3,
        Fault::OverLimit { .. } => 1,
        Fault::Malformed { .. } | Fault::Incomplete { .. } | Fault::Unsupported { .. } => 0,
    }
}

impl Packet<'_> {
    /// Gives the place of the end of the parameters in the datagram.
    fn end(&self) -> usize {
        self.parameters().map_or(usize::MAX, |parameters| parameters.end())
    }
}

/// A confirmed request that may be answered.
struct Request<'a> {
    npdu: Npdu<'a>,
    invoke_id: u8,
    service: u8,
}

impl<'a> Request<'a> {
    fn of(packet: &Packet<'a>) -> Option<Self> {
        let Some(Apdu::ConfirmedRequest { invoke_id, service, .. }) = packet.apdu else {
            return None;
        };
        if packet.is_broadcast() {
            return None;
        }
        packet.npdu.map(|npdu| Self { npdu, invoke_id, service })
    }

    /// Appends an answer from where the request went to where it came from.
    fn answer(&self, apdu: Apdu<'_>, out: &mut Vec<u8>) {
        let destination = self.npdu.source;
        let npdu = Npdu {
            destination,
            source: self.npdu.destination.filter(|address: &Address<'_>| !address.is_broadcast()),
            hop_count: destination.map(|_| HOPS),
            is_reply_expected: false,
            priority: self.npdu.priority,
            message: None,
        };
        Packet { bvlc: Bvlc::OriginalUnicast, npdu: Some(npdu), apdu: Some(apdu) }.write(out);
    }
}

/// The parameters of an error, in a fixed room that the longest of them fits.
#[derive(Default)]
struct Content {
    room: [u8; 32],
    used: usize,
}

impl Content {
    fn bytes(&self) -> &[u8] {
        self.room.get(..self.used).unwrap_or_default()
    }

    /// Writes what an error names of the request; says whether there is something.
    fn detail(&mut self, packet: &Packet<'_>) -> bool {
        let Ok(Some(service)) = packet.service() else { return false };
        if let Service::WritePropertyMultiple(mut writes) = service {
            let Some(Ok(Property { reference, .. })) = writes.next() else { return false };
            self.reference(reference);
            return true;
        }
        if let Service::PrivateTransfer { vendor, service } = service {
            self.number(0x18, vendor);
            self.number(0x28, service);
            return true;
        }
        let is_list = matches!(
            service,
            Service::AddListElement(_)
                | Service::RemoveListElement(_)
                | Service::CreateObject { .. }
        );
        if is_list {
            // No element of the list was looked at.
            self.number(0x18, 0);
        }
        is_list
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.used.saturating_add(bytes.len());
        if let Some(room) = self.room.get_mut(self.used..end) {
            room.copy_from_slice(bytes);
            self.used = end;
        }
    }

    /// Writes a number in as few bytes as it needs, under a tag whose length is left out.
    fn number(&mut self, tag: u8, number: u32) {
        let bytes = number.to_be_bytes();
        let zeros = bytes.iter().take(3).take_while(|byte| **byte == 0).count();
        let shortest = bytes.get(zeros..).unwrap_or_default();
        self.push(&[tag | u8::try_from(shortest.len()).unwrap_or(4)]);
        self.push(shortest);
    }

    fn reference(&mut self, reference: Reference) {
        self.push(&[0x1E, 0x0C]);
        self.push(&reference.object.0.to_be_bytes());
        self.number(0x18, reference.property);
        if let Some(index) = reference.index {
            self.number(0x28, index);
        }
        self.push(&[0x1F]);
    }
}
