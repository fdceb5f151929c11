//! Tells which connections begin, go on and end, with what they carried, from the kernel's table.
//!
//! The table is read as a whole and compared with what was there before. Events of the kernel are
//! not used: it tells late of ended connections unless somebody reads the table, and no connection
//! leaves the table within a second of its end.
//!
//! Source: Linux `include/uapi/linux/netfilter/nfnetlink_conntrack.h`.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_netfilter::conntrack::ConntrackMessage;
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};

use super::netlink::{Netlink, NetlinkError, attribute, be16, be32, be64, netfilter};

/// How many connections are watched, if nobody says otherwise.
pub const FLOWS_MAX: usize = 65_536;

/// A connection, named as whoever opened it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// Who opened it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// The IP protocol number.
    pub protocol: u8,
    /// The port of who opened it; 0 where the protocol has none.
    pub source_port: u16,
    /// The port that it was opened to.
    pub destination_port: u16,
}

/// What a connection carried, with IP headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Packets of who opened it.
    pub packets_asked: u64,
    /// Bytes of who opened it.
    pub bytes_asked: u64,
    /// Packets of the other side.
    pub packets_answered: u64,
    /// Bytes of the other side.
    pub bytes_answered: u64,
}

/// A connection of the kernel's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Its name.
    pub tuple: Tuple,
    /// What the kernel calls it; another connection of the same name has another one.
    pub id: u32,
    /// Its conntrack mark, see [`cordon_model::nft::PROXIED_MARK`].
    pub mark: u32,
    /// What it carried up to now.
    pub carried: Carried,
    /// When it began, since 1970, if the kernel keeps that.
    pub began: Option<Duration>,
    /// Whether a TCP connection is closed, though the kernel still remembers it.
    closed: bool,
}

/// What became of a connection since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was not there before.
    Start,
    /// It carried something.
    Update,
    /// It is closed or gone; it carried at least what is told here.
    End,
}

/// A look at the kernel's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Connections that the kernel has, of those asked for.
    pub connections: usize,
    /// Connections that were not watched because the limit was reached.
    pub overflow: usize,
}

/// A watcher of the kernel's connections.
#[derive(Debug)]
pub struct Flows {
    netlink: Netlink,
    table: Table,
}

impl Flows {
    /// Makes a watcher of at most `flows_max` connections.
    /// # Errors
    /// What the kernel says when it gives no netlink socket.
    pub fn open(flows_max: usize) -> io::Result<Self> {
        let netlink = Netlink::open(Duration::from_secs(5))?;
        Ok(Self { netlink, table: Table { flows_max, ..Table::default() } })
    }

    /// Looks at the table once and tells what changed, of the connections that `wanted` names.
    ///
    /// A look at 20,000 connections takes a tenth of a second: call it in a thread of its own,
    /// about once a second.
    /// # Errors
    /// [`NetlinkError`]; what was told before stays valid, and the next look goes on from there.
    pub fn look(
        &mut self,
        wanted: impl Fn(&Tuple) -> bool,
        tell: &mut impl FnMut(Seen, &Flow),
    ) -> Result<Look, NetlinkError> {
        let Self { netlink, table } = self;
        let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, 0);
        let message = NetfilterMessage::new(header, ConntrackMessage::Get(Vec::new()));
        table.begin();
        netlink.ask(NLM_F_DUMP, message, |payload| {
            if let Some(flow) = parse(payload).filter(|flow| wanted(&flow.tuple)) {
                table.see(flow, tell);
            }
        })?;
        Ok(table.end(tell))
    }
}

/// The connections of the last look.
#[derive(Debug, Default)]
struct Table {
    flows: BTreeMap<Tuple, (Flow, u64)>,
    flows_max: usize,
    round: u64,
    look: Look,
}

impl Table {
    fn begin(&mut self) {
        self.round = self.round.wrapping_add(1);
        self.look = Look::default();
    }

    fn see(&mut self, flow: Flow, tell: &mut impl FnMut(Seen, &Flow)) {
        self.look.connections += 1;
        let round = self.round;
        if let Some((known, seen)) = self.flows.get_mut(&flow.tuple) {
            *seen = round;
            let before = std::mem::replace(known, flow);
            if before.id != flow.id {
                if !before.closed {
                    tell(Seen::End, &before);
                }
                tell(Seen::Start, &flow);
            } else if before.carried != flow.carried && !before.closed && !flow.closed {
                tell(Seen::Update, &flow);
            }
            if flow.closed && (before.id != flow.id || !before.closed) {
                tell(Seen::End, &flow);
            }
        } else if self.flows.len() < self.flows_max {
            self.flows.insert(flow.tuple, (flow, round));
            tell(Seen::Start, &flow);
            if flow.closed {
                tell(Seen::End, &flow);
            }
        } else {
            self.look.overflow += 1;
        }
    }

    fn end(&mut self, tell: &mut impl FnMut(Seen, &Flow)) -> Look {
        let round = self.round;
        self.flows.retain(|_, (flow, seen)| {
            let here = *seen == round;
            if !here && !flow.closed {
                tell(Seen::End, flow);
            }
            here
        });
        self.look
    }
}

