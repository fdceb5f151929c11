//! Those who wait: for packets that were logged, for copies, for connections, for a newer bundle.
//!
//! Invariant: whoever finds the queue full drops what it has and counts it; nobody waits for the loop.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, SyncSender, TrySendError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant, SystemTime};

use cordon_model::nft::{Bridge, Form, Proxying};
use cordon_model::{Bundle, Transport, nft};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};

use super::{Point, PointError, Wake, report};
use crate::clock::Clock;
use crate::config::{Config, TlsMode};
use crate::kernel::flows::{FLOWS_MAX, Flows};
use crate::kernel::host;
use crate::kernel::host::bridge::Ports;
use crate::kernel::load::{How, LoadError, Renewer};
use crate::kernel::log::{Log, Logged};
use crate::kernel::{self, Kernel};
use crate::proxy::copy::{Copies, CopyLimits, Overlooked};
use crate::proxy::{self, Command, Handle, Missed, Options, Proxy, Rules, Seen, Tls, TlsOptions};
use crate::store;

/// How often a sign of life is given.
const ALIVE: Duration = Duration::from_millis(300);
/// How often connections are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the bundle file is looked at.
const WATCH: Duration = Duration::from_millis(500);
/// How often what could not be set around the rules is tried again.
const PREPARE: Duration = Duration::from_secs(10);
/// How often copies are looked after.
/// # Units
/// Nanoseconds.
const TICK_NS: u64 = 1_000_000_000;
/// Bytes of a packet that evidence needs: headers, and the beginning of a hello or a lease.
const EVIDENCE_BYTES: u16 = 2_048;
/// Bytes of a packet that may be copied.
const COPY_BYTES: u16 = 65_531;

/// What could not be told to the loop.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    logged: AtomicU64,
    flows: AtomicU64,
    /// Looks at what was attempted in vain.
    attempts: AtomicU64,
    seen: AtomicU64,
    /// What the kernel could not tell the log's readers.
    unlogged: AtomicU64,
    /// Connections that are not watched, at the last look.
    unwatched: AtomicU64,
    overlooked: Mutex<Overlooked>,
}

impl Dropped {
    pub(super) fn missed(&self, missed: &Missed) {
        let messages = &missed.messages;
        let all = [messages.passed, messages.flagged, messages.blocked, missed.others];
        let sum = all.into_iter().fold(0u64, u64::saturating_add);
        self.seen.fetch_add(sum, Ordering::Relaxed);
    }

    fn overlook(&self, overlooked: Overlooked) {
        *self.overlooked.lock().unwrap_or_else(PoisonError::into_inner) = overlooked;
    }

    pub(super) fn counts(&self) -> Value {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let copies = *self.overlooked.lock().unwrap_or_else(PoisonError::into_inner);
        json!({ "packets": count(&self.logged), "packets_by_kernel": count(&self.unlogged),
            "flows": count(&self.flows), "attempts": count(&self.attempts), "flows_unwatched": count(&self.unwatched),
            "messages": count(&self.seen), "copies": {
                "damaged": copies.damaged, "unknown": copies.unknown, "evicted": copies.evicted,
                "lost_bytes": copies.lost_bytes } })
    }
}

/// The rules that hold now, for those who inspect.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<Option<Arc<Rules>>>);

impl Shared {
    pub(super) fn put(&self, rules: Arc<Rules>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(rules);
    }

    pub(super) fn take(&self) -> Option<Arc<Rules>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The proxies, as the loop sees them.
#[derive(Debug)]
pub(super) struct Proxies {
    orders: proxy::Orders,
}

impl Proxies {
    /// Gives them other rules; says whether there was room for that.
    pub(super) fn policy(&self, rules: Arc<Rules>) -> bool {
        self.send(Command::Policy(rules))
    }

    /// Credentials may have been renewed: they are read anew.
    pub(super) fn credentials(&self) {
        let _ = self.send(Command::Credentials);
    }

    pub(super) fn stop(&self) {
        let _ = self.send(Command::Stop);
    }

