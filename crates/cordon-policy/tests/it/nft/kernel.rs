//! What the kernel holds after a load, read back element by element.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use cordon_model::bundle::{FlowKey, Role};
use cordon_model::nft::{Binding, KernelSets, mark_of, ruleset};
use cordon_model::{Bundle, Direction, Posture, Transport};
use serde_json::Value;

use super::lab::{Lab, ready};
use super::{NOON, bundles};

/// The sets and maps of a table: the name, and the elements as nft prints them.
fn read_back(lab: &Lab, table: &str) -> Vec<(String, Vec<Value>)> {
    let (family, table) = table.split_once(' ').unwrap();
    let text = lab.nft(&["-j", "list", "table", family, table], "").unwrap();
    let listed: Value = serde_json::from_str(&text).unwrap();
    let objects = listed["nftables"].as_array().unwrap().iter();
    objects
        .filter_map(|object| object.get("set").or_else(|| object.get("map")))
        .map(|set| {
            let name = set["name"].as_str().unwrap().to_owned();
            (name, set["elem"].as_array().cloned().unwrap_or_default())
        })
        .collect()
}

fn elements_of(read: &[(String, Vec<Value>)], name: &str) -> Vec<Value> {
    read.iter().find(|(n, _)| n == name).unwrap().1.clone()
}

fn concat(element: &Value) -> Vec<String> {
    let parts = element["concat"].as_array().unwrap().iter();
    parts.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect()
}

/// Reads the flow keys of all sets whose name begins with a prefix.
fn flows(read: &[(String, Vec<Value>)], prefix: &str) -> BTreeSet<FlowKey> {
    let sets = read.iter().filter(|(name, _)| name.starts_with(prefix));
    let keys = sets.flat_map(|(name, elements)| {
        let direction = if name.contains("_in") { Direction::In } else { Direction::Out };
        elements.iter().map(move |element| {
            let parts = concat(element);
            let transport = match parts[2].as_str() {
                "tcp" => Transport::Tcp,
                "udp" => Transport::Udp,
                other => unreachable!("{other}"),
            };
            let device: IpAddr = parts[0].parse().unwrap();
            assert_eq!(name.ends_with('4'), device.is_ipv4(), "{name}");
            let (peer, port) = (parts[1].parse().unwrap(), parts[3].parse().unwrap());
            FlowKey { device, peer, port, transport, direction }
        })
    });
    keys.collect()
}

fn bindings(read: &[(String, Vec<Value>)], role: Role) -> BTreeSet<Binding> {
    let names = if role == Role::Access { ["bound4", "bound6"] } else { ["placed4", "placed6"] };
    let both = names.map(|name| elements_of(read, name)).concat();
    let bindings = both.iter().map(|element| {
        let parts = concat(element);
        let mac = (role == Role::Access).then(|| parts[1].parse().unwrap());
        let address = parts.last().unwrap().parse().unwrap();
        Binding { interface: parts[0].clone(), mac, address }
    });
    bindings.collect()
}

/// Reads to which chain a map sends each posture; those it does not name are dropped.
fn verdicts(read: &[(String, Vec<Value>)], map: &str, way: &str) -> Vec<Option<String>> {
    let elements = elements_of(read, map);
    let chain_of = |mark: u32| {
        let found = elements.iter().find(|pair| pair[0].as_u64() == Some(u64::from(mark)));
        let target = found?[1]["goto"]["target"].as_str()?;
        Some(target.strip_suffix(way)?.trim_end_matches('_').replace('_', "-"))
    };
    Posture::all().map(|posture| chain_of(mark_of(posture))).collect()
}

fn check(bundle: &Bundle) {
    let lab = Lab::empty();
    lab.load(&ruleset(bundle, NOON)).unwrap();
    let sets = KernelSets::new(bundle, NOON);
    let read = read_back(&lab, "inet cordon_policy");
    for (number, list) in sets.lists.iter().enumerate() {
        assert_eq!(flows(&read, &format!("flows_{number}_")), list.flows, "list {number}");
    }
    let all: BTreeSet<FlowKey> = sets.lists.iter().flat_map(|list| &list.flows).copied().collect();
    assert_eq!(flows(&read, "flows_"), all, "no set but the listed ones");
    assert_eq!(flows(&read, "inspected_"), sets.inspected);
    assert_eq!(bindings(&read, bundle.role), sets.bindings);
    for (map, way) in [("column_from_device", "from_device"), ("column_to_device", "to_device")] {
        let wanted: Vec<Option<String>> = Posture::all()
            .map(|posture| sets.column(posture).unwrap())
            .map(|column| (!column.lists.is_empty()).then(|| column.name.clone()))
            .collect();
        assert_eq!(verdicts(&read, map, way), wanted, "{map}");
    }
}

#[test]
fn the_kernel_holds_what_the_sets_say() {
    if !ready() {
        return;
    }
    for (_, bundle) in bundles::all() {
        check(&bundle);
    }
}

#[test]
fn nothing_but_cordons_tables_is_touched() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    lab.load("add table inet other\nadd set inet other kept { type ipv4_addr; elements = { 192.0.2.1 }; }\n").unwrap();
    for (_, bundle) in bundles::all() {
        lab.load(&ruleset(&bundle, NOON)).unwrap();
    }
    assert!(lab.nft(&["list", "table", "inet", "other"], "").unwrap().contains("192.0.2.1"));
    let tables = lab.nft(&["list", "tables"], "").unwrap();
    assert!(tables.lines().all(|line| line.contains("cordon_") || line == "table inet other"));
}

#[test]
fn a_text_that_nft_refuses_leaves_the_rules_in_force() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    lab.load(&ruleset(&bundles::access(), NOON)).unwrap();
    let before = lab.nft(&["list", "ruleset"], "").unwrap();
    let broken = format!(
        "{}\nadd rule inet cordon_policy nowhere drop\n",
        ruleset(&bundles::service(), NOON)
    );
    assert!(lab.load(&broken).is_err());
    assert_eq!(lab.nft(&["list", "ruleset"], "").unwrap(), before);
}

#[test]
fn a_segment_of_400_devices_loads_within_seconds() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    let bundle = bundles::large(400);
    let text = ruleset(&bundle, NOON);
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..3 {
        let start = std::time::Instant::now();
        lab.load(&text).unwrap();
        took.push(start.elapsed());
    }
    let sets = KernelSets::new(&bundle, NOON);
    let flows: usize = sets.lists.iter().map(|list| list.flows.len()).sum();
    eprintln!(
        "400 devices: {} bytes, {flows} flows, {} lists, {} columns, nft -f {took:?}",
        text.len(),
        sets.lists.len(),
        sets.columns.len()
    );
    assert!(took.iter().all(|time| *time < Duration::from_secs(10)), "{took:?}");
}
