//! The answer of every decision: a value that names its rule, never an error.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::RuleId;

/// Why an act is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The device is not in the plan.
    UnknownDevice,
    /// The device's profile does not name the other side.
    UnlistedDestination,
    /// The profile names the other side, but not for this operation or direction.
    UnlistedOperation,
    /// A guardrail forbids it; no policy of the hospital can undo that.
    Guardrail,
    /// A policy of the hospital forbids it.
    Forbidden,
    /// The profile declares it, but no policy permits it in this state and mode.
    NotPermitted,
    /// The policy could not be evaluated; denied, and an alarm is due.
    EvaluationFailed,
}

impl Reason {
    /// Gives the stable label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::UnknownDevice => "unknown-device",
            Self::UnlistedDestination => "unlisted-destination",
            Self::UnlistedOperation => "unlisted-operation",
            Self::Guardrail => "guardrail",
            Self::Forbidden => "forbidden",
            Self::NotPermitted => "not-permitted",
            Self::EvaluationFailed => "evaluation-failed",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// The rules that decided.
/// # Shape
/// At least one; `default-deny` when no other rule spoke.
pub type Rules = Arc<[RuleId]>;

/// The answer to an [`Act`](crate::Act).
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Decision {
    /// The act may happen.
    Permit {
        /// The permits that apply.
        rules: Rules,
    },
    /// The act may not happen.
    Deny {
        /// Why.
        reason: Reason,
        /// The forbids that apply, or `default-deny`.
        rules: Rules,
    },
}

impl Decision {
    /// Says whether the act may happen.
    #[must_use]
    pub fn is_permit(&self) -> bool {
        matches!(self, Self::Permit { .. })
    }

    /// Gives the rules that decided.
    #[must_use]
    pub fn rules(&self) -> &[RuleId] {
        match self {
            Self::Permit { rules } | Self::Deny { rules, .. } => rules,
        }
    }
}
