//! Claims the addresses of others by ARP.

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, sendto, socket,
};
use serde_json::json;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use super::{End, tell};
use crate::outcome::Failure;

/// How long passes between two claims.
const PACE: Duration = Duration::from_millis(20);
/// How often an address is claimed at most.
const COUNT_MAX: u32 = 1_000;

pub(super) fn run(interface: &str, count: u32, addresses: &[Ipv4Addr]) -> Result<(), Failure> {
    let fail = |error: nix::errno::Errno| {
        Failure::config(format!("no frame can be sent on {interface}: {error}"), "is it up?")
    };
    let link = link(interface).map_err(fail)?;
    let own = link.addr().unwrap_or_default();
    let flags = SockFlag::SOCK_CLOEXEC;
    let raw =
        socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll).map_err(fail)?;
    let end = End::after(60);
    let mut sent = 0u32;
    tell("first", json!({ "interface": interface }));
    for _ in 0..count.min(COUNT_MAX) {
        for address in addresses {
            for request in [false, true] {
                let frame = frame(own, *address, request);
                sendto(raw.as_raw_fd(), &frame, &link, MsgFlags::empty()).map_err(fail)?;
                sent += 1;
            }
        }
        end.wait_until(Instant::now() + PACE);
        if end.is_over() {
            break;
        }
    }
    tell("sent", json!({ "transport": "arp", "packets": sent, "bytes": sent * 42 }));
    Ok(())
}

/// Finds the address of the link, with the interface's number in it.
fn link(interface: &str) -> nix::Result<LinkAddr> {
    let mut all = getifaddrs()?;
    let found = all.find_map(|one| {
        let address = one.address?;
        (one.interface_name == interface).then(|| address.as_link_addr().copied()).flatten()
    });
    found.ok_or(nix::errno::Errno::ENODEV)
}

/// An ARP frame that says an address is ours: an answer nobody asked for, or a question.
/// # Source
/// RFC 826; RFC 5227 §3.
fn frame(own: [u8; 6], claimed: Ipv4Addr, is_request: bool) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(own);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, if is_request { 1 } else { 2 }]);
    frame.extend(own);
    frame.extend(claimed.octets());
    frame.extend([0; 6]);
    frame.extend(claimed.octets());
    frame
}
