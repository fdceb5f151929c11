//! Who is blamed for a stopped packet, and by which rule; a stranger's act is not a device's.
//!
//! What is seen on the wire goes into `src`, whom the plan has there into `src.device` and
//! `planned_mac`, and only a device that must have sent the packet itself into `device`: one whose
//! address passed the binding, or whose own MAC address sent it from its own port.

use cordon_model::bundle::BundleDevice;
use cordon_model::event::{Finding, Party};
use cordon_model::{Evidence, Label};

use super::findings::template;
use super::input::{Cause, Denied};
use super::packet::{Family, Packet};
use super::roll::Roll;

/// The rules of detection that an enforcement point knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A device calls what no list permits.
    UnlistedDestination,
    /// Somebody calls a device that no list permits.
    UnlistedSource,
    /// The sender is not who it says.
    IdentityMismatch,
    /// It answers as a DHCP server and is none.
    RogueDhcp,
    /// It speaks as a router and is none.
    RogueRouter,
    /// It claims another's address in ARP.
    ArpSpoof,
    /// A flow that must be inspected came while nobody inspected.
    Uninspected,
    /// A flow carried more than it may.
    OverRate,
    /// An isolated device goes on speaking.
    WhileIsolated,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 9] = [
        Self::UnlistedDestination,
        Self::UnlistedSource,
        Self::IdentityMismatch,
        Self::RogueDhcp,
        Self::RogueRouter,
        Self::ArpSpoof,
        Self::Uninspected,
        Self::OverRate,
        Self::WhileIsolated,
    ];

    /// Gives the word that records use.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::UnlistedDestination => "unlisted-destination",
            Self::UnlistedSource => "unlisted-source",
            Self::IdentityMismatch => "identity-mismatch",
            Self::RogueDhcp => "rogue-dhcp",
            Self::RogueRouter => "rogue-router",
            Self::ArpSpoof => "arp-spoof",
            Self::Uninspected => "uninspected",
            Self::OverRate => "over-rate",
            Self::WhileIsolated => "while-isolated",
        }
    }

    /// Says how much it proves: what a device did that it may not, and was stopped, is E3; what was
    /// stopped for a reason of cordon's own proves nothing.
    #[must_use]
    pub fn evidence(self) -> Evidence {
        match self {
            Self::UnlistedDestination
            | Self::UnlistedSource
            | Self::IdentityMismatch
            | Self::RogueDhcp
            | Self::RogueRouter
            | Self::ArpSpoof
            | Self::OverRate => Evidence::E3,
            Self::Uninspected | Self::WhileIsolated => Evidence::E0,
        }
    }
}

/// Says whether a packet came in from the devices' side.
fn is_inside(roll: &Roll, denied: &Denied<'_>) -> bool {
    denied.interface.is_none_or(|name| name != roll.bundle().interfaces.uplink)
}

/// Finds the rule that a packet broke.
pub(super) fn rule(roll: &Roll, denied: &Denied<'_>, packet: &Packet<'_>) -> Rule {
    match denied.cause {
        Cause::Uninspected => Rule::Uninspected,
        Cause::OverRate => Rule::OverRate,
        Cause::Isolated => Rule::WhileIsolated,
        Cause::Spoofed if denied.family == Family::Arp => Rule::ArpSpoof,
        Cause::Spoofed if is_inside(roll, denied) && packet.is_from_dhcp_server() => {
            Rule::RogueDhcp
        }
        Cause::Spoofed if is_inside(roll, denied) && packet.is_from_router() => Rule::RogueRouter,
        Cause::Spoofed => Rule::IdentityMismatch,
        Cause::OffList => {
            let from_device = packet.src.is_some_and(|address| roll.at(address).is_some());
            let to_device = packet.dst.is_some_and(|address| roll.at(address).is_some());
            if to_device && !from_device { Rule::UnlistedSource } else { Rule::UnlistedDestination }
        }
    }
}

/// Makes the finding of a packet, without name and figures.
pub(super) fn judge(
    roll: &Roll,
    denied: &Denied<'_>,
    packet: &Packet<'_>,
    rule: Rule,
) -> Option<Box<Finding>> {
    let mac = denied.mac.or(packet.claimed_mac);
    let by_address = packet.src.and_then(|address| roll.at(address));
    let inside = is_inside(roll, denied);
    let (blamed, planned) = match denied.cause {
        Cause::Spoofed => {
            let here = denied.interface.filter(|_| inside).and_then(|name| roll.behind(name));
            let owner = mac.filter(|_| inside).and_then(|mac| roll.with_mac(mac));
            (
                owner.filter(|owner| here.is_some_and(|here| here.id == owner.id)),
                here.or(by_address),
            )
        }
        Cause::OffList | Cause::OverRate => (by_address, by_address),
        Cause::Uninspected | Cause::Isolated => {
            let by_target = packet.dst.and_then(|address| roll.at(address));
            (by_address.or(by_target), by_address)
        }
    };
    let mut finding = Box::new(template(rule)?);
    finding.device = blamed.map(|device| device.id.clone());
    finding.tier = blamed.map(|device| device.tier);
    finding.planned_mac = planned
        .map(|device| device.mac)
        .filter(|planned| roll.sees_mac() && mac.is_some_and(|seen| seen != *planned));
    finding.src = source(roll, packet, planned);
    finding.src.mac = mac;
    finding.dst = roll.party(packet.dst, packet.dst_port, packet.transport);
    finding.dhcp = packet.dhcp.and_then(|dhcp| dhcp.fingerprint());
    finding.ja4 = packet.ja4.and_then(|ja4| Label::new(ja4.as_str()).ok());
    finding.switch_port = denied.interface.filter(|_| inside).and_then(|it| Label::new(it).ok());
    finding.transport = packet.transport;
    finding.ttl = packet.ttl;
    Some(finding)
}

/// Names the sender as it was seen, and whom the plan has there.
fn source(roll: &Roll, packet: &Packet<'_>, planned: Option<&BundleDevice>) -> Party {
    let seen = roll.party(packet.src, packet.src_port, packet.transport);
    let device = planned.map(|device| device.id.clone()).or(seen.device);
    Party { device, service: None, ..seen }
}
