//! What was found in a segment, within limits.

use crate::hash::Hash;
use crate::head::Head;

use super::clock::Rollback;
use super::fault::{Fault, Place, Wrong};
use super::{Counts, FAULTS_MAX};

/// Most times that the clock went back in one segment; more are faults, whatever records say.
const ROLLBACKS_MAX: usize = 256;

/// The root at a size that somebody asked for, and where its last record stands.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) size: u64,
    pub(super) root: Hash,
    pub(super) place: Place,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) faults: Vec<Fault>,
    pub(super) more: u64,
    pub(super) rollbacks: Vec<Rollback>,
    pub(super) roots: Vec<Root>,
    pub(super) counts: Counts,
    /// The last head that fits.
    pub(super) head: Option<Head>,
}

impl Findings {
    pub(super) fn fault(&mut self, place: Place, wrong: Wrong) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { place, wrong });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    pub(super) fn rollback(&mut self, rollback: Rollback) {
        if self.rollbacks.len() < ROLLBACKS_MAX {
            self.rollbacks.push(rollback);
        } else {
            let by_ms = rollback.by_ms;
            self.fault(rollback.place, Wrong::ClockRollback { by_ms });
        }
    }
}
