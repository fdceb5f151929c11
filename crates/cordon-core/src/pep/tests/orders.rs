//! Who may order what, and what the kernel is told.

use super::*;
use OrderKind::{Confirm, Contain, Isolate, Release, Suspect};
use OrderResult::{Already, Done, Refused as No};

fn check(before: &[(OrderKind, &[Actor])], order: Order, expected: OrderResult) {
    let mut rig = Rig::new();
    for (number, (what, actors)) in before.iter().enumerate() {
        let name = format!("before-{number}");
        let earlier = by(super::order(&name, *what, order.device.as_str()), actors);
        let earlier = Order { evidence: Some(Evidence::E4), ..earlier };
        assert_eq!(rig.order(earlier), Done, "{name}");
    }
    let (what, device) = (order.what, order.device.clone());
    let state = rig.pep.posture_of(&device);
    let result = rig.order(order);
    assert_eq!(result, expected, "{what:?} {device}");
    if matches!(result, No(_)) {
        assert_eq!(rig.pep.posture_of(&device), state, "a refused order changes nothing");
    }
}

#[test]
fn isolation_in_a_protected_tier_takes_two_persons_with_two_roles_one_of_them_clinical() {
    let two = No(Refusal::TwoPersons);
    let cases: [(&str, &[Actor], OrderResult); 9] = [
        (MONITOR, &[security(), clinical()], Done),
        (MONITOR, &[clinical(), person("B-3", "biomedical"), node()], Done),
        (MONITOR, &[node()], two),
        (MONITOR, &[clinical()], two),
        (MONITOR, &[security(), person("B-1", "clinical")], two),
        (MONITOR, &[clinical(), person("B-3", "clinical")], two),
        (MONITOR, &[security(), person("B-3", "biomedical")], two),
        (PUMP, &[security()], Done),
        (CONTROLLER, &[node()], No(Refusal::WeakEvidence)),
    ];
    for (device, actors, expected) in cases {
        check(&[], by(order("it", Isolate, device), actors), expected);
    }
    // Proof does not stand in for people.
    let proof = Order { evidence: Some(Evidence::E4), ..order("it", Isolate, MONITOR) };
    check(&[], proof, two);
    check(&[], order("it", Isolate, PUMP), Done);
}

#[test]
fn a_green_life_safety_device_is_isolated_like_a_red_one() {
    let mut bundle = timeless();
    bundle.devices.iter_mut().for_each(|device| device.tier = Tier::GreenLs);
    let mut rig = Rig::with(bundle);
    assert_eq!(rig.order(order("a", Isolate, CONTROLLER)), No(Refusal::TwoPersons));
    let pair = by(order("b", Isolate, CONTROLLER), &[security(), clinical()]);
    assert_eq!(rig.order(pair), Done);
}

#[test]
fn an_order_is_refused_for_one_reason_each() {
    let none = |name, what, device| by(order(name, what, device), &[]);
    check(&[], none("it", Contain, PUMP), No(Refusal::Nobody));
    check(&[], by(order("it", Contain, PUMP), &[node()]), No(Refusal::WeakEvidence));
    let score = Order { evidence: Some(Evidence::E2), ..order("it", Contain, MONITOR) };
    check(&[], score, No(Refusal::WeakEvidence));
    check(&[], order("it", Contain, MONITOR), Done);
    check(&[], by(order("it", Contain, MONITOR), &[security()]), Done);
    check(&[], by(order("it", Suspect, MONITOR), &[node()]), Done);
    check(&[], by(order("it", Confirm, PUMP), &[security()]), No(Refusal::NotContained));
    let contained: &[(OrderKind, &[Actor])] = &[(Contain, &[security()])];
    check(contained, order("it", Contain, PUMP), Already);
    check(contained, order("it", Suspect, PUMP), No(Refusal::WouldWiden));
    check(contained, order("it", Confirm, PUMP), No(Refusal::NoPerson));
    check(contained, by(order("it", Confirm, PUMP), &[clinical()]), Done);
    check(contained, order("it", Release, PUMP), No(Refusal::NoPerson));
    // Proof of compromise: whoever caused it may not undo it alone.
    check(contained, by(order("it", Release, PUMP), &[security()]), No(Refusal::OtherPerson));
    check(contained, by(order("it", Release, PUMP), &[security(), clinical()]), Done);
    check(contained, by(order("it", Release, PUMP), &[clinical()]), Done);
    let isolated: &[(OrderKind, &[Actor])] = &[(Isolate, &[security()])];
    check(isolated, order("it", Contain, PUMP), No(Refusal::WouldWiden));
    check(isolated, order("it", Isolate, PUMP), Already);
    check(isolated, by(order("it", Release, PUMP), &[clinical()]), Done);
    check(&[], by(order("it", Release, PUMP), &[clinical()]), Already);
    check(&[], order("it", Contain, "PUMP-9"), No(Refusal::UnknownDevice));
    let mut rig = Rig::empty(Limits::default());
    assert_eq!(rig.order(order("it", Contain, PUMP)), No(Refusal::NoBundle));
}

