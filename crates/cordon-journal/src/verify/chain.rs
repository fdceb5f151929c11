//! The chain of records within a segment: what follows what, and where it does not, why.
//!
//! A record enters the tree one step late, under the hash that the record behind it names.

use std::collections::VecDeque;

use crate::hash::Hash;
use crate::head::Head;
use crate::record::Stamp;
use crate::tree::Frontier;

use super::clock::{Back, Clock, Rollback};
use super::fault::{Place, Wrong};
use super::found::{Findings, Root};
use super::lines::At;

mod smooth;

pub(super) use smooth::Taken;

/// How many records back one is recognised that stands there again.
const RECENT: usize = 256;

/// A record that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) leaf: Hash,
    pub(super) after: Hash,
    /// Its number, as it should be.
    pub(super) seq: u64,
    pub(super) stamp: Stamp,
    pub(super) at: At,
    /// Where the line behind it begins.
    pub(super) behind: u64,
}

/// A head that does not fit, until it is known whether a record before it was changed or itself.
#[derive(Debug)]
struct Misfit {
    head: Head,
    at: At,
    counted: u64,
    is_met: bool,
    /// A line before it may stand in the place of a record.
    is_doubtful: bool,
}

/// Records that are not there, unless they stand elsewhere.
#[derive(Debug)]
struct Gap {
    first: u64,
    last: u64,
    place: Place,
    elsewhere: u64,
}

/// Whether a head is that of the records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    Misfits,
    /// Too many records are missing to say.
    Unknown,
}

/// The chain, and the tree over it.
pub(super) struct Chain<'a> {
    pub(super) found: Findings,
    pub(super) clock: Clock,
    file: &'a str,
    targets: &'a [u64],
    /// Over all records before `disputed` and `pending`; nothing once records are missing.
    frontier: Option<Frontier>,
    /// A record, and another hash that the one behind it names.
    disputed: Option<(Held, Hash)>,
    pending: Option<Held>,
    /// Claims the same place as `pending`.
    rival: Option<Held>,
    /// Leaves records out; it may also only stand in a wrong place.
    stray: Option<Held>,
    last: Option<Hash>,
    next: u64,
    /// Lines that may stand in the place of a record.
    doubts: u64,
    misfit: Option<Misfit>,
    is_off: bool,
    gap: Option<Gap>,
    recent: VecDeque<(Hash, bool)>,
    renumbered: Option<u64>,
    /// The size of the last head that fitted.
    signed: u64,
    /// Where the line begins behind all that is in its place.
    edge: At,
}

impl<'a> Chain<'a> {
    /// Begins behind `next` records; `last` is the hash of the one before.
    pub(super) fn new(
        file: &'a str,
        targets: &'a [u64],
        (frontier, last, next): (Option<Frontier>, Option<Hash>, u64),
        clock: Clock,
    ) -> Self {
        let mut chain = Self {
            found: Findings::default(),
            clock,
            file,
            targets: targets.get(targets.partition_point(|size| *size < next)..).unwrap_or(&[]),
            frontier,
            disputed: None,
            pending: None,
            rival: None,
            stray: None,
            last,
            next,
            doubts: 0,
            misfit: None,
            is_off: false,
            gap: None,
            recent: VecDeque::with_capacity(RECENT),
            renumbered: None,
            signed: next,
            edge: At { line: 1, offset: 0 },
        };
        chain.mark(At { line: 1, offset: 0 }, None);
        chain
    }

