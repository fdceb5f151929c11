//! An enforcement point as a state machine: which bundle is in force, where each device stands, and
//! what is told of what the kernel and the proxies let through and stopped.
//!
//! The way of a packet, and what of it reaches this module:
//!
//! | step | who does it | what stops there | what arrives here |
//! |---|---|---|---|
//! | bind | kernel | a sender who is not who it says | [`Denied`], [`Cause::Spoofed`] |
//! | state | kernel | all of an isolated device | [`Denied`], [`Cause::Isolated`] |
//! | list | kernel | what no flow permits | [`Denied`], [`Cause::OffList`] |
//! | rate | kernel | more than a flow may carry | [`Denied`], [`Cause::OverRate`] |
//! | inspect | proxy, or a copy | messages that the bundle does not list | [`Input::Message`] |
//! | pass | kernel | | [`Input::Flow`] |
//!
//! Nothing here stands in the way of a packet. What is decided goes to the kernel as
//! [`Effect::Load`] and [`Effect::State`], to the proxies as [`Effect::Close`], which go by
//! [`Pep::posture_of`].
//!
//! A bundle is in force when the kernel says so, never before: until then, and when it is refused,
//! everything is judged by the one before. What the kernel shall hold of a device is a function of
//! where it stands, so what was refused is tried again until it agrees.
//!
//! Invariant: no state but ISOLATED takes a lifeline away, and no device whose lifelines are
//! protected is isolated without two persons. Every order is answered once; every change of state
//! is recorded once. A containment that silences a lifeline is taken back, once for one incident.
//! Every table is bounded ([`Limits`]), and what did not fit is counted ([`Counts`]) and told.
//!
//! Source: NIST SP 800-207 §3.1, §5.2; IEC 62443-3-3 §4.2, SR 5.2.

mod age;
mod alarms;
mod blame;
mod effect;
mod findings;
mod flows;
mod input;
mod limits;
mod messages;
mod mirror;
mod orders;
pub mod packet;
mod react;
mod roll;
mod standing;
mod time;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use cordon_model::bundle::BundleDevice;
use cordon_model::event::{DeviceCount, What};
use cordon_model::{Bundle, DeviceId, DeviceState, Label, Mono, Now, Posture, Tier};

pub use blame::Rule;
pub use effect::{Effect, OrderResult, Receipt, Refusal, StateChange, StateSet};
pub use findings::FINDING_IDLE_S;
pub use flows::FLOW_IDLE_S;
pub use input::{
    Attempted, Cause, Containment, Denied, Elements, FlowId, FlowMoment, FlowSeen, Input,
    KernelDone, MessageSeen, Order, OrderKind, Restored,
};
pub use limits::{Counts, Limits};
pub use orders::{CLINICAL, ORDER_MAX_S};
pub use packet::{Family, Packet};
pub use standing::{CLEAN_S, CLEAN_VITAL_S, CONFIRM_MARGIN_S, CONFIRM_MIN_S};

use age::{Age, Level};
use alarms::{Alarms, Known};
use findings::Findings;
use flows::Flows;
use messages::Messages;
use mirror::Mirror;
use orders::Orders;
use roll::Roll;
use standing::Standing;

const NS_PER_S: u64 = 1_000_000_000;

/// Gives the moment so many seconds later.
fn after_s(from: Mono, seconds: u64) -> Mono {
    Mono(from.0.saturating_add(seconds.saturating_mul(NS_PER_S)))
}

/// A bundle that the kernel was told to load.
#[derive(Debug)]
struct Loading {
    bundle: Arc<Bundle>,
    hour: u8,
    since: Mono,
}

/// An enforcement point.
#[derive(Debug)]
pub struct Pep {
    limits: Limits,
    counts: Counts,
    now: Now,
    /// The bundle in force; none until the kernel has loaded one.
    roll: Option<Arc<Roll>>,
    /// The hour for which its rules were printed.
    hour: u8,
    loading: Option<Loading>,
    /// When rules that the kernel refused may be tried again.
    load_retry_at: Option<Mono>,
    devices: BTreeMap<DeviceId, Standing>,
    /// The earliest moment at which something about a device is over.
    devices_due: Option<Mono>,
    /// Effects that follow the next change in the kernel.
    closing: Vec<Effect>,
    mirror: Mirror,
    /// Whether the first bundle takes over what the kernel holds.
    is_restored: bool,
    age: Age,
    /// Whether the age counts on from before the start.
    is_age_carried: bool,
    level: Level,
    alarms: Alarms,
    orders: Orders,
    findings: Findings,
    flows: Flows,
    messages: Messages,
    sweep_at: Option<Mono>,
    /// The counts at the last interval, by which is seen whether a table is still full.
    swept: Counts,
}

