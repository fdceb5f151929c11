//! The state machine of an exporter, against a receiver that may do anything.

use std::collections::{BTreeMap, BTreeSet};

use cordon_control::export::delivery::{Alarm, Delivery, Effect, Fault, Input, Item, Limits, MS};
use cordon_journal::hash::Hash;
use cordon_journal::read::Cursor;
use cordon_model::{Mono, Now, Wall, WallMs};
use proptest::prelude::*;

/// What the receiver does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Take,
    /// It takes the first of the records, and the connection breaks.
    Break(usize),
    Away,
    Refuse,
    /// Of the acknowledgements: says nothing.
    Silent,
    /// Forgets what it had not brought to disk.
    Forget,
    /// The exporter is stopped and starts from the place it kept.
    Restart,
}

struct World {
    delivery: Delivery,
    limits: Limits,
    now_ms: u64,
    /// The journal: streams of record times.
    spool: Vec<Vec<u64>>,
    read: Vec<u64>,
    kept: Vec<u64>,
    is_late: bool,
    poison: BTreeSet<(usize, u64)>,
    dead: BTreeMap<String, usize>,
    dead_max: usize,
    buffer: Vec<(u64, Vec<String>)>,
    durable: Vec<String>,
    requests: usize,
    raised: Vec<Alarm>,
    cleared: Vec<Alarm>,
}

fn uid(source: usize, seq: u64) -> String {
    format!("{source}/{seq}")
}

fn limits() -> Limits {
    Limits {
        batch_records_max: 7,
        batch_bytes_max: 60,
        window_batches_max: 3,
        ack_ms: 20_000,
        retry_ms_max: 8_000,
        refused_ms: 30_000,
        ..Limits::default()
    }
}

