//! The fail-safe table with virtual time, new bundles, and starts.

use super::*;
use cordon_model::bundle::TierRules;
use cordon_model::fleet::{Response, TierPlan};
use cordon_model::tier::fail_action;
use cordon_model::{FailAction, Failure};

/// A bundle with one device of each tier, and the table of failures that the compiler writes.
fn five_tiers() -> Bundle {
    let mut bundle = timeless();
    bundle.tiers = Vec::new();
    let pump = bundle.devices.get(1).unwrap().clone();
    bundle.devices = Tier::ALL
        .into_iter()
        .zip(1u8..)
        .map(|(tier, number)| cordon_model::bundle::BundleDevice {
            id: id(tier.name()),
            tier,
            mac: cordon_model::Mac::new([2, 0, 0, 0, 1, number]).unwrap(),
            ip: std::net::Ipv4Addr::new(10, 1, 1, number),
            ipv6: None,
            port: Some(u16::from(number)),
            ..pump.clone()
        })
        .collect();
    bundle
}

fn address(tier: Tier) -> String {
    let number = Tier::ALL.iter().zip(1u8..).find(|(it, _)| **it == tier).unwrap().1;
    format!("10.1.1.{number}")
}

/// What the kernel still permits of a device: new flows, flows that are open, nothing.
fn check_stale(age_s: u64, expected: [(Tier, bool); 5], alarms_on: &[&str]) {
    let mut rig = Rig::with(five_tiers());
    let effects = rig.wait_s(age_s);
    for (tier, no_new) in expected {
        assert_eq!(rig.held(&address(tier)).no_new, no_new, "{tier} after {age_s} s");
        assert!(!rig.held(&address(tier)).isolated, "{tier}");
        for key in keys(&five_tiers(), tier.name(), |flow| flow.lifeline) {
            assert!(rig.permits(&key, 10), "{tier}: {key:?}");
        }
    }
    assert_eq!(raised(&effects), alarms_on, "after {age_s} s");
    assert_eq!(states(&effects), [], "no device changes its state because nobody speaks");
}

#[test]
fn silence_changes_nothing_until_the_bundle_is_stale_and_then_only_green_opens_nothing_new() {
    let all = |green| Tier::ALL.map(|tier| (tier, green && tier == Tier::Green));
    check_stale(59, all(false), &[]);
    check_stale(60, all(false), &["pdp-unreachable"]);
    check_stale(3_599, all(false), &["pdp-unreachable"]);
    check_stale(3_600, all(true), &["pdp-unreachable", "bundle-stale"]);
    check_stale(61 * 60, all(true), &["pdp-unreachable", "bundle-stale"]);
    check_stale(30 * 86_400, all(true), &["pdp-unreachable", "bundle-stale"]);
}

#[test]
fn a_word_of_a_decision_point_clears_the_alarms_and_opens_what_was_shut() {
    let mut rig = Rig::with(five_tiers());
    rig.wait_s(4_000);
    assert!(rig.held(&address(Tier::Green)).no_new);
    let effects = rig.step(Input::Heard);
    assert_eq!(cleared(&effects), ["pdp-unreachable", "bundle-stale"]);
    assert_eq!(rig.held.len(), 0);
    let again = rig.wait_s(61);
    assert_eq!(raised(&again), ["pdp-unreachable"], "raised once for each time");
}

#[test]
fn the_table_of_the_bundle_counts_but_never_against_a_protected_tier() {
    let plan = TierPlan {
        tolerated_downtime_s: 0,
        alert_within_s: 1,
        contain_within_s: 1,
        response: Response::Contain,
    };
    for action in [FailAction::ExistingFlows, FailAction::Close, FailAction::LifelinesByKernel] {
        let mut bundle = five_tiers();
        bundle.tiers = Tier::ALL
            .map(|tier| TierRules { tier, plan, failures: vec![(Failure::BundleStale, action)] })
            .into();
        let mut rig = Rig::with(bundle);
        rig.wait_s(3_600);
        for tier in Tier::ALL {
            let no_new = rig.held(&address(tier)).no_new;
            assert_eq!(no_new, !tier.protects_lifelines(), "{tier} {action:?}");
        }
    }
}

