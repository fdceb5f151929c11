//! Loads of which the kernel is told the difference only.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use cordon_gateway::kernel::load::How;
use cordon_model::Bundle;
use cordon_model::nft::gateway_ruleset;

use super::lab::{Lab, ready};
use super::{NOON, NTP, PROXYING, PUMP, STATION, bundles, inside, open};

/// Another generation of a bundle: the time is told at another port, the controller has moved, the
/// health record may be called more often.
fn next(bundle: &Bundle) -> Bundle {
    let mut next = bundle.clone();
    next.number += 1;
    let time = next.services.iter_mut().find(|service| (123..130).contains(&service.port)).unwrap();
    time.port += 1;
    let moved = next.devices.last_mut().unwrap();
    moved.ip = Ipv4Addr::new(10, 1, 0, 99);
    for flow in next.flow_lists.iter_mut().flatten() {
        if let Some(most) = &mut flow.envelope.connections_per_minute_max {
            *most *= 2;
        }
    }
    next
}

fn text(bundle: &Bundle) -> String {
    gateway_ruleset(bundle, NOON, &PROXYING)
}

/// Gives the tables in force, each in an order that does not depend on how it came there.
fn in_force(lab: &Lab) -> BTreeSet<Vec<String>> {
    let listed = lab.nft(&["-n", "list", "ruleset"], "").unwrap().replace(",\n", ", ");
    let mut lines: Vec<String> = Vec::new();
    for line in listed.lines().filter(|line| !line.contains("expires")) {
        match line.trim().strip_prefix("elements = {") {
            Some(elements) => {
                let elements = elements.trim_end_matches('}').split(',');
                let mut elements: Vec<&str> = elements.map(str::trim).collect();
                elements.sort_unstable();
                lines.push(elements.join(", "));
            }
            None => lines.push(line.trim().to_owned()),
        }
    }
    lines.retain(|line| !line.starts_with("counter") && !line.starts_with("packets"));
    let mut tables: Vec<Vec<String>> = Vec::new();
    for line in lines {
        if line.starts_with("table ") {
            tables.push(Vec::new());
        }
        tables.last_mut().unwrap().push(line);
    }
    tables.into_iter().collect()
}

#[track_caller]
fn is_the_same(told: &Lab, whole: &Lab) {
    let (told, whole) = (in_force(told), in_force(whole));
    let differing: Vec<&Vec<String>> = told.symmetric_difference(&whole).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn the_difference_leads_where_the_whole_text_does() {
    if !ready() {
        return;
    }
    let first = bundles::inspected_lifelines(bundles::access());
    let second = next(&first);
    let (told, whole) = (Lab::empty(), Lab::empty());
    let mut renewer = inside(&told, || open(&told).renewer().unwrap());
    let mut renew = |bundle: &Bundle| inside(&told, || renewer.renew(text(bundle)).unwrap());
    assert_eq!(renew(&first), How::Whole);
    assert_eq!(renew(&first), How::Already);
    let there = renew(&second);
    let How::Delta { added, removed } = there else { panic!("{there:?}") };
    assert!(added > 0 && removed > 0);
    inside(&whole, || open(&whole).load(&text(&second))).unwrap();
    is_the_same(&told, &whole);
    assert_eq!(renew(&first), How::Delta { added: removed, removed: added });
    inside(&whole, || open(&whole).load(&text(&first))).unwrap();
    is_the_same(&told, &whole);
}

#[test]
fn whatever_was_loaded_by_others_is_replaced_as_a_whole() {
    if !ready() {
        return;
    }
    let first = bundles::access();
    let lab = Lab::empty();
    let mut renewer = inside(&lab, || open(&lab).renewer().unwrap());
    let mut renew = |bundle: &Bundle| inside(&lab, || renewer.renew(text(bundle)).unwrap());
    assert_eq!(renew(&first), How::Whole);
    lab.nft(&["delete", "table", "inet", "cordon_policy"], "").unwrap();
    assert_eq!(renew(&next(&first)), How::Whole);
    inside(&lab, || open(&lab).load(&text(&first))).unwrap();
    assert_eq!(renew(&next(&next(&first))), How::Whole);
    let mut other = next(&next(&next(&first)));
    other.interfaces.uplink = "uplink1".to_owned();
    assert_eq!(renew(&other), How::Whole);
}

#[test]
fn what_stays_does_not_notice_and_what_goes_is_cut() {
    if !ready() {
        return;
    }
    let first = bundles::access();
    let mut lab = Lab::new(&first);
    let mut renewer = inside(&lab, || open(&lab).renewer().unwrap());
    let mut renew =
        |lab: &Lab, bundle: &Bundle| inside(lab, || renewer.renew(text(bundle)).unwrap());
    assert_eq!(renew(&lab, &first), How::Whole);
    let mut time = lab.start(PUMP, &["hold", "udp", NTP, "123"]);
    let mut alarms = lab.start(PUMP, &["hold", "tcp", STATION, "2575"]);
    assert!(time.echoes() && alarms.echoes());
    assert!(matches!(renew(&lab, &next(&first)), How::Delta { .. }));
    assert!(alarms.echoes(), "a lifeline that stays went");
    assert!(!time.echoes(), "what is not listed any more goes on");
}