impl Pep {
    /// Makes a point that knows nothing; the kernel goes on with what it holds.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            counts: Counts::default(),
            now: Now::default(),
            roll: None,
            hour: 0,
            loading: None,
            load_retry_at: None,
            devices: BTreeMap::new(),
            devices_due: None,
            closing: Vec::new(),
            mirror: Mirror::default(),
            is_restored: true,
            age: Age::default(),
            is_age_carried: false,
            level: Level::Fresh,
            alarms: Alarms::default(),
            orders: Orders::default(),
            findings: Findings::default(),
            flows: Flows::default(),
            messages: Messages::default(),
            sweep_at: None,
            swept: Counts::default(),
        }
    }

    /// Takes over what a process before left in the kernel; to be called before the first bundle.
    ///
    /// States are those of the kernel, so they outlive every process. A containment that nobody
    /// confirmed is waited for anew.
    pub fn restore(&mut self, now: Now, restored: Restored) {
        self.now = now;
        self.mirror.restore(restored.held);
        if let Some(age_s) = restored.age_s {
            self.age.restore(now.mono, age_s);
            self.is_age_carried = true;
        }
    }

    /// Takes an input and says what has to be done.
    pub fn step(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Effect>) {
        self.now = Now { mono: self.now.mono.max(now.mono), wall: now.wall };
        match input {
            Input::Bundle(bundle) => self.offer(bundle, out),
            Input::Refused { number } => self.refuse(number, out),
            Input::Heard => self.age.restart(self.now.mono),
            Input::Order(order) => self.order(order, out),
            Input::Denied(denied) => self.denied(&denied, out),
            Input::Attempted(attempted) => {
                if let Some(roll) = &self.roll {
                    self.findings.attempted(self.now, roll, attempted, &mut self.counts);
                }
            }
            Input::Flow(seen) => self.flow(&seen, out),
            Input::Message(seen) => self.message(&seen, out),
            Input::Kernel(done) => self.kernel(done, out),
            Input::Woke => {}
        }
        self.tick(out);
        self.settle(out);
    }

    /// Gives the moment at which [`Self::step`] has to be called even if nothing happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        let moments = [
            self.age_deadline(),
            self.devices_due,
            self.hour_deadline(),
            self.load_deadline(),
            self.mirror.deadline().filter(|_| self.roll.is_some()),
            self.orders.deadline(),
            self.sweep_at,
        ];
        moments.into_iter().flatten().min()
    }

    /// Gives the posture of a device of the bundle in force, without emergency mode.
    #[must_use]
    pub fn posture_of(&self, device: &DeviceId) -> Option<Posture> {
        self.devices.get(device).map(|standing| standing.posture)
    }

    /// Finds a device of the bundle in force.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<&BundleDevice> {
        self.roll.as_ref()?.device(id)
    }

    /// Finds the device that the bundle in force has at an address.
    #[must_use]
    pub fn device_at(&self, address: IpAddr) -> Option<&BundleDevice> {
        self.roll.as_ref()?.at(address)
    }

    /// Gives the bundle in force.
    #[must_use]
    pub fn bundle(&self) -> Option<&Arc<Bundle>> {
        self.roll.as_ref().map(|roll| roll.bundle())
    }

    /// Gives the hour of the day, UTC, for which the rules in force were printed.
    #[must_use]
    pub fn hour(&self) -> u8 {
        self.hour
    }

    /// Gives the age of the policy.
    /// # Units
    /// Seconds.
    #[must_use]
    pub fn policy_age_s(&self, now: Now) -> u64 {
        self.age.seconds(now.mono)
    }

    /// Says whether a containment waits for lifelines to speak; then flows should be reported every
    /// second.
    #[must_use]
    pub fn is_watching(&self) -> bool {
        self.devices.values().any(|standing| standing.watch.is_some())
    }

    /// Gives how many devices of which tier are in which state.
    #[must_use]
    pub fn device_counts(&self) -> Vec<DeviceCount> {
        let mut counts: BTreeMap<(Tier, DeviceState), u64> = BTreeMap::new();
        for device in self.roll.iter().flat_map(|roll| roll.bundle().devices.iter()) {
            if let Some(standing) = self.devices.get(&device.id) {
                *counts.entry((device.tier, standing.state())).or_default() += 1;
            }
        }
        let counts = counts.into_iter();
        counts.map(|((tier, state), count)| DeviceCount { count, state, tier }).collect()
    }

    /// Gives what is in use and what did not fit.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            devices: self.devices.len(),
            findings: self.findings.len(),
            flows: self.flows.len(),
            messages: self.messages.len(),
            alarms: self.alarms.len(),
            orders: self.orders.len(),
            held: self.mirror.len(),
            ..self.counts
        }
    }

    /// Raises or clears an alarm.
    fn alarm(
        &mut self,
        is_on: bool,
        alarm: Known,
        about: &Label,
        value: Option<u64>,
        out: &mut Vec<Effect>,
    ) {
        let what = self.alarms.set(is_on, alarm, about, value, &self.limits, &mut self.counts);
        out.extend(what.map(|what| self.record(what)));
    }

    fn record(&self, what: What) -> Effect {
        let point = self.roll.as_ref().map(|roll| roll.bundle().point.clone());
        roll::record(self.now, point, what)
    }

    /// Gives the name under which alarms about the point itself go.
    fn myself(&self) -> Option<Label> {
        let point = self.roll.as_ref().map(|roll| roll.bundle().point.as_str());
        Label::new(point.unwrap_or("enforcement-point")).ok()
    }

    fn alarm_about_me(
        &mut self,
        is_on: bool,
        alarm: Known,
        value: Option<u64>,
        out: &mut Vec<Effect>,
    ) {
        if let Some(about) = self.myself() {
            self.alarm(is_on, alarm, &about, value, out);
        }
    }
}

#[cfg(test)]
mod tests;
