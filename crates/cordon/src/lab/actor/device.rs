//! Says what a device of its type says, to every service that it may talk to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cordon_model::{Direction, Operation, Protocol};
use serde_json::json;

use super::exchange::{ANSWER_MAX, Hl7, tcp, udp, word};
use super::line::Keys;
use super::{End, listen, speech, tell};
use crate::lab::machine::{find, reap};
use crate::lab::{Seat, Standing, Talk, stage};
use crate::outcome::Failure;

/// How long an image may take on its way.
const IMAGE_MAX: Duration = Duration::from_secs(10);

/// How long a device listens when it has said all that it says.
const LINGER_MAX: Duration = Duration::from_secs(60);
/// Longer than anything in a lab.
const DAY: Duration = Duration::from_secs(86_400);

/// Plays a device until the end.
pub(super) fn run(end: &End, seat: &Seat, keys: Option<&Keys>) {
    let mut archive: Option<Child> = None;
    for talk in seat.talks.iter().filter(|talk| talk.direction == Direction::In) {
        if talk.protocol == Protocol::Dicom {
            archive = archive.or_else(|| listening(seat, talk));
            continue;
        }
        let transport = talk.transport.name();
        // Two services may open towards one port.
        let own = keys.filter(|_| talk.sealed).cloned();
        let _ = listen::open(talk.protocol.name(), transport, talk.port, own);
    }
    std::thread::scope(|scope| {
        for talk in seat.talks.iter().filter(|talk| talk.direction == Direction::Out) {
            for operation in &talk.operations {
                scope.spawn(move || again(end, (seat, keys), talk, *operation, seat.id.as_str()));
            }
        }
    });
    end.wait_until(Instant::now() + DAY);
    if seat.talks.iter().any(|talk| talk.direction == Direction::In) {
        // Somebody may still call: it listens until it is told that nobody will.
        let (ended, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = io::copy(&mut io::stdin(), &mut io::sink());
            ended.send(())
        });
        let _ = told.recv_timeout(LINGER_MAX);
    }
    if let Some(mut archive) = archive {
        let _ = archive.kill();
        let _ = archive.wait();
    }
}

