//! The journal while it is written.
//!
//! ```text
//! append ─▶ queue (bounded) ─▶ one write + one flush ─▶ acknowledged ─▶ caches, rotation
//!              │ full                 │ fails
//!              ▼                      ▼
//!       counted; a record says    stays queued, tried again; `status` and an alarm say so
//! ```
//!
//! Invariant: what was acknowledged is on the disk and covered by a signed head.
//! Invariant: `append` never waits for the disk, so nothing that carries care can wait for it.
//! Invariant: what is lost is counted, and a record says how many of which kind, from when to when.

mod failure;
mod options;
pub(crate) mod recover;
mod stream;
mod writer;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use cordon_model::event::{Alarm, AlarmState, EventId, JournalNote, Retention, Severity};
use cordon_model::{Event, Label, WallMs, What, WriterId};

pub use failure::{OpenError, RecordFailure, Refusal, Unavailable, Why};
pub use options::{Clock, Limits, Moment, OnDamage, Options};
pub use recover::RecoverError;
pub use stream::{CLOCK_STEP_MS, StreamStatus};

use crate::disk;
use crate::index::{self, IndexError};
use crate::layout;
use crate::proof::Proof;
use recover::{Checkpoint, recover};
use stream::Stream;
use writer::{Plan, Writer};

/// Room that is allocated at once; small, because a commit may have to wait for it.
const ALLOCATION_BYTES: u64 = 256 << 10;
/// How often the keeper looks after the files.
const UPKEEP: Duration = Duration::from_millis(20);

/// Threads of the journal, and whether they go on.
#[derive(Debug)]
struct Threads {
    streams: Vec<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Streams {
    evidence: Stream,
    traffic: Stream,
    detail: Stream,
}

impl Streams {
    fn of(&self, class: Retention) -> &Stream {
        match class {
            Retention::Evidence => &self.evidence,
            Retention::Traffic => &self.traffic,
            Retention::Detail => &self.detail,
        }
    }
}

struct Shared {
    writer: WriterId,
    streams: Streams,
    clock: Box<Clock>,
    is_closing: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("writer", &self.writer).finish_non_exhaustive()
    }
}

/// A journal that is open for writing.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    shared: Arc<Shared>,
    threads: Mutex<Threads>,
    _lock: File,
}

/// A stream that was opened, and what its opening has to say.
struct Opened {
    stream: Stream,
    notes: Vec<JournalNote>,
}

impl Journal {
    /// Opens a journal for writing, repairs an unfinished end, and records that the writer started.
    /// # Errors
    /// [`OpenError`]; nothing was changed then but an unfinished end.
    pub fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(io(folder))?;
        let lock_path = folder.join(layout::LOCK);
        let lock = File::create(&lock_path).map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(fs::TryLockError::WouldBlock) => return Err(OpenError::Locked(folder.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(io(&lock_path)(source)),
        }
        let keys = Keys::new(folder, &options);
        let is_known = keys.are_there()?;
        let evidence = open_stream(folder, Retention::Evidence, &options, is_known)?;
        let traffic = open_stream(folder, Retention::Traffic, &options, is_known)?;
        let detail = open_stream(folder, Retention::Detail, &options, is_known)?;
        // Only now: where the keys are, every stream has begun, and one that is gone was taken away.
        if !is_known {
            keys.publish()?;
        }
        let notes = [evidence.notes, traffic.notes, detail.notes].concat();
        let streams =
            Streams { evidence: evidence.stream, traffic: traffic.stream, detail: detail.stream };
        let shared = Arc::new(Shared {
            writer: options.writer.clone(),
            streams,
            clock: options.clock,
            is_closing: AtomicBool::new(false),
        });
        let threads = Mutex::new(start(&shared, folder).map_err(io(folder))?);
        let journal = Self { folder: folder.to_owned(), shared, threads, _lock: lock };
        let started = JournalNote::Start {
            boot: options.boot,
            clock: options.clock_state,
            version: options.version,
            writer: options.writer,
        };
        for note in notes.into_iter().chain([started]) {
            // A full queue is impossible here; a disk that fails is told by the first append.
            let _ = journal.append(&journal.note(note));
        }
        Ok(journal)
    }

    /// Queues an event; it is written soon, by the journal's own threads.
    /// # Errors
    /// [`Refusal`]: the event is not recorded, and counted as lost if the queue is full.
    pub fn append(&self, event: &Event) -> Result<EventId, Refusal> {
        let (id, stream) = self.queue(event)?;
        stream.wake();
        Ok(id)
    }

    /// Records an event and waits until it is on the disk, covered by a signed head.
    /// # Errors
    /// [`RecordFailure`] if it is not recorded, or not yet on the disk.
    pub fn record(&self, event: &Event) -> Result<EventId, RecordFailure> {
        let (id, stream) = self.queue(event)?;
        stream.wait(id.seq)?;
        Ok(id)
    }

