//! Who may, who did, and what was said: decisions, messages, flows, authentications.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::{
    Act, Decision, DeviceId, Label, Mac, Operation, PointId, Posture, Protocol, Reason, RuleId,
    SegmentId, ServiceId, Tier, Transport, Vlan, WallMs,
};

use super::Actor;

/// One end of a conversation, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The device it is, by the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Its MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The service it is, by the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
}

/// Permit or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The act may happen.
    Permit,
    /// The act may not happen.
    Deny,
}

impl Effect {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }
}

/// The answer to an act, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Permit or deny.
    pub effect: Effect,
    /// Why it is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The rules that decided.
    pub rules: Vec<RuleId>,
}

impl From<&Decision> for Answer {
    fn from(decision: &Decision) -> Self {
        let rules = decision.rules().to_vec();
        match decision {
            Decision::Permit { .. } => Self { effect: Effect::Permit, reason: None, rules },
            Decision::Deny { reason, .. } => {
                Self { effect: Effect::Deny, reason: Some(*reason), rules }
            }
        }
    }
}

/// An act and what was decided, with all that the decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The question.
    pub act: Act,
    /// The answer.
    pub answer: Answer,
    /// The generation of the policy that answered.
    pub generation: u64,
    /// The hour of the day, UTC, as the policy saw it.
    pub hour: u8,
    /// How long the answer took, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<u64>,
    /// The digest of the plan and policy that answered; `cordon why` finds them by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Sha256Digest>,
    /// What was known of the device.
    pub posture: Posture,
    /// The segment of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentId>,
    /// The tier of the device.
    pub tier: Tier,
}

/// What happened to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageVerdict {
    /// It did not pass.
    Block,
    /// It passed.
    Pass,
    /// It passed and was remarked.
    PassFlag,
}

impl MessageVerdict {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Pass => "pass",
            Self::PassFlag => "pass-flag",
        }
    }
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// From the device.
    FromDevice,
    /// Towards the device.
    ToDevice,
}

/// A message that an inspector judged; nothing of what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspected {
    /// Its bytes on the wire.
    pub bytes: u64,
    /// How many messages it stands for, if they are counted together; their bytes are as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Where it went.
    pub dst: Party,
    /// Its verb, if policy knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Whether somebody was called at once.
    pub page: bool,
    /// Its protocol.
    pub protocol: Protocol,
    /// Why, in the words of the table of reasons.
    pub reasons: Vec<Label>,
    /// The rules that list it.
    pub rules: Vec<RuleId>,
    /// Where it came from.
    pub src: Party,
    /// The tier of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Over TCP or UDP.
    pub transport: Transport,
    /// What happened to it.
    pub verdict: MessageVerdict,
    /// Which way it went.
    pub way: Way,
}

/// A flow, counted over an interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSummary {
    /// Permit: it was let through; deny: it was attempted.
    pub action: Effect,
    /// Bytes from the device; of an attempt, bytes that arrived at the enforcement point.
    pub bytes_from_device: u64,
    /// Bytes towards the device.
    pub bytes_to_device: u64,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Who was called.
    pub dst: Party,
    /// First packet of the interval.
    pub first: WallMs,
    /// Last packet of the interval.
    pub last: WallMs,
    /// Packets, both ways.
    pub packets: u64,
    /// The rule that let it through, or stopped it.
    pub rule: RuleId,
    /// The segment of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentId>,
    /// Who called.
    pub src: Party,
    /// The tier of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Over TCP or UDP.
    pub transport: Transport,
    /// The VLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<Vlan>,
}

/// Success or failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It succeeded.
    Success,
    /// It failed.
    Failure,
}

impl Outcome {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// Somebody proved who it is, or failed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authenticated {
    /// A person or a node, when it is no device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// How: `mab`, `eap-tls`, `mtls`, `badge`.
    pub method: Label,
    /// Success or failure.
    pub outcome: Outcome,
    /// Who, as seen on the wire.
    pub party: Party,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Label>,
    /// The segment that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentId>,
    /// The tier of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// To whom: the point or service that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<PointId>,
}
