//! Reads what an entry matches, as the device sees it.
//!
//! The address of the device is implied: in a from-device list the source is the device and the
//! destination the other side, in a to-device list it is the other way round.
//!
//! Source: RFC 8519 §4.1, §4.2 (module ietf-packet-fields); RFC 8520 §2, §4, §8.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::acl::Side;
use super::reader::{At, Foreign, Object, Reader};
use super::text;
use super::{Initiated, MudFamily, MudFault, MudPeer, MudPorts, MudTransport};

/// What an entry matches.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) peer: Option<MudPeer>,
    pub(super) transport: MudTransport,
    pub(super) local: Option<MudPorts>,
    pub(super) remote: Option<MudPorts>,
    pub(super) initiated: Option<Initiated>,
}

const ABSTRACTIONS: [&str; 6] =
    ["manufacturer", "same-manufacturer", "model", "local-networks", "controller", "my-controller"];
const IP_UNSUPPORTED: [&str; 9] =
    ["dscp", "ecn", "length", "ttl", "ihl", "flags", "offset", "identification", "flow-label"];
const TCP_UNSUPPORTED: [&str; 8] = [
    "sequence-number",
    "acknowledgement-number",
    "data-offset",
    "reserved",
    "flags",
    "window-size",
    "urgent-pointer",
    "options",
];

/// Reads the matches of an entry; an entry without any matches everything.
pub(super) fn matched(
    reader: &mut Reader<'_>,
    ace: &Object<'_>,
    family: MudFamily,
    side: Side,
) -> Option<Matched> {
    let mut matched = Matched {
        peer: None,
        transport: MudTransport::Any,
        local: None,
        remote: None,
        initiated: None,
    };
    let Some(at) = ace.member("matches") else { return Some(matched) };
    let matches = at.object(reader)?;
    let known = ["ietf-mud:mud", "ipv4", "ipv6", "tcp", "udp", "icmp"];
    let unsupported = ["eth", "egress-interface", "ingress-interface"];
    matches.only(reader, &known, &unsupported, Foreign::Refuse);
    one_of(reader, &matches, &["ipv4", "ipv6"]);
    let one_transport = one_of(reader, &matches, &["tcp", "udp", "icmp"]);

    let mut peers = Vec::new();
    if let Some(mud) = matches.inner(reader, "ietf-mud:mud") {
        mud.only(reader, &ABSTRACTIONS, &[], Foreign::Refuse);
        let abstractions = mud.present(&ABSTRACTIONS);
        peers.extend(abstractions.iter().filter_map(|name| Some((*name, mud.member(name)?))));
    }
    let mut protocol = None;
    for (name, of) in [("ipv4", MudFamily::V4), ("ipv6", MudFamily::V6)] {
        let Some(ip) = matches.inner(reader, name) else { continue };
        if of != family {
            let (found, acl_type) = (name.to_owned(), family.acl_type());
            reader.refuse(&ip.at, MudFault::AclFamily { found, acl_type });
            continue;
        }
        peers.extend(addresses(reader, &ip, family, side));
        protocol = ip
            .member("protocol")
            .and_then(|at| at.number::<u8>(reader, "a protocol number from 0 to 255"));
    }
    if let [(first, _), (second, at), ..] = peers.as_slice() {
        let [first, second] = [(*first).to_owned(), (*second).to_owned()];
        reader.refuse(at, MudFault::TwoPeers { first, second });
    }
    if let Some((name, at)) = peers.first() {
        matched.peer = peer(reader, name, at, family);
    }
    above_ip(reader, &matches, side, &mut matched);
    if one_transport {
        numbered(reader, &matches, protocol, family, &mut matched);
    }
    Some(matched)
}

