//! Numbered messages on the lifelines of a device: every one that is lost is counted.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cordon_model::{Direction, Operation, Protocol, Transport};
use serde_json::json;

use super::exchange::{ANSWER_MAX, Hl7, word};
use super::line::{Keys, Line};
use super::{End, speech, tell};
use crate::lab::{Seat, Talk};

/// How many datagrams a second.
const DATAGRAMS_PER_SECOND: u32 = 100;
/// How long passes between two messages of a session.
const SESSION_PACE: Duration = Duration::from_millis(100);

/// How long passes between two readings of a register.
const REGISTERS_PACE: Duration = Duration::from_millis(500);

/// What a probe counted.
#[derive(Debug, Default)]
struct Count {
    sent: u64,
    answered: u64,
    resets: u64,
    /// Microseconds from each question to its answer.
    took_us: Vec<u64>,
    gap_max: Duration,
    why: Option<String>,
}

impl Count {
    fn tell(mut self, talk: &Talk, what: &str) {
        self.took_us.sort_unstable();
        let at = |share: usize| {
            let place = (self.took_us.len() * share / 1_000).min(self.took_us.len().max(1) - 1);
            self.took_us.get(place).copied()
        };
        tell(
            "probe",
            json!({
                "what": what, "service": talk.service, "lifeline": talk.is_lifeline,
                "sent": self.sent, "answered": self.answered,
                "lost": self.sent - self.answered, "resets": self.resets,
                "p50_us": at(500), "p99_us": at(990), "p999_us": at(999),
                "max_us": self.took_us.last(),
                "gap_max_us": u64::try_from(self.gap_max.as_micros()).unwrap_or(u64::MAX),
                "why": self.why,
            }),
        );
    }
}

pub(super) fn run(end: &End, seat: &Seat, keys: Option<&Keys>) {
    tell("first", json!({ "device": seat.id }));
    std::thread::scope(|scope| {
        for talk in seat.talks.iter().filter(|talk| talk.direction == Direction::Out) {
            match talk.protocol {
                Protocol::Hl7 if talk.is_lifeline => {
                    scope.spawn(move || session(end, seat, talk, keys));
                }
                Protocol::Modbus if talk.transport == Transport::Tcp => {
                    scope.spawn(move || registers(end, talk));
                }
                Protocol::Ntp => {
                    scope.spawn(move || datagrams(end, talk));
                }
                Protocol::Hl7
                | Protocol::Dicom
                | Protocol::Modbus
                | Protocol::Bacnet
                | Protocol::Http
                | Protocol::Dns
                | Protocol::Dhcp
                | Protocol::Syslog
                | Protocol::Opaque => {}
            }
        }
    });
}

