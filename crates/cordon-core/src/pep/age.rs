//! The age of the policy, and what it does to each tier.

use cordon_model::bundle::TierRules;
use cordon_model::{FailAction, Failure, Mono, Tier, tier};

use super::{NS_PER_S, after_s};

/// How far away the decision points are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Level {
    /// They speak.
    #[default]
    Fresh,
    /// They are silent, and the bundle is young enough: [`Failure::PdpUnreachable`].
    Silent,
    /// The bundle is too old: [`Failure::BundleStale`].
    Stale,
}

/// When a decision point spoke last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Age {
    heard: Mono,
    /// How old the policy was when this process began to count.
    carried_s: u64,
}

impl Age {
    pub(super) fn restart(&mut self, now: Mono) {
        *self = Self { heard: now, carried_s: 0 };
    }

    pub(super) fn restore(&mut self, now: Mono, age_s: u32) {
        *self = Self { heard: now, carried_s: u64::from(age_s) };
    }

    pub(super) fn seconds(&self, now: Mono) -> u64 {
        (now.0.saturating_sub(self.heard.0) / NS_PER_S).saturating_add(self.carried_s)
    }

    pub(super) fn level(&self, now: Mono, silence_s: u32, age_max_s: u32) -> Level {
        let age = self.seconds(now);
        if age >= u64::from(age_max_s) {
            Level::Stale
        } else if age >= u64::from(silence_s) {
            Level::Silent
        } else {
            Level::Fresh
        }
    }

    /// Gives the moment at which the level changes if nobody speaks.
    pub(super) fn deadline(&self, level: Level, silence_s: u32, age_max_s: u32) -> Option<Mono> {
        let limit = match level {
            Level::Fresh => silence_s.min(age_max_s),
            Level::Silent => age_max_s,
            Level::Stale => return None,
        };
        Some(after_s(self.heard, u64::from(limit).saturating_sub(self.carried_s)))
    }
}

/// Says whether a tier opens nothing new once its bundle is stale.
///
/// Whatever the table of a bundle says, a tier whose lifelines are protected keeps everything. A
/// bundle is a closed list, so to keep it is to keep the declared pairs and nothing else.
/// # Source
/// NIST SP 800-207 §5.2; IEC 62443-3-3 §4.2.
pub(super) fn is_no_new(rules: &[TierRules], tier: Tier) -> bool {
    use FailAction as A;
    if tier.protects_lifelines() {
        return false;
    }
    match action(rules, tier, Failure::BundleStale) {
        A::ExistingFlows | A::LifelinesByKernel | A::Close => true,
        A::KeepBundle
        | A::KeepBundleForEver
        | A::LifelineAndClinicalPairs
        | A::DeclaredPairs
        | A::BypassOrSecondGateway
        | A::SecondGatewayOrDowntime
        | A::TolerateDowntime
        | A::KeepPreviousBundle
        | A::IgnoreTime
        | A::Grace24h
        | A::Grace1h
        | A::NoGrace
        | A::PortStaysAuthorised
        | A::CriticalVlan => false,
    }
}

/// Gives what a failure does to a tier: by the bundle, or by the table where the bundle is silent.
pub(super) fn action(rules: &[TierRules], tier: Tier, failure: Failure) -> FailAction {
    let row = rules.iter().find(|row| row.tier == tier);
    let listed = row.and_then(|row| row.failures.iter().find(|(which, _)| *which == failure));
    listed.map_or_else(|| tier::fail_action(tier, failure), |(_, action)| *action)
}
