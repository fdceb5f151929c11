//! What was asked and has not been answered.

use cordon_model::Mono;
use cordon_wire::modbus::Adu;

use crate::inspect::recent::NS_PER_S;

/// How many requests may be open in one conversation.
pub const PENDING_MAX: usize = 16;
/// How long an answer is waited for.
/// # Units
/// Seconds.
pub const PENDING_SPAN_S: u64 = 5;

/// One request.
#[derive(Debug, Clone, Copy)]
struct Pending {
    transaction_id: u16,
    unit_id: u8,
    function: u8,
    since: Mono,
}

/// One conversation.
#[derive(Debug, Default)]
pub struct Flow {
    pending: [Option<Pending>; PENDING_MAX],
    open: usize,
}

impl Flow {
    /// Gives how many requests are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// Says whether no more may be asked.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.open >= PENDING_MAX
    }

    /// Forgets what was asked too long ago.
    pub(super) fn expire(&mut self, now: Mono) {
        if self.open == 0 {
            return;
        }
        let span = PENDING_SPAN_S * NS_PER_S;
        self.forget(|pending| now.0.saturating_sub(pending.since.0) >= span);
    }

    fn forget(&mut self, is_done: impl Fn(&Pending) -> bool) {
        for slot in &mut self.pending {
            if slot.as_ref().is_some_and(&is_done) {
                *slot = None;
                self.open = self.open.saturating_sub(1);
            }
        }
    }

    /// Remembers a request; where there is no room, instead of the oldest.
    pub(super) fn ask(&mut self, adu: &Adu<'_>, now: Mono) {
        let asked = Pending {
            transaction_id: adu.transaction_id,
            unit_id: adu.unit_id,
            function: adu.function(),
            since: now,
        };
        // None is less than any time: an empty place comes before the oldest.
        let place = self.pending.iter_mut().min_by_key(|slot| slot.map(|pending| pending.since));
        if let Some(slot) = place
            && slot.replace(asked).is_none()
        {
            self.open += 1;
        }
    }

    /// Takes the request that an answer belongs to, the oldest of several; says whether there is one.
    pub(super) fn answer(&mut self, adu: &Adu<'_>) -> bool {
        let is_asked = |pending: &Pending| {
            pending.transaction_id == adu.transaction_id
                && pending.unit_id == adu.unit_id
                && pending.function == adu.function()
        };
        let slots = self.pending.iter_mut().filter(|slot| slot.as_ref().is_some_and(is_asked));
        match slots.min_by_key(|slot| slot.map(|pending| pending.since)) {
            Some(slot) => {
                *slot = None;
                self.open = self.open.saturating_sub(1);
                true
            }
            None => false,
        }
    }
}
