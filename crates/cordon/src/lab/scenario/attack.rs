//! Scenarios in which a device of the hospital turns against it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use cordon_model::{Direction, Protocol};
use serde_json::Value;

use super::{Bound, Play, Running, Sent, bystander, lead, number, text};
use crate::lab::actor::mono_us;
use crate::lab::{FOREIGN, FOREIGN_PORT, Seat};
use crate::outcome::Failure;

/// How many devices are scanned at most.
const SCANNED_MAX: usize = 48;
/// The ports that a scan tries: those of the plan's protocols and of remote control.
const SCANNED_PORTS: [&str; 9] = [
    "tcp:22",
    "tcp:80",
    "tcp:104",
    "tcp:443",
    "tcp:502",
    "tcp:6661",
    "udp:123",
    "udp:161",
    "udp:47808",
];
/// How long a counter is waited for.
const BLOCKED_MAX: Duration = Duration::from_secs(10);

/// Says how well a device plays a pump that was broken into.
fn pump(seat: &Seat) -> u32 {
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

/// A device tries the ports of all others: as its network tells it, and through its gateway.
pub(super) fn scan(play: &mut Play<'_>) -> Result<(), Failure> {
    let first = lead(play, pump, "is there")?;
    let standing = play.standing;
    let native = standing.devices.iter().find(|seat| seat.port.is_none());
    let bystander = bystander(play, &[first]);
    let probe = bystander.map(|seat| play.probe(seat, 15).map(|probe| (seat, probe)));
    for seat in [Some(first), native].into_iter().flatten() {
        let others = standing.devices.iter().filter(|other| other.id != seat.id);
        let others: Vec<&Seat> = others.take(SCANNED_MAX).collect();
        let targets: Vec<String> = others
            .iter()
            .flat_map(|other| {
                SCANNED_PORTS.iter().filter_map(|port| {
                    let (transport, port) = port.split_once(':')?;
                    Some(format!("{transport}:{}:{port}", other.ip))
                })
            })
            .collect();
        let mut args = vec!["reach", "--timeout-ms", "100"];
        args.extend(targets.iter().map(String::as_str));
        let beside = play.start(&seat.place, 60, &args)?.lines();
        reached(play, seat, "scan of others, as its network says", &beside);
        let route = |verb: &str| -> String {
            let line = |other: &&Seat| {
                let via =
                    if verb == "replace" { format!(" via {}", seat.router) } else { String::new() };
                format!("route {verb} {}/32{via}\n", other.ip)
            };
            others.iter().map(line).collect()
        };
        standing.ip(&seat.place, &route("replace"))?;
        let through = play.start(&seat.place, 60, &args);
        let through = through.map(Running::lines);
        standing.ip(&seat.place, &route("del"))?;
        reached(play, seat, "scan of others, through its gateway", &through?);
    }
    if let Some(probe) = probe {
        let (seat, probe) = probe?;
        play.probed(seat, probe, Bound::Lifelines);
    }
    play.played.notes.push("the scan is the lab's own: connections and datagrams".to_owned());
    Ok(())
}

/// A device says what its type must not say, where it may say other things.
pub(super) fn command(play: &mut Play<'_>, what: &str) -> Result<(), Failure> {
    let protocol = if what == "hl7-order" { Protocol::Hl7 } else { Protocol::Modbus };
    let fits = |seat: &Seat| {
        let talks = seat.talks.iter();
        let mut talks = talks.filter(|t| t.protocol == protocol && t.direction == Direction::Out);
        u32::from(talks.next().is_some()) * (1 + pump(seat))
    };
    let seat = lead(play, fits, &format!("speaks {}", protocol.name()))?;
    let talk = seat
        .talks
        .iter()
        .find(|talk| talk.protocol == protocol && talk.direction == Direction::Out);
    let talk = talk.ok_or_else(|| {
        Failure::usage(format!("{} does not speak {}", seat.id, protocol.name()), "name another")
    })?;
    let has_lifeline = seat.talks.iter().any(|talk| talk.is_lifeline);
    let probe = has_lifeline.then(|| play.probe(seat, 5)).transpose()?;
    let (peer, port) = (talk.peer.to_string(), talk.port.to_string());
    let path = play.standing.path().display().to_string();
    let since = mono_us();
    let args = [
        "say",
        "--standing",
        &path,
        "--device",
        &seat.id,
        "--what",
        what,
        "--to",
        &peer,
        "--port",
        &port,
    ];
    let lines = play.start(&seat.place, 10, &args)?.lines();
    reached(play, seat, &format!("{what} to {}", talk.service), &lines);
    let wanted = match what {
        "hl7-order" => Value::from("RGV^O15^RGV_O15"),
        // The functions that write a register, and that restart by way of diagnostics.
        "modbus-write" => Value::from(6),
        _ => Value::from(8),
    };
    let host = play.standing.hosts.iter().find(|host| host.addresses.contains(&talk.peer));
    let place = host.map(|host| host.place.clone()).unwrap_or_default();
    let heard = heard(play, &place, since).into_iter().any(|line| {
        let from = text(&line, "from").split(':').next().unwrap_or_default().to_owned();
        from.parse() == Ok(IpAddr::V4(seat.ip)) && line.get("message") == Some(&wanted)
    });
    if heard {
        play.played.findings.push(format!("{} received {what} from {}", talk.service, seat.id));
    }
    if play.standing.kernel_only {
        play.played.notes.push("nobody looks into messages in a lab of kernels only".to_owned());
    }
    if let Some(probe) = probe {
        play.probed(seat, probe, Bound::Lifelines);
    }
    Ok(())
}

/// Gives what a host was told since a moment.
fn heard(play: &Play<'_>, place: &str, since: u64) -> Vec<Value> {
    let path = play.standing.work().join("records").join(format!("listen-{place}.jsonl"));
    let told = std::fs::read_to_string(path).unwrap_or_default();
    let lines = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| number(line, "mono_us") >= since).collect()
}
