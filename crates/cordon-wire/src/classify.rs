//! Which protocol the first bytes of a conversation speak.
//!
//! Invariant: at most [`LOOK_BYTES`] are looked at; a guess does not change when more bytes come.
//!
//! Source: HL7 MLLP release 1; RFC 8446 §5.1; DICOM PS3.8 §9.3; Modbus TCP IGv1.0b §3.1.3;
//! ASHRAE 135-2020 §J.2; RFC 9112 §2.1.

/// How many bytes are looked at.
/// # Units
/// Bytes.
pub const LOOK_BYTES: usize = 16;

/// What carries the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// A stream: more may come.
    Tcp,
    /// Datagrams: what is there is all.
    Udp,
}

/// What first bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guess {
    /// HL7 v2 in MLLP frames.
    Hl7,
    /// DICOM upper layer.
    Dicom,
    /// Modbus TCP.
    Modbus,
    /// BACnet/IP.
    Bacnet,
    /// HTTP.
    Http,
    /// TLS.
    Tls,
    /// None of these.
    Unknown,
    /// More bytes are needed to tell.
    NeedMore,
}

impl Guess {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hl7 => "hl7",
            Self::Dicom => "dicom",
            Self::Modbus => "modbus",
            Self::Bacnet => "bacnet",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Unknown => "unknown",
            Self::NeedMore => "need-more",
        }
    }
}

/// What a port is usually used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hint {
    /// The protocol, if necessary inside TLS.
    pub protocol: Guess,
    /// Whether it is inside TLS.
    pub is_tls: bool,
}

/// Gives what a port is usually used for; a hint, and no more than that.
/// # Source
/// IANA Service Name and Transport Protocol Port Number Registry.
#[must_use]
pub fn by_port(port: u16) -> Option<Hint> {
    let (protocol, is_tls) = match port {
        2575 => (Guess::Hl7, false),
        104 | 11112 => (Guess::Dicom, false),
        2762 => (Guess::Dicom, true),
        502 => (Guess::Modbus, false),
        802 => (Guess::Modbus, true),
        47808 => (Guess::Bacnet, false),
        80 | 8080 => (Guess::Http, false),
        443 => (Guess::Http, true),
        _ => return None,
    };
    Some(Hint { protocol, is_tls })
}

/// Guesses by the first bytes of one direction, of whoever speaks first.
#[must_use]
pub fn first_bytes(bytes: &[u8], transport: Transport) -> Guess {
    let bytes = bytes.get(..LOOK_BYTES).unwrap_or(bytes);
    if transport == Transport::Udp {
        return if is_bvlc(bytes) { Guess::Bacnet } else { Guess::Unknown };
    }
    let signs = [
        (Guess::Http, http(bytes)),
        (Guess::Hl7, mllp(bytes)),
        (Guess::Tls, tls(bytes)),
        (Guess::Dicom, dicom(bytes)),
        (Guess::Modbus, modbus(bytes)),
    ];
    // In this order, and only once all before are ruled out: later bytes then change nothing.
    for (guess, sign) in signs {
        match sign {
            Sign::Yes => return guess,
            Sign::Perhaps => return Guess::NeedMore,
            Sign::No => {}
        }
    }
    Guess::Unknown
}

/// Whether bytes begin a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Yes,
    No,
    /// They may, if the right ones follow.
    Perhaps,
}

impl Sign {
    fn of(is_so: bool) -> Self {
        if is_so { Self::Yes } else { Self::No }
    }
}

/// Looks for the start of a request line, or of a status line.
fn http(bytes: &[u8]) -> Sign {
    const STARTS: [&[u8]; 11] = [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"PATCH ",
        b"DELETE ",
        b"CONNECT ",
        b"OPTIONS ",
        b"TRACE ",
        b"HTTP/1.",
        b"PRI * HTTP/2",
    ];
    if STARTS.iter().any(|start| bytes.starts_with(start)) {
        return Sign::Yes;
    }
    if STARTS.iter().any(|start| start.starts_with(bytes)) { Sign::Perhaps } else { Sign::No }
}

