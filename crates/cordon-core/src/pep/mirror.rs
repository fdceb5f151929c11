//! What the kernel holds of the devices, and what it shall hold: the difference is told to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use cordon_model::Mono;

use super::effect::{Effect, StateChange, StateSet};
use super::input::Elements;
use super::{NS_PER_S, after_s};

/// After this silence a transaction counts as refused.
/// # Units
/// Seconds.
const ANSWER_MAX_S: u64 = 5;
/// What was refused is tried again after this time.
/// # Units
/// Seconds.
const RETRY_S: u64 = 1;
/// Addresses in one transaction.
const ADDRESSES_MAX: usize = 4_096;

/// The state table as this point believes it to be.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    held: BTreeMap<IpAddr, Elements>,
    /// Addresses whose elements may differ from what they shall be.
    dirty: BTreeSet<IpAddr>,
    ticket: u64,
    open: Option<Open>,
    retry_at: Option<Mono>,
}

/// A transaction that the kernel has not answered.
#[derive(Debug)]
struct Open {
    ticket: u64,
    since: Mono,
    targets: Vec<(IpAddr, Elements)>,
}

impl Mirror {
    pub(super) fn restore(&mut self, held: BTreeMap<IpAddr, Elements>) {
        self.held = held;
    }

    pub(super) fn held(&self, address: IpAddr) -> Elements {
        self.held.get(&address).copied().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn touch(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        self.dirty.extend(addresses);
    }

    pub(super) fn touch_all_held(&mut self) {
        self.dirty.extend(self.held.keys().copied());
    }

    /// Says whether the kernel holds of an address what it shall.
    pub(super) fn agrees(&self, address: IpAddr, wanted: Elements) -> bool {
        let is_open = self
            .open
            .as_ref()
            .is_some_and(|open| open.targets.iter().any(|(target, _)| *target == address));
        !is_open && self.held(address) == wanted
    }

    /// Takes the word that a transaction is in force; says whether it was the open one.
    pub(super) fn stated(&mut self, ticket: u64) -> bool {
        let Some(open) = self.open.take_if(|open| open.ticket == ticket) else { return false };
        for (address, elements) in open.targets {
            if elements == Elements::default() {
                self.held.remove(&address);
            } else {
                self.held.insert(address, elements);
            }
            // What it shall be may have changed meanwhile.
            self.dirty.insert(address);
        }
        true
    }

    /// Takes the word that a transaction was refused; says whether it was the open one.
    pub(super) fn refused(
        &mut self,
        now: Mono,
        ticket: u64,
        held: Option<BTreeMap<IpAddr, Elements>>,
    ) -> bool {
        let Some(open) = self.open.take_if(|open| open.ticket == ticket) else { return false };
        self.dirty.extend(open.targets.iter().map(|(address, _)| *address));
        if let Some(held) = held {
            self.touch_all_held();
            self.held = held;
            self.touch_all_held();
        }
        self.retry_at = Some(after_s(now, RETRY_S));
        true
    }

    /// Gives up waiting for an answer; says whether there was one to wait for.
    pub(super) fn expire(&mut self, now: Mono) -> bool {
        let waited = self.open.as_ref().map(|open| now.0.saturating_sub(open.since.0));
        let late = waited.is_some_and(|waited| waited >= ANSWER_MAX_S * NS_PER_S);
        let ticket = self.ticket;
        late && self.refused(now, ticket, None)
    }

    /// Tells the kernel what differs, one transaction at a time.
    pub(super) fn settle(
        &mut self,
        now: Mono,
        wanted: impl Fn(IpAddr) -> Elements,
        out: &mut Vec<Effect>,
    ) {
        if self.open.is_some() || self.retry_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_at = None;
        let mut changes = Vec::new();
        let mut targets = Vec::new();
        while targets.len() < ADDRESSES_MAX {
            let Some(address) = self.dirty.pop_first() else { break };
            let (from, to) = (self.held(address), wanted(address));
            if from != to {
                differences(address, from, to, &mut changes);
                targets.push((address, to));
            }
        }
        if !targets.is_empty() {
            self.ticket += 1;
            self.open = Some(Open { ticket: self.ticket, since: now, targets });
            out.push(Effect::State { ticket: self.ticket, changes });
        }
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        match (&self.open, self.retry_at) {
            (Some(open), _) => Some(after_s(open.since, ANSWER_MAX_S)),
            (None, retry) => retry.filter(|_| !self.dirty.is_empty()),
        }
    }
}

/// Lists the changes from one to the other; an element that changes its value goes and comes.
fn differences(address: IpAddr, from: Elements, to: Elements, changes: &mut Vec<StateChange>) {
    let sets = |it: Elements| {
        [
            it.isolated.then_some(StateSet::Isolated),
            it.contained.map(|it| StateSet::Contained { timeout_s: it.timeout_s }),
            it.posture.map(StateSet::Posture),
            it.no_new.then_some(StateSet::NoNew),
        ]
    };
    for (from, to) in sets(from).into_iter().zip(sets(to)) {
        if from != to {
            let gone = from.map(|set| StateChange { address, set, is_member: false });
            let come = to.map(|set| StateChange { address, set, is_member: true });
            changes.extend(gone.into_iter().chain(come));
        }
    }
}
