//! Time as an argument: integers that callers supply, so that nothing that decides reads a clock.

use serde::{Deserialize, Serialize};

/// Monotonic time.
/// # Units
/// Nanoseconds since an arbitrary start, never decreasing while the process lives.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Mono(pub u64);

/// Wall-clock time.
/// # Units
/// Seconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Wall(pub u64);

impl Wall {
    /// Gives the hour of the day in UTC, 0 to 23; policies that name hours mean this one.
    #[must_use]
    pub fn hour(self) -> u8 {
        u8::try_from(self.0 / 3_600 % 24).unwrap_or(0)
    }
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Now {
    /// For durations and deadlines.
    pub mono: Mono,
    /// For people and for policies that name hours.
    pub wall: Wall,
}

/// Wall-clock time of a record.
/// # Units
/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct WallMs(pub u64);

impl WallMs {
    /// Gives the moment in whole seconds.
    #[must_use]
    pub fn wall(self) -> Wall {
        Wall(self.0 / 1_000)
    }
}
