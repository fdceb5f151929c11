//! Risk tiers, and the one table that says what each failure does to each tier.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The clinical risk class of a device.
///
/// GREEN-LS is the life-safety part of GREEN (egress doors, lifts, isolation-room air): it shares
/// GREEN's segments and is protected like RED when something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Life-critical.
    Red,
    /// Patient-critical.
    Orange,
    /// Operational.
    Yellow,
    /// Facility.
    Green,
    /// Facility, life safety.
    GreenLs,
}

impl Tier {
    /// Every tier, most critical first.
    pub const ALL: [Self; 5] = [Self::Red, Self::Orange, Self::Yellow, Self::Green, Self::GreenLs];

    /// Gives the name that policies, reports and the command line use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Red => "RED",
            Self::Orange => "ORANGE",
            Self::Yellow => "YELLOW",
            Self::Green => "GREEN",
            Self::GreenLs => "GREEN-LS",
        }
    }

    /// Gives the key of the tier in files: kebab-case.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
            Self::GreenLs => "green-ls",
        }
    }

    /// Gives the tier whose segments, gateways and totals this one shares.
    #[must_use]
    pub fn segment_tier(self) -> Self {
        match self {
            Self::GreenLs => Self::Green,
            Self::Red | Self::Orange | Self::Yellow | Self::Green => self,
        }
    }

    /// Says whether a lifeline of this tier outlives every state but ISOLATED.
    #[must_use]
    pub fn protects_lifelines(self) -> bool {
        matches!(self, Self::Red | Self::GreenLs)
    }

    /// Reads a name in either spelling.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == text || tier.key() == text)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What can fail under an enforcement point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// No decision point answers and the bundle is younger than its age limit.
    PdpUnreachable,
    /// No decision point answers and the bundle is older than its age limit.
    BundleStale,
    /// The enforcement process died or hangs.
    ProcessDown,
    /// The enforcement point lost power.
    PowerLost,
    /// A bundle is corrupt, wrongly signed, or older than the one in force.
    BundleRefused,
    /// The wall clock cannot be trusted.
    ClockWrong,
    /// No RADIUS server answers.
    RadiusUnreachable,
}

impl Failure {
    /// Every failure, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::PdpUnreachable,
        Self::BundleStale,
        Self::ProcessDown,
        Self::PowerLost,
        Self::BundleRefused,
        Self::ClockWrong,
        Self::RadiusUnreachable,
    ];
}

/// What an enforcement point does for a tier when something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailAction {
    /// Goes on with the bundle in force.
    KeepBundle,
    /// Goes on with the bundle in force, without any age limit.
    KeepBundleForEver,
    /// Lifelines and the declared clinical pairs; nothing else.
    LifelineAndClinicalPairs,
    /// The declared pairs; nothing off the list starts.
    DeclaredPairs,
    /// Flows that are open stay open; nothing new starts.
    ExistingFlows,
    /// Lifelines go straight through the kernel; nothing else passes.
    LifelinesByKernel,
    /// Nothing passes.
    Close,
    /// A bypass relay or a second gateway carries the traffic.
    BypassOrSecondGateway,
    /// A second gateway carries the traffic, or the tolerated downtime is used.
    SecondGatewayOrDowntime,
    /// The loss is inside the tolerated downtime.
    TolerateDowntime,
    /// The previous signed generation stays in force.
    KeepPreviousBundle,
    /// Lifelines ignore time; certificates get grace and an alarm.
    IgnoreTime,
    /// Certificates get 24 hours of grace.
    Grace24h,
    /// Certificates get one hour of grace.
    Grace1h,
    /// Certificates get no grace.
    NoGrace,
    /// The port stays authorised in its own VLAN.
    PortStaysAuthorised,
    /// The port moves to the critical VLAN.
    CriticalVlan,
}

/// Says what `failure` does to `tier`; the whole of the fail-safe behaviour is this table.
/// # Source
/// IEC 62443-3-3 §4.2 (essential functions); NIST SP 800-207 §5.2 (loss of the decision point).
#[must_use]
pub fn fail_action(tier: Tier, failure: Failure) -> FailAction {
    use FailAction as A;
    use Failure as F;
    use Tier as T;
    match (failure, tier) {
        (F::PdpUnreachable, _) => A::KeepBundle,
        (F::BundleStale, T::Red | T::GreenLs) => A::KeepBundleForEver,
        (F::BundleStale, T::Orange) => A::LifelineAndClinicalPairs,
        (F::BundleStale, T::Yellow) => A::DeclaredPairs,
        (F::BundleStale, T::Green) => A::ExistingFlows,
        (F::ProcessDown, T::Red | T::Orange | T::GreenLs) => A::LifelinesByKernel,
        (F::ProcessDown, T::Yellow) => A::DeclaredPairs,
        (F::ProcessDown, T::Green) => A::Close,
        (F::PowerLost, T::Red | T::GreenLs) => A::BypassOrSecondGateway,
        (F::PowerLost, T::Orange) => A::SecondGatewayOrDowntime,
        (F::PowerLost, T::Yellow | T::Green) => A::TolerateDowntime,
        (F::BundleRefused, _) => A::KeepPreviousBundle,
        (F::ClockWrong, T::Red | T::GreenLs) => A::IgnoreTime,
        (F::ClockWrong, T::Orange) => A::Grace24h,
        (F::ClockWrong, T::Yellow) => A::Grace1h,
        (F::ClockWrong, T::Green) => A::NoGrace,
        (F::RadiusUnreachable, T::Red | T::Orange | T::GreenLs) => A::PortStaysAuthorised,
        (F::RadiusUnreachable, T::Yellow | T::Green) => A::CriticalVlan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_critical_device_never_loses_its_bundle_to_a_failure() {
        for failure in Failure::ALL {
            for tier in [Tier::Red, Tier::GreenLs] {
                let action = fail_action(tier, failure);
                assert!(
                    !matches!(action, FailAction::Close | FailAction::ExistingFlows),
                    "{tier} loses its lifelines on {failure:?}"
                );
            }
        }
    }

    #[test]
    fn names_and_keys_read_back() {
        for tier in Tier::ALL {
            assert_eq!(Tier::from_name(tier.name()), Some(tier));
            assert_eq!(Tier::from_name(tier.key()), Some(tier));
        }
    }
}
