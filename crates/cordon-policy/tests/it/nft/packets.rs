//! Real packets through the rules, device by device.

use std::time::{Duration, Instant};

use cordon_model::nft::{default_posture, mark_of, ruleset};
use cordon_model::{Attestation, DeviceState, Identity, Posture};

use super::lab::{Lab, ready};
use super::{NOON, bundles};

const MONITOR: &str = "MON-ICU-01";
const PUMP: &str = "PUMP-3F-042";
const CONTROLLER: &str = "HVAC-B2-Floor7-Zone3";
const STATION: &str = "10.9.0.5";
const EHR: &str = "10.9.0.6";
const NTP: &str = "10.9.0.7";
const PACS: &str = "10.9.0.8";
const BMS: &str = "10.9.0.9";
const DHCP: &str = "10.9.0.10";

#[test]
fn what_is_listed_passes_and_nothing_else_does() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    assert!(lab.asks(PUMP, "tcp", STATION, 2575));
    assert!(lab.asks(PUMP, "tcp", "fd00:9::5", 2575));
    assert!(lab.asks(PUMP, "tcp", EHR, 443));
    assert!(lab.asks(PUMP, "udp", NTP, 123));
    assert!(lab.asks(PUMP, "udp", "fd00:9::7", 123));
    assert!(!lab.asks(PUMP, "tcp", EHR, 104), "a port that is not listed");
    assert!(!lab.asks(PUMP, "tcp", "fd00:9::5", 443), "a port that is not listed, IPv6");
    assert!(!lab.asks(PUMP, "tcp", BMS, 8443), "a service that is not listed");
    assert!(!lab.asks(MONITOR, "tcp", PACS, 104), "a flow of emergency mode");
    assert!(!lab.asks(CONTROLLER, "tcp", BMS, 8443), "a flow of the night");
    assert!(lab.counter("inet cordon_policy", "denied") >= 5);
    // The other side opens, to the port that is listed and no other.
    lab.serve(CONTROLLER, &["tcp:502", "tcp:80"]);
    let from_bms = "ip route replace 10.1.0.13 via 10.9.0.1 src 10.9.0.9";
    lab.run("services", from_bms);
    assert!(lab.asks("services", "tcp", "10.1.0.13", 502));
    assert!(!lab.asks("services", "tcp", "10.1.0.13", 80));
    lab.run("services", "ip route replace 10.1.0.13 via 10.9.0.1 src 10.9.0.8");
    assert!(!lab.asks("services", "tcp", "10.1.0.13", 502), "another service asks");
    assert!(!lab.asks("services", "tcp", "10.1.0.12", 443), "a service opens towards the pump");
}

#[test]
fn a_port_that_no_device_was_given_reaches_nothing() {
    if !ready() {
        return;
    }
    let mut bundle = bundles::access();
    let lab = Lab::new(&bundle);
    bundle.devices.retain(|device| device.id.as_str() != PUMP);
    lab.load(&ruleset(&bundle, NOON)).unwrap();
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    assert!(!lab.talks("gw", &["ask", "tcp", "10.1.0.12", "443"]));
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575));
}

#[test]
fn a_forged_sender_is_dropped() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundles::access());
    let spoofed = || lab.counter("inet cordon_policy", "spoofed");
    assert!(lab.asks(PUMP, "tcp", STATION, 2575));
    let before = spoofed();
    // The monitor's address from the pump's port.
    lab.run(
        PUMP,
        "ip addr add 10.1.0.11/32 dev eth0; ip route replace default via 10.1.0.1 src 10.1.0.11",
    );
    assert!(!lab.asks(PUMP, "udp", STATION, 123));
    assert!(spoofed() > before);
    // The pump's address with another MAC address.
    lab.run(
        PUMP,
        "ip addr del 10.1.0.11/32 dev eth0; ip route replace default via 10.1.0.1 src 10.1.0.12",
    );
    assert!(lab.asks(PUMP, "tcp", STATION, 2575));
    lab.run(PUMP, "ip link set eth0 address 02:00:00:00:00:66");
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    assert!(lab.counter("arp cordon_bind", "spoofed") > 0, "it cannot even ask for the gateway");
    let gateway = lab.run("gw", "cat /sys/class/net/port2/address");
    lab.run(PUMP, &format!("ip neigh replace 10.1.0.1 dev eth0 lladdr {gateway}"));
    let before = spoofed();
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    assert!(spoofed() > before, "and if it knows the gateway, it is not heard");
    // A device's address from the side of the services.
    lab.run(
        "services",
        "ip addr add 10.1.0.12/32 dev eth0; ip route replace 10.1.0.13 via 10.9.0.1 src 10.1.0.12",
    );
    let before = spoofed();
    assert!(!lab.asks("services", "tcp", "10.1.0.13", 502));
    assert!(spoofed() > before);
}

