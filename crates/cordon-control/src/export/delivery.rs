//! Delivery: what one exporter sends, sends again, sets aside and may forget.
//!
//! Each record is delivered at least once, or set aside in the file of dead letters with a reason.
//! When the receiver is away, records wait in the journal; nothing here counts down to dropping
//! them. A record may arrive twice: the receiver knows it by its uid. Records are sent in order, and
//! after a fault everything from the first one on that was not acknowledged is sent again, so the
//! last copies are in order too.
//!
//! Invariant: the place of a stream advances only over records that are acknowledged, set aside, or
//! not meant for the receiver.
//! Invariant: what is held is bounded by the window; a full window stops reading.

mod exchange;
mod pace;

use std::collections::VecDeque;

use cordon_journal::read::Cursor;
use cordon_model::{Mono, Now, WallMs};

pub use exchange::{Alarm, Effect, Fault, Input, Item};
pub use pace::{Limits, MS};

use pace::Pace;

#[derive(Debug)]
struct Held {
    item: Item,
    since: Mono,
    /// Set aside: not to be sent again.
    is_dead: bool,
}

impl Held {
    fn is_silent(&self) -> bool {
        self.is_dead || self.item.text.is_none()
    }

    fn bytes(&self) -> u64 {
        self.item.text.as_ref().map_or(0, |text| text.len() as u64)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Sending,
    Waiting(Mono),
    Done,
}

#[derive(Debug)]
struct Batch {
    number: u64,
    count: usize,
    stage: Stage,
}

/// What the machine waits for, beside time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Await {
    Nothing,
    Send,
    Poll,
    Letter,
}

/// The state of one exporter.
#[derive(Debug)]
pub struct Delivery {
    limits: Limits,
    pace: Pace,
    /// Records in order; the first ones are in `flight`.
    queue: VecDeque<Held>,
    queue_bytes: u64,
    flight: VecDeque<Batch>,
    /// Sizes of the batches to be sent next, while a bad record is searched.
    plan: VecDeque<usize>,
    number: u64,
    awaits: Await,
    /// The bad record that could not be set aside yet.
    reason: &'static str,
    next_poll: Mono,
    /// Records set aside since one was last accepted.
    rejected_in_row: u32,
    /// The alarms that stand.
    raised: Vec<Alarm>,
    dead_letters: u64,
}

