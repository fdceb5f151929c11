//! Answers as services do; one process for all that a host offers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cordon_wire::mllp;
use serde_json::json;

use super::line::{Keys, Line};
use super::{End, speech, tell};
use crate::outcome::Failure;

/// How many connections one port serves at a time.
const CONNECTIONS_MAX: u32 = 256;
/// How long a connection may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// How many messages are told one by one; then they are only counted.
const TOLD_MAX: u64 = 200;
/// The answer to an HTTP request that is complete.
/// # Source
/// RFC 9112 §4.
const HTTP_DONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
    Content-Length: 2\r\nConnection: close\r\n\r\n{}";

pub(super) fn run(end: &End, offers: &[String], keys: Option<&Keys>) -> Result<(), Failure> {
    for offer in offers {
        let wrong = || Failure::usage(format!("`{offer}` is no offer"), "write `hl7:tcp:6661`");
        let mut parts = offer.split(':');
        let (Some(protocol), Some(transport), Some(port)) =
            (parts.next(), parts.next(), parts.next().and_then(|port| port.parse().ok()))
        else {
            return Err(wrong());
        };
        let is_sealed = match (parts.next(), keys) {
            (None, _) => false,
            (Some("sealed"), Some(_)) => true,
            (Some(_), _) => return Err(wrong()),
        };
        open(protocol, transport, port, keys.filter(|_| is_sealed).cloned())?;
        tell("listens", json!({ "protocol": protocol, "transport": transport, "port": port }));
    }
    // The threads end with the process.
    end.wait_until(Instant::now() + Duration::from_secs(86_400));
    Ok(())
}

/// Opens a port and serves it from now on.
pub(super) fn open(
    protocol: &str,
    transport: &str,
    port: u16,
    keys: Option<Keys>,
) -> Result<(), Failure> {
    let at = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let busy = |error: std::io::Error| {
        Failure::config(format!("{transport} port {port}: {error}"), "who else listens there?")
    };
    let protocol = protocol.to_owned();
    if transport == "udp" {
        let socket = UdpSocket::bind(at).map_err(busy)?;
        std::thread::spawn(move || datagrams(&socket, &protocol));
    } else {
        let listener = TcpListener::bind(at).map_err(busy)?;
        std::thread::spawn(move || connections(&listener, &protocol, port, keys.as_ref()));
    }
    Ok(())
}

fn datagrams(socket: &UdpSocket, protocol: &str) {
    let mut buffer = [0; 2_048];
    let mut count: u64 = 0;
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let datagram = buffer.get(..length).unwrap_or_default();
        let answer: Option<Vec<u8>> = match protocol {
            "ntp" => speech::ntp_answer(datagram).map(Vec::from),
            "dns" => speech::dns_answer(datagram),
            "bacnet" => speech::bacnet_answer(datagram),
            _ => Some(datagram.to_vec()),
        };
        count += 1;
        if count <= TOLD_MAX || count.is_power_of_two() {
            tell(
                "received",
                json!({ "protocol": protocol, "from": from, "bytes": length, "count": count }),
            );
        }
        if let Some(answer) = answer {
            let _ = socket.send_to(&answer, from);
        }
    }
}

fn connections(listener: &TcpListener, protocol: &str, port: u16, keys: Option<&Keys>) {
    let open = Arc::new(AtomicU32::new(0));
    while let Ok((stream, from)) = listener.accept() {
        tell("accepted", json!({ "protocol": protocol, "port": port, "from": from }));
        if open.load(Ordering::Relaxed) >= CONNECTIONS_MAX {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (protocol, open, keys) = (protocol.to_owned(), Arc::clone(&open), keys.cloned());
        std::thread::spawn(move || {
            let _ = stream.set_read_timeout(Some(SILENCE_MAX));
            let _ = stream.set_write_timeout(Some(SILENCE_MAX));
            let _ = stream.set_nodelay(true);
            let line = Line::taken(stream, keys.as_ref());
            let (messages, bytes) = line.map_or((0, 0), |line| converse(line, &protocol, from));
            tell(
                "ended",
                json!({ "protocol": protocol, "from": from, "messages": messages, "bytes": bytes }),
            );
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Answers on a connection until it ends; gives how much came.
fn converse(mut stream: Line, protocol: &str, from: SocketAddr) -> (u64, u64) {
    let mut buffer = vec![0; 65_536];
    let mut frames = mllp::Reader::new(mllp::TELEMETRY_BYTES_MAX);
    let (mut messages, mut bytes, mut body_left) = (0u64, 0u64, 0u64);
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        bytes += u64::try_from(length).unwrap_or(0);
        let piece = buffer.get(..length).unwrap_or_default();
        let mut answer = Vec::new();
        let mut is_last = false;
        match protocol {
            "hl7" => frames.feed(piece, &mut |unit| {
                let Some((kind, text)) = unit.value.ok().and_then(speech::acknowledgment) else {
                    return;
                };
                messages += 1;
                if messages <= TOLD_MAX {
                    tell("received", json!({ "protocol": "hl7", "from": from, "message": kind }));
                }
                answer.extend(text);
            }),
            // The rest of a request that comes in pieces.
            "http" if body_left > 0 => {
                body_left = body_left.saturating_sub(u64::try_from(length).unwrap_or(0));
                if body_left == 0 {
                    answer.extend(HTTP_DONE);
                    is_last = true;
                }
            }
            "http" => {
                messages += 1;
                let line = piece.split(|byte| *byte == b'\r').next().unwrap_or_default();
                let line = String::from_utf8_lossy(line.get(..80).unwrap_or(line)).into_owned();
                tell("received", json!({ "protocol": "http", "from": from, "message": line }));
                body_left = speech::http_missing(piece);
                if body_left == 0 {
                    answer.extend(HTTP_DONE);
                    is_last = true;
                }
            }
            "modbus" => {
                messages += 1;
                let function = piece.get(7).copied().unwrap_or(0);
                let address = piece.get(8..10).and_then(<[u8]>::first_chunk::<2>);
                tell(
                    "received",
                    json!({ "protocol": "modbus", "from": from, "message": function,
                        "address": address.map(|bytes| u16::from_be_bytes(*bytes)) }),
                );
                answer.extend(speech::modbus_answer(piece).unwrap_or_default());
            }
            "opaque" if bytes > 65_536 => {} // a sink: what is sent in masses is not sent back
            _ => answer.extend(piece),
        }
        if stream.write_all(&answer).is_err() || is_last {
            break;
        }
    }
    stream.end();
    (messages, bytes)
}
