//! One direction of a connection.
//!
//! Invariant: the pieces kept do not overlap and begin at or after the byte that is awaited.

use std::collections::BTreeMap;

use super::piece::{Content, Piece, hash, long, part, skip};
use super::{
    Event, HELD_BYTES, HELD_PIECES, Loss, REORDER_SEGMENTS, STRAYS_MAX, Side, WINDOW_BYTES_MAX,
};

/// Where offsets begin, so that those before the first byte seen have room.
const ORIGIN: u64 = 1 << 33;
/// How many segments that were handed out are remembered, to notice when one is said differently.
const SEEN_MAX: usize = 8;
/// A SYN that counts so few bytes before the first one seen is the one of this connection.
const BEFORE_BYTES_MAX: u64 = 1 << 16;

/// What a segment brings to its direction.
pub(super) struct Arrival<'a, M> {
    pub(super) from: Side,
    pub(super) seq: u32,
    pub(super) payload: &'a [u8],
    pub(super) cut_bytes: u32,
    pub(super) fin: bool,
    /// The byte of the other side before which this was not sent.
    pub(super) after: Option<u64>,
    /// Whether the stream may begin with it, for want of a SYN.
    pub(super) may_begin: bool,
    pub(super) mark: M,
}

/// What was handed out: where, how much, and a hash of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    at: u64,
    len: usize,
    hash: u64,
}

#[derive(Debug)]
pub(super) struct Stream<M> {
    /// A sequence number and the offset that it stands for.
    anchor: Option<(u32, u64)>,
    start: u64,
    next: Option<u64>,
    acknowledged: Option<u64>,
    end: Option<(u64, M)>,
    is_ended: bool,
    held: BTreeMap<u64, Piece<M>>,
    held_bytes: usize,
    seen: [Seen; SEEN_MAX],
    seen_next: usize,
    gap: (u64, u64),
    waited: u32,
    strays: u32,
}

impl<M> Default for Stream<M> {
    fn default() -> Self {
        Self {
            anchor: None,
            start: 0,
            next: None,
            acknowledged: None,
            end: None,
            is_ended: false,
            held: BTreeMap::new(),
            held_bytes: 0,
            seen: [Seen::default(); SEEN_MAX],
            seen_next: 0,
            gap: (0, 0),
            waited: 0,
            strays: 0,
        }
    }
}

