#![expect(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")]

#[expect(dead_code, reason = "the tests of the rules use all of it")]
#[path = "../../../cordon-model/src/nft/tests/bundles.rs"]
mod bundles;
mod evidence;
mod failures;
mod laws;
mod orders;
mod traffic;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use cordon_model::bundle::{BundleFlow, FlowKey, flow_keys};
use cordon_model::event::{Actor, Alarm, AlarmState, Finding, Person, StateChange as StateEvent};
use cordon_model::nft::{self, KernelSets};
use cordon_model::{BadgeId, Evidence, Operation, Wall, WriterId};

use super::*;

const MONITOR: &str = "MON-ICU-01";
const PUMP: &str = "PUMP-3F-042";
const CONTROLLER: &str = "HVAC-B2-Floor7-Zone3";

/// 2026-01-01T10:00:00Z: an hour in which the controller's nightly flow is shut.
const TEN: u64 = 1_767_261_600;
const CADENCE_S: u32 = 20;

/// An access gateway whose lifelines are expected every 20 seconds.
fn bundle() -> Bundle {
    let mut bundle = bundles::access();
    for flow in bundle.flow_lists.iter_mut().flatten().filter(|flow| flow.lifeline) {
        flow.cadence_s = Some(CADENCE_S);
    }
    bundle
}

/// A bundle whose rules are the same in every hour.
fn timeless() -> Bundle {
    let mut bundle = bundle();
    for flow in bundle.flow_lists.iter_mut().flatten() {
        flow.hours = None;
    }
    bundle
}

/// A point with a kernel that does what it is told, unless it is told not to.
struct Rig {
    pep: Pep,
    s: u64,
    /// The kernel's sets.
    held: BTreeMap<IpAddr, Elements>,
    /// Whether the kernel answers.
    is_willing: bool,
    /// All effects so far.
    seen: Vec<Effect>,
    made: RefCell<Vec<Made>>,
}

/// A bundle, an hour, and what they are to the kernel.
type Made = (Arc<Bundle>, u8, Rc<KernelSets>);

impl Rig {
    fn empty(limits: Limits) -> Self {
        Self {
            pep: Pep::new(limits),
            s: 0,
            held: BTreeMap::new(),
            is_willing: true,
            seen: Vec::new(),
            made: RefCell::default(),
        }
    }

    fn new() -> Self {
        Self::with(timeless())
    }

    fn with(bundle: Bundle) -> Self {
        let mut rig = Self::empty(Limits::default());
        rig.step(Input::Bundle(Arc::new(bundle)));
        rig.seen.clear();
        rig
    }

    fn now(&self) -> Now {
        Now { mono: Mono(self.s * NS_PER_S), wall: Wall(TEN + self.s) }
    }

    /// Says whether the kernel, with what it was told, lets a flow pass; an isolated device has none.
    fn permits(&self, key: &FlowKey, hour: u8) -> bool {
        let bundle = self.pep.bundle().unwrap();
        let held = self.held.get(&key.device).copied().unwrap_or_default();
        let told = held.posture.unwrap_or_else(|| nft::default_posture(bundle.role));
        let state = if held.contained.is_some() { DeviceState::Contained } else { told.state };
        !held.isolated && self.sets(bundle, hour).permits(key, Posture { state, ..told })
    }

    /// Gives what a bundle is to the kernel; made once for each bundle and hour.
    fn sets(&self, bundle: &Arc<Bundle>, hour: u8) -> Rc<KernelSets> {
        let mut made = self.made.borrow_mut();
        let is_it = |one: &&Made| Arc::ptr_eq(&one.0, bundle) && one.1 == hour;
        if let Some((_, _, sets)) = made.iter().find(is_it) {
            return Rc::clone(sets);
        }
        let sets = Rc::new(KernelSets::new(bundle, hour));
        made.push((Arc::clone(bundle), hour, Rc::clone(&sets)));
        sets
    }

    /// Steps, answers for the kernel, and gives all that came of it.
    fn step(&mut self, input: Input<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.pep.step(self.now(), input, &mut effects);
        let mut next = 0;
        while let Some(effect) = effects.get(next).cloned() {
            next += 1;
            let done = match effect {
                Effect::Load { bundle, hour } => KernelDone::Loaded { number: bundle.number, hour },
                Effect::State { ticket, changes } => {
                    if self.is_willing {
                        changes.iter().for_each(|it| self.apply(it));
                    }
                    KernelDone::Stated { ticket }
                }
                Effect::Close { .. } | Effect::Record(_) | Effect::Receipt(_) => continue,
            };
            if self.is_willing {
                self.pep.step(self.now(), Input::Kernel(done), &mut effects);
            }
        }
        self.seen.extend(effects.iter().cloned());
        effects
    }

    /// Changes an element as nftables does: what is absent cannot go, what is there cannot come.
    fn apply(&mut self, change: &StateChange) {
        let mut elements = self.held.get(&change.address).copied().unwrap_or_default();
        let there = change.is_member;
        let was = match change.set {
            StateSet::Isolated => std::mem::replace(&mut elements.isolated, there),
            StateSet::NoNew => std::mem::replace(&mut elements.no_new, there),
            StateSet::Contained { timeout_s } => {
                let contained = there.then_some(Containment { timeout_s });
                std::mem::replace(&mut elements.contained, contained).is_some()
            }
            StateSet::Posture(posture) => {
                std::mem::replace(&mut elements.posture, there.then_some(posture)).is_some()
            }
        };
        assert_ne!(was, there, "{change:?}");
        self.held.insert(change.address, elements);
        self.held.retain(|_, elements| *elements != Elements::default());
    }

