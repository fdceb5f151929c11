//! What devices and services say, byte by byte.
//!
//! Invariant: there is no patient in it: identifiers are `LAB` and a number.

use cordon_wire::mllp;

use crate::lab::{Seat, Talk};

/// Gives the present time as HL7 writes it.
/// # Source
/// HL7 v2.6 §2.A.22.
pub(crate) fn hl7_time() -> String {
    jiff::Timestamp::now().strftime("%Y%m%d%H%M%S+0000").to_string()
}

/// Who sends an HL7 message to whom: applications and facilities, MSH-3 to MSH-6.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parties<'a> {
    pub(crate) from: (&'a str, &'a str),
    pub(crate) to: (&'a str, &'a str),
}

impl<'a> Parties<'a> {
    /// From a device to its service.
    pub(crate) fn out(seat: &'a Seat, talk: &'a Talk) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        Self {
            from: (text(&seat.hl7_application), text(&seat.hl7_facility)),
            to: (text(&talk.hl7_application), text(&talk.hl7_facility)),
        }
    }

    /// The other way.
    pub(crate) fn back(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

fn msh(parties: Parties<'_>, kind: &str, id: &str) -> String {
    let ((from, from_at), (to, to_at)) = (parties.from, parties.to);
    let time = hl7_time();
    format!("MSH|^~\\&|{from}|{from_at}|{to}|{to_at}|{time}||{kind}|{id}|P|2.6\r")
}

fn framed(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    mllp::write(text.as_bytes(), &mut frame);
    frame
}

/// A device's readings.
/// # Source
/// IHE DEV TF-2 PCD-01.
pub(crate) fn readings(seat: &Seat, talk: &Talk, id: &str, beat: u64) -> Vec<u8> {
    let time = hl7_time();
    let named = seat.eui64.map(|eui| format!("{}^^{eui}^EUI-64", seat.id)).unwrap_or_default();
    let rate = 60 + beat % 40;
    framed(&format!(
        "{}PID|||LAB1\rOBR|1|||182777000^monitoring of patient^SCT|||{time}\r\
         OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.1.1.1|{rate}|264864^MDC_DIM_BEAT_PER_MIN^MDC\
         |||||F|||{time}||||{named}\r",
        msh(Parties::out(seat, talk), "ORU^R01^ORU_R01", id)
    ))
}

/// A device's alarm.
/// # Source
/// IHE DEV TF-2 PCD-04.
pub(crate) fn alarm(seat: &Seat, talk: &Talk, id: &str) -> Vec<u8> {
    let time = hl7_time();
    let named = seat.eui64.map(|eui| format!("{}^^{eui}^EUI-64", seat.id)).unwrap_or_default();
    framed(&format!(
        "{}PID|||LAB1\rOBR|1|||196616^MDC_EVT_ALARM^MDC|||{time}\r\
         OBX|1|ST|196616^MDC_EVT_ALARM^MDC|1.1.1.1|lab test alarm||||||F|||{time}||||{named}\r",
        msh(Parties::out(seat, talk), "ORU^R40^ORU_R40", id)
    ))
}

/// An order: what a pump gets, and must not send.
/// # Source
/// IHE DEV TF-2 PCD-03.
pub(crate) fn order(parties: Parties<'_>, id: &str) -> Vec<u8> {
    framed(&format!(
        "{}PID|||LAB1\rORC|RE|LAB-{id}|||||||{}\rRXG|1|1||{}||1|mL\r",
        msh(parties, "RGV^O15^RGV_O15", id),
        hl7_time(),
        hl7_time(),
    ))
}

/// The answer to a message; nothing when it is none.
/// # Source
/// HL7 v2.6 §2.9.2.
pub(crate) fn acknowledgment(message: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = std::str::from_utf8(message).ok()?;
    let fields: Vec<&str> = text.split('\r').next()?.split('|').collect();
    let field = |number: usize| fields.get(number - 1).copied().unwrap_or_default();
    let (kind, id) = (field(9), field(10));
    if !text.starts_with("MSH|") {
        return None;
    }
    let event = kind.split('^').nth(1).unwrap_or_default();
    let parties = Parties { from: (field(5), field(6)), to: (field(3), field(4)) };
    let answer = format!("{}MSA|AA|{id}\r", msh(parties, &format!("ACK^{event}^ACK"), id));
    Some((kind.to_owned(), framed(&answer)))
}

/// Gives the control id that an acknowledgment answers, if it says yes.
pub(crate) fn accepted(message: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(message).ok()?;
    let msa = text.split('\r').find_map(|segment| segment.strip_prefix("MSA|"))?;
    let (code, rest) = msa.split_once('|')?;
    matches!(code, "AA" | "CA").then(|| rest.split('|').next().unwrap_or_default().to_owned())
}

/// A question for the time, with a number where the server gives it back.
/// # Source
/// RFC 5905 §7.3, transmit timestamp.
pub(crate) fn ntp_query(number: u64) -> [u8; 48] {
    let mut packet = [0; 48];
    if let Some(first) = packet.first_mut() {
        *first = 0x23; // version 4, client
    }
    if let Some(place) = packet.last_chunk_mut::<8>() {
        *place = number.to_be_bytes();
    }
    packet
}

/// The answer: the question's transmit timestamp is the originate timestamp.
/// # Source
/// RFC 5905 §7.3.
pub(crate) fn ntp_answer(query: &[u8]) -> Option<[u8; 48]> {
    let asked: [u8; 8] = *query.get(..48)?.last_chunk::<8>()?;
    let mut packet = [0; 48];
    let (head, rest) = packet.split_first_chunk_mut::<24>()?;
    *head.first_mut()? = 0x24; // version 4, server
    *head.get_mut(1)? = 2; // stratum
    *rest.first_chunk_mut::<8>()? = asked;
    Some(packet)
}

/// Gives the number of the question that an answer is to.
pub(crate) fn ntp_number(answer: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*answer.get(24..32)?.first_chunk::<8>()?))
}

