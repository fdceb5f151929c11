//! A journal, an exporter over it, and a folder for both.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cordon_control::export::config::{Config, Exporter};
use cordon_control::export::delivery::Alarm;
use cordon_control::export::run::{self, Notice, RunError, Stop, Surroundings};
use cordon_control::export::status::Status;
use cordon_journal::journal::{Journal, Limits, Moment, Options};
use cordon_journal::read::{Cursor, Entry};
use cordon_journal::record::Record;
use cordon_model::event::EventId;
use cordon_model::note::Signer;
use cordon_model::{Event, HospitalId, Label, Mono, Now, Wall, WallMs, WriterId};

/// How long a test waits for what must happen, before it fails.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
    start: Instant,
    pub(crate) alarms: Mutex<Vec<(Alarm, bool)>>,
}

pub(crate) fn writer() -> WriterId {
    WriterId::new("gw-1").unwrap()
}

/// Waits without burning the processor until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let (_sender, pause) = mpsc::channel::<()>();
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        let _ = pause.recv_timeout(Duration::from_millis(10));
    }
}

impl Bench {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("cordon-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, start: Instant::now(), alarms: Mutex::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn journal(&self) -> Journal {
        let start = self.start;
        let label = |text| Label::new(text).unwrap();
        let clock = move || {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            Moment {
                mono: Mono(start.elapsed().as_nanos() as u64),
                wall: WallMs(wall.as_millis() as u64),
            }
        };
        let mut options = Options::new(
            HospitalId::new("h").unwrap(),
            writer(),
            Signer::new("x", [7; 32]),
            label("test"),
            label("boot"),
            Box::new(clock),
        );
        // Small segments, so that every test goes over many of them.
        options.limits = Limits { segment_bytes: 20_000, reserve_bytes: 65_536, ..options.limits };
        Journal::open(&self.path("journal"), options).unwrap()
    }

    pub(crate) fn exporter(&self, target: &str) -> Exporter {
        let text = format!(
            "[[exporter]]\nname = \"it\"\nstreams = [\"traffic\"]\nbatch-wait-ms = 10\n{target}"
        );
        let mut exporter = Config::parse(&text, &self.folder).unwrap().exporters.remove(0);
        exporter.limits.batch_records_max = 7;
        exporter.limits.poll_ms = 20;
        exporter.limits.retry_ms_min = 10;
        exporter.limits.retry_ms_max = 50;
        exporter.limits.refused_ms = 50;
        exporter
    }

    /// Runs an exporter while something else happens.
    pub(crate) fn run<T>(
        &self,
        exporter: &Exporter,
        words: &(dyn Fn(&EventId) -> Option<String> + Sync),
        meanwhile: impl FnOnce() -> T,
    ) -> Result<T, RunError> {
        struct Ended<'a>(&'a Stop);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                self.0.stop();
            }
        }
        let journals = [run::Journal { folder: self.path("journal"), writer: writer() }];
        let stop = Stop::default();
        let clock = || Now {
            mono: Mono(self.start.elapsed().as_nanos() as u64),
            wall: Wall(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()),
        };
        let words = |_: &Exporter, _: &Entry, _: &Record, id: &EventId| words(id);
        let tell = |_: &Label, notice: &Notice<'_>| match notice {
            Notice::Alarm(alarm, is_raised) => {
                self.alarms.lock().unwrap().push((*alarm, *is_raised));
            }
            Notice::Failed(error) => panic!("{error}"),
        };
        let state = self.path("state");
        let with = Surroundings {
            journals: &journals,
            state: &state,
            stop: &stop,
            clock: &clock,
            words: &words,
            tell: &tell,
        };
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| run::run_one(exporter, &with));
            // Also when `meanwhile` fails, or the scope would wait for ever.
            let ended = Ended(&stop);
            let result = meanwhile();
            drop(ended);
            thread.join().unwrap().map(|()| result)
        })
    }

    /// Gives the place that is kept.
    pub(crate) fn place(&self) -> u64 {
        let cursor = Cursor::load(&self.path("state/it/gw-1.traffic.cursor")).unwrap();
        cursor.map_or(0, |cursor| cursor.next)
    }

    pub(crate) fn status(&self) -> Status {
        Status::load(&self.path("state/it")).unwrap().unwrap_or_default()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Writes records into the traffic stream.
pub(crate) fn write(journal: &Journal, count: u64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../cordon-model/testdata/stored/v1/events.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find(|line| line.contains("\"decision\":")).unwrap();
    let event: Event = serde_json::from_str(line).unwrap();
    for _ in 1..count {
        journal.append(&event).unwrap();
    }
    journal.record(&event).unwrap();
}

/// Gives the numbers in the order of their first copies.
pub(crate) fn deduplicate(numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut known = std::collections::BTreeSet::new();
    numbers.into_iter().filter(|number| known.insert(*number)).collect()
}