    /// Waits until a queued record is on the disk, covered by a signed head.
    /// # Errors
    /// [`Unavailable`] if the disk fails; the record stays queued.
    pub fn wait(&self, id: &EventId) -> Result<(), Unavailable> {
        self.shared.streams.of(id.stream).wait(id.seq)
    }

    fn queue(&self, event: &Event) -> Result<(EventId, &Stream), Refusal> {
        let class = event.what.kind().retention();
        let stream = self.shared.streams.of(class);
        let seq = stream.append(event, &*self.shared.clock)?;
        Ok((EventId { writer: self.shared.writer.clone(), stream: class, seq }, stream))
    }

    /// Makes an event of something that the journal has to say of itself, now.
    #[must_use]
    pub fn note(&self, note: JournalNote) -> Event {
        self.shared.event(What::Journal(Box::new(note)))
    }

    /// Gives how each stream is.
    #[must_use]
    pub fn status(&self) -> [StreamStatus; 3] {
        Retention::ALL.map(|class| self.shared.streams.of(class).status())
    }

    /// Proves that an acknowledged record is in the tree of its stream, under the newest head.
    /// # Errors
    /// [`IndexError`] if it is not acknowledged yet, or its time is over.
    pub fn prove(&self, id: &EventId) -> Result<Proof, IndexError> {
        let stream = layout::stream(&self.folder, id.stream);
        index::prove_under(&stream, id.seq, self.head(id.stream))
    }

    /// Gives the newest signed head of a stream; it covers all that was acknowledged.
    #[must_use]
    pub fn head(&self, class: Retention) -> String {
        self.shared.streams.of(class).head()
    }

    /// Gives the folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes what waits and closes the files; what cannot be written is lost, and the error says so.
    /// # Errors
    /// What the disk says.
    pub fn close(self) -> io::Result<()> {
        self.finish()
    }

    fn finish(&self) -> io::Result<()> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.is_closing.store(true, Ordering::Release);
        if let Some(keeper) = threads.keeper.take() {
            let _ = keeper.join();
            self.shared.report_lost(&mut [false; 3]);
        }
        for class in Retention::ALL {
            self.shared.streams.of(class).stop();
        }
        let was_running = !threads.streams.is_empty();
        for thread in threads.streams.drain(..) {
            let _ = thread.join();
        }
        if !was_running {
            return Ok(());
        }
        let mut result = Ok(());
        for class in Retention::ALL {
            let stream = self.shared.streams.of(class);
            let closed = stream.close();
            result = result.and(closed);
            if stream.status().waiting > 0 {
                result = result.and(Err(io::Error::other("records could not be written")));
            }
        }
        result
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

impl Shared {
    fn event(&self, what: What) -> Event {
        Event { at: (self.clock)().wall, point: None, what }
    }

    fn append(&self, what: What) {
        let event = self.event(what);
        let stream = self.streams.of(event.what.kind().retention());
        if stream.append(&event, &*self.clock).is_ok() {
            stream.wake();
        }
    }

    /// Records what was lost, and raises and clears the alarm of each stream.
    fn report_lost(&self, raised: &mut [bool; 3]) {
        for (class, is_raised) in Retention::ALL.into_iter().zip(raised) {
            let stream = self.streams.of(class);
            for ((kind, why), lost) in stream.take_lost() {
                let note =
                    Label::new(why.name()).ok().and_then(|why| JournalNote::lose(kind, &why, lost));
                if let Some(note) = note {
                    self.append(What::Journal(Box::new(note)));
                }
            }
            let status = stream.status();
            let is_bad = status.failure.is_some();
            if is_bad != *is_raised {
                *is_raised = is_bad;
                self.alarm(class, status.failure, status.waiting);
            }
        }
    }

    fn alarm(&self, class: Retention, failure: Option<Why>, waiting: u64) {
        let (Ok(about), Ok(alarm)) = (Label::new(class.name()), Label::new("journal-stopped"))
        else {
            return;
        };
        let state = if failure.is_some() { AlarmState::Raise } else { AlarmState::Clear };
        let severity = Severity::High;
        let alarm = Alarm { about, alarm, severity, state, value: Some(waiting) };
        self.append(What::Alarm(Box::new(alarm)));
    }

    /// Puts the newest heads where they are found without reading a segment. Nobody else does while
    /// the journal is open.
    fn publish(&self, folder: &Path, published: &mut [String; 3]) {
        for (class, published) in Retention::ALL.into_iter().zip(published) {
            let head = self.streams.of(class).head();
            let stream = layout::stream(folder, class);
            if *published != head && writer::publish(&stream, &head).is_ok() {
                *published = head;
            }
        }
    }

