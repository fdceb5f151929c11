#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::*;
use proptest::prelude::*;

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn v4_header(protocol: u8, fragment: u16) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0x05, 0xdc, 0, 1];
    bytes.extend(fragment.to_be_bytes());
    bytes.extend([64, protocol, 0, 0, 10, 1, 0, 12, 198, 51, 100, 45]);
    bytes
}

#[test]
fn reads_the_ends_the_length_and_the_hops_of_a_packet() {
    let mut bytes = v4_header(TCP, 0x4000);
    bytes.extend([0xc0, 0, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0]);
    let packet = Packet::read(Family::Inet, &bytes);
    assert_eq!((packet.src, packet.dst), (ip("10.1.0.12"), ip("198.51.100.45")));
    assert_eq!((packet.src_port, packet.dst_port), (Some(49_152), Some(8_080)));
    assert_eq!((packet.transport, packet.ttl), (Some(Transport::Tcp), Some(64)));
    assert_eq!(packet.bytes, 1_500, "what was on the wire, not what was logged");
    // A later fragment has no ports.
    let fragment = [v4_header(UDP, 0x00b9), vec![1; 8]].concat();
    let packet = Packet::read(Family::Inet, &fragment);
    assert_eq!((packet.src_port, packet.transport), (None, None));
    assert_eq!(packet.src, ip("10.1.0.12"));
}

fn v6_with(next: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0, 0, 64, next, 1];
    bytes.extend("fd00:1::12".parse::<Ipv6Addr>().unwrap().octets());
    bytes.extend("2001:db8::9".parse::<Ipv6Addr>().unwrap().octets());
    bytes.extend(rest);
    bytes
}

#[test]
fn follows_the_extension_headers_of_ipv6_and_no_further_than_eight() {
    let udp = [0x04, 0, 0, 53, 0, 8, 0, 0];
    let hop = |next: u8| [next, 0, 0, 0, 0, 0, 0, 0];
    let cases: [(u8, Vec<u8>, Option<u16>); 6] = [
        (UDP, udp.to_vec(), Some(53)),
        (0, [hop(UDP), udp].concat(), Some(53)),
        (0, [hop(60), hop(43), hop(44), hop(UDP), udp].concat(), Some(53)),
        (44, [[UDP, 0, 0, 8, 0, 0, 0, 1], udp].concat(), None),
        (0, [hop(0); 9].concat(), None),
        (51, [vec![UDP, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], udp.to_vec()].concat(), Some(53)),
    ];
    for (next, rest, port) in cases {
        let bytes = v6_with(next, &rest);
        let packet = Packet::read(Family::Inet, &bytes);
        assert_eq!((packet.dst_port, packet.src), (port, ip("fd00:1::12")), "{next} {rest:?}");
        assert_eq!((packet.bytes, packet.ttl), (104, Some(1)));
    }
}

#[test]
fn knows_routers_and_dhcp_servers_by_what_they_say() {
    for (kind, expected) in [(133, false), (134, true), (135, false), (136, false), (137, true)] {
        let bytes = v6_with(ICMP_V6, &[kind, 0, 0, 0]);
        assert_eq!(Packet::read(Family::Inet, &bytes).is_from_router(), expected, "{kind}");
    }
    for (port, expected) in [(67, true), (68, false), (547, true), (546, false)] {
        let udp = [&[0x00][..], &[0; 7]].concat();
        let mut bytes = v6_with(UDP, &udp);
        let at = bytes.len() - 8;
        bytes.splice(at..at + 2, u16::to_be_bytes(port));
        assert_eq!(Packet::read(Family::Inet, &bytes).is_from_dhcp_server(), expected, "{port}");
    }
}

#[test]
fn takes_the_fingerprint_of_a_dhcp_client_and_nothing_that_people_wrote() {
    let mut bytes = v4_header(UDP, 0);
    bytes.extend([0, 68, 0, 67, 1, 0, 0, 0]);
    bytes.extend([0; 236]);
    bytes.extend(DHCP_MAGIC);
    bytes.extend([53, 1, 3, 0, 12, 4]);
    bytes.extend(b"JANE");
    bytes.extend([55, 4, 1, 3, 6, 15, 60, 4]);
    bytes.extend(b"MSFT");
    bytes.push(255);
    let dhcp = Packet::read(Family::Inet, &bytes).dhcp.unwrap();
    assert_eq!(dhcp.fingerprint().unwrap().as_str(), "1-3-6-15");
    assert_eq!(dhcp.parameters, [1, 3, 6, 15]);
    let many: Vec<u8> = (100..200).collect();
    let long = Dhcp { parameters: &many };
    assert!(long.fingerprint().unwrap().as_str().len() <= 64);
    assert_eq!(Dhcp::default().fingerprint(), None);
}

#[test]
fn reads_a_client_hello_that_stands_whole_in_the_packet() {
    let vectors = include_str!("../../../../cordon-wire/testdata/tls/hellos.tsv");
    let mut cells = vectors.lines().next().unwrap().split('\t').skip(1);
    let (fingerprint, hex) = (cells.next().unwrap(), cells.next().unwrap());
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let hello: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let mut bytes = v4_header(TCP, 0);
    bytes.extend([0xc0, 0, 1, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
    bytes.extend(hello);
    assert_eq!(Packet::read(Family::Inet, &bytes).ja4.unwrap().as_str(), fingerprint);
    bytes.pop();
    assert_eq!(Packet::read(Family::Inet, &bytes).ja4, None);
}

proptest! {
    #[test]
    fn reading_is_total(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        arp in any::<bool>(),
    ) {
        let family = if arp { Family::Arp } else { Family::Inet };
        let packet = Packet::read(family, &bytes);
        prop_assert!(packet.bytes > 0 || bytes.is_empty());
    }

    #[test]
    fn a_packet_that_is_cut_says_what_the_whole_says_or_less(
        cut in 0usize..330,
        seed in any::<u8>(),
    ) {
        let mut bytes = v4_header(UDP, 0);
        bytes.extend([0, 68, 0, 67, 1, 0, 0, 0]);
        bytes.extend([seed; 236]);
        bytes.extend(DHCP_MAGIC);
        bytes.extend([55, 4, 1, 3, 6, 15, 255]);
        let whole = Packet::read(Family::Inet, &bytes);
        let part = Packet::read(Family::Inet, bytes.get(..cut).unwrap_or(&bytes));
        prop_assert!(part.src.is_none() || part.src == whole.src);
        prop_assert!(part.dst_port.is_none() || part.dst_port == whole.dst_port);
    }
}
