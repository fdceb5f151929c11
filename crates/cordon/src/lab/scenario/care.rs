//! Scenarios without an attacker: what devices do all day, and what must not disturb them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cordon_model::{Direction, Protocol};
use serde_json::Value;

use super::{Bound, Play, Running, Sent, bystander, lead, number, text};
use crate::lab::machine::{find, wait_until};
use crate::lab::plan::bundle;
use crate::lab::point::no_gateway;
use crate::lab::{Post, Process, Seat, Standing};
use crate::outcome::Failure;

/// How soon a taken lifeline must go on through the kernel when nobody takes it any more; the design
/// allows 100 ms after a kill and 1.5 s after a hang.
const RECONNECT: Duration = Duration::from_secs(2);
/// How long a killed process may take until it is gone: until then its socket is its own.
const DEATH_MAX: Duration = Duration::from_secs(5);
/// How often policy is pushed.
const PUSH_PACE: Duration = Duration::from_millis(500);

/// Every device says what its type says.
pub(super) fn normal(play: &mut Play<'_>) -> Result<(), Failure> {
    let told = told(play)?;
    let mut sums: BTreeMap<(String, String), Sent> = BTreeMap::new();
    let mut mute: BTreeSet<String> = BTreeSet::new();
    for line in told.iter().filter(|line| text(line, "event") == "talk") {
        let (who, operation) = (text(line, "who"), text(line, "operation"));
        let (sent, answered) = (number(line, "sent"), number(line, "answered"));
        if sent == 0 {
            mute.insert(operation.to_owned());
            continue;
        }
        let kind = play.standing.devices.iter().find(|seat| seat.id == who);
        let kind = kind.map_or(who, |seat| seat.profile.as_str()).to_owned();
        let what = format!("{operation} with {}", text(line, "service"));
        if answered < sent {
            let why = text(line, "why");
            play.played
                .findings
                .push(format!("{who}: {what}: {answered} of {sent} answered ({why})"));
        }
        let sum = sums.entry((kind.clone(), what.clone())).or_default();
        (sum.device, sum.what) = (kind, what);
        sum.count += sent;
        sum.answered += answered;
        sum.elapsed_ms = u64::from(play.args.seconds) * 1_000;
    }
    if !mute.is_empty() {
        let words: Vec<&str> = mute.iter().map(String::as_str).collect();
        play.played.notes.push(format!("the lab does not speak {}", words.join(", ")));
    }
    if sums.is_empty() {
        play.played.findings.push("nobody said anything".to_owned());
    }
    play.played.sent.extend(sums.into_values());
    Ok(())
}

/// Lets all devices and all services that call them speak, and gives what they tell.
fn told(play: &mut Play<'_>) -> Result<Vec<Value>, Failure> {
    let seconds = play.args.seconds;
    let (path, for_s) = (play.standing.path().display().to_string(), seconds.to_string());
    let mut devices: Vec<(&Seat, Running)> = Vec::new();
    for seat in &play.standing.devices {
        let args = ["device", "--standing", &path, "--device", &seat.id, "--for-s", &for_s];
        devices.push((seat, play.start(&seat.place, seconds, &args)?));
    }
    // Who is called listens first, and until nobody calls any more.
    for (seat, running) in &devices {
        for talk in seat.talks.iter().filter(|talk| talk.direction == Direction::In) {
            let is_mute = talk.protocol == Protocol::Dicom && find("storescp").is_none();
            if !is_mute && !running.listens(talk.transport.name(), talk.port) {
                play.played.findings.push(format!("{} does not listen", seat.id));
            }
        }
    }
    let mut callers: Vec<Running> = Vec::new();
    for host in &play.standing.hosts {
        let opens = |seat: &Seat| {
            seat.talks
                .iter()
                .any(|talk| talk.direction == Direction::In && host.addresses.contains(&talk.peer))
        };
        if play.standing.devices.iter().any(opens) {
            let args = ["caller", "--standing", &path, "--place", &host.place, "--for-s", &for_s];
            callers.push(play.start(&host.place, seconds, &args)?);
        }
    }
    let mut told: Vec<Value> = callers.into_iter().flat_map(Running::lines).collect();
    told.extend(devices.into_iter().flat_map(|(_, running)| running.lines()));
    Ok(told)
}

/// Gives the devices that are probed: the main one and one elsewhere.
fn probed<'s>(play: &Play<'s>) -> Result<Vec<&'s Seat>, Failure> {
    let has_lifeline = |seat: &Seat| {
        let lifelines = seat.talks.iter().any(|talk| talk.is_lifeline);
        u32::from(lifelines) + u32::from(lifelines && seat.port.is_some())
    };
    let main = lead(play, has_lifeline, "has a lifeline")?;
    let standing: &'s Standing = play.standing;
    let elsewhere = standing
        .devices
        .iter()
        .find(|seat| seat.point != main.point && seat.talks.iter().any(|talk| talk.is_lifeline));
    Ok([Some(main), elsewhere.or_else(|| bystander(play, &[main]))].into_iter().flatten().collect())
}