impl Delivery {
    /// Makes the state before the first record.
    /// # Shape
    /// `seed`: of the jitter, so that exporters that fail together do not come back together.
    #[must_use]
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            pace: Pace::new(seed),
            queue: VecDeque::new(),
            queue_bytes: 0,
            flight: VecDeque::new(),
            plan: VecDeque::new(),
            number: 0,
            awaits: Await::Nothing,
            reason: "",
            next_poll: Mono(0),
            rejected_in_row: 0,
            raised: Vec::new(),
            dead_letters: 0,
        }
    }

    /// Says whether there is room for another record.
    #[must_use]
    pub fn wants(&self) -> bool {
        let records_max = self.limits.batch_records_max.saturating_mul(self.window());
        let bytes_max = self.limits.batch_bytes_max.saturating_mul(self.window() as u64);
        self.queue.len() < records_max && self.queue_bytes < bytes_max
    }

    /// Batches that may be held: those in flight and the one that is filled.
    fn window(&self) -> usize {
        self.limits.window_batches_max.saturating_add(1)
    }

    /// Gives the records of a batch, without those that are not to be sent.
    pub fn batch(&self, number: u64) -> impl Iterator<Item = &Item> {
        let before = self.flight.iter().take_while(|batch| batch.number != number);
        let skip = before.map(|batch| batch.count).sum();
        let batch = self.flight.iter().find(|batch| batch.number == number);
        let count = batch.map_or(0, |batch| batch.count);
        let held = self.queue.iter().skip(skip).take(count);
        held.filter(|held| !held.is_silent()).map(|held| &held.item)
    }

    /// Gives when the oldest record that is held was written.
    #[must_use]
    pub fn oldest(&self) -> Option<WallMs> {
        self.queue.iter().map(|held| held.item.time).min()
    }

    /// Gives how many records were set aside since the start.
    #[must_use]
    pub fn dead_letters(&self) -> u64 {
        self.dead_letters
    }

    /// Says whether an alarm stands.
    #[must_use]
    pub fn stands(&self, alarm: Alarm) -> bool {
        self.raised.contains(&alarm)
    }

    /// Takes what happened and says what to do.
    pub fn step(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Effect>) {
        let is_tick = matches!(input, Input::Tick);
        match input {
            Input::Tick => (),
            Input::Read(item) => self.read(now.mono, item),
            Input::Accepted(number) => self.sent(now.mono, number, Stage::Done, out),
            Input::Sent(number) => self.sent(now.mono, number, Stage::Waiting(now.mono), out),
            Input::Failed(number, fault) => self.failed(now.mono, number, fault, out),
            Input::Acknowledged(numbers) => {
                self.awaits = Await::Nothing;
                self.next_poll = self.limits.after(now.mono, self.limits.poll_ms);
                for batch in &mut self.flight {
                    if numbers.contains(&batch.number) {
                        batch.stage = Stage::Done;
                    }
                }
            }
            Input::Lost(fault) => {
                self.awaits = Await::Nothing;
                self.lose(now.mono, fault, out);
            }
            Input::SetAside => self.set_aside(out),
            Input::NotSetAside(_) => {
                self.awaits = Await::Nothing;
                self.raise(Alarm::DeadLetters, out);
                self.pace.wait(now.mono, self.limits.refused_ms);
            }
        }
        self.settle(out);
        self.overdue(now.mono, out);
        if is_tick {
            // Between two ticks an empty queue only means that nothing was read yet.
            self.lag(now, out);
        }
        self.act(now.mono, out);
    }

    /// Says when to call again at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        let mut times = Vec::new();
        if self.awaits == Await::Nothing {
            let until = self.pace.until();
            times.extend(until);
            let waiting = self.flight.iter().filter_map(|batch| match batch.stage {
                Stage::Waiting(since) => Some(self.limits.after(since, self.limits.ack_ms)),
                Stage::Sending | Stage::Done => None,
            });
            let first = waiting.min();
            times.extend(first);
            times.extend(first.map(|_| self.next_poll));
            let is_open = until.is_none() && self.flight.len() < self.limits.window_batches_max;
            let open = self.queue.get(self.in_flight()).filter(|_| is_open);
            times.extend(open.map(|held| self.limits.after(held.since, self.limits.fill_ms)));
        }
        times.into_iter().min()
    }

    fn in_flight(&self) -> usize {
        self.flight.iter().map(|batch| batch.count).sum()
    }

    fn read(&mut self, now: Mono, item: Item) {
        let held = Held { item, since: now, is_dead: false };
        self.queue_bytes = self.queue_bytes.saturating_add(held.bytes());
        self.queue.push_back(held);
    }

    fn sent(&mut self, now: Mono, number: u64, stage: Stage, out: &mut Vec<Effect>) {
        self.awaits = Await::Nothing;
        if let Some(batch) = self.flight.iter_mut().find(|batch| batch.number == number) {
            batch.stage = stage;
            self.next_poll = self.next_poll.max(self.limits.after(now, self.limits.poll_ms));
        }
        self.rejected_in_row = 0;
        self.pace.reset();
        self.clear(Alarm::Refused, out);
        self.clear(Alarm::DeadLetters, out);
    }

    /// Takes what was sent back: all of it that is not acknowledged is sent again.
    fn lose(&mut self, now: Mono, fault: Fault, out: &mut Vec<Effect>) {
        self.settle(out);
        self.flight.clear();
        self.plan.clear();
        self.reason = "";
        match fault {
            Fault::Away(_) => self.pace.fail(now, &self.limits),
            Fault::Rejected(_) | Fault::Refused(_) => {
                self.raise(Alarm::Refused, out);
                self.pace.wait(now, self.limits.refused_ms);
            }
        }
    }

    fn failed(&mut self, now: Mono, number: u64, fault: Fault, out: &mut Vec<Effect>) {
        self.awaits = Await::Nothing;
        let Some(batch) = self.flight.pop_back_if(|batch| batch.number == number) else { return };
        let reason = match fault {
            Fault::Away(_) => {
                // Only this batch: those before it may still be acknowledged.
                self.plan.push_front(batch.count);
                return self.pace.fail(now, &self.limits);
            }
            Fault::Refused(_) => return self.lose(now, fault, out),
            Fault::Rejected(reason) => reason,
        };
        let skip = self.in_flight();
        let batch_items = self.queue.iter().skip(skip).take(batch.count);
        let loud = batch_items.filter(|held| !held.is_silent()).count();
        if loud > 1 {
            // Half and half again, until the bad one stands alone.
            let first = batch.count / 2;
            self.plan.push_front(batch.count - first);
            self.plan.push_front(first);
            return;
        }
        self.plan.push_front(batch.count);
        if self.rejected_in_row >= self.limits.rejected_in_row_max {
            // Nothing is ever accepted: it is not the records that are bad.
            self.raise(Alarm::Refused, out);
            self.pace.wait(now, self.limits.refused_ms);
            self.rejected_in_row = self.rejected_in_row.saturating_sub(1);
            return;
        }
        self.reason = reason;
    }

    fn set_aside(&mut self, out: &mut Vec<Effect>) {
        self.awaits = Await::Nothing;
        self.reason = "";
        let (skip, count) = (self.in_flight(), self.plan.front().copied().unwrap_or(0));
        for held in self.queue.iter_mut().skip(skip).take(count) {
            if !held.is_silent() {
                held.is_dead = true;
                self.queue_bytes = self.queue_bytes.saturating_sub(held.bytes());
            }
        }
        self.dead_letters = self.dead_letters.saturating_add(1);
        self.rejected_in_row = self.rejected_in_row.saturating_add(1);
        self.pace.reset();
        self.clear(Alarm::DeadLetters, out);
        self.raise(Alarm::SetAside, out);
    }

    /// Forgets what is done, from the front.
    fn settle(&mut self, out: &mut Vec<Effect>) {
        let mut places: Vec<(usize, Cursor)> = Vec::new();
        while let Some(batch) = self.flight.pop_front_if(|batch| batch.stage == Stage::Done) {
            for held in self.queue.drain(..batch.count.min(self.queue.len())) {
                if !held.is_dead {
                    self.queue_bytes = self.queue_bytes.saturating_sub(held.bytes());
                }
                let (source, cursor) = (held.item.source, held.item.cursor);
                match places.iter_mut().find(|(known, _)| *known == source) {
                    Some((_, place)) => *place = cursor,
                    None => places.push((source, cursor)),
                }
            }
        }
        out.extend(places.into_iter().map(|(source, cursor)| Effect::Advance { source, cursor }));
    }

    /// Takes back what was not acknowledged in time.
    fn overdue(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let is_late = self.awaits == Await::Nothing
            && self.flight.iter().any(|batch| match batch.stage {
                Stage::Waiting(since) => now >= self.limits.after(since, self.limits.ack_ms),
                Stage::Sending | Stage::Done => false,
            });
        if is_late {
            self.lose(now, Fault::Away("not-acknowledged"), out);
        }
    }

    fn lag(&mut self, now: Now, out: &mut Vec<Effect>) {
        let oldest = self.oldest().map_or(u64::MAX, |time| time.wall().0);
        let behind_s = now.wall.0.saturating_sub(oldest);
        if behind_s >= self.limits.lag_s {
            self.raise(Alarm::Lag, out);
        } else if behind_s.saturating_mul(2) < self.limits.lag_s {
            self.clear(Alarm::Lag, out);
        }
    }

    fn raise(&mut self, alarm: Alarm, out: &mut Vec<Effect>) {
        if !self.raised.contains(&alarm) {
            self.raised.push(alarm);
            out.push(Effect::Raise(alarm));
        }
    }

    fn clear(&mut self, alarm: Alarm, out: &mut Vec<Effect>) {
        if self.raised.contains(&alarm) {
            self.raised.retain(|raised| *raised != alarm);
            out.push(Effect::Clear(alarm));
        }
    }

    /// Does the next thing, if it is time for one.
    fn act(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.awaits != Await::Nothing {
            return;
        }
        let is_pending = self.flight.iter().any(|batch| matches!(batch.stage, Stage::Waiting(_)));
        if is_pending && now >= self.next_poll {
            self.awaits = Await::Poll;
            out.push(Effect::Poll);
            return;
        }
        if self.pace.is_waiting(now) {
            return;
        }
        if !self.reason.is_empty() {
            return self.letter(out);
        }
        while self.flight.len() < self.limits.window_batches_max {
            let Some(count) = self.next_count(now) else { return };
            self.number = self.number.saturating_add(1);
            let skip = self.in_flight();
            let mut items = self.queue.iter().skip(skip).take(count);
            let is_silent = items.all(Held::is_silent);
            let stage = if is_silent { Stage::Done } else { Stage::Sending };
            self.flight.push_back(Batch { number: self.number, count, stage });
            if !is_silent {
                self.awaits = Await::Send;
                out.push(Effect::Send(self.number));
                return;
            }
            self.settle(out);
        }
    }

    fn letter(&mut self, out: &mut Vec<Effect>) {
        let (skip, count) = (self.in_flight(), self.plan.front().copied().unwrap_or(0));
        let bad = self.queue.iter().skip(skip).take(count).find(|held| !held.is_silent());
        let Some(bad) = bad else {
            self.reason = "";
            return;
        };
        self.awaits = Await::Letter;
        out.push(Effect::SetAside { item: Box::new(bad.item.clone()), reason: self.reason });
    }

    /// Gives how many records the next batch has, if it is full or old enough.
    fn next_count(&mut self, now: Mono) -> Option<usize> {
        if let Some(count) = self.plan.pop_front() {
            return Some(count);
        }
        let mut open = self.queue.iter().skip(self.in_flight()).peekable();
        let since = open.peek()?.since;
        let (mut count, mut bytes) = (0_usize, 0_u64);
        let mut is_full = false;
        for held in open {
            let more = bytes.saturating_add(held.bytes());
            if count > 0 && more > self.limits.batch_bytes_max {
                is_full = true;
                break;
            }
            bytes = more;
            count += 1;
            if count >= self.limits.batch_records_max || bytes >= self.limits.batch_bytes_max {
                is_full = true;
                break;
            }
        }
        let is_old = now >= self.limits.after(since, self.limits.fill_ms);
        (is_full || is_old).then_some(count)
    }
}