/// Starts what a device listens with for DICOM.
fn listening(seat: &Seat, talk: &Talk) -> Option<Child> {
    let mut command = Command::new(find("storescp")?);
    let title = seat.ae_title.as_deref().unwrap_or("ANY-SCP");
    command.args(stage::STORESCP).args(["-aet", title, &talk.port.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

/// Plays what a host says of its own accord: it opens towards the devices.
pub(super) fn call(end: &End, standing: &Standing, place: &str) {
    let Some(host) = standing.hosts.iter().find(|host| host.place == place) else { return };
    std::thread::scope(|scope| {
        for seat in &standing.devices {
            for talk in seat.talks.iter().filter(|talk| talk.direction == Direction::In) {
                if !host.addresses.contains(&talk.peer) {
                    continue;
                }
                for operation in &talk.operations {
                    // Where TLS begins is a guard, which the service talks to plainly.
                    let peer = IpAddr::V4(seat.ip);
                    let towards = Talk { peer, sealed: false, ..talk.clone() };
                    scope.spawn(move || again(end, (seat, None), &towards, *operation, place));
                }
            }
        }
    });
}

/// Says one thing again and again, as fast as its kind wants.
fn again(
    end: &End,
    (seat, keys): (&Seat, Option<&Keys>),
    talk: &Talk,
    operation: Operation,
    who: &str,
) {
    let pace = match talk.protocol {
        Protocol::Hl7 | Protocol::Modbus | Protocol::Bacnet => Duration::from_secs(1),
        Protocol::Http
        | Protocol::Ntp
        | Protocol::Dns
        | Protocol::Dhcp
        | Protocol::Syslog
        | Protocol::Opaque => Duration::from_secs(2),
        Protocol::Dicom => Duration::from_secs(5),
    };
    let (mut sent, mut answered, mut beat) = (0u64, 0u64, 0u64);
    let mut why: Option<String> = None;
    let mut next = Instant::now();
    while !end.is_over() {
        beat += 1;
        let start = Instant::now();
        let answer = once((seat, keys.filter(|_| talk.sealed)), talk, operation, beat);
        let took_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Some(answer) = answer else { break };
        sent += 1;
        answered += u64::from(answer.is_ok());
        let trouble = answer.err().map(|error| word(&error));
        tell(
            "said",
            json!({
                "who": who, "to": talk.peer, "operation": operation.name(), "took_us": took_us,
                "why": trouble,
            }),
        );
        why = why.or(trouble);
        next = (next + pace).max(Instant::now());
        end.wait_until(next);
    }
    tell(
        "talk",
        json!({
            "who": who, "service": talk.service, "to": talk.peer, "port": talk.port,
            "direction": talk.direction, "operation": operation.name(),
            "lifeline": talk.is_lifeline, "sent": sent, "answered": answered, "why": why,
        }),
    );
}

/// Says something once; nothing where nobody can say it.
fn once(
    (seat, keys): (&Seat, Option<&Keys>),
    talk: &Talk,
    operation: Operation,
    beat: u64,
) -> Option<io::Result<()>> {
    let to = SocketAddr::new(talk.peer, talk.port);
    let number = u16::try_from(beat % 60_000).unwrap_or(0);
    let http = |method: &str| http(method, to, seat, keys);
    let asked = |request: &[u8]| udp(to, request, ANSWER_MAX).map(|_| ());
    let modbus = |word: speech::ModbusWord| modbus(to, word, number, keys);
    let id = format!("L{beat}");
    let spoken =
        |message: Vec<u8>| Hl7::connect(to, keys).and_then(|mut line| line.send(&message, &id));
    match operation {
        Operation::Hl7OruR01 => Some(spoken(speech::readings(seat, talk, &id, beat))),
        Operation::Hl7OruR40 => Some(spoken(speech::alarm(seat, talk, &id))),
        Operation::Hl7RgvO15 => {
            let parties = speech::Parties::out(seat, talk);
            let is_back = talk.direction == Direction::In;
            Some(spoken(speech::order(if is_back { parties.back() } else { parties }, &id)))
        }
        Operation::HttpGet => Some(http("GET")),
        Operation::HttpPost => Some(http("POST")),
        Operation::NtpQuery => Some(asked(&speech::ntp_query(beat))),
        Operation::DnsQuery => Some(asked(&speech::dns_query(number))),
        Operation::ModbusRead => Some(modbus(speech::ModbusWord::Read)),
        // How often is limited, so it is written once.
        Operation::ModbusWrite => {
            let (address, value) = talk.writable.filter(|_| beat == 1)?;
            Some(modbus(speech::ModbusWord::Write { address, value }))
        }
        Operation::BacnetReadProperty => {
            let invoke = u8::try_from(beat % 200).unwrap_or(0);
            Some(asked(&speech::bacnet_read(invoke)))
        }
        Operation::DicomCEcho => dcmtk("echoscu", seat, talk, None),
        Operation::DicomCStore => image(seat, talk),
        // The lab does not speak these.
        Operation::Hl7OruR42
        | Operation::Hl7RdeO11
        | Operation::Hl7Adt
        | Operation::Hl7Qbp
        | Operation::DicomCFindWorklist
        | Operation::DicomCFind
        | Operation::DicomCMove
        | Operation::DicomCGet
        | Operation::DicomNCreateMpps
        | Operation::DicomNSetMpps
        | Operation::DicomNActionCommitment
        | Operation::DicomNEventReport
        | Operation::DicomNDelete
        | Operation::ModbusIdentify
        | Operation::ModbusDiagnostics
        | Operation::ModbusFile
        | Operation::BacnetWriteProperty
        | Operation::BacnetCovNotification
        | Operation::BacnetSubscribeCov
        | Operation::BacnetEventNotification
        | Operation::BacnetWhoIs
        | Operation::BacnetIAm
        | Operation::BacnetTimeSynchronization
        | Operation::BacnetLifeSafetyOperation
        | Operation::BacnetDeviceCommunicationControl
        | Operation::BacnetReinitializeDevice
        | Operation::BacnetAtomicWriteFile
        | Operation::HttpPut
        | Operation::HttpPatch
        | Operation::HttpDelete
        | Operation::HttpConnect
        | Operation::DhcpLease
        | Operation::SyslogSend
        | Operation::OpaqueConnect => None,
    }
}

/// Runs a client of dcmtk to its end.
fn dcmtk(program: &str, seat: &Seat, talk: &Talk, image: Option<&Path>) -> Option<io::Result<()>> {
    let mut command = Command::new(find(program)?);
    let (own, other) = (seat.ae_title.as_deref(), talk.ae_title.as_deref());
    let (own, other) = (own.unwrap_or("LAB"), other.unwrap_or("ANY-SCP"));
    let (own, other) = if talk.direction == Direction::Out { (own, other) } else { (other, own) };
    command.args(["-to", "2", "-ta", "5", "-td", "5", "-aet", own, "-aec", other]);
    command.args([talk.peer.to_string(), talk.port.to_string()]).args(image);
    Some(ended(&mut command))
}

fn ended(command: &mut Command) -> io::Result<()> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    if !reap(&mut child, IMAGE_MAX) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let is_good = child.wait()?.success();
    if is_good { Ok(()) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
}

/// A small ultrasound picture, as dcmtk's `dump2dcm` reads it.
const IMAGE: &str = "(0008,0016) UI 1.2.840.10008.5.1.4.1.1.7
(0008,0018) UI 1.2.826.0.1.3680043.10.1338.1
(0008,0060) CS OT
(0010,0010) PN LAB
(0010,0020) LO LAB1
(0020,000d) UI 1.2.826.0.1.3680043.10.1338.2
(0020,000e) UI 1.2.826.0.1.3680043.10.1338.3
(0028,0002) US 1
(0028,0004) CS MONOCHROME2
(0028,0010) US 2
(0028,0011) US 2
(0028,0100) US 8
(0028,0101) US 8
(0028,0102) US 7
(0028,0103) US 0
(7fe0,0010) OB 00\\01\\02\\03
";

/// Makes an image and sends it.
fn image(seat: &Seat, talk: &Talk) -> Option<io::Result<()>> {
    let program = find("dump2dcm")?;
    let folder = std::env::temp_dir().join(format!("image-{}", std::process::id()));
    let (text, image) = (folder.join("image.txt"), folder.join("image.dcm"));
    let made = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&text, IMAGE))
        .and_then(|()| ended(Command::new(program).arg(&text).arg(&image)));
    let sent = match made {
        Ok(()) => dcmtk("storescu", seat, talk, Some(&image)),
        Err(error) => Some(Err(error)),
    };
    let _ = std::fs::remove_dir_all(&folder);
    sent
}

/// Makes one request over HTTP.
fn http(method: &str, to: SocketAddr, seat: &Seat, keys: Option<&Keys>) -> io::Result<()> {
    let request = speech::http(method, &to.to_string(), &seat.id, "{\"lab\":1}");
    let answer = tcp(to, &request, ANSWER_MAX, keys)?;
    let is_good = answer.starts_with(b"HTTP/1.1 200");
    if is_good { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Makes one Modbus request; an exception is no good answer.
fn modbus(
    to: SocketAddr,
    word: speech::ModbusWord,
    number: u16,
    keys: Option<&Keys>,
) -> io::Result<()> {
    let answer = tcp(to, &speech::modbus(word, number), ANSWER_MAX, keys)?;
    let is_refused = answer.get(7).is_none_or(|function| function & 0x80 != 0);
    if is_refused { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
}

/// Says one thing, mostly one that no device may say, and tells what came back.
pub(super) fn say(
    (seat, keys): (&Seat, Option<&Keys>),
    what: &str,
    to: SocketAddr,
) -> Result<(), Failure> {
    let start = Instant::now();
    tell("first", json!({ "what": what, "to": to }));
    let talk = seat.talks.iter().find(|talk| talk.peer == to.ip() && talk.port == to.port());
    let talk = talk.ok_or_else(|| {
        Failure::usage(format!("{} does not talk to {to}", seat.id), "name its service")
    })?;
    let keys = keys.filter(|_| talk.sealed);
    let modbus = |word: speech::ModbusWord| modbus(to, word, 1, keys);
    let answer = match what {
        "hl7-order" => {
            let order = speech::order(speech::Parties::out(seat, talk), "ORDER1");
            Hl7::connect(to, keys).and_then(|mut line| line.send(&order, "ORDER1"))
        }
        "modbus-read" => modbus(speech::ModbusWord::Read),
        "modbus-write-listed" => {
            let (address, value) = talk.writable.unwrap_or_default();
            modbus(speech::ModbusWord::Write { address, value })
        }
        "modbus-write" => modbus(speech::ModbusWord::Write { address: 9_999, value: u16::MAX }),
        _ => modbus(speech::ModbusWord::Restart),
    };
    let took_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    let why = answer.as_ref().err().map(word);
    tell(
        if answer.is_ok() { "answered" } else { "silent" },
        json!({ "to": to, "transport": "tcp", "took_us": took_us, "why": why }),
    );
    tell("done", json!({ "elapsed_ms": took_us / 1_000 }));
    Ok(())
}
