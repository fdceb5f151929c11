//! Scenarios in which somebody pretends to be somebody else.

use std::net::{IpAddr, Ipv4Addr};

use super::attack::reached;
use super::{Bound, Play, Sent, bystander, lead, number, text};
use crate::lab::{FOREIGN, FOREIGN_PORT, Seat, Standing};
use crate::outcome::Failure;

/// The laptop's MAC address: locally administered, so nobody's.
const LAPTOP: &str = "02:1a:c0:00:00:66";

/// A place whose device looks like another; it gets its own looks back when this goes.
struct Disguise<'s> {
    standing: &'s Standing,
    seat: &'s Seat,
}

impl<'s> Disguise<'s> {
    fn new(
        standing: &'s Standing,
        seat: &'s Seat,
        mac: &str,
        ip: Ipv4Addr,
    ) -> Result<Self, Failure> {
        let disguise = Self { standing, seat };
        disguise.wear(mac, ip)?;
        Ok(disguise)
    }

    fn wear(&self, mac: &str, ip: Ipv4Addr) -> Result<(), Failure> {
        let Seat { place, prefix, router, .. } = self.seat;
        let lines = format!(
            "link set dev eth0 down\nlink set dev eth0 address {mac}\naddr flush dev eth0\n\
             addr add {ip}/{prefix} dev eth0\nlink set dev eth0 up\n\
             route add default via {router} dev eth0 onlink\n"
        );
        self.standing.ip(place, &lines)
    }

    /// Tells the disguised where its gateway is, as if it had asked.
    fn introduce(&self) -> Result<(), Failure> {
        let Some(port) = self.seat.port else { return Ok(()) };
        let point = self.standing.points.iter().find(|post| post.place == self.seat.point);
        let Some(point) = point else { return Ok(()) };
        let prefix = crate::lab::plan::bundle(&point.bundle)?.interfaces.devices;
        let path = format!("/sys/class/net/{prefix}{port}/address");
        let mac = self.standing.call(&point.place, "cat", &[&path], "")?;
        let line = format!("neigh replace {} lladdr {} dev eth0\n", self.seat.router, mac.trim());
        self.standing.ip(&self.seat.place, &line)
    }
}

impl Drop for Disguise<'_> {
    fn drop(&mut self) {
        let _ = self.wear(&self.seat.mac.to_string(), self.seat.ip);
    }
}

/// Gives an address of a device's network that nobody has.
fn free(standing: &Standing, seat: &Seat) -> Ipv4Addr {
    let [a, b, c, _] = seat.ip.octets();
    let taken =
        |ip: &Ipv4Addr| standing.devices.iter().any(|seat| seat.ip == *ip || seat.router == *ip);
    let mut free = (2..=254).rev().map(|last| Ipv4Addr::new(a, b, c, last));
    free.find(|ip| !taken(ip)).unwrap_or(Ipv4Addr::new(a, b, c, 254))
}

/// Gives what an intruder tries: every service there is, and the world.
fn targets(standing: &Standing) -> Vec<String> {
    let mut targets = vec![format!("tcp:{FOREIGN}:{FOREIGN_PORT}"), format!("udp:{FOREIGN}:53")];
    for host in &standing.hosts {
        for (address, offer) in
            host.addresses.iter().flat_map(|a| host.offers.iter().map(move |o| (a, o)))
        {
            let transport = offer.transport.name();
            targets.push(format!("{transport}:{address}:{}", offer.port));
        }
    }
    targets
}

/// Says how well a device's port suits a laptop.
fn port(seat: &Seat) -> u32 {
    u32::from(seat.port.is_some()) * (1 + u32::from(seat.profile.contains("hvac")))
}

/// A laptop at the port of a device.
pub(super) fn laptop(play: &mut Play<'_>) -> Result<(), Failure> {
    let seat = lead(play, port, "is behind a gateway")?;
    let standing = play.standing;
    let bystander = bystander(play, &[seat]);
    let probe = bystander.map(|other| play.probe(other, 8).map(|probe| (other, probe)));
    play.silent.push(IpAddr::V4(seat.ip));
    let (free, targets) = (free(standing, seat), targets(standing));
    let own = seat.mac.to_string();
    for (what, mac, ip) in [
        ("a laptop with addresses of its own", LAPTOP, free),
        ("a laptop with the device's IP address", LAPTOP, seat.ip),
        ("a laptop with the device's MAC address", own.as_str(), free),
    ] {
        let disguise = Disguise::new(standing, seat, mac, ip)?;
        // First it asks for its gateway, as everybody does; then it knows it.
        let first = targets.first().map(String::as_str).unwrap_or_default();
        let args = ["reach", "--timeout-ms", "250", first];
        let lines = play.start(&seat.place, 30, &args)?.lines();
        reached(play, seat, &format!("{what}, {mac} {ip}, asks for its gateway"), &lines);
        disguise.introduce()?;
        let mut args = vec!["reach", "--timeout-ms", "250"];
        args.extend(targets.iter().map(String::as_str));
        let lines = play.start(&seat.place, 30, &args)?.lines();
        reached(play, seat, &format!("{what}, {mac} {ip}"), &lines);
    }
    if let Some(probe) = probe {
        let (seat, probe) = probe?;
        play.probed(seat, probe, Bound::Lifelines);
    }
    Ok(())
}