impl Rig {
    fn try_order(&mut self, name: &str, what: OrderKind, device: &str) -> Vec<Effect> {
        self.step(Input::Order(order(name, what, device)))
    }
}

#[test]
fn both_addresses_change_in_one_transaction_then_connections_close_then_the_order_is_answered() {
    let mut rig = Rig::new();
    let effects = rig.try_order("a", Contain, PUMP);
    let kinds: Vec<_> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Load { .. } => "load",
            Effect::State { .. } => "state",
            Effect::Close { .. } => "close",
            Effect::Record(_) => "record",
            Effect::Receipt(_) => "receipt",
        })
        .collect();
    assert_eq!(kinds, ["record", "state", "close", "receipt"]);
    let Some(Effect::State { changes, .. }) = effects.get(1) else { panic!("{effects:?}") };
    let addresses: Vec<_> = changes.iter().map(|change| change.address.to_string()).collect();
    assert_eq!(addresses, ["10.1.0.12", "fd00:1::12"]);
    let until_confirmed = StateSet::Contained { timeout_s: Some(90) };
    assert!(changes.iter().all(|it| it.is_member && it.set == until_confirmed));
    assert_eq!(closed(&effects), [id(PUMP)]);
    let effects = rig.step(Input::Order(by(order("b", Isolate, PUMP), &[security()])));
    assert_eq!(closed(&effects), [id(PUMP)]);
    assert!(rig.held("10.1.0.12").isolated && rig.held("fd00:1::12").isolated);
    assert_eq!(rig.held("10.1.0.12").contained, None);
}

#[test]
fn a_record_of_a_state_says_who_why_and_how_fast() {
    let mut rig = Rig::new();
    let asked = Order { since_violation_ms: Some(412), ..order("a", Contain, PUMP) };
    let effects = rig.step(Input::Order(asked));
    let [state] = states(&effects).try_into().unwrap();
    assert_eq!((state.from, state.to), (DeviceState::Normal, DeviceState::Contained));
    assert_eq!((state.tier, state.since_violation_ms), (Tier::Orange, Some(412)));
    assert_eq!((state.by, state.incident), (vec![node()], Some(label("I-1"))));
}

#[test]
fn an_order_that_comes_twice_is_obeyed_once_and_answered_twice() {
    let mut rig = Rig::new();
    assert_eq!(rig.order(order("a", Contain, PUMP)), Done);
    assert_eq!(rig.order(by(order("b", Release, PUMP), &[clinical()])), Done);
    let again = rig.try_order("a", Contain, PUMP);
    assert_eq!(receipts(&again), [Done]);
    assert_eq!(states(&again), []);
    assert_eq!(rig.state(PUMP), DeviceState::Probation);
}

#[test]
fn an_order_is_answered_when_the_kernel_holds_it_and_as_late_when_it_does_not() {
    let mut rig = Rig::new();
    rig.is_willing = false;
    let effects = rig.try_order("a", Contain, PUMP);
    assert_eq!(receipts(&effects), []);
    assert_eq!(receipts(&rig.wait_s(4)), []);
    let effects = rig.wait_s(2);
    assert_eq!(receipts(&effects), [OrderResult::Late]);
    assert_eq!(raised(&effects), ["state-refused"]);
    // It is tried again until the kernel takes it.
    rig.is_willing = true;
    let effects = rig.wait_s(10);
    assert_eq!(cleared(&effects), ["state-refused"]);
    assert!(rig.held("10.1.0.12").contained.is_some());
    assert_eq!(receipts(&effects), []);
}

