//! Scenarios in which a device of the hospital turns against it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use cordon_model::{Direction, Protocol, Transport};
use serde_json::Value;

use super::{Bound, Play, Running, Sent, bystander, lead, number, text};
use crate::lab::actor::mono_us;
use crate::lab::{FOREIGN, FOREIGN_PORT, Seat, Talk};
use crate::outcome::Failure;

/// How long a counter is waited for.
const BLOCKED_MAX: Duration = Duration::from_secs(10);

/// Says how well a device plays a pump that was broken into.
pub(super) fn pump(seat: &Seat) -> u32 {
    let fits = [
        seat.id == "PUMP-3F-042",
        seat.profile.contains("pump"),
        seat.port.is_some(),
        seat.talks.iter().any(|talk| talk.is_lifeline),
    ];
    fits.into_iter().zip([8, 4, 2, 1]).filter(|(fits, _)| *fits).map(|(_, weight)| weight).sum()
}

/// Adds what an actor tried to reach.
pub(super) fn reached(play: &mut Play<'_>, seat: &Seat, what: &str, lines: &[Value]) {
    let count = |event: &str| {
        let count = lines.iter().filter(|line| text(line, "event") == event).count();
        u64::try_from(count).unwrap_or(0)
    };
    let done = lines.iter().find(|line| text(line, "event") == "done");
    play.played.sent.push(Sent {
        device: seat.id.clone(),
        what: what.to_owned(),
        count: count("answered") + count("silent"),
        bytes: 0,
        answered: count("answered"),
        elapsed_ms: done.map_or(0, |line| number(line, "elapsed_ms")),
    });
}

/// Waits until a counter of the point of a device grew, and gives the time since the first packet.
fn blocked_after(play: &Play<'_>, seat: &Seat, attack: &Running) -> Option<u64> {
    let sum = || -> Option<u64> {
        let counters = play.standing.counters_of(&seat.point).ok()?;
        Some(counters.values().map(|(packets, _)| packets).sum())
    };
    let before: u64 = play
        .before
        .iter()
        .filter(|((point, _), _)| *point == seat.point)
        .map(|(_, (packets, _))| packets)
        .sum();
    let end = Instant::now() + BLOCKED_MAX;
    while Instant::now() < end {
        if sum()? > before {
            let now = mono_us();
            let told = attack.told();
            let first = told.iter().find(|line| text(line, "event") == "first")?;
            return Some(now.saturating_sub(number(first, "mono_us")) / 1_000);
        }
    }
    None
}

/// A pump sends to an address that is not the hospital's.
pub(super) fn exfiltration(play: &mut Play<'_>) -> Result<(), Failure> {
    let seat = lead(play, pump, "is there")?;
    let bytes = u64::from(play.args.megabytes) * 1_000_000;
    let rate = play.args.megabits_per_second;
    let planned = bytes * 8 / (u64::from(rate) * 1_000_000);
    let seconds = u32::try_from(planned).unwrap_or(600).min(600) + 3;
    let bystander = bystander(play, &[seat]);
    let mut probes = vec![(seat, play.probe(seat, seconds)?)];
    if let Some(bystander) = bystander {
        probes.push((bystander, play.probe(bystander, seconds)?));
    }
    let to = format!("{FOREIGN}:{FOREIGN_PORT}");
    let (amount, pace, limit) = (bytes.to_string(), rate.to_string(), (seconds * 2).to_string());
    let args = [
        "flood",
        "--to",
        &to,
        "--bytes",
        &amount,
        "--megabits-per-second",
        &pace,
        "--for-s",
        &limit,
    ];
    let flood = play.start(&seat.place, seconds * 2, &args)?;
    play.played.blocked_after_ms = blocked_after(play, seat, &flood);
    let targets = [FOREIGN_PORT, 443, 80, 22].map(|port| format!("tcp:{FOREIGN}:{port}"));
    let mut args = vec!["reach"];
    args.extend(targets.iter().map(String::as_str));
    let reach = play.start(&seat.place, 30, &args)?.lines();
    for line in flood.lines().iter().filter(|line| text(line, "event") == "sent") {
        play.played.sent.push(Sent {
            device: seat.id.clone(),
            what: format!("datagrams to {to}"),
            count: number(line, "packets") + number(line, "refused"),
            bytes: number(line, "bytes"),
            answered: 0,
            elapsed_ms: number(line, "elapsed_ms"),
        });
    }
    reached(play, seat, &format!("connections to {FOREIGN}"), &reach);
    for (seat, probe) in probes {
        play.probed(seat, probe, Bound::Lifelines);
    }
    if play.played.blocked_after_ms.is_none() {
        play.played.findings.push(format!("no counter of {} says it was blocked", seat.point));
    }
    Ok(())
}

