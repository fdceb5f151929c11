//! Flows that passed, told when they begin, when they end, and once an interval between.

use std::collections::BTreeMap;

use cordon_model::bundle::FlowKey;
use cordon_model::event::{Effect as Action, FlowSummary, What};
use cordon_model::{Mono, Now, RuleId, WallMs};

use super::input::{FlowId, FlowMoment, FlowSeen};
use super::limits::{Counts, Limits};
use super::roll::Roll;
use super::{Effect, after_s};

/// After this silence a flow whose end nobody told is forgotten.
/// # Units
/// Seconds.
pub const FLOW_IDLE_S: u64 = 3_600;

/// The rule of a flow that passed and that no list names any more.
const UNLISTED: &str = "unlisted";

/// Counters of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counters {
    from_device: u64,
    to_device: u64,
    packets: u64,
}

impl Counters {
    /// Gives what came since; counters that fell began again.
    fn since(self, before: Self) -> Self {
        let more = |now: u64, then: u64| now.checked_sub(then).unwrap_or(now);
        Self {
            from_device: more(self.from_device, before.from_device),
            to_device: more(self.to_device, before.to_device),
            packets: more(self.packets, before.packets),
        }
    }
}

#[derive(Debug)]
struct Tracked {
    key: FlowKey,
    opener_port: u16,
    rule: Option<RuleId>,
    seen: Counters,
    recorded: Counters,
    /// Since when the counters are not recorded.
    since: WallMs,
    recorded_at: Mono,
    seen_at: Mono,
}

/// What a report on a flow says about its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growth {
    /// When it was reported before; when it began, if it just did.
    pub(super) since: Mono,
    pub(super) from_device: bool,
    pub(super) to_device: bool,
}

/// The flows that are counted.
#[derive(Debug, Default)]
pub(super) struct Flows {
    tracked: BTreeMap<FlowId, Tracked>,
}

impl Flows {
    pub(super) fn len(&self) -> usize {
        self.tracked.len()
    }

    /// Takes a report, and says how the flow grew since the one before.
    pub(super) fn saw(
        &mut self,
        now: Now,
        roll: &Roll,
        limits: &Limits,
        seen: &FlowSeen,
        counts: &mut Counts,
        out: &mut Vec<Effect>,
    ) -> Option<Growth> {
        // A number that names another flow now was used again.
        let known = self.tracked.remove(&seen.id);
        let known = known.filter(|it| it.key == seen.key && it.opener_port == seen.opener_port);
        let known = known.filter(|_| seen.moment != FlowMoment::Start);
        let counters = Counters {
            from_device: seen.bytes_from_device,
            to_device: seen.bytes_to_device,
            packets: seen.packets,
        };
        let growth = match (&known, seen.moment) {
            (Some(it), _) => Some((it.seen_at, counters.since(it.seen))),
            (None, FlowMoment::Start) => Some((now.mono, counters)),
            (None, FlowMoment::Update | FlowMoment::End) => None,
        };
        let is_new = known.is_none();
        let mut it = known.unwrap_or_else(|| Tracked {
            key: seen.key,
            opener_port: seen.opener_port,
            rule: rule(roll, &seen.key),
            seen: Counters::default(),
            recorded: Counters::default(),
            since: seen.began.unwrap_or(at(now)),
            recorded_at: now.mono,
            seen_at: now.mono,
        });
        it.seen = counters;
        it.seen_at = now.mono;
        let is_end = seen.moment == FlowMoment::End;
        let has_room = self.tracked.len() < limits.flows_max;
        let is_due = now.mono >= after_s(it.recorded_at, u64::from(limits.interval_s));
        let has_more = it.seen != it.recorded;
        // A flow that has no room is recorded once, whole, when it ends.
        if is_end || has_room && (is_new || is_due && has_more) {
            it.record(now, roll, out);
        }
        if !is_end && has_room {
            self.tracked.insert(seen.id, it);
        } else if seen.moment == FlowMoment::Start {
            counts.flows_lost += 1;
        }
        growth.map(|(since, more)| Growth {
            since,
            from_device: more.from_device > 0,
            to_device: more.to_device > 0,
        })
    }

    /// Forgets flows of which nobody says anything any more, after their last figures.
    pub(super) fn sweep(&mut self, now: Now, roll: &Roll, out: &mut Vec<Effect>) {
        self.tracked.retain(|_, it| {
            let is_over = now.mono >= after_s(it.seen_at, FLOW_IDLE_S);
            if is_over && it.seen != it.recorded {
                it.record(now, roll, out);
            }
            !is_over
        });
    }
}

impl Tracked {
    fn record(&mut self, now: Now, roll: &Roll, out: &mut Vec<Effect>) {
        let more = self.seen.since(self.recorded);
        let Some(rule) = self.rule.clone() else { return };
        let device = roll.at(self.key.device);
        let (src, dst) = roll.parties(&self.key, self.opener_port);
        out.push(roll.record(
            now,
            What::Flow(Box::new(FlowSummary {
                action: Action::Permit,
                bytes_from_device: more.from_device,
                bytes_to_device: more.to_device,
                device: device.map(|device| device.id.clone()),
                dst,
                first: self.since,
                last: at(now),
                packets: more.packets,
                rule,
                segment: None,
                src,
                tier: device.map(|device| device.tier),
                transport: self.key.transport,
                vlan: None,
            })),
        ));
        self.recorded = self.seen;
        self.recorded_at = now.mono;
        self.since = at(now);
    }
}

fn at(now: Now) -> WallMs {
    WallMs(now.wall.0.saturating_mul(1_000))
}

/// Finds the rule that lets a flow through.
fn rule(roll: &Roll, key: &FlowKey) -> Option<RuleId> {
    let listed = roll.flows(key).find_map(|(flow, _, _)| flow.rules.first().cloned());
    listed.or_else(|| RuleId::new(UNLISTED).ok())
}
