//! What a failure or an order may cost a lifeline: RED nothing, ORANGE at most 60 s.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::hospital::{
    Actor, BULK, KEYED, MONITOR, PUMP, STATION, WAVES, bundle, bundle_with_more,
};
use super::probe::Probe;
use super::stage::Stage;

/// Something that happens to a point.
type Act = fn(&mut Stage);

/// All that happens to a point in its life, one after the other, while probes run.
fn ordeal(stage: &mut Stage, actor: Actor, probes: &[Probe]) {
    let phase = |name: &str| probes.iter().for_each(|probe| probe.phase(name));
    let goes_on = |count: u64| probes.iter().for_each(|probe| probe.goes_on(count));
    goes_on(50);
    phase("policy pushed 6 times");
    for number in (2..8).step_by(2) {
        stage.push(&bundle_with_more(number));
        goes_on(10);
        stage.push(&bundle(number + 1));
        goes_on(10);
    }
    phase("contained");
    stage.contain(actor);
    assert!(!stage.opens(actor, BULK), "what is no lifeline is closed");
    goes_on(50);
    phase("released");
    stage.release(actor);
    assert!(stage.opens(actor, BULK));
    goes_on(50);
    phase("key turned and back");
    stage.key(actor, true);
    assert_eq!(stage.opens(actor, KEYED), actor.id == MONITOR.id, "in emergency mode");
    goes_on(30);
    stage.key(actor, false);
    assert!(!stage.opens(actor, KEYED));
    goes_on(30);
    phase("killed");
    stage.kill();
    goes_on(100);
    phase("started again");
    stage.start();
    goes_on(50);
    phase("hung");
    stage.signal(Signal::SIGSTOP);
    goes_on(100);
    phase("goes on");
    stage.signal(Signal::SIGCONT);
    goes_on(50);
    phase("upgraded");
    stage.stop();
    stage.start();
    goes_on(50);
}

#[test]
fn n1_nothing_that_happens_to_a_point_costs_a_red_lifeline_a_packet_or_a_connection() {
    let Some(mut stage) = Stage::bare(&bundle(1), "") else { return };
    let probes = |stage: &Stage| {
        [Probe::datagrams(stage, MONITOR, WAVES), Probe::messages(stage, MONITOR, STATION)]
    };
    // What the machine itself costs: the same without cordon.
    stage.says("gw", "sysctl -qw net.ipv4.ip_forward=1");
    let without = probes(&stage).map(|probe| {
        probe.phase("without cordon");
        probe.goes_on(300);
        probe.finish()
    });
    stage.says("gw", "sysctl -qw net.ipv4.ip_forward=0");
    stage.start();
    let probes = probes(&stage);
    ordeal(&mut stage, MONITOR, &probes);
    for (probe, without) in probes.into_iter().zip(without) {
        let tally = probe.finish();
        assert!(tally.sent > 500, "{tally:?}");
        tally.is_whole();
        eprintln!(
            "RED p99.9 {:?}, without cordon {:?}; longest gap {:?}",
            tally.p999, without.p999, tally.gap
        );
    }
}

#[test]
fn an_orange_lifeline_is_back_within_a_minute_whatever_happens_to_a_point() {
    let Some(mut stage) = Stage::new() else { return };
    let datagrams = Probe::datagrams(&stage, PUMP, WAVES);
    let messages = Probe::messages(&stage, PUMP, STATION);
    let probes = [datagrams, messages];
    ordeal(&mut stage, PUMP, &probes);
    let [datagrams, messages] = probes;
    // The kernel forwards what nobody reads, also of an ORANGE device.
    datagrams.finish().is_whole();
    let tally = messages.finish();
    assert!(tally.gap < Duration::from_secs(60), "{tally:?}");
    eprintln!(
        "ORANGE inspected lifeline: {} connections broken off, longest gap {:?}, {} of {} lost",
        tally.resets, tally.gap, tally.lost, tally.sent
    );
}

#[test]
fn an_orange_connection_within_the_proxy_is_replaced_in_seconds() {
    let Some(mut stage) = Stage::new() else { return };
    let acts: [(&str, Act); 3] = [
        ("killed", |stage| {
            stage.kill();
            stage.start();
        }),
        ("upgraded", |stage| {
            stage.stop();
            stage.start();
        }),
        ("hung", |stage| stage.signal(Signal::SIGSTOP)),
    ];
    for (name, act) in acts {
        let probe = Probe::messages(&stage, PUMP, STATION);
        probe.goes_on(25);
        probe.phase(name);
        act(&mut stage);
        probe.goes_on(50);
        let tally = probe.finish();
        assert!(tally.resets >= 1, "it was within the proxy: {tally:?}");
        assert!(tally.gap < Duration::from_secs(60), "{name}: {tally:?}");
        eprintln!("ORANGE {name}: a message passes again after {:?}", tally.gap);
    }
    stage.signal(Signal::SIGCONT);
}
