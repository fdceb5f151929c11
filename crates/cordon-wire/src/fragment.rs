//! Puts IP datagrams together from their fragments.
//!
//! Invariant: what is kept is bounded in datagrams, fragments and bytes; what is given up is
//! counted; no byte of a datagram is ever taken from two fragments that disagree in IPv6.
//!
//! Source: RFC 791 §3.2; RFC 8200 §4.5; RFC 5722 §4.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use crate::Limit;

#[cfg(test)]
mod tests;

/// How many datagrams are put together at one time.
pub const DATAGRAMS: Limit = Limit { name: "datagrams in fragments", max: 4_096 };
/// How many fragments one datagram may come in.
pub const FRAGMENTS: Limit = Limit { name: "fragments of one datagram", max: 128 };
/// How many bytes of unfinished datagrams are kept.
pub const BYTES: Limit = Limit { name: "bytes of datagrams in fragments", max: 16 << 20 };
/// How long a datagram may take from its first fragment to its last.
/// # Units
/// Nanoseconds.
/// # Source
/// RFC 1122 §3.3.2; RFC 8200 §4.5.
pub const SPAN_NS_MAX: u64 = 60 * 1_000_000_000;
/// The longest datagram.
/// # Source
/// RFC 791 §3.1; RFC 8200 §4.5.
const DATAGRAM_BYTES_MAX: u32 = 65_535;
/// Every fragment but the last is a multiple of it long.
/// # Source
/// RFC 791 §3.2; RFC 8200 §4.5.
const UNIT_BYTES: u32 = 8;

/// Which datagram a fragment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The sender.
    pub src: IpAddr,
    /// The receiver.
    pub dst: IpAddr,
    /// The protocol that is carried, in IPv4; 0 in IPv6, which does not tell datagrams apart by it.
    pub protocol: u8,
    /// The identification.
    pub identification: u32,
}

/// One fragment.
/// # Units
/// `offset`: bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Its datagram.
    pub key: Key,
    /// Where it stands in the datagram's payload.
    pub offset: u32,
    /// Whether others follow it.
    pub more: bool,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether it is not there in full, because the recording cut it off.
    pub is_cut: bool,
}

/// Why a datagram is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drop {
    /// Fragments overlap, in IPv6; the rest of the datagram is dropped too.
    Overlap,
    /// A fragment is of no length, ends beyond the longest datagram, or contradicts the end.
    Malformed,
    /// A fragment was cut off when it was recorded.
    Cut,
    /// It comes in more fragments than are taken.
    OverLimit,
}

/// What came of a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The payload of the datagram, which is whole now.
    Whole(Vec<u8>),
    /// Others are awaited.
    Kept,
    /// The datagram is given up.
    Dropped(Drop),
}

/// What was given up, and what was odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Datagrams that were put together.
    pub whole: u64,
    /// Datagrams whose fragments did not all come in time.
    pub late: u64,
    /// Datagrams that made room for newer ones.
    pub evicted: u64,
    /// Datagrams given up for [`Drop::Overlap`].
    pub overlapping: u64,
    /// Datagrams given up for [`Drop::Malformed`].
    pub malformed: u64,
    /// Datagrams given up for [`Drop::Cut`].
    pub cut: u64,
    /// Datagrams given up for [`Drop::OverLimit`].
    pub over_limit: u64,
    /// IPv4 fragments that overlap others with the same bytes.
    pub overlaps: u64,
    /// IPv4 fragments that overlap others with different bytes; the first one won.
    pub conflicts: u64,
}

#[derive(Debug, Default)]
struct Datagram {
    since_ns: u64,
    /// Tells it from an earlier one of the same key.
    number: u64,
    pieces: BTreeMap<u32, Vec<u8>>,
    bytes: usize,
    fragments: usize,
    end: Option<u32>,
    /// It was given up, and what else comes of it goes the same way.
    dropped: Option<Drop>,
}

/// The datagrams that are being put together.
#[derive(Debug, Default)]
pub struct Reassembly {
    datagrams: BTreeMap<Key, Datagram>,
    ages: VecDeque<(Key, u64)>,
    bytes: usize,
    next_number: u64,
    counts: Counts,
}

