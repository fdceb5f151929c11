//! What is known of a PDU by its function code alone.

use crate::{Cursor, Side};

/// The bit that makes an exception of a function code.
/// # Source
/// Modbus APv1.1b3 §7.
pub const EXCEPTION_BIT: u8 = 0x80;

/// Every public function code with its name.
/// # Source
/// Modbus APv1.1b3 §5.1.
pub const FUNCTION_NAMES: [(u8, &str); 19] = [
    (0x01, "read-coils"),
    (0x02, "read-discrete-inputs"),
    (0x03, "read-holding-registers"),
    (0x04, "read-input-registers"),
    (0x05, "write-single-coil"),
    (0x06, "write-single-register"),
    (0x07, "read-exception-status"),
    (0x08, "diagnostics"),
    (0x0B, "get-comm-event-counter"),
    (0x0C, "get-comm-event-log"),
    (0x0F, "write-multiple-coils"),
    (0x10, "write-multiple-registers"),
    (0x11, "report-server-id"),
    (0x14, "read-file-record"),
    (0x15, "write-file-record"),
    (0x16, "mask-write-register"),
    (0x17, "read-write-multiple-registers"),
    (0x18, "read-fifo-queue"),
    (0x2B, "encapsulated-interface-transport"),
];

/// Gives the name of a function; its exception has the same.
#[must_use]
pub fn function_name(function: u8) -> Option<&'static str> {
    let function = function & !EXCEPTION_BIT;
    FUNCTION_NAMES.iter().find(|(code, _)| *code == function).map(|(_, name)| *name)
}

/// Says whether a function is left to users: 65 to 72 and 100 to 110.
/// # Source
/// Modbus APv1.1b3 §5.
#[must_use]
pub fn is_user_defined(function: u8) -> bool {
    matches!(function & !EXCEPTION_BIT, 65..=72 | 100..=110)
}

/// Gives the name of an exception.
/// # Source
/// Modbus APv1.1b3 §7.
#[must_use]
pub fn exception_name(code: u8) -> Option<&'static str> {
    match code {
        0x01 => Some("illegal-function"),
        0x02 => Some("illegal-data-address"),
        0x03 => Some("illegal-data-value"),
        0x04 => Some("server-device-failure"),
        0x05 => Some("acknowledge"),
        0x06 => Some("server-device-busy"),
        0x07 => Some("negative-acknowledge"),
        0x08 => Some("memory-parity-error"),
        0x0A => Some("gateway-path-unavailable"),
        0x0B => Some("gateway-target-failed-to-respond"),
        _ => None,
    }
}

/// What can be said of a PDU, however wrong it is; what it lacks is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Outline {
    /// The function, without the bit that makes an exception of it.
    pub function: Option<u8>,
    /// The exception code, if the PDU is an exception.
    pub exception: Option<u8>,
    /// The sub-function of diagnostics, or the type of an encapsulated interface.
    pub sub_function: Option<u16>,
    /// The first address; of a request that reads and writes, that of the reading.
    pub address: Option<u16>,
    /// The quantity that follows the address.
    pub quantity: Option<u16>,
}

/// Gives what can be said of a PDU; it never fails, so that records can name what is refused.
#[must_use]
pub fn outline(pdu: &[u8], side: Side) -> Outline {
    let mut from = Cursor::open(pdu);
    let Ok(function) = from.u8() else { return Outline::default() };
    let mut outline = Outline { function: Some(function & !EXCEPTION_BIT), ..Outline::default() };
    if function & EXCEPTION_BIT != 0 {
        outline.exception = from.u8().ok();
        return outline;
    }
    match (function, side) {
        (0x08, _) => outline.sub_function = from.u16().ok(),
        (0x2B, _) => outline.sub_function = from.u8().ok().map(u16::from),
        (0x01..=0x04 | 0x17, Side::Request) | (0x0F | 0x10, _) => {
            outline.address = from.u16().ok();
            outline.quantity = from.u16().ok();
        }
        (0x05 | 0x06 | 0x16, _) | (0x18, Side::Request) => outline.address = from.u16().ok(),
        _ => {}
    }
    outline
}

/// Gives the section that a PDU of a function is held to.
pub(super) fn rule(function: u8) -> &'static str {
    match function {
        0x01 => "Modbus APv1.1b3 §6.1",
        0x02 => "Modbus APv1.1b3 §6.2",
        0x03 => "Modbus APv1.1b3 §6.3",
        0x04 => "Modbus APv1.1b3 §6.4",
        0x05 => "Modbus APv1.1b3 §6.5",
        0x06 => "Modbus APv1.1b3 §6.6",
        0x07 => "Modbus APv1.1b3 §6.7",
        0x08 => "Modbus APv1.1b3 §6.8",
        0x0B => "Modbus APv1.1b3 §6.9",
        0x0C => "Modbus APv1.1b3 §6.10",
        0x0F => "Modbus APv1.1b3 §6.11",
        0x10 => "Modbus APv1.1b3 §6.12",
        0x11 => "Modbus APv1.1b3 §6.13",
        0x14 => "Modbus APv1.1b3 §6.14",
        0x15 => "Modbus APv1.1b3 §6.15",
        0x16 => "Modbus APv1.1b3 §6.16",
        0x17 => "Modbus APv1.1b3 §6.17",
        0x18 => "Modbus APv1.1b3 §6.18",
        0x2B => "Modbus APv1.1b3 §6.19",
        0x80.. => "Modbus APv1.1b3 §7",
        _ => PDU_RULE,
    }
}

/// What a PDU is at all.
pub(super) const PDU_RULE: &str = "Modbus APv1.1b3 §4.1";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pdu: &[u8], side: Side, expected: Outline) {
        assert_eq!(outline(pdu, side), expected, "{pdu:02x?} as {side:?}");
    }

    #[test]
    fn outlines_what_is_there() {
        use Side::{Request, Response};
        let of = |function| Outline { function: Some(function), ..Outline::default() };
        check(&[], Request, Outline::default());
        check(&[3], Request, of(3));
        check(&[3, 0], Request, of(3));
        check(&[3, 0, 1], Request, Outline { address: Some(1), ..of(3) });
        let whole = Outline { address: Some(1), quantity: Some(2000), ..of(3) };
        check(&[3, 0, 1, 7, 0xD0], Request, whole);
        check(&[3, 2, 0, 1], Response, of(3));
        check(&[0x83, 2], Response, Outline { exception: Some(2), ..of(3) });
        check(&[0x83], Response, of(3));
        check(&[8, 0, 4, 0, 0], Request, Outline { sub_function: Some(4), ..of(8) });
        check(&[0x2B, 14], Request, Outline { sub_function: Some(14), ..of(0x2B) });
        check(&[5, 0, 9, 0xFF, 0], Response, Outline { address: Some(9), ..of(5) });
        check(&[0x5A, 1, 2], Request, of(0x5A));
    }

    #[test]
    fn names_are_those_of_the_standard() {
        assert_eq!(function_name(0x11), Some("report-server-id"));
        assert_eq!(function_name(0x91), Some("report-server-id"));
        assert_eq!(function_name(0x5A), None);
        assert!(is_user_defined(65) && is_user_defined(110) && !is_user_defined(90));
        assert_eq!(exception_name(0x0B), Some("gateway-target-failed-to-respond"));
        assert_eq!(exception_name(9), None);
    }
}
