//! Messages that were judged: what was remarked or stopped one by one, what passed by count.

use std::collections::BTreeMap;

use cordon_model::bundle::FlowKey;
use cordon_model::event::{Inspected, MessageVerdict, Way, What};
use cordon_model::{DeviceId, Direction, Label, Now, Operation};

use super::Effect;
use super::input::MessageSeen;
use super::limits::{Counts, Limits};
use super::roll::Roll;
use crate::inspect::Verdict;

/// Messages that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    flow: FlowKey,
    operation: Option<Operation>,
    way: Way,
    verdict: MessageVerdict,
}

#[derive(Debug)]
struct Tally {
    last: MessageSeen,
    bytes: u64,
    count: u64,
}

/// The counts of messages since the last interval.
#[derive(Debug, Default)]
pub(super) struct Messages {
    tallies: BTreeMap<Key, Tally>,
    /// How many of a device's were recorded one by one in this interval.
    each: BTreeMap<DeviceId, u32>,
}

impl Messages {
    pub(super) fn len(&self) -> usize {
        self.tallies.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tallies.is_empty() && self.each.is_empty()
    }

    pub(super) fn saw(
        &mut self,
        now: Now,
        roll: &Roll,
        limits: &Limits,
        seen: &MessageSeen,
        counts: &mut Counts,
        out: &mut Vec<Effect>,
    ) {
        let verdict = recorded(seen.verdict);
        if verdict != MessageVerdict::Pass && self.may_record(roll, limits, seen) {
            out.push(record(now, roll, seen, seen.bytes, None));
            return;
        }
        let key = Key { flow: seen.key, operation: seen.operation, way: seen.way, verdict };
        if self.tallies.len() >= limits.messages_max && !self.tallies.contains_key(&key) {
            counts.messages_lost += 1;
            return;
        }
        let tally = self.tallies.entry(key).or_insert(Tally { last: *seen, bytes: 0, count: 0 });
        tally.last = *seen;
        tally.bytes = tally.bytes.saturating_add(seen.bytes);
        tally.count += 1;
    }

    /// Says whether a message of a device may have a record of its own.
    fn may_record(&mut self, roll: &Roll, limits: &Limits, seen: &MessageSeen) -> bool {
        // A flow that leads to no device of the bundle has no room of its own.
        let Some(device) = roll.at(seen.key.device) else { return false };
        let each = self.each.entry(device.id.clone()).or_insert(0);
        *each = each.saturating_add(1);
        *each <= limits.messages_each_max
    }

    /// Records the counts, and begins anew.
    pub(super) fn sweep(&mut self, now: Now, roll: &Roll, out: &mut Vec<Effect>) {
        self.each.clear();
        for tally in std::mem::take(&mut self.tallies).into_values() {
            out.push(record(now, roll, &tally.last, tally.bytes, Some(tally.count)));
        }
    }
}

fn recorded(verdict: Verdict) -> MessageVerdict {
    match verdict {
        Verdict::Pass => MessageVerdict::Pass,
        Verdict::PassFlag => MessageVerdict::PassFlag,
        Verdict::Block => MessageVerdict::Block,
    }
}

fn record(now: Now, roll: &Roll, seen: &MessageSeen, bytes: u64, count: Option<u64>) -> Effect {
    let device = roll.at(seen.key.device);
    let (opener, listener) = roll.parties(&seen.key, seen.opener_port);
    let from_opener = (seen.way == Way::FromDevice) == (seen.key.direction == Direction::Out);
    let (src, dst) = if from_opener { (opener, listener) } else { (listener, opener) };
    let is_listed =
        |operations: &[Operation]| seen.operation.is_some_and(|it| operations.contains(&it));
    let rules = roll.flows(&seen.key).filter(|(flow, _, _)| is_listed(&flow.operations));
    let mut rules: Vec<_> = rules.flat_map(|(flow, _, _)| flow.rules.iter().cloned()).collect();
    rules.dedup();
    let reasons = seen.reasons.iter().filter_map(|reason| Label::new(reason.label()).ok());
    roll.record(
        now,
        What::Message(Box::new(Inspected {
            bytes,
            count,
            device: device.map(|device| device.id.clone()),
            dst,
            operation: seen.operation,
            page: seen.page,
            protocol: seen.protocol,
            reasons: reasons.collect(),
            rules,
            src,
            tier: device.map(|device| device.tier),
            transport: seen.key.transport,
            verdict: recorded(seen.verdict),
            way: seen.way,
        })),
    )
}
