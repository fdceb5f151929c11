//! What a copied IP packet holds: addresses, ports, and a segment or a datagram.
//!
//! Source: RFC 791 §3.1; RFC 8200 §3, §4; RFC 9293 §3.1; RFC 768.

use std::net::IpAddr;

use etherparse::{Ipv6ExtensionSlice, LaxNetSlice, LaxSlicedPacket, TcpSlice, UdpSlice};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// An IP packet, or a piece of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: u8,
    pub(super) fragment: Option<Fragment>,
    pub(super) payload: &'a [u8],
    /// Whether the copy lacks bytes of it.
    pub(super) is_cut: bool,
}

/// Where a piece stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment {
    pub(super) identification: u32,
    pub(super) offset: u32,
    pub(super) more: bool,
}

/// What a whole packet carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Carried<'a> {
    Tcp { ports: (u16, u16), seq: u32, ack: Option<u32>, flags: Flags, payload: &'a [u8] },
    Udp { ports: (u16, u16), payload: &'a [u8] },
}

/// The flags of a segment that matter here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flags {
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
}

/// Reads a packet.
pub(super) fn read(bytes: &[u8]) -> Option<Packet<'_>> {
    let sliced = LaxSlicedPacket::from_ip(bytes).ok()?;
    let (src, dst, payload, fragment) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let fragment = header.is_fragmenting_payload().then(|| Fragment {
                identification: u32::from(header.identification()),
                offset: u32::from(header.fragments_offset().byte_offset()),
                more: header.more_fragments(),
            });
            let addresses = (header.source_addr().into(), header.destination_addr().into());
            (addresses.0, addresses.1, ip.payload(), fragment)
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let fragment = ip.extensions().clone().into_iter().find_map(v6_fragment);
            let addresses = (header.source_addr().into(), header.destination_addr().into());
            (addresses.0, addresses.1, ip.payload(), fragment)
        }
        Some(LaxNetSlice::Arp(_)) | None => return None,
    };
    Some(Packet {
        src,
        dst,
        protocol: payload.ip_number.0,
        fragment,
        payload: payload.payload,
        is_cut: payload.incomplete,
    })
}

fn v6_fragment(extension: Ipv6ExtensionSlice<'_>) -> Option<Fragment> {
    let Ipv6ExtensionSlice::Fragment(header) = extension else { return None };
    header.is_fragmenting_payload().then(|| Fragment {
        identification: header.identification(),
        offset: u32::from(header.fragment_offset().byte_offset()),
        more: header.more_fragments(),
    })
}

/// Reads what a packet carries that is whole, or was put together.
pub(super) fn carried(protocol: u8, payload: &[u8]) -> Option<Carried<'_>> {
    match protocol {
        TCP => {
            let tcp = TcpSlice::from_slice(payload).ok()?;
            Some(Carried::Tcp {
                ports: (tcp.source_port(), tcp.destination_port()),
                seq: tcp.sequence_number(),
                ack: tcp.ack().then(|| tcp.acknowledgment_number()),
                flags: Flags { syn: tcp.syn(), fin: tcp.fin(), rst: tcp.rst() },
                payload: tcp.payload(),
            })
        }
        UDP => {
            let udp = UdpSlice::from_slice_lax(payload).ok()?;
            let ports = (udp.source_port(), udp.destination_port());
            Some(Carried::Udp { ports, payload: udp.payload() })
        }
        _ => None,
    }
}
