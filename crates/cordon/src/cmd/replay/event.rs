//! The event that a replayed flow leaves in a journal.

use cordon_model::event::{Answer, Decided, Effect, FlowSummary, Party};
use cordon_model::{Act, Device, Event, Posture, RuleId, Sha256Digest, What};

use super::Judged;
use crate::flows::FlowRecord;
use crate::moment;

/// An act as it was asked, by which device and in which posture.
pub(super) struct Asked<'a> {
    pub(super) device: &'a Device,
    pub(super) act: Act,
    pub(super) posture: Posture,
}

/// Makes the event of a flow: a decision, or for one that no device of the plan takes part in, a flow.
/// # Units
/// `hour`: of the day, UTC.
pub(super) fn event(
    record: &FlowRecord,
    judged: &Judged<'_>,
    (hour, policy): (u8, Sha256Digest),
) -> Option<Event> {
    let what = match &judged.asked {
        Some(asked) => What::Decision(Box::new(Decided {
            act: asked.act.clone(),
            answer: Answer::from(&judged.decision),
            // What is replayed was not decided by a policy that was published.
            generation: 0,
            hour,
            latency_ns: None,
            policy: Some(policy),
            posture: asked.posture,
            segment: Some(asked.device.segment.clone()),
            tier: asked.device.tier,
        })),
        None => What::Flow(Box::new(stranger(record)?)),
    };
    Some(Event { at: moment::of_seconds(record.ts_s), point: None, what })
}

/// Counts a flow of nobody; none for what has no ports.
fn stranger(record: &FlowRecord) -> Option<FlowSummary> {
    let transport = record.transport.transport()?;
    let at = moment::of_seconds(record.ts_s);
    let party = |address, port, mac| Party {
        address: Some(address),
        mac,
        port: Some(port),
        ..Party::default()
    };
    Some(FlowSummary {
        action: Effect::Deny,
        bytes_from_device: record.bytes_up,
        bytes_to_device: record.bytes_down,
        device: None,
        dst: party(record.dst, record.dport, record.dst_mac),
        first: at,
        last: at,
        packets: 0,
        rule: RuleId::new("default-deny").ok()?,
        segment: None,
        src: party(record.src, record.sport, record.src_mac),
        tier: None,
        transport,
        vlan: None,
    })
}
