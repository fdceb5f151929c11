//! Loads, elements and what is read back.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cordon_gateway::kernel::elements::{Change, ElementsError, StateSet};
use cordon_gateway::kernel::load::LoadError;
use cordon_gateway::kernel::log::{Log, Why};
use cordon_gateway::kernel::state::{Held, State};
use cordon_model::fleet::Envelope;
use cordon_model::nft::{
    LOG_GROUP_LIMITED, default_posture, gateway_ruleset, generation, mark_of, ruleset,
};
use cordon_model::{DeviceState, Posture, Transport};

use super::lab::{Lab, ready};
use super::told::next;
use super::{
    DHCP, EHR, MONITOR, NOON, NTP, PACS, PROXYING, PUMP, STATION, bundles, inside, load, open,
    until,
};

fn pump() -> [IpAddr; 2] {
    ["10.1.0.12", "fd00:1::12"].map(|text| text.parse().unwrap())
}

fn addresses(held: &[Held]) -> Vec<IpAddr> {
    held.iter().map(|held| held.address).collect()
}

#[test]
fn a_text_is_in_force_as_a_whole_or_not_at_all() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    let mut kernel = open(&lab);
    assert_eq!(kernel.generation().unwrap(), None);
    let text = gateway_ruleset(&bundles::access(), NOON, &PROXYING);
    inside(&lab, || kernel.load(&text)).unwrap();
    let name = generation(&text).unwrap();
    assert!(kernel.is_loaded(name).unwrap());
    let broken = text.replace("hook forward priority 10", "hook nowhere priority 10");
    let refused = inside(&lab, || kernel.load(&broken));
    let Err(LoadError::Refused { said }) = refused else { panic!("{refused:?}") };
    assert!(said.contains("nowhere"), "{said}");
    assert!(kernel.is_loaded(name).unwrap(), "the old text is still in force");
    inside(&lab, || kernel.load(&ruleset(&bundles::access(), NOON))).unwrap();
    assert_eq!(kernel.generation().unwrap(), None, "another text has another name, or none");
}

#[test]
fn a_program_that_hangs_or_is_not_there_is_an_error() {
    use cordon_gateway::kernel::load::Loader;
    let wait = Duration::from_millis(50);
    let absent = Loader::new("/nonexistent/nft".into(), wait).load("");
    assert!(matches!(absent, Err(LoadError::Program { .. })), "{absent:?}");
    // `awk -f -` reads a program as nft reads a text; this one never ends.
    let slow = Loader::new("awk".into(), wait).load("BEGIN { while (1) {} }\n");
    assert!(matches!(slow, Err(LoadError::Slow(_))), "{slow:?}");
}

#[test]
fn containment_cuts_open_flows_and_release_lets_them_go_on() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    let mut kernel = open(&lab);
    let mut time = lab.start(PUMP, &["hold", "udp", NTP, "123"]);
    let mut archive = lab.start(PUMP, &["hold", "tcp", PACS, "104"]);
    let mut alarms = lab.start(PUMP, &["hold", "tcp", STATION, "2575"]);
    assert!(time.echoes() && archive.echoes() && alarms.echoes());
    let start = Instant::now();
    kernel.contain(&pump(), None).unwrap();
    let took = start.elapsed();
    assert!(!time.echoes() && !archive.echoes(), "the next packet is dropped");
    assert!(alarms.echoes(), "the lifeline goes on");
    kernel.release(&pump()).unwrap();
    assert!(time.echoes(), "and so does the rest");
    assert!(lab.asks(PUMP, "tcp", PACS, 104));
    kernel.isolate(&pump()).unwrap();
    assert!(!time.echoes() && !alarms.echoes());
    kernel.release(&pump()).unwrap();
    assert!(lab.asks(PUMP, "tcp", STATION, 2575));

    let mut calls: Vec<Duration> = (0..200)
        .flat_map(|_| {
            let start = Instant::now();
            kernel.contain(&pump(), Some(Duration::from_secs(60))).unwrap();
            let contained = start.elapsed();
            kernel.release(&pump()).unwrap();
            [contained, start.elapsed() - contained]
        })
        .collect();
    calls.sort_unstable();
    let (p50, p99) = (calls[calls.len() / 2], calls[calls.len() * 99 / 100]);
    eprintln!(
        "contain, two addresses: first {took:?}, p50 {p50:?}, p99 {p99:?} of {}",
        calls.len()
    );
}

