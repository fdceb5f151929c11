//! ATNA: DICOM audit messages, for the audit record repository that a hospital already has.
//!
//! A repository wants to know who used a system and when it was overridden; it is no SIEM.
//!
//! | event | EventID | EventTypeCode |
//! |---|---|---|
//! | emergency started, no drill | 110113 Security Alert | 110127 Emergency Override Started |
//! | emergency stopped, no drill | 110113 Security Alert | 110138 Emergency Override Stopped |
//! | a person authenticated or failed to | 110114 User Authentication | 110122 Login |
//! | a device or node failed to authenticate | 110113 Security Alert | 110126 Node Authentication |
//! | a journal's writer started | 110100 Application Activity | 110120 Application Start |
//! | records were handed out | 110101 Audit Log Used | |
//!
//! Everything else is not sent: no drill, since nothing was overridden; no device that authenticated,
//! since repositories expect only the failures of nodes. The id of the record is in the structured data of the syslog message
//! that carries it. The text is US-ASCII.
//!
//! Invariant: a message has at most [`BYTES_MAX`] bytes.
//! Source: DICOM PS3.15 §A.5.1; DICOM PS3.15 §A.5.2; DICOM PS3.15 §A.5.3; DICOM PS3.16 CID 400, 401.

use std::fmt::Write;

use cordon_model::event::{
    Actor, Authenticated, Emergency, EmergencyAction, JournalNote, Outcome, Party,
};
use cordon_model::{What, WriterId};

use super::outline::party_name;
use super::{Item, PRODUCT, stamp};

/// A code of DICOM's own terminology and its meaning.
/// # Source
/// DICOM PS3.16 §D.
#[derive(Debug, Clone, Copy)]
struct Code(&'static str, &'static str);

const APPLICATION_ACTIVITY: Code = Code("110100", "Application Activity");
const AUDIT_LOG_USED: Code = Code("110101", "Audit Log Used");
const SECURITY_ALERT: Code = Code("110113", "Security Alert");
const USER_AUTHENTICATION: Code = Code("110114", "User Authentication");
const APPLICATION_START: Code = Code("110120", "Application Start");
const LOGIN: Code = Code("110122", "Login");
const NODE_AUTHENTICATION: Code = Code("110126", "Node Authentication");
const OVERRIDE_STARTED: Code = Code("110127", "Emergency Override Started");
const OVERRIDE_STOPPED: Code = Code("110138", "Emergency Override Stopped");
const APPLICATION: Code = Code("110150", "Application");
const NODE_ID: Code = Code("110182", "Node ID");
const URI: Code = Code("12", "URI");

/// The most bytes of a message.
/// # Source
/// DICOM PS3.15 §A.6: repositories take 32,768 octets.
pub const BYTES_MAX: usize = 32_768;

/// Most badges of an emergency that one message names; it says so if there are more.
const BADGES_MAX: usize = 64;

/// Makes the audit message of a record; none for what a repository does not take.
/// # Shape
/// An XML document with the root `AuditMessage`, in one line.
/// # Source
/// DICOM PS3.15 §A.5.1.
#[must_use]
pub fn message(item: &Item<'_>) -> Option<String> {
    match &item.event.what {
        What::Emergency(it) if !it.drill => match it.action {
            EmergencyAction::Start => alert(item, it, OVERRIDE_STARTED),
            EmergencyAction::Stop => alert(item, it, OVERRIDE_STOPPED),
            EmergencyAction::Badge
            | EmergencyAction::Command
            | EmergencyAction::Fault
            | EmergencyAction::FlowClose
            | EmergencyAction::FlowOpen
            | EmergencyAction::Relax
            | EmergencyAction::Tamper => None,
        },
        What::Authentication(it) => authentication(item, it),
        What::Journal(it) => match &**it {
            JournalNote::Start { writer, .. } => start(item, writer),
            JournalNote::Export { by, .. } => used(item, by.as_ref()),
            JournalNote::ClockStep { .. }
            | JournalNote::Expire { .. }
            | JournalNote::Hold { .. }
            | JournalNote::Lose { .. }
            | JournalNote::Recover { .. }
            | JournalNote::Release { .. }
            | JournalNote::Restart { .. } => None,
        },
        What::Emergency(_)
        | What::Alarm(_)
        | What::Attestation(_)
        | What::Certificate(_)
        | What::Decision(_)
        | What::Finding(_)
        | What::Flow(_)
        | What::Health(_)
        | What::Incident(_)
        | What::Inventory(_)
        | What::Message(_)
        | What::Policy(_)
        | What::Review(_)
        | What::State(_) => None,
    }
}