#[test]
fn what_the_kernel_really_holds_is_what_the_next_change_starts_from() {
    let mut rig = Rig::new();
    rig.is_willing = false;
    let effects = rig.try_order("a", Contain, PUMP);
    let Some(Effect::State { ticket, .. }) =
        effects.iter().find(|effect| matches!(effect, Effect::State { .. }))
    else {
        panic!("{effects:?}")
    };
    rig.is_willing = true;
    let stray = Elements { isolated: true, ..Elements::default() };
    let address: IpAddr = "10.1.0.77".parse().unwrap();
    rig.held.insert(address, stray);
    let held = Some(rig.held.clone());
    rig.step(Input::Kernel(KernelDone::StateRefused { ticket: *ticket, held }));
    rig.wait_s(2);
    assert!(!rig.held.contains_key(&address), "no device of the bundle has this address");
    assert!(rig.held("10.1.0.12").contained.is_some());
}

#[test]
fn too_many_orders_at_once_are_turned_away_and_counted() {
    let mut rig = Rig::with(timeless());
    rig.pep.limits.orders_max = 1;
    rig.is_willing = false;
    rig.try_order("a", Contain, PUMP);
    let effects = rig.try_order("b", Contain, MONITOR);
    assert_eq!(receipts(&effects), [No(Refusal::TooMany)]);
    assert_eq!(raised(&effects), ["table-full"]);
    assert_eq!(rig.pep.counts().orders_lost, 1);
    assert_eq!(rig.state(MONITOR), DeviceState::Normal);
}

#[test]
fn probation_ends_after_a_clean_day_and_after_three_in_red() {
    for (device, days) in [(PUMP, 1), (MONITOR, 3)] {
        let mut rig = Rig::new();
        rig.order(by(order("a", Contain, device), &[security()]));
        rig.order(by(order("b", Release, device), &[clinical()]));
        rig.wait_s(days * 86_400 - 1);
        assert_eq!(rig.state(device), DeviceState::Probation);
        let effects = rig.wait_s(1);
        assert_eq!(rig.state(device), DeviceState::Normal);
        assert_eq!(states(&effects).len(), 1);
        let address = if device == PUMP { "10.1.0.12" } else { "10.1.0.11" };
        assert_eq!(rig.held(address), Elements::default());
    }
}

#[test]
fn suspicion_ends_after_a_day_when_it_rests_on_statistics_alone() {
    for (evidence, after) in
        [(Evidence::E1, DeviceState::Normal), (Evidence::E2, DeviceState::Suspect)]
    {
        let mut rig = Rig::new();
        rig.order(Order { evidence: Some(evidence), ..order("a", Suspect, PUMP) });
        rig.wait_s(86_400);
        assert_eq!(rig.state(PUMP), after, "{evidence}");
    }
}

#[test]
fn a_posture_is_told_to_the_kernel_and_recorded_by_whoever_found_it() {
    let mut rig = Rig::new();
    let (identity, attestation) =
        (cordon_model::Identity::Conflict, cordon_model::Attestation::Failed);
    let what = OrderKind::Posture { identity, attestation };
    assert_eq!(rig.order(order("a", what, PUMP)), Done);
    let posture = rig.held("10.1.0.12").posture.unwrap();
    assert_eq!((posture.identity, posture.attestation), (identity, attestation));
    assert_eq!(rig.order(order("b", what, PUMP)), Already);
    // Containment and release leave it alone.
    assert_eq!(rig.order(order("c", Contain, PUMP)), Done);
    assert_eq!(rig.held("10.1.0.12").posture, Some(posture));
}

#[test]
fn a_lifeline_that_speaks_makes_a_containment_stay() {
    let mut rig = Rig::new();
    rig.order(order("a", Contain, MONITOR));
    assert!(rig.pep.is_watching());
    let key = lifeline(MONITOR);
    rig.s += 5;
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Start, 10, 0)));
    assert!(rig.pep.is_watching(), "what was sent and not answered proves nothing");
    rig.s += 5;
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Update, 90, 40)));
    assert!(!rig.pep.is_watching());
    assert_eq!(rig.held("10.1.0.11").contained, Some(Containment { timeout_s: None }));
    let effects = rig.wait_s(3_000);
    assert_eq!(states(&effects), []);
    assert_eq!(rig.state(MONITOR), DeviceState::Contained);
}

