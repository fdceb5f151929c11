//! Probes on a lifeline: what is sent at a steady rate, what comes back, how late, and how long
//! nothing does.
//!
//! What a failure may cost is set by the design: RED nothing, ORANGE 60 s.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::hospital::Actor;
use super::stage::{PATIENCE, Stage, pause};
use crate::proxy::bundles::{acknowledgment, alarm};

/// Datagrams: a hundred a second.
const DATAGRAM_PACE: Duration = Duration::from_millis(10);
/// Messages, one after the other: fifty a second.
const MESSAGE_PACE: Duration = Duration::from_millis(20);
/// How long what is under way at the end may take.
const STRAGGLER: Duration = Duration::from_secs(2);
/// How long a message waits for its answer before the connection is given up.
const ANSWER: Duration = Duration::from_secs(3);

/// One datagram or message.
#[derive(Debug, Clone, Copy)]
struct Exchange {
    sent: Instant,
    back: Option<Instant>,
}

#[derive(Debug, Default)]
struct Log {
    exchanges: Mutex<Vec<Exchange>>,
    answered: AtomicU64,
    resets: AtomicU64,
    strange: AtomicU64,
    is_over: AtomicBool,
    phases: Mutex<Vec<(String, Instant)>>,
}

impl Log {
    fn sends(&self) -> usize {
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        exchanges.push(Exchange { sent: Instant::now(), back: None });
        exchanges.len() - 1
    }