/// One session that stays open, with a message every tenth of a second.
fn session(end: &End, seat: &Seat, talk: &Talk, keys: Option<&Keys>) {
    let to = SocketAddr::new(talk.peer, talk.port);
    let mut count = Count::default();
    let mut line: Option<Hl7> = None;
    let mut next = Instant::now();
    let mut last = Instant::now();
    while !end.is_over() {
        count.sent += 1;
        let id = format!("P{}", count.sent);
        let message = if talk.operations.contains(&Operation::Hl7OruR40) {
            speech::alarm(seat, talk, &id)
        } else {
            speech::readings(seat, talk, &id, count.sent)
        };
        let start = Instant::now();
        let done = match line.take() {
            Some(open) => Ok(open),
            None => Hl7::connect(to, keys.filter(|_| talk.sealed)),
        };
        let done = done.and_then(|mut open| open.send(&message, &id).map(|()| open));
        match done {
            Ok(open) => {
                line = Some(open);
                count.answered += 1;
                count.gap_max = count.gap_max.max(last.elapsed());
                last = Instant::now();
                count.took_us.push(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            Err(error) => {
                count.resets += 1;
                count.why.get_or_insert_with(|| word(&error));
            }
        }
        next = (next + SESSION_PACE).max(Instant::now());
        end.wait_until(next);
    }
    // Silence that lasts until the end is a gap too.
    count.gap_max = count.gap_max.max(last.elapsed());
    count.tell(talk, "tcp session");
}

/// One connection that stays open, on which one register is read twice a second.
fn registers(end: &End, talk: &Talk) {
    let to = SocketAddr::new(talk.peer, talk.port);
    let mut count = Count::default();
    let mut line: Option<Line> = None;
    let (mut next, mut last) = (Instant::now(), Instant::now());
    while !end.is_over() {
        count.sent += 1;
        let number = u16::try_from(count.sent % 60_000).unwrap_or(0);
        let start = Instant::now();
        let done = match line.take() {
            Some(open) => Ok(open),
            None => Line::call(to, ANSWER_MAX, None),
        };
        match done.and_then(|open| read(open, number)) {
            Ok(open) => {
                line = Some(open);
                count.answered += 1;
                count.gap_max = count.gap_max.max(last.elapsed());
                last = Instant::now();
                count.took_us.push(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            Err(error) => {
                count.resets += 1;
                count.why.get_or_insert_with(|| word(&error));
            }
        }
        next = (next + REGISTERS_PACE).max(Instant::now());
        end.wait_until(next);
    }
    count.gap_max = count.gap_max.max(last.elapsed());
    count.tell(talk, "tcp session");
}

/// Reads a register; the connection goes on.
fn read(mut line: Line, number: u16) -> io::Result<Line> {
    line.write_all(&speech::modbus(speech::ModbusWord::Read, number))?;
    let mut answer = [0; 64];
    let length = line.read(&mut answer)?;
    let is_good = length >= 9 && answer.get(7) == Some(&3);
    if is_good { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Datagrams a hundred times a second, each answered with its number.
fn datagrams(end: &End, talk: &Talk) {
    let mut count = Count::default();
    if let Err(error) = numbered(end, talk, &mut count) {
        count.why.get_or_insert_with(|| word(&error));
    }
    count.tell(talk, "udp");
}

fn numbered(end: &End, talk: &Talk, count: &mut Count) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(SocketAddr::new(talk.peer, talk.port))?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let sent: Mutex<Vec<Option<Instant>>> = Mutex::new(Vec::new());
    let hear = || {
        let mut heard = Count::default();
        let (mut buffer, mut last) = ([0; 512], Instant::now());
        let mut stop: Option<Instant> = None;
        loop {
            if let Ok(length) = socket.recv(&mut buffer) {
                let number = speech::ntp_number(buffer.get(..length).unwrap_or_default());
                let place = number.and_then(|number| usize::try_from(number).ok());
                let asked = sent.lock().ok().and_then(|mut sent| sent.get_mut(place?)?.take());
                if let Some(asked) = asked {
                    heard.answered += 1;
                    heard.gap_max = heard.gap_max.max(last.elapsed());
                    last = Instant::now();
                    let took = u64::try_from(asked.elapsed().as_micros());
                    heard.took_us.push(took.unwrap_or(u64::MAX));
                }
            }
            let all = sent.lock().is_ok_and(|sent| sent.iter().all(Option::is_none));
            if end.is_over() {
                // The last answers are on their way.
                let stop = *stop.get_or_insert_with(|| Instant::now() + ANSWER_MAX);
                if all || Instant::now() >= stop {
                    return heard;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let hearing = scope.spawn(hear);
        let mut next = Instant::now();
        while !end.is_over() {
            if let Ok(mut sent) = sent.lock() {
                sent.push(Some(Instant::now()));
            }
            let number = count.sent;
            count.sent += 1;
            if let Err(error) = socket.send(&speech::ntp_query(number)) {
                count.why.get_or_insert_with(|| word(&error));
            }
            next = (next + Duration::from_secs(1) / DATAGRAMS_PER_SECOND).max(Instant::now());
            end.wait_until(next);
        }
        if let Ok(heard) = hearing.join() {
            (count.answered, count.gap_max) = (heard.answered, heard.gap_max);
            count.took_us = heard.took_us;
        }
    });
    Ok(())
}
