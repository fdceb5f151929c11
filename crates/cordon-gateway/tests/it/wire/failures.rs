//! What each failure does to each tier: the fail-safe table, as far as it is seen on the wire.

use std::fs;

use cordon_gateway::control::Request;
use cordon_model::event::AlarmState;
use cordon_model::seal::Sealer;
use cordon_model::{Bundle, PointId, What};
use nix::sys::signal::Signal;

use super::clients::Line;
use super::hospital::{
    ACTORS, Actor, BULK, CONTROLLER, DOOR, EHR, MONITOR, OUTSIDE, POINT, PUMP, SCANNER, STATION,
    WAVES, bundle,
};
use super::stage::{Stage, until};

/// What a device can do: on lifelines that are inspected and not, on others that are and not.
#[derive(Debug, PartialEq, Eq)]
struct Can {
    alarms: bool,
    waves: bool,
    calls: bool,
    bulk: bool,
}

fn can(stage: &Stage, actor: Actor) -> Can {
    let has_alarms = [MONITOR.id, PUMP.id].contains(&actor.id);
    let has_waves = has_alarms || actor.id == DOOR.id;
    assert!(!stage.opens(actor, OUTSIDE), "{} reaches somebody outside", actor.id);
    Can {
        alarms: has_alarms && stage.alarms(actor),
        waves: has_waves && stage.pings(actor, WAVES),
        calls: stage.calls(actor),
        bulk: stage.opens(actor, BULK),
    }
}

/// All that a device may, by its tier.
fn everything(actor: Actor) -> Can {
    let alarms = [MONITOR.id, PUMP.id].contains(&actor.id);
    Can { alarms, waves: alarms || actor.id == DOOR.id, calls: true, bulk: true }
}

fn until_alarm(stage: &Stage, name: &str, state: AlarmState) {
    let about = stage.until_event(name, |event| match &event.what {
        What::Alarm(it) if it.alarm.as_str() == name && it.state == state => Some(it.about.clone()),
        _ => None,
    });
    assert_eq!(about.as_str(), POINT, "{name}");
}

#[test]
fn a_policy_that_is_too_old_leaves_every_tier_what_the_table_says() {
    let old = Bundle { age_max_s: 3, ..bundle(1) };
    let Some(stage) = Stage::with(&old, "") else { return };
    let mut bulk = ACTORS.map(|actor| (actor, stage.line(actor, BULK).unwrap()));
    let mut calls = ACTORS.map(|actor| (actor, stage.line(actor, EHR).unwrap()));
    let open = |lines: &mut [(Actor, Line)], act: fn(&mut Line) -> bool| {
        for (actor, line) in lines {
            assert!(act(line), "{} keeps what is open", actor.id);
        }
    };
    open(&mut calls, |line| line.calls() == Some(200));
    until_alarm(&stage, "bundle-stale", AlarmState::Raise);
    until_alarm(&stage, "pdp-unreachable", AlarmState::Raise);
    // The point may need a moment from the alarm to the kernel.
    until("the table", || (!stage.opens(CONTROLLER, BULK)).then_some(()));
    for actor in [MONITOR, PUMP, SCANNER, DOOR] {
        assert_eq!(can(&stage, actor), everything(actor), "{}: all that is declared", actor.id);
    }
    let nothing = Can { alarms: false, waves: false, calls: false, bulk: false };
    assert_eq!(can(&stage, CONTROLLER), nothing, "GREEN: nothing new");
    open(&mut bulk, Line::echoes);
    open(&mut calls, |line| line.calls() == Some(200));
    stage.contain(PUMP);
    assert!(!stage.opens(PUMP, BULK) && stage.alarms(PUMP), "orders are obeyed all the same");
    stage.release(PUMP);
    stage.push(&Bundle { age_max_s: 3_600, ..bundle(2) });
    until("what was closed", || stage.opens(CONTROLLER, BULK).then_some(()));
    until_alarm(&stage, "bundle-stale", AlarmState::Clear);
}

#[test]
fn the_word_of_a_decision_point_makes_an_old_policy_fresh() {
    let Some(stage) = Stage::with(&Bundle { age_max_s: 4, ..bundle(1) }, "") else { return };
    until("age", || (!stage.opens(CONTROLLER, BULK)).then_some(()));
    stage.obeys(&Request::Heard);
    assert!(stage.opens(CONTROLLER, BULK));
}

/// What is left while nobody inspects.
fn by_the_kernel_alone(stage: &Stage) {
    for actor in [MONITOR, PUMP, SCANNER, DOOR] {
        let left = Can { calls: false, ..everything(actor) };
        assert_eq!(can(stage, actor), left, "{}", actor.id);
    }
    // The last sign of life is believed for a moment.
    until("what GREEN has", || (!stage.opens(CONTROLLER, BULK)).then_some(()));
    assert!(!can(stage, CONTROLLER).calls, "what is inspected closes");
}

