//! Inspection of copies: what the kernel forwards by itself, because care depends on it, is put
//! together from copies of its packets and judged; the verdicts are told, and stop nothing.
//!
//! Invariant: what is kept is bounded in conversations and bytes; what has to be given up is
//! counted. Nothing here can delay or stop a packet.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use cordon_core::inspect::Excuses;
use cordon_core::inspect::conversation::{Conversation, Record};
use cordon_model::{Mono, Now, Protocol, Transport};
use cordon_wire::fragment::{self, Outcome, Reassembly};
use cordon_wire::tcp::{Connection, Event, Segment, Side};

use super::memories::Memories;
use super::packet::{self, Carried, Flags, Packet};
use super::reading::is_told;
use super::rules::{Party, Rules};
use super::seen::{Counts, Ended, Ends, Seen};

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyLimits {
    /// Conversations at one time.
    pub conversations_max: usize,
    /// Bytes of all streams together that are kept out of order.
    pub held_bytes_max: usize,
    /// How long a conversation may be silent.
    /// # Units
    /// Seconds.
    pub idle_s: u64,
    /// Devices that are remembered.
    pub devices_max: usize,
}

impl Default for CopyLimits {
    fn default() -> Self {
        Self {
            conversations_max: 4_096,
            held_bytes_max: 16 << 20,
            idle_s: 3_600,
            devices_max: 4_096,
        }
    }
}

/// What could not be looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overlooked {
    /// Packets that cannot be read.
    pub damaged: u64,
    /// Packets of which no flow is known.
    pub unknown: u64,
    /// Conversations that made room for newer ones.
    pub evicted: u64,
    /// Bytes of streams that were not copied, or came too late.
    pub lost_bytes: u64,
}

/// Both ends, the lower first, so that either direction finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    transport: Transport,
    low: (IpAddr, u16),
    high: (IpAddr, u16),
}

/// One conversation.
#[derive(Debug)]
struct Entry {
    ends: Ends,
    party: Party,
    memory: usize,
    streams: Connection<()>,
    conversation: Box<Conversation>,
    /// Whether bytes before what comes were not seen, of the device and towards it.
    excuses: Excuses,
    last: Mono,
    counts: Counts,
}

/// What hears of verdicts.
pub type Each<'e> = &'e mut dyn FnMut(Seen);

/// Inspection of copies.
#[derive(Debug)]
pub struct Copies {
    rules: Arc<Rules>,
    limits: CopyLimits,
    fragments: Reassembly,
    entries: BTreeMap<Key, Box<Entry>>,
    held_bytes: usize,
    memories: Memories,
    overlooked: Overlooked,
}

/// A segment or datagram, and between whom it goes.
struct Arrival<'a> {
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    transport: Transport,
    carried: Carried<'a>,
}

impl Copies {
    /// Begins.
    #[must_use]
    pub fn new(rules: Arc<Rules>, limits: CopyLimits) -> Self {
        Self {
            rules,
            limits,
            fragments: Reassembly::default(),
            entries: BTreeMap::new(),
            held_bytes: 0,
            memories: Memories::new(limits.devices_max),
            overlooked: Overlooked::default(),
        }
    }

    /// Gives what could not be looked into so far.
    #[must_use]
    pub fn overlooked(&self) -> Overlooked {
        self.overlooked
    }

    /// Gives how many conversations are followed.
    #[must_use]
    pub fn conversations(&self) -> usize {
        self.entries.len()
    }

    /// Takes a whole IP packet.
    pub fn packet(&mut self, now: Now, bytes: &[u8], each: Each<'_>) {
        let Some(packet) = packet::read(bytes) else {
            self.overlooked.damaged = self.overlooked.damaged.saturating_add(1);
            return;
        };
        let Some(part) = packet.fragment else {
            return self.whole(now, &packet, packet.payload, each);
        };
        let key = fragment::Key {
            src: packet.src,
            dst: packet.dst,
            protocol: if packet.src.is_ipv4() { packet.protocol } else { 0 },
            identification: part.identification,
        };
        let fragment = fragment::Fragment {
            key,
            offset: part.offset,
            more: part.more,
            bytes: packet.payload,
            is_cut: packet.is_cut,
        };
        match self.fragments.add(now.mono.0, &fragment) {
            Outcome::Kept | Outcome::Dropped(_) => {}
            Outcome::Whole(payload) => self.whole(now, &packet, &payload, each),
        }
    }

