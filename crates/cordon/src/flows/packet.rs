//! What one captured frame holds: addresses, ports, and the payload of the transport protocol.

use std::net::IpAddr;

use cordon_model::Mac;
use etherparse::{EtherType, Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket, LinkSlice};
use pcap_parser::Linktype;

/// Linux cooked capture v2; etherparse knows v1 only.
/// # Source
/// tcpdump.org `LINKTYPE_LINUX_SLL2`.
const SLL2: Linktype = Linktype(276);
const ARPHRD_ETHERNET: u16 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
const UDP_HEADER_BYTES: usize = 8;

/// The flags that say who opened a TCP connection and whether it ended.
/// # Source
/// RFC 9293 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TcpFlags {
    pub(crate) syn: bool,
    pub(crate) ack: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
}

impl TcpFlags {
    /// Says whether somebody ends the connection.
    pub(super) fn ends(self) -> bool {
        self.fin || self.rst
    }
}

/// The numbers of a TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TcpNumbers {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
}

/// Which datagram a fragment belongs to, and where it stands there.
/// # Units
/// `offset`: bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) identification: u32,
    pub(crate) offset: u32,
    pub(crate) more: bool,
}

impl Fragment {
    /// Says whether it is the first of its datagram.
    pub(super) fn is_first(self) -> bool {
        self.offset == 0
    }
}

/// One IP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) ip_protocol: u8,
    /// Ports, or type and code of ICMP; none for other protocols and in later fragments.
    pub(crate) ports: Option<(u16, u16)>,
    pub(crate) flags: TcpFlags,
    /// None where there is no TCP header, or not enough of it was captured.
    pub(crate) numbers: Option<TcpNumbers>,
    /// Bytes of payload on the wire, also when the capture cut them off.
    pub(crate) payload_bytes: u64,
    /// The payload of the transport protocol, as far as it was captured; of a fragment its bytes,
    /// headers included.
    pub(crate) payload: &'a [u8],
    /// Whether the capture cut bytes off.
    pub(crate) is_cut: bool,
    pub(crate) src_mac: Option<Mac>,
    pub(crate) dst_mac: Option<Mac>,
    pub(crate) fragment: Option<Fragment>,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// An IP packet.
    Packet(Packet<'a>),
    /// Something else, for example ARP.
    NotIp,
    /// Headers that are cut off or make no sense.
    Damaged,
    /// A kind of link that is not read.
    UnknownLink,
}

/// Reads the headers of one frame.
pub(crate) fn dissect(link: Linktype, data: &[u8]) -> Frame<'_> {
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

fn raw(data: &[u8]) -> Frame<'_> {
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
) -> Frame<'_> {
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

fn network<'a>(sliced: &LaxSlicedPacket<'a>, macs: (Option<Mac>, Option<Mac>)) -> Frame<'a> {
    let (src, dst, payload, declared, fragment) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let declared = usize::from(header.total_len())
                .saturating_sub(header.slice().len() + v4_extension_bytes(ip));
            let fragment = header.is_fragmenting_payload().then(|| Fragment {
                identification: u32::from(header.identification()),
                offset: u32::from(header.fragments_offset().byte_offset()),
                more: header.more_fragments(),
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
        numbers: None,
        payload_bytes: u64::try_from(bytes).unwrap_or(0),
        payload: payload.payload,
        is_cut: payload.incomplete,
        src_mac: macs.0,
        dst_mac: macs.1,
        fragment,
    };
    match fragment {
        Some(fragment) if !fragment.is_first() => Frame::Packet(packet),
        Some(_) => match transport(packet, payload.payload, bytes) {
            Frame::Packet(first) => Frame::Packet(Packet { payload: payload.payload, ..first }),
            other @ (Frame::NotIp | Frame::Damaged | Frame::UnknownLink) => other,
        },
        None => transport(packet, payload.payload, bytes),
    }
}

/// Reads the transport header of a datagram that was put together from fragments like `packet`.
pub(crate) fn reassembled<'a>(packet: &Packet<'_>, payload: &'a [u8]) -> Frame<'a> {
    let whole = Packet {
        src: packet.src,
        dst: packet.dst,
        ip_protocol: packet.ip_protocol,
        ports: None,
        flags: TcpFlags::default(),
        numbers: None,
        payload_bytes: u64::try_from(payload.len()).unwrap_or(0),
        payload,
        is_cut: false,
        src_mac: packet.src_mac,
        dst_mac: packet.dst_mac,
        fragment: None,
    };
    transport(whole, payload, payload.len())
}

fn v6_fragment(extension: Ipv6ExtensionSlice<'_>) -> Option<Fragment> {
    let Ipv6ExtensionSlice::Fragment(header) = extension else {
        return None;
    };
    header.is_fragmenting_payload().then(|| Fragment {
        identification: header.identification(),
        offset: u32::from(header.fragment_offset().byte_offset()),
        more: header.more_fragments(),
    })
}

fn v4_extension_bytes(ip: &etherparse::LaxIpv4Slice<'_>) -> usize {
    ip.extensions().auth.as_ref().map_or(0, |auth| auth.slice().len())
}

/// Reads ports, flags and numbers; a transport header that the capture cut off after the ports will
/// do.
fn transport<'a>(mut packet: Packet<'a>, data: &'a [u8], bytes: usize) -> Frame<'a> {
    let mut bytes = bytes;
    let header_bytes = match packet.ip_protocol {
        TCP | UDP => {
            let (Some(from), Some(to)) = (be16(data, 0), be16(data, 2)) else {
                return Frame::Damaged;
            };
            packet.ports = Some((from, to));
            if packet.ip_protocol == TCP {
                tcp(&mut packet, data)
            } else {
                // What follows the datagram in its packet is no part of it; 0 says no length.
                let length = be16(data, 4).map(usize::from).filter(|length| *length > 0);
                bytes = length.map_or(bytes, |length| length.min(bytes));
                UDP_HEADER_BYTES
            }
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
    let bytes = bytes.saturating_sub(header_bytes);
    packet.payload_bytes = u64::try_from(bytes).unwrap_or(0);
    let payload = data.get(header_bytes..).unwrap_or_default();
    packet.payload = payload.get(..bytes).unwrap_or(payload);
    Frame::Packet(packet)
}

fn tcp(packet: &mut Packet<'_>, data: &[u8]) -> usize {
    let flags = data.get(13).copied().unwrap_or(0);
    packet.flags = TcpFlags {
        syn: flags & 0x02 != 0,
        ack: flags & 0x10 != 0,
        fin: flags & 0x01 != 0,
        rst: flags & 0x04 != 0,
    };
    let number = |at| data.get(at..).and_then(|rest| rest.first_chunk()).copied();
    packet.numbers = number(4).zip(number(8)).filter(|_| data.len() > 13).map(|(seq, ack)| {
        TcpNumbers { seq: u32::from_be_bytes(seq), ack: u32::from_be_bytes(ack) }
    });
    data.get(12).map_or(20, |offset| usize::from(offset >> 4) * 4).max(20)
}
