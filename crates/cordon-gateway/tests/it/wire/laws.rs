//! What is never done to a RED device, law by law; N1 is shown with the probes of `downtime`.

use std::fs;
use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use cordon_gateway::control::Request;
use cordon_model::event::{MessageVerdict, Retention};
use cordon_model::{DeviceState, Evidence, What};
use serde_json::json;

use super::frames::{arp, udp4};
use super::hospital::{
    ACTORS, BULK, CONTROLLER, DOOR, MONITOR, OUTSIDE, POINT, PUMP, SCANNER, STATION, STATION6,
    TELEMETRY, WAVES, bundle, bundle_with_more,
};
use super::probe::Probe;
use super::stage::{CLINICAL, SECURITY, Stage, order, pause, until};
use crate::proxy::bundles::alarm;

#[test]
fn n2_no_link_bounces_and_no_address_changes_whatever_is_ordered() {
    let Some(mut stage) = Stage::new() else { return };
    let watch = "ip -o monitor link address";
    let at_device = stage.stay(MONITOR.place, watch, "device.txt");
    let at_gateway = stage.stay("gw", watch, "gateway.txt");
    let read = || [&at_device, &at_gateway].map(|path| fs::read_to_string(path).unwrap());
    until("the monitors", || {
        for place in [MONITOR.place, "gw"] {
            stage.says(place, "ip addr add 192.0.2.1/32 dev lo; ip addr del 192.0.2.1/32 dev lo");
        }
        pause(100);
        read().iter().all(|said| said.contains("192.0.2.1")).then_some(())
    });
    let look = "cat /sys/class/net/*/carrier_changes; ip -o addr";
    let links = |stage: &Stage| [MONITOR.place, "gw"].map(|place| stage.says(place, look));
    let (said, before) = (read(), links(&stage));
    stage.contain(MONITOR);
    stage.release(MONITOR);
    stage.obeys(&Request::Isolate(order(MONITOR, &[SECURITY, CLINICAL])));
    stage.push(&bundle_with_more(2));
    stage.kill();
    stage.start();
    stage.release(MONITOR);
    stage.stop();
    stage.start();
    assert!(stage.alarms(MONITOR));
    assert_eq!(read(), said, "links and addresses stay as they are");
    assert_eq!(links(&stage), before);
}

/// Alarms of which no two are broken in the same way.
fn broken_alarms() -> Vec<Vec<u8>> {
    let whole = alarm("BROKEN");
    let length = whole.len();
    let mut broken: Vec<Vec<u8>> = Vec::new();
    // The end of the frame stays, whatever becomes of what is in it.
    let body = 1..length - 2;
    for number in 0..30 {
        let mut cut = whole.clone();
        cut.drain(1 + number * 4..length - 2);
        broken.push(cut);
    }
    for (number, byte) in [0, 7, 0x0b, 0x1b, 0x7f, 0xff, b'|', b'^', b'&', b'\r'].iter().enumerate()
    {
        for at in [1, 4, 9, 40] {
            let mut changed = whole.clone();
            changed[at + number] = *byte;
            let mut longer = whole.clone();
            longer.insert(at + 2 * number, *byte);
            broken.extend([changed, longer].into_iter().filter(|one| *one != whole));
        }
    }
    // A field of 256 KiB, ten thousand segments, nothing at all, and no frame.
    broken.push([&whole[..20], &vec![b'x'; 256 << 10], &whole[20..]].concat());
    broken.push([&whole[..length - 2], &b"OBX|1|ST|x\r".repeat(10_000), b"\x1c\r"].concat());
    broken.push(b"\x0b\x1c\r".to_vec());
    broken.push(whole[body].to_vec());
    broken.push([whole.as_slice(), b"\n\n\n"].concat());
    broken.push([b"\x0b\x0b\x0b", whole.as_slice()].concat());
    broken.dedup();
    broken.truncate(100);
    broken
}

#[test]
fn n3_a_hundred_broken_alarms_of_a_red_device_arrive_byte_for_byte_and_a_flood_does_too() {
    let Some(stage) = Stage::new() else { return };
    let broken = broken_alarms();
    assert_eq!(broken.len(), 100);
    stage.until_ipv6(MONITOR);
    for to in [STATION, STATION6] {
        stage.services.alarms.lock().unwrap().clear();
        let mut line = stage.line(MONITOR, to).unwrap();
        for (number, one) in broken.iter().enumerate() {
            assert!(line.say(one), "alarm {number} over {to}");
            pause(2);
        }
        let sent = broken.concat();
        until("every byte", || (stage.services.heard().len() >= sent.len()).then_some(()));
        assert!(stage.services.heard() == sent, "over {to}");
    }
    // They were looked at, on copies, and none was blocked.
    let judged = || {
        let judged =
            stage.records(Retention::Traffic).into_iter().filter_map(|event| match event.what {
                What::Message(message) => Some(*message),
                _ => None,
            });
        judged.filter(|one| one.device.as_ref().is_some_and(|id| id.as_str() == MONITOR.id))
    };
    let flagged = until("the flags", || {
        let flagged = judged().filter(|one| one.verdict == MessageVerdict::PassFlag).count();
        (flagged >= 50).then_some(flagged)
    });
    eprintln!("{flagged} messages that were read out of them were flagged");
    // Nobody holds a flood of alarms back.
    stage.services.alarms.lock().unwrap().clear();
    let flood: Vec<Vec<u8>> = (0..2_000).map(|number| alarm(&format!("F{number}"))).collect();
    let mut line = stage.line(MONITOR, STATION).unwrap();
    let start = Instant::now();
    thread::scope(|scope| {
        let mut reader = line.again();
        scope.spawn(move || while reader.next().is_some() {});
        assert!(line.say(&flood.concat()));
    });
    until("the flood", || (stage.services.heard() == flood.concat()).then_some(()));
    eprintln!("2000 alarms at once arrived in {:?}", start.elapsed());
    assert!(judged().all(|one| one.verdict != MessageVerdict::Block));
}

