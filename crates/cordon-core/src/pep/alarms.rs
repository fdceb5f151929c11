//! Alarms of the point about itself: each is raised once and cleared once.

use std::collections::BTreeSet;

use cordon_model::Label;
use cordon_model::event::{Alarm, AlarmState, Severity, What};

use super::limits::{Counts, Limits};

/// An alarm that this point knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) severity: Severity,
}

const fn known(name: &'static str, severity: Severity) -> Known {
    Known { name, severity }
}

/// No decision point has spoken for a while.
pub(super) const PDP_UNREACHABLE: Known = known("pdp-unreachable", Severity::Medium);
/// The policy is older than it may be.
pub(super) const BUNDLE_STALE: Known = known("bundle-stale", Severity::High);
/// A bundle came that may not be used; the one before stays.
pub(super) const BUNDLE_REFUSED: Known = known("bundle-refused", Severity::High);
/// The kernel refused rules.
pub(super) const RULES_REFUSED: Known = known("rules-refused", Severity::Critical);
/// The kernel refused changes of state, or did not answer.
pub(super) const STATE_REFUSED: Known = known("state-refused", Severity::Critical);
/// A containment silenced a lifeline and was taken back.
pub(super) const ROLLED_BACK: Known = known("containment-rolled-back", Severity::Critical);
/// Containment of this type of device silenced a lifeline once.
pub(super) const UNSAFE_TYPE: Known = known("containment-unsafe", Severity::High);
/// A table is full, and what does not fit is only counted.
pub(super) const TABLE_FULL: Known = known("table-full", Severity::Medium);

/// The alarms that are on.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    on: BTreeSet<(Label, Known)>,
}

impl Alarms {
    /// Raises or clears an alarm; tells only what changes.
    ///
    /// An alarm that has no room is told all the same, and perhaps again: silence would be worse.
    pub(super) fn set(
        &mut self,
        is_on: bool,
        alarm: Known,
        about: &Label,
        value: Option<u64>,
        limits: &Limits,
        counts: &mut Counts,
    ) -> Option<What> {
        let key = (about.clone(), alarm);
        let state = match (is_on, self.on.contains(&key)) {
            (true, false) => {
                if self.on.len() < limits.alarms_max {
                    self.on.insert(key);
                } else {
                    counts.alarms_lost += 1;
                }
                AlarmState::Raise
            }
            (false, true) => {
                self.on.remove(&key);
                AlarmState::Clear
            }
            (true, true) | (false, false) => return None,
        };
        let alarm_label = Label::new(alarm.name).ok()?;
        Some(What::Alarm(Box::new(Alarm {
            about: about.clone(),
            alarm: alarm_label,
            severity: alarm.severity,
            state,
            value,
        })))
    }

    pub(super) fn is_on(&self, alarm: Known, about: &Label) -> bool {
        self.on.contains(&(about.clone(), alarm))
    }

    pub(super) fn len(&self) -> usize {
        self.on.len()
    }
}
