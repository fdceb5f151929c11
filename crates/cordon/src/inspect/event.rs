//! The event that a judged message leaves in a journal; nothing of what it said.

use cordon_core::inspect::{Verdict, Way};
use cordon_model::event::{Inspected, MessageVerdict, Party as End, Way as Went};
use cordon_model::{DeviceId, Event, Label, Operation, Protocol, RuleId, ServiceId, What};
use cordon_wire::tcp::Side;

use super::party::{Ends, Party};
use super::record::Mark;
use crate::moment;

/// What is recorded of a message.
pub(super) struct Said<'a> {
    pub(super) way: Way,
    pub(super) protocol: Protocol,
    pub(super) operation: Option<Operation>,
    pub(super) verdict: Verdict,
    pub(super) page: bool,
    pub(super) reasons: Vec<&'a str>,
    pub(super) rules: Vec<&'a str>,
    pub(super) bytes: usize,
}

/// Makes the event of a message.
pub(super) fn event(
    ends: &Ends,
    party: &Party<'_>,
    mark: Mark,
    from: Side,
    said: &Said<'_>,
) -> Event {
    let device = party.device.map(|device| device.id.clone());
    let service = party.service.map(|service| service.id.clone());
    let ((src, sport), (dst, dport)) = ends.of(from);
    let (from_device, to_device) = match said.way {
        Way::FromDevice => (true, false),
        Way::ToDevice => (false, true),
    };
    let end = |address, port, is_device: bool| End {
        address: Some(address),
        device: device.clone().filter(|_: &DeviceId| is_device),
        mac: None,
        port: Some(port),
        service: service.clone().filter(|_: &ServiceId| !is_device),
    };
    let inspected = Inspected {
        bytes: u64::try_from(said.bytes).unwrap_or(u64::MAX),
        count: None,
        device: device.clone(),
        dst: end(dst, dport, to_device),
        operation: said.operation,
        page: said.page,
        protocol: said.protocol,
        // Both are words of cordon's own, and words of a hospital that were read as identifiers.
        reasons: said.reasons.iter().filter_map(|reason| Label::new(reason).ok()).collect(),
        rules: said.rules.iter().filter_map(|rule| RuleId::new(rule).ok()).collect(),
        src: end(src, sport, from_device),
        tier: party.device.map(|device| device.tier),
        transport: ends.transport,
        verdict: match said.verdict {
            Verdict::Pass => MessageVerdict::Pass,
            Verdict::PassFlag => MessageVerdict::PassFlag,
            Verdict::Block => MessageVerdict::Block,
        },
        way: match said.way {
            Way::FromDevice => Went::FromDevice,
            Way::ToDevice => Went::ToDevice,
        },
    };
    let at = moment::of_seconds(mark.ts_s);
    Event { at, point: None, what: What::Message(Box::new(inspected)) }
}
