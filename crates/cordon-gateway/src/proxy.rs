//! The transparent proxies: what a device and a service say to each other passes through here, is
//! judged, and goes on unchanged or not at all.
//!
//! One thread and one loop over everything: connections that TPROXY hands over, datagrams, TLS.
//! Both ends see each other's addresses and never the point's, so that every further enforcement
//! point still sees the device.
//!
//! Invariant: no call blocks; buffers, connections, sessions and what is told are bounded, and
//! reaching a bound is told; nothing goes on that was not judged by the bundle in force.
//!
//! Source: Linux Documentation/networking/tproxy.rst; NIST SP 800-207 §3.1.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use cordon_core::inspect::Memory;
use cordon_model::{DeviceId, Mono, Now};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};

mod accept;
mod buffer;
#[cfg(test)]
#[path = "../tests/it/proxy/bundles.rs"]
mod bundles;
mod connection;
pub mod copy;
mod hello;
mod leg;
mod memories;
mod options;
mod order;
mod packet;
mod reading;
pub mod rules;
pub mod seen;
mod socket;
pub mod tls;
mod udp;

use connection::{After, Connection, Side, Turn};
use memories::Memories;
pub use options::{Limits, Options, RouteOf};
pub use order::Command;
pub use rules::{Party, Rules};
use seen::Teller;
pub use seen::{Counts, Ended, Ends, Missed, Proof, Refused, Seen};
pub use socket::Route;
pub use tls::{Tls, TlsError, TlsOptions};

/// Orders that wait for the loop.
const COMMANDS_MAX: usize = 256;
/// What the loop looks at by itself, it looks at this often.
/// # Units
/// Nanoseconds.
const TICK_NS: u64 = 1_000_000_000;
/// A device that opened a connection and says nothing is taken for one without TLS after this.
/// # Units
/// Nanoseconds.
const SILENCE_NS: u64 = 1_000_000_000;
/// How long a side has to read why its connection ends.
/// # Units
/// Nanoseconds.
const FAREWELL_NS: u64 = 2_000_000_000;
/// The longest datagram.
/// # Source
/// RFC 768; RFC 791 §3.1.
const DATAGRAM_BYTES_MAX: usize = 65_535;

const WAKER: Token = Token(0);
const LISTENERS: usize = 1;
const DATAGRAMS: usize = 8;
const CONNECTIONS: usize = 16;
const SESSIONS: usize = 1 << 30;

/// Says why the proxies cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A socket cannot be had.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The kernel refuses what a loop needs.
    #[error("cannot wait for events")]
    Poll(#[source] io::Error),
    /// TLS cannot be had.
    #[error("TLS cannot be used")]
    Tls(#[from] TlsError),
}

/// Says why an order did not reach the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// So many wait that there is no room.
    #[error("too many orders wait for the proxies")]
    Full,
    /// The proxies ended.
    #[error("the proxies have ended")]
    Gone,
}

/// The way to give orders to the proxies.
#[derive(Debug, Clone)]
pub struct Orders {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    pulse: Arc<AtomicU64>,
}

/// What others hold of the proxies.
#[derive(Debug)]
pub struct Handle {
    /// The way to give orders.
    pub orders: Orders,
    /// What the proxies tell.
    pub seen: Receiver<Seen>,
    /// Where they listen for connections.
    pub addresses: Vec<SocketAddr>,
}

impl Handle {
    /// Gives an order, see [`Orders::send`].
    /// # Errors
    /// [`OrderError`].
    pub fn send(&self, command: Command) -> Result<(), OrderError> {
        self.orders.send(command)
    }
}

impl Orders {
    /// Gives an order; it is carried out at once, but not yet when this returns.
    /// # Errors
    /// [`OrderError`] when it cannot be given.
    pub fn send(&self, command: Command) -> Result<(), OrderError> {
        self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => OrderError::Full,
            TrySendError::Disconnected(_) => OrderError::Gone,
        })?;
        self.wake()
    }

    /// Makes the loop go round once.
    /// # Errors
    /// [`OrderError::Gone`].
    pub fn wake(&self) -> Result<(), OrderError> {
        self.waker.wake().map_err(|_error| OrderError::Gone)
    }

    /// Gives the count of rounds: while it grows, the loop lives.
    #[must_use]
    pub fn pulse(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.pulse)
    }
}

