//! Formats: one record of the journal in the words of another system.
//!
//! | format | for | module |
//! |---|---|---|
//! | JSON lines | anything that reads JSON | [`jsonl`] |
//! | HTTP Event Collector | Splunk | [`hec`] |
//! | OCSF 1.8 | lakes and SIEMs that speak it | [`ocsf`] |
//! | CEF, LEEF | ArcSight, Sentinel, QRadar | [`cef`], [`leef`] |
//! | syslog | collectors; carries JSON, CEF, LEEF or ATNA | [`syslog`] |
//! | ATNA | a hospital's audit record repository | [`atna`] |
//!
//! Invariant: every kind of event has an answer in every format; only [`atna`] leaves kinds out, and
//! says which.
//! Invariant: nothing goes out but fields of the event and of its record; so nothing of a patient.
//! Invariant: each text names its record by the event's id, by which a receiver knows repetitions.

pub mod atna;
pub mod cef;
pub mod hec;
pub mod jsonl;
pub mod leef;
pub mod ocsf;
pub mod outline;
mod severity;
pub mod stamp;
pub mod syslog;
mod traffic;

use cordon_model::{Event, EventId, WallMs};

/// Who made the program, as every format names it.
pub const VENDOR: &str = "Cordon";
/// The program, as every format names it.
pub const PRODUCT: &str = "cordon";
/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A record of the journal, as the formats need it.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// The hash of the record before.
    /// # Shape
    /// Base64.
    pub after: &'a str,
    /// What happened.
    pub event: &'a Event,
    /// The leaf hash of the record.
    /// # Shape
    /// Base64.
    pub hash: &'a str,
    /// The machine that tells it: the name of the writer.
    pub host: &'a str,
    /// The name of the record.
    pub id: &'a EventId,
    /// When it was written down.
    pub time: WallMs,
}

impl Item<'_> {
    /// Gives the name of the enforcement point that saw it, or of the writer.
    #[must_use]
    pub fn seen_by(&self) -> &str {
        self.event.point.as_ref().map_or(self.host, |point| point.as_str())
    }
}

/// Writes a value with its members sorted by name: the same text in every build, whatever other
/// crates ask of the JSON library.
/// # Source
/// RFC 8785 §3.2.3.
fn canonical(mut value: serde_json::Value) -> String {
    value.sort_all_objects();
    value.to_string()
}
