//! One stream while it is written: a bounded queue before one writer, and group commit.
//!
//! Whoever waits for its record writes what all others have queued with it, so that one flush of the
//! disk serves many and a lone record is not handed to another thread. For those that do not wait, a
//! thread of the stream does it.
//!
//! Invariant: `append` takes one short lock and never waits for the disk.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cordon_model::event::{JournalNote, Kind, Lost, Retention};
use cordon_model::{Event, What};

use super::writer::{Queue, Writer};
use super::{Clock, Moment, Refusal, Unavailable, Why};
use crate::record::{RECORD_BYTES_MAX, Stamp};

/// How far wall and monotonic clock may drift apart between two records before a record says so, in
/// milliseconds.
pub const CLOCK_STEP_MS: i64 = 1_000;
/// Room that a record needs besides its event.
const FRAME_BYTES: usize = 192;
/// What most events need; longer ones cost another allocation.
const EVENT_BYTES: usize = 512;
/// How long the thread of a stream waits before it tries a failing disk again.
const RETRY: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct State {
    pending: Queue,
    /// Bytes that wait or are being written.
    queued_bytes: usize,
    next: u64,
    durable: u64,
    /// The signed head over what is durable.
    head: String,
    is_led: bool,
    is_closing: bool,
    failure: Option<Why>,
    lost: BTreeMap<(Kind, Why), Lost>,
    lost_total: u64,
    run: u32,
    last: Option<Moment>,
}

/// What is being written; the one who leads holds it.
#[derive(Debug)]
struct Lead {
    writer: Writer,
    queue: Queue,
    written: usize,
}

/// A stream.
#[derive(Debug)]
pub(super) struct Stream {
    class: Retention,
    queue_bytes_max: usize,
    state: Mutex<State>,
    lead: Mutex<Lead>,
    /// Something waits to be written.
    work: Condvar,
    /// Something was written, or could not be.
    news: Condvar,
}

/// How a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStatus {
    /// Which stream.
    pub stream: Retention,
    /// Records on the disk and covered by a signed head.
    pub durable: u64,
    /// Records that wait.
    pub waiting: u64,
    /// Bytes that wait.
    pub waiting_bytes: usize,
    /// Records that were lost since the start, each counted in a record of its own.
    pub lost: u64,
    /// Why nothing can be written just now.
    pub failure: Option<Why>,
}

fn why(error: &io::Error) -> Why {
    let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    if is_full { Why::DiskFull } else { Why::DiskFailed }
}

/// Kinds that are lost last: a quarter of the queue is theirs alone.
fn is_urgent(kind: Kind) -> bool {
    match kind {
        Kind::Emergency | Kind::State | Kind::Journal | Kind::Alarm | Kind::Policy => true,
        Kind::Authentication
        | Kind::Attestation
        | Kind::Certificate
        | Kind::Decision
        | Kind::Finding
        | Kind::Flow
        | Kind::Health
        | Kind::Incident
        | Kind::Inventory
        | Kind::Message
        | Kind::Review => false,
    }
}

impl State {
    /// Says whether a record waits to be written, in the queue or in a batch that failed.
    fn has_work(&self) -> bool {
        self.next > self.durable
    }

    fn push(&mut self, event: &[u8], now: Moment) -> u64 {
        let seq = self.next;
        self.pending.bytes.extend_from_slice(event);
        let stamp = Stamp { mono: now.mono, run: self.run, seq, time: now.wall };
        self.pending.entries.push((self.pending.bytes.len(), stamp));
        self.queued_bytes += event.len() + FRAME_BYTES;
        self.next += 1;
        seq
    }

    /// Records that the wall clock was set, if it was.
    fn note_clock(&mut self, now: Moment) {
        let Some(last) = self.last.replace(now) else { return };
        let wall = i64::try_from(now.wall.0).unwrap_or(i64::MAX)
            - i64::try_from(last.wall.0).unwrap_or(i64::MAX);
        let mono = now.mono.0.saturating_sub(last.mono.0) / 1_000_000;
        let by_ms = wall - i64::try_from(mono).unwrap_or(i64::MAX);
        if by_ms.abs() > CLOCK_STEP_MS {
            self.push_note(JournalNote::ClockStep { by_ms }, now);
        }
    }

    fn push_note(&mut self, note: JournalNote, now: Moment) {
        let what = What::Journal(Box::new(note));
        let event = Event { at: now.wall, point: None, what };
        if let Ok(text) = serde_json::to_vec(&event) {
            self.push(&text, now);
        }
    }

    fn lose(&mut self, kind: Kind, why: Why, now: Moment) {
        let lost = self.lost.entry((kind, why)).or_default();
        if lost.count == 0 {
            lost.first = now.wall;
        }
        lost.last = now.wall;
        lost.count += 1;
        self.lost_total += 1;
    }
}

