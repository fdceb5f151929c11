//! The services of the stage: what echoes, acknowledges alarms, answers calls, counts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::hospital::{BULK, EHR, KEYED, NTP, NTP6, OUTSIDE, STATION, STATION6, TELEMETRY, WAVES};
use crate::proxy::bundles::acknowledgment;

/// What came, and when the last of it did.
#[derive(Debug)]
pub(crate) struct Count {
    start: Instant,
    pub(crate) pieces: AtomicU64,
    last_ns: AtomicU64,
}

impl Default for Count {
    fn default() -> Self {
        Self { start: Instant::now(), pieces: AtomicU64::new(0), last_ns: AtomicU64::new(0) }
    }
}

impl Count {
    fn came(&self) {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap();
        self.last_ns.fetch_max(now, Ordering::AcqRel);
        self.pieces.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Acquire)
    }

    /// Gives when the last piece came.
    pub(crate) fn last(&self) -> Instant {
        self.start + std::time::Duration::from_nanos(self.last_ns.load(Ordering::Acquire))
    }
}

/// What the services of one stage saw. They run until the test's process ends.
#[derive(Debug, Default)]
pub(crate) struct Services {
    /// Every byte that the station got, by connection, in order.
    pub(crate) alarms: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Datagrams of the telemetry.
    pub(crate) telemetry: Arc<Count>,
    /// Reads of bodies that the record was sent.
    pub(crate) bodies: Arc<Count>,
    /// Whatever came to somebody outside.
    pub(crate) outside: Arc<Count>,
}

impl Services {
    /// Starts them, in the namespace of the thread.
    pub(crate) fn start() -> Self {
        let services = Self::default();
        for at in [WAVES, NTP, NTP6] {
            echo_datagrams(at);
        }
        for at in [BULK, KEYED] {
            serve(at, echo);
        }
        for at in [STATION, STATION6] {
            let alarms = Arc::clone(&services.alarms);
            serve(at, move |stream| acknowledge(stream, &alarms));
        }
        let bodies = Arc::clone(&services.bodies);
        serve(EHR, move |stream| answer(stream, &bodies));
        let outside = Arc::clone(&services.outside);
        serve(OUTSIDE, move |stream| {
            outside.came();
            echo(stream);
        });
        count_datagrams(TELEMETRY, &services.telemetry);
        count_datagrams(OUTSIDE, &services.outside);
        services
    }

    /// Gives all that the station got, connection after connection.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.alarms.lock().unwrap().concat()
    }
}

/// Opens a listener and serves each connection on a thread of its own.
pub(crate) fn serve(at: SocketAddr, each: impl Fn(TcpStream) + Send + Sync + 'static) {
    let listener = TcpListener::bind(at).unwrap();
    let each = Arc::new(each);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = Arc::clone(&each);
            thread::spawn(move || each(stream));
        }
    });
}

fn echo(mut stream: TcpStream) {
    let mut room = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut room) {
        if stream.write_all(&room[..count]).is_err() {
            return;
        }
    }
}

fn echo_datagrams(at: SocketAddr) {
    let socket = UdpSocket::bind(at).unwrap();
    thread::spawn(move || {
        let mut room = [0; 4096];
        loop {
            // An answer that came back as unreachable is told here; the next one may be taken.
            if let Ok((count, from)) = socket.recv_from(&mut room) {
                let _ = socket.send_to(&room[..count], from);
            }
        }
    });
}

fn count_datagrams(at: SocketAddr, count: &Arc<Count>) {
    let (socket, count) = (UdpSocket::bind(at).unwrap(), Arc::clone(count));
    thread::spawn(move || {
        let mut room = [0; 4096];
        loop {
            if socket.recv_from(&mut room).is_ok() {
                count.came();
            }
        }
    });
}

/// Answers each frame of MLLP, and keeps every byte.
fn acknowledge(mut stream: TcpStream, alarms: &Mutex<Vec<Vec<u8>>>) {
    let place = {
        let mut alarms = alarms.lock().unwrap();
        alarms.push(Vec::new());
        alarms.len() - 1
    };
    let (mut room, mut frame) = ([0; 16 << 10], Vec::new());
    while let Ok(count @ 1..) = stream.read(&mut room) {
        alarms.lock().unwrap()[place].extend_from_slice(&room[..count]);
        for byte in &room[..count] {
            frame.push(*byte);
            if frame.ends_with(b"\x1c\r") {
                let id = frame.split(|byte| *byte == b'|').nth(9).unwrap_or(b"?").to_vec();
                frame.clear();
                let answer = acknowledgment(&String::from_utf8_lossy(&id));
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
        }
    }
}

/// Answers HTTP requests, and counts the reads of their bodies.
fn answer(mut stream: TcpStream, bodies: &Count) {
    let (mut room, mut held) = ([0; 16 << 10], Vec::new());
    loop {
        let end = loop {
            if let Some(at) = held.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let Ok(count @ 1..) = stream.read(&mut room) else { return };
            held.extend_from_slice(&room[..count]);
        };
        let head = String::from_utf8_lossy(&held[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut left: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        held.drain(..end);
        left -= left.min(held.len());
        held.clear();
        while left > 0 {
            let Ok(count @ 1..) = stream.read(&mut room) else { return };
            bodies.came();
            left -= left.min(count);
        }
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n").is_err() {
            return;
        }
    }
}
