//! Where things are: buildings, floors and units.

use serde::{Deserialize, Serialize};

use crate::BuildingId;

/// A building.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Building {
    /// Its name, for people.
    pub name: String,
    /// Its lowest and its highest floor.
    pub floors: (i16, i16),
}

/// How much a unit's patients depend on its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Care {
    /// Intensive care, operating rooms, emergency.
    Critical,
    /// Wards.
    Acute,
    /// Out-patients, diagnostics.
    General,
    /// No patients: plant rooms, offices.
    Technical,
}

/// A care unit or a technical area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name, for people.
    pub name: String,
    /// Where it is.
    pub building: BuildingId,
    /// On which floor.
    pub floor: i16,
    /// How much its patients depend on its devices.
    pub care: Care,
}