#[test]
fn a_point_that_is_killed_leaves_lifelines_and_closes_what_must_be_inspected() {
    let Some(mut stage) = Stage::new() else { return };
    let mut copied = stage.line(MONITOR, STATION).unwrap();
    let mut taken = stage.line(PUMP, STATION).unwrap();
    let mut inspected = ACTORS.map(|actor| (actor, stage.line(actor, EHR).unwrap()));
    assert!(copied.alarms("A1") && taken.alarms("A1"));
    stage.kill();
    assert!(copied.alarms("A2"), "RED: the same connection");
    assert!(!taken.alarms("A2"), "ORANGE: the proxy's connections went with it");
    for (actor, line) in &mut inspected {
        assert_eq!(line.calls(), None, "{}", actor.id);
    }
    by_the_kernel_alone(&stage);
    stage.start();
    assert!(copied.alarms("A3"));
    for actor in ACTORS {
        let what = format!("{} after the start", actor.id);
        until(&what, || (can(&stage, actor) == everything(actor)).then_some(()));
    }
}

#[test]
fn where_ipv6_is_switched_off_everything_else_works() {
    let Some(mut stage) = Stage::new() else { return };
    stage.kill();
    stage.says("gw", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
    stage.start();
    for actor in ACTORS {
        let what = format!("{} without IPv6", actor.id);
        until(&what, || (can(&stage, actor) == everything(actor)).then_some(()));
    }
}

#[test]
fn a_point_that_hangs_leaves_lifelines_and_closes_what_must_be_inspected() {
    let Some(stage) = Stage::new() else { return };
    let mut copied = stage.line(MONITOR, STATION).unwrap();
    assert!(copied.alarms("A1"));
    stage.signal(Signal::SIGSTOP);
    assert!(copied.alarms("A2"), "RED notices nothing");
    let hung = std::time::Instant::now();
    until("an alarm of ORANGE", || stage.alarms(PUMP).then_some(()));
    eprintln!("hung: a new inspected lifeline of ORANGE goes past it after {:?}", hung.elapsed());
    by_the_kernel_alone(&stage);
    stage.signal(Signal::SIGCONT);
    for actor in ACTORS {
        let what = format!("{} goes on", actor.id);
        until(&what, || (can(&stage, actor) == everything(actor)).then_some(()));
    }
    assert!(copied.alarms("A3"));
}

#[test]
fn a_bundle_that_may_not_be_used_changes_nothing_for_any_tier_and_raises_an_alarm() {
    let Some(stage) = Stage::with(&bundle(7), "") else { return };
    let good = stage.sealed(&bundle(9));
    let stranger = Sealer::new("clinic/policy", [1; 32]);
    // Each would take from everybody what it has.
    let emptied = |number| Bundle { flow_lists: vec![Vec::new(); 5], ..bundle(number) };
    let foreign = Bundle { point: PointId::new("gw-b").unwrap(), ..emptied(9) };
    let mut bit = good.clone().into_bytes();
    let middle = bit.len() / 2;
    bit[middle] ^= 1;
    let bad = [
        ("a bit", String::from_utf8_lossy(&bit).into_owned()),
        ("half of it", good[..good.len() / 2].to_owned()),
        ("nonsense", "nonsense".to_owned()),
        ("another's signature", stranger.sealed(&emptied(9)).unwrap()),
        ("an older number", stage.sealed(&emptied(6))),
        ("another point", stage.sealed(&foreign)),
    ];
    for (what, text) in bad {
        let said = || fs::read_to_string(stage.path("gw.log")).unwrap();
        let refusals = || said().matches("refused: ").count();
        let before = refusals();
        stage.offer(&text);
        until(what, || (refusals() > before).then_some(()));
        assert_eq!(stage.in_force(), Some(7), "{what}");
        assert!(stage.alarms(MONITOR) && stage.opens(CONTROLLER, BULK), "{what}");
    }
    for actor in ACTORS {
        assert_eq!(can(&stage, actor), everything(actor), "{}", actor.id);
    }
    until_alarm(&stage, "bundle-refused", AlarmState::Raise);
    stage.push(&bundle(8));
    until_alarm(&stage, "bundle-refused", AlarmState::Clear);
}

#[test]
fn a_clock_that_is_ten_years_wrong_takes_nothing_from_any_tier() {
    let Some(mut stage) = Stage::new() else { return };
    stage.kill();
    let config = fs::read_to_string(stage.path("gw.toml")).unwrap();
    let config = format!("{config}clock-offset-s = 315360000\n");
    fs::write(stage.path("gw.toml"), config).unwrap();
    stage.start();
    for actor in ACTORS {
        assert_eq!(can(&stage, actor), everything(actor), "{}", actor.id);
    }
}