    fn send(&self, command: Command) -> bool {
        let sent = self.orders.send(command);
        if let Err(error) = &sent {
            report(&format!("proxies: {error}"));
        }
        sent.is_ok()
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), PointError> {
    Builder::new().name(name.into()).spawn(run).map(|_| ()).map_err(PointError::Thread)
}

/// Starts everybody who does not need a bundle.
pub(super) fn start(point: &mut Point) -> Result<(), PointError> {
    let wakes = point.wakes.clone();
    let groups = [
        nft::LOG_GROUP_EMERGENCY,
        nft::LOG_GROUP_DENIED,
        nft::LOG_GROUP_SPOOFED,
        nft::LOG_GROUP_ISOLATED,
        nft::LOG_GROUP_UNINSPECTED,
        nft::LOG_GROUP_LIMITED,
    ];
    let log = Log::open(&groups, EVIDENCE_BYTES).map_err(PointError::Kernel)?;
    hand_on(log, "log", point)?;
    let captured = Log::open(&[nft::LOG_GROUP_CAPTURED], COPY_BYTES).map_err(PointError::Kernel)?;
    hand_on(captured, "capture", point)?;
    copies(point)?;
    attempts(point)?;
    flows(point)?;
    watch(&point.config, wakes)
}

fn tell(to: &SyncSender<Wake>, wake: Wake, dropped: &AtomicU64) {
    if let Err(TrySendError::Full(_)) = to.try_send(wake) {
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads what is logged as it comes, in batches; at least once a second, an empty one.
fn read(mut log: Log, dropped: &Dropped, mut each: impl FnMut(std::vec::Drain<'_, Logged>)) {
    let (mut logged, mut known) = (Vec::new(), 0);
    loop {
        let mut ready = [PollFd::new(log.as_fd(), PollFlags::POLLIN)];
        // What poll says does not matter: reading does not wait.
        let _ = poll(&mut ready, PollTimeout::from(1_000u16));
        if let Err(error) = log.read(256, &mut logged) {
            report(&format!("the log cannot be read: {error}"));
            std::thread::park_timeout(LOOK);
        }
        let missed = log.missed();
        let sum = missed.packets.saturating_add(missed.overruns).saturating_add(missed.malformed);
        dropped.unlogged.fetch_add(sum.saturating_sub(known), Ordering::Relaxed);
        known = sum;
        each(logged.drain(..));
    }
}

/// Hands on what is logged.
fn hand_on(log: Log, name: &str, point: &Point) -> Result<(), PointError> {
    let (to, dropped) = (point.wakes.clone(), Arc::clone(&point.dropped));
    spawn(name, move || {
        read(log, &dropped, |batch| {
            batch.for_each(|logged| tell(&to, Wake::Logged(logged), &dropped.logged));
        });
    })
}

/// Inspects copies of what life depends on; nothing that happens here reaches a packet.
fn copies(point: &Point) -> Result<(), PointError> {
    let log = Log::open(&[nft::LOG_GROUP_COPIED], COPY_BYTES).map_err(PointError::Kernel)?;
    let (to, dropped) = (point.wakes.clone(), Arc::clone(&point.dropped));
    let (shared, clock) = (Arc::clone(&point.rules), point.clock.clone());
    let mut copies: Option<Copies> = None;
    let mut in_use: Option<Arc<Rules>> = None;
    let mut ticked = clock.now().mono;
    spawn("copies", move || {
        read(log, &dropped, |batch| {
            let now = clock.now();
            let mut each = |seen: Seen| tell(&to, Wake::Seen(seen), &dropped.seen);
            let Some(rules) = shared.take() else { return };
            let copies = copies
                .get_or_insert_with(|| Copies::new(Arc::clone(&rules), CopyLimits::default()));
            if !in_use.as_ref().is_some_and(|old| Arc::ptr_eq(old, &rules)) {
                copies.policy(now, &rules, &mut each);
                in_use = Some(rules);
            }
            batch.for_each(|logged| copies.packet(now, &logged.packet, &mut each));
            if now.mono.0.saturating_sub(ticked.0) >= TICK_NS {
                ticked = now.mono;
                copies.tick(now, &mut each);
                dropped.overlook(copies.overlooked());
            }
        });
    })
}

/// Tells how much was attempted in vain, each second in which something was.
fn attempts(point: &Point) -> Result<(), PointError> {
    let mut attempts = point.kernel.attempts().map_err(PointError::Kernel)?;
    let (to, dropped) = (point.wakes.clone(), Arc::clone(&point.dropped));
    spawn("attempts", move || {
        loop {
            std::thread::park_timeout(LOOK);
            match attempts.look() {
                Ok(more) if more.is_empty() => {}
                Ok(more) => tell(&to, Wake::Attempted(more), &dropped.attempts),
                Err(error) => report(&format!("attempts: {}", crate::check::with_sources(&error))),
            }
        }
    })
}

fn flows(point: &Point) -> Result<(), PointError> {
    let mut flows = Flows::open(FLOWS_MAX).map_err(PointError::Kernel)?;
    let (to, dropped) = (point.wakes.clone(), Arc::clone(&point.dropped));
    spawn("flows", move || {
        loop {
            let mut changes = Vec::new();
            // Loopback and the second legs of proxied connections are told by others.
            let wanted = |tuple: &kernel::flows::Tuple| !tuple.source.is_loopback();
            let looked = flows.look(wanted, &mut |seen, flow| {
                if flow.mark & nft::SECOND_LEG_MARK == 0 {
                    changes.push((seen, *flow));
                }
            });
            match looked {
                Ok(look) => {
                    let unwatched = u64::try_from(look.overflow).unwrap_or(u64::MAX);
                    dropped.unwatched.store(unwatched, Ordering::Relaxed);
                }
                Err(error) => {
                    report(&format!("connections: {}", crate::check::with_sources(&error)));
                }
            }
            let count = changes.len() as u64;
            if count > 0 && to.try_send(Wake::Flows(changes)).is_err() {
                dropped.flows.fetch_add(count, Ordering::Relaxed);
            }
            std::thread::park_timeout(LOOK);
        }
    })
}

/// Looks for a newer bundle: its file is replaced as a whole.
fn watch(config: &Config, to: SyncSender<Wake>) -> Result<(), PointError> {
    let path = config.bundle.clone();
    spawn("watch", move || {
        let stamp = || -> Option<(SystemTime, u64)> {
            let found = std::fs::metadata(&path).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        let mut last = stamp();
        loop {
            std::thread::park_timeout(WATCH);
            let now = stamp();
            if now == last || now.is_none() {
                continue;
            }
            last = now;
            if to.send(Wake::Offered(store::read(&path))).is_err() {
                return;
            }
        }
    })
}

/// Ends the loop in an orderly way when the process is told to end.
pub(super) fn signals(to: SyncSender<Wake>) -> Result<(), PointError> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.add(Signal::SIGINT);
    set.thread_block().map_err(|error| PointError::Thread(io::Error::from(error)))?;
    spawn("signals", move || {
        while set.wait().is_err() {}
        let _ = to.send(Wake::Stop);
    })
}

/// Rules that shall be loaded.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) bundle: Arc<Bundle>,
    pub(super) hour: u8,
    pub(super) proxying: Proxying,
    /// The bridge that the point is, if it is one.
    pub(super) bridge: Option<String>,
}

/// How rules came into force, and how long printing and loading them took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brought {
    how: How,
    took: Duration,
}

impl Brought {
    /// Tells it as a part of the status.
    pub(super) fn said(self) -> Value {
        let (how, added, removed) = match self.how {
            How::Already => ("already", 0, 0),
            How::Whole => ("whole", 0, 0),
            How::Delta { added, removed } => ("delta", added, removed),
        };
        let took_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        json!({ "how": how, "added": added, "removed": removed, "took_us": took_us })
    }
}

/// Loads texts one after the other, in the order in which they were sent.
pub(super) fn loads(
    mut renewer: Renewer,
    to: SyncSender<Wake>,
) -> Result<Sender<Load>, PointError> {
    let (sender, loads) = channel::<Load>();
    spawn("loads", move || {
        let mut unprepared: Option<Option<Ports>> = None;
        loop {
            let load = match loads.recv_timeout(PREPARE) {
                Ok(load) => load,
                Err(RecvTimeoutError::Timeout) => {
                    unprepared = unprepared.filter(|ports| !prepare_host(ports.as_ref()));
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let (start, number, hour) = (Instant::now(), load.bundle.number, load.hour);
            let ports = load.bridge.as_deref();
            let ports = ports.map(|name| Ports::new(name, &load.bundle.interfaces));
            let how = bring(&mut renewer, &load);
            let result = how.map(|how| Brought { how, took: start.elapsed() });
            if result.is_ok() {
                unprepared = Some(ports).filter(|ports| !prepare_host(ports.as_ref()));
            }
            if to.send(Wake::Loaded { number, hour, result }).is_err() {
                return;
            }
        }
    })?;
    Ok(sender)
}

/// Prints the rules of a bundle and brings them into force; those of a bridge name its MAC address.
fn bring(renewer: &mut Renewer, load: &Load) -> Result<How, LoadError> {
    let form = match load.bridge.as_deref() {
        None => Form::Router,
        Some(name) => {
            let mac = host::bridge::pin(name).map_err(LoadError::Host)?;
            Form::Bridge(Bridge { name: name.to_owned(), mac })
        }
    };
    let text = nft::gateway_ruleset_as(&form, &load.bundle, load.hour, &load.proxying);
    renewer.renew(text.ok_or(LoadError::Form)?)
}

/// Sets what has to be so once rules are in force: only now is anything forwarded at all. Says whether
/// all of it could be set.
fn prepare_host(ports: Option<&Ports>) -> bool {
    let bridged = ports.map(host::bridge::prepare);
    let (problems, done) = match bridged {
        Some(Ok((corrected, problems))) => (problems, vec![Ok(corrected)]),
        Some(Err(error)) => (Vec::new(), vec![Err(error)]),
        None => (Vec::new(), Vec::new()),
    };
    let done: Vec<_> = std::iter::once(host::prepare()).chain(done).collect();
    for problem in problems {
        report(&problem.to_string());
    }
    for part in &done {
        match part {
            Ok(corrected) => {
                for one in corrected {
                    report(&format!("`{}` was {}, and is {} now", one.name, one.was, one.is));
                }
            }
            Err(error) => report(&crate::check::with_sources(error)),
        }
    }
    done.iter().all(Result::is_ok)
}

/// Starts the proxies, once there are rules for them.
pub(super) fn proxies(
    config: &Config,
    rules: Arc<Rules>,
    to: SyncSender<Wake>,
    dropped: Arc<Dropped>,
    clock: Clock,
) -> Result<Proxies, PointError> {
    let mut options = Options::new(config.proxy_port, rules);
    options.has_ipv6 = host::has_ipv6();
    options.clock = clock;
    options.tls = tls(config);
    let (proxy, handle) = Proxy::new(options).map_err(PointError::Proxy)?;
    let Handle { orders, seen, .. } = handle;
    let pulse = orders.pulse();
    spawn("proxies", move || {
        if let Err(error) = proxy.run() {
            report(&format!("the proxies ended: {error}"));
        }
    })?;
    spawn("seen", move || {
        for one in seen {
            tell(&to, Wake::Seen(one), &dropped.seen);
        }
    })?;
    alive(orders.clone(), pulse)?;
    Ok(Proxies { orders })
}

/// Tells the kernel that the proxies live, as long as they do: a loop that hangs gives no pulse, and
/// the kernel then leads lifelines past it.
fn alive(orders: proxy::Orders, pulse: Arc<AtomicU64>) -> Result<(), PointError> {
    let mut kernel = Kernel::open(kernel::Options::default()).map_err(PointError::Kernel)?;
    spawn("alive", move || {
        let mut last = None;
        loop {
            let beat = pulse.load(Ordering::Acquire);
            if last != Some(beat) {
                last = Some(beat);
                // While no text is loaded there is nothing to keep alive.
                let _ = kernel.refresh_alive(&[Transport::Tcp, Transport::Udp]);
            }
            if orders.wake().is_err() {
                return;
            }
            std::thread::park_timeout(ALIVE);
        }
    })
}

fn tls(config: &Config) -> TlsOptions {
    let Some(tls) = &config.tls else { return TlsOptions::default() };
    let services = tls.services.iter().map(|(service, mode)| {
        let mode = match mode {
            TlsMode::Originate => Tls::Originate { name: None },
            TlsMode::Terminate => Tls::Terminate,
        };
        (service.clone(), mode)
    });
    TlsOptions {
        credentials: tls.credentials.clone(),
        own: tls.server.clone(),
        roots: Some(tls.authorities.clone()),
        services: services.collect(),
    }
}
