//! One exporter at work: feeds its state machine and does what it says.

use std::collections::VecDeque;
use std::path::PathBuf;

use cordon_journal::hash::Hash;
use cordon_model::{Mono, Now};

use super::{Notice, Surroundings};
use crate::export::config::Exporter;
use crate::export::delivery::{Alarm, Delivery, Effect, Fault, Input, Item, MS};
use crate::export::feed::{Feed, News};
use crate::export::letters::Letters;
use crate::export::sink::{Sent, Sink};
use crate::export::status::{Phase, Status};

/// How often the status is written when nothing changes.
const STATUS_MS: u64 = 5_000;

pub(super) struct Driver<'a> {
    exporter: &'a Exporter,
    with: &'a Surroundings<'a>,
    folder: PathBuf,
    feed: Feed,
    letters: Letters,
    sink: Box<dyn Sink>,
    delivery: Delivery,
    status: Status,
    /// When the status is to be written.
    status_at: Mono,
    /// Alarms of the journals, which the state machine does not know.
    raised: Vec<Alarm>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        exporter: &'a Exporter,
        with: &'a Surroundings<'a>,
        folder: PathBuf,
        feed: Feed,
        letters: Letters,
        sink: Box<dyn Sink>,
        old: Status,
    ) -> Self {
        let now = (with.clock)();
        let Hash([a, b, c, d, e, f, g, h, ..]) =
            Hash::of_leaf(format!("{} {}", exporter.name, now.mono.0).as_bytes());
        let seed = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let delivery = Delivery::new(exporter.limits.clone(), seed);
        let status = Status { phase: Phase::Running, since: now.wall, ..old };
        let (status_at, raised) = (Mono(0), Vec::new());
        Self { exporter, with, folder, feed, letters, sink, delivery, status, status_at, raised }
    }

    /// Takes over an alarm that was raised before the start.
    pub(super) fn inherit(&mut self, alarm: Alarm) {
        self.raised.push(alarm);
    }

    /// Reads and delivers what there is; gives how long there is nothing to do, in milliseconds.
    pub(super) fn round(&mut self) -> u64 {
        let mut effects = VecDeque::new();
        let mut is_new = false;
        while self.delivery.wants() {
            let Some(item) = self.read() else { break };
            is_new = true;
            self.step(Input::Read(item), &mut effects);
        }
        self.step(Input::Tick, &mut effects);
        let mut is_moved = false;
        while let Some(effect) = effects.pop_front() {
            is_moved |= matches!(effect, Effect::Send(_) | Effect::Advance { .. });
            self.act(effect, &mut effects);
        }
        let now = (self.with.clock)();
        let is_kept = self.keep(now);
        if now.mono >= self.status_at {
            self.tell(now, is_kept);
        }
        if is_moved || (is_new && self.delivery.wants()) {
            return 0;
        }
        let wait = self.delivery.deadline().map(|at| at.0.saturating_sub(now.mono.0).div_ceil(MS));
        // A deadline that is over and moves nothing must not become a busy loop.
        wait.unwrap_or(u64::MAX).max(5)
    }

    pub(super) fn stop(mut self) {
        let now = (self.with.clock)();
        self.phase(Phase::Stopped, now);
        let is_kept = self.keep(now);
        self.tell(now, is_kept);
    }

    /// Brings the places to disk. When that fails records come twice, but they come.
    fn keep(&mut self, now: Now) -> bool {
        let mut is_kept = true;
        for stream in &mut self.feed.streams {
            is_kept &= stream.keep().is_ok();
        }
        if !is_kept {
            self.error("state-write-failed", now);
            self.alarm(Alarm::State, true);
        }
        is_kept
    }

    fn step(&mut self, input: Input<'_>, effects: &mut VecDeque<Effect>) {
        let mut out = Vec::new();
        self.delivery.step((self.with.clock)(), input, &mut out);
        effects.extend(out);
    }

    fn read(&mut self) -> Option<Item> {
        let mut news = Vec::new();
        let now = (self.with.clock)();
        let words =
            |entry: &_, record: &_, id: &_| (self.with.words)(self.exporter, entry, record, id);
        let item = self.feed.next(now.mono, &words, &mut news);
        for news in news {
            match news {
                News::Gap { index, first, records } => {
                    let name = self.feed.streams.get(index).map(|stream| stream.name());
                    let stream = self.status.streams.entry(name.unwrap_or_default()).or_default();
                    stream.lost_records = stream.lost_records.saturating_add(records);
                    self.error("journal-gap", now);
                    self.alarm(Alarm::Gap, true);
                    // Counted twice after a crash is better than never.
                    self.tell(now, true);
                    if let Some(stream) = self.feed.streams.get_mut(index) {
                        stream.skip(first);
                    }
                }
                News::Unreadable { label } => {
                    self.error(label, now);
                    self.alarm(Alarm::Journal, true);
                }
                News::Readable => {
                    if self.feed.streams.iter().all(|stream| stream.error.is_none()) {
                        self.alarm(Alarm::Journal, false);
                    }
                }
            }
        }
        item
    }

    fn act(&mut self, effect: Effect, effects: &mut VecDeque<Effect>) {
        let now = (self.with.clock)();
        match effect {
            Effect::Send(number) => {
                let texts = self.delivery.batch(number).filter_map(|item| item.text.as_deref());
                let texts: Vec<&str> = texts.collect();
                let sent = self.sink.send(now.mono, number, &texts);
                let input = match sent {
                    Sent::Accepted => Input::Accepted(number),
                    Sent::Pending => Input::Sent(number),
                    Sent::Failed(fault) => Input::Failed(number, fault),
                    Sent::Lost(fault) => Input::Lost(fault),
                };
                match sent {
                    Sent::Accepted | Sent::Pending => self.phase(Phase::Running, now),
                    Sent::Failed(fault) | Sent::Lost(fault) => self.fault(fault, now),
                }
                self.step(input, effects);
            }
            Effect::Poll => match self.sink.poll(now.mono) {
                Ok(numbers) => self.step(Input::Acknowledged(&numbers), effects),
                Err(fault) => {
                    self.fault(fault, now);
                    self.step(Input::Lost(fault), effects);
                }
            },
            Effect::SetAside { item, reason } => {
                let input = match self.letters.add(&item, reason, now.wall) {
                    Ok(()) => {
                        self.error(reason, now);
                        Input::SetAside
                    }
                    Err(label) => {
                        self.error(label, now);
                        self.phase(Phase::Standing, now);
                        Input::NotSetAside(label)
                    }
                };
                self.step(input, effects);
            }
            Effect::Advance { source, cursor } => {
                if let Some(stream) = self.feed.streams.get_mut(source) {
                    stream.advance(cursor);
                }
            }
            Effect::Raise(alarm) => self.alarm(alarm, true),
            Effect::Clear(alarm) => self.alarm(alarm, false),
        }
    }

    fn fault(&mut self, fault: Fault, now: Now) {
        let (label, phase) = match fault {
            Fault::Away(label) => (label, Some(Phase::Waiting)),
            Fault::Refused(label) => (label, Some(Phase::Refused)),
            Fault::Rejected(label) => (label, None),
        };
        self.error(label, now);
        if let Some(phase) = phase {
            self.phase(phase, now);
        }
    }

    fn error(&mut self, label: &str, now: Now) {
        self.status.last_error = Some(label.to_owned());
        self.status.last_error_at = Some(now.wall);
    }

    fn phase(&mut self, phase: Phase, now: Now) {
        if self.status.phase != phase {
            self.status.phase = phase;
            self.status.since = now.wall;
            self.status_at = Mono(0);
        }
    }

    fn alarm(&mut self, alarm: Alarm, is_raised: bool) {
        if self.raised.contains(&alarm) != is_raised {
            self.raised.retain(|raised| *raised != alarm);
            self.raised.extend(is_raised.then_some(alarm));
            self.status_at = Mono(0);
            (self.with.tell)(&self.exporter.name, &Notice::Alarm(alarm, is_raised));
        }
    }

    /// Writes the status.
    fn tell(&mut self, now: Now, is_kept: bool) {
        if let Ok((letters, bytes)) = self.letters.count() {
            self.status.dead_letters = letters;
            self.status.dead_letter_bytes = bytes;
        }
        for stream in &self.feed.streams {
            let status = self.status.streams.entry(stream.name()).or_default();
            if let Some(backlog) = stream.backlog() {
                status.behind_bytes = backlog.bytes;
                status.behind_records = backlog.records;
            }
            status.next = stream.done.map_or(0, |done| done.next);
            status.error.clone_from(&stream.error);
        }
        let oldest = self.delivery.oldest().map(|time| time.wall().0);
        self.raised.sort_unstable();
        self.status.alarms = self.raised.iter().map(|alarm| alarm.label().to_owned()).collect();
        self.status.at = now.wall;
        self.status.lag_s = oldest.map_or(0, |oldest| now.wall.0.saturating_sub(oldest));
        let is_written = self.status.save(&self.folder).is_ok();
        self.status_at = Mono(now.mono.0.saturating_add(STATUS_MS * MS));
        if !is_written {
            self.error("state-write-failed", now);
            self.alarm(Alarm::State, true);
        } else if is_kept {
            self.alarm(Alarm::State, false);
        }
    }
}
