//! Those who wait: for packets that were logged, for copies, for connections, for a newer bundle.
//!
//! Invariant: whoever finds the queue full drops what it has and counts it; nobody waits for the loop.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, SystemTime};

use cordon_model::{Transport, nft};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use serde_json::{Value, json};

use super::{Point, PointError, Wake, report};
use crate::config::{Config, TlsMode};
use crate::kernel::flows::{FLOWS_MAX, Flows};
use crate::kernel::log::Log;
use crate::kernel::{self, Kernel};
use crate::proxy::copy::{Copies, CopyLimits};
use crate::proxy::{self, Command, Handle, Missed, Options, Proxy, Rules, Seen, Tls, TlsOptions};
use crate::store;

/// How often a sign of life is given.
const ALIVE: Duration = Duration::from_millis(300);
/// How often connections are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the bundle file is looked at.
const WATCH: Duration = Duration::from_millis(500);
/// Bytes of a packet that evidence needs: headers, and the beginning of a hello or a lease.
const EVIDENCE_BYTES: u16 = 2_048;
/// Bytes of a packet that may be copied.
const COPY_BYTES: u16 = 65_531;

/// What could not be told to the loop.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    logged: AtomicU64,
    flows: AtomicU64,
    seen: AtomicU64,
}

impl Dropped {
    pub(super) fn missed(&self, missed: &Missed) {
        let messages = &missed.messages;
        let all = [messages.passed, messages.flagged, messages.blocked, missed.others];
        let sum = all.into_iter().fold(0u64, u64::saturating_add);
        self.seen.fetch_add(sum, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Value {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        json!({ "packets": count(&self.logged), "flows": count(&self.flows),
            "messages": count(&self.seen) })
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
    pub(super) fn policy(&self, rules: Option<Arc<Rules>>) {
        if let Some(rules) = rules {
            self.send(Command::Policy(rules));
        }
    }

    pub(super) fn close(&self, addresses: Vec<std::net::IpAddr>, keep_lifelines: bool) {
        self.send(Command::Close { addresses, keep_lifelines });
    }

    pub(super) fn stop(&self) {
        self.send(Command::Stop);
    }

    fn send(&self, command: Command) {
        if let Err(error) = self.orders.send(command) {
            report(&format!("proxies: {error}"));
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), PointError> {
    Builder::new().name(name.into()).spawn(run).map(|_| ()).map_err(PointError::Thread)
}

/// Starts everybody who does not need a bundle.
pub(super) fn start(point: &mut Point) -> Result<(), PointError> {
    let wakes = point.wakes.clone();
    signals(wakes.clone())?;
    let groups = [
        nft::LOG_GROUP_EMERGENCY,
        nft::LOG_GROUP_DENIED,
        nft::LOG_GROUP_SPOOFED,
        nft::LOG_GROUP_ISOLATED,
        nft::LOG_GROUP_UNINSPECTED,
        nft::LOG_GROUP_LIMITED,
    ];
    let log = Log::open(&groups, EVIDENCE_BYTES).map_err(PointError::Kernel)?;
    let dropped = Arc::clone(&point.dropped);
    let to = wakes.clone();
    spawn("log", move || read(log, |logged| tell(&to, Wake::Logged(logged), &dropped.logged)))?;
    let captured = Log::open(&[nft::LOG_GROUP_CAPTURED], COPY_BYTES).map_err(PointError::Kernel)?;
    let (to, dropped) = (wakes.clone(), Arc::clone(&point.dropped));
    spawn("capture", move || {
        read(captured, |logged| tell(&to, Wake::Logged(logged), &dropped.logged));
    })?;
    copies(point)?;
    flows(point)?;
    watch(&point.config, wakes)
}

fn tell(to: &SyncSender<Wake>, wake: Wake, dropped: &AtomicU64) {
    if let Err(TrySendError::Full(_)) = to.try_send(wake) {
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Reads what is logged, as it comes.
fn read(mut log: Log, mut each: impl FnMut(crate::kernel::log::Logged)) {
    let mut logged = Vec::new();
    loop {
        let mut ready = [PollFd::new(log.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::NONE).is_err() {
            continue;
        }
        if let Err(error) = log.read(256, &mut logged) {
            report(&format!("the log cannot be read: {error}"));
            std::thread::park_timeout(LOOK);
        }
        logged.drain(..).for_each(&mut each);
    }
}

/// Inspects copies of what life depends on; nothing that happens here reaches a packet.
fn copies(point: &Point) -> Result<(), PointError> {
    let log = Log::open(&[nft::LOG_GROUP_COPIED], COPY_BYTES).map_err(PointError::Kernel)?;
    let (to, dropped) = (point.wakes.clone(), Arc::clone(&point.dropped));
    let (shared, clock) = (Arc::clone(&point.rules), point.clock);
    let mut copies: Option<Copies> = None;
    let mut in_use: Option<Arc<Rules>> = None;
    spawn("copies", move || {
        read(log, |logged| {
            let now = clock.now();
            let mut each = |seen: Seen| tell(&to, Wake::Seen(seen), &dropped.seen);
            let Some(rules) = shared.take() else { return };
            if !in_use.as_ref().is_some_and(|old| Arc::ptr_eq(old, &rules)) {
                in_use = Some(Arc::clone(&rules));
                match &mut copies {
                    Some(copies) => copies.policy(now, &rules, &mut each),
                    none => *none = Some(Copies::new(rules, CopyLimits::default())),
                }
            }
            if let Some(copies) = &mut copies {
                copies.packet(now, &logged.packet, &mut each);
            }
        });
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
            if let Err(error) = looked {
                report(&format!("connections: {}", crate::check::with_sources(&error)));
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

fn signals(to: SyncSender<Wake>) -> Result<(), PointError> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGTERM);
    set.add(Signal::SIGINT);
    // Threads that are started later inherit the mask.
    set.thread_block().map_err(|error| PointError::Thread(io::Error::from(error)))?;
    spawn("signals", move || {
        while set.wait().is_err() {}
        let _ = to.send(Wake::Stop);
    })
}

/// Starts the proxies, once there are rules for them.
pub(super) fn proxies(
    config: &Config,
    rules: Arc<Rules>,
    to: SyncSender<Wake>,
    dropped: Arc<Dropped>,
) -> Result<Proxies, PointError> {
    let mut options = Options::new(config.proxy_port, rules);
    options.has_ipv6 = std::path::Path::new("/proc/sys/net/ipv6").exists();
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
