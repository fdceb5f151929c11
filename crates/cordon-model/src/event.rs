//! Events: all that the journal may hold.
//!
//! Every string in an event is an identifier, a badge or a [`Label`]; there is no field for free
//! text, for a payload or for anything of a patient. The vocabulary is closed: what is not here
//! cannot be recorded, and every exporter says what it makes of each kind.
//!
//! STORED: events of version 1, in records of the journal.
//! Invariant: fields are declared in alphabetical order, so that an event has exactly one JSON
//! text, the canonical one.
//! Source: RFC 8785 (canonical JSON); 45 CFR 164.312(b); 45 CFR 164.316(b)(2)(i).

mod access;
mod emergency;
mod estate;
mod incident;
mod upkeep;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use access::{
    Answer, Authenticated, Decided, Effect, FlowSummary, Inspected, MessageVerdict, Outcome, Party,
    Way,
};
pub use emergency::{Clock, Emergency, EmergencyAction, ExpiryReason, Trigger};
pub use estate::{
    Attested, Certificate, CertificateAction, Inventory, InventoryAction, PolicyAction,
    PolicyChange, ProofResult,
};
pub use incident::{
    Finding, FindingAction, FindingStatus, Incident, IncidentAction, Review, ReviewAction,
    StateChange,
};
pub use upkeep::{Alarm, AlarmState, DeviceCount, Health, JournalNote, Lost, Severity};

use crate::{BadgeId, DeviceId, Label, PointId, WallMs, WriterId};

/// Something that happened, as whoever saw it tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When it happened.
    pub at: WallMs,
    /// The enforcement point that saw it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<PointId>,
    /// What it was.
    pub what: What,
}

/// Every kind of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// An alarm of cordon about itself was raised or cleared.
    Alarm(Box<Alarm>),
    /// A device, a person or a point proved who it is, or failed to.
    Authentication(Box<Authenticated>),
    /// The firmware of a device was attested.
    Attestation(Box<Attested>),
    /// A certificate was issued, renewed or revoked, or ran out.
    Certificate(Box<Certificate>),
    /// An act was decided.
    Decision(Box<Decided>),
    /// Clinical emergency mode: key, flows, badges.
    Emergency(Box<Emergency>),
    /// Something about a device was found.
    Finding(Box<Finding>),
    /// A flow was counted.
    Flow(Box<FlowSummary>),
    /// How an enforcement point is.
    Health(Box<Health>),
    /// An incident was opened, changed or closed.
    Incident(Box<Incident>),
    /// A device came, moved, changed or went.
    Inventory(Box<Inventory>),
    /// The journal speaks of itself.
    Journal(Box<JournalNote>),
    /// A message was judged.
    Message(Box<Inspected>),
    /// Policy was published, activated or refused.
    Policy(Box<PolicyChange>),
    /// A person has to look, or has looked.
    Review(Box<Review>),
    /// A device changed its state: contained, isolated, released.
    State(Box<StateChange>),
}