#[test]
fn n4_what_works_goes_on_with_nothing_but_the_gateway_itself() {
    let Some(mut stage) = Stage::new() else { return };
    fs::remove_file(stage.path("gw.bundle")).unwrap();
    let mut held = stage.line(MONITOR, STATION).unwrap();
    assert!(held.alarms("A1"));
    stage.kill();
    let start = Instant::now();
    stage.start();
    eprintln!("without a bundle's file the one before is in force after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(held.alarms("A2"), "the same connection");
    for actor in [MONITOR, PUMP] {
        assert!(stage.alarms(actor), "{}", actor.id);
    }
    for actor in ACTORS {
        assert!(stage.calls(actor) && stage.opens(actor, BULK), "{}", actor.id);
        assert!(!stage.opens(actor, OUTSIDE), "{}", actor.id);
    }
    stage.contain(MONITOR);
    assert!(held.alarms("A3") && !stage.opens(MONITOR, BULK));
}

#[test]
fn n5_nothing_that_is_seen_contains_a_device_by_itself_and_nobody_may_without_proof() {
    let Some(stage) = Stage::new() else { return };
    let socket = stage.socket(MONITOR, OUTSIDE);
    for _ in 0..300 {
        let _ = socket.send_to(b"out", OUTSIDE);
    }
    let wire = stage.wire(PUMP);
    let macs = (PUMP.mac(), stage.gateway_mac(PUMP));
    let other = Ipv4Addr::new(10, 1, 0, 99);
    for _ in 0..300 {
        wire.send(&udp4(macs, (other, Ipv4Addr::new(10, 9, 0, 5)), (9, 3000), b"spoofed"));
    }
    stage.until_finding("the findings", |finding| finding.rule.as_str() == "identity-mismatch");
    let answer = stage.ask(&Request::Contain(order(MONITOR, &[])));
    assert_eq!(answer["ok"], false, "nobody ordered it: {answer}");
    let answer = stage.ask(&Request::Isolate(order(MONITOR, &[SECURITY])));
    assert_eq!(answer["ok"], false, "one person alone: {answer}");
    assert_eq!(stage.changes(), []);
    assert!(stage.alarms(MONITOR) && stage.opens(MONITOR, BULK));
}

#[test]
fn n6_and_n7_nothing_comes_from_the_gateway_that_a_device_did_not_ask_for() {
    let Some(mut stage) = Stage::new() else { return };
    let mut wires = [MONITOR, PUMP].map(|actor| (actor, stage.wire(actor)));
    // What the kernel says of itself when a link comes up has ended.
    let second = Duration::from_secs(1);
    until("silence", || {
        let is_silent = |(actor, wire): &mut (super::hospital::Actor, super::frames::Wire)| {
            wire.comes(second, actor.mac()).is_empty()
        };
        wires.iter_mut().all(is_silent).then_some(())
    });
    stage.contain(MONITOR);
    stage.release(MONITOR);
    stage.contain(PUMP);
    stage.push(&bundle_with_more(2));
    stage.kill();
    stage.start();
    stage.push(&bundle(3));
    stage.stop();
    stage.start();
    for (actor, wire) in &mut wires {
        let frames = wire.comes(3 * second, actor.mac());
        assert!(frames.is_empty(), "{} {frames:02x?}", actor.id);
    }
    // The capture is not blind: an alarm is answered, and the answer is seen.
    assert!(stage.alarms(MONITOR));
    let (actor, wire) = &mut wires[0];
    assert!(!wire.comes(second, actor.mac()).is_empty());
}

#[test]
fn n8_what_is_done_to_a_device_is_told_with_its_name_its_tier_and_its_port() {
    let Some(stage) = Stage::new() else { return };
    let _ = stage.socket(MONITOR, OUTSIDE).send_to(b"out", OUTSIDE);
    let finding =
        stage.until_finding("the finding", |it| it.rule.as_str() == "unlisted-destination");
    assert_eq!(finding.device.unwrap().as_str(), MONITOR.id);
    assert_eq!(finding.tier, Some(MONITOR.tier));
    assert_eq!(finding.switch_port.unwrap().as_str(), "port1");
    assert_eq!(finding.dst.address, Some(OUTSIDE.ip()));
    assert_eq!(finding.evidence, Evidence::E3);
    stage.contain(MONITOR);
    let (point, change) = stage.until_event("the containment", |event| match &event.what {
        What::State(change) => Some((event.point.clone(), (**change).clone())),
        _ => None,
    });
    assert_eq!(point.unwrap().as_str(), POINT);
    assert_eq!((change.device.as_str(), change.tier), (MONITOR.id, MONITOR.tier));
    assert_eq!((change.to, change.by.len()), (DeviceState::Contained, 1));
    // The bedside, clinical engineering and security are told by whoever reads the records; here
    // it is seen that there is all they need to be told.
    let status = stage.ask(&Request::Status);
    assert!(status["devices"].as_array().unwrap().contains(&json!("1 RED CONTAINED")), "{status}");
}

#[test]
fn n9_a_second_claimant_of_a_name_is_refused_at_its_own_port_and_the_first_keeps_its_flows() {
    let Some(stage) = Stage::new() else { return };
    let probes =
        [Probe::datagrams(&stage, MONITOR, WAVES), Probe::messages(&stage, MONITOR, STATION)];
    probes.iter().for_each(|probe| probe.goes_on(20));
    let wire = stage.wire(CONTROLLER);
    let (own, gateway) = (CONTROLLER.mac(), stage.gateway_mac(CONTROLLER));
    let waves = Ipv4Addr::new(10, 9, 0, 5);
    for _ in 0..100 {
        // Its address and its MAC address, its address alone, and the claim to be it.
        for mac in [MONITOR.mac(), own] {
            wire.send(&udp4((mac, gateway), (MONITOR.ip(), waves), (40_000, 3000), b"not me"));
            wire.send(&arp(mac, MONITOR.ip(), Ipv4Addr::new(10, 1, 0, 1)));
        }
        pause(5);
    }
    probes.iter().for_each(|probe| probe.goes_on(50));
    for rule in ["identity-mismatch", "arp-spoof"] {
        let finding = stage.until_finding(rule, |it| it.rule.as_str() == rule);
        assert_eq!(finding.switch_port.unwrap().as_str(), CONTROLLER.interface());
        let blamed = finding.device.map(|device| device.to_string());
        assert_ne!(blamed.as_deref(), Some(MONITOR.id), "{rule}");
    }
    let neighbour = stage.says("gw", &format!("ip neigh show {}", MONITOR.ip()));
    assert!(
        neighbour.contains("dev port1") && neighbour.contains("02:00:00:00:00:0b"),
        "{neighbour}"
    );
    assert!(!neighbour.contains("port4"), "{neighbour}");
    for probe in probes {
        probe.finish().is_whole();
    }
    assert_eq!(stage.changes(), [], "nobody's state changed");
}

#[test]
fn n10_a_containment_that_silences_a_lifeline_is_taken_back_once_and_a_confirmed_one_is_not() {
    let Some(stage) = Stage::new() else { return };
    // The pump speaks on its lifeline, the monitor does not; the door has none with a cadence.
    let speaks = Probe::messages(&stage, PUMP, STATION);
    speaks.goes_on(5);
    let start = Instant::now();
    for actor in [MONITOR, PUMP, DOOR] {
        stage.contain(actor);
        assert!(!stage.opens(actor, BULK), "{}", actor.id);
    }
    until("the way back", || {
        let changes = stage.changes();
        pause(100);
        changes.into_iter().find(|it| it.to == DeviceState::Suspect)
    });
    let took = start.elapsed();
    eprintln!("taken back after {took:?}");
    assert!(took > Duration::from_secs(9) && took < Duration::from_secs(15), "{took:?}");
    assert!(stage.opens(MONITOR, BULK) && !stage.opens(MONITOR, OUTSIDE), "its own pairs, no more");
    assert!(!stage.opens(MONITOR, TELEMETRY));
    for alarm in ["containment-rolled-back", "containment-unsafe"] {
        stage.until_event(alarm, |event| match &event.what {
            What::Alarm(it) if it.alarm.as_str() == alarm => Some(()),
            _ => None,
        });
    }
    // Whoever falls silent is not set free twice for the same incident.
    stage.contain(MONITOR);
    pause(12_000);
    assert!(!stage.opens(MONITOR, BULK), "still contained");
    let last = |id: &str| {
        stage
            .changes()
            .into_iter()
            .filter(|it| it.device.as_str() == id)
            .map(|it| it.to)
            .next_back()
    };
    for actor in [MONITOR, PUMP, DOOR] {
        assert_eq!(last(actor.id), Some(DeviceState::Contained), "{}", actor.id);
    }
    assert!(!stage.opens(SCANNER, OUTSIDE) && stage.opens(SCANNER, BULK), "nobody else is touched");
    let tally = speaks.finish();
    assert_eq!(tally.lost, 0, "{tally:?}");
}
