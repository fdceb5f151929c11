//! From a bundle to the kernel's rules: what nftables loads, what it keeps, what it never forgets.
//!
//! [`KernelSets`] is the plain value: which flow is open in which posture. [`ruleset`] prints it as
//! one text, and one `nft -f` loads that text as one transaction: all of it or nothing.
//!
//! | table | holds | on a new bundle |
//! |---|---|---|
//! | `inet cordon_state` | isolated, contained, emergency, no-new, posture of each device | sets stay, with their timers |
//! | `bridge cordon_bind` | no frame goes from port to port past the rules | replaced; in the bridge form renewed |
//! | `arp cordon_bind` | a device answers for its own address only (access role) | replaced |
//! | `inet cordon_policy` | binding, flow sets, columns, default drop | replaced |
//!
//! The way of a packet: it is bound to its interface (and MAC, in the access role) before routing;
//! the state table, at priority −10, drops it or puts the device's posture into the packet mark
//! ([`mark_of`]); the policy table, at priority 0, goes by the mark to the chain of a column and
//! looks the packet up there. Postures that permit the same flows are one column. The mark tells
//! the posture and not the column, because postures mean the same under every bundle, and the
//! state table outlives bundles.
//!
//! Every packet is looked up, both ways; an answer is looked up in the set that permits the
//! question, with source and destination exchanged. Nothing passes for being established, so a
//! flow ends with the next packet when its element goes or its device is isolated.
//!
//! The sets of the state table hold addresses, not devices: who isolates a device with two addresses
//! adds two elements, in one transaction. A timeout is made longer by adding, deleting and adding
//! the element in one transaction; adding it again leaves the old one. Isolation ends all that has
//! the device's address, down to the renewal of its lease. ARP, neighbour discovery and the request
//! for a first lease, all with its own gateway, go on and lead nowhere.
//!
//! The kernel knows addresses, ports and who opens: a flow is open when at least one of its
//! operations is permitted in the posture. To tell operations apart is the work of the inspectors.
//! In the text of [`ruleset`] the sets `inspected_*` hold the keys of flows that have one; the chain
//! `inspect` (before routing, priority −150) is empty, and those flows pass uninspected, like all
//! others. [`gateway_ruleset`] parts them in three, and adds a
//! fourth:
//!
//! | keys | a proxy is alive | none is |
//! |---|---|---|
//! | `copied_*`: a lifeline of a RED or GREEN-LS device | forwarded, copied to group 12 | forwarded |
//! | `taken_*`: another lifeline | taken by the proxy | forwarded |
//! | `closed_*`: no lifeline | taken by the proxy | dropped, priority −5 |
//! | `shut_*`: not inspected, no lifeline, of a tier that closes with the process | forwarded | dropped, priority −5 |
//!
//! A proxy is alive while the set `alive` has its transport protocol and it has a listening socket;
//! loading the text is a sign of life. A flow that is taken to a local socket is judged in the input
//! and output chains by the same state and columns, on the leg beside the device and on the one to
//! the other side, which the proxy opens under the device's address (or under the other side's,
//! towards a device). The conntrack mark tells the legs: [`PROXIED_MARK`], [`SECOND_LEG_MARK`].
//!
//! What passed the columns is held to the envelopes of its flows, per minute, at priority 5: above
//! them packets are dropped and told to group 14. Keys with a lifeline have no such limit, nor has
//! a device in emergency mode.
//!
//! What passes besides listed flows, for no device can work without it: ARP, neighbour discovery
//! and DHCP between a device and its gateway; DHCP renewals to the DHCP services of the bundle
//! (access and segment roles); ICMP errors towards a device about a connection that exists.
//!
//! All this is the router form: each interface of the bundle is one that the kernel routes on, and
//! frames that a bridge carries past the router are dropped. In the bridge form ([`Form::Bridge`],
//! access gateways only) the interfaces are ports of one bridge, and `bridge cordon_bind` does more:
//!
//! | frames | what becomes of them |
//! |---|---|
//! | IP of a device, from its own port, MAC and address | lifted: sent up to the IP layer of the bridge |
//! | IP to a device, from the uplink | lifted |
//! | ARP, neighbour discovery | pass between port and uplink; a port claims its own address, the uplink none of a device |
//! | a request for a lease, and answers from the uplink | pass, requests up to 10 a second |
//! | leases and routers offered by a port | dropped, counted as `rogue_dhcp`, `rogue_router` |
//! | what neighbours upstream say to all | dropped, counted as `overheard` |
//! | all the rest: VLAN tags, other protocols, port to port | dropped, counted as `beside` |
//!
//! What was lifted comes in by the bridge and is routed out by it, through all the hooks above. There
//! an interface says nothing, and the side of a packet is told by its addresses, which the
//! frames have proved. Frames of a device leave to the uplink with the device's own MAC address. A
//! frame that is not lifted, because some rule is missing, goes nowhere.
//!
//! Invariant: the text is the same, byte for byte, for the same bundle, hour and form, and names
//! nothing but cordon's own tables. What one form has and the other has not is removed or emptied.
//!
//! Source: nft(8) 1.0.6; NIST SP 800-207 §3.1; IEC 62443-3-3 SR 5.2; RFC 826; RFC 4861 §4; RFC 5227 §2.1.

mod mark;
mod sets;
mod skeleton;
#[cfg(test)]
mod tests;
mod text;

use crate::bundle::Role;
use crate::{Bundle, Mac, Sha256Digest};

pub use mark::{default_posture, mark_of};
pub use sets::{Binding, Column, FlowList, KernelSets, Limits};

/// The table that outlives bundles.
pub const STATE_TABLE: &str = "cordon_state";

/// The table that a new bundle replaces.
pub const POLICY_TABLE: &str = "cordon_policy";