/// Says whether at most one case of a choice is there, and takes it down if there are more.
fn one_of(reader: &mut Reader<'_>, object: &Object<'_>, cases: &[&'static str]) -> bool {
    let present = object.present(cases);
    if let [first, second, ..] = present.as_slice() {
        let [first, second] = [(*first).to_owned(), (*second).to_owned()];
        reader.refuse(&object.at, MudFault::Choice { first, second });
    }
    present.len() <= 1
}

/// Gives the members of an IP header match that are about the other side.
fn addresses<'n>(
    reader: &mut Reader<'_>,
    ip: &Object<'n>,
    family: MudFamily,
    side: Side,
) -> Vec<(&'static str, At<'n>)> {
    let (source, destination) = match family {
        MudFamily::V4 => ("source-ipv4-network", "destination-ipv4-network"),
        MudFamily::V6 => ("source-ipv6-network", "destination-ipv6-network"),
    };
    let source = ["ietf-acldns:src-dnsname", source];
    let destination = ["ietf-acldns:dst-dnsname", destination];
    let known: Vec<_> = source.iter().chain(&destination).chain(&["protocol"]).copied().collect();
    ip.only(reader, &known, &IP_UNSUPPORTED, Foreign::Refuse);
    let (own, other) = match side {
        Side::FromDevice => (source, destination),
        Side::ToDevice => (destination, source),
    };
    for (found, expected) in own.into_iter().zip(other) {
        if let Some(at) = ip.member(found) {
            reader.refuse(&at, MudFault::WrongSide { found, expected });
        }
    }
    other.into_iter().filter_map(|name| Some((name, ip.member(name)?))).collect()
}

/// Reads the description of the other side.
fn peer(reader: &mut Reader<'_>, name: &str, at: &At<'_>, family: MudFamily) -> Option<MudPeer> {
    match name {
        "local-networks" => at.empty(reader).map(|()| MudPeer::LocalNetworks),
        "same-manufacturer" => at.empty(reader).map(|()| MudPeer::SameManufacturer),
        "my-controller" => at.empty(reader).map(|()| MudPeer::MyController),
        "manufacturer" => host(reader, at).map(MudPeer::Manufacturer),
        "model" => uri(reader, at).map(MudPeer::Model),
        "controller" => uri(reader, at).map(MudPeer::Controller),
        "ietf-acldns:src-dnsname" | "ietf-acldns:dst-dnsname" => {
            let host = host(reader, at)?;
            match host.parse::<IpAddr>().map(IpNet::from) {
                Ok(net) if is_of(&net, family) => Some(MudPeer::Network(net)),
                Ok(_) => {
                    reader.value(at, "an address of the version of its access list");
                    None
                }
                Err(_) => Some(MudPeer::DnsName(host)),
            }
        }
        _ => network(reader, at, family),
    }
}

fn is_of(net: &IpNet, family: MudFamily) -> bool {
    match net {
        IpNet::V4(_) => family == MudFamily::V4,
        IpNet::V6(_) => family == MudFamily::V6,
    }
}

fn host(reader: &mut Reader<'_>, at: &At<'_>) -> Option<String> {
    let host = text::host(at.text(reader)?);
    if host.is_none() {
        reader.value(at, "a domain name or an address");
    }
    host
}

fn uri(reader: &mut Reader<'_>, at: &At<'_>) -> Option<String> {
    let uri = at.text(reader)?;
    if !text::is_uri(uri) {
        reader.value(at, "a URI");
        return None;
    }
    Some(uri.to_owned())
}

fn network(reader: &mut Reader<'_>, at: &At<'_>, family: MudFamily) -> Option<MudPeer> {
    let text = at.text(reader)?;
    let (net, expected) = match family {
        MudFamily::V4 => {
            (text.parse::<Ipv4Net>().ok().map(IpNet::V4), "a prefix such as `192.0.2.0/24`")
        }
        MudFamily::V6 => {
            (text.parse::<Ipv6Net>().ok().map(IpNet::V6), "a prefix such as `2001:db8::/32`")
        }
    };
    let Some(net) = net else {
        reader.value(at, expected);
        return None;
    };
    if net.prefix_len() == 0 {
        return None;
    }
    Some(MudPeer::Network(net.trunc()))
}

