//! Frames as they are on the wire: sent as one likes, and all that comes.

use std::io::Read;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use etherparse::PacketBuilder;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{LinkAddr, MsgFlags, sendto};
use socket2::{Domain, Protocol, Socket, Type};

use super::hospital::Actor;
use super::stage::Stage;

/// Every protocol, as the kernel numbers them in the order of the network (`ETH_P_ALL`).
const EVERY: u16 = 3;
pub(crate) const BROADCAST: [u8; 6] = [0xff; 6];

/// The interface of a place, for frames.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: Socket,
    link: LinkAddr,
}

impl Stage {
    /// Opens the interface of a device.
    pub(crate) fn wire(&self, actor: Actor) -> Wire {
        self.within(actor.place, || {
            let protocol = Protocol::from(i32::from(EVERY.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let link = getifaddrs().unwrap().find_map(|one| {
                let address = one.address?;
                let is_it = one.interface_name == "eth0";
                is_it.then(|| address.as_link_addr().copied()).flatten()
            });
            Wire { socket, link: link.unwrap() }
        })
    }

    /// Gives the MAC address that the gateway has towards a device.
    pub(crate) fn gateway_mac(&self, actor: Actor) -> [u8; 6] {
        let port = actor.interface();
        let said = self.says("gw", &format!("cat /sys/class/net/{port}/address"));
        let bytes = said.trim().split(':').map(|two| u8::from_str_radix(two, 16).unwrap());
        bytes.collect::<Vec<u8>>().try_into().unwrap()
    }
}

impl Wire {
    pub(crate) fn send(&self, frame: &[u8]) {
        sendto(self.socket.as_raw_fd(), frame, &self.link, MsgFlags::empty()).unwrap();
    }

    /// Gives what comes within a time from others; what a place says to itself has no sender.
    pub(crate) fn comes(&mut self, within: Duration, own: [u8; 6]) -> Vec<Vec<u8>> {
        let end = Instant::now() + within;
        let (mut frames, mut room) = (Vec::new(), vec![0; 64 << 10]);
        while Instant::now() < end {
            if let Ok(count) = self.socket.read(&mut room) {
                let frame = &room[..count];
                if frame.get(6..12).is_some_and(|from| from != own && from != [0; 6]) {
                    frames.push(frame.to_vec());
                }
            }
        }
        frames
    }
}

/// A datagram over IPv4.
pub(crate) fn udp4(
    (from_mac, to_mac): ([u8; 6], [u8; 6]),
    (from, to): (Ipv4Addr, Ipv4Addr),
    ports: (u16, u16),
    payload: &[u8],
) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(from_mac, to_mac)
        .ipv4(from.octets(), to.octets(), 64)
        .udp(ports.0, ports.1);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// A message of ICMPv6: its type and what follows the checksum.
pub(crate) fn icmp6(
    (from_mac, to_mac): ([u8; 6], [u8; 6]),
    (from, to): (Ipv6Addr, Ipv6Addr),
    (kind, rest): (u8, [u8; 4]),
    payload: &[u8],
) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(from_mac, to_mac)
        .ipv6(from.octets(), to.octets(), 255)
        .icmpv6_raw(kind, 0, rest);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// An answer of ARP that nobody asked for.
/// # Source
/// RFC 826.
pub(crate) fn arp(from_mac: [u8; 6], claimed: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    let mut frame = [BROADCAST, from_mac].concat();
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    frame.extend(from_mac);
    frame.extend(claimed.octets());
    frame.extend(BROADCAST);
    frame.extend(to.octets());
    frame
}
