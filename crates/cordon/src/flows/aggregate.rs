//! Gathers packets into flows: who opened each, and how much went either way.

use std::collections::HashMap;
use std::net::IpAddr;

use cordon_model::Transport;

use super::packet::Packet;
use super::{Carrier, FlowRecord, RECORDS_MAX};

/// A TCP connection that was quiet for longer and opens anew is another connection.
/// # Source
/// Zeek `tcp_inactivity_timeout`.
const TCP_IDLE_S_MAX: f64 = 300.0;
/// Packets of another protocol after a longer pause are another flow.
/// # Source
/// Zeek `udp_inactivity_timeout`, `icmp_inactivity_timeout`.
const OTHER_IDLE_S_MAX: f64 = 60.0;
/// Datagrams whose later fragments are awaited at one time.
const DATAGRAMS_MAX: usize = 4_096;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// Protocol and both ends, the lower one first, so that either direction finds the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    ip_protocol: u8,
    low: (IpAddr, u16),
    high: (IpAddr, u16),
}

#[derive(Debug, Clone, Copy)]
struct Open {
    record: usize,
    last_s: f64,
    opener_is_known: bool,
    is_ending: bool,
}

/// The flows seen so far, in the order of their first packets.
#[derive(Debug, Default)]
pub(super) struct Flows {
    pub(super) records: Vec<FlowRecord>,
    open: HashMap<Key, Open>,
    datagrams: HashMap<(IpAddr, IpAddr, u8, u32), usize>,
    /// Fragments whose first one was not seen.
    pub(super) orphans: usize,
    /// TCP connections that nobody was seen to open.
    pub(super) unopened: usize,
    /// Whether awaited datagrams were given up because there were too many.
    pub(super) gave_up_datagrams: bool,
}

/// Says that there are more than [`RECORDS_MAX`] flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

impl Flows {
    /// Counts a packet to its flow.
    pub(super) fn observe(
        &mut self,
        packet: &Packet<'_>,
        ts_s: f64,
        frame: usize,
    ) -> Result<(), TooMany> {
        let datagram =
            packet.fragment.map(|f| (packet.src, packet.dst, packet.ip_protocol, f.identification));
        if packet.fragment.is_some_and(|fragment| !fragment.is_first()) {
            let record = datagram.and_then(|datagram| self.datagrams.get(&datagram).copied());
            match record {
                Some(record) => self.count(record, packet),
                None => self.orphans += 1,
            }
            return Ok(());
        }
        let record = self.flow_of(packet, ts_s, frame)?;
        self.count(record, packet);
        if let Some(datagram) = datagram {
            if self.datagrams.len() >= DATAGRAMS_MAX {
                self.datagrams.clear();
                self.gave_up_datagrams = true;
            }
            self.datagrams.insert(datagram, record);
        }
        Ok(())
    }

    fn flow_of(&mut self, packet: &Packet<'_>, ts_s: f64, frame: usize) -> Result<usize, TooMany> {
        let is_tcp = packet.ip_protocol == TCP;
        let opens = is_tcp && packet.flags.syn && !packet.flags.ack;
        let answers = is_tcp && packet.flags.syn && packet.flags.ack;
        let key = key(packet);
        let known = self.open.get(&key).copied().filter(|open| {
            let idle_s = ts_s - open.last_s;
            let is_anew = opens && (open.is_ending || idle_s > TCP_IDLE_S_MAX);
            if is_tcp { !is_anew } else { idle_s <= OTHER_IDLE_S_MAX }
        });
        let mut open = match known {
            Some(open) => open,
            None => self.begin(packet, ts_s, frame)?,
        };
        if (opens || answers) && !open.opener_is_known {
            let opener =
                if opens { (packet.src, ports(packet).0) } else { (packet.dst, ports(packet).1) };
            open.opener_is_known = true;
            self.unopened = self.unopened.saturating_sub(1);
            self.set_opener(open.record, opener);
        }
        open.last_s = ts_s;
        open.is_ending |= is_tcp && packet.flags.ends();
        let record = open.record;
        self.open.insert(key, open);
        Ok(record)
    }

    fn begin(&mut self, packet: &Packet<'_>, ts_s: f64, frame: usize) -> Result<Open, TooMany> {
        if self.records.len() >= RECORDS_MAX {
            return Err(TooMany);
        }
        self.unopened += usize::from(packet.ip_protocol == TCP);
        let (sport, dport) = packet.ports.unwrap_or((0, 0));
        self.records.push(FlowRecord {
            ts_s,
            src: packet.src,
            sport,
            dst: packet.dst,
            dport,
            transport: carrier(packet.ip_protocol),
            protocol_hint: None,
            bytes_up: 0,
            bytes_down: 0,
            src_mac: packet.src_mac,
            dst_mac: packet.dst_mac,
            line_or_frame: frame,
        });
        let record = self.records.len() - 1;
        Ok(Open { record, last_s: ts_s, opener_is_known: false, is_ending: false })
    }

    fn set_opener(&mut self, record: usize, opener: (IpAddr, u16)) {
        let Some(record) = self.records.get_mut(record) else {
            return;
        };
        if (record.src, record.sport) == opener {
            return;
        }
        std::mem::swap(&mut record.src, &mut record.dst);
        std::mem::swap(&mut record.sport, &mut record.dport);
        std::mem::swap(&mut record.bytes_up, &mut record.bytes_down);
        std::mem::swap(&mut record.src_mac, &mut record.dst_mac);
    }

    fn count(&mut self, record: usize, packet: &Packet<'_>) {
        let Some(record) = self.records.get_mut(record) else {
            return;
        };
        let same_ports = packet
            .ports
            .is_none_or(|(from, _)| record.transport.transport().is_none() || from == record.sport);
        let (bytes, mac) = if packet.src == record.src && same_ports {
            (&mut record.bytes_up, &mut record.src_mac)
        } else {
            (&mut record.bytes_down, &mut record.dst_mac)
        };
        *bytes = bytes.saturating_add(packet.payload_bytes);
        if mac.is_none() {
            *mac = packet.src_mac;
        }
    }
}

fn ports(packet: &Packet<'_>) -> (u16, u16) {
    match packet.ip_protocol {
        TCP | UDP => packet.ports.unwrap_or((0, 0)),
        _ => (0, 0),
    }
}

fn key(packet: &Packet<'_>) -> Key {
    let (sport, dport) = ports(packet);
    let (from, to) = ((packet.src, sport), (packet.dst, dport));
    let (low, high) = if from <= to { (from, to) } else { (to, from) };
    Key { ip_protocol: packet.ip_protocol, low, high }
}

/// Names what carries a flow as Zeek does.
fn carrier(ip_protocol: u8) -> Carrier {
    match ip_protocol {
        TCP => Carrier::Ports(Transport::Tcp),
        UDP => Carrier::Ports(Transport::Udp),
        ICMP | ICMP_V6 => Carrier::Other("icmp".to_owned()),
        2 => Carrier::Other("igmp".to_owned()),
        47 => Carrier::Other("gre".to_owned()),
        50 => Carrier::Other("esp".to_owned()),
        132 => Carrier::Other("sctp".to_owned()),
        number => Carrier::Other(format!("ip-protocol-{number}")),
    }
}