/// The kinds of event, without what they carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`What::Alarm`].
    Alarm,
    /// [`What::Authentication`].
    Authentication,
    /// [`What::Attestation`].
    Attestation,
    /// [`What::Certificate`].
    Certificate,
    /// [`What::Decision`].
    Decision,
    /// [`What::Emergency`].
    Emergency,
    /// [`What::Finding`].
    Finding,
    /// [`What::Flow`].
    Flow,
    /// [`What::Health`].
    Health,
    /// [`What::Incident`].
    Incident,
    /// [`What::Inventory`].
    Inventory,
    /// [`What::Journal`].
    Journal,
    /// [`What::Message`].
    Message,
    /// [`What::Policy`].
    Policy,
    /// [`What::Review`].
    Review,
    /// [`What::State`].
    State,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
        Self::Alarm,
        Self::Authentication,
        Self::Attestation,
        Self::Certificate,
        Self::Decision,
        Self::Emergency,
        Self::Finding,
        Self::Flow,
        Self::Health,
        Self::Incident,
        Self::Inventory,
        Self::Journal,
        Self::Message,
        Self::Policy,
        Self::Review,
        Self::State,
    ];

    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Authentication => "authentication",
            Self::Attestation => "attestation",
            Self::Certificate => "certificate",
            Self::Decision => "decision",
            Self::Emergency => "emergency",
            Self::Finding => "finding",
            Self::Flow => "flow",
            Self::Health => "health",
            Self::Incident => "incident",
            Self::Inventory => "inventory",
            Self::Journal => "journal",
            Self::Message => "message",
            Self::Policy => "policy",
            Self::Review => "review",
            Self::State => "state",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }

    /// Says how long a record of this kind is kept.
    /// # Source
    /// 45 CFR 164.316(b)(2)(i): documentation of actions, activities and assessments for six years;
    /// it does not name raw logs.
    #[must_use]
    pub fn retention(self) -> Retention {
        match self {
            Self::Decision | Self::Flow | Self::Message | Self::Authentication => {
                Retention::Traffic
            }
            Self::Health => Retention::Detail,
            Self::Alarm
            | Self::Attestation
            | Self::Certificate
            | Self::Emergency
            | Self::Finding
            | Self::Incident
            | Self::Inventory
            | Self::Journal
            | Self::Policy
            | Self::Review
            | Self::State => Retention::Evidence,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl What {
    /// Gives the kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Alarm(_) => Kind::Alarm,
            Self::Authentication(_) => Kind::Authentication,
            Self::Attestation(_) => Kind::Attestation,
            Self::Certificate(_) => Kind::Certificate,
            Self::Decision(_) => Kind::Decision,
            Self::Emergency(_) => Kind::Emergency,
            Self::Finding(_) => Kind::Finding,
            Self::Flow(_) => Kind::Flow,
            Self::Health(_) => Kind::Health,
            Self::Incident(_) => Kind::Incident,
            Self::Inventory(_) => Kind::Inventory,
            Self::Journal(_) => Kind::Journal,
            Self::Message(_) => Kind::Message,
            Self::Policy(_) => Kind::Policy,
            Self::Review(_) => Kind::Review,
            Self::State(_) => Kind::State,
        }
    }

    /// Gives the device that the event is about, if it is about one.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::Authentication(it) => it.party.device.as_ref(),
            Self::Attestation(it) => Some(&it.device),
            Self::Certificate(it) => it.device.as_ref(),
            Self::Decision(it) => Some(&it.act.device),
            Self::Emergency(it) => it.device.as_ref(),
            Self::Finding(it) => it.device.as_ref(),
            Self::Flow(it) => it.device.as_ref(),
            Self::Incident(it) => it.device.as_ref(),
            Self::Inventory(it) => Some(&it.device),
            Self::Message(it) => it.device.as_ref(),
            Self::State(it) => Some(&it.device),
            Self::Alarm(_)
            | Self::Health(_)
            | Self::Journal(_)
            | Self::Policy(_)
            | Self::Review(_) => None,
        }
    }
}

/// How long a record is kept, and so into which stream of the journal it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retention {
    /// Six years: state changes, emergency, incidents, reviews, policy, inventory.
    Evidence,
    /// 400 days: decisions, flows, messages, authentications.
    Traffic,
    /// 30 days: health and what else only helps to find faults.
    Detail,
}

impl Retention {
    /// Every class, the longest first.
    pub const ALL: [Self; 3] = [Self::Evidence, Self::Traffic, Self::Detail];

    /// Gives the name of the stream.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Traffic => "traffic",
            Self::Detail => "detail",
        }
    }

    /// Reads the name of a stream.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == text)
    }

    /// Gives the days for which records are kept.
    #[must_use]
    pub fn days(self) -> u64 {
        match self {
            Self::Evidence => 2_192,
            Self::Traffic => 400,
            Self::Detail => 30,
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Names one record of one journal: writer, stream and number; the same wherever it is copied.
/// # Shape
/// `gw-b2-017/evidence/1234`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId {
    /// Who wrote it.
    pub writer: WriterId,
    /// Into which stream.
    pub stream: Retention,
    /// Its number there, from 0.
    pub seq: u64,
}

/// Says that a text names no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is named `<writer>/<stream>/<number>`, for example `gw-b2-017/evidence/1234`")]
pub struct EventIdError;

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let mut parts = text.split('/');
        let (Some(writer), Some(stream), Some(seq), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(EventIdError);
        };
        let is_number = seq == "0" || (!seq.starts_with(['0', '+']));
        Ok(Self {
            writer: WriterId::new(writer).map_err(|_| EventIdError)?,
            stream: Retention::from_name(stream).ok_or(EventIdError)?,
            seq: seq.parse().ok().filter(|_| is_number).ok_or(EventIdError)?,
        })
    }
}

impl TryFrom<String> for EventId {
    type Error = EventIdError;
    fn try_from(text: String) -> Result<Self, EventIdError> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.writer, self.stream, self.seq)
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A device.
    Device(DeviceId),
    /// A decision node, by the name under which it writes its journal.
    Node(WriterId),
    /// A person, by badge and role.
    Person(Person),
    /// An enforcement point.
    Point(PointId),
}

/// A person of the hospital's staff.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The badge.
    pub badge: BadgeId,
    /// In which role, for example `security` or `clinical`.
    pub role: Label,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(id) => write!(f, "{id}"),
            Self::Node(id) => write!(f, "{id}"),
            Self::Person(person) => write!(f, "{}", person.badge),
            Self::Point(id) => write!(f, "{id}"),
        }
    }
}

#[cfg(test)]
mod tests;
