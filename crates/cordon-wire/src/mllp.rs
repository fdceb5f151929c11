//! MLLP framing, the envelope of HL7 v2 on a stream.
//!
//! A frame is 0x0B, the message, 0x1C 0x0D. What real senders do is taken: CR and LF between frames
//! are skipped, the last 0x0D may be missing, several frames may come at once. Three things are
//! settled here:
//!
//! - A frame ends at its 0x1C and is handed out then, for an alarm must not wait for a 0x0D that may
//!   never come. So [`Unit::bytes`] ends with the 0x1C, and whoever passes a frame on writes
//!   [`CARRIAGE_RETURN`] after it.
//! - A 0x0B within a frame is a byte of the message and starts nothing: only the end block ends a
//!   frame, and receivers read it so. The message is then refused for its control byte, by the one
//!   `MSH` that its receiver sees as well.
//! - Of other bytes between frames only the first is handed out, as one fault for the whole run; the
//!   next 0x0B makes it certain where a frame begins.
//!
//! Invariant: the units are the same whatever the split of the stream; at most one frame up to the
//! limit is kept; no byte is looked at twice.
//! Source: HL7 v2.3 IG §C.4.

use memchr::memchr;

use crate::{Fault, Limit, Unit};

/// The byte before a message.
/// # Source
/// HL7 v2.3 IG §C.4.
pub const START_BLOCK: u8 = 0x0B;
/// The byte after a message.
/// # Source
/// HL7 v2.3 IG §C.4.
pub const END_BLOCK: u8 = 0x1C;
/// The byte after [`END_BLOCK`].
/// # Source
/// HL7 v2.3 IG §C.4.
pub const CARRIAGE_RETURN: u8 = 0x0D;

/// How long a message of a device may be; waveforms are long, 64 KiB are usual.
/// # Units
/// Bytes without the framing.
pub const TELEMETRY_BYTES_MAX: usize = 1 << 20;
/// How long a message that carries a document may be.
/// # Units
/// Bytes without the framing.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// How long a frame that has begun may stand still.
/// # Units
/// Seconds.
pub const IDLE_WITHIN_FRAME_S: u64 = 30;

const FRAMING: &str = "HL7 v2.3 IG §C.4";
/// Room beyond this is given back after the frame that needed it.
const KEPT_BYTES_MAX: usize = TELEMETRY_BYTES_MAX + 2;

/// Where the reader is in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between frames.
    Between,
    /// Between frames, in a run of bytes that belong to none, already told of.
    Stray,
    /// In a frame.
    Within,
    /// In a frame over the limit, already told of.
    Skipped,
}

/// Takes a stream in any pieces and hands out its frames.
#[derive(Debug)]
pub struct Reader {
    limit: Limit,
    place: Place,
    /// The offset in the stream of the next byte that comes.
    at: u64,
    /// What has come of the present frame, from its 0x0B on.
    kept: Vec<u8>,
}

