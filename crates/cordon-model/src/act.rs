//! The question of every decision: who does what to whom.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Operation, ServiceId, Transport};

/// Who opens the conversation, seen from the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The device opens it.
    Out,
    /// The other side opens it towards the device.
    In,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Out, Self::In];

    /// Gives the name that files and policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An address with a port, as seen on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The transport protocol.
    pub transport: Transport,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(a) => write!(f, "{a}:{}/{}", self.port, self.transport),
            IpAddr::V6(a) => write!(f, "[{a}]:{}/{}", self.port, self.transport),
        }
    }
}

/// The other side of an act.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A service of the plan.
    Service(ServiceId),
    /// Another device of the plan.
    Device(DeviceId),
    /// An address that is neither.
    Address(Endpoint),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(id) => write!(f, "{id}"),
            Self::Device(id) => write!(f, "device {id}"),
            Self::Address(endpoint) => write!(f, "{endpoint}"),
        }
    }
}

/// What a device wants to do, or what is about to be done to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Act {
    /// The device; always one of the plan.
    pub device: DeviceId,
    /// Who opens the conversation.
    pub direction: Direction,
    /// The verb.
    pub operation: Operation,
    /// The other side.
    pub target: Target,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Out => write!(f, "{} → {} {}", self.device, self.target, self.operation),
            Direction::In => write!(f, "{} ← {} {}", self.device, self.target, self.operation),
        }
    }
}
