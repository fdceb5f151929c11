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
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    transaction_id: u16,
    unit_id: u8,
    function: u8,
    since: Mono,
}

/// One conversation.
#[derive(Debug, Default)]
pub struct Flow {
    /// The first `open` are those that are open, the oldest first.
    pending: [Pending; PENDING_MAX],
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
        let span = PENDING_SPAN_S * NS_PER_S;
        while self.open > 0
            && self
                .pending
                .first()
                .is_some_and(|oldest| now.0.saturating_sub(oldest.since.0) >= span)
        {
            self.remove(0);
        }
    }

    /// Remembers a request; where there is no room, instead of the oldest.
    pub(super) fn ask(&mut self, adu: &Adu<'_>, now: Mono) {
        if self.is_full() {
            self.remove(0);
        }
        if let Some(place) = self.pending.get_mut(self.open) {
            *place = Pending {
                transaction_id: adu.transaction_id,
                unit_id: adu.unit_id,
                function: adu.function(),
                since: now,
            };
            self.open += 1;
        }
    }

    /// Takes the request that an answer belongs to, the oldest of several; says whether there is one.
    pub(super) fn answer(&mut self, adu: &Adu<'_>) -> bool {
        let mut open = self.pending.iter().take(self.open);
        let place = open.position(|pending| {
            pending.transaction_id == adu.transaction_id
                && pending.unit_id == adu.unit_id
                && pending.function == adu.function()
        });
        if let Some(place) = place {
            self.remove(place);
        }
        place.is_some()
    }

    fn remove(&mut self, place: usize) {
        if let Some([first, rest @ ..]) = self.pending.get_mut(place..self.open) {
            let mut gap = first;
            for pending in rest {
                *gap = *pending;
                gap = pending;
            }
            self.open = self.open.saturating_sub(1);
        }
    }
}