impl<M: Copy> Stream<M> {
    pub(super) fn next(&self) -> Option<u64> {
        self.next
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn is_over_limit(&self) -> bool {
        self.held_bytes > HELD_BYTES.max || self.held.len() > HELD_PIECES.max
    }

    /// Gives the offset of a sequence number: the one nearest to what is awaited.
    /// # Source
    /// RFC 9293 §3.4.
    pub(super) fn offset(&self, seq: u32) -> Option<u64> {
        let (anchor, offset) = self.anchor?;
        offset.checked_add_signed(i64::from(seq.wrapping_sub(anchor).cast_signed()))
    }

    /// Says whether a sequence number is within a window of what is awaited, or nothing is.
    pub(super) fn is_near(&self, seq: u32) -> bool {
        let (Some((_, awaited)), Some(offset)) = (self.anchor, self.offset(seq)) else {
            return self.anchor.is_none();
        };
        offset.abs_diff(awaited) <= WINDOW_BYTES_MAX
    }

    /// Says whether a SYN is of another connection than the bytes seen so far.
    pub(super) fn is_elsewhere(&self, seq: u32) -> bool {
        if self.next.is_none() {
            return false;
        }
        let first = self.offset(seq.wrapping_add(1));
        !first.is_some_and(|first| {
            first <= self.start && self.start.saturating_sub(first) <= BEFORE_BYTES_MAX
        })
    }

    /// Begins with a sequence number, unless it has begun; what is kept from before it stays first.
    pub(super) fn begin(&mut self, seq: u32) {
        if self.next.is_some() {
            return;
        }
        let (_, origin) = *self.anchor.get_or_insert((seq, ORIGIN));
        let offset = self.offset(seq).unwrap_or(origin);
        let first = self.held.first_key_value().map_or(offset, |(at, _)| offset.min(*at));
        self.start = first;
        self.advance(first);
    }

    fn advance(&mut self, to: u64) {
        if let Some((seq, at)) = &mut self.anchor {
            // A stream is longer than the numbers are; they begin again.
            let moved = u32::try_from(to.abs_diff(*at) & u64::from(u32::MAX)).unwrap_or(0);
            *seq = if to >= *at { seq.wrapping_add(moved) } else { seq.wrapping_sub(moved) };
            *at = to;
        }
        self.next = Some(to);
    }

    /// Hears what the other side has received.
    pub(super) fn acknowledge(&mut self, ack: u32) {
        self.begin(ack);
        if !self.is_near(ack) {
            return;
        }
        if let Some(offset) = self.offset(ack) {
            self.acknowledged = self.acknowledged.max(Some(offset));
        }
    }

    /// Gives up to where bytes are known to have arrived; the place of a FIN is no byte.
    fn acknowledged(&self) -> Option<u64> {
        let acknowledged = self.acknowledged?;
        Some(self.end.map_or(acknowledged, |(end, _)| acknowledged.min(end)))
    }

    /// Says whether the stream has been handed out up to a place.
    fn has_reached(&self, place: Option<u64>) -> bool {
        let Some(place) = place else { return true };
        let place = self.end.map_or(place, |(end, _)| place.min(end));
        self.next.is_some_and(|next| next >= place)
    }

    /// Counts the segments that came while something is missing; says when they are enough.
    pub(super) fn waits(&mut self, before: Option<u64>) -> bool {
        let is_missing = match self.next {
            Some(next) => self.acknowledged().is_some_and(|acknowledged| acknowledged > next),
            None => self.is_holding(),
        };
        if !is_missing || self.next != before {
            self.waited = 0;
            return false;
        }
        self.waited = self.waited.saturating_add(1);
        self.waited > REORDER_SEGMENTS
    }

    pub(super) fn take(
        &mut self,
        arrival: &Arrival<'_, M>,
        other: &Self,
        each: &mut dyn FnMut(Event<'_, M>),
    ) {
        let wire = long(arrival.payload.len()).saturating_add(u64::from(arrival.cut_bytes));
        if wire == 0 && !arrival.fin {
            return;
        }
        if self.anchor.is_none() {
            self.anchor = Some((arrival.seq, ORIGIN));
        }
        if arrival.may_begin {
            self.begin(arrival.seq);
        }
        let Some(at) = self.near(arrival, each) else { return };
        if arrival.fin && self.end.is_none() {
            let end = at.saturating_add(wire);
            self.end = Some((end, arrival.mark));
            self.drop_after(end);
        }
        // What comes after the end is nothing.
        let room = self.end.map_or(u64::MAX, |(end, _)| end.saturating_sub(at));
        let payload = arrival.payload;
        let payload =
            usize::try_from(room).map_or(payload, |room| payload.get(..room).unwrap_or(payload));
        let end = at.saturating_add(long(payload.len()));
        let next = self.next.unwrap_or(at);
        if at < next {
            self.repeated(at, payload, arrival, each);
        }
        let fresh = skip(payload, next.saturating_sub(at));
        let from = at.max(next);
        let is_free = self.held.first_key_value().is_none_or(|(first, _)| *first >= end);
        let has_turn = self.next == Some(from) && other.has_reached(arrival.after);
        if has_turn && is_free {
            self.emit(from, fresh, arrival.from, arrival.mark, each);
        } else if !fresh.is_empty() {
            self.keep(from, fresh, arrival, each);
        }
        if arrival.cut_bytes > 0 {
            self.keep_cut(end, arrival);
        }
    }

    /// Drops what is kept from beyond the end.
    fn drop_after(&mut self, end: u64) {
        let beyond = self.held.split_off(&end);
        let mut dropped: usize = beyond.values().map(|piece| piece.bytes()).sum();
        if let Some(mut last) = self.held.last_entry() {
            let room = end.saturating_sub(*last.key());
            let before = last.get().bytes();
            match &mut last.get_mut().content {
                Content::Bytes(bytes) => {
                    bytes.truncate(usize::try_from(room).unwrap_or(usize::MAX));
                }
                Content::Cut(bytes) => {
                    *bytes = (*bytes).min(u32::try_from(room).unwrap_or(u32::MAX))
                }
            }
            dropped = dropped.saturating_add(before.saturating_sub(last.get().bytes()));
        }
        self.held_bytes = self.held_bytes.saturating_sub(dropped);
    }

    /// Finds the place of an arrival; when too many in a row have none, begins anew with it.
    fn near(
        &mut self,
        arrival: &Arrival<'_, M>,
        each: &mut dyn FnMut(Event<'_, M>),
    ) -> Option<u64> {
        if self.is_near(arrival.seq) {
            self.strays = 0;
            return self.offset(arrival.seq);
        }
        self.strays = self.strays.saturating_add(1);
        if self.strays <= STRAYS_MAX || self.is_holding() {
            return None;
        }
        self.strays = 0;
        let (at, from) = (self.next.unwrap_or(self.start), arrival.from);
        self.acknowledged = None;
        self.end = None;
        self.anchor = Some((arrival.seq, at));
        each(Event::Gap {
            from,
            at: at.saturating_sub(self.start),
            bytes: 0,
            why: Loss::Elsewhere,
        });
        Some(at)
    }

    fn emit(
        &mut self,
        at: u64,
        bytes: &[u8],
        from: Side,
        mark: M,
        each: &mut dyn FnMut(Event<'_, M>),
    ) {
        if bytes.is_empty() {
            return;
        }
        if let Some(slot) = self.seen.get_mut(self.seen_next) {
            *slot = Seen { at, len: bytes.len(), hash: hash(bytes) };
        }
        self.seen_next = (self.seen_next + 1) % SEEN_MAX;
        self.advance(at.saturating_add(long(bytes.len())));
        each(Event::Data { from, at: at.saturating_sub(self.start), bytes, mark });
    }

    /// Looks at bytes that come again: kept alive, late, sent again, or said differently.
    /// # Source
    /// RFC 9293 §3.8.4, by which a keep-alive may bring one byte of anything.
    fn repeated(
        &self,
        at: u64,
        payload: &[u8],
        arrival: &Arrival<'_, M>,
        each: &mut dyn FnMut(Event<'_, M>),
    ) {
        let (from, mark, next) = (arrival.from, arrival.mark, self.next.unwrap_or(at));
        let end = at.saturating_add(long(payload.len()));
        if payload.len() == 1 && end == next {
            return;
        }
        let before = self.start.min(end).saturating_sub(at);
        let (gap, to) = self.gap;
        let within = to.min(end).saturating_sub(gap.max(at));
        let late = usize::try_from(before.saturating_add(within)).unwrap_or(usize::MAX);
        if late > 0 {
            each(Event::Late { from, bytes: late, mark });
        }
        let same = self.seen.iter().find(|seen| seen.at == at && seen.len == payload.len());
        if same.is_some_and(|seen| seen.len > 0 && seen.hash != hash(payload)) {
            each(Event::Conflict { from, mark });
        }
    }

    /// Keeps what has no turn yet, where nothing is kept.
    fn keep(
        &mut self,
        at: u64,
        bytes: &[u8],
        arrival: &Arrival<'_, M>,
        each: &mut dyn FnMut(Event<'_, M>),
    ) {
        let end = at.saturating_add(long(bytes.len()));
        let mut differs = false;
        let mut free = at;
        let mut news: Vec<(u64, u64)> = Vec::new();
        let first = self.held.range(..=at).next_back().map_or(at, |(first, _)| *first);
        for (&held_at, piece) in self.held.range(first..end) {
            let held_end = held_at.saturating_add(piece.content.len());
            if held_end <= at {
                continue;
            }
            if held_at > free {
                news.push((free, held_at));
            }
            let (from, to) = (held_at.max(at), held_end.min(end));
            if let Content::Bytes(held) = &piece.content {
                differs |= part(held, held_at, from, to) != part(bytes, at, from, to);
            }
            free = free.max(held_end);
        }
        if free < end {
            news.push((free, end));
        }
        for (from, to) in news {
            let content = Content::Bytes(part(bytes, at, from, to).to_vec());
            self.held_bytes =
                self.held_bytes.saturating_add(usize::try_from(content.len()).unwrap_or(0));
            self.held.insert(from, Piece { content, after: arrival.after, mark: arrival.mark });
        }
        if differs {
            each(Event::Conflict { from: arrival.from, mark: arrival.mark });
        }
    }

    /// Notes that bytes were cut off, unless something is kept there.
    fn keep_cut(&mut self, at: u64, arrival: &Arrival<'_, M>) {
        let end = at.saturating_add(u64::from(arrival.cut_bytes));
        let end = self.end.map_or(end, |(last, _)| end.min(last));
        let at = at.max(self.next.unwrap_or(at));
        let before = self.held.range(..=at).next_back();
        let at =
            before.map_or(at, |(from, piece)| at.max(from.saturating_add(piece.content.len())));
        if at >= end {
            return;
        }
        let end = self.held.range(at..end).next().map_or(end, |(from, _)| *from);
        let bytes = u32::try_from(end.saturating_sub(at)).unwrap_or(0);
        if bytes > 0 {
            let content = Content::Cut(bytes);
            self.held.insert(at, Piece { content, after: arrival.after, mark: arrival.mark });
        }
    }

    /// Hands out the pieces that have their turn, and the end; says whether there were any.
    pub(super) fn deliver(
        &mut self,
        from: Side,
        other: &Self,
        mark: Option<M>,
        each: &mut dyn FnMut(Event<'_, M>),
    ) -> bool {
        let mut moved = false;
        let Some(mut next) = self.next else { return false };
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() != next || !other.has_reached(entry.get().after) {
                break;
            }
            let piece = entry.remove();
            match &piece.content {
                Content::Bytes(bytes) => {
                    self.held_bytes = self.held_bytes.saturating_sub(bytes.len());
                    self.emit(next, bytes, from, mark.unwrap_or(piece.mark), each);
                }
                Content::Cut(bytes) => {
                    self.jump(next.saturating_add(u64::from(*bytes)), from, Loss::CutOff, each);
                }
            }
            next = self.next.unwrap_or(next);
            moved = true;
        }
        if let (Some((end, end_mark)), false) = (self.end, self.is_ended)
            && next >= end
        {
            self.is_ended = true;
            moved = true;
            each(Event::End { from, mark: mark.unwrap_or(end_mark) });
        }
        moved
    }

    fn jump(&mut self, to: u64, from: Side, why: Loss, each: &mut dyn FnMut(Event<'_, M>)) {
        let at = self.next.unwrap_or(to);
        self.gap = (at, to);
        self.waited = 0;
        self.advance(to);
        let bytes = to.saturating_sub(at);
        each(Event::Gap { from, at: at.saturating_sub(self.start), bytes, why });
    }

    /// Gives up what the other side has and the recording has not, up to what is kept.
    pub(super) fn skip_acknowledged(&mut self, from: Side, each: &mut dyn FnMut(Event<'_, M>)) {
        let first = self.held.first_key_value().map(|(at, _)| *at);
        let Some(next) = self.next else {
            if let Some(first) = first {
                self.start = first;
                self.advance(first);
            }
            return;
        };
        let Some(acknowledged) = self.acknowledged() else { return };
        let to = first.map_or(acknowledged, |first| first.min(acknowledged));
        if to > next {
            self.jump(to, from, Loss::Acknowledged, each);
        }
    }

    /// Gives up what is missing before the first piece that is kept.
    pub(super) fn skip(&mut self, from: Side, why: Loss, each: &mut dyn FnMut(Event<'_, M>)) {
        let Some((&first, _)) = self.held.first_key_value() else { return };
        match self.next {
            None => {
                self.start = first;
                self.advance(first);
            }
            Some(next) if first > next => self.jump(first, from, why, each),
            Some(_) => {}
        }
    }

    /// Lets the first piece wait for the other side no longer.
    pub(super) fn unblock(&mut self) {
        if let Some(mut entry) = self.held.first_entry() {
            entry.get_mut().after = None;
        }
    }
}