impl Reader {
    /// Makes a reader for messages of at most so many bytes, for example [`TELEMETRY_BYTES_MAX`].
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        let limit = Limit { name: "bytes in an HL7 frame", max: limit_bytes };
        Self { limit, place: Place::Between, at: 0, kept: Vec::new() }
    }

    /// Takes a piece of the stream and hands out what it completes; a value is the message without
    /// the framing.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Unit<'_, &[u8]>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let done = match self.place {
                Place::Between => self.between(rest, each),
                Place::Stray => self.stray(rest),
                Place::Within => self.within(rest, each),
                Place::Skipped => self.skipped(rest),
            };
            self.at = self.at.saturating_add(wide(done));
            rest = rest.get(done..).unwrap_or_default();
        }
    }

    /// Ends the stream; a frame that has begun is [`Fault::Incomplete`].
    pub fn finish(&mut self, each: &mut dyn FnMut(Unit<'_, &[u8]>)) {
        if self.place == Place::Within {
            each(Unit {
                at: self.at.saturating_sub(wide(self.kept.len())),
                bytes: &self.kept,
                value: Err(Fault::Incomplete { need: 1 }),
            });
        }
        self.place = Place::Between;
        self.forget();
    }

    /// Says whether the reader has given up: never, for every 0x0B between frames begins one.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        false
    }

    /// Says whether a frame has begun and not ended, for [`IDLE_WITHIN_FRAME_S`].
    #[must_use]
    pub fn is_within_frame(&self) -> bool {
        matches!(self.place, Place::Within | Place::Skipped)
    }

    /// Gives how many bytes of a frame that is not complete are kept.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.kept.len()
    }

    fn between(&mut self, rest: &[u8], each: &mut dyn FnMut(Unit<'_, &[u8]>)) -> usize {
        let is_gap = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let gap = rest.iter().take_while(|byte| is_gap(byte)).count();
        let Some((first, _)) = rest.get(gap..).and_then(|rest| rest.split_at_checked(1)) else {
            return gap;
        };
        if first == [START_BLOCK] {
            self.place = Place::Within;
            return gap;
        }
        self.place = Place::Stray;
        each(Unit {
            at: self.at.saturating_add(wide(gap)),
            bytes: first,
            value: Err(Fault::Malformed { at: 0, rule: FRAMING }),
        });
        gap.saturating_add(1)
    }

    fn stray(&mut self, rest: &[u8]) -> usize {
        let Some(start) = memchr(START_BLOCK, rest) else { return rest.len() };
        self.place = Place::Within;
        start
    }

    /// Takes bytes of a frame; the first of them all is its 0x0B.
    fn within(&mut self, rest: &[u8], each: &mut dyn FnMut(Unit<'_, &[u8]>)) -> usize {
        let most = self.limit.max.saturating_add(1);
        let room = most.saturating_sub(self.kept.len());
        let window = rest.get(..room.saturating_add(1)).unwrap_or(rest);
        let at = self.at.saturating_sub(wide(self.kept.len()));
        if let Some(end) = memchr(END_BLOCK, window) {
            let last = rest.get(..=end).unwrap_or(rest);
            let bytes = self.join(last);
            each(Unit { at, bytes, value: Ok(inside(bytes)) });
            self.place = Place::Between;
            self.forget();
            return last.len();
        }
        if window.len() > room {
            let last = rest.get(..room).unwrap_or(rest);
            let value = Err(Fault::OverLimit { at: most, limit: self.limit });
            each(Unit { at, bytes: self.join(last), value });
            self.place = Place::Skipped;
            self.forget();
            return last.len();
        }
        self.kept.extend_from_slice(rest);
        rest.len()
    }

    fn skipped(&mut self, rest: &[u8]) -> usize {
        let Some(end) = memchr(END_BLOCK, rest) else { return rest.len() };
        self.place = Place::Between;
        end.saturating_add(1)
    }

    /// Gives a frame of what is kept and its last piece; what comes in one piece is not copied.
    fn join<'a>(&'a mut self, last: &'a [u8]) -> &'a [u8] {
        if self.kept.is_empty() {
            return last;
        }
        self.kept.extend_from_slice(last);
        &self.kept
    }

    fn forget(&mut self) {
        self.kept.clear();
        self.kept.shrink_to(KEPT_BYTES_MAX);
    }
}

fn inside(frame: &[u8]) -> &[u8] {
    match frame {
        [_, payload @ .., _] => payload,
        [_] | [] => &[],
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Appends a frame with a message, which must not have a 0x1C: there the frame would end.
/// # Source
/// HL7 v2.3 IG §C.4.
pub fn write(payload: &[u8], out: &mut Vec<u8>) {
    out.push(START_BLOCK);
    out.extend_from_slice(payload);
    out.extend_from_slice(&[END_BLOCK, CARRIAGE_RETURN]);
}

#[cfg(test)]
mod tests;
