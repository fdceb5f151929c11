#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "tests/bundles.rs"]
mod bundles;

use std::collections::BTreeSet;

use crate::bundle::{FlowIndex, FlowKey, flow_keys};
use crate::{Attestation, Bundle, DeviceState, Direction, Identity, Operation, Posture, Transport};

use super::{
    Bridge, Form, KernelSets, Proxying, default_posture, depends_on_hour, gateway_ruleset,
    gateway_ruleset_as, generation, mark_of, ruleset,
};

const NOON: u8 = 12;

fn keys_of(sets: &KernelSets, column: &str) -> BTreeSet<FlowKey> {
    let column = sets.column_named(column).unwrap();
    sets.flows(column).flatten().copied().collect()
}

fn key(device: &str, peer: &str, port: u16, transport: Transport, direction: Direction) -> FlowKey {
    let (device, peer) = (device.parse().unwrap(), peer.parse().unwrap());
    FlowKey { device, peer, port, transport, direction }
}

#[test]
fn the_kernel_permits_a_flow_exactly_when_the_bundle_permits_an_operation() {
    for (name, bundle) in bundles::all() {
        let index = FlowIndex::new(&bundle);
        for hour in 0..24 {
            let sets = KernelSets::new(&bundle, hour);
            for posture in Posture::all() {
                for key in index.keys() {
                    let wanted =
                        Operation::all().any(|op| index.permits(key, op, posture, hour).is_some());
                    assert_eq!(
                        sets.permits(key, posture),
                        wanted,
                        "{name} {hour} {posture:?} {key:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_flow_stands_in_one_list_and_every_posture_in_one_column() {
    for (name, bundle) in bundles::all() {
        let sets = KernelSets::new(&bundle, NOON);
        let listed: usize = sets.lists.iter().map(|list| list.flows.len()).sum();
        let distinct: BTreeSet<_> = sets.lists.iter().flat_map(|list| &list.flows).collect();
        assert_eq!(listed, distinct.len(), "{name}");
        let placed: u32 = sets.columns.iter().map(|column| column.postures.len()).sum();
        assert_eq!(usize::try_from(placed), Ok(Posture::COUNT), "{name}");
        let different: BTreeSet<_> = sets.columns.iter().map(|column| &column.lists).collect();
        assert_eq!(different.len(), sets.columns.len(), "{name}: two columns open the same flows");
        let names: BTreeSet<_> = sets.columns.iter().map(|column| &column.name).collect();
        assert_eq!(names.len(), sets.columns.len(), "{name}: two columns share a name");
    }
}

#[test]
fn the_well_known_columns_open_what_their_names_promise() {
    let sets = KernelSets::new(&bundles::access(), NOON);
    let normal = keys_of(&sets, "normal");
    let contained = keys_of(&sets, "contained");
    let emergency = keys_of(&sets, "emergency");
    assert!(keys_of(&sets, "isolated").is_empty());
    assert!(contained.is_subset(&normal) && contained.len() < normal.len());
    assert!(normal.is_subset(&emergency));
    let out = |device, peer, port| key(device, peer, port, Transport::Tcp, Direction::Out);
    let alarm = out("10.1.0.11", "10.9.0.5", 2575);
    let archive = out("10.1.0.11", "10.9.0.8", 104);
    assert!(contained.contains(&alarm));
    assert!(!normal.contains(&archive) && emergency.contains(&archive));
}

#[test]
fn normal_is_the_column_that_the_kernel_assumes() {
    for (name, bundle) in bundles::all() {
        let sets = KernelSets::new(&bundle, NOON);
        let assumed = sets.column(default_posture(bundle.role)).map(|column| column.name.as_str());
        assert_eq!(assumed, Some("normal"), "{name}");
    }
}

#[test]
fn an_unproven_identity_has_a_column_of_its_own_when_it_opens_less() {
    let bundle = bundles::access();
    let sets = KernelSets::new(&bundle, NOON);
    let normal = default_posture(bundle.role);
    let record = key("10.1.0.12", "10.9.0.6", 443, Transport::Tcp, Direction::Out);
    let attested = Posture { attestation: Attestation::Passed, ..normal };
    assert_eq!(sets.column(attested), sets.column(normal));
    // Another operation of the same flow does not ask for identity: the kernel keeps it open.
    let unproven = Posture { identity: Identity::Unproven, ..normal };
    assert!(sets.permits(&record, unproven));
    let mut strict = bundle;
    strict.flow_lists.iter_mut().flatten().for_each(|flow| {
        if flow.rules.iter().any(|rule| rule.as_str() == "orange-clinical-notes") {
            flow.operations.clear();
        }
    });
    let sets = KernelSets::new(&strict, NOON);
    assert!(sets.permits(&record, normal) && !sets.permits(&record, unproven));
    assert!(sets.column(unproven).unwrap().name.starts_with("column-"));
}

#[test]
fn address_families_and_directions_stay_apart() {
    let sets = KernelSets::new(&bundles::access(), NOON);
    let normal = keys_of(&sets, "normal");
    assert!(normal.contains(&key("fd00:1::12", "fd00:9::7", 123, Transport::Udp, Direction::Out)));
    assert!(normal.contains(&key("10.1.0.13", "10.9.0.9", 502, Transport::Tcp, Direction::In)));
    assert!(!normal.contains(&key("10.1.0.13", "10.9.0.9", 502, Transport::Tcp, Direction::Out)));
    assert!(normal.iter().all(|key| key.device.is_ipv4() == key.peer.is_ipv4()));
}

#[test]
fn a_nightly_flow_is_open_at_night_only() {
    let bundle = bundles::segment();
    let nightly = key("10.1.0.13", "10.9.0.9", 8443, Transport::Tcp, Direction::Out);
    for hour in 0..24 {
        let sets = KernelSets::new(&bundle, hour);
        let open = sets.permits(&nightly, default_posture(bundle.role));
        assert_eq!(open, (1..=4).contains(&hour), "{hour}");
    }
    assert!(depends_on_hour(&bundle));
    assert!(!depends_on_hour(&Bundle { flow_lists: Vec::new(), ..bundle }));
}

#[test]
fn a_flow_of_the_bundle_passes_at_every_address_or_not_at_all() {
    let bundle = bundles::access();
    let sets = KernelSets::new(&bundle, NOON);
    let normal = default_posture(bundle.role);
    let contained = Posture { state: DeviceState::Contained, ..normal };
    for device in &bundle.devices {
        for (flow, service, postures) in bundle.flows_of(device) {
            let open = flow.is_open_at(NOON);
            assert!(flow_keys(device, flow, service).next().is_some());
            let normal_here = sets.permits_flow(device, flow, service, normal);
            assert_eq!(
                normal_here,
                open && postures.contains(normal),
                "{} {}",
                device.id,
                service.id
            );
            let contained_here = sets.permits_flow(device, flow, service, contained);
            assert_eq!(contained_here, open && flow.lifeline, "{} {}", device.id, service.id);
        }
    }
}

#[test]
fn a_device_is_bound_to_its_port_and_one_without_a_port_to_none() {
    let mut bundle = bundles::access();
    bundle.devices.first_mut().unwrap().port = None;
    let sets = KernelSets::new(&bundle, NOON);
    let bound: Vec<String> = sets
        .bindings
        .iter()
        .map(|b| format!("{} {} {}", b.interface, b.mac.unwrap(), b.address))
        .collect();
    assert_eq!(
        bound,
        [
            "port2 02:00:00:00:00:0c 10.1.0.12",
            "port2 02:00:00:00:00:0c fd00:1::12",
            "port3 02:00:00:00:00:0d 10.1.0.13"
        ]
    );
    let sets = KernelSets::new(&bundles::segment(), NOON);
    assert!(sets.bindings.iter().all(|b| b.mac.is_none() && b.interface == "inside0"));
}

#[test]
fn leases_are_renewed_before_devices_and_not_before_services() {
    assert_eq!(KernelSets::new(&bundles::access(), NOON).dhcp_servers.len(), 1);
    assert!(KernelSets::new(&bundles::service(), NOON).dhcp_servers.is_empty());
}

#[test]
fn every_posture_has_a_mark_of_its_own() {
    let marks: BTreeSet<u32> = Posture::all().map(mark_of).collect();
    assert_eq!(marks.len(), Posture::COUNT);
    for posture in Posture::all() {
        let on = mark_of(Posture { emergency: true, ..posture });
        let off = mark_of(Posture { emergency: false, ..posture });
        assert_eq!(on, off | super::mark::EMERGENCY_BIT);
        let contained = mark_of(Posture { state: DeviceState::Contained, ..posture });
        let by_rule = mark_of(posture) & !super::mark::STATE_BITS
            | super::mark::state_mark(DeviceState::Contained);
        assert_eq!(contained, by_rule);
    }
}

#[test]
fn the_text_is_the_same_every_time_and_changes_with_the_hour_alone() {
    let bundle = bundles::access();
    assert_eq!(ruleset(&bundle, NOON), ruleset(&bundle, NOON));
    assert_ne!(ruleset(&bundle, NOON), ruleset(&bundle, 2));
    let mut shuffled = bundle.clone();
    shuffled.devices.reverse();
    let elements = |text: String| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(elements(ruleset(&bundle, NOON)), elements(ruleset(&shuffled, NOON)));
}

#[test]
fn the_text_never_accepts_for_being_established_and_never_flushes_the_state() {
    for (name, bundle) in bundles::all() {
        let text = ruleset(&bundle, NOON);
        for line in text.lines().filter(|line| line.contains("established")) {
            assert!(line.contains("sport @flows_"), "{name}: {line}");
        }
        assert!(
            !text.contains("flush set inet cordon_state") && !text.contains("flush ruleset"),
            "{name}"
        );
        assert!(!text.contains("delete table inet cordon_state"), "{name}");
    }
}

#[test]
fn a_person_reads_device_service_and_rule_beside_each_element() {
    let text = ruleset(&bundles::access(), NOON);
    let note = "# PUMP-3F-042 (ORANGE) → ehr-api http, rules orange-clinical-notes, orange-clinical-services";
    let at = text.lines().position(|line| line.trim() == note).unwrap();
    let next: Vec<&str> = text.lines().skip(at + 1).take(2).map(str::trim).collect();
    assert_eq!(next, ["10.1.0.12 . 10.9.0.6 . tcp . 443,", "10.1.0.12 . 10.9.0.16 . tcp . 443,"]);
    assert!(text.contains("# HVAC-B2-Floor7-Zone3 (GREEN) ← bms opaque, rules green-polling"));
}

#[test]
fn an_interface_name_cannot_break_out_of_the_text() {
    let mut bundle = bundles::segment();
    bundle.interfaces.uplink = "u\" accept\n#*".to_owned();
    bundle.interfaces.devices = "*".to_owned();
    let text = ruleset(&bundle, NOON);
    assert!(text.contains("define uplink = \"u__accept___\"\n"));
    assert!(text.contains("define inside = \"_\"\n"));
}

#[test]
fn the_keys_of_inspected_flows_are_listed_apart() {
    let sets = KernelSets::new(&bundles::access(), NOON);
    let wanted = ["10.9.0.6", "10.9.0.16"]
        .map(|peer| key("10.1.0.12", peer, 443, Transport::Tcp, Direction::Out));
    assert_eq!(sets.inspected, BTreeSet::from(wanted));
}

#[test]
fn each_flow_of_a_large_segment_is_printed_once() {
    let bundle = bundles::large(400);
    let sets = KernelSets::new(&bundle, NOON);
    let flows: usize = sets.lists.iter().map(|list| list.flows.len()).sum();
    let text = ruleset(&bundle, NOON);
    let (_, policy) = text.rsplit_once("table inet cordon_policy {").unwrap();
    let (flow_sets, _) = policy.split_once("set inspected_").unwrap();
    let printed =
        flow_sets.lines().filter(|line| line.contains(" . tcp . ") || line.contains(" . udp . "));
    assert_eq!(printed.count(), flows);
    assert!(flows > 1_000, "{flows}");
}

const PROXYING: Proxying = Proxying { tcp_port: 15001, udp_port: 15002, alive_ms: 1200 };

#[test]
fn an_inspected_key_is_of_one_kind() {
    let bundle = bundles::inspected_lifelines(bundles::access());
    let sets = KernelSets::new(&bundle, NOON);
    let tcp = |device, peer, port| key(device, peer, port, Transport::Tcp, Direction::Out);
    // What it is, the set, the keys.
    let cases = [
        (
            "a lifeline of a RED device",
            &sets.copied,
            vec![tcp("10.1.0.11", "10.9.0.5", 2575), tcp("fd00:1::11", "fd00:9::5", 2575)],
        ),
        (
            "a lifeline of an ORANGE device",
            &sets.taken,
            vec![tcp("10.1.0.12", "10.9.0.5", 2575), tcp("fd00:1::12", "fd00:9::5", 2575)],
        ),
        (
            "no lifeline",
            &sets.closed,
            vec![tcp("10.1.0.12", "10.9.0.6", 443), tcp("10.1.0.12", "10.9.0.16", 443)],
        ),
    ];
    let mut all = BTreeSet::new();
    for (what, set, keys) in cases {
        assert_eq!(*set, keys.iter().copied().collect(), "{what}");
        all.extend(keys);
    }
    assert_eq!(all, sets.inspected);
    let polled = key("10.1.0.13", "10.9.0.9", 502, Transport::Tcp, Direction::In);
    assert_eq!(sets.shut, BTreeSet::from([polled]), "GREEN, not inspected, and not its lease");
}

#[test]
fn a_key_that_also_carries_a_lifeline_is_never_closed_nor_limited() {
    let mut bundle = bundles::inspected_lifelines(bundles::access());
    let record = key("10.1.0.12", "10.9.0.6", 443, Transport::Tcp, Direction::Out);
    assert!(KernelSets::new(&bundle, NOON).limits.contains_key(&record));
    let notes = bundle
        .flow_lists
        .iter_mut()
        .flatten()
        .find(|flow| flow.rules.iter().any(|rule| rule.as_str() == "orange-clinical-notes"));
    notes.unwrap().lifeline = true;
    let sets = KernelSets::new(&bundle, NOON);
    assert!(sets.taken.contains(&record) && !sets.closed.contains(&record));
    assert!(!sets.limits.contains_key(&record));
}

#[test]
fn flows_that_share_a_key_share_one_envelope_or_add_theirs() {
    let record = key("10.1.0.12", "10.9.0.6", 443, Transport::Tcp, Direction::Out);
    let limits = |first: Option<u32>, second: Option<u32>| {
        let mut bundle = bundles::access();
        let mut given = [first, second].into_iter();
        for flow in bundle.flow_lists.iter_mut().flatten().filter(|f| f.inspector.is_some()) {
            flow.envelope.connections_per_minute_max = given.next().unwrap();
        }
        let sets = KernelSets::new(&bundle, NOON);
        let limits = sets.limits.get(&record).copied();
        limits.and_then(|limits| limits.connections_per_minute_max).map(std::num::NonZeroU32::get)
    };
    assert_eq!(limits(Some(30), Some(30)), Some(30));
    assert_eq!(limits(Some(30), Some(10)), Some(40));
    assert_eq!(limits(Some(30), None), None);
    assert_eq!(limits(Some(0), Some(0)), Some(1));
    assert_eq!(limits(None, None), None);
}

#[test]
fn the_text_of_a_gateway_is_the_text_and_more() {
    for (name, bundle) in bundles::all() {
        let bundle = bundles::inspected_lifelines(bundle);
        let (plain, gateway) = (ruleset(&bundle, NOON), gateway_ruleset(&bundle, NOON, &PROXYING));
        let lines: BTreeSet<&str> = gateway.lines().collect();
        for line in plain.lines() {
            let replaced =
                ["# Empty: a gateway", ":00 UTC", " inspected_", "# The flows that an", " type "];
            let is_replaced = replaced.iter().any(|part| line.contains(part));
            assert!(is_replaced || lines.contains(line), "{name}: {line}");
        }
        assert!(gateway.contains("tproxy ip to 127.0.0.1:15001 "), "{name}");
        assert!(
            !gateway.contains("flush set inet cordon_state") && !gateway.contains("flush ruleset"),
            "{name}"
        );
    }
}

#[test]
fn a_gateway_text_has_a_name_of_its_own() {
    let segment = bundles::segment();
    let name = |bundle: &Bundle, hour, proxying| {
        let text = gateway_ruleset(bundle, hour, &proxying);
        generation(&text).unwrap().to_owned()
    };
    let first = name(&segment, NOON, PROXYING);
    assert!(first.starts_with("cordon bundle 7 12:00 ") && first.len() <= 128, "{first}");
    assert_eq!(first, name(&segment, NOON, PROXYING));
    assert_ne!(first, name(&segment, 2, PROXYING));
    assert_ne!(first, name(&segment, NOON, Proxying { tcp_port: 1, ..PROXYING }));
    assert_ne!(first, name(&Bundle { number: 8, ..segment.clone() }, NOON, PROXYING));
    let mut steady = segment;
    steady.flow_lists.iter_mut().flatten().for_each(|flow| flow.hours = None);
    assert_eq!(name(&steady, NOON, PROXYING), name(&steady, 2, PROXYING));
    assert_eq!(generation(&ruleset(&steady, NOON)), None);
}

fn bridge(mac: &str) -> Form {
    Form::Bridge(Bridge { name: "br0".to_owned(), mac: mac.parse().unwrap() })
}

#[test]
fn only_an_access_gateway_can_be_a_bridge() {
    let form = bridge("02:00:00:00:ff:01");
    for (name, bundle) in bundles::all() {
        let text = gateway_ruleset_as(&form, &bundle, NOON, &PROXYING);
        assert_eq!(text.is_some(), name == "access", "{name}");
        let router = gateway_ruleset_as(&Form::Router, &bundle, NOON, &PROXYING);
        assert_eq!(router, Some(gateway_ruleset(&bundle, NOON, &PROXYING)));
    }
}

#[test]
fn both_forms_permit_the_same_flows() {
    let bundle = bundles::inspected_lifelines(bundles::access());
    let router = gateway_ruleset(&bundle, NOON, &PROXYING);
    let form = bridge("02:00:00:00:ff:01");
    let bridge = gateway_ruleset_as(&form, &bundle, NOON, &PROXYING).unwrap();
    let flows = |text: &str| {
        let (_, policy) = text.rsplit_once("table inet cordon_policy {").unwrap();
        let (_, flows) = policy.split_once("    # List 0").unwrap();
        flows.split_once("    counter denied {").unwrap().0.to_owned()
    };
    assert_eq!(flows(&router), flows(&bridge));
    let sides = |text: &str| {
        let sides = text.lines().filter(|line| line.contains("goto ") && line.contains("name $"));
        sides.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let (_, frames) = bridge.split_once("table bridge cordon_bind {").unwrap();
    let (frames, packets) = frames.split_once("table inet cordon_policy").unwrap();
    assert!(!sides(frames).is_empty());
    for line in sides(packets) {
        assert!(line.contains("iifname $bridged"), "{line}");
    }
}

#[test]
fn a_bridge_text_keeps_state_and_has_a_name_of_its_own() {
    let bundle = bundles::access();
    let text = |form: &Form| gateway_ruleset_as(form, &bundle, NOON, &PROXYING).unwrap();
    let first = text(&bridge("02:00:00:00:ff:01"));
    for line in first.lines().filter(|line| line.starts_with("flush ")) {
        let kept = line.starts_with("flush set inet cordon_state") && !line.contains(" device");
        assert!(!kept && line != "flush ruleset", "{line}");
    }
    assert!(!first.contains("delete table inet cordon_state"));
    assert!(!first.contains("delete table bridge"), "renewed in place");
    let names = [first.clone(), text(&bridge("02:00:00:00:ff:02")), text(&Form::Router)]
        .map(|text| generation(&text).unwrap().to_owned());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let odd = Bridge { name: "b\" accept".to_owned(), mac: "02:00:00:00:ff:01".parse().unwrap() };
    assert!(text(&Form::Bridge(odd)).contains("define bridged = \"b__accept\"\n"));
}

#[test]
fn a_port_claims_its_own_addresses_and_no_other() {
    let text =
        gateway_ruleset_as(&bridge("02:00:00:00:ff:01"), &bundles::access(), NOON, &PROXYING);
    let text = text.unwrap();
    let (_, own) = text.rsplit_once("    set own6 {").unwrap();
    let own: Vec<&str> = own.split_once("    set own_target6").unwrap().0.lines().collect();
    let claims: Vec<&str> =
        own.iter().map(|line| line.trim()).filter(|line| line.starts_with('"')).collect();
    assert_eq!(
        claims,
        [
            "\"port1\" . 02:00:00:00:00:0b . fd00:1::11,",
            "\"port1\" . 02:00:00:00:00:0b . fe80::ff:fe00:b,",
            "\"port2\" . 02:00:00:00:00:0c . fd00:1::12,",
            "\"port2\" . 02:00:00:00:00:0c . fe80::ff:fe00:c,",
            "\"port3\" . 02:00:00:00:00:0d . fe80::ff:fe00:d,",
        ]
    );
}