#[test]
fn a_device_neither_answers_for_another_nor_hands_out_addresses() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundles::access());
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575));
    assert!(lab.talks(PUMP, &["claim", "10.1.0.11"]));
    assert_eq!(lab.counter("arp cordon_bind", "spoofed"), 1);
    assert!(!lab.run("gw", "ip neigh show dev port2").contains("10.1.0.11"));
    assert!(!lab.talks(PUMP, &["ask", "udp", NTP, "123", "67"]));
    assert_eq!(lab.counter("inet cordon_policy", "rogue_dhcp"), 1);
}

#[test]
fn a_contained_device_keeps_its_lifelines_and_its_lease() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    let mut alarms = lab.start(PUMP, &["hold", "tcp", STATION, "2575"]);
    let mut record = lab.start(PUMP, &["hold", "tcp", EHR, "443"]);
    assert!(alarms.echoes() && record.echoes());
    lab.state("add", "contained4", "10.1.0.12");
    for _ in 0..20 {
        assert!(alarms.echoes(), "a lifeline lost a message");
    }
    assert!(!record.echoes(), "the connection to the health record is cut");
    assert!(lab.asks(PUMP, "tcp", STATION, 2575));
    assert!(!lab.asks(PUMP, "udp", NTP, 123));
    assert!(lab.talks(PUMP, &["ask", "udp", DHCP, "67", "68"]), "the lease is renewed");
    assert!(lab.asks(MONITOR, "tcp", EHR, 443), "the others are as they were");
    lab.state("delete", "contained4", "10.1.0.12");
    assert!(lab.asks(PUMP, "udp", NTP, 123));
    assert!(alarms.echoes());
}

#[test]
fn an_isolated_device_reaches_nothing_from_the_next_packet_on() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    let mut alarms = lab.start(PUMP, &["hold", "tcp", STATION, "2575"]);
    let mut time = lab.start(PUMP, &["hold", "udp", NTP, "123"]);
    assert!(alarms.echoes() && time.echoes());
    lab.state("add", "isolated4", "10.1.0.12");
    let before = lab.counter("inet cordon_state", "isolated");
    assert!(!time.echoes());
    assert_eq!(
        lab.counter("inet cordon_state", "isolated"),
        before + 1,
        "the next packet, no later"
    );
    assert!(!alarms.echoes());
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    assert!(!lab.talks(PUMP, &["ask", "udp", DHCP, "67", "68"]));
    assert!(lab.asks(PUMP, "tcp", "fd00:9::5", 2575), "the other family is another element");
    lab.state("add", "isolated6", "fd00:1::12");
    assert!(!lab.asks(PUMP, "tcp", "fd00:9::5", 2575));
    lab.state("add", "emergency4", "10.1.0.12 timeout 1m");
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575), "emergency mode does not free it");
}

#[test]
fn emergency_mode_opens_more_and_ends_by_itself() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundles::access());
    assert!(!lab.asks(MONITOR, "tcp", PACS, 104));
    lab.state("add", "contained4", "10.1.0.11");
    lab.state("add", "emergency4", "10.1.0.11 timeout 4s, 10.1.0.13 timeout 4s");
    let start = Instant::now();
    assert!(lab.asks(MONITOR, "tcp", PACS, 104), "contained or not, the bundle opens it");
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575));
    assert!(!lab.asks(MONITOR, "tcp", EHR, 443), "and it stays contained in all else");
    assert!(!lab.asks(CONTROLLER, "tcp", PACS, 104), "a GREEN device has no emergency flows");
    while lab.asks(MONITOR, "tcp", PACS, 104) {
        assert!(start.elapsed() < Duration::from_secs(8), "emergency mode outlives its timeout");
    }
    assert!(start.elapsed() >= Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575));
}

#[test]
fn a_new_bundle_loses_no_message_and_forgets_nothing() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    lab.state("add", "contained4", "10.1.0.12");
    lab.state("add", "emergency4", "10.1.0.11 timeout 10m");
    let mut record = lab.start(MONITOR, &["hold", "tcp", EHR, "443"]);
    let mut alarms = lab.start(PUMP, &["hold", "tcp", STATION, "2575"]);
    let mut lost = 0;
    for number in 0..100 {
        if number % 10 == 0 {
            let hour = if number % 20 == 0 { 2 } else { NOON };
            lab.load(&ruleset(&bundles::access(), hour)).unwrap();
        }
        lost += u32::from(!record.echoes()) + u32::from(!alarms.echoes());
    }
    assert_eq!(lost, 0, "of 100 messages of each device, over 10 loads");
    assert!(!lab.asks(PUMP, "tcp", EHR, 443), "the pump is still contained");
    assert!(lab.asks(MONITOR, "tcp", PACS, 104), "emergency mode is still on");
    let left = lab.nft(&["list", "set", "inet", "cordon_state", "emergency4"], "").unwrap();
    assert!(left.contains("expires 9m"), "its timer went on: {left}");
}