#[test]
fn a_new_text_keeps_the_state_and_its_timers() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    let mut kernel = open(&lab);
    assert_eq!(kernel.state().unwrap(), State::default(), "nothing is loaded");
    load(&lab, &kernel, &bundles::access(), 1000);
    assert_eq!(kernel.state().unwrap(), State::default());
    let monitor: IpAddr = "10.1.0.11".parse().unwrap();
    let mark =
        mark_of(Posture { state: DeviceState::Suspect, ..default_posture(bundles::access().role) });
    let ten_minutes = Some(Duration::from_secs(600));
    kernel.contain(&pump(), ten_minutes).unwrap();
    kernel.isolate(&[monitor]).unwrap();
    kernel.no_new(&pump(), true).unwrap();
    kernel
        .apply(&[
            Change::Posture { address: monitor, mark },
            Change::add(StateSet::Emergency, monitor, ten_minutes),
        ])
        .unwrap();
    let before = kernel.state().unwrap();
    load(&lab, &kernel, &bundles::segment(), 1000);
    let after = kernel.state().unwrap();
    for (before, after) in
        [(&before.contained, &after.contained), (&before.emergency, &after.emergency)]
    {
        assert_eq!(addresses(before), addresses(after));
        for (before, after) in before.iter().zip(after) {
            assert!(after.expires.unwrap() <= before.expires.unwrap(), "{before:?} {after:?}");
        }
    }
    assert_eq!(addresses(&after.contained), pump());
    assert_eq!(addresses(&after.isolated), [monitor]);
    assert_eq!(addresses(&after.no_new), pump());
    assert_eq!(addresses(&after.emergency), [monitor]);
    assert_eq!(after.postures, [(monitor, mark)]);
}

#[test]
fn what_is_there_is_added_and_what_is_not_is_removed_without_complaint() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    let mut kernel = open(&lab);
    assert!(matches!(kernel.contain(&pump(), None), Err(ElementsError::Missing)));
    load(&lab, &kernel, &bundles::access(), 1000);
    let [v4, v6] = pump();
    kernel.release(&pump()).unwrap();
    kernel.contain(&pump(), Some(Duration::from_secs(10))).unwrap();
    kernel.contain(&pump(), Some(Duration::from_secs(1000))).unwrap();
    let longer = kernel.state().unwrap().contained;
    assert!(longer.iter().all(|held| held.expires > Some(Duration::from_secs(900))), "{longer:?}");
    kernel.contain(&pump(), None).unwrap();
    let for_ever = kernel.state().unwrap().contained;
    assert!(for_ever.iter().all(|held| held.expires.is_none()), "{for_ever:?}");
    kernel.isolate(&[v4]).unwrap();
    kernel.isolate(&pump()).unwrap();
    let posture = |mark| Change::Posture { address: v4, mark };
    let assumed = [Change::PostureAssumed { address: v4 }, Change::PostureAssumed { address: v6 }];
    kernel.apply(&assumed).unwrap();
    kernel.apply(&[posture(0x4000_0001)]).unwrap();
    kernel.apply(&[posture(0x4000_0001)]).unwrap();
    let both = [posture(0x4000_0002), Change::Posture { address: v6, mark: 0x4000_0003 }];
    kernel.apply(&both).unwrap();
    assert_eq!(kernel.state().unwrap().postures, [(v4, 0x4000_0002), (v6, 0x4000_0003)]);
    kernel.apply(&assumed).unwrap();
    kernel.release(&pump()).unwrap();
    assert_eq!(kernel.state().unwrap(), State::default());
    kernel.apply(&[]).unwrap();
    let many = vec![Change::add(StateSet::NoNew, v4, None); 4097];
    assert!(matches!(kernel.apply(&many), Err(ElementsError::Many(4097))));
    kernel.apply(&many[1..]).unwrap();
}

/// Gives what the kernel says of the set `alive`: the milliseconds left of each element.
fn alive(lab: &Lab) -> Vec<Duration> {
    let text = lab.nft(&["-j", "list", "set", "inet", "cordon_policy", "alive"], "").unwrap();
    let listed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let elements = listed.pointer("/nftables/1/set/elem").and_then(|elem| elem.as_array());
    // nft tells whole seconds.
    let left = elements.into_iter().flatten().map(|element| {
        Duration::from_secs(element.pointer("/elem/expires").unwrap().as_u64().unwrap())
    });
    left.collect()
}

