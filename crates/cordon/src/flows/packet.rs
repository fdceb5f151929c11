//! What one captured frame says about the flow it belongs to.

use std::net::IpAddr;

use cordon_model::Mac;
use etherparse::{EtherType, Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket, LinkSlice};
use pcap_parser::Linktype;

/// Linux cooked capture v2; etherparse knows v1 only.
/// # Source
/// tcpdump.org `LINKTYPE_LINUX_SLL2`.
const SLL2: Linktype = Linktype(276);
const ARPHRD_ETHERNET: u16 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
const UDP_HEADER_BYTES: usize = 8;

/// The flags that say who opened a TCP connection and whether it ended.
/// # Source
/// RFC 9293 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TcpFlags {
    pub(super) syn: bool,
    pub(super) ack: bool,
    /// FIN or RST.
    pub(super) ends: bool,
}

/// Which datagram a fragment belongs to, and whether it is the first of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) identification: u32,
    pub(super) is_first: bool,
}

/// One IP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) ip_protocol: u8,
    /// Ports, or type and code of ICMP; none for other protocols and in later fragments.
    pub(super) ports: Option<(u16, u16)>,
    pub(super) flags: TcpFlags,
    /// Bytes of payload on the wire, also when the capture cut them off.
    pub(super) payload_bytes: u64,
    pub(super) src_mac: Option<Mac>,
    pub(super) dst_mac: Option<Mac>,
    pub(super) fragment: Option<Fragment>,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// An IP packet.
    Packet(Packet),
    /// Something else, for example ARP.
    NotIp,
    /// Headers that are cut off or make no sense.
    Damaged,
    /// A kind of link that is not read.
    UnknownLink,
}

/// Reads the headers of one frame.
pub(super) fn dissect(link: Linktype, data: &[u8]) -> Frame {
    match link {
        Linktype::ETHERNET => match LaxSlicedPacket::from_ethernet(data) {
            Ok(sliced) => network(&sliced, ethernet_macs(&sliced)),
            Err(_) => Frame::Damaged,
        },
        Linktype::LINUX_SLL => cooked(data, 14, 2, 4, 6, 16),
        SLL2 => cooked(data, 0, 8, 11, 12, 20),
        Linktype::NULL | Linktype::LOOP => raw(data.get(4..).unwrap_or_default()),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => raw(data),
        _ => Frame::UnknownLink,
    }
}

fn raw(data: &[u8]) -> Frame {
    match LaxSlicedPacket::from_ip(data) {
        Ok(sliced) => network(&sliced, (None, None)),
        Err(_) => Frame::Damaged,
    }
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    match data.get(at..at.checked_add(2)?)? {
        [high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// Reads a Linux cooked frame; the offsets tell its versions apart.
fn cooked(
    data: &[u8],
    protocol_at: usize,
    hardware_at: usize,
    length_at: usize,
    address_at: usize,
    payload_at: usize,
) -> Frame {
    let header = (be16(data, protocol_at), be16(data, hardware_at), data.get(payload_at..));
    let (Some(protocol), Some(hardware), Some(payload)) = header else {
        return Frame::Damaged;
    };
    let length = if payload_at == 20 {
        data.get(length_at).copied().map(u16::from)
    } else {
        be16(data, length_at)
    };
    let bytes = data.get(address_at..address_at + 6).and_then(|b| <[u8; 6]>::try_from(b).ok());
    let is_mac = hardware == ARPHRD_ETHERNET && length == Some(6);
    let sender = bytes.filter(|_| is_mac).and_then(|bytes| Mac::new(bytes).ok());
    network(&LaxSlicedPacket::from_ether_type(EtherType(protocol), payload), (sender, None))
}

fn ethernet_macs(sliced: &LaxSlicedPacket<'_>) -> (Option<Mac>, Option<Mac>) {
    match &sliced.link {
        Some(LinkSlice::Ethernet2(ethernet)) => {
            (Mac::new(ethernet.source()).ok(), Mac::new(ethernet.destination()).ok())
        }
        _ => (None, None),
    }
}

fn network(sliced: &LaxSlicedPacket<'_>, macs: (Option<Mac>, Option<Mac>)) -> Frame {
    let (src, dst, payload, declared, fragment) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let declared = usize::from(header.total_len())
                .saturating_sub(header.slice().len() + v4_extension_bytes(ip));
            let fragment = header.is_fragmenting_payload().then(|| Fragment {
                identification: u32::from(header.identification()),
                is_first: header.fragments_offset().value() == 0,
            });
            let (src, dst) = (header.source_addr().into(), header.destination_addr().into());
            (src, dst, ip.payload(), declared, fragment)
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let extensions = ip.extensions();
            let declared =
                usize::from(header.payload_length()).saturating_sub(extensions.slice().len());
            let fragment = extensions.clone().into_iter().find_map(v6_fragment);
            let (src, dst) = (header.source_addr().into(), header.destination_addr().into());
            (src, dst, ip.payload(), declared, fragment)
        }
        Some(LaxNetSlice::Arp(_)) => return Frame::NotIp,
        None if sliced.stop_err.is_some() => return Frame::Damaged,
        None => return Frame::NotIp,
    };
    let bytes = if payload.incomplete {
        declared.max(payload.payload.len())
    } else {
        payload.payload.len()
    };
    let packet = Packet {
        src,
        dst,
        ip_protocol: payload.ip_number.0,
        ports: None,
        flags: TcpFlags::default(),
        payload_bytes: u64::try_from(bytes).unwrap_or(0),
        src_mac: macs.0,
        dst_mac: macs.1,
        fragment,
    };
    if fragment.is_some_and(|fragment| !fragment.is_first) {
        return Frame::Packet(packet);
    }
    transport(packet, payload.payload, bytes)
}

fn v6_fragment(extension: Ipv6ExtensionSlice<'_>) -> Option<Fragment> {
    let Ipv6ExtensionSlice::Fragment(header) = extension else {
        return None;
    };
    header.is_fragmenting_payload().then(|| Fragment {
        identification: header.identification(),
        is_first: header.fragment_offset().value() == 0,
    })
}

fn v4_extension_bytes(ip: &etherparse::LaxIpv4Slice<'_>) -> usize {
    ip.extensions().auth.as_ref().map_or(0, |auth| auth.slice().len())
}

/// Reads ports and flags; a transport header that the capture cut off after the ports will do.
fn transport(mut packet: Packet, data: &[u8], bytes: usize) -> Frame {
    let header_bytes = match packet.ip_protocol {
        TCP | UDP => {
            let (Some(from), Some(to)) = (be16(data, 0), be16(data, 2)) else {
                return Frame::Damaged;
            };
            packet.ports = Some((from, to));
            if packet.ip_protocol == TCP { tcp(&mut packet, data) } else { UDP_HEADER_BYTES }
        }
        ICMP | ICMP_V6 => {
            let (Some(kind), Some(code)) = (data.first(), data.get(1)) else {
                return Frame::Damaged;
            };
            packet.ports = Some((u16::from(*kind), u16::from(*code)));
            UDP_HEADER_BYTES
        }
        _ => 0,
    };
    packet.payload_bytes = u64::try_from(bytes.saturating_sub(header_bytes)).unwrap_or(0);
    Frame::Packet(packet)
}

fn tcp(packet: &mut Packet, data: &[u8]) -> usize {
    let flags = data.get(13).copied().unwrap_or(0);
    packet.flags =
        TcpFlags { syn: flags & 0x02 != 0, ack: flags & 0x10 != 0, ends: flags & 0x05 != 0 };
    data.get(12).map_or(20, |offset| usize::from(offset >> 4) * 4).max(20)
}