/// A question for the address of a name.
/// # Source
/// RFC 1035 §4.1.
pub(crate) fn dns_query(number: u16) -> Vec<u8> {
    let mut packet = number.to_be_bytes().to_vec();
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in ["time", "lab", "example"] {
        packet.push(u8::try_from(label.len()).unwrap_or(0));
        packet.extend(label.as_bytes());
    }
    packet.extend([0, 0, 1, 0, 1]);
    packet
}

/// The answer: there is no such name.
/// # Source
/// RFC 1035 §4.1.1.
pub(crate) fn dns_answer(query: &[u8]) -> Option<Vec<u8>> {
    let mut answer = query.get(..12)?.to_vec();
    answer.extend(query.get(12..)?);
    *answer.get_mut(2)? |= 0x80;
    *answer.get_mut(3)? = 3;
    Some(answer)
}

/// A Modbus request: one register is read, or written, or the device is restarted.
/// # Source
/// Modbus APv1.1b3 §6.3; §6.6; §6.8 sub-function 01.
pub(crate) fn modbus(what: ModbusWord, number: u16) -> Vec<u8> {
    let two = |function: u8, one: u16, other: u16| {
        let ([a, b], [c, d]) = (one.to_be_bytes(), other.to_be_bytes());
        [function, a, b, c, d]
    };
    let body: [u8; 5] = match what {
        ModbusWord::Read => two(3, 0, 1),
        ModbusWord::Write { address, value } => two(6, address, value),
        ModbusWord::Restart => two(8, 1, 0),
    };
    let [high, low] = number.to_be_bytes();
    let mut frame = vec![high, low, 0, 0, 0, 6, 1];
    frame.extend(body);
    frame
}

/// What is said in Modbus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModbusWord {
    Read,
    Write { address: u16, value: u16 },
    Restart,
}

/// The answer of a device that does what it is told.
/// # Source
/// Modbus APv1.1b3 §6.3.
pub(crate) fn modbus_answer(request: &[u8]) -> Option<Vec<u8>> {
    let [high, low, _, _, _, _, unit, function, ..] = *request else { return None };
    if matches!(function, 1..=4) {
        return Some(vec![high, low, 0, 0, 0, 5, unit, function, 2, 0, 42]);
    }
    Some(request.to_vec())
}

/// A BACnet request for the present value of analog input 1.
/// # Source
/// ASHRAE 135-2020 Annex J.2.11; §15.5.
pub(crate) fn bacnet_read(number: u8) -> Vec<u8> {
    let apdu = [0x00, 0x05, number, 0x0C, 0x0C, 0, 0, 0, 1, 0x19, 0x55];
    let mut packet = vec![0x81, 0x0A, 0, 17, 1, 4];
    packet.extend(apdu);
    packet
}

/// The answer: a simple value.
/// # Source
/// ASHRAE 135-2020 §20.1.5.
pub(crate) fn bacnet_answer(request: &[u8]) -> Option<Vec<u8>> {
    let invoke = *request.get(8)?;
    let apdu =
        [0x30, invoke, 0x0C, 0x0C, 0, 0, 0, 1, 0x19, 0x55, 0x3E, 0x44, 0x41, 0xA8, 0, 0, 0x3F];
    let mut packet = vec![0x81, 0x0A, 0, 23, 1, 0];
    packet.extend(apdu);
    Some(packet)
}

/// A request over HTTP.
/// # Source
/// RFC 9112 §3.
pub(crate) fn http(method: &str, host: &str, device: &str, body: &str) -> Vec<u8> {
    if method == "GET" {
        let head = format!("GET /lab/{device} HTTP/1.1\r\nHost: {host}\r\n");
        return (head + "User-Agent: cordon-lab\r\nConnection: close\r\n\r\n").into_bytes();
    }
    let length = u64::try_from(body.len()).unwrap_or(0);
    let mut request = http_head(method, host, device, length);
    request.extend(body.as_bytes());
    request
}

/// The head of a request over HTTP whose body has a length.
/// # Source
/// RFC 9112 §3, §6.2.
pub(crate) fn http_head(method: &str, host: &str, device: &str, length: u64) -> Vec<u8> {
    let head = format!("{method} /lab/{device} HTTP/1.1\r\nHost: {host}\r\n");
    let tail = format!(
        "User-Agent: cordon-lab\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    (head + &tail).into_bytes()
}

/// Gives how much of the body of a request is still missing.
/// # Source
/// RFC 9112 §6.2.
pub(crate) fn http_missing(begun: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(begun);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return 0 };
    let lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().and_then(|(_, value)| value.parse::<u64>().ok()).unwrap_or(0);
    length.saturating_sub(u64::try_from(body.len()).unwrap_or(u64::MAX))
}
