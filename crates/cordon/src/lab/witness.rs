//! What arrived, told by the kernel of the place where it arrived; and what points say they stopped.
//!
//! Invariant: nobody can reach a place without its witness seeing it: it counts before all else, and
//! whether anybody listens does not matter.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cordon_model::Direction;
use serde::Serialize;
use serde_json::Value;

use super::machine::call;
use super::{Seat, Standing};
use crate::outcome::Failure;

/// The witness: who sent what to whom, in the direction in which conversations were opened.
const TABLE: &str = "table inet cordon_lab_witness {
    set seen {
        type ipv4_addr . ipv4_addr . inet_proto . inet_service
        size 65535
        flags dynamic
        counter
    }
    set other {
        type ipv4_addr . ipv4_addr . inet_proto
        size 4096
        flags dynamic
        counter
    }
    chain watch {
        type filter hook prerouting priority -150; policy accept;
        iifname \"lo\" return
        ct direction reply return
        meta l4proto { tcp, udp } update @seen { ip saddr . ip daddr . meta l4proto . th dport } return
        meta l4proto icmp ct state related return
        update @other { ip saddr . ip daddr . meta l4proto }
    }
}
";

/// What came to a place from one sender.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Arrival {
    /// Where.
    pub(crate) place: String,
    /// From whom.
    pub(crate) from: IpAddr,
    /// To which address.
    pub(crate) to: IpAddr,
    /// `tcp`, `udp`, or the number of another.
    pub(crate) transport: String,
    /// To which port.
    pub(crate) port: u16,
    /// How often.
    pub(crate) packets: u64,
    /// How much, heads included.
    pub(crate) bytes: u64,
}

/// What a counter of a point says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Blocked {
    /// The point.
    pub(crate) point: String,
    /// The counter: `inet cordon_policy denied`.
    pub(crate) rule: String,
    /// How often.
    pub(crate) packets: u64,
    /// How much, heads included.
    pub(crate) bytes: u64,
}

/// The counters of all points, by point and name: packets and bytes.
pub(crate) type Counters = BTreeMap<(String, String), (u64, u64)>;

impl Standing {
    /// Gives the places where something can arrive.
    fn ends(&self) -> impl Iterator<Item = &str> {
        let hosts = self.hosts.iter().map(|host| host.place.as_str());
        let devices = self.devices.iter().map(|seat| seat.place.as_str());
        hosts.chain(devices).chain([super::INTERNET])
    }

    /// Puts a witness into every place where something can arrive.
    pub(crate) fn watch(&self) -> Result<(), Failure> {
        for place in self.ends() {
            self.call(place, "nft", &["-f", "-"], TABLE)?;
        }
        Ok(())
    }

    /// Lets the witnesses forget.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        let text =
            "flush set inet cordon_lab_witness seen\nflush set inet cordon_lab_witness other\n";
        for place in self.ends() {
            self.call(place, "nft", &["-f", "-"], text)?;
        }
        Ok(())
    }

    /// Asks all witnesses.
    pub(crate) fn arrivals(&self) -> Result<Vec<Arrival>, Failure> {
        let mut arrivals = Vec::new();
        for place in self.ends() {
            let args = ["-j", "list", "table", "inet", "cordon_lab_witness"];
            arrivals.extend(read_arrivals(place, &json(&self.call(place, "nft", &args, "")?)?));
        }
        arrivals.sort();
        Ok(arrivals)
    }

    /// Reads the counters of every point.
    pub(crate) fn counters(&self) -> Result<Counters, Failure> {
        let mut counters = Counters::new();
        for post in &self.points {
            counters.extend(self.counters_of(&post.place)?);
        }
        Ok(counters)
    }

    /// Reads the counters of a point.
    pub(crate) fn counters_of(&self, place: &str) -> Result<Counters, Failure> {
        let namespace = self.namespace(place);
        let args = ["netns", "exec", &namespace, "nft", "-j", "list", "counters"];
        let listed = json(&call("ip", &args, "")?)?;
        let objects = listed.get("nftables").and_then(Value::as_array).into_iter().flatten();
        let counters = objects.filter_map(|object| object.get("counter")).filter_map(|counter| {
            let text = |field: &str| counter.get(field).and_then(Value::as_str);
            let number = |field: &str| counter.get(field).and_then(Value::as_u64);
            let rule = format!("{} {} {}", text("family")?, text("table")?, text("name")?);
            Some(((place.to_owned(), rule), (number("packets")?, number("bytes")?)))
        });
        Ok(counters.collect())
    }
}

fn json(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::config(format!("`nft -j` said what is no JSON: {error}"), "use nftables 1.0.6")
    })
}

fn read_arrivals(place: &str, listed: &Value) -> Vec<Arrival> {
    let objects = listed.get("nftables").and_then(Value::as_array).into_iter().flatten();
    let sets = objects.filter_map(|object| object.get("set"));
    let elements = sets.filter_map(|set| set.get("elem")).filter_map(Value::as_array).flatten();
    let arrivals = elements.filter_map(|element| {
        let element = element.get("elem")?;
        let parts = element.pointer("/val/concat")?.as_array()?;
        let part = |number: usize| {
            let part = parts.get(number)?;
            Some(part.as_str().map_or_else(|| part.to_string(), str::to_owned))
        };
        let counter =
            |field: &str| element.pointer(&format!("/counter/{field}")).and_then(Value::as_u64);
        Some(Arrival {
            place: place.to_owned(),
            from: part(0)?.parse().ok()?,
            to: part(1)?.parse().ok()?,
            transport: part(2)?,
            port: part(3).and_then(|port| port.parse().ok()).unwrap_or(0),
            packets: counter("packets")?,
            bytes: counter("bytes")?,
        })
    });
    arrivals.collect()
}

/// Gives what the counters grew by.
pub(crate) fn grown(before: &Counters, after: &Counters) -> Vec<Blocked> {
    let rows = after.iter().filter_map(|(key, (packets, bytes))| {
        let (packets_before, bytes_before) = before.get(key).copied().unwrap_or((0, 0));
        // A counter that went back belongs to a table that was loaded anew.
        let since = |now: u64, was: u64| if now >= was { now - was } else { now };
        let blocked = Blocked {
            point: key.0.clone(),
            rule: key.1.clone(),
            packets: since(*packets, packets_before),
            bytes: since(*bytes, bytes_before),
        };
        (blocked.packets > 0).then_some(blocked)
    });
    rows.collect()
}

/// Says whether something may arrive: a device has a flow like that.
pub(crate) fn may(devices: &[Seat], arrival: &Arrival) -> bool {
    devices.iter().any(|seat| {
        seat.talks.iter().any(|talk| {
            let ends = match talk.direction {
                Direction::Out => (IpAddr::V4(seat.ip), talk.peer),
                Direction::In => (talk.peer, IpAddr::V4(seat.ip)),
            };
            ends == (arrival.from, arrival.to)
                && talk.transport.name() == arrival.transport
                && talk.port == arrival.port
        })
    })
}