/// Reads one connection; the attributes are those of `ctattr_type`.
fn parse(payload: &[u8]) -> Option<Flow> {
    let (_, _, rest) = netfilter(payload)?;
    let tuple = tuple(attribute(rest, 1)?)?;
    let (packets_asked, bytes_asked) = counters(attribute(rest, 9));
    let (packets_answered, bytes_answered) = counters(attribute(rest, 10));
    let began = attribute(rest, 20).and_then(|times| attribute(times, 1)).and_then(be64);
    // TIME_WAIT and CLOSE of `nf_conntrack_tcp_common.h`.
    let tcp_state = attribute(rest, 4)
        .and_then(|info| attribute(info, 1))
        .and_then(|tcp| attribute(tcp, 1))
        .and_then(|state| state.first().copied());
    Some(Flow {
        tuple,
        id: attribute(rest, 12).and_then(be32).unwrap_or(0),
        mark: attribute(rest, 8).and_then(be32).unwrap_or(0),
        carried: Carried { packets_asked, bytes_asked, packets_answered, bytes_answered },
        began: began.map(Duration::from_nanos),
        closed: matches!(tcp_state, Some(7 | 8)),
    })
}

fn tuple(bytes: &[u8]) -> Option<Tuple> {
    let (ip, proto) = (attribute(bytes, 1)?, attribute(bytes, 2)?);
    let v4 = |kind| {
        let octets: [u8; 4] = *attribute(ip, kind)?.first_chunk()?;
        Some(IpAddr::V4(Ipv4Addr::from(octets)))
    };
    let v6 = |kind| {
        let octets: [u8; 16] = *attribute(ip, kind)?.first_chunk()?;
        Some(IpAddr::V6(Ipv6Addr::from(octets)))
    };
    Some(Tuple {
        source: v4(1).or_else(|| v6(3))?,
        destination: v4(2).or_else(|| v6(4))?,
        protocol: *attribute(proto, 1)?.first()?,
        source_port: attribute(proto, 2).and_then(be16).unwrap_or(0),
        destination_port: attribute(proto, 3).and_then(be16).unwrap_or(0),
    })
}

fn counters(bytes: Option<&[u8]>) -> (u64, u64) {
    let one = |kind| bytes.and_then(|b| attribute(b, kind)).and_then(be64).unwrap_or(0);
    (one(1), one(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16, id: u32, bytes: u64, closed: bool) -> Flow {
        let tuple = Tuple {
            source: Ipv4Addr::new(10, 1, 0, 12).into(),
            destination: Ipv4Addr::new(10, 9, 0, 6).into(),
            protocol: 6,
            source_port: port,
            destination_port: 443,
        };
        let carried = Carried { bytes_asked: bytes, ..Carried::default() };
        Flow { tuple, id, mark: 0, carried, began: None, closed }
    }

    /// Looks once and gives what is told, as text.
    fn look(table: &mut Table, there: &[Flow]) -> (Vec<String>, Look) {
        let mut told = Vec::new();
        let mut tell = |seen: Seen, flow: &Flow| {
            told.push(format!("{seen:?} {} {}", flow.tuple.source_port, flow.carried.bytes_asked));
        };
        table.begin();
        for flow in there {
            table.see(*flow, &mut tell);
        }
        let look = table.end(&mut tell);
        (told, look)
    }

    #[test]
    fn a_connection_starts_goes_on_and_ends_once() {
        let mut table = Table { flows_max: 10, ..Table::default() };
        // What the kernel has, what is told of it.
        let rounds: [(Vec<Flow>, &[&str]); 8] = [
            (vec![flow(1, 1, 10, false)], &["Start 1 10"]),
            (vec![flow(1, 1, 10, false)], &[]),
            (vec![flow(1, 1, 20, false)], &["Update 1 20"]),
            (vec![flow(1, 1, 30, true)], &["End 1 30"]),
            (vec![flow(1, 1, 30, true)], &[]),
            (vec![flow(1, 2, 5, false)], &["Start 1 5"]),
            (
                vec![flow(1, 3, 6, false), flow(2, 4, 1, true)],
                &["End 1 5", "Start 1 6", "Start 2 1", "End 2 1"],
            ),
            (vec![], &["End 1 6"]),
        ];
        for (round, (there, wanted)) in rounds.into_iter().enumerate() {
            assert_eq!(look(&mut table, &there).0, wanted, "round {round}");
        }
        assert!(table.flows.is_empty());
    }

    #[test]
    fn what_is_beyond_the_limit_is_counted() {
        let mut table = Table { flows_max: 1, ..Table::default() };
        let there = [flow(1, 1, 0, false), flow(2, 2, 0, false), flow(3, 3, 0, false)];
        let (told, seen) = look(&mut table, &there);
        assert_eq!(told, ["Start 1 0"]);
        assert_eq!(seen, Look { connections: 3, overflow: 2 });
    }
}