    fn whole(&mut self, now: Now, packet: &Packet<'_>, payload: &[u8], each: Each<'_>) {
        let Some(carried) = packet::carried(packet.protocol, payload) else {
            self.overlooked.damaged = self.overlooked.damaged.saturating_add(1);
            return;
        };
        let (transport, ports) = match carried {
            Carried::Tcp { ports, .. } => (Transport::Tcp, ports),
            Carried::Udp { ports, .. } => (Transport::Udp, ports),
        };
        let (from, to) = ((packet.src, ports.0), (packet.dst, ports.1));
        let arrival = Arrival { from, to, transport, carried };
        let key = Key::new(transport, from, to);
        // A connection that is over makes room for the next between the same ports.
        if matches!(carried, Carried::Tcp { flags: Flags { syn: true, .. }, ack: None, .. })
            && let Some(entry) = self.entries.remove(&key)
        {
            self.end(entry, now, Ended::Done, each);
        }
        if !self.entries.contains_key(&key) && !self.begin(key, &arrival, now, each) {
            return;
        }
        self.take(key, &arrival, now, each);
    }

    fn take(&mut self, key: Key, arrival: &Arrival<'_>, now: Now, each: Each<'_>) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.last = now.mono;
        let memory = self.memories.at(entry.memory);
        let mut case = Case { now, memory, overlooked: &mut self.overlooked, each: &mut *each };
        let opener = (entry.ends.opener.ip(), entry.ends.opener.port());
        let from = if arrival.from == opener { Side::Client } else { Side::Server };
        let before = entry.streams.held_bytes();
        entry.arrived(from, &arrival.carried, &mut case);
        let held = self.held_bytes.saturating_sub(before);
        if held.saturating_add(entry.streams.held_bytes()) > self.limits.held_bytes_max {
            entry.let_go(&mut case);
        }
        self.held_bytes = held.saturating_add(entry.streams.held_bytes());
        if arrival.transport == Transport::Tcp
            && entry.streams.is_over()
            && let Some(entry) = self.entries.remove(&key)
        {
            self.end(entry, now, Ended::Done, each);
        }
    }

    /// Begins to follow a conversation; says whether there is a flow for it.
    fn begin(&mut self, key: Key, arrival: &Arrival<'_>, now: Now, each: Each<'_>) -> bool {
        let (from, to, transport) = (arrival.from, arrival.to, arrival.transport);
        let is_opening = matches!(
            arrival.carried,
            Carried::Tcp { flags: Flags { syn: true, .. }, ack: None, .. }
        );
        let rules = &self.rules;
        let forth = rules.between(from.0, to.0, to.1, transport).map(|party| (from, to, party));
        let found = forth.or_else(|| {
            rules.between(to.0, from.0, from.1, transport).map(|party| (to, from, party))
        });
        let Some((opener, listener, party)) = found else {
            self.overlooked.unknown = self.overlooked.unknown.saturating_add(1);
            return false;
        };
        if self.entries.len() >= self.limits.conversations_max {
            self.evict(now, each);
        }
        let ends = Ends {
            transport,
            opener: SocketAddr::new(opener.0, opener.1),
            listener: SocketAddr::new(listener.0, listener.1),
        };
        let is_joined = transport == Transport::Tcp && !is_opening;
        let entry = Entry {
            ends,
            memory: party.device().map_or(0, |device| self.memories.place(&device.id)),
            streams: Connection::default(),
            conversation: Box::new(Conversation::new(party.protocol(), party.opened())),
            excuses: if is_joined { Excuses::BOTH } else { Excuses::default() },
            last: now.mono,
            counts: Counts::default(),
            party: party.clone(),
        };
        self.entries.insert(key, Box::new(entry));
        each(Seen::Opened { at: now.wall, ends, party });
        true
    }

    /// Ends the conversation that was silent for longest.
    fn evict(&mut self, now: Now, each: Each<'_>) {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last).map(|(key, _)| *key);
        if let Some(entry) = oldest.and_then(|key| self.entries.remove(&key)) {
            self.overlooked.evicted = self.overlooked.evicted.saturating_add(1);
            self.end(entry, now, Ended::Idle, each);
        }
    }

    /// Ends what was silent for too long.
    pub fn tick(&mut self, now: Now, each: Each<'_>) {
        let idle_ns = self.limits.idle_s.saturating_mul(1_000_000_000);
        let is_idle = |entry: &Entry| now.mono.0.saturating_sub(entry.last.0) >= idle_ns;
        self.end_if(now, Ended::Idle, each, &is_idle);
    }

    /// Judges every conversation by other rules.
    pub fn policy(&mut self, now: Now, rules: &Arc<Rules>, each: Each<'_>) {
        self.rules = Arc::clone(rules);
        let next = |entry: &Entry| rules.successor(&entry.party);
        self.end_if(now, Ended::Policy, each, &|entry| next(entry).is_none());
        for entry in self.entries.values_mut() {
            if let Some(party) = next(entry) {
                entry.party = party;
            }
        }
    }

    fn end_if(&mut self, now: Now, why: Ended, each: Each<'_>, ends: &dyn Fn(&Entry) -> bool) {
        let over: Vec<Key> =
            self.entries.iter().filter(|(_, entry)| ends(entry)).map(|(key, _)| *key).collect();
        for key in over {
            if let Some(entry) = self.entries.remove(&key) {
                self.end(entry, now, why, each);
            }
        }
    }

    fn end(&mut self, mut entry: Box<Entry>, now: Now, why: Ended, each: Each<'_>) {
        self.held_bytes = self.held_bytes.saturating_sub(entry.streams.held_bytes());
        let memory = self.memories.at(entry.memory);
        entry.end(&mut Case { now, memory, overlooked: &mut self.overlooked, each: &mut *each });
        let Entry { ends, party, counts, .. } = *entry;
        each(Seen::Closed { at: now.wall, ends, party, why, counts });
    }
}