pub(super) fn flow_seen(key: FlowKey, moment: FlowMoment, from: u64, to: u64) -> FlowSeen {
    FlowSeen {
        id: FlowId(1),
        moment,
        key,
        opener_port: 49_152,
        bytes_from_device: from,
        bytes_to_device: to,
        packets: from / 10 + to / 10,
        began: None,
    }
}

#[test]
fn traffic_from_before_a_containment_proves_nothing_after_it() {
    let mut rig = Rig::new();
    let key = lifeline(MONITOR);
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Start, 100, 100)));
    rig.s += 1;
    rig.order(order("a", Contain, MONITOR));
    rig.s += 1;
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Update, 200, 200)));
    assert!(rig.pep.is_watching());
    rig.s += 1;
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Update, 300, 300)));
    assert!(!rig.pep.is_watching());
}

#[test]
fn a_containment_that_silences_a_lifeline_is_taken_back_once_for_one_incident() {
    let mut rig = Rig::new();
    rig.order(order("a", Contain, MONITOR));
    let early = rig.wait_s(29);
    assert_eq!((states(&early), raised(&early)), (vec![], vec![]));
    let effects = rig.wait_s(1);
    let [state] = states(&effects).try_into().unwrap();
    assert_eq!((state.from, state.to), (DeviceState::Contained, DeviceState::Suspect));
    assert_eq!(state.reason, label("lifeline-silent"));
    assert_eq!(state.incident, Some(label("I-1")));
    assert_eq!(raised(&effects), ["containment-rolled-back", "containment-unsafe"]);
    assert_eq!(rig.held("10.1.0.11").contained, None);
    // The same incident again: it stays, or else who falls silent would be set free.
    assert_eq!(rig.order(order("b", Contain, MONITOR)), Done);
    assert_eq!(rig.held("10.1.0.11").contained, Some(Containment { timeout_s: None }));
    let effects = rig.wait_s(86_400);
    assert_eq!(states(&effects), []);
    assert_eq!(rig.state(MONITOR), DeviceState::Contained);
    // Another incident may be taken back once more.
    rig.order(by(order("c", Release, MONITOR), &[clinical()]));
    rig.order(Order { incident: Some(label("I-2")), ..order("d", Contain, MONITOR) });
    let effects = rig.wait_s(40);
    assert_eq!(states(&effects).len(), 1);
    assert_eq!(rig.state(MONITOR), DeviceState::Suspect);
    rig.wait_s(5 * 86_400);
    assert_eq!(rig.state(MONITOR), DeviceState::Suspect, "a person has to look");
}

#[test]
fn the_wait_for_a_lifeline_is_ten_seconds_or_one_and_a_half_cadences() {
    for (cadence_s, window_s) in [(Some(1), 10), (Some(6), 10), (Some(7), 11), (Some(60), 90)] {
        let mut bundle = timeless();
        for flow in bundle.flow_lists.iter_mut().flatten().filter(|flow| flow.lifeline) {
            flow.cadence_s = cadence_s;
        }
        let mut rig = Rig::with(bundle);
        rig.order(order("a", Contain, MONITOR));
        assert_eq!(states(&rig.wait_s(window_s - 1)), [], "{cadence_s:?}");
        rig.wait_s(1);
        assert_eq!(rig.state(MONITOR), DeviceState::Suspect, "{cadence_s:?}");
    }
    // Of a lifeline without a cadence nobody can say that it is silent.
    let mut rig = Rig::with(bundles::access());
    rig.order(order("a", Contain, MONITOR));
    rig.wait_s(600);
    assert_eq!(rig.state(MONITOR), DeviceState::Contained);
}

#[test]
fn a_person_confirms_a_containment_without_waiting() {
    let mut rig = Rig::new();
    rig.order(order("a", Contain, MONITOR));
    assert_eq!(rig.order(by(order("b", Confirm, MONITOR), &[clinical()])), Done);
    rig.wait_s(600);
    assert_eq!(rig.state(MONITOR), DeviceState::Contained);
    assert_eq!(rig.order(by(order("c", Confirm, MONITOR), &[clinical()])), Already);
}
