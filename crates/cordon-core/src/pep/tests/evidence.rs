//! From stopped packets to findings.

use super::*;
use cordon_model::event::{FindingAction, FindingStatus};
use cordon_model::{Mac, nft};

/// The proxy that nobody lists.
const STRANGER: [u8; 4] = [198, 51, 100, 45];
const PUMP_IP: [u8; 4] = [10, 1, 0, 12];
const MONITOR_IP: [u8; 4] = [10, 1, 0, 11];
const UDP: u8 = 17;
const TCP: u8 = 6;

/// A packet of IPv4 that says it is `length` bytes long.
pub(super) fn ipv4(
    src: [u8; 4],
    dst: [u8; 4],
    protocol: u8,
    ports: (u16, u16),
    length: u16,
) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 61, protocol, 0, 0]);
    bytes.extend(src);
    bytes.extend(dst);
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend([0, 8, 0, 0]);
    bytes
}

fn mac(last: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, last]).unwrap()
}

fn denied<'a>(
    rig: &Rig,
    cause: Cause,
    interface: &'a str,
    mac_last: u8,
    packet: &'a [u8],
) -> Denied<'a> {
    let seen = Mono(rig.now().mono.0.saturating_sub(3_000_000));
    let mac = Some(mac(mac_last));
    Denied { cause, interface: Some(interface), mac, family: Family::Inet, packet, seen }
}

fn check(cause: Cause, interface: &str, mac_last: u8, packet: &[u8]) -> Finding {
    let mut rig = Rig::new();
    rig.s = 5;
    let effects = rig.step(Input::Denied(denied(&rig, cause, interface, mac_last, packet)));
    let [finding] = findings(&effects).try_into().unwrap();
    assert_eq!((finding.status, finding.action), (FindingStatus::New, FindingAction::Blocked));
    finding
}

#[test]
fn the_first_packet_to_a_stranger_is_a_finding_at_once_and_the_bytes_follow() {
    let mut rig = Rig::new();
    rig.s = 5;
    let packet = ipv4(PUMP_IP, STRANGER, UDP, (49_152, 8_080), 1_400);
    let effects = rig.step(Input::Denied(denied(&rig, Cause::OffList, "port2", 12, &packet)));
    let [first] = findings(&effects).try_into().unwrap();
    assert_eq!(first.rule, label("unlisted-destination"));
    assert_eq!((first.status, first.evidence), (FindingStatus::New, Evidence::E3));
    assert_eq!((first.device.clone(), first.tier), (Some(id(PUMP)), Some(Tier::Orange)));
    assert_eq!((first.attempted_bytes, first.detection_ms), (Some(1_400), Some(3)));
    assert_eq!((first.ttl, first.switch_port.clone()), (Some(61), Some(label("port2"))));
    assert_eq!((first.src.mac, first.planned_mac), (Some(mac(12)), None));
    assert_eq!(first.dst.address, Some(STRANGER.into()));
    assert_eq!(first.dst.port, Some(8_080));

    for _ in 0..99 {
        let more = rig.step(Input::Denied(denied(&rig, Cause::OffList, "port2", 12, &packet)));
        assert_eq!(findings(&more), [], "one update in an interval");
    }
    // The log is held to a rate; the kernel counted all of it, the logged packets as well.
    let address = IpAddr::from(PUMP_IP);
    let attempted = Attempted { address, bytes: 500_000_000, packets: 357_143 };
    rig.step(Input::Attempted(attempted));
    let effects = rig.wait_s(60);
    let [update] = findings(&effects).try_into().unwrap();
    assert_eq!((update.status, &update.name), (FindingStatus::Update, &first.name));
    assert_eq!(update.attempted_bytes, Some(500_000_000));
    assert_eq!(findings(&rig.wait_s(3_600)), [], "nothing more, nothing said");
    assert_eq!(rig.pep.counts().findings, 0);
    assert_eq!(rig.pep.counts().denied_bytes, 500_000_000);
    let again = rig.step(Input::Denied(denied(&rig, Cause::OffList, "port2", 12, &packet)));
    assert_ne!(findings(&again).first().unwrap().name, first.name, "a new one");
}

