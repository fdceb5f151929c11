//! One record of a Zeek connection log, from the texts of its fields.

use std::borrow::Cow;
use std::net::IpAddr;

use cordon_model::{Mac, Transport};

use super::{Carrier, FlowRecord};

/// The fields of conn.log that are read, and whether a log must have them.
/// # Source
/// Zeek `base/protocols/conn/main.zeek` (record `Conn::Info`) and
/// `policy/protocols/conn/mac-logging.zeek`.
pub(super) const FIELDS: [(&str, bool); 11] = [
    ("ts", true),
    ("id.orig_h", true),
    ("id.orig_p", true),
    ("id.resp_h", true),
    ("id.resp_p", true),
    ("proto", true),
    ("service", false),
    ("orig_bytes", false),
    ("resp_bytes", false),
    ("orig_l2_addr", false),
    ("resp_l2_addr", false),
];

const TS: usize = 0;
const ORIG_H: usize = 1;
const ORIG_P: usize = 2;
const RESP_H: usize = 3;
const RESP_P: usize = 4;
const PROTO: usize = 5;
const SERVICE: usize = 6;
const ORIG_BYTES: usize = 7;
const RESP_BYTES: usize = 8;
const ORIG_L2: usize = 9;
const RESP_L2: usize = 10;

/// The texts of one record; none for a field that is absent or unset.
pub(super) type Texts<'a> = [Option<Cow<'a, str>>; FIELDS.len()];

/// A field that cannot be read: which, what is wrong, what to do.
#[derive(Debug)]
pub(super) struct FieldFault {
    pub(super) field: usize,
    pub(super) label: &'static str,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// A point in time as a log writes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum LogTime {
    /// Seconds since 1970.
    Known(f64),
    /// `XXXXXXXXXX.XXXXXX`, as Zeek's own test baselines write it.
    Masked,
}

fn fault(field: usize, text: &str, wanted: &str, help: &'static str) -> FieldFault {
    let name = FIELDS.get(field).map_or("", |(name, _)| name);
    let message = if text.is_empty() {
        format!("`{name}` has no value; it is {wanted}")
    } else {
        format!("`{text}` in `{name}` is not {wanted}")
    };
    FieldFault { field, label: "malformed-field", message, help }
}

fn text<'a>(texts: &'a Texts<'_>, field: usize) -> Option<&'a str> {
    texts.get(field).and_then(Option::as_deref)
}

fn required<T>(
    texts: &Texts<'_>,
    field: usize,
    wanted: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, FieldFault> {
    let text = text(texts, field).unwrap_or_default();
    let help = "correct the line, or take the log from Zeek again";
    read(text).ok_or_else(|| fault(field, text, wanted, help))
}

/// Reads one record.
pub(super) fn record(texts: &Texts<'_>, line: usize) -> Result<(FlowRecord, LogTime), FieldFault> {
    let time = required(texts, TS, "a time in seconds since 1970 or in ISO 8601", time)?;
    let address = |text: &str| text.parse::<IpAddr>().ok();
    let port = |text: &str| text.parse::<u16>().ok();
    let record = FlowRecord {
        ts_s: match time {
            LogTime::Known(seconds) => seconds,
            LogTime::Masked => 0.0,
        },
        src: required(texts, ORIG_H, "an IP address", address)?,
        sport: required(texts, ORIG_P, "a port (0 to 65535)", port)?,
        dst: required(texts, RESP_H, "an IP address", address)?,
        dport: required(texts, RESP_P, "a port (0 to 65535)", port)?,
        transport: required(texts, PROTO, "a protocol such as `tcp`", carrier)?,
        protocol_hint: text(texts, SERVICE).map(str::to_owned),
        bytes_up: count(texts, ORIG_BYTES)?,
        bytes_down: count(texts, RESP_BYTES)?,
        src_mac: mac(texts, ORIG_L2)?,
        dst_mac: mac(texts, RESP_L2)?,
        line_or_frame: line,
    };
    Ok((record, time))
}

fn time(text: &str) -> Option<LogTime> {
    if text.starts_with('X') && text.chars().all(|c| matches!(c, 'X' | '.' | '-' | ':' | 'T' | 'Z'))
    {
        return Some(LogTime::Masked);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then_some(LogTime::Known(seconds));
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(LogTime::Known(moment.as_duration().as_secs_f64())).filter(|_| moment.as_second() >= 0)
}

fn carrier(text: &str) -> Option<Carrier> {
    match text {
        "tcp" => Some(Carrier::Ports(Transport::Tcp)),
        "udp" => Some(Carrier::Ports(Transport::Udp)),
        name => {
            let legal = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
            legal.then(|| Carrier::Other(name.to_owned()))
        }
    }
}

fn count(texts: &Texts<'_>, field: usize) -> Result<u64, FieldFault> {
    let Some(text) = text(texts, field) else {
        return Ok(0);
    };
    let help = "a count of bytes is a whole number, or unset";
    text.parse().map_err(|_| fault(field, text, "a count", help))
}

/// A group address is legal in a log and is no device's address.
fn mac(texts: &Texts<'_>, field: usize) -> Result<Option<Mac>, FieldFault> {
    let Some(text) = text(texts, field) else {
        return Ok(None);
    };
    match text.parse::<Mac>() {
        Ok(mac) => Ok(Some(mac)),
        Err(cordon_model::net::AddressError::MacGroup) => Ok(None),
        Err(_) => Err(fault(field, text, "a MAC address", "write it like `00:1b:21:3a:4f:60`")),
    }
}
