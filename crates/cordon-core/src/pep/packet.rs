//! One packet as the kernel logs it: network header first, no link header, perhaps cut off.
//!
//! Reading never fails: what cannot be read is absent, because a packet that was stopped is
//! evidence whatever it holds.
//!
//! Invariant: the work is bounded by the bytes; text out of a packet is lent, never kept.
//! Source: RFC 791; RFC 8200; RFC 826; RFC 2132.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cordon_model::{Label, Mac, Transport};
use cordon_wire::tls::{self, Carrier, Ja4};

/// Extension headers that are followed; more than any honest packet has.
/// # Source
/// RFC 8200 §4.1.
const EXTENSIONS_MAX: usize = 8;
/// Options of DHCP that are looked at.
const DHCP_OPTIONS_MAX: usize = 64;
/// The fixed part of a DHCP message, with the magic number.
/// # Units
/// Bytes.
/// # Source
/// RFC 2131 §2; RFC 2132 §2.
const DHCP_FIXED: usize = 240;
/// The magic number before the options.
/// # Source
/// RFC 2132 §2.
const DHCP_MAGIC: [u8; 4] = [99, 130, 83, 99];
/// The DHCP option that lists what a client asks for.
/// # Source
/// RFC 2132 §9.8.
const PARAMETERS: u8 = 55;
/// The first byte of a TLS handshake record.
/// # Source
/// RFC 8446 §5.1.
const TLS_HANDSHAKE: u8 = 22;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// The tables that log packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// A packet of IPv4 or IPv6.
    Inet,
    /// A packet of ARP.
    Arp,
}

/// What a DHCP message says of its sender.
/// # Source
/// RFC 2132 §9.8. Options 12 and 60 are free text, and are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dhcp<'a> {
    /// Option 55, in the order of the client: its fingerprint.
    pub parameters: &'a [u8],
}

impl Dhcp<'_> {
    /// Gives the list of parameters that the client asks for, as far as a label has room.
    /// # Shape
    /// `1-3-6-15`
    #[must_use]
    pub fn fingerprint(&self) -> Option<Label> {
        let mut text = String::new();
        for code in self.parameters {
            let dash = if text.is_empty() { "" } else { "-" };
            let next = format!("{dash}{code}");
            if text.len() + next.len() > cordon_model::id::ID_BYTES_MAX {
                break;
            }
            text.push_str(&next);
        }
        Label::new(&text).ok()
    }
}

/// A packet, as far as it could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Packet<'a> {
    /// The sender's address; of ARP the one that it claims.
    pub src: Option<IpAddr>,
    /// The receiver's address; of ARP the one that it asks for or answers.
    pub dst: Option<IpAddr>,
    /// The sender's port; absent in later fragments.
    pub src_port: Option<u16>,
    /// The receiver's port.
    pub dst_port: Option<u16>,
    /// TCP or UDP, if it is either.
    pub transport: Option<Transport>,
    /// Type and code of ICMP or ICMPv6.
    pub icmp: Option<(u8, u8)>,
    /// The MAC address that an ARP packet claims.
    pub claimed_mac: Option<Mac>,
    /// Time to live, or hop limit.
    pub ttl: Option<u8>,
    /// Its length on the wire without the link header, as its header tells; else as it was logged.
    /// # Units
    /// Bytes.
    pub bytes: u64,
    /// What it says in DHCP.
    pub dhcp: Option<Dhcp<'a>>,
    /// The fingerprint of the ClientHello that it holds.
    pub ja4: Option<Ja4>,
}

impl<'a> Packet<'a> {
    /// Reads a packet.
    #[must_use]
    pub fn read(family: Family, bytes: &'a [u8]) -> Self {
        let logged = Self { bytes: count(bytes), ..Self::default() };
        let read = match (family, bytes.first().map(|first| first >> 4)) {
            (Family::Arp, _) => arp(logged, bytes),
            (Family::Inet, Some(4)) => v4(logged, bytes),
            (Family::Inet, Some(6)) => v6(logged, bytes),
            (Family::Inet, _) => None,
        };
        read.unwrap_or(logged)
    }

    /// Says whether it answers as a DHCP server or relay does.
    /// # Source
    /// RFC 2131 §4.1; RFC 8415 §7.2.
    #[must_use]
    pub fn is_from_dhcp_server(&self) -> bool {
        self.transport == Some(Transport::Udp) && matches!(self.src_port, Some(67 | 547))
    }

    /// Says whether it speaks as a router: an advertisement or a redirect.
    /// # Source
    /// RFC 4861 §4.2, §4.5.
    #[must_use]
    pub fn is_from_router(&self) -> bool {
        let is_v6 = self.src.is_some_and(|address| address.is_ipv6());
        is_v6 && matches!(self.icmp, Some((134 | 137, _)))
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_be_bytes(*two))
}

fn address4(bytes: &[u8], at: usize) -> Option<IpAddr> {
    bytes.get(at..)?.first_chunk::<4>().map(|four| IpAddr::V4(Ipv4Addr::from(*four)))
}

fn address6(bytes: &[u8], at: usize) -> Option<IpAddr> {
    bytes.get(at..)?.first_chunk::<16>().map(|all| IpAddr::V6(Ipv6Addr::from(*all)))
}

