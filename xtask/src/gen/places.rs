//! Buildings and units: where in the hospital which type of device is found.

use super::counts::{BUILDINGS, Kind};

/// A building.
pub(super) struct Building {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) highest_floor: i16,
    pub(super) units: &'static [Unit],
}

/// The lowest floor of every building.
pub(super) const LOWEST_FLOOR: i16 = -1;

/// What a unit is for; decides how critical it is and which devices it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Emergency,
    Operating,
    Recovery,
    Intensive,
    Ward,
    Isolation,
    Telemetry,
    Dialysis,
    Radiology,
    Clinic,
    Entrance,
    Plant,
}

impl Purpose {
    /// The care level, as the plan spells it.
    pub(super) fn care(self) -> &'static str {
        match self {
            Self::Emergency | Self::Operating | Self::Recovery | Self::Intensive => "critical",
            Self::Ward | Self::Isolation | Self::Telemetry | Self::Dialysis => "acute",
            Self::Radiology | Self::Clinic => "general",
            Self::Entrance | Self::Plant => "technical",
        }
    }

    /// How many of a building's devices of a type are here, in proportion.
    pub(super) fn weight(self, kind: Kind) -> usize {
        match self {
            Self::Emergency => emergency(kind),
            Self::Operating => operating(kind),
            Self::Recovery => recovery(kind),
            Self::Intensive => intensive(kind),
            Self::Ward | Self::Isolation => ward(kind),
            Self::Telemetry => telemetry(kind),
            Self::Dialysis => dialysis(kind),
            Self::Radiology => radiology(kind),
            Self::Clinic => clinic(kind),
            Self::Entrance => building(kind, 6),
            Self::Plant => plant(kind),
        }
    }
}

fn emergency(kind: Kind) -> usize {
    match kind {
        Kind::Ventilator | Kind::CardiacMonitor => 10,
        Kind::InfusionPump => 8,
        Kind::PatientMonitor | Kind::Thermometer => 15,
        Kind::Imaging => 12,
        Kind::NurseCall | Kind::BedScale => 6,
        other => building(other, 8),
    }
}

fn operating(kind: Kind) -> usize {
    match kind {
        Kind::Ventilator => 16,
        Kind::InfusionPump => 8,
        Kind::PatientMonitor => 12,
        Kind::Imaging => 10,
        // The rooms themselves: supply and exhaust air, each room one zone.
        Kind::Hvac => 5,
        other => building(other, 6),
    }
}

fn recovery(kind: Kind) -> usize {
    match kind {
        Kind::Ventilator | Kind::CardiacMonitor => 8,
        Kind::InfusionPump => 8,
        Kind::PatientMonitor => 20,
        Kind::NurseCall | Kind::BedScale => 6,
        other => building(other, 6),
    }
}

fn intensive(kind: Kind) -> usize {
    match kind {
        Kind::Ventilator => 66,
        Kind::Dialysis => 20,
        Kind::CardiacMonitor => 30,
        Kind::InfusionPump => 24,
        Kind::NurseCall | Kind::BedScale => 10,
        Kind::Imaging => 2,
        other => building(other, 8),
    }
}

fn ward(kind: Kind) -> usize {
    match kind {
        Kind::InfusionPump => 14,
        Kind::PatientMonitor => 10,
        Kind::NurseCall | Kind::BedScale => 20,
        Kind::Thermometer => 12,
        other => building(other, 9),
    }
}

fn telemetry(kind: Kind) -> usize {
    match kind {
        Kind::CardiacMonitor => 52,
        Kind::Imaging => 4,
        other => ward(other),
    }
}

fn dialysis(kind: Kind) -> usize {
    match kind {
        Kind::Dialysis => 80,
        Kind::InfusionPump => 4,
        Kind::NurseCall | Kind::BedScale => 10,
        Kind::Thermometer => 6,
        other => building(other, 6),
    }
}

fn radiology(kind: Kind) -> usize {
    match kind {
        Kind::Imaging => 72,
        Kind::InfusionPump => 1,
        Kind::NurseCall => 2,
        other => building(other, 7),
    }
}

fn clinic(kind: Kind) -> usize {
    match kind {
        Kind::Thermometer => 10,
        Kind::NurseCall | Kind::BedScale => 3,
        Kind::Imaging => 4,
        other => building(other, 7),
    }
}

/// Lifts stop on every floor and are run from the plant rooms.
fn plant(kind: Kind) -> usize {
    if kind == Kind::Elevator { 1 } else { building(kind, 12) }
}

/// What belongs to the building and not to care.
fn building(kind: Kind, zones: usize) -> usize {
    match kind {
        Kind::Hvac | Kind::Lighting => zones,
        Kind::DoorLock => 5,
        Kind::Ventilator
        | Kind::Dialysis
        | Kind::CardiacMonitor
        | Kind::InfusionPump
        | Kind::PatientMonitor
        | Kind::Imaging
        | Kind::NurseCall
        | Kind::BedScale
        | Kind::Thermometer
        | Kind::Elevator => 0,
    }
}

