//! Why bytes are not a value, and who is to blame.

/// A bound that a peer may not cross, with its name for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    /// What is bounded, in lower case, for example `bytes in an HL7 frame`.
    pub name: &'static str,
    /// The largest value that is allowed.
    pub max: usize,
}

/// Why bytes are not a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// The bytes end too early and nobody is to blame yet: wait for more.
    /// # Units
    /// `need`: bytes that are missing at least.
    #[error("{need} more byte(s) are needed")]
    Incomplete {
        /// Bytes that are missing at least.
        need: usize,
    },
    /// The peer broke a rule of the standard.
    #[error("byte {at} breaks {rule}")]
    Malformed {
        /// The offset of the offending byte in the unit that was read.
        at: usize,
        /// The standard and the section that is broken, for example `Modbus APv1.1b3 §6.11`.
        rule: &'static str,
    },
    /// What is there is legal, and not read here.
    #[error("{what} at byte {at} is not supported")]
    Unsupported {
        /// The offset in the unit that was read.
        at: usize,
        /// What is not supported.
        what: &'static str,
    },
    /// More of something than is taken.
    #[error("more than {} {}", .limit.max, .limit.name)]
    OverLimit {
        /// The offset in the unit that was read.
        at: usize,
        /// The bound that was crossed.
        limit: Limit,
    },
}

impl Fault {
    /// Gives the offset at which the fault is; 0 when it has none.
    #[must_use]
    pub fn at(self) -> usize {
        match self {
            Self::Incomplete { .. } => 0,
            Self::Malformed { at, .. }
            | Self::Unsupported { at, .. }
            | Self::OverLimit { at, .. } => at,
        }
    }

    /// Moves the offset, for a part that was read as if it stood alone.
    #[must_use]
    pub fn after(self, bytes: usize) -> Self {
        match self {
            Self::Incomplete { need } => Self::Incomplete { need },
            Self::Malformed { at, rule } => Self::Malformed { at: at.saturating_add(bytes), rule },
            Self::Unsupported { at, what } => {
                Self::Unsupported { at: at.saturating_add(bytes), what }
            }
            Self::OverLimit { at, limit } => {
                Self::OverLimit { at: at.saturating_add(bytes), limit }
            }
        }
    }
}
