//! How messages name devices.

use super::encoding::{Value, hex_pair};

/// The device that a value of type EI names.
/// # Source
/// HL7 v2.6 §2.A.28; HL7 v2.6 §7.4.2.18; HL7 v2.7 §7.4.4.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceId {
    /// By its EUI-64.
    Eui64([u8; 8]),
    /// By what is called an EUI-64 and is none.
    Unreadable,
    /// In another way.
    Other,
}

impl DeviceId {
    /// Reads a value: EUI-64 in the component that is called one, else wherever it stands.
    #[must_use]
    pub fn read(value: Value<'_>) -> Self {
        let [entity, _, universal, kind] = value.components();
        let named = if universal.is_empty() { entity } else { universal };
        if kind.eq_ignore_ascii_case(b"EUI-64") || kind.eq_ignore_ascii_case(b"EUI64") {
            return eui64(named).map_or(Self::Unreadable, Self::Eui64);
        }
        eui64(entity).or_else(|| eui64(universal)).map_or(Self::Other, Self::Eui64)
    }
}

/// Reads sixteen hexadecimal digits, or eight pairs with `-`, `:` or `.` between them.
/// # Source
/// IEEE 802c-2017 §8.2.
#[must_use]
pub fn eui64(text: &[u8]) -> Option<[u8; 8]> {
    let step = match text {
        [_, _, b'-' | b':' | b'.', ..] if text.len() == 23 => 3,
        _ if text.len() == 16 => 2,
        _ => return None,
    };
    let mark = text.get(2).copied();
    let mut bytes = [0; 8];
    for (byte, group) in bytes.iter_mut().zip(text.chunks(step)) {
        *byte = hex_pair(group.first_chunk::<2>()?)?;
        if step == 3 && group.get(2).is_some_and(|between| Some(*between) != mark) {
            return None;
        }
    }
    Some(bytes)
}