/// The table that tells by its comment which text is in force.
pub const LOADED_TABLE: &str = "cordon_loaded";

/// The line that opens it.
const LOADED_HEAD: &str = "table inet cordon_loaded {";

/// The tables that keep frames from passing beside the rules.
pub const BIND_TABLE: &str = "cordon_bind";

/// The NFLOG group of new connections in emergency mode.
pub const LOG_GROUP_EMERGENCY: u16 = 8;

/// The NFLOG group of packets that no list permits.
pub const LOG_GROUP_DENIED: u16 = 9;

/// The NFLOG group of packets whose sender is not who it says.
pub const LOG_GROUP_SPOOFED: u16 = 10;

/// The NFLOG group of packets of isolated devices.
pub const LOG_GROUP_ISOLATED: u16 = 11;

/// The NFLOG group of copies of packets that passed.
pub const LOG_GROUP_COPIED: u16 = 12;

/// The NFLOG group of packets that nobody inspects now and that therefore do not pass.
pub const LOG_GROUP_UNINSPECTED: u16 = 13;

/// The NFLOG group of packets above the envelope of their flow.
pub const LOG_GROUP_LIMITED: u16 = 14;

/// The NFLOG group of packets of a device that somebody captures.
pub const LOG_GROUP_CAPTURED: u16 = 15;

/// The bit of packet and conntrack marks that says: this belongs to a proxy.
///
/// A routing rule leads packets with this bit to the proxy's socket. As a conntrack mark it stands
/// on the connection that was taken.
pub const PROXIED_MARK: u32 = 0x8000_0000;

/// The bit of conntrack marks of connections that the proxy itself opened for a taken one.
pub const SECOND_LEG_MARK: u32 = 0x4000_0000;

const COMMENT: &str = "comment \"";

/// How a gateway takes flows to its proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxying {
    /// The port on loopback, IPv4 and IPv6, where the proxy takes TCP connections.
    pub tcp_port: u16,
    /// The port on loopback where it takes UDP datagrams.
    pub udp_port: u16,
    /// How long the kernel believes in the proxy after a sign of life.
    pub alive_ms: u32,
}

/// How an enforcement point stands between devices and services.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Form {
    /// The kernel routes between the interfaces of the bundle.
    #[default]
    Router,
    /// The interfaces of the bundle are ports of one bridge; devices and services are neighbours.
    Bridge(Bridge),
}

/// The bridge that the ports of an enforcement point belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its interface.
    pub name: String,
    /// The MAC address of that interface, to which frames are lifted.
    pub mac: Mac,
}

/// Prints the rules of an enforcement point that inspects: those of [`ruleset`], and what takes
/// flows to its proxy.
/// # Shape
/// As [`ruleset`], and the table [`LOADED_TABLE`], whose comment is [`generation`]. Where the rules do not
/// change with the hour, the text does not either.
#[must_use]
pub fn gateway_ruleset(bundle: &Bundle, hour: u8, proxying: &Proxying) -> String {
    inspecting(bundle, hour, proxying, &Form::Router)
}

/// Prints the rules of an enforcement point that inspects, in a form.
/// # Shape
/// As [`gateway_ruleset`]; `None` if the role has no such form: only before a device's own port can
/// frames be bound to the device, so only an access gateway can be a bridge.
#[must_use]
pub fn gateway_ruleset_as(
    form: &Form,
    bundle: &Bundle,
    hour: u8,
    proxying: &Proxying,
) -> Option<String> {
    let can = *form == Form::Router || sees_mac(bundle.role);
    can.then(|| inspecting(bundle, hour, proxying, form))
}

fn inspecting(bundle: &Bundle, hour: u8, proxying: &Proxying, form: &Form) -> String {
    let hour = if depends_on_hour(bundle) { hour % 24 } else { 0 };
    let text = text::print(bundle, hour, &KernelSets::new(bundle, hour), Some(proxying), form);
    let number = bundle.number;
    let digits = Sha256Digest::of(text.as_bytes()).digits();
    format!(
        "{text}{LOADED_HEAD}\n    \
         {COMMENT}cordon bundle {number} {hour:02}:00 {digits}\"\n}}\n"
    )
}

/// Gives the name of a text of [`gateway_ruleset`]: the kernel keeps it in a table of its own, and
/// whoever reads it there knows which text is in force.
/// # Shape
/// The number of the bundle, the hour and the digest of the text; at most 128 bytes.
#[must_use]
pub fn generation(text: &str) -> Option<&str> {
    let (_, loaded) = text.rsplit_once(LOADED_HEAD)?;
    let line = loaded.lines().nth(1)?;
    line.trim_start().strip_prefix(COMMENT)?.strip_suffix('"')
}

/// Prints the rules of an enforcement point for one hour of the day, UTC.
/// # Shape
/// Input of `nft -f`: one transaction that replaces the bundle in force and keeps the state.
#[must_use]
pub fn ruleset(bundle: &Bundle, hour: u8) -> String {
    text::print(bundle, hour, &KernelSets::new(bundle, hour), None, &Form::Router)
}

/// Says whether a bundle's rules change with the hour, so that they are loaded again every hour.
#[must_use]
pub fn depends_on_hour(bundle: &Bundle) -> bool {
    bundle.flow_lists.iter().flatten().any(|flow| flow.hours.is_some())
}

/// Says whether frames from the devices still carry the devices' own MAC addresses.
///
/// Behind an access port they do. At a segment firewall a legacy device's packets come with the MAC
/// address of its gateway, and a bundle does not say which devices those are; there the interface
/// and the address are bound, and a device with a key proves itself to the service guard.
fn sees_mac(role: Role) -> bool {
    match role {
        Role::Access => true,
        Role::Segment | Role::Service => false,
    }
}