/// A device sends an order, where it may send readings.
pub(super) fn command(play: &mut Play<'_>) -> Result<(), Failure> {
    let (seat, talk) = speaker(play, Protocol::Hl7)?;
    let has_lifeline = seat.talks.iter().any(|talk| talk.is_lifeline);
    let probe = has_lifeline.then(|| play.probe(seat, 5)).transpose()?;
    let since = mono_us();
    say(play, seat, talk, "hl7-order")?;
    let wanted = Value::from("RGV^O15^RGV_O15");
    let is_it = |line: &Value| line.get("message") == Some(&wanted);
    if heard(play, seat, talk, since).iter().any(is_it) {
        play.played.findings.push(format!("{} received an order from {}", talk.service, seat.id));
    }
    not_in_kernels(play);
    if let Some(probe) = probe {
        play.probed(seat, probe, Bound::Lifelines);
    }
    Ok(())
}

/// Chooses a device that opens conversations in a protocol, a pump before others, and one of them.
pub(super) fn speaker<'s>(
    play: &Play<'s>,
    protocol: Protocol,
) -> Result<(&'s Seat, &'s Talk), Failure> {
    let speaks = |talk: &&Talk| {
        talk.protocol == protocol
            && talk.transport == Transport::Tcp
            && talk.direction == Direction::Out
    };
    let fits = |seat: &Seat| u32::from(seat.talks.iter().any(|t| speaks(&t))) * (1 + pump(seat));
    let seat = lead(play, fits, &format!("speaks {}", protocol.name()))?;
    let talk = seat.talks.iter().find(speaks).ok_or_else(|| {
        Failure::usage(format!("{} does not speak {}", seat.id, protocol.name()), "name another")
    })?;
    Ok((seat, talk))
}

/// Lets a device say something to a service; says whether it was answered well.
pub(super) fn say(
    play: &mut Play<'_>,
    seat: &Seat,
    talk: &Talk,
    what: &str,
) -> Result<bool, Failure> {
    let (peer, port) = (talk.peer.to_string(), talk.port.to_string());
    let path = play.standing.path().display().to_string();
    let whose = ["say", "--standing", &path, "--device", &seat.id];
    let args = [&whose[..], &["--what", what, "--to", &peer, "--port", &port]].concat();
    let lines = play.start(&seat.place, 10, &args)?.lines();
    reached(play, seat, &format!("{what} to {}", talk.service), &lines);
    Ok(lines.iter().any(|line| text(line, "event") == "answered"))
}

/// Says what a lab of kernels cannot show; otherwise an inspector has to have stopped something.
pub(super) fn not_in_kernels(play: &mut Play<'_>) {
    if play.standing.kernel_only {
        play.played.notes.push("nobody looks into messages in a lab of kernels only".to_owned());
    }
    play.is_stop_due = !play.standing.kernel_only;
}

/// Gives what a service was told by a device since a moment, as its programs tell it.
pub(super) fn heard(play: &Play<'_>, seat: &Seat, talk: &Talk, since: u64) -> Vec<Value> {
    let host = play.standing.hosts.iter().find(|host| host.addresses.contains(&talk.peer));
    let Some(host) = host else { return Vec::new() };
    let records = play.standing.work().join("records");
    let names = [format!("listen-{}", host.place), format!("listen-{}-{}", host.place, talk.port)];
    let told = names.iter().map(|name| {
        std::fs::read_to_string(records.join(format!("{name}.jsonl"))).unwrap_or_default()
    });
    let told: String = told.collect();
    let lines = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_from_device = |line: &Value| {
        let from = text(line, "from").split(':').next().unwrap_or_default().to_owned();
        number(line, "mono_us") >= since && from.parse() == Ok(IpAddr::V4(seat.ip))
    };
    lines.filter(is_from_device).collect()
}