impl World {
    fn new(spool: Vec<Vec<u64>>, limits: Limits, is_late: bool) -> Self {
        let streams = spool.len();
        Self {
            delivery: Delivery::new(limits.clone(), 7),
            limits,
            now_ms: 1_000,
            spool,
            read: vec![0; streams],
            kept: vec![0; streams],
            is_late,
            poison: BTreeSet::new(),
            dead: BTreeMap::new(),
            dead_max: usize::MAX,
            buffer: Vec::new(),
            durable: Vec::new(),
            requests: 0,
            raised: Vec::new(),
            cleared: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now { mono: Mono(self.now_ms * MS), wall: Wall(self.now_ms / 1_000) }
    }

    /// Gives the oldest record that is written by now.
    fn next(&mut self) -> Option<Item> {
        let time = |source: usize| self.spool[source].get(self.read[source] as usize).copied();
        let source = (0..self.spool.len())
            .filter(|source| time(*source).is_some_and(|time| time <= self.now_ms))
            .min_by_key(|source| time(*source))?;
        let seq = self.read[source];
        let time = WallMs(time(source)?);
        self.read[source] += 1;
        let cursor = Cursor { next: seq + 1, last: Hash::ZERO, segment: 0, offset: seq };
        // Every fifth has no words in the format.
        let text = (seq % 5 != 4).then(|| uid(source, seq));
        Some(Item { source, cursor, time, uid: uid(source, seq), text })
    }

    fn is_durable(&self, source: usize, seq: u64) -> bool {
        let uid = uid(source, seq);
        seq % 5 == 4 || self.dead.contains_key(&uid) || self.durable.contains(&uid)
    }

    fn step(&mut self, input: Input<'_>, act: &mut dyn FnMut() -> Act) {
        let mut out = Vec::new();
        self.delivery.step(self.now(), input, &mut out);
        for effect in out {
            match effect {
                Effect::Send(number) => self.send(number, act),
                Effect::Poll => self.poll(act),
                Effect::SetAside { item, reason } => {
                    assert_eq!(reason, "bad-record");
                    let answer = if self.dead.len() < self.dead_max {
                        *self.dead.entry(item.uid).or_default() += 1;
                        Input::SetAside
                    } else {
                        Input::NotSetAside("full")
                    };
                    self.step(answer, act);
                }
                Effect::Advance { source, cursor } => {
                    for seq in self.kept[source]..cursor.next {
                        assert!(self.is_durable(source, seq), "{source}/{seq} is not there yet");
                    }
                    assert!(cursor.next > self.kept[source], "the place goes back");
                    self.kept[source] = cursor.next;
                }
                Effect::Raise(alarm) => self.raised.push(alarm),
                Effect::Clear(alarm) => self.cleared.push(alarm),
            }
        }
    }

    fn send(&mut self, number: u64, act: &mut dyn FnMut() -> Act) {
        self.requests += 1;
        let uids: Vec<String> =
            self.delivery.batch(number).map(|item| item.text.clone().unwrap()).collect();
        assert!(!uids.is_empty() && uids.len() <= self.limits.batch_records_max);
        let poison = self.poison.clone();
        let is_bad = |uid: &String| {
            let (source, seq) = uid.split_once('/').unwrap();
            poison.contains(&(source.parse().unwrap(), seq.parse().unwrap()))
        };
        let answer = match act() {
            Act::Away => Input::Failed(number, Fault::Away("busy")),
            Act::Refuse => Input::Failed(number, Fault::Refused("token")),
            Act::Break(count) if self.is_late => {
                // One connection: what survives is a beginning of what was sent.
                let buffer: Vec<_> = self.buffer.drain(..).collect();
                if count > 3 {
                    self.durable.extend(buffer.into_iter().flat_map(|(_, uids)| uids));
                    let good = uids.into_iter().take_while(|uid| !is_bad(uid));
                    self.durable.extend(good.take(count - 3));
                }
                Input::Lost(Fault::Away("connection-lost"))
            }
            Act::Break(count) => {
                let good = uids.into_iter().take_while(|uid| !is_bad(uid));
                self.durable.extend(good.take(count));
                Input::Failed(number, Fault::Away("connection-lost"))
            }
            Act::Take | Act::Silent | Act::Forget | Act::Restart if uids.iter().any(is_bad) => {
                Input::Failed(number, Fault::Rejected("bad-record"))
            }
            Act::Take | Act::Silent | Act::Forget | Act::Restart if self.is_late => {
                self.buffer.push((number, uids));
                Input::Sent(number)
            }
            Act::Take | Act::Silent | Act::Forget | Act::Restart => {
                self.durable.extend(uids);
                Input::Accepted(number)
            }
        };
        self.step(answer, act);
    }

    fn poll(&mut self, act: &mut dyn FnMut() -> Act) {
        match act() {
            Act::Silent => self.step(Input::Acknowledged(&[]), act),
            Act::Away | Act::Refuse | Act::Forget | Act::Break(_) => {
                self.buffer.clear();
                self.step(Input::Lost(Fault::Away("connection-lost")), act);
            }
            Act::Take | Act::Restart => {
                let (numbers, uids): (Vec<u64>, Vec<_>) = self.buffer.drain(..).unzip();
                self.durable.extend(uids.into_iter().flatten());
                self.step(Input::Acknowledged(&numbers), act);
            }
        }
    }

    fn restart(&mut self) {
        self.delivery = Delivery::new(self.limits.clone(), 8);
        self.buffer.clear();
        self.read.clone_from(&self.kept);
    }

    /// Goes on until nothing is left, or for so many steps.
    fn run(&mut self, steps: usize, act: &mut dyn FnMut() -> Act) {
        for _ in 0..steps {
            while self.delivery.wants() {
                let Some(item) = self.next() else { break };
                self.step(Input::Read(item), act);
            }
            self.step(Input::Tick, act);
            if self.kept.iter().zip(&self.spool).all(|(kept, all)| *kept == all.len() as u64) {
                return;
            }
            // Not before the deadline, unless there is something new to read.
            let next = self.delivery.deadline().map_or(u64::MAX, |at| at.0.div_ceil(MS));
            let unread = self.spool.iter().zip(&self.read);
            let unread = unread.filter_map(|(all, read)| all.get(*read as usize)).min();
            let unread = unread.copied().filter(|_| self.delivery.wants()).unwrap_or(u64::MAX);
            assert!(next.min(unread) < u64::MAX, "nothing would ever happen again");
            self.now_ms = next.min(unread).max(self.now_ms + 1);
        }
    }

    fn check(&self) {
        for (source, times) in self.spool.iter().enumerate() {
            assert_eq!(self.kept[source], times.len() as u64, "stream {source} is not done");
            let ours = |uid: &&String| uid.starts_with(&format!("{source}/"));
            let seq = |uid: &String| uid.split_once('/').unwrap().1.parse::<u64>().unwrap();
            let all: Vec<u64> = self.durable.iter().filter(ours).map(seq).collect();
            let mut once = Vec::new();
            let mut last = Vec::new();
            for seq in &all {
                if !once.contains(seq) {
                    once.push(*seq);
                }
                last.retain(|known| known != seq);
                last.push(*seq);
            }
            let is_sent = |seq: &u64| seq % 5 != 4 && !self.poison.contains(&(source, *seq));
            let expected: Vec<u64> = (0..times.len() as u64).filter(is_sent).collect();
            assert_eq!(once, expected, "first copies of stream {source}");
            assert_eq!(last, expected, "last copies of stream {source}");
        }
        for (source, seq) in &self.poison {
            assert!(self.dead.contains_key(&uid(*source, *seq)) || seq % 5 == 4);
        }
        assert!(self.dead.keys().all(|uid| !self.durable.contains(uid)));
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => Just(Act::Take),
        1 => (0_usize..8).prop_map(Act::Break),
        1 => Just(Act::Away),
        1 => Just(Act::Refuse),
        1 => Just(Act::Silent),
        1 => Just(Act::Forget),
        1 => Just(Act::Restart),
    ]
}

proptest! {
    #[test]
    fn every_record_arrives_or_is_set_aside_and_in_order(
        acts in proptest::collection::vec(act(), 0..120),
        is_late in any::<bool>(),
        first in proptest::collection::vec(0_u64..4_000, 1..60),
        second in proptest::collection::vec(0_u64..4_000, 0..30),
        poison in proptest::collection::btree_set((0_usize..2, 0_u64..60), 0..6),
    ) {
        let mut spool = vec![first, second];
        spool.iter_mut().for_each(|times| times.sort_unstable());
        let mut world = World::new(spool, limits(), is_late);
        let exists = |(source, seq): &(usize, u64)| {
            (*seq as usize) < world.spool[*source].len() && seq % 5 != 4
        };
        world.poison = poison.into_iter().filter(exists).collect();
        let mut acts = acts.into_iter();
        let restarts = std::cell::Cell::new(false);
        let mut next = || {
            let act = acts.next().unwrap_or(Act::Take);
            restarts.set(restarts.get() || act == Act::Restart);
            act
        };
        for _ in 0..3_000 {
            world.run(1, &mut next);
            if restarts.replace(false) {
                world.restart();
            }
        }
        world.check();
    }
}

#[test]
fn a_day_without_the_receiver_loses_nothing() {
    let day_ms = 86_400_000;
    // A record every two seconds, and the receiver comes back after 24 hours.
    let times = (0..43_200).map(|index| 2_000 + index * 2_000).collect();
    let limits = Limits { window_batches_max: 4, ..Limits::default() };
    let mut world = World::new(vec![times], limits, false);
    let mut away = || Act::Away;
    while world.now_ms < day_ms {
        world.run(1, &mut away);
    }
    assert!(world.requests < 3_000, "{} requests in a day", world.requests);
    assert_eq!(world.kept, [0]);
    assert_eq!(world.raised, [Alarm::Lag]);
    assert!(world.read[0] < 6_000, "what waits stays in the journal");
    world.run(usize::MAX, &mut || Act::Take);
    assert_eq!(world.cleared, [Alarm::Lag]);
    assert_eq!(world.durable.len(), 43_200 / 5 * 4);
    let numbers = world.durable.iter().map(|uid| uid.split_once('/').unwrap().1.parse().unwrap());
    assert!(numbers.collect::<Vec<u64>>().is_sorted());
}

#[test]
fn a_refused_token_sets_nothing_aside() {
    let mut world = World::new(vec![vec![0; 20]], limits(), false);
    world.run(50, &mut || Act::Refuse);
    assert_eq!(world.raised.first(), Some(&Alarm::Refused));
    assert!(world.dead.is_empty() && world.kept == [0]);
    world.run(100, &mut || Act::Take);
    assert!(world.cleared.contains(&Alarm::Refused));
    world.check();
}

#[test]
fn only_the_bad_record_is_set_aside() {
    let mut world = World::new(vec![vec![0; 20]], limits(), false);
    world.poison = BTreeSet::from([(0, 3), (0, 12)]);
    world.run(100, &mut || Act::Take);
    world.check();
    assert_eq!(world.dead, BTreeMap::from([(uid(0, 3), 1), (uid(0, 12), 1)]));
    assert_eq!(world.delivery.dead_letters(), 2);
}

#[test]
fn stands_when_no_more_can_be_set_aside_and_goes_on_when_there_is_room() {
    let mut world = World::new(vec![vec![0; 20]], limits(), false);
    world.poison = BTreeSet::from([(0, 2), (0, 3), (0, 10)]);
    world.dead_max = 1;
    world.run(200, &mut || Act::Take);
    assert!(world.delivery.stands(Alarm::DeadLetters));
    assert_eq!(world.kept, [3]);
    world.dead_max = 9;
    world.run(200, &mut || Act::Take);
    assert!(!world.delivery.stands(Alarm::DeadLetters));
    world.check();
}

#[test]
fn a_receiver_that_wants_nothing_is_taken_for_a_refusal() {
    let limits = Limits { rejected_in_row_max: 3, ..limits() };
    let mut world = World::new(vec![vec![0; 40]], limits, false);
    world.poison = (0..40).map(|seq| (0, seq)).collect();
    let start_ms = world.now_ms;
    while world.now_ms < start_ms + 100_000 {
        world.run(1, &mut || Act::Take);
    }
    assert!(world.delivery.stands(Alarm::Refused));
    assert!(world.dead.len() <= 7, "{}", world.dead.len());
    let dead = &world.dead;
    world.poison.retain(|(_, seq)| dead.contains_key(&uid(0, *seq)));
    world.run(300, &mut || Act::Take);
    world.check();
}

#[test]
fn sends_again_what_is_never_acknowledged() {
    let mut world = World::new(vec![vec![0; 20]], limits(), true);
    let mut polls = 0;
    world.run(60, &mut || {
        polls += 1;
        Act::Silent
    });
    assert_eq!(world.kept, [0]);
    assert!(world.buffer.len() > 6, "the window is sent again: {}", world.buffer.len());
    world.buffer.clear();
    world.restart();
    world.run(400, &mut || Act::Take);
    world.check();
}