/// # Source
/// DICOM PS3.15 §A.5.3.11 (Security Alert).
fn alert(item: &Item<'_>, it: &Emergency, kind: Code) -> Option<String> {
    let mut xml = Xml::new();
    let left_out = it.badges.len().saturating_sub(BADGES_MAX);
    let note = (left_out > 0).then(|| format!("{left_out} more badges are in the record"));
    xml.event(item, (SECURITY_ALERT, Some(kind)), 'E', Outcome::Success, note.as_deref())?;
    // Who reports: the point that the key is wired to. Who did it: the badges that were shown.
    xml.participant(it.gateway.as_str(), true, None, None);
    for badge in it.badges.iter().take(BADGES_MAX) {
        xml.participant(badge.as_str(), false, None, None);
    }
    xml.source(item);
    xml.object(it.station.as_str(), "Nurse station", NODE_ID);
    xml.object(it.zone.as_str(), "Zone", NODE_ID);
    Some(xml.end())
}

/// # Source
/// DICOM PS3.15 §A.5.3.12 (User Authentication); DICOM PS3.15 §A.5.3.11 (Security Alert).
fn authentication(item: &Item<'_>, it: &Authenticated) -> Option<String> {
    let mut xml = Xml::new();
    let name = who(it);
    let is_person = matches!(it.actor, Some(Actor::Person(_)));
    if !is_person && it.outcome == Outcome::Success {
        return None;
    }
    if is_person {
        xml.event(item, (USER_AUTHENTICATION, Some(LOGIN)), 'E', it.outcome, None)?;
        xml.participant(&name, true, None, Some(&it.party));
        xml.participant(asked(item, it), false, None, None);
        xml.source(item);
    } else {
        xml.event(item, (SECURITY_ALERT, Some(NODE_AUTHENTICATION)), 'E', it.outcome, None)?;
        xml.participant(asked(item, it), true, None, None);
        xml.participant(&name, false, None, Some(&it.party));
        xml.source(item);
        xml.object(&name, "Node", NODE_ID);
    }
    Some(xml.end())
}

fn who(it: &Authenticated) -> String {
    let actor = it.actor.as_ref().map(ToString::to_string);
    actor.or_else(|| party_name(&it.party)).unwrap_or_else(|| "unknown".to_owned())
}

/// The point that asked who it is.
fn asked<'a>(item: &'a Item<'_>, it: &'a Authenticated) -> &'a str {
    it.to.as_ref().map_or_else(|| item.seen_by(), |point| point.as_str())
}

/// # Source
/// DICOM PS3.15 §A.5.3.1 (Application Activity).
fn start(item: &Item<'_>, writer: &WriterId) -> Option<String> {
    let mut xml = Xml::new();
    let codes = (APPLICATION_ACTIVITY, Some(APPLICATION_START));
    xml.event(item, codes, 'E', Outcome::Success, None)?;
    xml.participant(writer.as_str(), false, Some(APPLICATION), None);
    xml.source(item);
    Some(xml.end())
}

/// # Source
/// DICOM PS3.15 §A.5.3.2 (Audit Log Used).
fn used(item: &Item<'_>, by: Option<&Actor>) -> Option<String> {
    let mut xml = Xml::new();
    xml.event(item, (AUDIT_LOG_USED, None), 'R', Outcome::Success, None)?;
    let by = by.map_or_else(|| item.host.to_owned(), ToString::to_string);
    xml.participant(&by, true, None, None);
    xml.source(item);
    // The log is a system object in the role of a security resource, named by the stream.
    let stream = format!("{}/{}", item.id.writer, item.id.stream);
    let _ = write!(
        xml.out,
        "<ParticipantObjectIdentification ParticipantObjectID=\"{}\" \
         ParticipantObjectTypeCode=\"2\" ParticipantObjectTypeCodeRole=\"13\">",
        Escaped(&stream)
    );
    // RFC 3881 has its own system of codes for kinds of object ids.
    let _ = write!(
        xml.out,
        "<ParticipantObjectIDTypeCode csd-code=\"{}\" codeSystemName=\"RFC-3881\" \
         originalText=\"{}\"/><ParticipantObjectName>Security Audit Log</ParticipantObjectName>\
         </ParticipantObjectIdentification>",
        URI.0, URI.1
    );
    Some(xml.end())
}

