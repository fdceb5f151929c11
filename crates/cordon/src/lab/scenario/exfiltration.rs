//! Data carried out by the front door: to a service that the device may talk to.

use std::net::IpAddr;

use cordon_model::fleet::Envelope;
use cordon_model::{Direction, Operation, Protocol, Transport};

use super::attack::pump;
use super::{Bound, Play, Sent, bystander, lead, number, text};
use crate::lab::{Seat, Talk};
use crate::outcome::Failure;

/// How large each request is.
/// # Units
/// Bytes.
const OF_REQUEST: u64 = 5_000_000;
/// What heads, acknowledgments and what is under way when it is cut may add to each connection.
/// # Units
/// Bytes.
const OVERHEAD: u64 = 200_000;

/// Gives what an envelope lets pass in one minute, if it is bounded.
/// # Units
/// Bytes.
fn of_minute(envelope: &Envelope) -> Option<u64> {
    let by_connections = envelope
        .bytes_per_connection_max
        .zip(envelope.connections_per_minute_max)
        .map(|(bytes, count)| bytes.saturating_mul(u64::from(count)));
    match (envelope.bytes_per_minute_max, by_connections) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn is_way_out(talk: &Talk) -> bool {
    talk.direction == Direction::Out
        && talk.transport == Transport::Tcp
        && talk.protocol == Protocol::Http
        && talk.operations.contains(&Operation::HttpPost)
}

/// A pump pours what it has into a service that it may talk to.
pub(super) fn allowed(play: &mut Play<'_>) -> Result<(), Failure> {
    let fits = |seat: &Seat| u32::from(seat.talks.iter().any(is_way_out)) * (1 + pump(seat));
    let seat = lead(play, fits, "posts to a service")?;
    let talk = seat.talks.iter().find(|talk| is_way_out(talk)).ok_or_else(|| {
        Failure::usage(format!("{} posts to no service", seat.id), "name another")
    })?;
    let seconds = play.args.seconds;
    let mut probes = vec![(seat, play.probe(seat, seconds)?)];
    if let Some(other) = bystander(play, &[seat]) {
        probes.push((other, play.probe(other, seconds)?));
    }
    let attempted = u64::from(play.args.megabytes) * 1_000_000;
    let to = format!("{}:{}", talk.peer, talk.port);
    let path = play.standing.path().display().to_string();
    let (bytes, of_request, for_s) =
        (attempted.to_string(), OF_REQUEST.to_string(), seconds.to_string());
    let whose = ["pour", "--standing", &path, "--device", &seat.id, "--to", &to];
    let amount = ["--bytes", &bytes, "--of-request", &of_request, "--for-s", &for_s];
    let lines = play.start(&seat.place, seconds, &[&whose[..], &amount].concat())?.lines();
    let poured = lines.iter().find(|line| text(line, "event") == "poured");
    let count = |field: &str| poured.map_or(0, |line| number(line, field));
    let (connections, bytes, elapsed_ms) =
        (count("connections"), count("bytes"), count("elapsed_ms"));
    play.played.sent.push(Sent {
        device: seat.id.clone(),
        what: format!("posts to {}, which it may talk to", talk.service),
        count: connections,
        bytes,
        answered: count("answered"),
        elapsed_ms,
    });
    let arrivals = play.standing.arrivals()?;
    let arrived = arrivals.iter().filter(|arrival| {
        (arrival.from, arrival.to, arrival.port) == (IpAddr::V4(seat.ip), talk.peer, talk.port)
    });
    let arrived: u64 = arrived.map(|arrival| arrival.bytes).sum();
    play.played.arrived_bytes = Some(arrived);
    let limit = of_minute(&talk.envelope);
    let most = limit.map(|limit| {
        let per_connection = u64::from(talk.envelope.connections_per_minute_max.unwrap_or(20));
        // A minute's worth at once, and the next while it goes on.
        limit.saturating_mul(1 + elapsed_ms.div_ceil(60_000)) + per_connection * OVERHEAD
    });
    play.played.notes.push(format!(
        "{arrived} bytes arrived at {} of {bytes} attempted; the envelope permits {} a minute",
        talk.service,
        limit.map_or("any number".to_owned(), |limit| limit.to_string()),
    ));
    if most.is_some_and(|most| arrived > most) {
        let finding = format!("{arrived} bytes arrived at {}, above the envelope", talk.service);
        play.played.findings.push(finding);
    }
    if count("answered") == 0 && arrived == 0 {
        play.played.findings.push(format!("{} was not reached at all", talk.service));
    }
    if bytes <= most.unwrap_or(u64::MAX) {
        let note = format!("only {bytes} bytes were attempted: less than the envelope permits");
        play.played.notes.push(note);
    }
    for (seat, probe) in probes {
        play.probed(seat, probe, Bound::Lifelines);
    }
    Ok(())
}
