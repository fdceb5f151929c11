//! What never arrives: what is spoofed, what goes from device to device, what leaves the hospital,
//! and whoever plays the router or the giver of leases.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use super::frames::{BROADCAST, arp, icmp6, udp4};
use super::hospital::{
    ACTORS, CONTROLLER, MONITOR, NTP6, OUTSIDE, PUMP, SCANNER, STATION6, TELEMETRY,
};
use super::stage::{Stage, pause, until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn no_device_reaches_another_device_or_anybody_outside() {
    let Some(stage) = Stage::new() else { return };
    let mut wires = ACTORS.map(|actor| (actor, stage.wire(actor)));
    for (from, wire) in &wires {
        let (gateway, socket) = (stage.gateway_mac(*from), stage.socket(*from, OUTSIDE));
        let _ = socket.send_to(b"across", OUTSIDE);
        assert!(!stage.opens(*from, OUTSIDE), "{}", from.id);
        for to in ACTORS.iter().filter(|to| to.id != from.id) {
            let _ = socket.send_to(b"across", SocketAddr::from((to.ip(), 9)));
            // By way of the gateway, and as if there were no gateway.
            for mac in [gateway, to.mac(), BROADCAST] {
                wire.send(&udp4((from.mac(), mac), (from.ip(), to.ip()), (9, 9), b"across"));
            }
        }
    }
    for (to, wire) in &mut wires {
        let frames = wire.comes(SECOND / 2, to.mac());
        let across = |frame: &&Vec<u8>| frame.ends_with(b"across");
        assert_eq!(frames.iter().filter(across).count(), 0, "{} gets {frames:02x?}", to.id);
    }
    assert_eq!(stage.services.outside.pieces(), 0, "198.51.100.45");
    for actor in ACTORS {
        let finding = stage.until_finding(actor.id, |it| {
            it.device.as_ref().is_some_and(|id| id.as_str() == actor.id)
                && it.dst.address == Some(OUTSIDE.ip())
        });
        assert_eq!(finding.rule.as_str(), "unlisted-destination");
    }
}

#[test]
fn a_spoofed_packet_never_arrives() {
    let Some(stage) = Stage::new() else { return };
    let to = Ipv4Addr::new(10, 9, 0, 10);
    let ports = (4000, TELEMETRY.port());
    let send = |from: super::hospital::Actor, mac: [u8; 6], ip: Ipv4Addr| {
        let wire = stage.wire(from);
        wire.send(&udp4((mac, stage.gateway_mac(from)), (ip, to), ports, b"hello"));
    };
    // The pump may, from its own port, under its own addresses.
    send(PUMP, PUMP.mac(), PUMP.ip());
    until("what is no lie", || (stage.services.telemetry.pieces() == 1).then_some(()));
    for actor in [MONITOR, SCANNER, CONTROLLER] {
        send(actor, actor.mac(), PUMP.ip());
        send(actor, PUMP.mac(), PUMP.ip());
    }
    send(PUMP, MONITOR.mac(), PUMP.ip());
    send(PUMP, PUMP.mac(), MONITOR.ip());
    send(PUMP, PUMP.mac(), Ipv4Addr::new(10, 9, 0, 6));
    send(PUMP, PUMP.mac(), Ipv4Addr::LOCALHOST);
    stage.until_finding("the finding", |it| {
        it.rule.as_str() == "identity-mismatch"
            && it.switch_port.as_ref().is_some_and(|port| port.as_str() == "port4")
    });
    pause(200);
    assert_eq!(stage.services.telemetry.pieces(), 1);
    assert!(stage.counter("inet cordon_policy", "spoofed") >= 9);
}

#[test]
fn a_claim_to_anothers_address_moves_nothing() {
    let Some(stage) = Stage::new() else { return };
    assert!(stage.alarms(PUMP));
    let wire = stage.wire(CONTROLLER);
    for claimed in [PUMP.ip(), Ipv4Addr::new(10, 1, 0, 1)] {
        wire.send(&arp(CONTROLLER.mac(), claimed, Ipv4Addr::new(10, 1, 0, 1)));
    }
    let finding = stage.until_finding("the finding", |it| it.rule.as_str() == "arp-spoof");
    assert_eq!(finding.switch_port.unwrap().as_str(), "port4");
    let all = stage.says("gw", "ip neigh");
    let pump = all.lines().find(|line| line.starts_with("10.1.0.12 ")).unwrap();
    assert!(pump.contains("port2") && pump.contains("02:00:00:00:00:0c"), "{all}");
    assert!(!all.contains("10.1.0.1 "), "{all}");
    assert!(stage.alarms(PUMP));
}

#[test]
fn whoever_plays_the_router_or_the_giver_of_leases_is_not_heard_and_is_named() {
    let Some(stage) = Stage::new() else { return };
    stage.until_ipv6(PUMP);
    let wire = stage.wire(CONTROLLER);
    let mut others = [MONITOR, PUMP].map(|actor| (actor, stage.wire(actor)));
    let (own, local) = (CONTROLLER.mac(), Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0xd));
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let macs = (own, [0x33, 0x33, 0, 0, 0, 1]);
    let routes = stage.says("gw", "ip -6 route");
    // Lifetimes in an advertisement; nobody's address in a redirect (RFC 4861 §4.2, §4.5).
    wire.send(&icmp6(macs, (local, all_nodes), (134, [64, 0, 7, 8]), &[0; 8]));
    wire.send(&icmp6(macs, (local, all_nodes), (137, [0; 4]), &[0; 32]));
    // A neighbour that is somebody else (RFC 4861 §4.4).
    let pump = PUMP.ipv6();
    let claim = [&pump.octets()[..], &[2, 1], &own].concat();
    wire.send(&icmp6(macs, (pump, all_nodes), (136, [0x20, 0, 0, 0]), &claim));
    wire.send(&udp4((own, BROADCAST), (CONTROLLER.ip(), Ipv4Addr::BROADCAST), (67, 68), &[2; 300]));
    for rule in ["rogue-router", "rogue-dhcp", "identity-mismatch"] {
        let finding = stage.until_finding(rule, |it| it.rule.as_str() == rule);
        assert_eq!(finding.switch_port.unwrap().as_str(), "port4", "{rule}");
    }
    assert_eq!(stage.says("gw", "ip -6 route"), routes);
    let neighbours = stage.says("gw", "ip -6 neigh");
    assert!(!neighbours.contains("dev port4 lladdr 02:00:00:00:00:0e used"), "{neighbours}");
    for (actor, wire) in &mut others {
        let frames = wire.comes(SECOND / 2, actor.mac());
        let from_it = frames.iter().filter(|frame| frame[6..12] == own).count();
        assert_eq!(from_it, 0, "{} hears it", actor.id);
    }
    assert!(stage.line(PUMP, STATION6).is_some_and(|mut line| line.alarms("A1")));
}

#[test]
fn what_ipv6_lists_name_passes_and_nothing_else_does() {
    let Some(stage) = Stage::new() else { return };
    for actor in [MONITOR, PUMP] {
        stage.until_ipv6(actor);
    }
    assert!(stage.pings(MONITOR, NTP6), "through the kernel");
    for actor in [MONITOR, PUMP] {
        let mut line = stage.line(actor, STATION6).unwrap();
        assert!(line.alarms("A1"), "{}: copied, taken", actor.id);
    }
    let unlisted =
        SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, 6), 80, 0, 0));
    for actor in ACTORS {
        assert!(!stage.opens(actor, unlisted), "{}", actor.id);
    }
    assert!(!stage.pings(CONTROLLER, NTP6));
    let finding = stage.until_finding("the finding", |it| it.dst.address == Some(unlisted.ip()));
    assert_eq!(finding.rule.as_str(), "unlisted-destination");
    assert!(finding.device.is_some());
}