/// Reads ARP for IPv4 over Ethernet.
fn arp<'a>(logged: Packet<'a>, bytes: &'a [u8]) -> Option<Packet<'a>> {
    // Hardware Ethernet, protocol IPv4, lengths 6 and 4 (RFC 826).
    if bytes.get(..6)? != [0, 1, 8, 0, 6, 4] {
        return Some(logged);
    }
    let sender = bytes.get(8..).and_then(|rest| rest.first_chunk::<6>().copied());
    Some(Packet {
        claimed_mac: sender.and_then(|mac| Mac::new(mac).ok()),
        src: address4(bytes, 14),
        dst: address4(bytes, 24),
        ..logged
    })
}

fn v4<'a>(logged: Packet<'a>, bytes: &'a [u8]) -> Option<Packet<'a>> {
    let header = usize::from(*bytes.first()? & 0x0f) * 4;
    let packet = Packet {
        src: Some(address4(bytes, 12)?),
        dst: Some(address4(bytes, 16)?),
        ttl: bytes.get(8).copied(),
        bytes: be16(bytes, 2).map(u64::from).filter(|length| *length > 0).unwrap_or(logged.bytes),
        ..logged
    };
    let is_later_fragment = be16(bytes, 6)? & 0x1fff != 0;
    if header < 20 || is_later_fragment {
        return Some(packet);
    }
    let protocol = *bytes.get(9)?;
    Some(transport(packet, protocol, bytes.get(header..).unwrap_or_default()))
}

fn v6<'a>(logged: Packet<'a>, bytes: &'a [u8]) -> Option<Packet<'a>> {
    let packet = Packet {
        src: Some(address6(bytes, 8)?),
        dst: Some(address6(bytes, 24)?),
        ttl: bytes.get(7).copied(),
        bytes: u64::from(be16(bytes, 4)?).saturating_add(40),
        ..logged
    };
    let mut next = *bytes.get(6)?;
    let mut rest = bytes.get(40..).unwrap_or_default();
    for _ in 0..EXTENSIONS_MAX {
        // Hop-by-hop, routing, destination options; fragment; authentication (RFC 8200 §4).
        let length = match (next, rest) {
            (0 | 43 | 60, [_, length, ..]) => (usize::from(*length) + 1) * 8,
            (44, [_, _, high, low, ..]) => {
                if u16::from_be_bytes([*high, *low]) & 0xfff8 != 0 {
                    return Some(packet);
                }
                8
            }
            (51, [_, length, ..]) => (usize::from(*length) + 2) * 4,
            (protocol, _) => return Some(transport(packet, protocol, rest)),
        };
        let (Some(following), Some(behind)) = (rest.first(), rest.get(length..)) else {
            return Some(packet);
        };
        (next, rest) = (*following, behind);
    }
    Some(packet)
}

fn transport<'a>(packet: Packet<'a>, protocol: u8, bytes: &'a [u8]) -> Packet<'a> {
    match protocol {
        TCP | UDP => {
            let (src_port, dst_port) = (be16(bytes, 0), be16(bytes, 2));
            let ports = Packet { src_port, dst_port, ..packet };
            if protocol == TCP {
                let header = bytes.get(12).map_or(20, |at| usize::from(at >> 4) * 4).max(20);
                let ja4 = bytes.get(header..).and_then(hello);
                Packet { transport: Some(Transport::Tcp), ja4, ..ports }
            } else {
                let is_dhcp = matches!((src_port, dst_port), (Some(67 | 68), Some(67 | 68)));
                let dhcp = bytes.get(8..).filter(|_| is_dhcp).and_then(dhcp);
                Packet { transport: Some(Transport::Udp), dhcp, ..ports }
            }
        }
        ICMP | ICMP_V6 => {
            Packet { icmp: bytes.first().copied().zip(bytes.get(1).copied()), ..packet }
        }
        _ => packet,
    }
}

/// Takes the fingerprint of a ClientHello that stands whole in one segment.
fn hello(payload: &[u8]) -> Option<Ja4> {
    if payload.first() != Some(&TLS_HANDSHAKE) {
        return None;
    }
    let mut found = None;
    tls::Reader::new().feed(payload, &mut |unit| {
        found = unit.value.ok().map(|hello| tls::ja4(&hello, Carrier::Tcp));
    });
    found
}

fn dhcp(message: &[u8]) -> Option<Dhcp<'_>> {
    let (fixed, mut options) = message.split_at_checked(DHCP_FIXED)?;
    if !fixed.ends_with(&DHCP_MAGIC) {
        return None;
    }
    let mut said = Dhcp::default();
    for _ in 0..DHCP_OPTIONS_MAX {
        // Padding has no length, and 255 ends the list (RFC 2132 §3.1, §3.2).
        let (code, rest) = options.split_first()?;
        match code {
            0 => {
                options = rest;
                continue;
            }
            255 => break,
            _ => {}
        }
        let Some((length, rest)) = rest.split_first() else { break };
        let Some((value, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        if *code == PARAMETERS {
            said.parameters = value;
        }
        if rest.is_empty() {
            break;
        }
        options = rest;
    }
    Some(said)
}

#[cfg(test)]
mod tests;