    fn hears(&self, number: usize) {
        let now = Instant::now();
        let mut exchanges = self.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        match exchanges.get_mut(number) {
            // Once, and no more than once.
            Some(exchange) if exchange.back.is_none() => {
                exchange.back = Some(now);
                self.answered.fetch_add(1, Ordering::AcqRel);
            }
            Some(_) | None => {
                self.strange.fetch_add(1, Ordering::AcqRel);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// A probe that runs.
#[derive(Debug)]
pub(crate) struct Probe {
    name: String,
    log: Arc<Log>,
    threads: Vec<JoinHandle<()>>,
}

/// What a probe saw from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) sent: usize,
    pub(crate) lost: usize,
    pub(crate) resets: u64,
    /// Answers that came twice, or to nothing.
    pub(crate) strange: u64,
    /// The longest time between two answers.
    pub(crate) gap: Duration,
    pub(crate) p999: Duration,
}

impl Probe {
    /// Sends numbered datagrams from a device to a service that echoes them.
    pub(crate) fn datagrams(stage: &Stage, from: Actor, to: SocketAddr) -> Self {
        let socket = stage.socket(from, to);
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let log = Arc::new(Log::default());
        let (sender, sends) = (socket.try_clone().unwrap(), Arc::clone(&log));
        let sending = thread::spawn(move || {
            pace(DATAGRAM_PACE, || {
                let number = u64::try_from(sends.sends()).unwrap();
                // A refusal that came back for the one before is told here: it is lost, as this is.
                let _ = sender.send(&number.to_be_bytes());
                !sends.is_over()
            });
        });
        let hears = Arc::clone(&log);
        let hearing = thread::spawn(move || hear(&socket, &hears));
        Self { name: format!("{} udp", from.id), log, threads: vec![sending, hearing] }
    }

    /// Sends alarms over one connection, each after the answer to the one before; a connection that
    /// breaks is opened again.
    pub(crate) fn messages(stage: &Stage, from: Actor, to: SocketAddr) -> Self {
        let log = Arc::new(Log::default());
        let talks = Arc::clone(&log);
        let thread = stage.within(from.place, move || thread::spawn(move || talk(to, &talks)));
        Self { name: format!("{} tcp", from.id), log, threads: vec![thread] }
    }

    /// Begins a part of the run that is told by itself.
    pub(crate) fn phase(&self, name: &str) {
        let mut phases = self.log.phases.lock().unwrap();
        phases.push((name.to_owned(), Instant::now()));
    }

    /// Gives how many were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.log.answered.load(Ordering::Acquire)
    }

    /// Waits until so many more are answered.
    pub(crate) fn goes_on(&self, count: u64) {
        let goal = self.answered() + count;
        let start = Instant::now();
        while self.answered() < goal {
            assert!(start.elapsed() < 3 * PATIENCE, "{} stands still", self.name);
            pause(5);
        }
    }

    /// Ends it, and prints what it saw.
    pub(crate) fn finish(mut self) -> Tally {
        self.log.is_over.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        let exchanges = self.log.exchanges.lock().unwrap().clone();
        self.print(&exchanges);
        let (sent, times) = (exchanges.len(), latencies(&exchanges));
        Tally {
            sent,
            lost: sent - times.len(),
            resets: self.log.resets.load(Ordering::Acquire),
            strange: self.log.strange.load(Ordering::Acquire),
            gap: gap(&exchanges),
            p999: part(&times, 999),
        }
    }

    fn print(&self, exchanges: &[Exchange]) {
        let phases = self.log.phases.lock().unwrap();
        let mut parts: BTreeMap<usize, Vec<Exchange>> = BTreeMap::new();
        for exchange in exchanges {
            let phase = phases.iter().filter(|(_, since)| *since <= exchange.sent).count();
            parts.entry(phase).or_default().push(*exchange);
        }
        let all = (String::from("in all"), exchanges.to_vec());
        let name = |phase: usize| match phase.checked_sub(1) {
            Some(place) => phases[place].0.clone(),
            None => "before".to_owned(),
        };
        let rows = parts.into_iter().map(|(phase, part)| (name(phase), part));
        for (phase, some) in rows.chain([all]) {
            let times = latencies(&some);
            eprintln!(
                "{:<26} {phase:<22} sent {:>5} lost {:>3}  p50 {:>6} p99 {:>6} p99.9 {:>6} us  \
                 longest gap {:>6} ms",
                self.name,
                some.len(),
                some.len() - times.len(),
                part(&times, 500).as_micros(),
                part(&times, 990).as_micros(),
                part(&times, 999).as_micros(),
                gap(&some).as_millis(),
            );
        }
    }
}

impl Tally {
    /// Says that nothing was lost, reset or doubled, and nothing stood still for a second.
    pub(crate) fn is_whole(&self) {
        assert_eq!((self.lost, self.resets, self.strange), (0, 0, 0), "{self:?}");
        assert!(self.gap < Duration::from_secs(1), "{self:?}");
    }
}

fn pace(every: Duration, mut act: impl FnMut() -> bool) {
    let mut next = Instant::now();
    while act() {
        next = (next + every).max(Instant::now());
        while let Some(left) =
            next.checked_duration_since(Instant::now()).filter(|it| !it.is_zero())
        {
            thread::park_timeout(left);
        }
    }
}

fn hear(socket: &UdpSocket, log: &Log) {
    let mut room = [0; 8];
    let mut end = None;
    loop {
        if socket.recv(&mut room).is_ok_and(|count| count == room.len()) {
            log.hears(usize::try_from(u64::from_be_bytes(room)).unwrap());
        }
        if log.is_over() {
            let sent = log.exchanges.lock().unwrap().len();
            let is_all = log.answered.load(Ordering::Acquire) == u64::try_from(sent).unwrap();
            let end = end.get_or_insert_with(|| Instant::now() + STRAGGLER);
            if is_all || Instant::now() >= *end {
                return;
            }
        }
    }
}

fn talk(to: SocketAddr, log: &Log) {
    let mut line: Option<TcpStream> = None;
    pace(MESSAGE_PACE, || {
        let number = log.sends();
        let is_answered = line.as_mut().is_some_and(|line| exchange(line, number).is_ok());
        if is_answered {
            log.hears(number);
        } else {
            if line.take().is_some() {
                log.resets.fetch_add(1, Ordering::AcqRel);
            }
            line = TcpStream::connect_timeout(&to, Duration::from_millis(500)).ok();
            let is_again = line.as_mut().is_some_and(|line| exchange(line, number).is_ok());
            if is_again {
                log.hears(number);
            } else {
                line = None;
            }
        }
        !log.is_over()
    });
}

fn exchange(line: &mut TcpStream, number: usize) -> std::io::Result<()> {
    let id = format!("P{number:08}");
    line.set_read_timeout(Some(ANSWER))?;
    line.set_nodelay(true)?;
    line.write_all(&alarm(&id))?;
    let expected = acknowledgment(&id);
    let mut answer = vec![0; expected.len()];
    line.read_exact(&mut answer)?;
    assert!(answer == expected, "{:?}", String::from_utf8_lossy(&answer));
    Ok(())
}

fn latencies(exchanges: &[Exchange]) -> Vec<Duration> {
    let times = exchanges.iter().filter_map(|one| Some(one.back? - one.sent));
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times
}

/// Gives the value below which so many thousandths lie.
pub(crate) fn part(sorted: &[Duration], thousandths: usize) -> Duration {
    let place = (sorted.len() * thousandths).div_ceil(1_000).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

fn gap(exchanges: &[Exchange]) -> Duration {
    let mut backs: Vec<Instant> = exchanges.iter().filter_map(|one| one.back).collect();
    backs.sort_unstable();
    backs.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default()
}