#[test]
fn a_sign_of_life_ends_by_itself_and_is_renewed() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    let mut kernel = open(&lab);
    let both = [Transport::Tcp, Transport::Udp];
    assert!(matches!(kernel.refresh_alive(&both), Err(ElementsError::Missing)));
    load(&lab, &kernel, &bundles::access(), 300);
    until("the end of a sign of life", || alive(&lab).is_empty().then_some(()));
    load(&lab, &kernel, &bundles::access(), 600_000);
    assert_eq!(alive(&lab).len(), 2, "loading is a sign of life");
    until("a second less", || {
        alive(&lab).iter().all(|left| *left < Duration::from_secs(598)).then_some(())
    });
    kernel.refresh_alive(&[Transport::Tcp]).unwrap();
    let mut left = alive(&lab);
    left.sort_unstable();
    assert!(left[0] < Duration::from_secs(598), "{left:?}");
    assert!(left[1] >= Duration::from_secs(598), "{left:?}");
}

#[test]
fn signs_of_life_and_loads_do_not_disturb_each_other() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    let mut kernel = open(&lab);
    let text = gateway_ruleset(&bundles::large(2000), NOON, &PROXYING);
    let loader = kernel.loader();
    inside(&lab, || loader.load(&text)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..3 {
                let start = Instant::now();
                inside(&lab, || loader.load(&text)).unwrap();
                eprintln!("a text of {} KiB in {:?}", text.len() / 1024, start.elapsed());
            }
            done.store(true, Ordering::Relaxed);
        });
        let (mut signs, mut slowest) = (0u32, Duration::ZERO);
        while !done.load(Ordering::Relaxed) {
            let start = Instant::now();
            kernel.refresh_alive(&[Transport::Tcp, Transport::Udp]).unwrap();
            slowest = slowest.max(start.elapsed());
            signs += 1;
        }
        eprintln!("{signs} signs of life meanwhile, the slowest {slowest:?}");
        assert!(signs > 0);
    });
}

#[test]
fn where_nothing_new_starts_the_open_goes_on_and_leases_are_renewed() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    let mut kernel = open(&lab);
    let mut archive = lab.start(PUMP, &["hold", "tcp", PACS, "104"]);
    assert!(archive.echoes());
    kernel.no_new(&pump(), true).unwrap();
    assert!(archive.echoes());
    assert!(!lab.asks(PUMP, "tcp", PACS, 104));
    assert!(lab.counter("inet cordon_state", "no_new") > 0);
    assert!(lab.talks(PUMP, &["ask", "udp", DHCP, "67", "68"]), "the lease is renewed");
    assert!(lab.asks(MONITOR, "tcp", EHR, 443), "others are as they were");
    kernel.no_new(&pump(), false).unwrap();
    assert!(lab.asks(PUMP, "tcp", PACS, 104));
}

#[test]
fn a_flow_is_held_to_its_envelope_and_a_lifeline_is_not() {
    if !ready() {
        return;
    }
    let mut bundle = bundles::access();
    for flow in bundle.flow_lists.iter_mut().flatten() {
        flow.envelope = Envelope {
            connections_per_minute_max: (flow.service != 2).then_some(3),
            bytes_per_minute_max: (flow.service == 2).then_some(2000),
            ..Envelope::default()
        };
    }
    let mut lab = Lab::new(&bundle);
    let mut log = inside(&lab, || Log::open(&[LOG_GROUP_LIMITED], 128)).unwrap();
    for _ in 0..3 {
        assert!(lab.asks(PUMP, "tcp", PACS, 104));
    }
    let limited = |lab: &Lab| lab.counter("inet cordon_policy", "limited");
    assert_eq!(limited(&lab), 0);
    assert!(!lab.asks(PUMP, "tcp", PACS, 104), "the fourth connection of a minute");
    assert!(limited(&lab) > 0);
    let limited = next(&lab, &mut log, Why::Limited);
    assert_eq!((limited.group, limited.from_device), (LOG_GROUP_LIMITED, Some(true)));
    for _ in 0..5 {
        assert!(lab.asks(PUMP, "tcp", STATION, 2575), "a lifeline has no limit");
    }
    // 9 bytes of text and 28 of headers, each way.
    let mut time = lab.start(PUMP, &["hold", "udp", NTP, "123"]);
    let passed = (0..60).take_while(|_| time.echoes()).count();
    assert!((20..=40).contains(&passed), "{passed} exchanges of 74 bytes in 2,000");
    let mut kernel = open(&lab);
    let emergency = Change::add(StateSet::Emergency, pump()[0], Some(Duration::from_secs(600)));
    kernel.apply(&[emergency]).unwrap();
    assert!(lab.asks(PUMP, "tcp", PACS, 104), "emergency mode has no limit");
    assert!(time.echoes());
}
