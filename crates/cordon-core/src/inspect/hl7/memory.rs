//! What is remembered of control ids.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use cordon_model::Mono;

use crate::inspect::{Salt, Way};

/// How many questions of one side may be open in a conversation; of more the oldest is forgotten,
/// for a server that never answers must not silence a device.
const PENDING_MAX: usize = 16;
/// How many control ids are remembered of a device.
const IDS_MAX: usize = 256;
/// How long a control id must not be used again.
const REPLAY_SPAN_NS: u64 = 600_000_000_000;
/// How often a message may be sent again.
const RESENDS_MAX: u8 = 5;

/// Hashes parts; who does not know the salt cannot make two that collide.
pub(super) fn fingerprint(salt: &Salt, parts: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(&salt.0);
    for part in parts {
        hasher.write(part);
        hasher.write_usize(part.len());
    }
    hasher.finish()
}

/// The control ids that one side waits for an answer to, as hashes.
#[derive(Debug, Default)]
struct Pending {
    ids: [Option<u64>; PENDING_MAX],
    next: usize,
}

impl Pending {
    fn push(&mut self, id: u64) {
        if let Some(slot) = self.ids.get_mut(self.next) {
            *slot = Some(id);
        }
        self.next = (self.next + 1) % PENDING_MAX;
    }

    fn answer(&mut self, id: u64, is_last: bool) -> bool {
        let Some(slot) = self.ids.iter_mut().find(|slot| **slot == Some(id)) else { return false };
        if is_last {
            *slot = None;
        }
        true
    }
}

/// The state of one conversation: what was asked and not answered.
#[derive(Debug, Default)]
pub struct Flow {
    by_device: Pending,
    of_device: Pending,
}

impl Flow {
    /// Notes what is asked, by the way it goes.
    pub(super) fn ask(&mut self, way: Way, id: u64) {
        match way {
            Way::FromDevice => self.by_device.push(id),
            Way::ToDevice => self.of_device.push(id),
        }
    }

    /// Says whether an answer that goes this way was waited for, and if it is the last, closes.
    pub(super) fn answer(&mut self, way: Way, id: u64, is_last: bool) -> bool {
        match way {
            Way::FromDevice => self.of_device.answer(id, is_last),
            Way::ToDevice => self.by_device.answer(id, is_last),
        }
    }
}

/// How often a control id was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Not within the span.
    First,
    /// Within the span.
    Again,
    /// More often than a message is sent again by a device in order.
    TooOften,
}

/// What is remembered of a device across its conversations: the last control ids, as hashes.
pub struct DeviceMemory {
    ids: [u64; IDS_MAX],
    firsts: [Mono; IDS_MAX],
    resends: [u8; IDS_MAX],
    /// How many places are taken.
    taken: usize,
    next: usize,
}

impl Default for DeviceMemory {
    fn default() -> Self {
        Self {
            ids: [0; IDS_MAX],
            firsts: [Mono(0); IDS_MAX],
            resends: [0; IDS_MAX],
            taken: 0,
            next: 0,
        }
    }
}

impl fmt::Debug for DeviceMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceMemory").field("ids", &self.taken).finish_non_exhaustive()
    }
}

impl DeviceMemory {
    /// Notes that a control id was used; the span begins with its first use.
    pub(super) fn see(&mut self, id: u64, now: Mono) -> Seen {
        let known = self.ids.get(..self.taken).unwrap_or_default();
        if let Some(index) = known.iter().position(|known| *known == id)
            && let (Some(first), Some(resends)) =
                (self.firsts.get_mut(index), self.resends.get_mut(index))
        {
            if now.0.saturating_sub(first.0) >= REPLAY_SPAN_NS {
                (*first, *resends) = (now, 0);
                return Seen::First;
            }
            *resends = resends.saturating_add(1);
            return if *resends > RESENDS_MAX { Seen::TooOften } else { Seen::Again };
        }
        if let (Some(slot), Some(first), Some(resends)) = (
            self.ids.get_mut(self.next),
            self.firsts.get_mut(self.next),
            self.resends.get_mut(self.next),
        ) {
            (*slot, *first, *resends) = (id, now, 0);
        }
        self.next = (self.next + 1) % IDS_MAX;
        self.taken = (self.taken + 1).min(IDS_MAX);
        Seen::First
    }
}