#[test]
fn a_posture_in_the_map_selects_its_column() {
    if !ready() {
        return;
    }
    let bundle = bundles::access();
    let lab = Lab::new(&bundle);
    let normal = default_posture(bundle.role);
    let become_ = |posture: Posture| {
        lab.load("flush map inet cordon_state posture4\n").unwrap();
        lab.state("add", "posture4", &format!("10.1.0.12 : {:#x}", mark_of(posture)));
    };
    assert!(lab.asks(PUMP, "tcp", PACS, 104));
    become_(Posture { identity: Identity::Conflict, ..normal });
    assert!(!lab.asks(PUMP, "tcp", PACS, 104), "that flow asks for a proven identity");
    assert!(lab.asks(PUMP, "udp", NTP, 123), "this one does not");
    become_(Posture { attestation: Attestation::Failed, ..normal });
    assert!(!lab.asks(PUMP, "tcp", PACS, 104));
    become_(Posture { state: DeviceState::Retired, ..normal });
    assert!(!lab.asks(PUMP, "udp", NTP, 123));
    assert!(lab.asks(PUMP, "tcp", STATION, 2575));
    become_(Posture { state: DeviceState::Isolated, ..normal });
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    become_(Posture { state: DeviceState::Probation, ..normal });
    assert!(lab.asks(PUMP, "tcp", PACS, 104));
}

#[test]
fn the_gateway_itself_is_no_way_in() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    lab.serve("gw", &["tcp:22", "udp:67"]);
    assert!(!lab.asks(PUMP, "tcp", "10.1.0.1", 22));
    assert!(!lab.asks(PUMP, "tcp", "10.9.0.1", 22));
    assert!(
        lab.asks("services", "tcp", "10.9.0.1", 22),
        "the side of the services is not cordon's"
    );
    assert!(lab.talks(PUMP, &["ask", "udp", "10.1.0.1", "67", "68"]), "it may serve addresses");
}

#[test]
fn a_flow_that_the_gateway_takes_to_itself_is_judged_by_the_same_columns() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    lab.run("gw", "ip rule add fwmark 1 lookup 100; ip route add local 0.0.0.0/0 dev lo table 100");
    let take = "add rule inet cordon_policy inspect iifname \"port*\" \
        meta l4proto tcp ip saddr . ip daddr . meta l4proto . th dport @inspected_out4 \
        tproxy ip to 127.0.0.1:15001 meta mark set 1 accept\n";
    lab.load(&format!("{}{take}", ruleset(&bundles::access(), NOON))).unwrap();
    lab.serve("gw", &["transparent:15001"]);
    lab.run("services", "ip link set eth0 down");
    let mut record = lab.start(PUMP, &["hold", "tcp", EHR, "443"]);
    assert!(record.echoes(), "nobody but the gateway can have answered");
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575), "other flows are not taken");
    lab.state("add", "contained4", "10.1.0.12");
    assert!(!record.echoes(), "an open connection to the gateway's own socket is cut, too");
    assert!(!lab.asks(PUMP, "tcp", EHR, 443));
}

#[test]
fn frames_between_bridged_ports_are_dropped() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundles::access());
    lab.run(MONITOR, "ip addr add 10.77.0.1/24 dev eth0");
    lab.run(PUMP, "ip addr add 10.77.0.2/24 dev eth0");
    lab.run("gw", "ip link add br0 type bridge; ip link set port1 master br0; ip link set port2 master br0; ip link set br0 up");
    assert!(!lab.asks(MONITOR, "tcp", "10.77.0.2", 22));
    assert!(lab.counter("bridge cordon_bind", "beside_router") > 0);
}

#[test]
fn a_segment_firewall_binds_addresses_behind_its_interface() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::segment());
    let mut alarms = lab.start(PUMP, &["hold", "tcp", STATION, "2575"]);
    assert!(alarms.echoes());
    assert!(lab.asks(PUMP, "tcp", EHR, 443) && !lab.asks(PUMP, "tcp", EHR, 104));
    let before = lab.counter("inet cordon_policy", "spoofed");
    assert!(!lab.talks("campus", &["ask", "tcp", STATION, "2575"]), "nobody's address");
    assert!(lab.counter("inet cordon_policy", "spoofed") > before);
    lab.state("add", "isolated4", "10.1.0.12");
    assert!(!alarms.echoes());
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575));
}

#[test]
fn a_service_guard_lets_its_own_services_be_reached_only() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundles::service());
    assert!(lab.asks(PUMP, "tcp", EHR, 443) && lab.asks(MONITOR, "tcp", EHR, 443));
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    assert!(!lab.talks(PUMP, &["ask", "udp", DHCP, "67", "68"]));
    lab.state("add", "contained4", "10.1.0.12");
    assert!(!lab.asks(PUMP, "tcp", EHR, 443));
}
