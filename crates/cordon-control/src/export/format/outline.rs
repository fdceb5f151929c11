//! The outline of an event: the few answers that every SIEM asks for, whatever the kind.
//!
//! CEF, LEEF, the HTTP Event Collector and syslog's structured data say these in their own words.

mod fill;

use std::fmt::Write;

use cordon_model::event::{Actor, Outcome, Party, Severity};
use cordon_model::{
    DeviceId, Event, Evidence, Operation, Protocol, SegmentId, Tier, Transport, Vlan, ZoneId,
};

use super::severity;
use super::traffic::Ends;

/// Whether something could happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It could.
    Allowed,
    /// It was stopped.
    Blocked,
}

impl Verdict {
    /// Gives the word of Splunk's Common Information Model, which others understand too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
        }
    }
}

/// What every SIEM asks of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Bytes that were attempted and did not pass.
    pub attempted_bytes: Option<u64>,
    /// Bytes towards who called.
    pub bytes_in: Option<u64>,
    /// Bytes from who called.
    pub bytes_out: Option<u64>,
    /// The name under which records of one matter go: a finding, an incident, an activation.
    pub case: Option<String>,
    /// The device that it is about.
    pub device: Option<DeviceId>,
    /// Who was called.
    pub dst: Party,
    /// How much it proves.
    pub evidence: Option<Evidence>,
    /// The verb.
    pub operation: Option<Operation>,
    /// Whether it came off.
    pub outcome: Option<Outcome>,
    /// Packets, both ways.
    pub packets: Option<u64>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// Why, in one word or a few with commas between.
    pub reason: Option<String>,
    /// The role in which somebody did it.
    pub role: Option<String>,
    /// The rule that decided or found it.
    pub rule: Option<String>,
    /// The segment.
    pub segment: Option<SegmentId>,
    /// How grave.
    pub severity: Severity,
    /// The class of events that it belongs to, which rules of a SIEM name; stable.
    /// # Shape
    /// Words with a point between: `E3.unlisted-destination`, `emergency.start`.
    pub signature: String,
    /// Who called.
    pub src: Party,
    /// The tier of the device.
    pub tier: Option<Tier>,
    /// What happened, for people; words of our own and identifiers.
    pub title: String,
    /// Over TCP or UDP.
    pub transport: Option<Transport>,
    /// Who did it: a badge, a node, a point, a device.
    pub user: Option<String>,
    /// Whether it could happen.
    pub verdict: Option<Verdict>,
    /// The VLAN.
    pub vlan: Option<Vlan>,
    /// The zone.
    pub zone: Option<ZoneId>,
}

impl Outline {
    /// Draws the outline of an event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let what = &event.what;
        let mut outline = Self {
            attempted_bytes: None,
            bytes_in: None,
            bytes_out: None,
            case: None,
            device: what.device().cloned(),
            dst: Party::default(),
            evidence: None,
            operation: None,
            outcome: None,
            packets: None,
            protocol: None,
            reason: None,
            role: None,
            rule: None,
            segment: None,
            severity: severity::of(what),
            signature: String::new(),
            src: Party::default(),
            tier: None,
            title: String::new(),
            transport: None,
            user: None,
            verdict: None,
            vlan: None,
            zone: None,
        };
        outline.fill(what);
        outline
    }

    /// Sets class and title.
    fn name(&mut self, family: &str, word: &str, title: &str) {
        self.signature = format!("{family}.{word}");
        title.clone_into(&mut self.title);
    }

    /// Adds a detail to the title.
    fn say(&mut self, lead: &str, detail: impl std::fmt::Display) {
        // Writing to a text cannot fail.
        let _ = write!(self.title, "{lead}{detail}");
    }

    /// Sets who did it.
    fn by(&mut self, actor: Option<&Actor>) {
        self.user = actor.map(ToString::to_string);
        self.role = match actor {
            Some(Actor::Person(person)) => Some(person.role.to_string()),
            Some(Actor::Device(_) | Actor::Node(_) | Actor::Point(_)) | None => None,
        };
    }

    /// Sets who called and who was called.
    fn ends(&mut self, ends: Ends) {
        self.src = ends.src;
        self.dst = ends.dst;
        self.transport = ends.transport;
    }
}

/// Gives the best name of one end: a thing of the plan, an address, a MAC address.
pub(super) fn party_name(party: &Party) -> Option<String> {
    let device = party.device.as_ref().map(ToString::to_string);
    let service = || party.service.as_ref().map(ToString::to_string);
    let address = || party.address.map(|address| address.to_string());
    let mac = || party.mac.map(|mac| mac.to_string());
    device.or_else(service).or_else(address).or_else(mac)
}

#[cfg(test)]
mod tests;
