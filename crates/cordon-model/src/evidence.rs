//! Evidence: how much a finding proves, and so what may follow from it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The class of evidence that a finding carries.
///
/// Only deterministic evidence (E3, E4) may contain a device; statistics never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Evidence {
    /// Information: new but harmless.
    E0,
    /// A statistical anomaly in one channel.
    E1,
    /// Two independent channels agree.
    E2,
    /// A deterministic violation, already blocked.
    E3,
    /// Proof of compromise, or of a cloned identity.
    E4,
}

impl Evidence {
    /// Every class, the weakest first.
    pub const ALL: [Self; 5] = [Self::E0, Self::E1, Self::E2, Self::E3, Self::E4];

    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::E0 => "E0",
            Self::E1 => "E1",
            Self::E2 => "E2",
            Self::E3 => "E3",
            Self::E4 => "E4",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