/// Looks for the start of a frame; a Modbus transaction may begin with the same byte.
fn mllp(bytes: &[u8]) -> Sign {
    match bytes {
        [0x0B, _, 0, 0, ..] => Sign::No,
        [0x0B, _, 0] | [0x0B] | [0x0B, _] => Sign::Perhaps,
        [first, ..] => Sign::of(*first == 0x0B),
        [] => Sign::Perhaps,
    }
}

/// Looks for a record: type, version 3.x and a length that is not 0; a Modbus transaction that begins
/// so has 0 there.
fn tls(bytes: &[u8]) -> Sign {
    match bytes {
        [0x14..=0x17, 0x03, minor, high, low, ..] => {
            let length = u16::from_be_bytes([*high, *low]);
            Sign::of(*minor <= 4 && (1..=0x4800).contains(&length))
        }
        [0x14..=0x17, 0x03, minor, ..] if *minor > 4 => Sign::No,
        [0x14..=0x17, 0x03, ..] | [0x14..=0x17] | [] => Sign::Perhaps,
        _ => Sign::No,
    }
}

/// Looks for a PDU. Its length and what must follow tell it from a Modbus transaction with the same
/// first bytes, as far as that can be told.
fn dicom(bytes: &[u8]) -> Sign {
    let Some((kind @ 1..=7, rest)) = bytes.split_first() else {
        return if bytes.is_empty() { Sign::Perhaps } else { Sign::No };
    };
    let [reserved, a, b, c, d, rest @ ..] = rest else {
        return if matches!(rest, [] | [0, ..]) { Sign::Perhaps } else { Sign::No };
    };
    let length = u32::from_be_bytes([*a, *b, *c, *d]);
    // A request or an acceptance has 68 bytes before its items, the others have four.
    let is_long_enough = match kind {
        1 | 2 => length >= 68,
        4 => length >= 6,
        _ => length == 4,
    };
    if *reserved != 0 || !is_long_enough {
        return Sign::No;
    }
    match (kind, rest) {
        // Version, of which bit 0 is set, and two bytes that are reserved (§9.3.2).
        (1 | 2, [_, version, 0, 0, ..]) => Sign::of(version & 1 == 1),
        // Result, source and reason (§9.3.4).
        (3, [_, 1 | 2, 1..=3, ..]) => Sign::Yes,
        // The length of the first value (§9.3.5).
        (4, [a, b, c, d, ..]) => {
            let value = u32::from_be_bytes([*a, *b, *c, *d]);
            Sign::of(value >= 2 && value <= length.saturating_sub(4))
        }
        // No Modbus function is 0 (§9.3.6 to §9.3.8).
        (5..=7, [_, 0, ..]) => Sign::Yes,
        (1 | 2, [_, _, _, _, ..]) | (3, [_, _, _, ..]) | (5..=7, [_, _, ..]) => Sign::No,
        _ => Sign::Perhaps,
    }
}

/// Looks for a header: protocol 0, a length that can be, and a function that is not 0.
fn modbus(bytes: &[u8]) -> Sign {
    match bytes {
        [_, _, 0, 0, 0, length, _, function, ..] => {
            Sign::of((2..=254).contains(length) && *function & 0x7F != 0)
        }
        [_, _, 0, 0, 0, 2..=254, ..] | [_, _, 0, 0, 0] | [_, _, 0, 0] | [_, _, 0] => Sign::Perhaps,
        [_, _] | [_] | [] => Sign::Perhaps,
        _ => Sign::No,
    }
}

/// Says whether a datagram is a BVLC message that says its own length.
fn is_bvlc(bytes: &[u8]) -> bool {
    matches!(bytes, [0x81, 0x00..=0x0C, high, low, ..] if u16::from_be_bytes([*high, *low]) >= 4)
}

#[cfg(test)]
mod tests;