impl Stream {
    pub(super) fn new(
        class: Retention,
        queue_bytes_max: usize,
        run: u32,
        last: Option<Moment>,
        writer: Writer,
    ) -> Self {
        let (durable, head) = (writer.size(), writer.note().to_owned());
        Self {
            class,
            queue_bytes_max,
            state: Mutex::new(State {
                pending: Queue::default(),
                queued_bytes: 0,
                next: durable,
                durable,
                head,
                is_led: false,
                is_closing: false,
                failure: None,
                lost: BTreeMap::new(),
                lost_total: 0,
                run,
                last,
            }),
            lead: Mutex::new(Lead { writer, queue: Queue::default(), written: 0 }),
            work: Condvar::new(),
            news: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lead(&self) -> MutexGuard<'_, Lead> {
        self.lead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an event; gives its number.
    pub(super) fn append(&self, event: &Event, clock: &Clock) -> Result<u64, Refusal> {
        // Every event of ours has a JSON form; what could have none is refused, not lost silently.
        let mut text = Vec::with_capacity(EVENT_BYTES);
        serde_json::to_writer(&mut text, event).map_err(|_| Refusal::Long)?;
        if text.len() + FRAME_BYTES > RECORD_BYTES_MAX {
            return Err(Refusal::Long);
        }
        let kind = event.what.kind();
        let mut state = self.state();
        let now = clock();
        if state.is_closing {
            return Err(Refusal::Closed);
        }
        let share = if is_urgent(kind) { 4 } else { 3 };
        if state.queued_bytes + text.len() + FRAME_BYTES > self.queue_bytes_max / 4 * share {
            let why = state.failure.unwrap_or(Why::QueueFull);
            state.lose(kind, why, now);
            return Err(Refusal::Full(why));
        }
        state.note_clock(now);
        Ok(state.push(&text, now))
    }

    /// Tells the thread of the stream that something waits.
    pub(super) fn wake(&self) {
        self.work.notify_one();
    }

    /// Waits until a record is on the disk.
    pub(super) fn wait(&self, seq: u64) -> Result<(), Unavailable> {
        let mut state = self.state();
        loop {
            if state.durable > seq {
                return Ok(());
            }
            if state.is_led {
                state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
                if let (Some(why), false) = (state.failure, state.durable > seq) {
                    return Err(Unavailable(why));
                }
                continue;
            }
            state.is_led = true;
            drop(state);
            let result = self.commit(Some(seq));
            state = self.state();
            state.is_led = false;
            if state.has_work() {
                self.work.notify_one();
            }
            self.news.notify_all();
            if let (Err(why), false) = (result, state.durable > seq) {
                return Err(Unavailable(why));
            }
        }
    }

    /// Writes what waits, or up to one record. Only who has set `is_led` calls this.
    fn commit(&self, until: Option<u64>) -> Result<(), Why> {
        let mut lead = self.lead();
        let lead = &mut *lead;
        loop {
            if lead.written == lead.queue.entries.len() {
                lead.queue.clear();
                lead.written = 0;
                let mut state = self.state();
                if state.pending.entries.is_empty() {
                    return Ok(());
                }
                std::mem::swap(&mut state.pending, &mut lead.queue);
            }
            let result = lead.writer.write(&lead.queue, lead.written);
            let mut state = self.state();
            let taken = match result {
                Ok(taken) => taken,
                Err(error) => {
                    let why = why(&error);
                    state.failure = Some(why);
                    self.news.notify_all();
                    return Err(why);
                }
            };
            lead.written += taken;
            state.failure = None;
            state.durable += taken as u64;
            lead.writer.note().clone_into(&mut state.head);
            if lead.written == lead.queue.entries.len() {
                let rest: usize = state.pending.bytes.len();
                state.queued_bytes = rest + state.pending.entries.len() * FRAME_BYTES;
            }
            let is_done = until.is_some_and(|seq| state.durable > seq);
            drop(state);
            self.news.notify_all();
            // If it fails, the segment goes on; sealing is tried again at the next occasion.
            let _ = lead.writer.settle();
            if is_done {
                return Ok(());
            }
        }
    }

    /// The thread of the stream: writes for those who do not wait.
    pub(super) fn run(&self) {
        let mut state = self.state();
        loop {
            if state.has_work() && !state.is_led {
                state.is_led = true;
                drop(state);
                let result = self.commit(None);
                state = self.state();
                state.is_led = false;
                self.news.notify_all();
                if result.is_err() {
                    if state.is_closing {
                        return;
                    }
                    let wait = self.work.wait_timeout(state, RETRY);
                    state = wait.unwrap_or_else(PoisonError::into_inner).0;
                }
                continue;
            }
            if state.is_closing && !state.is_led {
                return;
            }
            // While somebody leads, news comes; else work does. A second is for what was missed.
            let bell = if state.is_led { &self.news } else { &self.work };
            let wait = bell.wait_timeout(state, Duration::from_secs(1));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Allocates room ahead, if nobody is writing.
    pub(super) fn allocate(&self) {
        if let Ok(mut lead) = self.lead.try_lock() {
            // A disk that is full is told by the next record that does not fit.
            let _ = lead.writer.allocate(super::ALLOCATION_BYTES);
        }
    }

    /// Takes the counts of what was lost since the last time, once records can be written again.
    pub(super) fn take_lost(&self) -> Vec<((Kind, Why), Lost)> {
        let mut state = self.state();
        if state.failure.is_some() {
            return Vec::new();
        }
        std::mem::take(&mut state.lost).into_iter().collect()
    }

    pub(super) fn status(&self) -> StreamStatus {
        let state = self.state();
        StreamStatus {
            stream: self.class,
            durable: state.durable,
            waiting: state.next - state.durable,
            waiting_bytes: state.queued_bytes,
            lost: state.lost_total,
            failure: state.failure,
        }
    }

    /// Gives the newest signed head.
    pub(super) fn head(&self) -> String {
        self.state().head.clone()
    }

    /// Takes no more events; the thread ends once all is written.
    pub(super) fn stop(&self) {
        self.state().is_closing = true;
        self.work.notify_all();
        self.news.notify_all();
    }

    /// Cuts the file to what it holds and publishes the last head; after the thread has ended.
    pub(super) fn close(&self) -> io::Result<()> {
        self.lead().writer.close()
    }
}