#[test]
fn a_strange_mac_on_a_known_port_is_not_blamed_on_the_device() {
    // The laptop on the controller's port, with the controller's address.
    let packet = ipv4([10, 1, 0, 13], STRANGER, TCP, (50_000, 80), 60);
    let finding = check(Cause::Spoofed, "port3", 0x99, &packet);
    assert_eq!(finding.rule, label("identity-mismatch"));
    assert_eq!((finding.device, finding.tier), (None, None));
    assert_eq!(finding.src.mac, Some(mac(0x99)));
    assert_eq!(finding.planned_mac, Some(mac(13)));
    assert_eq!(finding.src.device, Some(id(CONTROLLER)), "whom the plan has there");
    assert_eq!(finding.switch_port, Some(label("port3")));
}

#[test]
fn a_device_that_takes_anothers_address_on_its_own_port_is_blamed() {
    let packet = ipv4(MONITOR_IP, STRANGER, TCP, (50_000, 80), 60);
    let finding = check(Cause::Spoofed, "port2", 12, &packet);
    assert_eq!((finding.device, finding.planned_mac), (Some(id(PUMP)), None));
    assert_eq!(finding.src.address, Some(MONITOR_IP.into()));
    // The same frame from another port: the MAC address is a clone, or the cable was moved.
    let finding = check(Cause::Spoofed, "port1", 12, &packet);
    assert_eq!((finding.device, finding.planned_mac), (None, Some(mac(11))));
}

#[test]
fn every_cause_and_packet_has_its_rule() {
    let other = [10, 9, 9, 9];
    let v6 = |kind: u8| {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 8, 58, 255];
        bytes.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    };
    let to_stranger = ipv4(PUMP_IP, STRANGER, TCP, (1, 2), 60);
    let cases = [
        (Cause::OffList, "port2", to_stranger.clone(), Rule::UnlistedDestination, Some(PUMP)),
        (
            Cause::OffList,
            "port2",
            ipv4(PUMP_IP, MONITOR_IP, TCP, (1, 2), 60),
            Rule::UnlistedDestination,
            Some(PUMP),
        ),
        (
            Cause::OffList,
            "uplink0",
            ipv4(other, PUMP_IP, TCP, (1, 2), 60),
            Rule::UnlistedSource,
            None,
        ),
        (
            Cause::OffList,
            "uplink0",
            ipv4(other, other, TCP, (1, 2), 60),
            Rule::UnlistedDestination,
            None,
        ),
        (
            Cause::Spoofed,
            "port2",
            ipv4(other, other, UDP, (67, 68), 60),
            Rule::RogueDhcp,
            Some(PUMP),
        ),
        (
            Cause::Spoofed,
            "uplink0",
            ipv4(PUMP_IP, other, UDP, (67, 68), 60),
            Rule::IdentityMismatch,
            None,
        ),
        (Cause::Spoofed, "port2", v6(134), Rule::RogueRouter, Some(PUMP)),
        (Cause::Spoofed, "port2", v6(137), Rule::RogueRouter, Some(PUMP)),
        (Cause::Spoofed, "port2", v6(135), Rule::IdentityMismatch, Some(PUMP)),
        (Cause::Isolated, "port2", to_stranger.clone(), Rule::WhileIsolated, Some(PUMP)),
        (Cause::Uninspected, "port2", to_stranger.clone(), Rule::Uninspected, Some(PUMP)),
        (Cause::OverRate, "port2", to_stranger, Rule::OverRate, Some(PUMP)),
    ];
    for (cause, interface, packet, rule, device) in cases {
        let finding = check(cause, interface, 12, &packet);
        assert_eq!(finding.rule, label(rule.label()), "{cause:?} {interface}");
        assert_eq!(finding.device, device.map(id), "{cause:?} {interface}");
        assert_eq!(finding.evidence, rule.evidence());
    }
    for rule in Rule::ALL {
        assert!(Label::new(rule.label()).is_ok());
    }
}

#[test]
fn a_lie_in_arp_is_told_with_the_address_that_is_claimed() {
    let mut rig = Rig::new();
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 2];
    packet.extend(mac(0x66).bytes());
    packet.extend(MONITOR_IP);
    packet.extend([0; 6]);
    packet.extend(PUMP_IP);
    let denied = Denied {
        cause: Cause::Spoofed,
        interface: Some("port2"),
        mac: None,
        family: Family::Arp,
        packet: &packet,
        seen: Mono(0),
    };
    let [finding] = findings(&rig.step(Input::Denied(denied))).try_into().unwrap();
    assert_eq!(finding.rule, label("arp-spoof"));
    assert_eq!((finding.device, finding.src.mac), (None, Some(mac(0x66))));
    assert_eq!(finding.src.address, Some(MONITOR_IP.into()));
    assert_eq!(finding.planned_mac, Some(mac(12)));
}

