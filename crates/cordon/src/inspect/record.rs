//! One record per message: as JSON for programs, as a line for people.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::IpAddr;

use cordon_core::inspect::Verdict;
use cordon_model::Event;
use serde::Serialize;

use super::totals::Totals;
use crate::recorder::Recorder;

/// What was captured last when a message was complete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mark {
    pub(super) frame: usize,
    pub(super) ts_s: f64,
}

/// What is wrong with bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) rule: &'static str,
}

/// What only one protocol has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Detail {
    /// Nothing.
    None {},
    Modbus {
        transaction_id: Option<u16>,
        unit_id: Option<u8>,
        function_code: Option<u8>,
        exception_code: Option<u8>,
        address: Option<u16>,
        quantity: Option<u16>,
    },
    Bacnet(Box<Bacnet>),
    Hl7 {
        message_type: Option<String>,
        control_id: Option<String>,
        version: Option<String>,
        sending_application: Option<String>,
    },
    Dicom {
        pdu_type: Option<u8>,
        calling_ae: Option<String>,
        called_ae: Option<String>,
        command: Option<&'static str>,
        sop_class: Option<String>,
        status: Option<u16>,
    },
}

/// What only BACnet has; numbers, and names where the standard has some.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Bacnet {
    pub(super) bvlc_function: Option<u8>,
    pub(super) pdu_type: Option<&'static str>,
    pub(super) service: Option<u8>,
    pub(super) invoke_id: Option<u8>,
    pub(super) object: Option<String>,
    pub(super) object_type: Option<u16>,
    pub(super) object_instance: Option<u32>,
    pub(super) property: Option<&'static str>,
    pub(super) property_id: Option<u32>,
    pub(super) error_class: Option<u16>,
    pub(super) error_class_name: Option<&'static str>,
    pub(super) error_code: Option<u16>,
    pub(super) error_code_name: Option<&'static str>,
}

/// One message and its verdict.
/// # Units
/// `ts`: seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Record<'a> {
    pub(super) ts: f64,
    /// The frame that completed it.
    pub(super) frame: usize,
    pub(super) src: IpAddr,
    pub(super) sport: u16,
    pub(super) dst: IpAddr,
    pub(super) dport: u16,
    pub(super) transport: &'static str,
    pub(super) device: Option<&'a str>,
    pub(super) protocol: &'static str,
    pub(super) kind: &'static str,
    pub(super) op: Option<String>,
    pub(super) operation: Option<&'static str>,
    pub(super) verdict: &'static str,
    pub(super) rules: Vec<&'a str>,
    pub(super) page: bool,
    pub(super) bytes: usize,
    pub(super) error: Option<Wrong>,
    #[serde(flatten)]
    pub(super) detail: Detail,
}

/// How records are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// One JSON object a line.
    Json,
    /// One line a message.
    Text,
    /// Only the sums at the end.
    Sums,
}

/// Where records go, and their sums.
pub(crate) struct Sink<'w> {
    out: &'w mut dyn Write,
    show: Show,
    line: String,
    recorder: Option<&'w mut Recorder>,
    /// Why writing stopped.
    pub(super) error: Option<io::Error>,
    pub(super) totals: Totals,
}

impl<'w> Sink<'w> {
    pub(crate) fn new(out: &'w mut dyn Write, show: Show) -> Self {
        let totals = Totals::default();
        Self { out, show, line: String::new(), recorder: None, error: None, totals }
    }

    /// Also records every message in a journal.
    pub(crate) fn recording(mut self, recorder: Option<&'w mut Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Records a message in the journal, if one is kept.
    pub(super) fn keep(&mut self, event: impl FnOnce() -> Event) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(&event());
        }
    }

    /// Writes a record and counts it; `client` is who opened the conversation.
    pub(super) fn record(&mut self, record: &Record<'_>, verdict: Verdict, is_up: bool) {
        self.totals.message(record, verdict, is_up);
        if self.error.is_some() {
            return;
        }
        let written = match self.show {
            Show::Sums => Ok(()),
            Show::Json => serde_json::to_writer(&mut *self.out, record)
                .map_err(io::Error::from)
                .and_then(|()| self.out.write_all(b"\n")),
            Show::Text => {
                self.line.clear();
                line(&mut self.line, record);
                self.out.write_all(self.line.as_bytes())
            }
        };
        self.error = written.err();
    }
}

/// Writes a record for people.
fn line(text: &mut String, record: &Record<'_>) {
    let from = format!("{}:{}", record.src, record.sport);
    let to = format!("{}:{}", record.dst, record.dport);
    let op = record.op.as_deref().unwrap_or(record.kind);
    let _ = write!(text, "{} {from:>21} → {to:<21} {:<7} ", clock(record.ts), record.protocol);
    let start = text.chars().count();
    printable(text, op);
    let wide = text.chars().count().saturating_sub(start);
    for _ in wide..28 {
        text.push(' ');
    }
    let _ = write!(text, " {:<9} ", record.verdict);
    for (place, rule) in record.rules.iter().enumerate() {
        text.push_str(if place == 0 { "" } else { ", " });
        printable(text, rule);
    }
    if let Some(wrong) = record.error {
        let _ = write!(text, " ({} at byte {})", wrong.rule, wrong.at);
    }
    if record.page {
        text.push_str(" PAGE");
    }
    let _ = writeln!(text, " #{}", record.frame);
}

/// Writes what others chose so that no terminal takes it for a command.
pub(super) fn printable(text: &mut String, foreign: &str) {
    for c in foreign.chars() {
        text.push(if c.is_control() { '\u{fffd}' } else { c });
    }
}

/// Writes the time of the day, UTC, to the microsecond.
fn clock(ts_s: f64) -> String {
    // Half a microsecond more, because what is left of a microsecond is cut off.
    let Ok(since) = std::time::Duration::try_from_secs_f64(ts_s + 0.5e-6) else {
        return "??:??:??.??????".to_owned();
    };
    let s = since.as_secs();
    let (hour, minute, second) = (s / 3_600 % 24, s / 60 % 60, s % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{:06}", since.subsec_micros())
}
