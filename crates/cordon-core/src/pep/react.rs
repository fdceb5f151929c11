//! What each input does: bundles, orders, evidence, flows, and the kernel's answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use cordon_model::bundle::{BundleDevice, FlowKey};
use cordon_model::event::{Actor, EventId, StateChange as StateEvent, Way, What};
use cordon_model::{Bundle, DeviceId, DeviceState, Evidence, Label, Transport};

use super::alarms::{BUNDLE_REFUSED, ROLLED_BACK, RULES_REFUSED, STATE_REFUSED, UNSAFE_TYPE};
use super::effect::{Effect, OrderResult, Refusal};
use super::input::{Denied, FlowSeen, KernelDone, MessageSeen, Order, OrderKind};
use super::orders::{self, Ruling};
use super::roll::Roll;
use super::standing::{self, Standing, Watch};
use super::{Loading, Pep, after_s};
use crate::inspect::Verdict;

/// Rules that the kernel refused are tried again after this time, if only the hour was new.
/// # Units
/// Seconds.
const LOAD_RETRY_S: u64 = 10;

/// Why a device changes its state.
pub(super) struct Why {
    by: Vec<Actor>,
    because: Vec<EventId>,
    incident: Option<Label>,
    reason: Label,
    since_violation_ms: Option<u64>,
}

impl Pep {
    /// Takes a bundle whose signature is good, unless it leads back.
    pub(super) fn offer(&mut self, bundle: Arc<Bundle>, out: &mut Vec<Effect>) {
        let in_force = self.roll.as_ref().map(|roll| roll.bundle());
        let is_other = in_force.is_some_and(|it| it.point != bundle.point);
        let latest = self.loading.as_ref().map(|loading| &loading.bundle).or(in_force);
        let is_older = latest.is_some_and(|latest| bundle.number <= latest.number);
        if bundle.check().is_err() || is_other || is_older {
            return self.refuse(Some(bundle.number), out);
        }
        self.load(bundle, out);
    }

    pub(super) fn load(&mut self, bundle: Arc<Bundle>, out: &mut Vec<Effect>) {
        let hour = self.now.wall.hour();
        let since = self.now.mono;
        self.loading = Some(Loading { bundle: Arc::clone(&bundle), hour, since });
        self.load_retry_at = None;
        out.push(Effect::Load { bundle, hour });
    }

    /// Keeps the bundle in force, and says so: what every tier does about a bundle that is
    /// corrupt, wrongly signed or older.
    pub(super) fn refuse(&mut self, number: Option<u64>, out: &mut Vec<Effect>) {
        self.alarm_about_me(true, BUNDLE_REFUSED, number, out);
    }

    pub(super) fn kernel(&mut self, done: KernelDone, out: &mut Vec<Effect>) {
        let is_loading = |pep: &Self, number, hour| {
            let loading = pep.loading.as_ref();
            loading.is_some_and(|it| it.bundle.number == number && it.hour == hour)
        };
        match done {
            KernelDone::Loaded { number, hour } if is_loading(self, number, hour) => {
                if let Some(Loading { bundle, hour, .. }) = self.loading.take() {
                    self.activate(&bundle, hour, out);
                }
            }
            KernelDone::LoadRefused { number, hour } if is_loading(self, number, hour) => {
                self.load_refused(number, out);
            }
            KernelDone::Loaded { .. } | KernelDone::LoadRefused { .. } => {}
            KernelDone::Stated { ticket } => {
                if self.mirror.stated(ticket) {
                    self.alarm_about_me(false, STATE_REFUSED, None, out);
                }
            }
            KernelDone::StateRefused { ticket, held } => {
                if self.mirror.refused(self.now.mono, ticket, held) {
                    self.alarm_about_me(true, STATE_REFUSED, None, out);
                }
            }
        }
    }

