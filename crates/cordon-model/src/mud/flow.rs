//! Says which conversations a MUD file lets happen, and who opens each of them.
//!
//! A MUD file speaks of packets; a conversation has packets both ways. The packets that open one
//! must be accepted by the policy of their direction: only a from-device entry lets the device open
//! a conversation, only a to-device entry lets the other side open one. The packets of the answer
//! belong to the conversation, whether the file has an entry for them or not.
//!
//! Who may open, by an entry that accepts:
//!
//! | the entry says | the device opens | the other side opens |
//! |---|---|---|
//! | `direction-initiated` `from-device` | yes | no |
//! | `direction-initiated` `to-device` | no | yes |
//! | the other side's port more narrowly than the device's | yes | no |
//! | the device's port more narrowly than the other side's | no | yes |
//! | both ports equally narrowly, or neither | yes | yes |
//!
//! A single port is narrower than several, and several are narrower than all. So a from-device
//! entry to port 443 and the to-device entry from port 443 that mirrors it are one conversation,
//! opened by the device: the second is the half of the answers and lets nobody in.
//!
//! The port of a conversation is the one that listens: the other side's when the device opens, the
//! device's own when the other side opens.
//!
//! Source: RFC 8520 §3.3, §4.8.

use super::{Initiated, MudAce, MudAction, MudFamily, MudFile, MudPeer, MudPorts, MudTransport};
use crate::{Direction, Transport};

/// A conversation that a MUD file lets happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MudFlow<'f> {
    /// The other side; never [`MudPeer::Any`].
    pub peer: &'f MudPeer,
    /// Who opens it, seen from the device.
    pub direction: Direction,
    /// The transport; none for every protocol above IP.
    pub transport: Option<Transport>,
    /// The port that listens; none for all ports.
    pub port: Option<MudPorts>,
    /// Whether it may go over IPv4.
    pub ipv4: bool,
    /// Whether it may go over IPv6.
    pub ipv6: bool,
    /// The access list of the first entry that lets it happen.
    pub acl: &'f str,
    /// The first entry that lets it happen.
    pub ace: &'f str,
}

/// Gives the conversations that a MUD file lets happen, each once, those of the device first.
/// # Shape
/// Entries for ICMP and for protocols other than TCP and UDP have no conversation here; see
/// [`without_flow`].
#[must_use]
pub fn flows(file: &MudFile) -> Vec<MudFlow<'_>> {
    let mut flows: Vec<MudFlow<'_>> = Vec::new();
    for (aces, direction) in policies(file) {
        for ace in aces {
            let Some(flow) = flow(ace, direction) else { continue };
            let same = |other: &&mut MudFlow<'_>| {
                (other.peer, other.direction, other.transport, other.port)
                    == (flow.peer, flow.direction, flow.transport, flow.port)
            };
            match flows.iter_mut().find(same) {
                Some(other) => {
                    other.ipv4 |= flow.ipv4;
                    other.ipv6 |= flow.ipv6;
                }
                None => flows.push(flow),
            }
        }
    }
    flows
}

/// Gives the entries that accept, but let no conversation happen and are not the half of the
/// answers of one: for ICMP, for another protocol, or for answers to what is not accepted.
#[must_use]
pub fn without_flow(file: &MudFile) -> Vec<&MudAce> {
    let mut without = Vec::new();
    for (aces, direction) in policies(file) {
        let (others, opposite) = match direction {
            Direction::Out => (&file.to_device, Direction::In),
            Direction::In => (&file.from_device, Direction::Out),
        };
        let opens = |ace: &MudAce| flow(ace, direction).is_some();
        let answers = |ace: &MudAce| {
            others.iter().any(|other| is_mirror(ace, other) && flow(other, opposite).is_some())
        };
        let accepts = |ace: &&MudAce| ace.action == MudAction::Accept;
        without.extend(aces.iter().filter(accepts).filter(|ace| !opens(ace) && !answers(ace)));
    }
    without
}

/// Gives each policy with the direction of the conversations that its entries can open.
fn policies(file: &MudFile) -> [(&[MudAce], Direction); 2] {
    [(file.from_device.as_slice(), Direction::Out), (file.to_device.as_slice(), Direction::In)]
}

/// Gives the conversation that an entry lets its sender open.
fn flow(ace: &MudAce, direction: Direction) -> Option<MudFlow<'_>> {
    let transport = match ace.transport {
        MudTransport::Any => None,
        MudTransport::Tcp => Some(Transport::Tcp),
        MudTransport::Udp => Some(Transport::Udp),
        MudTransport::Icmp { .. } | MudTransport::Protocol(_) => return None,
    };
    if ace.action != MudAction::Accept || !may_open(ace, direction) {
        return None;
    }
    Some(MudFlow {
        peer: &ace.peer,
        direction,
        transport,
        port: match direction {
            Direction::Out => ace.remote,
            Direction::In => ace.local,
        },
        ipv4: ace.family == MudFamily::V4,
        ipv6: ace.family == MudFamily::V6,
        acl: &ace.acl,
        ace: &ace.name,
    })
}

fn may_open(ace: &MudAce, direction: Direction) -> bool {
    let (local, remote) = (narrowness(ace.local), narrowness(ace.remote));
    match (ace.initiated, direction) {
        (Some(Initiated::FromDevice), Direction::Out) => true,
        (Some(Initiated::ToDevice), Direction::In) => true,
        (Some(Initiated::FromDevice), Direction::In) => false,
        (Some(Initiated::ToDevice), Direction::Out) => false,
        (None, Direction::Out) => remote >= local,
        (None, Direction::In) => local >= remote,
    }
}

/// Says how narrowly ports are given: 0 all, 1 several, 2 one.
fn narrowness(ports: Option<MudPorts>) -> u8 {
    match ports {
        None => 0,
        Some(ports) => 1 + u8::from(ports.single().is_some()),
    }
}

/// Says whether two entries of opposite policies are about the same packets there and back.
fn is_mirror(a: &MudAce, b: &MudAce) -> bool {
    (a.family, &a.peer, a.transport, a.local, a.remote, a.initiated)
        == (b.family, &b.peer, b.transport, b.local, b.remote, b.initiated)
}