/// The proxies of a point.
pub struct Proxy {
    poll: Poll,
    options: Options,
    rules: Arc<Rules>,
    keys: tls::Keys,
    listeners: Vec<TcpListener>,
    datagrams: udp::Datagrams,
    slots: Vec<Option<Box<Connection>>>,
    free: Vec<usize>,
    /// Connections that have more to do at once.
    again: Vec<usize>,
    /// Listeners at which more connections wait.
    crowded: Vec<usize>,
    of_device: BTreeMap<DeviceId, usize>,
    memories: Memories,
    teller: Teller,
    commands: Receiver<Command>,
    pulse: Arc<AtomicU64>,
    room: Vec<u8>,
    now: Now,
    ticked: Mono,
    /// When the last connections are ended, once it was ordered to stop.
    stops: Option<Mono>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let connections = self.slots.iter().flatten().count();
        f.debug_struct("Proxy").field("connections", &connections).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Opens the sockets.
    /// # Errors
    /// [`ProxyError`] when a socket, the loop or TLS cannot be had.
    pub fn new(mut options: Options) -> Result<(Self, Handle), ProxyError> {
        let poll = Poll::new().map_err(ProxyError::Poll)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(ProxyError::Poll)?);
        let keys = tls::Keys::new(std::mem::take(&mut options.tls))?;
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        let mut datagrams = udp::Datagrams::default();
        for (number, own) in socket::own(options.port, options.has_ipv6).enumerate() {
            let fail = |source| ProxyError::Listen { address: own, source };
            let listener = socket::listen(own, options.is_transparent).map_err(fail)?;
            let mut listener = TcpListener::from_std(listener);
            let token = Token(LISTENERS + number);
            poll.registry().register(&mut listener, token, Interest::READABLE).map_err(fail)?;
            // Where any port will do, one port serves both transports.
            let address = listener.local_addr().map_err(fail)?;
            datagrams
                .listen(poll.registry(), number, address, options.is_transparent)
                .map_err(fail)?;
            addresses.push(address);
            listeners.push(listener);
        }
        let (commands, orders) = sync_channel(COMMANDS_MAX);
        let (teller, seen) = sync_channel(options.limits.seen_max);
        let memories = Memories::new(options.limits.devices_max);
        let now = options.clock.now();
        let pulse = Arc::new(AtomicU64::new(0));
        let proxy = Self {
            poll,
            rules: Arc::clone(&options.rules),
            keys,
            listeners,
            datagrams,
            slots: Vec::new(),
            free: Vec::new(),
            again: Vec::new(),
            crowded: Vec::new(),
            of_device: BTreeMap::new(),
            memories,
            teller: Teller::new(teller),
            commands: orders,
            pulse: Arc::clone(&pulse),
            room: vec![0; DATAGRAM_BYTES_MAX],
            now,
            ticked: now.mono,
            stops: None,
            options,
        };
        let orders = Orders { commands, waker, pulse };
        Ok((proxy, Handle { orders, seen, addresses }))
    }

    /// Runs until it is ordered to stop.
    /// # Errors
    /// When the kernel refuses to tell of events.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        loop {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            self.now = self.options.clock.now();
            self.pulse.fetch_add(1, Ordering::Release);
            for event in &events {
                self.event(event);
            }
            for slot in std::mem::take(&mut self.again) {
                self.drive(slot);
            }
            for listener in std::mem::take(&mut self.crowded) {
                self.accept(listener);
            }
            self.orders();
            self.tick();
            self.teller.catch_up();
            if self.stops.is_some_and(|at| self.is_idle() || at <= self.now.mono) {
                self.stop();
                return Ok(());
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.again.is_empty() || !self.crowded.is_empty() {
            return Some(Duration::ZERO);
        }
        // Without connections there is nothing to look after.
        let is_busy = !self.is_idle() || self.stops.is_some() || self.teller.is_behind();
        is_busy.then(|| {
            let next = self.ticked.0.saturating_add(TICK_NS);
            Duration::from_nanos(next.saturating_sub(self.now.mono.0).clamp(1_000_000, TICK_NS))
        })
    }

    fn is_idle(&self) -> bool {
        self.free.len() == self.slots.len() && self.datagrams.is_empty()
    }

    fn event(&mut self, event: &mio::event::Event) {
        let Token(token) = event.token();
        if token >= SESSIONS {
            let mut turn = udp::Turn {
                now: self.now,
                memories: &mut self.memories,
                teller: &mut self.teller,
                room: &mut self.room,
            };
            self.datagrams.answered(token.saturating_sub(SESSIONS), &mut turn);
        } else if token >= CONNECTIONS {
            let place = token.saturating_sub(CONNECTIONS);
            let side = if place.is_multiple_of(2) { Side::Near } else { Side::Far };
            if let Some(Some(connection)) = self.slots.get_mut(place / 2) {
                connection.notice(side, event);
                self.drive(place / 2);
            }
        } else if token >= DATAGRAMS {
            self.datagram(token.saturating_sub(DATAGRAMS));
        } else if token >= LISTENERS {
            self.accept(token.saturating_sub(LISTENERS));
        }
    }

    /// Takes the datagrams that are handed over.
    fn datagram(&mut self, listener: usize) {
        let mut turn = udp::Turn {
            now: self.now,
            memories: &mut self.memories,
            teller: &mut self.teller,
            room: &mut self.room,
        };
        let place = udp::Place {
            registry: self.poll.registry(),
            rules: &self.rules,
            route: &self.options.route,
            limits: &self.options.limits,
        };
        self.datagrams.arrived(listener, &place, &mut turn);
    }

    /// Lets a connection do what it can do now.
    fn drive(&mut self, slot: usize) {
        let Some(Some(connection)) = self.slots.get_mut(slot) else { return };
        let memory: &mut Memory = self.memories.at(connection.memory);
        let (now, teller, room) = (self.now, &mut self.teller, self.room.as_mut_slice());
        match connection.run(&mut Turn { now, memory, teller, room }) {
            After::Wait => {}
            After::Again => self.again.push(slot),
            After::Unreachable => self.unreachable(slot),
            After::Over(why) => self.remove(slot, Some(why)),
        }
    }

    /// Ends a connection for good, and tells why, if that is not told otherwise.
    fn remove(&mut self, slot: usize, why: Option<Ended>) {
        let Some(mut connection) = self.slots.get_mut(slot).and_then(Option::take) else { return };
        self.free.push(slot);
        connection.close(self.memories.at(connection.memory));
        // A descriptor that is closed is watched no longer; what this says does not matter.
        let _ignored = self.poll.registry().deregister(&mut connection.near.socket);
        let _ignored = self.poll.registry().deregister(&mut connection.far.socket);
        if let Some(device) = connection.party.device()
            && let Some(count) = self.of_device.get_mut(&device.id)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of_device.remove(&device.id);
            }
        }
        let Connection { ends, party, counts, .. } = *connection;
        let at = self.now.wall;
        if let Some(why) = why {
            self.teller.tell(Seen::Closed { at, ends, party, why, counts });
        }
    }

    /// Breaks a connection off.
    fn cut(&mut self, slot: usize, why: Ended) {
        if let Some(Some(connection)) = self.slots.get(slot) {
            socket::break_off(&connection.near.socket);
            socket::break_off(&connection.far.socket);
            self.remove(slot, Some(why));
        }
    }

    /// Looks after what nobody tells of.
    fn tick(&mut self) {
        let passed = self.now.mono.0.saturating_sub(self.ticked.0);
        if passed < TICK_NS {
            return;
        }
        self.ticked = self.now.mono;
        let limits = self.options.limits;
        for slot in 0..self.slots.len() {
            self.look_after(slot, &limits);
        }
        self.datagrams.tick(self.now, &limits, &mut self.teller);
        // What could not be taken for lack of descriptors is not announced again.
        for listener in 0..self.listeners.len() {
            self.accept(listener);
        }
    }

    fn look_after(&mut self, slot: usize, limits: &Limits) {
        let Some(Some(connection)) = self.slots.get_mut(slot) else { return };
        let for_ns = |since: Mono| self.now.mono.0.saturating_sub(since.0);
        let seconds = |s: u64| s.saturating_mul(1_000_000_000);
        if let Some(why) = connection.ending() {
            if for_ns(connection.since) >= FAREWELL_NS {
                self.remove(slot, Some(why));
            }
        } else if !connection.far.is_connected {
            if for_ns(connection.since) >= seconds(limits.connect_s) {
                self.unreachable(slot);
            }
        } else if connection.is_unproven() && for_ns(connection.since) >= seconds(limits.prove_s) {
            self.cut(slot, Ended::Identity);
        } else if for_ns(connection.last) >= seconds(limits.idle_s) {
            self.cut(slot, Ended::Idle);
        } else if connection.later.is_some() && for_ns(connection.since) >= SILENCE_NS {
            connection.begin_silently();
            self.drive(slot);
        }
    }

    fn stop(&mut self) {
        for slot in 0..self.slots.len() {
            self.cut(slot, Ended::Stopped);
        }
        self.datagrams.stop(self.now, &mut self.teller);
        self.teller.catch_up();
    }
}