    /// Goes on with the rules in force.
    pub(super) fn load_refused(&mut self, number: u64, out: &mut Vec<Effect>) {
        self.loading = None;
        self.load_retry_at = Some(after_s(self.now.mono, LOAD_RETRY_S));
        self.alarm_about_me(true, RULES_REFUSED, Some(number), out);
    }

    /// Puts a bundle in force that the kernel has loaded.
    fn activate(&mut self, bundle: &Arc<Bundle>, hour: u8, out: &mut Vec<Effect>) {
        let before = self.roll.take();
        let is_new = before.as_ref().is_none_or(|it| it.bundle().number != bundle.number);
        let is_first = before.is_none();
        let roll = Arc::new(Roll::new(bundle));
        self.roll = Some(Arc::clone(&roll));
        self.hour = hour;
        if is_first {
            // Alarms before the first bundle went under another name.
            if let Ok(nobody) = Label::new("enforcement-point") {
                self.alarm(false, BUNDLE_REFUSED, &nobody, None, out);
                self.alarm(false, RULES_REFUSED, &nobody, None, out);
            }
        }
        self.alarm_about_me(false, RULES_REFUSED, None, out);
        if is_new {
            self.alarm_about_me(false, BUNDLE_REFUSED, None, out);
            if !(is_first && self.is_age_carried) {
                self.age.restart(self.now.mono);
            }
            self.leave(before.as_deref(), &roll, out);
            self.enroll(&roll);
        }
        let mut alike = BTreeMap::new();
        for device in &roll.bundle().devices {
            self.mirror.touch(device.addresses());
            let is_alike =
                before.as_ref().is_some_and(|it| it.is_alike(&roll, &device.id, &mut alike));
            let is_hourly = roll.bundle().flows_of(device).any(|(flow, _, _)| flow.hours.is_some());
            if !is_first && (!is_alike || is_hourly) {
                self.close(device.id.clone());
            }
        }
        self.mirror.touch_all_held();
        self.devices_due = self.next_due();
    }

    /// Lets devices go that are no longer in the bundle: nothing of them is permitted any more, so
    /// nothing has to be held against them.
    fn leave(&mut self, before: Option<&Roll>, roll: &Roll, out: &mut Vec<Effect>) {
        let gone = |id: &&DeviceId| roll.device(id).is_none();
        let ids: Vec<DeviceId> = self.devices.keys().filter(gone).cloned().collect();
        for id in ids {
            let tier = before.and_then(|it| it.device(&id)).map(|device| device.tier);
            let standing = self.devices.remove(&id);
            let state = standing.map(|it| it.state()).filter(|it| *it != DeviceState::Normal);
            if let (Some(from), Some(tier), Ok(reason)) = (state, tier, Label::new("left-bundle")) {
                let by = vec![Actor::Point(roll.bundle().point.clone())];
                out.push(roll.record(
                    self.now,
                    What::State(Box::new(StateEvent {
                        because: Vec::new(),
                        by,
                        device: id.clone(),
                        from,
                        incident: None,
                        reason,
                        since_violation_ms: None,
                        tier,
                        to: DeviceState::Discovered,
                    })),
                ));
            }
            self.close(id);
        }
    }

    /// Takes in the devices of a bundle; those that were there stay where they stand.
    fn enroll(&mut self, roll: &Roll) {
        let assumed = standing::assumed(roll.bundle());
        for device in &roll.bundle().devices {
            if self.devices.contains_key(&device.id) {
                continue;
            }
            let mut standing = Standing::new(assumed);
            if self.is_restored {
                let held = device.addresses().map(|address| self.mirror.held(address));
                let held: Vec<_> = held.collect();
                held.iter().rev().for_each(|held| standing.restore(held));
                if held.iter().any(|held| held.isolated) {
                    standing.posture.state = DeviceState::Isolated;
                }
                let is_open =
                    |it: &super::Elements| it.contained.is_some_and(|it| it.timeout_s.is_some());
                let watch = held
                    .iter()
                    .any(is_open)
                    .then(|| Watch::new(self.now.mono, roll.bundle(), device, self.hour))
                    .flatten();
                standing.enter(self.now.mono, standing.state(), device.tier, watch);
            }
            self.devices.insert(device.id.clone(), standing);
        }
        self.is_restored = false;
    }