#[test]
fn every_cell_of_the_table_that_is_about_policy_is_kept() {
    use FailAction as A;
    for tier in Tier::ALL {
        for failure in Failure::ALL {
            let kept = match fail_action(tier, failure) {
                // Here: the bundle in force stays, whatever its age, and nothing is cut.
                A::KeepBundle
                | A::KeepBundleForEver
                | A::LifelineAndClinicalPairs
                | A::DeclaredPairs
                | A::ExistingFlows
                | A::KeepPreviousBundle
                | A::IgnoreTime => true,
                // In the kernel, in the switch, in the building, or in the certificates.
                A::LifelinesByKernel
                | A::Close
                | A::BypassOrSecondGateway
                | A::SecondGatewayOrDowntime
                | A::TolerateDowntime
                | A::Grace24h
                | A::Grace1h
                | A::NoGrace
                | A::PortStaysAuthorised
                | A::CriticalVlan => false,
            };
            let mut rig = Rig::with(five_tiers());
            match failure {
                Failure::PdpUnreachable => drop(rig.wait_s(1_800)),
                Failure::BundleStale => drop(rig.wait_s(7_200)),
                Failure::BundleRefused => {
                    rig.step(Input::Refused { number: None });
                }
                // A clock that jumps by years, forwards and back.
                Failure::ClockWrong => {
                    let far = Now { mono: rig.now().mono, wall: Wall(TEN * 2) };
                    rig.pep.step(far, Input::Woke, &mut Vec::new());
                    rig.pep.step(Now::default(), Input::Woke, &mut Vec::new());
                }
                Failure::ProcessDown | Failure::PowerLost | Failure::RadiusUnreachable => {
                    assert!(!kept || tier == Tier::Yellow, "{tier} {failure:?}");
                    continue;
                }
            }
            assert_eq!(rig.pep.bundle().unwrap().number, 7, "{tier} {failure:?}");
            for key in keys(&five_tiers(), tier.name(), |_| true) {
                assert!(rig.permits(&key, 10), "{tier} {failure:?} {key:?}");
            }
        }
    }
}

#[test]
fn a_refused_bundle_leaves_the_one_in_force_and_raises_one_alarm() {
    let mut rig = Rig::new();
    let mut raised_all = Vec::new();
    for number in [None, Some(6), Some(9)] {
        let effects = rig.step(Input::Refused { number });
        raised_all.extend(raised(&effects));
        assert_eq!(rig.pep.bundle().unwrap().number, 7);
    }
    assert_eq!(raised_all, ["bundle-refused"]);
    let newer = Bundle { number: 8, ..timeless() };
    let effects = rig.step(Input::Bundle(Arc::new(newer)));
    assert_eq!(cleared(&effects), ["bundle-refused"]);
    assert_eq!(rig.pep.bundle().unwrap().number, 8);
}

#[test]
fn a_bundle_that_leads_back_or_elsewhere_is_refused() {
    let dangling = {
        let mut bundle = Bundle { number: 9, ..timeless() };
        bundle.devices.first_mut().unwrap().flow_list = 99;
        bundle
    };
    let foreign = Bundle { number: 9, ..bundles::segment() };
    for wrong in [timeless(), Bundle { number: 6, ..timeless() }, dangling, foreign] {
        let mut rig = Rig::new();
        let effects = rig.step(Input::Bundle(Arc::new(wrong)));
        assert_eq!(raised(&effects), ["bundle-refused"]);
        assert_eq!(rig.pep.bundle().unwrap().number, 7);
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Load { .. })));
    }
}

#[test]
fn a_bundle_is_in_force_when_the_kernel_says_so_and_not_when_it_refuses() {
    let mut rig = Rig::new();
    rig.is_willing = false;
    rig.step(Input::Bundle(Arc::new(Bundle { number: 8, ..timeless() })));
    assert_eq!(rig.pep.bundle().unwrap().number, 7);
    let refused = KernelDone::LoadRefused { number: 8, hour: 10 };
    let effects = rig.step(Input::Kernel(refused));
    assert_eq!(raised(&effects), ["rules-refused"]);
    assert_eq!(rig.pep.bundle().unwrap().number, 7);
    rig.is_willing = true;
    let effects = rig.step(Input::Bundle(Arc::new(Bundle { number: 9, ..timeless() })));
    assert_eq!(cleared(&effects), ["rules-refused"]);
    assert_eq!(rig.pep.bundle().unwrap().number, 9);
}

#[test]
fn rules_that_the_kernel_never_answers_count_as_refused() {
    let mut rig = Rig::new();
    rig.is_willing = false;
    rig.step(Input::Bundle(Arc::new(Bundle { number: 8, ..timeless() })));
    assert_eq!(raised(&rig.wait_s(31)), ["rules-refused"]);
    assert_eq!(rig.pep.bundle().unwrap().number, 7);
}

#[test]
fn rules_are_printed_anew_every_hour_only_when_they_depend_on_it() {
    let loads = |effects: &[Effect]| {
        let loads = effects.iter().filter_map(|effect| match effect {
            Effect::Load { hour, .. } => Some(*hour),
            Effect::State { .. }
            | Effect::Close { .. }
            | Effect::Record(_)
            | Effect::Receipt(_) => None,
        });
        loads.collect::<Vec<_>>()
    };
    let mut rig = Rig::with(bundle());
    let effects = rig.wait_s(3 * 3_600 + 5);
    assert_eq!(loads(&effects), [11, 12, 13]);
    assert_eq!(closed(&effects).len(), 3, "only flows of the controller go by the hour");
    assert!(closed(&effects).iter().all(|device| *device == id(CONTROLLER)));
    let mut rig = Rig::new();
    assert_eq!(loads(&rig.wait_s(3 * 3_600)).len(), 0);
}

