//! Looks into captured conversations: puts them together, reads and judges every message.
//!
//! Invariant: what is kept is bounded, and what had to be given up is counted and said at the end.

use std::net::IpAddr;

use cordon_core::inspect::Memory;
use cordon_model::{Protocol, Tier, Transport};
use cordon_wire::fragment::{self, Outcome, Reassembly};
use cordon_wire::tcp::{Connection, Event, Segment, Side};

use crate::directory::Evaluated;
use crate::flows::capture::Captured;
use crate::flows::gather::Links;
use crate::flows::packet::{self, Frame, Packet, TCP, UDP, dissect};

mod event;
mod lru;
mod message;
mod party;
mod ports;
mod record;
mod speech;
mod totals;

#[cfg(test)]
mod tests;

use lru::Lru;
use party::{Ends, Plan};
use record::Mark;
pub(crate) use record::{Show, Sink};
use speech::{Speech, Turn, now};

/// TCP connections and UDP conversations that are followed at one time.
pub(crate) const CONVERSATIONS_MAX: usize = 65_536;
/// Bytes of all TCP streams together that are kept out of order.
pub(crate) const HELD_BYTES_MAX: usize = 256 << 20;
/// Devices that are remembered across their conversations.
pub(crate) const DEVICES_MAX: usize = 16_384;

/// What a run is told.
pub(crate) struct Told<'a> {
    /// What conversations are taken for, whatever they look like.
    pub(crate) protocol: Option<Protocol>,
    /// What they are held to.
    pub(crate) rules: &'a Rules,
}

/// What conversations are held to: a hospital's plan, or what holds for a device of a tier.
#[derive(Debug)]
pub(crate) struct Rules(Plan);

impl Rules {
    /// Makes the rules for a device of which only the tier is known.
    pub(crate) fn of_tier(tier: Tier) -> Self {
        Self(Plan::without_hospital(tier))
    }

    /// Takes the rules of a hospital.
    pub(crate) fn of_hospital(read: &Evaluated) -> Self {
        Self(Plan::of(read))
    }
}

/// Both ends and the transport protocol, the lower end first, so that either direction finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    transport: Transport,
    low: (IpAddr, u16),
    high: (IpAddr, u16),
}

/// A conversation that is followed.
struct Entry<'p> {
    /// The streams; none for UDP.
    streams: Option<Connection<Mark>>,
    speech: Speech<'p>,
}

/// Follows every conversation of a capture.
pub(crate) struct Pipeline<'p, 'w> {
    told: &'p Told<'p>,
    fragments: Reassembly,
    entries: Lru<Key, Entry<'p>>,
    held_bytes: usize,
    memories: Lru<IpAddr, Box<Memory>>,
    links: Links,
    last: Mark,
    sink: Sink<'w>,
}

/// What a run came to.
pub(crate) struct Findings {
    /// The tables for people.
    pub(crate) text: String,
    /// The sums for programs.
    pub(crate) json: serde_json::Value,
    /// Whether a message was blocked or remarked.
    pub(crate) found: bool,
    /// What could not be read.
    pub(crate) warnings: Vec<String>,
    /// Why writing records stopped.
    pub(crate) error: Option<std::io::Error>,
}

impl<'p, 'w> Pipeline<'p, 'w> {
    pub(crate) fn new(told: &'p Told<'p>, sink: Sink<'w>) -> Self {
        Self {
            told,
            fragments: Reassembly::default(),
            entries: Lru::new(CONVERSATIONS_MAX),
            held_bytes: 0,
            memories: Lru::new(DEVICES_MAX),
            links: Links::default(),
            last: Mark { frame: 0, ts_s: 0.0 },
            sink,
        }
    }

    /// Says whether nobody takes records any more.
    pub(crate) fn is_stuck(&self) -> bool {
        self.sink.error.is_some()
    }