    /// Gives the number that the next record should have.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn place(&self, at: At, seq: Option<u64>) -> Place {
        Place { file: self.file.to_owned(), line: at.line, offset: at.offset, seq }
    }

    pub(super) fn fault(&mut self, at: At, seq: Option<u64>, wrong: Wrong) {
        let place = self.place(at, seq);
        self.found.fault(place, wrong);
    }

    /// Takes a line that is no record, but may have been one.
    pub(super) fn doubt(&mut self) {
        self.doubts = self.doubts.saturating_add(1);
    }

    /// Takes a record.
    pub(super) fn record(&mut self, held: Held) {
        if let Some(stray) = self.stray.take() {
            if held.after == stray.leaf && stray.seq.checked_add(1) == Some(held.seq) {
                self.leap(stray);
            } else if self.follows(&held) {
                self.fault(stray.at, Some(stray.seq), Wrong::Reordered);
                self.remember(stray.leaf, false);
                self.doubt();
            } else {
                self.leap(stray);
            }
        }
        if self.follows(&held) {
            self.accept(held);
        } else {
            self.puzzle(held);
        }
    }

    fn follows(&self, held: &Held) -> bool {
        held.seq == self.next && self.last.is_none_or(|last| held.after == last)
    }

    fn puzzle(&mut self, held: Held) {
        if self.last == Some(held.after) {
            // It follows, under a wrong number. Those behind it may go on from there.
            if self.renumbered != Some(held.seq) {
                self.fault(held.at, Some(self.next), Wrong::Edited);
            }
            self.renumbered = held.seq.checked_add(1);
            self.accept(Held { seq: self.next, ..held });
        } else if held.seq == self.next {
            self.dispute(held);
        } else if held.seq < self.next {
            self.again(held);
        } else if held.seq == self.next.saturating_add(1) && self.doubts > 0 {
            // The line that could not be read was the record before; here is its hash.
            self.doubts -= 1;
            self.settle();
            self.push(held.after, held.at, self.next);
            self.remember(held.after, false);
            self.next = held.seq;
            self.enter(held);
        } else {
            self.stray = Some(held);
        }
    }

    /// Takes a record that has the right number and names another hash than that of the one before:
    /// one of the two was changed.
    fn dispute(&mut self, held: Held) {
        if let Some(rival) = self.rival.take() {
            let pending = self.pending.take();
            let (kept, wrong) = if rival.leaf == held.after {
                (Some(rival), pending)
            } else {
                (pending, Some(rival))
            };
            self.pending = kept;
            if let Some(wrong) = wrong {
                self.fault(wrong.at, Some(wrong.seq), Wrong::Inserted);
            }
            if self.pending.is_some_and(|kept| kept.leaf == held.after) {
                return self.accept(held);
            }
        }
        let Some(before) = self.pending.take() else {
            self.fault(held.at, Some(held.seq), Wrong::Edited);
            return self.enter(held);
        };
        if let Some((earlier, _)) = self.disputed.take() {
            // The one before was changed, so what it said of the one before it means nothing.
            self.plant(&earlier);
        }
        if self.signed > before.seq {
            self.fault(held.at, Some(held.seq), Wrong::Edited);
            self.plant(&before);
        } else {
            self.remember(held.after, false);
            self.disputed = Some((before, held.after));
        }
        self.enter(held);
    }

    /// Takes a record whose number is behind.
    fn again(&mut self, held: Held) {
        if let Some(pending) = self.pending
            && pending.seq == held.seq
            && pending.after == held.after
            && pending.leaf != held.leaf
            && self.signed <= pending.seq
        {
            if let Some(rival) = self.rival.replace(pending) {
                self.fault(rival.at, Some(rival.seq), Wrong::Inserted);
            }
            self.pending = Some(held);
            self.last = Some(held.leaf);
            return;
        }
        let wrong = if let Some(gap) = &mut self.gap
            && (gap.first..=gap.last).contains(&held.seq)
        {
            gap.elsewhere = gap.elsewhere.saturating_add(1);
            Wrong::Reordered
        } else {
            match self.recent.iter().find(|(leaf, _)| *leaf == held.leaf) {
                Some((_, true)) => Wrong::Duplicated,
                Some((_, false)) => Wrong::Reordered,
                None => Wrong::Inserted,
            }
        };
        self.fault(held.at, Some(held.seq), wrong);
        self.doubt();
    }

    /// Goes on with a record that leaves some out.
    fn leap(&mut self, held: Held) {
        let (first, last) = (self.next, held.seq.saturating_sub(1));
        let at = if self.edge.line > 1 { self.edge } else { held.at };
        self.settle();
        if first == last {
            self.push(held.after, at, first);
            self.remember(held.after, false);
        } else {
            self.frontier = None;
            // The gap says all that a head within it could say.
            self.misfit = None;
        }
        self.close_gap();
        let place = self.place(at, Some(first));
        self.gap = Some(Gap { first, last, place, elsewhere: 0 });
        self.next = held.seq;
        self.enter(held);
    }

    fn close_gap(&mut self) {
        if let Some(Gap { first, last, place, elsewhere }) = self.gap.take()
            && elsewhere <= last.saturating_sub(first)
        {
            self.found.fault(place, Wrong::Deleted { first, last });
        }
    }

    /// Takes a record that follows the one before.
    fn accept(&mut self, held: Held) {
        self.settle();
        self.enter(held);
    }

    /// Puts what is pending into the tree.
    fn settle(&mut self) {
        if let Some(rival) = self.rival.take() {
            self.fault(rival.at, Some(rival.seq), Wrong::Inserted);
        }
        if let Some((before, named)) = self.disputed.take() {
            self.fault(before.at, Some(before.seq), Wrong::Edited);
            self.push(named, before.at, before.seq);
        }
        if let Some(pending) = self.pending.take() {
            self.plant(&pending);
        }
    }

    fn enter(&mut self, held: Held) {
        let counted = self.frontier.as_ref().map_or(u64::MAX, Frontier::size);
        if self.misfit.as_ref().is_some_and(|misfit| misfit.is_met || counted >= misfit.head.size)
            && self.disputed.is_none()
        {
            self.judge();
        }
        self.remember(held.leaf, true);
        self.edge = At { line: held.at.line.saturating_add(1), offset: held.behind };
        self.pending = Some(held);
        self.last = Some(held.leaf);
        self.next = self.next.saturating_add(1);
    }

    fn remember(&mut self, leaf: Hash, was_here: bool) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((leaf, was_here));
    }

    /// Puts a record into the tree that is as it was written; its clocks can be trusted.
    fn plant(&mut self, held: &Held) {
        self.step(held);
        self.push(held.leaf, held.at, held.seq);
    }

    fn step(&mut self, held: &Held) {
        match self.clock.step(&held.stamp) {
            Some(Back::Other(wrong)) => self.fault(held.at, Some(held.seq), wrong),
            Some(Back::Wall { by_ms, since }) => {
                let place = self.place(held.at, Some(held.seq));
                let Stamp { mono, run, .. } = held.stamp;
                self.found.rollback(Rollback { place, by_ms, run, since, mono });
            }
            None => {}
        }
    }

    fn push(&mut self, leaf: Hash, at: At, seq: u64) {
        let Some(frontier) = &mut self.frontier else { return };
        frontier.push(leaf);
        if let Some(misfit) = &mut self.misfit {
            misfit.is_met |=
                misfit.head.size == frontier.size() && misfit.head.root == frontier.root();
        }
        self.mark(at, Some(seq));
    }

    /// Keeps the root if somebody asks for it.
    fn mark(&mut self, at: At, seq: Option<u64>) {
        let Some(frontier) = &self.frontier else { return };
        if let Some((size, rest)) = self.targets.split_first()
            && *size == frontier.size()
        {
            let root = Root { size: *size, root: frontier.root(), place: self.place(at, seq) };
            self.found.roots.push(root);
            self.targets = rest;
        }
    }

    /// Takes a head; the line behind it begins at `behind`.
    pub(super) fn head(&mut self, head: &Head, at: At, behind: u64) -> Fit {
        if let Some(stray) = self.stray.take() {
            if stray.seq.checked_add(1) != Some(head.size)
                && self.next.checked_add(1) == Some(head.size)
            {
                self.fault(stray.at, Some(stray.seq), Wrong::Reordered);
                self.remember(stray.leaf, false);
                self.doubt();
            } else {
                self.leap(stray);
            }
        }
        if let Some(counted) = self.fits(head) {
            if counted == head.size {
                if counted == self.signed {
                    // A head is written for records, never for none.
                    self.fault(at, None, Wrong::Duplicated);
                }
                self.edge = At { line: at.line.saturating_add(1), offset: behind };
                (self.signed, self.doubts, self.is_off) = (head.size, 0, false);
                self.found.head = Some(head.clone());
                return Fit::Fits;
            }
            if self.misfit.is_some() {
                self.judge();
            }
            let counted = counted.min(self.next);
            self.misfit = Some(Misfit {
                head: head.clone(),
                at,
                counted,
                is_met: false,
                is_doubtful: self.doubts > 0,
            });
            return Fit::Misfits;
        }
        Fit::Unknown
    }

    /// Gives the head's size if it fits, or else `u64::MAX` or another size.
    fn fits(&mut self, head: &Head) -> Option<u64> {
        let frontier = self.frontier.as_ref()?;
        let with = |leaves: &[Option<Hash>]| {
            let mut tree = frontier.clone();
            leaves.iter().flatten().for_each(|leaf| tree.push(*leaf));
            (tree.size(), tree.root())
        };
        let pending = self.pending.map(|held| held.leaf);
        let said = self.disputed.map(|(_, named)| named);
        let (size, root) = with(&[said, pending]);
        if size != head.size {
            return Some(size);
        }
        if root == head.root {
            return Some(size);
        }
        let own = self.disputed.map(|(before, _)| before.leaf);
        if own.is_some() && with(&[own, pending]).1 == head.root {
            return Some(size);
        }
        if let Some(rival) = self.rival
            && with(&[said, Some(rival.leaf)]).1 == head.root
        {
            let wrong = self.pending.replace(rival);
            self.rival = wrong;
            self.last = Some(rival.leaf);
            return Some(size);
        }
        Some(u64::MAX)
    }

    /// Drops the last head that did not fit: it is itself to blame.
    pub(super) fn forgive(&mut self) {
        self.misfit = None;
    }

    /// Decides about a head that did not fit.
    fn judge(&mut self) {
        let Some(misfit) = self.misfit.take() else { return };
        if misfit.is_met {
            let is_early = misfit.counted < misfit.head.size;
            if is_early && !misfit.is_doubtful && self.gap.is_none() {
                // The records it signs stand behind it.
                self.fault(misfit.at, None, Wrong::Reordered);
            }
            self.signed = self.signed.max(misfit.head.size);
            self.found.head = Some(misfit.head);
        } else if !self.is_off {
            self.is_off = true;
            let (since, signed, counted) = (self.signed, misfit.head.size, misfit.counted);
            self.fault(misfit.at, None, Wrong::WrongRoot { since, signed, counted });
        }
    }

    /// Ends the chain; gives the tree over all of it, if no record is missing, the hash of the last
    /// record, the number of the next, and whether the last head fitted.
    pub(super) fn finish(mut self) -> (Findings, Clock, Ending) {
        if let Some(stray) = self.stray.take() {
            self.leap(stray);
        }
        self.settle();
        let is_signed = self.misfit.as_ref().is_none_or(|misfit| misfit.is_met) && !self.is_off;
        self.judge();
        self.close_gap();
        let Self { found, clock, frontier, last, next, .. } = self;
        (found, clock, Ending { frontier, last, next, is_signed })
    }
}

/// How a chain ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending {
    pub(super) frontier: Option<Frontier>,
    pub(super) last: Option<Hash>,
    pub(super) next: u64,
    /// The last head fitted.
    pub(super) is_signed: bool,
}
