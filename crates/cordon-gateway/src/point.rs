//! The running enforcement point: one loop that hears, steps the state machine and does what it says.
//!
//! ```text
//! threads: control socket, bundle file, NFLOG, copies, conntrack, proxies, signals
//!    └──▶ one bounded queue of wakes ──▶ Pep::step ──▶ effects ──▶ kernel, proxies, journal, answers
//! ```
//!
//! Invariant: the loop does nothing that takes long: texts are loaded on a thread of their own, the
//! journal is never waited for, so an order to contain is obeyed in milliseconds whatever else goes on.
//! Invariant: when the process ends in whatever way, the rules stay; flows that nobody inspects any
//! more close or, where they carry a lifeline, go through the kernel.

mod effects;
mod inputs;
mod threads;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::time::Duration;

use cordon_core::inspect::Salt;
use cordon_core::pep::{Attempted, Effect, Input, KernelDone, Limits, Pep};
use cordon_model::event::PolicyAction;
use cordon_model::{DeviceId, Label, Mono, Sha256Digest};
use rustls::crypto::aws_lc_rs;
use serde_json::{Value, json};

use crate::capture::Capture;
use crate::check::{self, CheckError};
use crate::clock::Clock;
use crate::config::Config;
use crate::control::{self, Asked};
use crate::diary::{Diary, Place};
use crate::kernel::attempts::Attempt;
use crate::kernel::load::LoadError;
use crate::kernel::log::Logged;
use crate::kernel::{self, Kernel};
use crate::proxy::{ProxyError, Seen};
use crate::store::{Accepted, Refused, Store};

/// Wakes that wait; more are dropped and counted.
const WAKES_MAX: usize = 8_192;
/// Longest time without a step.
const IDLE: Duration = Duration::from_secs(1);