#[test]
fn a_new_bundle_judges_open_flows_of_changed_devices_again_and_keeps_states() {
    let mut rig = Rig::new();
    rig.order(order("a", OrderKind::Contain, PUMP));
    let get = *keys(&timeless(), MONITOR, |flow| carries(flow, "http.get")).first().unwrap();
    assert!(rig.permits(&get, 10));
    let mut next = Bundle { number: 8, ..timeless() };
    next.flow_lists.first_mut().unwrap().retain(|flow| !carries(flow, "http.get"));
    let effects = rig.step(Input::Bundle(Arc::new(next.clone())));
    assert_eq!(closed(&effects), [id(MONITOR)]);
    assert!(!rig.permits(&get, 10));
    assert!(rig.permits(&lifeline(MONITOR), 10));
    assert_eq!(rig.state(PUMP), DeviceState::Contained);
    // Other places of the same services and postures are no change.
    next.number = 9;
    next.postures.insert(0, cordon_model::PostureSet::default());
    next.flow_lists.iter_mut().flatten().for_each(|flow| flow.postures += 1);
    assert_eq!(closed(&rig.step(Input::Bundle(Arc::new(next)))), []);
}

#[test]
fn a_device_that_left_the_bundle_leaves_nothing_behind() {
    let mut rig = Rig::new();
    rig.order(order("a", OrderKind::Contain, PUMP));
    assert_eq!(rig.held.len(), 2);
    let mut next = Bundle { number: 8, ..timeless() };
    next.devices.retain(|device| device.id.as_str() != PUMP);
    let effects = rig.step(Input::Bundle(Arc::new(next)));
    assert_eq!(rig.held.len(), 0);
    assert_eq!(closed(&effects), [id(PUMP)]);
    assert!(!rig.permits(&lifeline(PUMP), 10));
    let [state] = states(&effects).try_into().unwrap();
    assert_eq!((state.from, state.reason), (DeviceState::Contained, label("left-bundle")));
    assert_eq!(rig.pep.counts().devices, 2);
    // Who comes back begins anew, and so does whoever gets the address.
    rig.step(Input::Bundle(Arc::new(Bundle { number: 9, ..timeless() })));
    assert_eq!(rig.state(PUMP), DeviceState::Normal);
}

#[test]
fn states_outlive_the_process_in_the_kernel() {
    let mut rig = Rig::new();
    rig.order(by(order("a", OrderKind::Isolate, PUMP), &[security()]));
    rig.order(order("b", OrderKind::Contain, MONITOR));
    rig.order(by(order("c", OrderKind::Suspect, CONTROLLER), &[security()]));
    let before = rig.held.clone();

    let mut next = Rig::empty(Limits::default());
    next.held.clone_from(&before);
    next.pep.restore(next.now(), Restored { held: before.clone(), age_s: Some(3_500) });
    assert_eq!(next.step(Input::Woke), [], "the kernel is left alone until there is a bundle");
    let effects = next.step(Input::Bundle(Arc::new(timeless())));
    assert_eq!(states(&effects), []);
    assert_eq!(next.state(PUMP), DeviceState::Isolated);
    assert_eq!(next.state(MONITOR), DeviceState::Contained);
    assert_eq!(next.state(CONTROLLER), DeviceState::Suspect);
    assert_eq!(next.held, before);
    // A containment that nobody confirmed is waited for anew; the age counts on.
    let effects = next.wait_s(100);
    assert_eq!(raised(&effects).first().unwrap(), "containment-rolled-back");
    assert!(raised(&effects).contains(&"bundle-stale".to_owned()));
    assert_eq!(next.state(MONITOR), DeviceState::Suspect);
}

#[test]
fn half_a_state_in_the_kernel_is_made_whole() {
    let mut rig = Rig::empty(Limits::default());
    let isolated = Elements { isolated: true, ..Elements::default() };
    rig.held.insert("fd00:1::12".parse().unwrap(), isolated);
    rig.held.insert("10.200.0.1".parse().unwrap(), isolated);
    rig.pep.restore(rig.now(), Restored { held: rig.held.clone(), age_s: None });
    rig.step(Input::Bundle(Arc::new(timeless())));
    assert_eq!(rig.state(PUMP), DeviceState::Isolated);
    assert!(rig.held("10.1.0.12").isolated && rig.held("fd00:1::12").isolated);
    assert_eq!(rig.held.len(), 2, "the address of nobody is forgotten");
}