struct Xml {
    out: String,
}

impl Xml {
    fn new() -> Self {
        Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage>") }
    }

    fn end(mut self) -> String {
        self.out.push_str("</AuditMessage>");
        self.out
    }

    /// # Source
    /// DICOM PS3.15 §A.5.2: outcome 0 is success, 4 a minor failure; the time is UTC.
    fn event(
        &mut self,
        item: &Item<'_>,
        (id, kind): (Code, Option<Code>),
        action: char,
        outcome: Outcome,
        note: Option<&str>,
    ) -> Option<()> {
        let time = stamp::rfc3339(item.event.at)?;
        let outcome = match outcome {
            Outcome::Success => 0,
            Outcome::Failure => 4,
        };
        let _ = write!(
            self.out,
            "<EventIdentification EventActionCode=\"{action}\" EventDateTime=\"{time}\" \
             EventOutcomeIndicator=\"{outcome}\">"
        );
        self.code("EventID", id);
        if let Some(kind) = kind {
            self.code("EventTypeCode", kind);
        }
        if let Some(note) = note {
            let _ = write!(
                self.out,
                "<EventOutcomeDescription>{}</EventOutcomeDescription>",
                Escaped(note)
            );
        }
        self.out.push_str("</EventIdentification>");
        Some(())
    }

    /// # Source
    /// DICOM PS3.15 §A.5.2: an access point of type 1 is a machine's name, 2 an address.
    fn participant(
        &mut self,
        user: &str,
        is_requestor: bool,
        role: Option<Code>,
        party: Option<&Party>,
    ) {
        let _ = write!(
            self.out,
            "<ActiveParticipant UserID=\"{}\" UserIsRequestor=\"{is_requestor}\"",
            Escaped(user)
        );
        if let Some(address) = party.and_then(|party| party.address) {
            let _ = write!(
                self.out,
                " NetworkAccessPointID=\"{address}\" NetworkAccessPointTypeCode=\"2\""
            );
        }
        match role {
            Some(role) => {
                self.out.push('>');
                self.code("RoleIDCode", role);
                self.out.push_str("</ActiveParticipant>");
            }
            None => self.out.push_str("/>"),
        }
    }

    fn source(&mut self, item: &Item<'_>) {
        let _ = write!(
            self.out,
            "<AuditSourceIdentification AuditEnterpriseSiteID=\"{PRODUCT}\" AuditSourceID=\"{}\"/>",
            Escaped(item.host)
        );
    }

    /// # Source
    /// DICOM PS3.15 §A.5.1: an object of type 2 is a system object, and an object has a name or a
    /// query.
    fn object(&mut self, id: &str, name: &str, kind: Code) {
        let _ = write!(
            self.out,
            "<ParticipantObjectIdentification ParticipantObjectID=\"{}\" \
                 ParticipantObjectTypeCode=\"2\">",
            Escaped(id)
        );
        self.code("ParticipantObjectIDTypeCode", kind);
        let _ = write!(
            self.out,
            "<ParticipantObjectName>{name}</ParticipantObjectName>\
             </ParticipantObjectIdentification>"
        );
    }

    fn code(&mut self, element: &str, code: Code) {
        let Code(value, meaning) = code;
        let _ = write!(
            self.out,
            "<{element} csd-code=\"{value}\" codeSystemName=\"DCM\" originalText=\"{meaning}\"/>"
        );
    }
}

/// A text as an attribute's value: markup escaped, and what XML does not know left out; US-ASCII.
/// # Source
/// XML 1.0 §2.2; XML 1.0 §2.4.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&apos;")?,
                '\t' | '\n' | '\r' => write!(f, "&#{};", u32::from(c))?,
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
                ' '..='\u{7e}' => f.write_char(c)?,
                _ => write!(f, "&#{};", u32::from(c))?,
            }
        }
        Ok(())
    }
}