/// Waits until a probe has sent something.
pub(super) fn underway(running: &Running) {
    wait_until(Duration::from_secs(5), || {
        running.told().iter().any(|line| text(line, "event") == "first")
    });
}

/// Policy is pushed to every point while lifelines go on.
pub(super) fn push(play: &mut Play<'_>) -> Result<(), Failure> {
    let seconds = play.args.seconds;
    let seats = probed(play)?;
    let mut probes = Vec::new();
    for seat in &seats {
        probes.push(play.probe(seat, seconds)?);
    }
    probes.iter().for_each(underway);
    let end = Instant::now() + Duration::from_secs(u64::from(seconds));
    let mut took: Vec<u64> = Vec::new();
    while Instant::now() + PUSH_PACE < end {
        for post in &play.standing.points {
            let start = Instant::now();
            play.standing.push(post)?;
            took.push(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
        std::thread::park_timeout(PUSH_PACE);
    }
    for post in play.standing.points.iter().filter(|_| !play.standing.kernel_only) {
        let pushed = bundle(&post.bundle)?.number;
        let is_in_force = || {
            let status = play.standing.ask(post, &["status"]);
            status.is_ok_and(|status| {
                status.get("bundle").is_some_and(|bundle| number(bundle, "number") == pushed)
            })
        };
        if !wait_until(Duration::from_secs(10), is_in_force) {
            let finding = format!("{} does not enforce bundle {pushed}", post.place);
            play.played.findings.push(finding);
        }
    }
    took.sort_unstable();
    play.played.notes.push(format!(
        "{} bundles pushed to {} points, {} ms each at the median, {} ms at most",
        took.len(),
        play.standing.points.len(),
        took.get(took.len() / 2).copied().unwrap_or(0),
        took.last().copied().unwrap_or(0),
    ));
    for (seat, probe) in seats.into_iter().zip(probes) {
        play.probed(seat, probe, Bound::Everything);
    }
    Ok(())
}

/// The gateway program of a device is killed and started again while its lifelines go on.
pub(super) fn kill(play: &mut Play<'_>) -> Result<(), Failure> {
    if play.standing.kernel_only {
        return Err(no_gateway());
    }
    let seconds = play.args.seconds;
    let seats = probed(play)?;
    let mut probes = Vec::new();
    for seat in &seats {
        probes.push(play.probe(seat, seconds)?);
    }
    probes.iter().for_each(underway);
    let mut standing = play.standing.clone();
    let mut points: Vec<&str> = seats.iter().map(|seat| seat.point.as_str()).collect();
    points.dedup();
    for place in points {
        let Some(post) = play.standing.points.iter().find(|post| post.place == place) else {
            continue;
        };
        // A third of the time it is dead.
        let dead = Duration::from_secs(u64::from(seconds)) / 3;
        let again = again(play.standing, &mut standing, post, dead)?;
        play.played.notes.push(again);
    }
    for (seat, probe) in seats.into_iter().zip(probes) {
        // What a proxy carried goes on through the kernel as a new connection; what the kernel
        // carried, and all that protects life, does not even notice.
        let bound = if seat.tier.protects_lifelines() {
            Bound::Everything
        } else {
            Bound::Reconnect(RECONNECT)
        };
        play.probed(seat, probe, bound);
    }
    Ok(())
}

fn again(
    before: &Standing,
    standing: &mut Standing,
    post: &Post,
    dead: Duration,
) -> Result<String, Failure> {
    let name = format!("gateway-{}", post.place);
    let fits = |process: &&Process| process.name == name && process.runs();
    let process =
        before.processes.iter().find(fits).ok_or_else(|| {
            Failure::config(format!("`{name}` does not run"), "build the lab anew")
        })?;
    process.kill();
    let killed = Instant::now();
    if !wait_until(DEATH_MAX, || !process.runs()) {
        return Err(Failure::config(format!("`{name}` cannot be killed"), "build the lab anew"));
    }
    wait_until(dead.min(Duration::from_secs(5)), || false);
    standing.processes.retain(|process| process.name != name);
    let process = standing.start(post)?;
    standing.processes.push(process);
    standing.write()?;
    standing.wait_for(post)?;
    Ok(format!("{name} was killed, and stood again after {} ms", killed.elapsed().as_millis()))
}