impl Reassembly {
    /// Gives what was given up so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Gives how many datagrams are not finished.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.datagrams.values().filter(|datagram| datagram.dropped.is_none()).count()
    }

    /// Takes a fragment.
    /// # Units
    /// `now_ns`: nanoseconds on any clock that does not run backwards for long.
    pub fn add(&mut self, now_ns: u64, fragment: &Fragment<'_>) -> Outcome {
        self.expire(now_ns);
        let key = fragment.key;
        if !self.datagrams.contains_key(&key) {
            while self.datagrams.len() >= DATAGRAMS.max {
                self.evict();
            }
            self.next_number = self.next_number.saturating_add(1);
            let number = self.next_number;
            let datagram = Datagram { since_ns: now_ns, number, ..Datagram::default() };
            self.datagrams.insert(key, datagram);
            self.ages.push_back((key, number));
        }
        let Some(datagram) = self.datagrams.get_mut(&key) else { return Outcome::Kept };
        if let Some(why) = datagram.dropped {
            return Outcome::Dropped(why);
        }
        let before = datagram.bytes;
        let taken = datagram.take(fragment, &mut self.counts);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(datagram.bytes);
        match taken {
            Ok(true) => {
                self.counts.whole = self.counts.whole.saturating_add(1);
                let payload = datagram.payload();
                self.remove(&key);
                Outcome::Whole(payload)
            }
            Ok(false) => {
                while self.bytes > BYTES.max {
                    self.evict();
                }
                Outcome::Kept
            }
            Err(why) => {
                let count = match why {
                    Drop::Overlap => &mut self.counts.overlapping,
                    Drop::Malformed => &mut self.counts.malformed,
                    Drop::Cut => &mut self.counts.cut,
                    Drop::OverLimit => &mut self.counts.over_limit,
                };
                *count = count.saturating_add(1);
                self.bytes = self.bytes.saturating_sub(datagram.bytes);
                datagram.bytes = 0;
                datagram.pieces.clear();
                datagram.dropped = Some(why);
                Outcome::Dropped(why)
            }
        }
    }

    /// Gives up what has waited too long.
    pub fn expire(&mut self, now_ns: u64) {
        while let Some((key, number)) = self.ages.front().copied() {
            match self.datagrams.get(&key) {
                Some(datagram) if datagram.number == number => {
                    if now_ns.saturating_sub(datagram.since_ns) <= SPAN_NS_MAX {
                        return;
                    }
                    if datagram.dropped.is_none() {
                        self.counts.late = self.counts.late.saturating_add(1);
                    }
                    self.remove(&key);
                }
                Some(_) | None => {}
            }
            self.ages.pop_front();
        }
    }

    fn evict(&mut self) {
        let Some((key, number)) = self.ages.pop_front() else {
            // Every datagram has an age; without one there is nothing to keep either.
            self.datagrams.clear();
            self.bytes = 0;
            return;
        };
        let found = self.datagrams.get(&key).filter(|datagram| datagram.number == number);
        let Some(datagram) = found else { return };
        if datagram.dropped.is_none() {
            self.counts.evicted = self.counts.evicted.saturating_add(1);
        }
        self.remove(&key);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(datagram) = self.datagrams.remove(key) {
            self.bytes = self.bytes.saturating_sub(datagram.bytes);
        }
        // Ages of what is finished stay until they are the oldest; they may not outgrow the rest.
        if self.ages.len() > DATAGRAMS.max.saturating_mul(2) {
            let datagrams = &self.datagrams;
            let is_there =
                |key: &Key, number: u64| datagrams.get(key).is_some_and(|d| d.number == number);
            self.ages.retain(|(key, number)| is_there(key, *number));
        }
    }
}

impl Datagram {
    /// Takes a fragment; says whether the datagram is whole.
    fn take(&mut self, fragment: &Fragment<'_>, counts: &mut Counts) -> Result<bool, Drop> {
        if fragment.is_cut {
            return Err(Drop::Cut);
        }
        let len = u32::try_from(fragment.bytes.len()).map_err(|_| Drop::Malformed)?;
        let from = fragment.offset;
        let to = from.checked_add(len).ok_or(Drop::Malformed)?;
        let is_odd = fragment.more && len % UNIT_BYTES != 0;
        if len == 0 || is_odd || to > DATAGRAM_BYTES_MAX {
            return Err(Drop::Malformed);
        }
        if self.pieces.get(&from).is_some_and(|piece| piece.as_slice() == fragment.bytes)
            && fragment.more == (self.end != Some(to))
        {
            return Ok(false); // it came twice
        }
        let last = self.pieces.last_key_value().map_or(0, |(at, piece)| end_of(*at, piece));
        let contradicts = match (self.end, fragment.more) {
            (Some(end), true) => to >= end,
            (Some(end), false) => to != end,
            (None, true) => false,
            (None, false) => last > to,
        };
        if contradicts {
            return Err(Drop::Malformed);
        }
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > FRAGMENTS.max {
            return Err(Drop::OverLimit);
        }
        if !fragment.more {
            self.end = Some(to);
        }
        self.insert(fragment, from, to, counts)?;
        let mut reached = 0;
        for (at, piece) in &self.pieces {
            if *at != reached {
                return Ok(false);
            }
            reached = end_of(*at, piece);
        }
        Ok(self.end == Some(reached))
    }

    /// Keeps what is new of a fragment.
    fn insert(
        &mut self,
        fragment: &Fragment<'_>,
        from: u32,
        to: u32,
        counts: &mut Counts,
    ) -> Result<(), Drop> {
        let (mut free, mut overlaps, mut differs) = (from, false, false);
        let mut news: Vec<(u32, u32)> = Vec::new();
        for (&at, piece) in self.pieces.range(..to) {
            let end = end_of(at, piece);
            if end <= from {
                continue;
            }
            overlaps = true;
            if at > free {
                news.push((free, at));
            }
            let (low, high) = (at.max(from), end.min(to));
            differs |= part(piece, at, low, high) != part(fragment.bytes, from, low, high);
            free = free.max(end);
        }
        if overlaps && fragment.key.src.is_ipv6() {
            return Err(Drop::Overlap);
        }
        if free < to {
            news.push((free, to));
        }
        counts.overlaps = counts.overlaps.saturating_add(u64::from(overlaps && !differs));
        counts.conflicts = counts.conflicts.saturating_add(u64::from(differs));
        for (low, high) in news {
            let bytes = part(fragment.bytes, from, low, high).to_vec();
            self.bytes = self.bytes.saturating_add(bytes.len());
            self.pieces.insert(low, bytes);
        }
        Ok(())
    }

    fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.bytes);
        for piece in self.pieces.values() {
            payload.extend_from_slice(piece);
        }
        payload
    }
}

fn end_of(at: u32, piece: &[u8]) -> u32 {
    at.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX))
}

/// Gives the bytes from one offset to another, of bytes that begin at `at`.
fn part(bytes: &[u8], at: u32, from: u32, to: u32) -> &[u8] {
    let (from, to) = (from.saturating_sub(at), to.saturating_sub(at));
    let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to)) else {
        return &[];
    };
    bytes.get(from..to).unwrap_or_default()
}