/// What an arrival is judged with.
struct Case<'c> {
    now: Now,
    memory: &'c mut cordon_core::inspect::Memory,
    overlooked: &'c mut Overlooked,
    each: Each<'c>,
}

/// What happens to one direction of a conversation.
#[derive(Clone, Copy)]
enum Happening<'a> {
    Bytes(&'a [u8]),
    Datagram(&'a [u8]),
    Gap,
    End,
}

impl Entry {
    fn arrived(&mut self, from: Side, carried: &Carried<'_>, case: &mut Case<'_>) {
        match *carried {
            Carried::Udp { payload, .. } => {
                if self.party.protocol() == Protocol::Bacnet {
                    self.happens(from, Happening::Datagram(payload), case);
                }
            }
            Carried::Tcp { seq, ack, flags, payload, .. } => {
                let Flags { syn, fin, rst } = flags;
                let segment =
                    Segment { from, seq, ack, syn, fin, rst, payload, cut_bytes: 0, mark: () };
                let mut streams = std::mem::take(&mut self.streams);
                streams.segment(&segment, &mut |event| self.event(event, case));
                self.streams = streams;
            }
        }
    }

    fn let_go(&mut self, case: &mut Case<'_>) {
        let mut streams = std::mem::take(&mut self.streams);
        streams.let_go(&mut |event| self.event(event, case));
        self.streams = streams;
    }

    fn end(&mut self, case: &mut Case<'_>) {
        let mut streams = std::mem::take(&mut self.streams);
        streams.finish(&mut |event| self.event(event, case));
        self.happens(Side::Client, Happening::End, case);
        self.happens(Side::Server, Happening::End, case);
        self.conversation.close(case.memory);
    }

    fn event(&mut self, event: Event<'_, ()>, case: &mut Case<'_>) {
        let lost = |case: &mut Case<'_>, bytes: u64| {
            case.overlooked.lost_bytes = case.overlooked.lost_bytes.saturating_add(bytes);
        };
        match event {
            Event::Data { from, bytes, .. } => self.happens(from, Happening::Bytes(bytes), case),
            Event::Gap { from, bytes, .. } => {
                lost(case, bytes);
                self.excuses = Excuses::BOTH;
                self.happens(from, Happening::Gap, case);
            }
            Event::Late { bytes, .. } => lost(case, u64::try_from(bytes).unwrap_or(u64::MAX)),
            Event::End { from, .. } => self.happens(from, Happening::End, case),
            Event::Conflict { .. } | Event::Reset { .. } => {}
        }
    }

    fn happens(&mut self, from: Side, what: Happening<'_>, case: &mut Case<'_>) {
        let way = self.party.way(from == Side::Client);
        if let Happening::Bytes(bytes) | Happening::Datagram(bytes) = what {
            self.counts.bytes(way, bytes.len());
        }
        let Some(subject) = self.party.subject() else { return };
        let (now, ends, party) = (case.now, self.ends, &self.party);
        let (counts, excuses) = (&mut self.counts, &mut self.excuses);
        let (memory, tell) = (&mut *case.memory, &mut *case.each);
        let mut each = |record: Record<'_>| {
            if !is_told(&record) {
                return;
            }
            let judgement = record.judgement;
            counts.verdict(judgement.verdict);
            let is_excused = excuses.take(record.way, judgement.reasons);
            tell(Seen::Message {
                at: now,
                ends,
                party: party.clone(),
                way: record.way,
                bytes: record.bytes.len(),
                judgement,
                is_enforced: false,
                is_excused,
            });
        };
        let conversation = &mut self.conversation;
        match what {
            Happening::Bytes(bytes) => {
                conversation.feed(now, way, bytes, &subject, memory, &mut each);
            }
            Happening::Datagram(bytes) => {
                conversation.datagram(now, way, bytes, &subject, memory, &mut each);
            }
            Happening::Gap => conversation.gap(now, way, &subject, memory, &mut each),
            Happening::End => conversation.finish(now, way, &subject, memory, &mut each),
        }
    }
}

impl Key {
    fn new(transport: Transport, from: (IpAddr, u16), to: (IpAddr, u16)) -> Self {
        let (low, high) = if from <= to { (from, to) } else { (to, from) };
        Self { transport, low, high }
    }
}

#[cfg(test)]
mod tests;
