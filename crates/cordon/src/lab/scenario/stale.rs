//! Nobody decides any more: what each tier still may when its policy is too old.
//!
//! Source: NIST SP 800-207 §5.2.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cordon_model::{Direction, Protocol, Tier, Transport};

use super::{Bound, Play, Sent, number, text};
use crate::lab::Seat;
use crate::lab::machine::wait_until;
use crate::lab::point::no_gateway;
use crate::outcome::Failure;

/// For how long no decision point is heard; the longest that a bundle permits is an hour.
/// # Units
/// Minutes.
const MINUTES: u32 = 61;
/// How long the probes go on.
/// # Units
/// Seconds.
const PROBED_S: u32 = 18;
/// How long a device says what it says.
/// # Units
/// Seconds.
const SAID_S: u32 = 2;
/// How long a point may take to know that its policy is old, or young again.
const NOTICED_MAX: Duration = Duration::from_secs(5);

/// Chooses one device of each tier: one whose conversations are short.
fn one_of_each<'s>(play: &Play<'s>) -> Vec<&'s Seat> {
    let fits = |seat: &Seat| {
        let out = |talk: &&crate::lab::Talk| {
            talk.direction == Direction::Out && talk.transport == Transport::Tcp
        };
        let lifeline = seat.talks.iter().any(|talk| talk.is_lifeline);
        let is_short = !seat.talks.iter().any(|talk| talk.protocol == Protocol::Dicom);
        let stays = seat.talks.iter().filter(out).any(|talk| talk.protocol == Protocol::Modbus);
        u32::from(seat.talks.iter().any(|talk| out(&talk)))
            * (1 + 4 * u32::from(is_short) + 2 * u32::from(lifeline) + u32::from(stays))
    };
    let mut best: BTreeMap<Tier, &'s Seat> = BTreeMap::new();
    let standing: &'s crate::lab::Standing = play.standing;
    for seat in standing.devices.iter().filter(|seat| fits(seat) > 0) {
        let known = best.entry(seat.tier).or_insert(seat);
        if fits(seat) > fits(known) {
            *known = seat;
        }
    }
    best.into_values().collect()
}

/// Lets every device open conversations anew; gives how many were sent and how many answered.
fn anew(play: &mut Play<'_>, seats: &[&Seat], when: &str) -> Result<Vec<(u64, u64)>, Failure> {
    let (path, for_s) = (play.standing.path().display().to_string(), SAID_S.to_string());
    let mut running = Vec::new();
    for seat in seats {
        let args = ["device", "--standing", &path, "--device", &seat.id, "--for-s", &for_s];
        running.push(play.start(&seat.place, SAID_S, &args)?);
    }
    let mut said = Vec::new();
    for (seat, running) in seats.iter().zip(running) {
        let lines = running.lines();
        let talks = || lines.iter().filter(|line| text(line, "event") == "talk");
        let sum = |field: &str| talks().map(|line| number(line, field)).sum();
        let (sent, answered): (u64, u64) = (sum("sent"), sum("answered"));
        play.played.sent.push(Sent {
            device: seat.id.clone(),
            what: format!("{}, new conversations {when}", seat.tier.name()),
            count: sent,
            bytes: 0,
            answered,
            elapsed_ms: u64::from(SAID_S) * 1_000,
        });
        said.push((sent, answered));
    }
    Ok(said)
}

/// Finds devices that were not answered as often as they should have been.
fn check(
    play: &mut Play<'_>,
    (seats, said): (&[&Seat], &[(u64, u64)]),
    when: &str,
    wanted: impl Fn(&Seat, u64) -> u64,
) {
    for (seat, (sent, answered)) in seats.iter().zip(said) {
        let wanted = wanted(seat, *sent);
        if *answered != wanted || *sent == 0 {
            play.played.findings.push(format!(
                "{} ({}) was answered {answered} times instead of {wanted} {when}",
                seat.id,
                seat.tier.name()
            ));
        }
    }
}

/// Moves the clocks of all points on. In one go: a question that is under way while that happens
/// looks to an inspector as if it had waited so long for its answer.
fn wait_an_hour(play: &Play<'_>) -> Result<(), Failure> {
    let seconds = (MINUTES * 60).to_string();
    for post in &play.standing.points {
        play.standing.ask(post, &["advance", &seconds])?;
    }
    Ok(())
}

/// Waits until every point says an age that fits.
fn aged(play: &mut Play<'_>, what: &str, fits: impl Fn(u64) -> bool) {
    let standing = play.standing;
    for post in &standing.points {
        let is_so = || {
            let status = standing.ask(post, &["status"]);
            status.is_ok_and(|status| fits(number(&status, "policy_age_s")))
        };
        if !wait_until(NOTICED_MAX, is_so) {
            play.played
                .findings
                .push(format!("{} does not say that its policy is {what}", post.place));
        }
    }
}

/// No decision point is heard for an hour and a minute; then one is.
pub(super) fn stale(play: &mut Play<'_>) -> Result<(), Failure> {
    if play.standing.kernel_only {
        return Err(no_gateway());
    }
    let seats = one_of_each(play);
    if seats.is_empty() {
        return Err(Failure::usage(
            "no device of the lab opens anything",
            "build another hospital",
        ));
    }
    let mut probes = Vec::new();
    for seat in &seats {
        probes.push(play.probe(seat, PROBED_S)?);
    }
    let start = Instant::now();
    probes.iter().for_each(super::care::underway);
    let all = |_: &Seat, sent: u64| sent;
    let said = anew(play, &seats, "before")?;
    check(play, (&seats, &said), "before", all);
    wait_an_hour(play)?;
    let moved_ms = start.elapsed().as_millis();
    aged(play, "old", |age_s| age_s >= u64::from(MINUTES) * 60);
    let said = anew(play, &seats, "while nobody decides")?;
    // Of all tiers this one opens nothing new.
    check(play, (&seats, &said), "while nobody decides", |seat, sent| {
        if seat.tier == Tier::Green { 0 } else { sent }
    });
    for post in &play.standing.points {
        play.standing.ask(post, &["heard"])?;
    }
    aged(play, "young again", |age_s| age_s < 60);
    let said = anew(play, &seats, "after one was heard")?;
    check(play, (&seats, &said), "afterwards", all);
    if start.elapsed() > Duration::from_secs(u64::from(PROBED_S)) {
        play.played.notes.push("the probes ended before the scenario did".to_owned());
    }
    play.played.notes.push(format!(
        "the clocks of all points went on by {MINUTES} minutes within {moved_ms} ms; they stay ahead"
    ));
    // What stood before goes on in every tier.
    for (seat, probe) in seats.into_iter().zip(probes) {
        play.probed(seat, probe, Bound::Everything);
    }
    Ok(())
}
