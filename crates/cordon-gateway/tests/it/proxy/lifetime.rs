use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use cordon_gateway::proxy::{Command, Seen};
use cordon_model::{DeviceState, Protocol, Tier};

use super::bundles::{self, Plan, acknowledgment, alarm};
use super::stage::{DEVICE, PATIENCE, SERVICE, Stage, ends, open, passes};

#[test]
fn other_rules_end_what_they_do_not_list_and_keep_what_they_do() {
    let stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    passes(&mut device, &mut service, &alarm("A1"));
    let same = stage.rules(DeviceState::Normal);
    stage.proxy.handle.send(Command::Policy(same)).unwrap();
    passes(&mut device, &mut service, &alarm("A2"));
    passes(&mut service, &mut device, &acknowledgment("A1"));
    let contained = stage.rules(DeviceState::Contained);
    stage.proxy.handle.send(Command::Policy(contained)).unwrap();
    assert!(ends(&mut device) && ends(&mut service));
    assert_eq!(stage.proxy.ended(), "policy");
    let mut again = stage.open();
    assert!(ends(&mut again));
    assert_eq!(stage.proxy.refused(), "no-flow");
}

#[test]
fn a_contained_device_keeps_its_lifelines_and_nothing_else() {
    for is_lifeline in [false, true] {
        let stage =
            Stage::with(Tier::Orange, Protocol::Hl7, |plan| plan.is_lifeline = is_lifeline, |_| {});
        let mut device = stage.open();
        let (mut service, _) = stage.accept();
        passes(&mut device, &mut service, &alarm("A1"));
        let contained = stage.rules(DeviceState::Contained);
        stage.proxy.handle.send(Command::Policy(contained)).unwrap();
        if is_lifeline {
            passes(&mut service, &mut device, &acknowledgment("A1"));
            passes(&mut device, &mut service, &alarm("A2"));
        } else {
            assert!(ends(&mut device) && ends(&mut service));
            assert_eq!(stage.proxy.ended(), "policy");
        }
    }
}

#[test]
fn who_is_not_of_the_plan_is_refused() {
    let stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let mut stranger = open(Ipv4Addr::new(127, 0, 0, 9), stage.proxy.address());
    assert!(ends(&mut stranger));
    assert_eq!(stage.proxy.refused(), "no-flow");
}

#[test]
fn one_connection_too_many_is_refused_and_room_is_made_by_its_end() {
    let stage = Stage::with(
        Tier::Orange,
        Protocol::Hl7,
        |_| {},
        |options| {
            options.limits.connections_of_device_max = 2;
        },
    );
    let open = [stage.open(), stage.open()];
    let mut services = [stage.accept().0, stage.accept().0];
    let mut third = stage.open();
    assert!(ends(&mut third));
    assert_eq!(stage.proxy.refused(), "too-many-connections-of-device");
    open[0].shutdown(std::net::Shutdown::Both).unwrap();
    open[1].shutdown(std::net::Shutdown::Both).unwrap();
    for service in &mut services {
        assert!(ends(service));
        service.shutdown(std::net::Shutdown::Both).unwrap();
    }
    stage.proxy.ended();
    stage.proxy.ended();
    let mut fourth = stage.open();
    let (mut service, _) = stage.accept();
    passes(&mut fourth, &mut service, &alarm("A1"));
}

#[test]
fn a_service_that_does_not_listen_is_told_of() {
    let stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let Stage { proxy, listener, .. } = stage;
    drop(listener);
    let mut device = open(DEVICE, proxy.address());
    assert!(ends(&mut device));
    assert_eq!(proxy.refused(), "unreachable");
}

#[test]
fn it_stops_when_the_last_connection_has_ended() {
    let listener = TcpListener::bind((SERVICE, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let plan = Plan::new(SERVICE, address.port(), Protocol::Hl7);
    let bundle = bundles::bundle(Tier::Orange, DEVICE, None, &[plan]);
    let rules = bundles::rules(bundle, DeviceState::Normal);
    let proxy = super::stage::Running::start(rules, (address, address), |options| {
        options.limits.drain_s = 3_600;
    });
    let mut device = open(DEVICE, proxy.address());
    let (mut service, _) = listener.accept().unwrap();
    service.set_read_timeout(Some(PATIENCE)).unwrap();
    passes(&mut device, &mut service, &alarm("A1"));
    proxy.handle.send(Command::Stop).unwrap();
    passes(&mut device, &mut service, &alarm("A2"));
    drop(device);
    let mut rest = Vec::new();
    service.read_to_end(&mut rest).unwrap();
    drop(service);
    assert_eq!(proxy.ended(), "done");
    let begun = Instant::now();
    drop(proxy);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_is_opened_and_never_said_costs_nothing_and_is_ended_for_idleness() {
    let stage = Stage::with(
        Tier::Orange,
        Protocol::Hl7,
        |_| {},
        |options| {
            options.limits.idle_s = 1;
        },
    );
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    assert!(ends(&mut device) && ends(&mut service));
    let counts = stage.proxy.until(|seen| match seen {
        Seen::Closed { why, counts, .. } => Some((why.label(), counts.bytes_from_device)),
        _ => None,
    });
    assert_eq!(counts, ("idle", 0));
}