/// A care unit or a technical area.
pub(super) struct Unit {
    /// The identifier without the building.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) floor: i16,
    pub(super) purpose: Purpose,
}

const fn unit(floor: i16, key: &'static str, name: &'static str, purpose: Purpose) -> Unit {
    Unit { key, name, floor, purpose }
}

/// The four buildings.
pub(super) const ALL: [Building; BUILDINGS] = [
    Building { key: "a", name: "Medicine Tower", highest_floor: 8, units: &A },
    Building { key: "b", name: "Surgery and Heart Centre", highest_floor: 9, units: &B },
    Building { key: "c", name: "Women and Children", highest_floor: 7, units: &C },
    Building { key: "d", name: "Neurology and Rehabilitation", highest_floor: 7, units: &D },
];

const A: [Unit; 14] = [
    unit(-1, "plant-low", "Basement plant", Purpose::Plant),
    unit(0, "ed", "Emergency department", Purpose::Emergency),
    unit(0, "radiology", "Radiology", Purpose::Radiology),
    unit(0, "entrance", "Main entrance", Purpose::Entrance),
    unit(1, "or", "Operating rooms", Purpose::Operating),
    unit(1, "recovery", "Recovery", Purpose::Recovery),
    unit(2, "icu", "Medical intensive care", Purpose::Intensive),
    unit(3, "ward-3", "General medicine", Purpose::Ward),
    unit(4, "dialysis", "Dialysis", Purpose::Dialysis),
    unit(4, "clinic", "Kidney clinic", Purpose::Clinic),
    unit(5, "telemetry", "Cardiac step-down", Purpose::Telemetry),
    unit(6, "isolation", "Infectious diseases", Purpose::Isolation),
    unit(7, "ward-7", "Oncology", Purpose::Ward),
    unit(8, "plant-roof", "Roof plant", Purpose::Plant),
];

const B: [Unit; 15] = [
    unit(-1, "plant-low", "Basement plant", Purpose::Plant),
    unit(0, "ed", "Chest pain unit", Purpose::Emergency),
    unit(0, "entrance", "South entrance", Purpose::Entrance),
    unit(1, "radiology", "Angiography and imaging", Purpose::Radiology),
    unit(2, "or", "Operating rooms", Purpose::Operating),
    unit(2, "recovery", "Recovery", Purpose::Recovery),
    unit(3, "ward-3", "General surgery", Purpose::Ward),
    unit(4, "icu", "Surgical intensive care", Purpose::Intensive),
    unit(5, "telemetry", "Cardiology", Purpose::Telemetry),
    unit(6, "dialysis", "Dialysis", Purpose::Dialysis),
    unit(7, "ward-7", "Orthopaedics", Purpose::Ward),
    unit(7, "clinic", "Surgical clinic", Purpose::Clinic),
    unit(8, "isolation", "Transplant isolation", Purpose::Isolation),
    unit(8, "ward-8", "Vascular surgery", Purpose::Ward),
    unit(9, "plant-roof", "Roof plant", Purpose::Plant),
];

const C: [Unit; 13] = [
    unit(-1, "plant-low", "Basement plant", Purpose::Plant),
    unit(0, "ed", "Children's emergency", Purpose::Emergency),
    unit(0, "entrance", "East entrance", Purpose::Entrance),
    unit(0, "radiology", "Children's imaging", Purpose::Radiology),
    unit(1, "or", "Delivery and operating rooms", Purpose::Operating),
    unit(1, "recovery", "Recovery", Purpose::Recovery),
    unit(2, "icu", "Neonatal and children's intensive care", Purpose::Intensive),
    unit(3, "ward-3", "Maternity", Purpose::Ward),
    unit(4, "telemetry", "Children's cardiology", Purpose::Telemetry),
    unit(5, "dialysis", "Children's dialysis", Purpose::Dialysis),
    unit(5, "clinic", "Children's clinic", Purpose::Clinic),
    unit(6, "isolation", "Children's isolation ward", Purpose::Isolation),
    unit(7, "plant-roof", "Roof plant", Purpose::Plant),
];

const D: [Unit; 13] = [
    unit(-1, "plant-low", "Basement plant", Purpose::Plant),
    unit(0, "ed", "Stroke unit", Purpose::Emergency),
    unit(0, "entrance", "North entrance", Purpose::Entrance),
    unit(1, "radiology", "Neuroradiology", Purpose::Radiology),
    unit(2, "or", "Neurosurgery operating rooms", Purpose::Operating),
    unit(2, "recovery", "Recovery", Purpose::Recovery),
    unit(3, "ward-3", "Neurology", Purpose::Ward),
    unit(4, "icu", "Neurological intensive care", Purpose::Intensive),
    unit(5, "telemetry", "Cardiac rehabilitation", Purpose::Telemetry),
    unit(5, "dialysis", "Dialysis", Purpose::Dialysis),
    unit(6, "isolation", "Isolation ward", Purpose::Isolation),
    unit(6, "clinic", "Rehabilitation clinic", Purpose::Clinic),
    unit(7, "plant-roof", "Roof plant", Purpose::Plant),
];
