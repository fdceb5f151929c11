//! What holds after any inputs in any order, with a kernel that obeys, refuses or says nothing.
#![expect(clippy::indexing_slicing, reason = "tests stop at the first surprise")]

use super::orders::flow_seen;
use super::*;
use cordon_model::{Attestation, Identity};
use proptest::prelude::*;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Act {
    Wait(u64),
    Order(u8, OrderKind, usize, Vec<Actor>, Option<Evidence>, u8),
    Deny(usize, Vec<u8>),
    Flow(u64, FlowMoment, usize, u64),
    Bundle(u64, Option<usize>),
    Kernel(bool),
    Stray(u64, bool),
    Heard,
    Refused,
}

fn actors() -> impl Strategy<Value = Vec<Actor>> {
    let one = prop_oneof![
        Just(node()),
        Just(security()),
        Just(clinical()),
        Just(person("B-1", "clinical")),
        Just(person("B-3", "clinical")),
    ];
    proptest::collection::vec(one, 0..4)
}

fn kind() -> impl Strategy<Value = OrderKind> {
    prop_oneof![
        3 => Just(OrderKind::Contain),
        2 => Just(OrderKind::Isolate),
        2 => Just(OrderKind::Release),
        1 => Just(OrderKind::Confirm),
        1 => Just(OrderKind::Suspect),
        1 => (
            proptest::sample::select(Identity::ALL),
            proptest::sample::select(Attestation::ALL),
        )
            .prop_map(|(identity, attestation)| OrderKind::Posture { identity, attestation }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let evidence = proptest::option::of(proptest::sample::select(&Evidence::ALL[..]));
    let moment =
        prop_oneof![Just(FlowMoment::Start), Just(FlowMoment::Update), Just(FlowMoment::End)];
    prop_oneof![
        4 => prop_oneof![0u64..3, 5u64..40, 100u64..4_000, 80_000u64..300_000].prop_map(Act::Wait),
        6 => (any::<u8>(), kind(), 0usize..4, actors(), evidence, 0u8..3)
            .prop_map(|(id, kind, device, by, evidence, incident)| {
                Act::Order(id, kind, device, by, evidence, incident)
            }),
        2 => (0usize..5, proptest::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(cause, packet)| Act::Deny(cause, packet)),
        3 => (0u64..4, moment, any::<usize>(), 0u64..10_000)
            .prop_map(|(id, moment, key, bytes)| Act::Flow(id, moment, key, bytes)),
        1 => (6u64..20, proptest::option::of(0usize..3))
            .prop_map(|(number, without)| Act::Bundle(number, without)),
        1 => any::<bool>().prop_map(Act::Kernel),
        1 => (0u64..9, any::<bool>()).prop_map(|(ticket, good)| Act::Stray(ticket, good)),
        1 => Just(Act::Heard),
        1 => Just(Act::Refused),
    ]
}

const DEVICES: [&str; 4] = [MONITOR, PUMP, CONTROLLER, "STRANGER"];

/// Numbers the incident and the name of an order.
fn order_of(act: &Act) -> Option<Order> {
    let Act::Order(name, what, device, by, evidence, incident) = act else { return None };
    Some(Order {
        by: by.clone(),
        evidence: *evidence,
        incident: Some(label(&format!("I-{incident}"))),
        ..order(&format!("o-{name}"), *what, DEVICES.get(*device)?)
    })
}

fn run(rig: &mut Rig, act: &Act) -> Vec<Effect> {
    let all: Vec<FlowKey> =
        DEVICES.iter().take(3).flat_map(|device| keys(&bundle(), device, |_| true)).collect();
    match act {
        // A kernel that says nothing is asked again every few seconds.
        Act::Wait(seconds) if !rig.is_willing => rig.wait_s(seconds % 100),
        Act::Wait(seconds) => rig.wait_s(*seconds),
        Act::Order(..) => rig.step(Input::Order(order_of(act).unwrap())),
        Act::Deny(cause, packet) => {
            let family = if packet.len().is_multiple_of(5) { Family::Arp } else { Family::Inet };
            rig.step(Input::Denied(Denied {
                cause: Cause::ALL[*cause],
                interface: Some("port2"),
                mac: None,
                family,
                packet,
                seen: Mono(0),
            }))
        }
        Act::Flow(id, moment, key, bytes) => {
            let key = all[key % all.len()];
            let seen = flow_seen(key, *moment, *bytes, bytes / 2);
            rig.step(Input::Flow(FlowSeen { id: FlowId(*id), ..seen }))
        }
        Act::Bundle(number, without) => {
            let mut next = Bundle { number: *number, ..bundle() };
            if let Some(place) = without {
                next.devices.remove(*place);
            }
            rig.step(Input::Bundle(Arc::new(next)))
        }
        Act::Kernel(is_willing) => {
            rig.is_willing = *is_willing;
            Vec::new()
        }
        Act::Stray(ticket, true) => {
            rig.step(Input::Kernel(KernelDone::LoadRefused { number: *ticket, hour: 10 }))
        }
        Act::Stray(ticket, false) => {
            rig.step(Input::Kernel(KernelDone::StateRefused { ticket: *ticket, held: None }))
        }
        Act::Heard => rig.step(Input::Heard),
        Act::Refused => rig.step(Input::Refused { number: None }),
    }
}

/// A lifeline of a protected tier is open unless two persons isolated the device.
fn lifelines_hold(rig: &Rig) {
    let bundle = rig.pep.bundle().unwrap();
    for device in bundle.devices.iter().filter(|device| device.tier.protects_lifelines()) {
        let held = rig.held(&device.ip.to_string());
        for key in keys(bundle, device.id.as_str(), |flow| flow.lifeline) {
            for hour in [0, 10, 23] {
                let held = rig.held(&key.device.to_string());
                assert_eq!(rig.permits(&key, hour), !held.isolated, "{held:?}");
            }
        }
        assert!(!held.no_new, "nothing new is never what a protected tier gets");
    }
}

#[test]
fn what_a_contained_device_may_do_a_normal_one_may_do_as_well() {
    let bundle = bundle();
    for device in &bundle.devices {
        for (flow, _, postures) in bundle.flows_of(device) {
            for posture in Posture::all() {
                let may = |state| postures.contains(Posture { state, ..posture });
                let is_wider = may(DeviceState::Contained) && !may(DeviceState::Normal);
                assert!(!is_wider, "{} {flow:?} {posture:?}", device.id);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_order_is_answered_once_and_every_change_of_state_recorded_once(
        acts in proptest::collection::vec(act(), 1..60)
    ) {
        let mut rig = Rig::with(bundle());
        let mut orders = 0;
        let mut before: BTreeMap<DeviceId, DeviceState> = BTreeMap::new();
        let mut rolled_back = BTreeMap::new();
        for act in &acts {
            let effects = run(&mut rig, act);
            orders += usize::from(order_of(act).is_some());
            for state in states(&effects) {
                let from = before.insert(state.device.clone(), state.to);
                prop_assert_eq!(from.unwrap_or(DeviceState::Normal), state.from);
                prop_assert_ne!(state.from, state.to);
                let protected = state.tier.protects_lifelines();
                if state.to == DeviceState::Isolated && protected {
                    let persons: std::collections::BTreeSet<_> = state.by.iter().collect();
                    prop_assert!(persons.len() >= 2, "{:?}", state.by);
                }
                if state.to == DeviceState::Normal || state.to == DeviceState::Discovered {
                    rolled_back.retain(|(device, _), ()| *device != state.device);
                }
                if state.reason == label("lifeline-silent") {
                    let key = (state.device.clone(), state.incident.clone());
                    prop_assert!(rolled_back.insert(key, ()).is_none(), "taken back twice");
                }
                if state.to == DeviceState::Discovered {
                    before.remove(&state.device);
                }
            }
            for (device, state) in &before {
                if let Some(posture) = rig.pep.posture_of(device) {
                    prop_assert_eq!(posture.state, *state, "every change has its record");
                }
            }
            lifelines_hold(&rig);
        }
        rig.is_willing = true;
        rig.wait_s(20);
        prop_assert_eq!(receipts(&rig.seen).len(), orders);
        prop_assert_eq!(rig.pep.counts().orders, 0);
    }

    #[test]
    fn a_willing_kernel_holds_what_the_states_say(
        acts in proptest::collection::vec(act(), 1..60)
    ) {
        let mut rig = Rig::with(bundle());
        acts.iter().for_each(|act| drop(run(&mut rig, act)));
        rig.is_willing = true;
        rig.wait_s(20);
        let bundle = Arc::clone(rig.pep.bundle().unwrap());
        for device in &bundle.devices {
            let state = rig.pep.posture_of(&device.id).unwrap().state;
            for address in device.addresses() {
                let held = rig.held(&address.to_string());
                prop_assert_eq!(held.isolated, state == DeviceState::Isolated);
                prop_assert_eq!(held.contained.is_some(), state == DeviceState::Contained);
            }
        }
        let known: Vec<_> = bundle.devices.iter().flat_map(BundleDevice::addresses).collect();
        prop_assert!(rig.held.keys().all(|address| known.contains(address)));
    }

    #[test]
    fn tables_never_grow_past_their_limits(acts in proptest::collection::vec(act(), 1..120)) {
        let limits = Limits {
            findings_max: 2,
            findings_per_source_max: 1,
            flows_max: 2,
            messages_max: 1,
            alarms_max: 2,
            orders_max: 2,
            receipts_max: 2,
            ..Limits::default()
        };
        let mut rig = Rig::empty(limits);
        rig.step(Input::Bundle(Arc::new(bundle())));
        let mut orders = 0;
        for act in &acts {
            run(&mut rig, act);
            orders += usize::from(order_of(act).is_some());
            let counts = rig.pep.counts();
            prop_assert!(counts.findings <= 2 && counts.flows <= 2 && counts.messages <= 1);
            prop_assert!(counts.alarms <= 2 && counts.orders <= 2);
        }
        rig.is_willing = true;
        rig.wait_s(20);
        prop_assert_eq!(receipts(&rig.seen).len(), orders);
    }
}
