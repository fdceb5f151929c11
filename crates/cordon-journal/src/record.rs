//! Records: an event with its place in the chain, as one line of canonical JSON.
//!
//! STORED: records of version 1.
//! Source: RFC 8785 (canonical JSON).

use cordon_model::{Event, Mono, WallMs};
use serde::{Deserialize, Serialize};

use crate::hash::{Hash, TEXT_BYTES};

/// The version of records that is written; all up to it are read.
pub const VERSION: u32 = 1;
/// Longest line of a record, in bytes; longer events are refused, not cut.
pub const RECORD_BYTES_MAX: usize = 16_384;

/// What every record begins with.
pub(crate) const PREFIX: &[u8] = b"{\"after\":\"";

/// The place of a record: when it was written, by which start of the writer, as which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The monotonic clock of the writer.
    pub mono: Mono,
    /// The number of the writer's start, from 1; `mono` compares only within one.
    pub run: u32,
    /// The number of the record in its stream, from 0.
    pub seq: u64,
    /// The wall clock of the writer.
    pub time: WallMs,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The hash of the record before; [`Hash::ZERO`] before the first.
    pub after: Hash,
    /// What happened.
    pub event: Event,
    /// The monotonic clock of the writer.
    pub mono: Mono,
    /// The number of the writer's start.
    pub run: u32,
    /// The number of the record in its stream.
    pub seq: u64,
    /// The wall clock of the writer.
    pub time: WallMs,
    /// The version of this encoding.
    pub v: u32,
}

/// Says why a line is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is longer than [`RECORD_BYTES_MAX`].
    #[error("a record has at most {RECORD_BYTES_MAX} bytes")]
    OverLimit,
    /// It is not the JSON of a record.
    #[error("it is not the JSON of a record")]
    Json(#[source] serde_json::Error),
    /// It was written by a newer version.
    #[error("it has version {0}; this program reads up to {VERSION}: use a newer one")]
    Version(u32),
    /// It has another spelling than the canonical one.
    #[error("it is not in canonical form")]
    NotCanonical,
}

/// Appends the line of a record, with its line end.
/// # Shape
/// `event`: the canonical JSON of an event.
pub fn encode(out: &mut Vec<u8>, after: &Hash, event: &[u8], stamp: &Stamp) {
    out.extend_from_slice(PREFIX);
    out.extend_from_slice(&after.encode());
    out.extend_from_slice(b"\",\"event\":");
    out.extend_from_slice(event);
    let Stamp { mono, run, seq, time } = stamp;
    let mut digits = itoa::Buffer::new();
    let numbers = [
        (",\"mono\":", mono.0),
        (",\"run\":", u64::from(*run)),
        (",\"seq\":", *seq),
        (",\"time\":", time.0),
        (",\"v\":", u64::from(VERSION)),
    ];
    for (name, number) in numbers {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(digits.format(number).as_bytes());
    }
    out.extend_from_slice(b"}\n");
}

impl Record {
    /// Reads a record.
    /// # Shape
    /// `line`: without its line end.
    /// # Errors
    /// [`RecordError`].
    pub fn decode(line: &[u8]) -> Result<Self, RecordError> {
        if line.len() > RECORD_BYTES_MAX {
            return Err(RecordError::OverLimit);
        }
        let record: Self = serde_json::from_slice(line).map_err(RecordError::Json)?;
        if record.v > VERSION {
            return Err(RecordError::Version(record.v));
        }
        let again = serde_json::to_vec(&record).map_err(RecordError::Json)?;
        if again != line {
            return Err(RecordError::NotCanonical);
        }
        Ok(record)
    }
}

/// What the chain needs of a record, found without reading the event: verifying is as fast as
/// hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The hash of the record before.
    pub after: Hash,
    /// The place of the record.
    pub stamp: Stamp,
}

impl Link {
    /// Reads the link of a record.
    /// # Shape
    /// `line`: without its line end. Nothing if it has not the outer form of a record.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        let (after, stamp) = Self::text(line)?;
        Some(Self { after: Hash::decode(after).ok()?, stamp })
    }

    /// Reads the text of the hash, and the place.
    #[inline]
    pub(crate) fn text(line: &[u8]) -> Option<(&[u8; TEXT_BYTES], Stamp)> {
        let (after, rest) = line.strip_prefix(PREFIX)?.split_first_chunk()?;
        rest.strip_prefix(b"\",\"event\":{")?;
        // From the end: the fields behind the event are the last, whatever the event holds.
        let (rest, version) = number_behind(rest.strip_suffix(b"}")?, b",\"v\":")?;
        let (rest, time) = number_behind(rest, b",\"time\":")?;
        let (rest, seq) = number_behind(rest, b",\"seq\":")?;
        let (rest, run) = number_behind(rest, b",\"run\":")?;
        let (_, mono) = number_behind(rest, b",\"mono\":")?;
        let _version = u32::try_from(version).ok()?;
        let run = u32::try_from(run).ok()?;
        Some((after, Stamp { mono: Mono(mono), run, seq, time: WallMs(time) }))
    }
}

/// Reads the number at the end of a text, behind a name; gives what is before the name.
#[inline]
fn number_behind<'a>(text: &'a [u8], name: &[u8]) -> Option<(&'a [u8], u64)> {
    let (mut before, mut value, mut unit) = (text, 0u64, Some(1u64));
    let mut first = None;
    while let Some((byte, rest)) = before.split_last()
        && byte.is_ascii_digit()
    {
        let digit = u64::from(byte - b'0');
        // A digit further on has no unit left only if the number has more than any may have.
        value = value.checked_add(unit?.checked_mul(digit)?)?;
        unit = unit.and_then(|unit| unit.checked_mul(10));
        (before, first) = (rest, Some((digit, before.len())));
    }
    let (digit, end) = first?;
    let is_plain = digit != 0 || end == text.len();
    is_plain.then(|| before.strip_suffix(name).map(|before| (before, value)))?
}

#[cfg(test)]
mod tests;