/// Reads the match of TCP, UDP or ICMP.
fn above_ip(reader: &mut Reader<'_>, matches: &Object<'_>, side: Side, matched: &mut Matched) {
    const DIRECTION: &str = "ietf-mud:direction-initiated";
    const PORTS: [&str; 2] = ["source-port", "destination-port"];
    if let Some(tcp) = matches.inner(reader, "tcp") {
        let known = [PORTS.as_slice(), &[DIRECTION]].concat();
        tcp.only(reader, &known, &TCP_UNSUPPORTED, Foreign::Refuse);
        matched.transport = MudTransport::Tcp;
        both_ports(reader, &tcp, side, matched);
        let words = [("from-device", Initiated::FromDevice), ("to-device", Initiated::ToDevice)];
        matched.initiated = tcp
            .member(DIRECTION)
            .and_then(|at| at.word(reader, &words, "`from-device` or `to-device`"));
    }
    if let Some(udp) = matches.inner(reader, "udp") {
        udp.only(reader, &PORTS, &["length"], Foreign::Refuse);
        matched.transport = MudTransport::Udp;
        both_ports(reader, &udp, side, matched);
    }
    if let Some(icmp) = matches.inner(reader, "icmp") {
        icmp.only(reader, &["type", "code"], &["rest-of-header"], Foreign::Refuse);
        let expected = "a whole number from 0 to 255";
        let mut byte = |name| icmp.member(name)?.number::<u8>(reader, expected);
        matched.transport = MudTransport::Icmp { kind: byte("type"), code: byte("code") };
    }
}

fn both_ports(reader: &mut Reader<'_>, object: &Object<'_>, side: Side, matched: &mut Matched) {
    let source = object.inner(reader, "source-port").and_then(|at| ports(reader, &at));
    let destination = object.inner(reader, "destination-port").and_then(|at| ports(reader, &at));
    (matched.local, matched.remote) = match side {
        Side::FromDevice => (source, destination),
        Side::ToDevice => (destination, source),
    };
}

/// Reads ports; none when they are all ports.
fn ports(reader: &mut Reader<'_>, object: &Object<'_>) -> Option<MudPorts> {
    object.only(reader, &["operator", "port", "lower-port", "upper-port"], &[], Foreign::Refuse);
    let range = object.present(&["lower-port", "upper-port"]);
    let operator = object.present(&["operator", "port"]);
    if let (Some(first), Some(second)) = (operator.first(), range.first()) {
        let [first, second] = [(*first).to_owned(), (*second).to_owned()];
        reader.refuse(&object.at, MudFault::Choice { first, second });
        return None;
    }
    let mut port = |name| {
        object.required(reader, name)?.number::<u16>(reader, "a port number from 0 to 65535")
    };
    if !range.is_empty() {
        let [lower, upper] = [port("lower-port"), port("upper-port")];
        let (lower, upper) = (lower?, upper?);
        if lower > upper {
            reader.value(&object.at, "a range whose lower port is not above its upper port");
        }
        return ((lower, upper) != (0, u16::MAX)).then_some(MudPorts::Range(lower, upper));
    }
    let port = port("port");
    let operator = object.member("operator");
    let port = port.unwrap_or_default();
    let words = [
        ("eq", MudPorts::Eq(port)),
        ("lte", MudPorts::Lteq(port)),
        ("gte", MudPorts::Gteq(port)),
        ("neq", MudPorts::Neq(port)),
    ];
    let ports = match operator {
        Some(at) => at.word(reader, &words, "`eq`, `lte`, `gte` or `neq`")?,
        None => MudPorts::Eq(port),
    };
    (!matches!(ports, MudPorts::Lteq(u16::MAX) | MudPorts::Gteq(0))).then_some(ports)
}

/// Joins the number of the protocol with the protocol matched.
fn numbered(
    reader: &mut Reader<'_>,
    matches: &Object<'_>,
    protocol: Option<u8>,
    family: MudFamily,
    matched: &mut Matched,
) {
    let Some(protocol) = protocol else { return };
    let icmp = match family {
        MudFamily::V4 => 1,
        MudFamily::V6 => 58,
    };
    let (number, transport) = match matched.transport {
        MudTransport::Tcp => (6, "tcp"),
        MudTransport::Udp => (17, "udp"),
        MudTransport::Icmp { .. } => (icmp, "icmp"),
        MudTransport::Any | MudTransport::Protocol(_) => {
            matched.transport = match protocol {
                6 => MudTransport::Tcp,
                17 => MudTransport::Udp,
                number if number == icmp => MudTransport::Icmp { kind: None, code: None },
                number => MudTransport::Protocol(number),
            };
            return;
        }
    };
    if number != protocol {
        reader.refuse(&matches.at, MudFault::Contradiction { protocol, transport });
    }
}