/// Says why an enforcement point does not run.
#[derive(Debug, thiserror::Error)]
pub enum PointError {
    /// Key or store cannot be used.
    #[error("the configuration cannot be used")]
    Check(#[from] CheckError),
    /// The store cannot be used.
    #[error("the accepted bundles cannot be used")]
    Store(#[source] Refused),
    /// The kernel refuses.
    #[error("the kernel's packet filter cannot be reached")]
    Kernel(#[source] io::Error),
    /// The control socket cannot be opened.
    #[error("the control socket cannot be opened")]
    Control(#[source] io::Error),
    /// A thread cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[source] io::Error),
    /// There are no random bytes.
    #[error("there are no random bytes")]
    Random,
    /// The proxies cannot begin.
    #[error("the proxies cannot begin")]
    Proxy(#[source] ProxyError),
}

/// What wakes the loop.
#[derive(Debug)]
pub(crate) enum Wake {
    /// Somebody asks at the control socket.
    Asked(Asked),
    /// The bundle file changed.
    Offered(Result<String, Refused>),
    /// The kernel logged a packet.
    Logged(Logged),
    /// Devices attempted in vain what the kernel only counted.
    Attempted(Vec<Attempt>),
    /// Connections began, went on or ended.
    Flows(Vec<inputs::FlowChange>),
    /// The proxies saw something.
    Seen(Seen),
    /// A text was loaded, or not.
    Loaded { number: u64, hour: u8, result: Result<threads::Brought, LoadError> },
    /// The process is told to end.
    Stop,
}

/// The running point.
struct Point {
    config: Config,
    clock: Clock,
    store: Store,
    diary: Diary,
    kernel: Kernel,
    pep: Pep,
    salt: Salt,
    wakes: SyncSender<Wake>,
    proxies: Option<threads::Proxies>,
    /// What the bundle in force is made into for those who inspect.
    rules: Arc<threads::Shared>,
    /// Who waits for the receipt of an order.
    asked: BTreeMap<Label, Asked>,
    orders: u64,
    captures: BTreeMap<DeviceId, Capture>,
    /// The addresses for which the emergency is on, and when that was looked at.
    emergency: BTreeSet<IpAddr>,
    looked: Mono,
    /// Whether those who inspect have to be given other rules.
    is_rules_due: bool,
    /// How many connections were not taken, and why.
    refusals: BTreeMap<&'static str, u64>,
    /// How many connections ended, and why.
    endings: BTreeMap<&'static str, u64>,
    /// Why the newest load failed.
    load_error: Option<String>,
    /// The number of the bundle whose enforcement was recorded last.
    activated: Option<u64>,
    /// How the rules in force came there.
    brought: Option<threads::Brought>,
    refused: Option<String>,
    dropped: Arc<threads::Dropped>,
    loads: Sender<threads::Load>,
    is_stopping: bool,
}

/// Runs an enforcement point until it is told to stop.
/// # Errors
/// [`PointError`] if it cannot begin; what is in the kernel then stays.
pub fn run(config: &Config) -> Result<(), PointError> {
    let clock = Clock::start(config.clock_offset_s);
    let seal = check::seal(config)?;
    let (mut store, unusable) =
        Store::open(&config.state, config.point.clone(), seal).map_err(PointError::Store)?;
    let mut kernel = Kernel::open(kernel::Options::default()).map_err(PointError::Kernel)?;
    let (wakes, heard) = sync_channel(WAKES_MAX);
    // First of all threads: those that are started later inherit which signals they leave alone.
    threads::signals(wakes.clone())?;
    let loads = threads::loads(kernel.renewer().map_err(PointError::Kernel)?, wakes.clone())?;
    control::listen(&config.control, wakes.clone(), Wake::Asked).map_err(PointError::Control)?;
    let mut salt = [0u8; 32];
    let random = aws_lc_rs::default_provider().secure_random;
    random.fill(&mut salt).map_err(|_| PointError::Random)?;
    let mut pep = Pep::new(Limits::default());
    let restored = inputs::restored(&mut kernel);
    pep.restore(clock.now(), restored);
    // The offered bundle may be newer than the one that was accepted last.
    let offered = crate::store::read(&config.bundle);
    let digest = offered.as_deref().ok().map(|text| Sha256Digest::of(text.as_bytes()));
    let first = offered.and_then(|text| store.offer(&text));
    let in_force = store.in_force().cloned();
    let diary = open_diary(config, in_force.as_ref(), &clock);
    let dropped = Arc::new(threads::Dropped::default());
    let mut point = Point {
        config: config.clone(),
        clock,
        store,
        diary,
        kernel,
        pep,
        salt: Salt(salt),
        wakes,
        proxies: None,
        rules: Arc::new(threads::Shared::default()),
        asked: BTreeMap::new(),
        orders: 0,
        captures: BTreeMap::new(),
        emergency: BTreeSet::new(),
        looked: Mono::default(),
        is_rules_due: false,
        refusals: BTreeMap::new(),
        endings: BTreeMap::new(),
        load_error: None,
        activated: None,
        brought: None,
        refused: None,
        dropped,
        loads,
        is_stopping: false,
    };
    if let Some(accepted) = in_force {
        point.step(Input::Bundle(accepted.bundle));
    }
    for error in &unusable {
        point.refuse(error, None);
    }
    if let Err(error) = &first {
        point.refuse(error, digest);
    }
    threads::start(&mut point)?;
    point.live(&heard);
    Ok(())
}

/// Opens the journal; a point whose journal cannot be opened enforces all the same.
fn open_diary(config: &Config, in_force: Option<&Accepted>, clock: &Clock) -> Diary {
    let Some(accepted) = in_force else { return Diary::default() };
    let place = Place {
        folder: &config.journal,
        key: config.journal_key.as_deref(),
        state: &config.state,
        hospital: accepted.bundle.hospital.clone(),
        point: &config.point,
        bytes_max: config.journal_bytes_max,
    };
    Diary::open(place, clock.clone()).unwrap_or_else(|error| {
        report(&format!("no journal: {}", check::with_sources(&error)));
        Diary::default()
    })
}

/// Says something to whoever reads the log of the process; never anything of a patient.
pub(crate) fn report(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(io::stderr().lock(), "cordon-gateway: {text}");
}

impl Point {
    fn live(&mut self, heard: &Receiver<Wake>) {
        while !self.is_stopping {
            let wait = self.pep.deadline().map_or(IDLE, |deadline| {
                let left = deadline.0.saturating_sub(self.clock.now().mono.0);
                Duration::from_nanos(left).min(IDLE)
            });
            match heard.recv_timeout(wait) {
                Ok(wake) => self.wake(wake),
                Err(RecvTimeoutError::Timeout) => self.step(Input::Woke),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // What waits already is taken in one go, so that one step's effects do not wait for it.
            for wake in heard.try_iter().take(256) {
                self.wake(wake);
            }
            self.end_captures();
            self.look_at_emergency();
        }
        if let Some(proxies) = self.proxies.take() {
            proxies.stop();
        }
        let diary = std::mem::take(&mut self.diary);
        if let Err(error) = diary.close() {
            report(&format!("the journal could not be closed: {error}"));
        }
    }

    fn wake(&mut self, wake: Wake) {
        match wake {
            Wake::Asked(asked) => self.asked(asked),
            Wake::Offered(offered) => self.offered(offered),
            Wake::Logged(logged) => self.logged(&logged),
            Wake::Attempted(all) => {
                for Attempt { address, bytes, packets } in all {
                    self.step(Input::Attempted(Attempted { address, bytes, packets }));
                }
            }
            Wake::Flows(changes) => {
                for change in &changes {
                    self.flow(change);
                }
            }
            Wake::Seen(seen) => self.seen(&seen),
            Wake::Loaded { number, hour, result } => self.loaded(number, hour, result),
            Wake::Stop => self.is_stopping = true,
        }
    }

    /// Steps the machine and does what it says, until it says nothing more.
    fn step(&mut self, input: Input<'_>) {
        let mut effects = Vec::new();
        let mut queue = VecDeque::new();
        let mut next = Some(input);
        while let Some(input) = next.take() {
            self.is_rules_due |= matches!(input, Input::Kernel(KernelDone::Loaded { .. }));
            self.pep.step(self.clock.now(), input, &mut effects);
            queue.extend(effects.drain(..));
            while next.is_none()
                && let Some(effect) = queue.pop_front()
            {
                // Before anything else is said, a receipt above all, what has to end has ended.
                if self.is_rules_due && !matches!(effect, Effect::Close { .. }) {
                    self.share_rules();
                }
                next = self.perform(effect).map(Input::Kernel);
            }
        }
        if self.is_rules_due {
            self.share_rules();
        }
    }

    fn offered(&mut self, offered: Result<String, Refused>) {
        let had_nothing = self.store.in_force().is_none();
        let digest = offered.as_deref().ok().map(|text| Sha256Digest::of(text.as_bytes()));
        match offered.and_then(|text| self.store.offer(&text)) {
            Ok(Some(accepted)) => {
                self.refused = None;
                if had_nothing {
                    self.diary = open_diary(&self.config, Some(&accepted), &self.clock);
                }
                self.step(Input::Bundle(accepted.bundle));
            }
            Ok(None) => {}
            Err(error) => self.refuse(&error, digest),
        }
    }

    /// Says and records that a bundle is refused; what could not even be read has no digest.
    fn refuse(&mut self, error: &Refused, digest: Option<Sha256Digest>) {
        let text = check::with_sources(error);
        report(&format!("refused: {text}"));
        self.refused = Some(text);
        let number = match error {
            Refused::Older { number, .. } => Some(*number),
            Refused::Io { .. } | Refused::Seal(_) | Refused::Foreign(_) => None,
        };
        if let Some(digest) = digest {
            let reason = Label::new(error.word()).ok();
            self.policy(PolicyAction::Refuse, number.unwrap_or(0), digest, reason);
        }
        self.step(Input::Refused { number });
    }

    fn status(&mut self) -> Value {
        let now = self.clock.now();
        let counts = self.pep.counts();
        let in_force = self.pep.bundle().map(|bundle| {
            json!({ "number": bundle.number, "role": bundle.role.name(),
                "devices": bundle.devices.len(), "hospital": bundle.hospital })
        });
        let streams = self.diary.status().map(|streams| {
            streams.map(|one| {
                json!({ "stream": one.stream, "durable": one.durable, "waiting": one.waiting,
                    "lost": one.lost, "failure": one.failure.map(|why| why.name()) })
            })
        });
        let states: Vec<String> = self
            .pep
            .device_counts()
            .iter()
            .map(|one| format!("{} {} {}", one.count, one.tier, one.state))
            .collect();
        json!({
            "ok": true,
            "point": self.config.point,
            "bundle": in_force,
            "policy_age_s": self.pep.policy_age_s(now),
            "refused": self.refused,
            "load_error": self.load_error,
            "loaded": self.brought.map(|brought| brought.said()),
            "devices": states,
            "findings_open": counts.findings,
            "alarms_on": counts.alarms,
            "flows": counts.flows,
            "denied_packets": counts.denied_packets,
            "denied_bytes": counts.denied_bytes,
            "connections_refused": self.refusals,
            "connections_ended": self.endings,
            "did_not_fit": {
                "findings": counts.findings_lost, "flows": counts.flows_lost,
                "messages": counts.messages_lost, "alarms": counts.alarms_lost,
                "orders": counts.orders_lost, "unreadable": counts.unreadable,
            },
            "not_told": self.dropped.counts(),
            "journal": streams,
            "journal_refused": self.diary.refused(),
            "journal_shed": self.diary.shed(),
        })
    }
}