    /// Takes a frame.
    pub(crate) fn frame(&mut self, captured: &Captured<'_>) {
        let mark = Mark { frame: captured.number, ts_s: captured.ts_s };
        self.last = mark;
        match dissect(captured.link, captured.data) {
            Frame::Packet(packet) => self.packet(&packet, mark),
            Frame::NotIp => self.sink.totals.other_frames += 1,
            Frame::Damaged => self.sink.totals.damaged += 1,
            Frame::UnknownLink => self.links.count(captured.link.0),
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, mark: Mark) {
        self.sink.totals.cut += u64::from(packet.is_cut);
        let Some(part) = packet.fragment else { return self.datagram(packet, mark) };
        let key = fragment::Key {
            src: packet.src,
            dst: packet.dst,
            protocol: if packet.src.is_ipv4() { packet.ip_protocol } else { 0 },
            identification: part.identification,
        };
        let fragment = fragment::Fragment {
            key,
            offset: part.offset,
            more: part.more,
            bytes: packet.payload,
            is_cut: packet.is_cut,
        };
        match self.fragments.add(now(mark).mono.0, &fragment) {
            Outcome::Kept | Outcome::Dropped(_) => {}
            Outcome::Whole(payload) => match packet::reassembled(packet, &payload) {
                Frame::Packet(whole) => self.datagram(&whole, mark),
                Frame::NotIp | Frame::UnknownLink => {}
                Frame::Damaged => self.sink.totals.damaged += 1,
            },
        }
    }

    /// Takes an IP datagram that is whole.
    fn datagram(&mut self, packet: &Packet<'_>, mark: Mark) {
        match (packet.ip_protocol, packet.ports) {
            (TCP, Some(ports)) if packet.numbers.is_some() => self.tcp(packet, ports, mark),
            (TCP, _) => self.sink.totals.damaged += 1,
            (UDP, Some(ports)) if !packet.is_cut => self.udp(packet, ports, mark),
            (UDP, Some(_)) => {}
            _ => self.sink.totals.other_frames += 1,
        }
    }

    fn udp(&mut self, packet: &Packet<'_>, ports: (u16, u16), mark: Mark) {
        let (from, to) = ((packet.src, ports.0), (packet.dst, ports.1));
        let key = Key::new(Transport::Udp, from, to);
        if self.entries.get(&key).is_none() {
            let is_answer = ports::protocol(Transport::Udp, ports.0).is_some()
                && ports::protocol(Transport::Udp, ports.1).is_none();
            let (client, server) = if is_answer { (to, from) } else { (from, to) };
            let ends = Ends { transport: Transport::Udp, client, server };
            self.sink.totals.conversations.1 += 1;
            self.begin(key, ends, None, false, mark);
        }
        let Some(Entry { speech, .. }) = self.entries.get(&key) else { return };
        let memory = memory(&mut self.memories, speech.device());
        let side = if speech.ends.client == from { Side::Client } else { Side::Server };
        let mut turn = Turn { mark, memory, sink: &mut self.sink };
        speech.datagram(side, packet.payload, &mut turn);
    }

    fn tcp(&mut self, packet: &Packet<'_>, ports: (u16, u16), mark: Mark) {
        let Some(numbers) = packet.numbers else { return };
        let (from, to) = ((packet.src, ports.0), (packet.dst, ports.1));
        let key = Key::new(Transport::Tcp, from, to);
        let bytes = u64::try_from(packet.payload.len()).unwrap_or(0);
        let mut segment = Segment {
            from: Side::Client,
            seq: numbers.seq,
            ack: packet.flags.ack.then_some(numbers.ack),
            syn: packet.flags.syn,
            fin: packet.flags.fin,
            rst: packet.flags.rst,
            payload: packet.payload,
            cut_bytes: u32::try_from(packet.payload_bytes.saturating_sub(bytes)).unwrap_or(0),
            mark,
        };
        let is_empty = packet.payload_bytes == 0;
        let is_known = match self.entries.get(&key) {
            Some(Entry { streams: Some(streams), speech }) => {
                segment.from = speech.ends.side(from);
                let is_another = streams.is_another(&segment);
                // Nothing comes of what belongs to a connection that is over.
                let is_afterwards = speech.is_over() && !packet.flags.syn;
                if is_afterwards {
                    return;
                }
                !is_another && !speech.is_over()
            }
            Some(_) | None => false,
        };
        if !is_known {
            if is_empty && !packet.flags.syn {
                return;
            }
            let ends = Ends::of_tcp(packet, from, to);
            self.sink.totals.conversations.0 += 1;
            let is_joined = !packet.flags.syn;
            self.sink.totals.joined += u64::from(is_joined);
            self.begin(key, ends, Some(Connection::default()), is_joined, mark);
        }
        let Some(entry) = self.entries.get(&key) else { return };
        segment.from = entry.speech.ends.side(from);
        let memory = memory(&mut self.memories, entry.speech.device());
        let mut turn = Turn { mark, memory, sink: &mut self.sink };
        let before = entry.held_bytes();
        entry.segment(&segment, &mut turn);
        self.held_bytes = self.held_bytes.saturating_sub(before).saturating_add(entry.held_bytes());
        if self.held_bytes > HELD_BYTES_MAX {
            let before = entry.held_bytes();
            entry.let_go(&mut turn);
            self.held_bytes = self.held_bytes.saturating_sub(before);
        }
    }

    /// Begins to follow a conversation; an older one may have to end for it.
    fn begin(
        &mut self,
        key: Key,
        ends: Ends,
        streams: Option<Connection<Mark>>,
        is_joined: bool,
        mark: Mark,
    ) {
        let party = self.told.rules.0.party(&ends, now(mark).wall.hour());
        let speech = Speech::new(ends, party, self.told.protocol, is_joined);
        if let Some(entry) = self.entries.insert(key, Entry { streams, speech }) {
            self.end(entry, mark);
        }
    }

    fn end(&mut self, mut entry: Entry<'p>, mark: Mark) {
        self.held_bytes = self.held_bytes.saturating_sub(entry.held_bytes());
        let memory = memory(&mut self.memories, entry.speech.device());
        entry.end(&mut Turn { mark, memory, sink: &mut self.sink });
    }

    /// Ends every conversation and sums up.
    /// # Shape
    /// `tally`: warnings about the file, before and after those about its frames.
    pub(crate) fn finish(
        mut self,
        frames: usize,
        tally: (Vec<String>, Option<String>),
    ) -> Findings {
        while let Some(entry) = self.entries.pop() {
            self.end(entry, self.last);
        }
        let totals = &mut self.sink.totals;
        totals.fragments = self.fragments.counts();
        totals.unfinished = self.fragments.unfinished();
        totals.evicted = self.entries.evicted;
        totals.forgotten = self.memories.evicted;
        let mut warnings = tally.0;
        warnings.extend(totals.warnings());
        warnings.extend(self.links.warnings());
        warnings.extend(tally.1);
        let mut text = String::new();
        totals.write(&mut text, frames);
        let json = totals.json(frames, &warnings);
        let found = totals.has_findings();
        Findings { text, json, found, warnings, error: self.sink.error }
    }
}

/// Gives the memory of a device, which is made when it is first asked for.
fn memory(memories: &mut Lru<IpAddr, Box<Memory>>, address: IpAddr) -> &mut Memory {
    memories.get_or(address, Box::default)
}

impl Entry<'_> {
    fn held_bytes(&self) -> usize {
        self.streams.as_ref().map_or(0, Connection::held_bytes)
    }

