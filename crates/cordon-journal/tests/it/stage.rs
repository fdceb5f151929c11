//! What the tests share: folders that go away, clocks that tests set, events.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cordon_journal::journal::{Clock, Journal, Limits, Moment, Options};
use cordon_model::event::{FlowSummary, Health, What};
use cordon_model::note::Signer;
use cordon_model::{Event, HospitalId, Label, Mono, RuleId, Transport, WallMs, WriterId};

/// A folder that is removed with the value.
pub(crate) struct Folder(PathBuf);

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("cordon-journal-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A clock that moves only when a test says so; milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct TestClock {
    pub(crate) mono_ms: Arc<AtomicU64>,
    pub(crate) wall_ms: Arc<AtomicU64>,
}

pub(crate) const START_MS: u64 = 1_767_225_600_000;

impl TestClock {
    pub(crate) fn new() -> Self {
        Self {
            mono_ms: Arc::new(AtomicU64::new(1_000)),
            wall_ms: Arc::new(AtomicU64::new(START_MS)),
        }
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.mono_ms.fetch_add(ms, Ordering::SeqCst);
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn set_wall(&self, ms: u64) {
        self.wall_ms.store(ms, Ordering::SeqCst);
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment {
            mono: Mono(self.mono_ms.load(Ordering::SeqCst) * 1_000_000),
            wall: WallMs(self.wall_ms.load(Ordering::SeqCst)),
        }
    }
}

pub(crate) const SECRET: [u8; 32] = [9; 32];

pub(crate) fn options(clock: &TestClock) -> Options {
    let clock = clock.clone();
    options_at(Box::new(move || clock.moment()))
}

/// Small segments and queues, so that tests see rotation and full queues.
pub(crate) fn options_at(clock: Box<Clock>) -> Options {
    let mut options = Options::new(
        HospitalId::new("h").unwrap(),
        WriterId::new("gw-1").unwrap(),
        Signer::new("key", SECRET),
        Label::new("0.0.0").unwrap(),
        Label::new("boot-1").unwrap(),
        clock,
    );
    options.limits = Limits {
        queue_bytes_max: 1 << 20,
        segment_bytes: 64 << 10,
        segment_age_ms: 86_400_000,
        reserve_bytes: 64 << 10,
    };
    options
}

pub(crate) fn open(folder: &Path, clock: &TestClock) -> Journal {
    Journal::open(folder, options(clock)).unwrap()
}

/// A flow; its packets tell it from others.
pub(crate) fn flow(number: u64) -> Event {
    let at = WallMs(START_MS);
    Event {
        at,
        point: None,
        what: What::Flow(Box::new(FlowSummary {
            action: cordon_model::event::Effect::Permit,
            bytes_from_device: 100,
            bytes_to_device: 10,
            device: None,
            dst: cordon_model::event::Party::default(),
            first: at,
            last: at,
            packets: number,
            rule: RuleId::new("r").unwrap(),
            segment: None,
            src: cordon_model::event::Party::default(),
            tier: None,
            transport: Transport::Tcp,
            vlan: None,
        })),
    }
}

pub(crate) fn health() -> Event {
    Event {
        at: WallMs(START_MS),
        point: None,
        what: What::Health(Box::new(Health {
            cache_ttl_s: None,
            devices: vec![],
            generation: 1,
            lifeline_gap_ms: None,
            nodes_up: vec![],
            nodes_down: vec![],
            policy_age_s: None,
            valid_until: None,
        })),
    }
}

/// The lines of a stream's segments, in order, without the zeros behind the last.
pub(crate) fn lines(stream: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for first in cordon_journal::layout::segments(stream).unwrap() {
        let path = stream.join(cordon_journal::segment::file_name(first));
        let bytes = std::fs::read(path).unwrap();
        let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        lines.extend(String::from_utf8_lossy(&bytes[..end]).lines().map(str::to_owned));
    }
    lines
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub(crate) fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
