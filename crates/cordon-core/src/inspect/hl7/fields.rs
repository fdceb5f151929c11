//! What is asked of every message: the fields of its header, its size and its bytes.

use cordon_model::Now;
use cordon_wire::hl7::{Message, Precision, Value};

use crate::inspect::{Judge, Memory, Reason, Way};

/// How far a clock may be off.
const SKEW_S_MAX: u64 = 300;
/// The zones of the world differ by whole quarters of an hour, and by at most as much.
const QUARTER_S: u64 = 900;
const ZONE_S_MAX: u64 = 14 * 3_600;
/// How many times the usual size is remarkable.
const UNUSUAL_TIMES: u64 = 10;
/// The longest control id. It was 20 before v2.6, and few held to it.
/// # Source
/// HL7 v2.6 §2.14.9.10.
const CONTROL_ID_BYTES_MAX: usize = 199;

/// Checks the header, the size and the bytes of a message.
pub(super) fn check(
    judge: &mut Judge<'_>,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: &Message<'_>,
    is_answer: bool,
) {
    if message.control_byte_at().is_some() {
        judge.add(Reason::ControlBytes, memory);
    }
    if is_answer {
        check_answer(judge, memory, message);
    } else {
        check_header(judge, memory, now, message);
    }
    check_character_sets(judge, memory, message.character_sets());
    if way == Way::FromDevice || !is_answer {
        check_rules(judge, memory, message);
    }
}

/// An answer must say what it answers, and how.
/// # Source
/// HL7 v2.6 §2.14.8.
fn check_answer(judge: &mut Judge<'_>, memory: &mut Memory, message: &Message<'_>) {
    let msa = message.msa();
    if message.answers().is_empty() || msa.is_none_or(|msa| msa.field(1).is_empty()) {
        judge.add(Reason::RequiredFieldEmpty, memory);
    } else if message.acknowledgment().is_none() {
        judge.add(Reason::Malformed, memory);
    }
}

/// Checks the fields of MSH; which are required follows the version that the message names.
/// # Source
/// HL7 v2.6 §2.14.9; HL7 tables 0103, 0155.
fn check_header(judge: &mut Judge<'_>, memory: &mut Memory, now: Now, message: &Message<'_>) {
    let kind = message.message_type();
    let version = version(message.version().bytes());
    // MSH-7 is required since v2.4, all of MSH-9 since v2.6.
    let is_short = message.msh(7).is_empty() && version >= (2, 4)
        || kind.code.is_empty()
        || kind.trigger.is_empty()
        || kind.structure.is_empty() && version >= (2, 6)
        || message.control_id().is_empty()
        || message.processing_id().is_empty()
        || message.version().is_empty();
    if is_short {
        judge.add(Reason::RequiredFieldEmpty, memory);
    }
    if message.control_id().bytes().len() > CONTROL_ID_BYTES_MAX {
        judge.add(Reason::OverLimit, memory);
    }
    let processing = message.processing_id();
    if !processing.is_empty() && !processing.is_text("P") {
        judge.add(Reason::NotProduction, memory);
    }
    if !message.msh(7).is_empty() && !is_on_time(message, now) {
        judge.add(Reason::ClockSkew, memory);
    }
    let is_condition = |number: usize| {
        let value = message.msh(number);
        value.is_empty() || matches!(value.bytes(), b"AL" | b"NE" | b"ER" | b"SU")
    };
    if !is_condition(15) || !is_condition(16) {
        judge.add(Reason::Malformed, memory);
    }
}

/// Reads `2.6` and `2.5.1`; what is no version counts as the newest.
fn version(text: &[u8]) -> (u8, u8) {
    match text {
        [b'2', b'.', minor @ b'0'..=b'9'] | [b'2', b'.', minor @ b'0'..=b'9', b'.', ..] => {
            (2, minor - b'0')
        }
        _ => (u8::MAX, 0),
    }
}

/// Says whether MSH-7 is now. Without a zone it is the time of some zone, for devices write what
/// their display shows: then only the minutes of the quarter can be compared.
/// # Source
/// HL7 v2.6 §2.14.9.7.
fn is_on_time(message: &Message<'_>, now: Now) -> bool {
    let Some(moment) = message.time().filter(|moment| moment.precision >= Precision::Minute) else {
        return false;
    };
    let Ok(wall) = i64::try_from(now.wall.0) else { return false };
    let off = moment.seconds.abs_diff(wall);
    if moment.zone_minutes.is_some() {
        return off <= SKEW_S_MAX;
    }
    let of_quarter = off % QUARTER_S;
    let off_quarter = of_quarter.min(QUARTER_S.saturating_sub(of_quarter));
    off <= ZONE_S_MAX.saturating_add(SKEW_S_MAX) && off_quarter <= SKEW_S_MAX
}

/// Checks MSH-18. In any other set a byte of a letter may look like a delimiter, and what was read
/// is not what the receiver reads.
/// # Source
/// HL7 table 0211.
fn check_character_sets(judge: &mut Judge<'_>, memory: &mut Memory, sets: Value<'_>) {
    if sets.is_empty() {
        return;
    }
    let is_read = |set: Value<'_>| {
        set.is_empty()
            || matches!(set.bytes(), b"ASCII" | b"UNICODE UTF-8" | b"UTF-8")
            || set.bytes().starts_with(b"8859/")
    };
    if !sets.repetitions().all(is_read) {
        judge.add(Reason::Unsupported, memory);
    }
}

/// Checks what the flow is held to: versions and sizes.
fn check_rules(judge: &mut Judge<'_>, memory: &mut Memory, message: &Message<'_>) {
    let Some(rules) = &judge.subject().rules.hl7 else { return };
    let version = message.version();
    let is_listed = |listed: &String| version.is_text(listed);
    if !rules.versions.is_empty() && !version.is_empty() && !rules.versions.iter().any(is_listed) {
        judge.add(Reason::VersionNotListed, memory);
    }
    let is_unusual = |count: usize, usual: Option<u32>| {
        let most = usual.map(|usual| u64::from(usual).saturating_mul(UNUSUAL_TIMES));
        most.is_some_and(|most| u64::try_from(count).unwrap_or(u64::MAX) > most)
    };
    if is_unusual(message.observation_count(), rules.observations_usual)
        || is_unusual(message.payload().len(), rules.bytes_usual)
    {
        judge.add(Reason::UnusualSize, memory);
    }
}