    /// Lets time pass as a shell does: it sleeps until the deadline, and no longer.
    fn wait_s(&mut self, seconds: u64) -> Vec<Effect> {
        let end = self.s + seconds;
        let mut effects = Vec::new();
        for _ in 0..10_000 {
            let due = self.pep.deadline().map_or(u64::MAX, |at| at.0.div_ceil(NS_PER_S));
            if due >= end {
                self.s = end;
                effects.extend(self.step(Input::Woke));
                return effects;
            }
            self.s = self.s.max(due);
            effects.extend(self.step(Input::Woke));
        }
        panic!("the deadline never moves: {:?} at {}", self.pep.deadline(), self.s);
    }

    fn state(&self, device: &str) -> DeviceState {
        self.pep.posture_of(&id(device)).unwrap().state
    }

    fn order(&mut self, order: Order) -> OrderResult {
        let effects = self.step(Input::Order(order));
        let results = receipts(&effects);
        assert_eq!(results.len(), 1, "one receipt for one order: {effects:?}");
        *results.first().unwrap()
    }

    fn held(&self, address: &str) -> Elements {
        self.held.get(&address.parse().unwrap()).copied().unwrap_or_default()
    }

    /// Keeps a decision point speaking.
    fn hear(&mut self) {
        self.step(Input::Heard);
    }
}

fn id(device: &str) -> DeviceId {
    DeviceId::new(device).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn person(badge: &str, role: &str) -> Actor {
    Actor::Person(Person { badge: BadgeId::new(badge).unwrap(), role: label(role) })
}

fn node() -> Actor {
    Actor::Node(WriterId::new("pdp-1").unwrap())
}

fn security() -> Actor {
    person("B-1", "security")
}

fn clinical() -> Actor {
    person("B-2", "clinical")
}

/// An order by a decision node with deterministic evidence.
fn order(name: &str, what: OrderKind, device: &str) -> Order {
    Order {
        id: label(name),
        what,
        device: id(device),
        by: vec![node()],
        evidence: Some(Evidence::E3),
        incident: Some(label("I-1")),
        reason: label("unlisted-destination"),
        because: Vec::new(),
        since_violation_ms: None,
    }
}

fn by(order: Order, by: &[Actor]) -> Order {
    Order { by: by.to_vec(), evidence: None, ..order }
}

fn receipts(effects: &[Effect]) -> Vec<OrderResult> {
    let results = effects.iter().filter_map(|effect| match effect {
        Effect::Receipt(receipt) => Some(receipt.result),
        Effect::Load { .. } | Effect::State { .. } | Effect::Close { .. } | Effect::Record(_) => {
            None
        }
    });
    results.collect()
}

fn records(effects: &[Effect]) -> Vec<What> {
    let records = effects.iter().filter_map(|effect| match effect {
        Effect::Record(event) => Some(event.what.clone()),
        Effect::Load { .. } | Effect::State { .. } | Effect::Close { .. } | Effect::Receipt(_) => {
            None
        }
    });
    records.collect()
}

macro_rules! pick {
    ($name:ident, $kind:ident, $what:ty) => {
        fn $name(effects: &[Effect]) -> Vec<$what> {
            let records = records(effects).into_iter();
            let of_kind = records.filter_map(|what| match what {
                What::$kind(it) => Some(*it),
                _ => None,
            });
            of_kind.collect()
        }
    };
}
pick!(alarms, Alarm, Alarm);
pick!(findings, Finding, Finding);
pick!(flows, Flow, cordon_model::event::FlowSummary);
pick!(messages, Message, cordon_model::event::Inspected);
pick!(states, State, StateEvent);

fn alarm_names(effects: &[Effect], state: AlarmState) -> Vec<String> {
    let alarms = alarms(effects).into_iter().filter(|alarm| alarm.state == state);
    alarms.map(|alarm| alarm.alarm.to_string()).collect()
}

fn raised(effects: &[Effect]) -> Vec<String> {
    alarm_names(effects, AlarmState::Raise)
}

fn cleared(effects: &[Effect]) -> Vec<String> {
    alarm_names(effects, AlarmState::Clear)
}

fn closed(effects: &[Effect]) -> Vec<DeviceId> {
    let closed = effects.iter().filter_map(|effect| match effect {
        Effect::Close { device } => Some(device.clone()),
        Effect::Load { .. } | Effect::State { .. } | Effect::Record(_) | Effect::Receipt(_) => None,
    });
    closed.collect()
}

/// Gives the keys of a device's flows that satisfy a condition.
fn keys(bundle: &Bundle, device: &str, wanted: impl Fn(&BundleFlow) -> bool) -> Vec<FlowKey> {
    let device = bundle.devices.iter().find(|it| it.id.as_str() == device).unwrap();
    let flows = bundle.flows_of(device).filter(|(flow, _, _)| wanted(flow));
    flows.flat_map(|(flow, service, _)| flow_keys(device, flow, service)).collect()
}

fn lifeline(device: &str) -> FlowKey {
    *keys(&bundle(), device, |flow| flow.lifeline).first().unwrap()
}

fn carries(flow: &BundleFlow, operation: &str) -> bool {
    flow.operations.contains(&operation.parse::<Operation>().unwrap())
}
