//! Syslog: RFC 5424 messages that carry JSON, CEF, LEEF or ATNA, and their frames on TLS.
//!
//! ```text
//! <107>1 2026-01-01T00:00:00.008Z gw-b2-017 cordon - finding [cordon@32473 uid="…" tier="ORANGE"] {…}
//! ```
//!
//! | part | is |
//! |---|---|
//! | facility | 13, log audit: a journal is an audit trail; ATNA: 10, as its profile says |
//! | severity | info 6, low 5, medium 4, high 3, critical 2; 0 and 1 are left to operating systems |
//! | PROCID | `-`: a record outlives the process that wrote it |
//! | MSGID | the kind of event |
//! | SD-ID | `cordon@32473`, the enterprise number for documentation until one is registered |
//! | MSG | US-ASCII, so `MSG-ANY` without a byte order mark, which readers of CEF and LEEF trip over |
//!
//! A message longer than the limit carries CEF instead of what was asked for, which is short by
//! construction, and says so in its structured data: `whole="false"`, and the bytes of the whole.
//! The record itself stays in the journal under the same name. ATNA has its own limit, and no
//! message is longer.
//!
//! Invariant: nothing is cut silently.
//! Source: RFC 5424 §6; RFC 5424 §6.2.1; RFC 5424 §6.3; RFC 5424 §6.4; RFC 5425 §4.3; RFC 5612 §2.

use std::fmt::Write;

use cordon_model::event::Severity;

use super::outline::Outline;
use super::{Item, atna, cef, jsonl, leef, stamp};

/// The default limit of a message.
/// # Units
/// Bytes.
/// # Source
/// RFC 5425 §4.3.1: receivers should take 8,192 octets.
pub const BYTES_MAX: usize = 8_192;

/// What every receiver on TLS takes; no limit may be lower.
/// # Units
/// Bytes.
/// # Source
/// RFC 5425 §4.3.1: receivers must take 2,048 octets.
pub const BYTES_MIN: usize = 2_048;

/// Log audit.
/// # Source
/// RFC 5424 §6.2.1, table 1.
const FACILITY: u8 = 13;

/// PRI of an ATNA message: security/authorization, notice.
/// # Source
/// DICOM PS3.15 §A.6.
const ATNA_PRI: u8 = 85;

/// MSGID of an ATNA message.
/// # Source
/// DICOM PS3.15 §A.6.
const ATNA_MSGID: &str = "DICOM+RFC3881";

/// Most letters of a host's name.
/// # Source
/// RFC 5424 §6 (HOSTNAME).
const HOST_BYTES_MAX: usize = 255;

/// The structured data element of cordon; 32473 is the enterprise number for documentation.
/// # Source
/// RFC 5424 §6.3.2; RFC 5612 §2.
const SD_ID: &str = "cordon@32473";

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The DICOM audit message, for the kinds that have one.
    Atna,
    /// CEF.
    Cef,
    /// The JSON line.
    Json,
    /// LEEF.
    Leef,
}

impl Body {
    /// Every kind of body.
    pub const ALL: [Self; 4] = [Self::Atna, Self::Cef, Self::Json, Self::Leef];

    /// Gives the name that settings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Atna => "atna",
            Self::Cef => "cef",
            Self::Json => "json",
            Self::Leef => "leef",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|body| body.name() == text)
    }
}

/// A message of syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether it carries what was asked for; if not, its structured data says so too.
    pub is_whole: bool,
    /// The message, without frame.
    pub text: String,
}

impl Message {
    /// Gives the message as it goes over TLS or TCP: its length, a space, the message.
    /// # Source
    /// RFC 5425 §4.3.1; RFC 6587 §3.4.1.
    #[must_use]
    pub fn framed(&self) -> Vec<u8> {
        format!("{} {}", self.text.len(), self.text).into_bytes()
    }
}

/// Makes the message for a record; none if the body has nothing to say about this kind.
/// # Shape
/// `bytes_max`: the limit of the message; less than [`BYTES_MIN`] counts as that.
/// # Source
/// RFC 5424 §6.
#[must_use]
pub fn message(item: &Item<'_>, body: Body, bytes_max: usize) -> Option<Message> {
    let outline = Outline::of(item.event);
    let text = match body {
        Body::Atna => atna::message(item)?,
        Body::Cef => cef::line(item),
        Body::Json => jsonl::line(item),
        Body::Leef => leef::line(item),
    };
    let mut head = header(item, &outline, body);
    head.push('[');
    structured(item, &outline, &mut head);
    let bytes = head.len() + "] ".len() + text.len();
    if bytes <= bytes_max.max(BYTES_MIN) || body == Body::Atna {
        return Some(Message { is_whole: true, text: format!("{head}] {text}") });
    }
    parameter("whole", "false", &mut head);
    parameter("bytes", &bytes.to_string(), &mut head);
    parameter("body", body.name(), &mut head);
    let short = cef::line(item);
    let room = bytes_max.max(BYTES_MIN).saturating_sub(head.len() + "] ".len());
    let text = if short.len() <= room { format!("{head}] {short}") } else { format!("{head}]") };
    Some(Message { is_whole: false, text })
}

fn header(item: &Item<'_>, outline: &Outline, body: Body) -> String {
    let kind = item.event.what.kind().name();
    let (pri, msgid) = match body {
        Body::Atna => (ATNA_PRI, ATNA_MSGID),
        Body::Cef | Body::Json | Body::Leef => {
            (FACILITY * 8 + severity_number(outline.severity), kind)
        }
    };
    let time = stamp::rfc3339(item.event.at).unwrap_or_else(|| "-".to_owned());
    format!("<{pri}>1 {time} {} cordon - {msgid} ", host_name(item.host))
}

/// Gives the number of a severity.
/// # Source
/// RFC 5424 §6.2.1, table 2.
fn severity_number(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 6,
        Severity::Low => 5,
        Severity::Medium => 4,
        Severity::High => 3,
        Severity::Critical => 2,
    }
}

/// The name of a host as the header takes it: printable US-ASCII without spaces, or `-`.
/// # Source
/// RFC 5424 §6; RFC 5424 §6.2.4.
fn host_name(host: &str) -> String {
    let name: String = host.chars().filter(char::is_ascii_graphic).take(HOST_BYTES_MAX).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

fn structured(item: &Item<'_>, outline: &Outline, out: &mut String) {
    out.push_str(SD_ID);
    parameter("uid", &item.id.to_string(), out);
    parameter("kind", item.event.what.kind().name(), out);
    parameter("signature", &outline.signature, out);
    let optional = [
        ("tier", outline.tier.map(|it| it.to_string())),
        ("segment", outline.segment.as_ref().map(ToString::to_string)),
        ("zone", outline.zone.as_ref().map(ToString::to_string)),
        ("device", outline.device.as_ref().map(ToString::to_string)),
        ("action", outline.verdict.map(|it| it.name().to_owned())),
        ("outcome", outline.outcome.map(|it| it.name().to_owned())),
        ("case", outline.case.clone()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            parameter(name, &value, out);
        }
    }
    parameter("hash", item.hash, out);
}

/// Writes one parameter of structured data.
fn parameter(name: &str, value: &str, out: &mut String) {
    // Writing to a text cannot fail.
    let _ = write!(out, " {name}=\"");
    escape_parameter(value, out);
    out.push('"');
}

/// Writes the value of a parameter: `"`, `\` and `]` escaped, everything else as it is.
/// # Source
/// RFC 5424 §6.3.3.
pub fn escape_parameter(value: &str, out: &mut String) {
    for c in value.chars() {
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests;