/// A device claims others' addresses, then takes those of one altogether.
pub(super) fn spoof(play: &mut Play<'_>) -> Result<(), Failure> {
    let seat = lead(play, port, "is behind a gateway")?;
    let standing = play.standing;
    let victim =
        standing.devices.iter().find(|other| other.id != seat.id && other.point == seat.point);
    let victim = victim.ok_or_else(|| {
        Failure::usage(
            format!("{} is alone behind its gateway", seat.id),
            "name another with --device",
        )
    })?;
    let bystander = bystander(play, &[seat, victim]);
    let probe = bystander.map(|other| play.probe(other, 5).map(|probe| (other, probe)));
    let (one, other) = (victim.ip.to_string(), seat.router.to_string());
    let lines = play.start(&seat.place, 20, &["claim", &one, &other])?.lines();
    let sent = lines.iter().find(|line| text(line, "event") == "sent");
    play.played.sent.push(Sent {
        device: seat.id.clone(),
        what: format!("ARP claims of {one} ({}) and {other} (its gateway)", victim.id),
        count: sent.map_or(0, |line| number(line, "packets")),
        bytes: sent.map_or(0, |line| number(line, "bytes")),
        ..Sent::default()
    });
    if sent.is_none() {
        play.played.findings.push(format!("{} could not send claims", seat.id));
    }
    let known = standing.call(&seat.point, "ip", &["neigh", "show"], "")?;
    let mac = seat.mac.to_string();
    let believed =
        known.lines().find(|line| line.starts_with(&format!("{one} ")) && line.contains(&mac));
    if let Some(line) = believed {
        play.played.findings.push(format!("{} believes it: {line}", seat.point));
    }
    // The victim is off now, and somebody on another port looks just like it.
    play.silent.push(IpAddr::V4(victim.ip));
    let (targets, disguise) =
        (targets(standing), Disguise::new(standing, seat, &victim.mac.to_string(), victim.ip)?);
    disguise.introduce()?;
    let mut args = vec!["reach", "--timeout-ms", "250"];
    args.extend(targets.iter().map(String::as_str));
    let lines = play.start(&seat.place, 30, &args)?.lines();
    drop(disguise);
    reached(play, seat, &format!("all of {}: its MAC and its IP address", victim.id), &lines);
    if let Some(probe) = probe {
        let (seat, probe) = probe?;
        play.probed(seat, probe, Bound::Lifelines);
    }
    Ok(())
}

/// A second device looks just like one that goes on working: first at another port of its gateway,
/// then in another segment.
pub(super) fn clone(play: &mut Play<'_>) -> Result<(), Failure> {
    let standing = play.standing;
    let lives = |seat: &Seat| {
        u32::from(seat.port.is_some() && seat.talks.iter().any(|talk| talk.is_lifeline))
    };
    let victim = lead(play, lives, "has a lifeline and is behind a gateway")?;
    let others = || standing.devices.iter().filter(|other| other.id != victim.id);
    let beside = others().find(|other| other.point == victim.point && other.port.is_some());
    let elsewhere = others().find(|other| other.segment != victim.segment);
    if beside.or(elsewhere).is_none() {
        return Err(Failure::usage(format!("{} is alone", victim.id), "build more devices"));
    }
    let probe = play.probe(victim, 8)?;
    let targets = targets(standing);
    for (seat, place) in [(beside, "another port of its gateway"), (elsewhere, "another segment")] {
        let Some(seat) = seat else { continue };
        let disguise = Disguise::new(standing, seat, &victim.mac.to_string(), victim.ip)?;
        disguise.introduce()?;
        let mut args = vec!["reach", "--timeout-ms", "250"];
        args.extend(targets.iter().map(String::as_str));
        let lines = play.start(&seat.place, 30, &args)?.lines();
        drop(disguise);
        reached(play, seat, &format!("a clone of {}, at {place}", victim.id), &lines);
        let answered = lines.iter().filter(|line| text(line, "event") == "answered").count();
        if answered > 0 {
            let finding = format!("a clone of {} was answered {answered} times", victim.id);
            play.played.findings.push(finding);
        }
    }
    // Whoever was there first notices nothing.
    play.probed(victim, probe, Bound::Everything);
    Ok(())
}
