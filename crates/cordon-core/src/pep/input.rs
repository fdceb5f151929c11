//! What an enforcement point is told: bundles, orders, what was stopped and what passed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use cordon_model::bundle::FlowKey;
use cordon_model::event::{Actor, EventId, Way};
use cordon_model::{
    Attestation, Bundle, DeviceId, Evidence, Identity, Label, Mac, Mono, Operation, Posture,
    Protocol, WallMs, nft,
};

use super::packet::Family;
use crate::inspect::{Reasons, Verdict};

/// Something that happened, from outside.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A bundle came whose signature is good; its number is still compared.
    Bundle(Arc<Bundle>),
    /// A bundle came that may not be used: the one in force stays, in every tier, and an alarm is
    /// raised. The record with the digest is written by whoever read the bundle.
    Refused {
        /// Its number, if it could be read.
        number: Option<u64>,
    },
    /// A decision point spoke: the age of the policy counts from now.
    Heard,
    /// Somebody orders something about a device.
    Order(Order),
    /// A packet was stopped and logged.
    Denied(Denied<'a>),
    /// The kernel counted what a device attempted in vain.
    Attempted(Attempted),
    /// A flow began, went on or ended.
    Flow(FlowSeen),
    /// A message was judged.
    Message(MessageSeen),
    /// The kernel did what it was told, or did not.
    Kernel(KernelDone),
    /// Nothing but the time.
    Woke,
}

/// An order about a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its name; an order that comes twice is obeyed once and answered twice.
    pub id: Label,
    /// What shall be done.
    pub what: OrderKind,
    /// The device.
    pub device: DeviceId,
    /// Who orders it.
    pub by: Vec<Actor>,
    /// How much is proved against the device.
    pub evidence: Option<Evidence>,
    /// The incident that it belongs to.
    pub incident: Option<Label>,
    /// Why, in one word.
    pub reason: Label,
    /// The records that led to it.
    pub because: Vec<EventId>,
    /// Milliseconds since the first violating packet, if the sender knows them.
    pub since_violation_ms: Option<u64>,
}

/// What can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// The device keeps its lifelines only.
    Contain,
    /// Nothing passes.
    Isolate,
    /// Back to policy, on probation.
    Release,
    /// A person has seen that the lifelines work: the containment stays.
    Confirm,
    /// The device is watched; nothing is cut.
    Suspect,
    /// What is known of the device's identity and firmware.
    Posture {
        /// How it proved who it is.
        identity: Identity,
        /// What attestation says.
        attestation: Attestation,
    },
}

/// Why the kernel stopped and logged a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// No list permits it.
    OffList,
    /// Its sender is not who it says.
    Spoofed,
    /// Its device is isolated.
    Isolated,
    /// It should have been inspected, and nobody was there to do so.
    Uninspected,
    /// It was more than its flow may carry.
    OverRate,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] =
        [Self::OffList, Self::Spoofed, Self::Isolated, Self::Uninspected, Self::OverRate];

    /// Reads the NFLOG group of a packet; none for groups of packets that passed.
    #[must_use]
    pub fn of_group(group: u16) -> Option<Self> {
        match group {
            nft::LOG_GROUP_DENIED => Some(Self::OffList),
            nft::LOG_GROUP_SPOOFED => Some(Self::Spoofed),
            nft::LOG_GROUP_ISOLATED => Some(Self::Isolated),
            nft::LOG_GROUP_UNINSPECTED => Some(Self::Uninspected),
            nft::LOG_GROUP_LIMITED => Some(Self::OverRate),
            _ => None,
        }
    }
}

/// A packet that was stopped.
#[derive(Debug, Clone, Copy)]
pub struct Denied<'a> {
    /// Why.
    pub cause: Cause,
    /// The interface that it came in by.
    pub interface: Option<&'a str>,
    /// The MAC address that sent it.
    pub mac: Option<Mac>,
    /// Which table logged it.
    pub family: Family,
    /// The packet from its network header on, as far as it was logged.
    pub packet: &'a [u8],
    /// When the kernel saw it.
    pub seen: Mono,
}

/// What a device attempted in vain since the last report, by the kernel's own counters: the log is
/// held to a rate, the counters are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempted {
    /// The device's address.
    pub address: IpAddr,
    /// Bytes that arrived at the enforcement point.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
}

/// Names a flow as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

/// What happened to a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowMoment {
    /// It began.
    Start,
    /// It goes on.
    Update,
    /// It ended.
    End,
}

/// A flow that passed, as it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowSeen {
    /// Its name.
    pub id: FlowId,
    /// What happened.
    pub moment: FlowMoment,
    /// Where it is found in the bundle.
    pub key: FlowKey,
    /// The port of whoever opened it.
    pub opener_port: u16,
    /// Bytes from the device since it began.
    pub bytes_from_device: u64,
    /// Bytes towards the device since it began.
    pub bytes_to_device: u64,
    /// Packets both ways since it began.
    pub packets: u64,
    /// When it began, if that is known.
    pub began: Option<WallMs>,
}

/// A message that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageSeen {
    /// The flow on which it came.
    pub key: FlowKey,
    /// The port of whoever opened the flow.
    pub opener_port: u16,
    /// Which way it went.
    pub way: Way,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its verb, if policy knows it.
    pub operation: Option<Operation>,
    /// What happened to it.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Reasons,
    /// Whether somebody is called at once.
    pub page: bool,
    /// Its bytes on the wire.
    pub bytes: u64,
}

/// What the kernel did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelDone {
    /// The rules of a bundle are in force.
    Loaded {
        /// Its number.
        number: u64,
        /// The hour for which they were printed.
        hour: u8,
    },
    /// The rules of a bundle were refused, and those before are in force.
    LoadRefused {
        /// Its number.
        number: u64,
        /// The hour for which they were printed.
        hour: u8,
    },
    /// Changes of state are in force, all of them.
    Stated {
        /// Which.
        ticket: u64,
    },
    /// Changes of state were refused, all of them.
    StateRefused {
        /// Which.
        ticket: u64,
        /// What the kernel holds instead, if it was read again.
        held: Option<BTreeMap<IpAddr, Elements>>,
    },
}

/// What the kernel holds for an address, beyond the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Elements {
    /// It is in `isolated4` or `isolated6`.
    pub isolated: bool,
    /// It is in `contained4` or `contained6`.
    pub contained: Option<Containment>,
    /// It is in `no_new4` or `no_new6`.
    pub no_new: bool,
    /// Its posture in `posture4` or `posture6`; emergency mode is not told there.
    pub posture: Option<Posture>,
}

/// A containment in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Containment {
    /// Seconds after which the kernel lifts it by itself, until it is confirmed.
    pub timeout_s: Option<u32>,
}

/// What a point finds when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// What the kernel still holds.
    pub held: BTreeMap<IpAddr, Elements>,
    /// How old the policy was already, if that is known.
    /// # Units
    /// Seconds.
    pub age_s: Option<u32>,
}
