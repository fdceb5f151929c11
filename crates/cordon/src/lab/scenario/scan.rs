//! Somebody inside looks for a way on.

use std::net::Ipv4Addr;
use std::time::Instant;

use super::attack::{pump, reached};
use super::{Bound, Play, Running, Sent, bystander, lead};
use crate::lab::machine::find;
use crate::lab::{Seat, Standing};
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
/// How nmap is run: names are not asked for, nobody has to answer before, every probe is sent once,
/// and what is sent goes the way that the routes say.
/// # Source
/// nmap(1).
const NMAP: [&str; 12] = [
    "-n",
    "-Pn",
    "-sS",
    "-sU",
    "--send-ip",
    "--max-retries",
    "0",
    "--min-rate",
    "400",
    "--host-timeout",
    "30s",
    "-oG",
];

/// Scans with nmap from a place; gives how many ports were tried, and how many answered.
fn nmap(standing: &Standing, seat: &Seat, others: &[Ipv4Addr]) -> Result<(u64, u64), Failure> {
    let of = |transport: &str| {
        let ports = SCANNED_PORTS.iter().filter_map(|port| port.strip_prefix(transport));
        ports.collect::<Vec<_>>().join(",")
    };
    let ports = format!("T:{},U:{}", of("tcp:"), of("udp:"));
    let hosts: Vec<String> = others.iter().map(ToString::to_string).collect();
    let mut args = NMAP.to_vec();
    args.extend(["-", "-p", &ports]);
    args.extend(hosts.iter().map(String::as_str));
    let told = standing.call(&seat.place, "nmap", &args, "")?;
    // `80/open/tcp//http///`; what is `open|filtered` did not answer.
    let open = told.lines().filter_map(|line| line.split_once("Ports: ")).flat_map(|(_, ports)| {
        ports.split(", ").filter(|port| port.split('/').nth(1) == Some("open"))
    });
    let tried = others.len().saturating_mul(SCANNED_PORTS.len());
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Ok((count(tried), count(open.count())))
}

/// Scans from a place, with nmap where it is installed.
fn once(play: &mut Play<'_>, seat: &Seat, others: &[Ipv4Addr], how: &str) -> Result<(), Failure> {
    if find("nmap").is_some() {
        let start = Instant::now();
        let (count, answered) = nmap(play.standing, seat, others)?;
        play.played.sent.push(Sent {
            device: seat.id.clone(),
            what: format!("nmap of others, {how}"),
            count,
            bytes: 0,
            answered,
            elapsed_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        return Ok(());
    }
    let targets: Vec<String> = others
        .iter()
        .flat_map(|other| {
            SCANNED_PORTS.iter().filter_map(move |port| {
                let (transport, port) = port.split_once(':')?;
                Some(format!("{transport}:{other}:{port}"))
            })
        })
        .collect();
    let mut args = vec!["reach", "--timeout-ms", "100"];
    args.extend(targets.iter().map(String::as_str));
    let lines = play.start(&seat.place, 60, &args).map(Running::lines)?;
    reached(play, seat, &format!("scan of others, {how}"), &lines);
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
        let others: Vec<Ipv4Addr> = others.take(SCANNED_MAX).map(|other| other.ip).collect();
        once(play, seat, &others, "as its network says")?;
        let route = |verb: &str, via: &str| -> String {
            others.iter().map(|other| format!("route {verb} {other}/32{via}\n")).collect()
        };
        standing.ip(&seat.place, &route("replace", &format!(" via {}", seat.router)))?;
        let through = once(play, seat, &others, "through its gateway");
        standing.ip(&seat.place, &route("del", ""))?;
        through?;
    }
    if let Some(probe) = probe {
        let (seat, probe) = probe?;
        play.probed(seat, probe, Bound::Lifelines);
    }
    let by = if find("nmap").is_some() {
        "scanned with nmap"
    } else {
        "nmap is not installed: the scan is the lab's own"
    };
    play.played.notes.push(by.to_owned());
    if let Some(sent) = play.played.sent.iter().find(|sent| sent.answered > 0) {
        let finding = format!("{}: {} ports answered ({})", sent.device, sent.answered, sent.what);
        play.played.findings.push(finding);
    }
    Ok(())
}