#[test]
fn a_segment_firewall_does_not_take_a_routers_mac_for_a_devices() {
    let mut rig = Rig::with(bundles::segment());
    let packet = ipv4(PUMP_IP, STRANGER, TCP, (1, 2), 60);
    let denied = denied(&rig, Cause::Spoofed, "uplink0", 12, &packet);
    let [finding] = findings(&rig.step(Input::Denied(denied))).try_into().unwrap();
    assert_eq!((finding.device, finding.planned_mac), (None, None));
    assert_eq!(finding.src.device, Some(id(PUMP)));
}

#[test]
fn a_scan_fills_its_own_part_of_the_table_and_hides_nobody_else() {
    let mut rig = Rig::new();
    let mut new = 0;
    for port in 1..=2_000 {
        let packet = ipv4(PUMP_IP, STRANGER, TCP, (49_152, port), 60);
        let denied = denied(&rig, Cause::OffList, "port2", 12, &packet);
        new += findings(&rig.step(Input::Denied(denied))).len();
    }
    assert_eq!(new, Limits::default().findings_per_source_max + 1);
    let packet = ipv4(MONITOR_IP, STRANGER, TCP, (49_152, 80), 60);
    let other = denied(&rig, Cause::OffList, "port1", 11, &packet);
    assert_eq!(findings(&rig.step(Input::Denied(other))).len(), 1);
    let effects = rig.wait_s(60);
    let rest: Vec<_> = findings(&effects).into_iter().filter(|it| it.dst.port.is_none()).collect();
    let [rest] = rest.try_into().unwrap();
    assert_eq!(rest.attempted_bytes, Some((2_000 - 64) * 60), "what is not told apart is counted");
}

#[test]
fn a_full_table_of_findings_is_told_once_and_counted() {
    let mut rig = Rig::new();
    rig.pep.limits.findings_max = 3;
    let mut names = Vec::new();
    for port in 1..=9 {
        let packet = ipv4(PUMP_IP, STRANGER, TCP, (49_152, port), 60);
        let denied = denied(&rig, Cause::OffList, "port2", 12, &packet);
        names.extend(raised(&rig.step(Input::Denied(denied))));
    }
    assert_eq!(names, ["table-full"]);
    assert_eq!((rig.pep.counts().findings, rig.pep.counts().findings_lost), (3, 6));
    rig.hear();
    let effects = rig.wait_s(200);
    assert!(cleared(&effects).contains(&"table-full".to_owned()));
}

#[test]
fn a_violation_makes_probation_begin_again() {
    let mut rig = Rig::new();
    rig.order(by(order("a", OrderKind::Contain, PUMP), &[security()]));
    rig.order(by(order("b", OrderKind::Release, PUMP), &[clinical()]));
    rig.wait_s(86_000);
    let packet = ipv4(PUMP_IP, STRANGER, TCP, (1, 2), 60);
    let it = denied(&rig, Cause::OffList, "port2", 12, &packet);
    rig.step(Input::Denied(it));
    rig.wait_s(86_000);
    assert_eq!(rig.state(PUMP), DeviceState::Probation);
    rig.wait_s(400);
    assert_eq!(rig.state(PUMP), DeviceState::Normal);
}

#[test]
fn the_time_since_the_first_violation_is_known_from_the_points_own_findings() {
    let mut rig = Rig::new();
    let packet = ipv4(PUMP_IP, STRANGER, TCP, (1, 2), 60);
    let it = denied(&rig, Cause::OffList, "port2", 12, &packet);
    rig.step(Input::Denied(it));
    rig.s += 8;
    let effects = rig.step(Input::Order(order("a", OrderKind::Contain, PUMP)));
    assert_eq!(states(&effects).first().unwrap().since_violation_ms, Some(8_000));
}

#[test]
fn groups_of_the_log_have_causes_and_groups_of_what_passed_have_none() {
    assert_eq!(Cause::of_group(nft::LOG_GROUP_DENIED), Some(Cause::OffList));
    assert_eq!(Cause::of_group(nft::LOG_GROUP_SPOOFED), Some(Cause::Spoofed));
    assert_eq!(Cause::of_group(nft::LOG_GROUP_ISOLATED), Some(Cause::Isolated));
    assert_eq!(Cause::of_group(13), Some(Cause::Uninspected));
    assert_eq!(Cause::of_group(nft::LOG_GROUP_EMERGENCY), None);
    assert_eq!(Cause::of_group(12), None);
}