    /// Ends connections after the kernel was told.
    fn close(&mut self, device: DeviceId) {
        self.closing.push(Effect::Close { device });
    }

    pub(super) fn order(&mut self, order: Order, out: &mut Vec<Effect>) {
        let now = self.now.mono;
        if self.orders.is_again(now, &order, &self.limits, &mut self.counts, out) {
            return;
        }
        let result = match self.obey(&order, out) {
            Ok(Ruling::Already) => OrderResult::Already,
            Ok(Ruling::Enter(_) | Ruling::Confirm | Ruling::Posture) => {
                // Answered when the kernel holds it.
                return self.orders.wait(now, order.id, order.device);
            }
            Err(refusal) => OrderResult::Refused(refusal),
        };
        self.orders.answer(order.id, result, &self.limits, out);
    }

    fn obey(&mut self, order: &Order, out: &mut Vec<Effect>) -> Result<Ruling, Refusal> {
        let roll = self.roll.clone().ok_or(Refusal::NoBundle)?;
        let device = roll.device(&order.device).ok_or(Refusal::UnknownDevice)?;
        let standing = self.devices.get_mut(&order.device).ok_or(Refusal::UnknownDevice)?;
        let ruling = orders::rule(order, standing, device.tier)?;
        if ruling != Ruling::Already && self.orders.is_full(&self.limits) {
            self.counts.orders_lost += 1;
            return Err(Refusal::TooMany);
        }
        match ruling {
            Ruling::Already => {}
            Ruling::Enter(to) => {
                if to != DeviceState::Probation {
                    standing.evidence = order.evidence;
                    standing.by.clone_from(&order.by);
                    standing.incident.clone_from(&order.incident);
                }
                let own = self.findings.since(&order.device);
                let own = own.map(|first| standing::ms_since(self.now.mono, first));
                let why = Why {
                    by: order.by.clone(),
                    because: order.because.clone(),
                    incident: order.incident.clone(),
                    reason: order.reason.clone(),
                    since_violation_ms: order.since_violation_ms.or(own),
                };
                self.enter(&roll, device, to, why, out);
            }
            Ruling::Confirm => standing.watch = None,
            Ruling::Posture => {
                if let OrderKind::Posture { identity, attestation } = order.what {
                    standing.posture.identity = identity;
                    standing.posture.attestation = attestation;
                }
                self.close(device.id.clone());
            }
        }
        self.mirror.touch(device.addresses());
        Ok(ruling)
    }

    /// Brings a device into another state: the one place where that happens.
    pub(super) fn enter(
        &mut self,
        roll: &Roll,
        device: &BundleDevice,
        to: DeviceState,
        why: Why,
        out: &mut Vec<Effect>,
    ) {
        let Some(standing) = self.devices.get_mut(&device.id) else { return };
        let from = standing.state();
        if from == to {
            return;
        }
        let watch = Watch::new(self.now.mono, roll.bundle(), device, self.hour);
        standing.enter(self.now.mono, to, device.tier, watch);
        self.devices_due = [self.devices_due, standing.deadline()].into_iter().flatten().min();
        self.mirror.touch(device.addresses());
        out.push(roll.record(
            self.now,
            What::State(Box::new(StateEvent {
                because: why.because,
                by: why.by,
                device: device.id.clone(),
                from,
                incident: why.incident,
                reason: why.reason,
                since_violation_ms: why.since_violation_ms,
                tier: device.tier,
                to,
            })),
        ));
        self.close(device.id.clone());
        if let Ok(about) = Label::new(device.id.as_str()) {
            let is_on = to == DeviceState::Suspect && from == DeviceState::Contained;
            self.alarm(is_on, ROLLED_BACK, &about, None, out);
        }
    }

