//! The refusal of a message.

use super::{Encoding, Message, time};
use crate::mllp;

/// How much of a field is repeated.
const FIELD_BYTES_MAX: usize = 200;
/// The longest control id.
/// # Source
/// HL7 v2.6 §2.14.9.10.
const CONTROL_ID_BYTES_MAX: usize = 199;

/// Appends a frame that rejects a message: `AR` with `207`, to its sender, in its delimiters. Says
/// no and appends nothing when the message has no control id by which its sender could tell.
///
/// Nothing of the message but its header is repeated, and of that only fields as they stand, cut,
/// and without control bytes: no field, segment or frame can be begun through it.
/// # Units
/// `now_s`: seconds since 1970-01-01T00:00:00Z.
/// # Source
/// HL7 v2.6 §2.9.2; HL7 v2.6 §2.14.8; HL7 v2.6 §2.14.5; HL7 tables 0008, 0357.
pub fn refuse(message: &Message<'_>, now_s: u64, out: &mut Vec<u8>) -> bool {
    let control_id = message.control_id().bytes();
    let is_id = !message.control_id().is_empty()
        && control_id.len() <= CONTROL_ID_BYTES_MAX
        && !control_id.iter().any(u8::is_ascii_control);
    if !is_id {
        return false;
    }
    let encoding = message.encoding();
    let [bar, hat] = [encoding.field, encoding.component];
    out.push(mllp::START_BLOCK);
    out.extend_from_slice(b"MSH");
    out.extend(encoding.all());
    for number in [5, 6, 3, 4] {
        out.push(bar);
        echo(message.msh(number).bytes(), encoding, out);
    }
    out.push(bar);
    time::write(now_s, out);
    out.extend_from_slice(&[bar, bar]);
    out.extend_from_slice(b"ACK");
    let trigger = message.message_type().trigger;
    if (1..=8).contains(&trigger.len()) && trigger.iter().all(u8::is_ascii_alphanumeric) {
        out.push(hat);
        out.extend_from_slice(trigger);
        out.push(hat);
        out.extend_from_slice(b"ACK");
    }
    out.push(bar);
    out.extend_from_slice(format!("AR{:016X}", fingerprint(control_id)).as_bytes());
    for number in [11, 12] {
        out.push(bar);
        echo(message.msh(number).bytes(), encoding, out);
    }
    let charset = message.msh(18);
    if !charset.is_empty() {
        out.extend_from_slice(&[bar; 6]);
        echo(charset.bytes(), encoding, out);
    }
    out.extend_from_slice(b"\rMSA");
    for value in [b"AR", control_id] {
        out.push(bar);
        out.extend_from_slice(value);
    }
    out.extend_from_slice(b"\rERR");
    out.extend_from_slice(&[bar; 3]);
    out.extend_from_slice(b"207");
    out.push(hat);
    out.extend_from_slice(b"Application internal error");
    out.push(hat);
    out.extend_from_slice(b"HL70357");
    out.extend_from_slice(&[bar, b'E', b'\r', mllp::END_BLOCK, mllp::CARRIAGE_RETURN]);
    true
}

/// Repeats a field: at most so much of it, no control bytes, no half of a letter or an escape.
fn echo(field: &[u8], encoding: Encoding, out: &mut Vec<u8>) {
    let mut end = field.len().min(FIELD_BYTES_MAX);
    let is_inside_letter = |end: usize| field.get(end).is_some_and(|byte| byte & 0xC0 == 0x80);
    // A letter of UTF-8 has at most three bytes after its first.
    for _ in 0..3 {
        if is_inside_letter(end) {
            end = end.saturating_sub(1);
        }
    }
    let kept = field.get(..end).unwrap_or_default();
    let escapes = kept.iter().filter(|byte| **byte == encoding.escape).count();
    let kept = match kept.iter().rposition(|byte| *byte == encoding.escape) {
        Some(open) if escapes % 2 == 1 => kept.get(..open).unwrap_or_default(),
        Some(_) | None => kept,
    };
    out.extend(kept.iter().filter(|byte| !byte.is_ascii_control()));
}

/// Derives a new id from one; equal ids give equal ids, as a repeated answer should.
/// # Source
/// FNV-1a 64, draft-eastlake-fnv-17 §2.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