    fn segment(&mut self, segment: &Segment<'_, Mark>, turn: &mut Turn<'_, '_>) {
        let Some(streams) = &mut self.streams else { return };
        streams.segment(segment, &mut |event| happen(&mut self.speech, event, turn));
        if streams.is_over() {
            self.end(turn);
        }
    }

    fn let_go(&mut self, turn: &mut Turn<'_, '_>) {
        let Some(streams) = &mut self.streams else { return };
        streams.let_go(&mut |event| happen(&mut self.speech, event, turn));
    }

    fn end(&mut self, turn: &mut Turn<'_, '_>) {
        if let Some(streams) = &mut self.streams {
            streams.finish(&mut |event| happen(&mut self.speech, event, turn));
        }
        self.speech.close(turn);
    }
}

fn happen(speech: &mut Speech<'_>, event: Event<'_, Mark>, turn: &mut Turn<'_, '_>) {
    match event {
        Event::Data { from, bytes, mark, .. } => {
            turn.mark = mark;
            speech.stream(from, bytes, turn);
        }
        Event::Gap { from, bytes, why, .. } => {
            turn.sink.totals.gap(why, bytes);
            speech.gap(from, turn);
        }
        Event::Conflict { .. } => turn.sink.totals.conflicts += 1,
        Event::Late { bytes, .. } => {
            turn.sink.totals.late_bytes += u64::try_from(bytes).unwrap_or(0);
        }
        Event::End { from, mark } => {
            turn.mark = mark;
            speech.end(from, turn);
        }
        Event::Reset { .. } => {}
    }
}

impl Ends {
    /// Finds who opened a connection: by its SYN, else by the ports.
    fn of_tcp(packet: &Packet<'_>, from: (IpAddr, u16), to: (IpAddr, u16)) -> Self {
        let is_answer = match (packet.flags.syn, packet.flags.ack) {
            (true, is_answer) => is_answer,
            (false, _) => ports::listens_first(Transport::Tcp, from, to),
        };
        let (client, server) = if is_answer { (to, from) } else { (from, to) };
        Self { transport: Transport::Tcp, client, server }
    }

    fn side(&self, from: (IpAddr, u16)) -> Side {
        if self.client == from { Side::Client } else { Side::Server }
    }
}

impl Key {
    fn new(transport: Transport, from: (IpAddr, u16), to: (IpAddr, u16)) -> Self {
        let (low, high) = if from <= to { (from, to) } else { (to, from) };
        Self { transport, low, high }
    }
}