    /// Makes the point itself the one who changes a state.
    pub(super) fn enter_by_myself(
        &mut self,
        roll: &Roll,
        device: &BundleDevice,
        to: DeviceState,
        reason: &str,
        out: &mut Vec<Effect>,
    ) {
        let Ok(reason) = Label::new(reason) else { return };
        let incident = self.devices.get(&device.id).and_then(|it| it.incident.clone());
        let by = vec![Actor::Point(roll.bundle().point.clone())];
        let why = Why { by, because: Vec::new(), incident, reason, since_violation_ms: None };
        self.enter(roll, device, to, why, out);
    }

    /// Takes a containment back that silenced a lifeline.
    pub(super) fn roll_back(&mut self, roll: &Roll, device: &BundleDevice, out: &mut Vec<Effect>) {
        if let Some(standing) = self.devices.get_mut(&device.id) {
            standing.remember_rollback();
            // A person has to look: suspicion does not end by itself.
            standing.evidence = standing.evidence.max(Some(Evidence::E3));
        }
        self.enter_by_myself(roll, device, DeviceState::Suspect, "lifeline-silent", out);
        if let Ok(about) = Label::new(device.profile.as_str()) {
            self.alarm(true, UNSAFE_TYPE, &about, Some(roll.bundle().number), out);
        }
    }

    pub(super) fn denied(&mut self, denied: &Denied<'_>, out: &mut Vec<Effect>) {
        let Some(roll) = self.roll.clone() else {
            self.counts.denied_packets += 1;
            return;
        };
        let (now, limits) = (self.now, self.limits);
        let blamed = self.findings.denied(now, &roll, &limits, denied, &mut self.counts, out);
        self.sweep_from_now();
        let device = blamed.and_then(|id| roll.device(&id));
        let Some(device) = device else { return };
        // Who is watched is clean from its last violation on.
        if let Some(standing) = self.devices.get_mut(&device.id)
            && standing.clean_at.is_some()
        {
            standing.enter(now.mono, standing.state(), device.tier, None);
        }
    }

    pub(super) fn flow(&mut self, seen: &FlowSeen, out: &mut Vec<Effect>) {
        let Some(roll) = self.roll.clone() else { return };
        let (now, limits) = (self.now, self.limits);
        let growth = self.flows.saw(now, &roll, &limits, seen, &mut self.counts, out);
        self.sweep_from_now();
        let Some(growth) = growth else { return };
        if standing::proves(seen.key.transport, growth.from_device, growth.to_device) {
            self.lifeline_spoke(&roll, &seen.key, growth.since);
        }
    }

    pub(super) fn message(&mut self, seen: &MessageSeen, out: &mut Vec<Effect>) {
        let Some(roll) = self.roll.clone() else { return };
        let (now, limits) = (self.now, self.limits);
        self.messages.saw(now, &roll, &limits, seen, &mut self.counts, out);
        self.sweep_from_now();
        let is_answer = seen.way == Way::ToDevice || seen.key.transport == Transport::Udp;
        if is_answer && seen.verdict != Verdict::Block {
            self.lifeline_spoke(&roll, &seen.key, now.mono);
        }
    }

    /// Takes note of traffic that is not older than `since`.
    fn lifeline_spoke(&mut self, roll: &Roll, key: &FlowKey, since: cordon_model::Mono) {
        let Some(device) = roll.at(key.device) else { return };
        let Some(standing) = self.devices.get_mut(&device.id) else { return };
        let Some(watch) = standing.watch.as_mut().filter(|watch| since >= watch.since) else {
            return;
        };
        if watch.saw(key) {
            standing.watch = None;
            self.mirror.touch(device.addresses());
        }
    }
}
