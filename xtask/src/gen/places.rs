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
        let named = self.weights().iter().find(|(named, _)| *named == kind);
        match (named, kind) {
            (Some((_, weight)), _) => *weight,
            (None, Kind::Hvac | Kind::Lighting) => 8,
            (None, Kind::DoorLock) => 5,
            (None, _) => 0,
        }
    }

    /// The types of which a unit has some; every unit has air, light and doors besides.
    fn weights(self) -> &'static [(Kind, usize)] {
        match self {
            Self::Emergency => &EMERGENCY,
            Self::Operating => &OPERATING,
            Self::Recovery => &RECOVERY,
            Self::Intensive => &INTENSIVE,
            Self::Ward | Self::Isolation => &WARD,
            Self::Telemetry => &TELEMETRY,
            Self::Dialysis => &DIALYSIS,
            Self::Radiology => &RADIOLOGY,
            Self::Clinic => &CLINIC,
            Self::Entrance => &[],
            Self::Plant => &PLANT,
        }
    }
}

const EMERGENCY: [(Kind, usize); 8] = [
    (Kind::Ventilator, 10),
    (Kind::CardiacMonitor, 10),
    (Kind::InfusionPump, 8),
    (Kind::PatientMonitor, 15),
    (Kind::Imaging, 12),
    (Kind::NurseCall, 6),
    (Kind::BedScale, 6),
    (Kind::Thermometer, 15),
];

/// Each operating room is one zone of its own for supply and exhaust air.
const OPERATING: [(Kind, usize); 5] = [
    (Kind::Ventilator, 16),
    (Kind::InfusionPump, 8),
    (Kind::PatientMonitor, 12),
    (Kind::Imaging, 10),
    (Kind::Hvac, 5),
];

const RECOVERY: [(Kind, usize); 6] = [
    (Kind::Ventilator, 8),
    (Kind::CardiacMonitor, 8),
    (Kind::InfusionPump, 8),
    (Kind::PatientMonitor, 20),
    (Kind::NurseCall, 6),
    (Kind::BedScale, 6),
];

const INTENSIVE: [(Kind, usize); 7] = [
    (Kind::Ventilator, 66),
    (Kind::Dialysis, 20),
    (Kind::CardiacMonitor, 30),
    (Kind::InfusionPump, 24),
    (Kind::Imaging, 2),
    (Kind::NurseCall, 10),
    (Kind::BedScale, 10),
];

const WARD: [(Kind, usize); 5] = [
    (Kind::InfusionPump, 14),
    (Kind::PatientMonitor, 10),
    (Kind::NurseCall, 20),
    (Kind::BedScale, 20),
    (Kind::Thermometer, 12),
];

const TELEMETRY: [(Kind, usize); 7] = [
    (Kind::CardiacMonitor, 52),
    (Kind::InfusionPump, 14),
    (Kind::PatientMonitor, 10),
    (Kind::Imaging, 4),
    (Kind::NurseCall, 20),
    (Kind::BedScale, 20),
    (Kind::Thermometer, 12),
];

const DIALYSIS: [(Kind, usize); 5] = [
    (Kind::Dialysis, 80),
    (Kind::InfusionPump, 4),
    (Kind::NurseCall, 10),
    (Kind::BedScale, 10),
    (Kind::Thermometer, 6),
];

const RADIOLOGY: [(Kind, usize); 3] =
    [(Kind::Imaging, 72), (Kind::InfusionPump, 1), (Kind::NurseCall, 2)];

const CLINIC: [(Kind, usize); 4] =
    [(Kind::Imaging, 4), (Kind::NurseCall, 3), (Kind::BedScale, 3), (Kind::Thermometer, 10)];

/// Lifts stop on every floor and are run from the plant rooms.
const PLANT: [(Kind, usize); 3] = [(Kind::Elevator, 1), (Kind::Hvac, 12), (Kind::Lighting, 4)];

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
