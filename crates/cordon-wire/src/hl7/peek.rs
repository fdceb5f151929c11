//! What kind of message broken bytes were meant to be.

use memchr::{memchr2, memmem};

use super::MessageType;
use super::encoding::{is_delimiter, part};

/// Finds the type of a message that cannot be read, so that an alarm stays an alarm.
///
/// The first `MSH` counts; MSH-9 if it holds a type, else whichever field of it says `ORU^R40`, for
/// a delimiter may be lost or doubled.
#[must_use]
pub fn peek_type(payload: &[u8]) -> Option<MessageType<'_>> {
    let header = memmem::find_iter(payload, b"MSH").find_map(|at| {
        let header = payload.get(at..)?;
        header.get(3).copied().filter(|field| is_delimiter(*field))?;
        Some(header)
    })?;
    let line = header.get(..memchr2(b'\r', b'\n', header).unwrap_or(header.len()))?;
    let [_, _, _, field, rest @ ..] = line else { return None };
    let component = rest.first().copied().filter(|byte| is_delimiter(*byte) && byte != field);
    let component = component.unwrap_or(b'^');
    let declared = MessageType::split(part(line, *field, 8), component);
    if declared.is_readable() {
        return Some(declared);
    }
    let mut fields = line.split(|byte| byte == field);
    fields.find_map(|value| {
        let is_alarm = |kind: &MessageType<'_>| kind.code == b"ORU" && kind.trigger == b"R40";
        [component, b'^'].map(|by| MessageType::split(value, by)).into_iter().find(is_alarm)
    })
}