    /// The keeper: room in hand, heads where they are found, counts of what was lost.
    fn keep(&self, folder: &Path) {
        let mut raised = [false; 3];
        let mut published: [String; 3] = Default::default();
        let mut round = 0u32;
        while !self.is_closing.load(Ordering::Acquire) {
            let is_second = round.is_multiple_of(50);
            round = round.wrapping_add(1);
            for class in Retention::ALL {
                self.streams.of(class).allocate();
            }
            if is_second {
                self.publish(folder, &mut published);
                self.report_lost(&mut raised);
            }
            std::thread::park_timeout(UPKEEP);
        }
    }
}

fn start(shared: &Arc<Shared>, folder: &Path) -> io::Result<Threads> {
    let mut streams = Vec::new();
    for class in Retention::ALL {
        let shared = Arc::clone(shared);
        let thread = std::thread::Builder::new().name(format!("journal-{class}"));
        streams.push(thread.spawn(move || shared.streams.of(class).run())?);
    }
    let (keeper, folder) = (Arc::clone(shared), folder.to_owned());
    let thread = std::thread::Builder::new().name("journal-keeper".into());
    Ok(Threads { streams, keeper: Some(thread.spawn(move || keeper.keep(&folder))?) })
}

/// The public keys of a journal, beside its streams.
struct Keys {
    folder: PathBuf,
    path: PathBuf,
    text: String,
}

impl Keys {
    fn new(folder: &Path, options: &Options) -> Self {
        let key = |class| {
            let origin = layout::origin(&options.hospital, &options.writer, class);
            options.signer.named(&origin).verifier().text()
        };
        let text = Retention::ALL.into_iter().map(key).collect();
        Self { folder: folder.to_owned(), path: folder.join(layout::KEYS), text }
    }

    /// Says whether the journal was written before, by the same key.
    fn are_there(&self) -> Result<bool, OpenError> {
        match fs::read_to_string(&self.path) {
            Ok(old) if old == self.text => Ok(true),
            Ok(_) => Err(OpenError::Key(self.folder.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(OpenError::Io { path: self.path.clone(), source }),
        }
    }

    fn publish(&self) -> Result<(), OpenError> {
        let done = disk::replace(&self.path, self.text.as_bytes());
        done.map_err(|source| OpenError::Io { path: self.path.clone(), source })
    }
}

/// Opens a stream; under [`OnDamage::SetAside`], also one that was tampered with.
/// # Shape
/// `is_known`: the journal was written before, so the stream must be there.
fn open_stream(
    folder: &Path,
    class: Retention,
    options: &Options,
    is_known: bool,
) -> Result<Opened, OpenError> {
    let fail = |source| OpenError::Stream { stream: class, source };
    let path = layout::stream(folder, class);
    let io = |source| OpenError::Io { path: path.clone(), source };
    fs::create_dir_all(&path).map_err(io)?;
    let signer = options.signer.named(&layout::origin(&options.hospital, &options.writer, class));
    let mut notes = Vec::new();
    let recovered = match recover(&path, &signer.verifier(), Checkpoint::Needed) {
        Ok(None) if is_known => Err(RecoverError::Gone(path.clone())),
        recovered => recovered,
    };
    let end = match (recovered, options.on_damage) {
        (Ok(end), _) => end,
        (Err(source @ RecoverError::Io { .. }), _) | (Err(source), OnDamage::Refuse) => {
            return Err(fail(source));
        }
        (Err(source), OnDamage::SetAside) => {
            notes.push(JournalNote::Restart { broken_at: broken_at(&source) });
            set_aside(&path, (options.clock)().wall).map_err(io)?;
            None
        }
    };
    if let Some(end) = end.as_ref().filter(|end| end.dropped_bytes > 0) {
        let (dropped_bytes, dropped_records) = (end.dropped_bytes, end.dropped_records);
        notes.push(JournalNote::Recover { dropped_bytes, dropped_records });
    }
    let limits = options.limits;
    let is_evidence = class == Retention::Evidence;
    let plan = Plan {
        segment_bytes: limits.segment_bytes,
        segment_age_ms: limits.segment_age_ms,
        reserve_bytes: if is_evidence { limits.reserve_bytes } else { limits.reserve_bytes / 4 },
    };
    let disk = Arc::clone(&options.disk);
    let writer = Writer::open(&path, disk, signer, plan, end.as_ref()).map_err(fail)?;
    // A clock that went back while nobody wrote: the first record is compared with the last one.
    let now = (options.clock)();
    let last = end.as_ref().map(|end| Moment { mono: now.mono, wall: end.time });
    let last = last.filter(|last| last.wall > now.wall);
    let run = end.map_or(0, |end| end.run).saturating_add(1);
    let stream = Stream::new(class, limits.queue_bytes_max, run, last, writer);
    Ok(Opened { stream, notes })
}

fn broken_at(error: &RecoverError) -> u64 {
    match error {
        RecoverError::Broken { seq, .. } => *seq,
        RecoverError::Missing { found, .. } => *found,
        RecoverError::Gone(_) | RecoverError::Io { .. } => 0,
    }
}

/// Renames the folder of a stream, so that nobody writes into it again, and makes a new one.
fn set_aside(path: &Path, now: WallMs) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("-broken-{}", now.0));
    fs::rename(path, name)?;
    fs::create_dir(path)
}
