//! Makers, models and firmware; every maker is invented.
//!
//! Invariant: no prefix below is assigned in the IEEE MA-L registry that Wireshark 4.0 ships, and
//! none has the group bit or the local bit (a local bit would make a device look like a phone).

use super::counts::{Attachment, Kind};

/// A maker.
pub(super) struct Maker {
    pub(super) name: &'static str,
    /// The first three bytes of its MAC addresses.
    pub(super) prefix: [u8; 3],
    /// The first letters of its serial numbers.
    pub(super) serial: &'static str,
}

const ALDERMERE: Maker = maker("Aldermere Respiratory", [0x78, 0x42, 0xbd], "AR");
const QUILLON: Maker = maker("Quillon Renal", [0xf0, 0x21, 0x06], "QR");
const VANTROSE: Maker = maker("Vantrose Cardiac", [0xf0, 0x84, 0x77], "VC");
const PELLWORTH: Maker = maker("Pellworth Infusion", [0x60, 0xf0, 0xf3], "PW");
const MARROWBY: Maker = maker("Marrowby Monitoring", [0xc8, 0x4d, 0x76], "MM");
const ORRINVALE: Maker = maker("Orrinvale Imaging", [0x4c, 0xc7, 0x07], "OI");
const CADMOOR: Maker = maker("Cadmoor Ultrasound", [0x20, 0x51, 0x15], "CU");
const TAMSIN: Maker = maker("Tamsin Care Systems", [0x98, 0x0f, 0x89], "TC");
const DUNHOLT: Maker = maker("Dunholt Scales", [0xf0, 0xc6, 0xda], "DS");
const FENNICK: Maker = maker("Fennick Thermometry", [0xc8, 0xe3, 0x44], "FT");
const GREYWETHER: Maker = maker("Greywether Controls", [0xb8, 0x31, 0x12], "GC");
const THISTLECOMBE: Maker = maker("Thistlecombe Air", [0x44, 0xfd, 0x6f], "TA");
const LUMENFOLD: Maker = maker("Lumenfold Lighting", [0x84, 0xdf, 0x9a], "LL");
const HASPWELL: Maker = maker("Haspwell Locks", [0xd4, 0xc5, 0xb3], "HL");
const SKERRIVORE: Maker = maker("Skerrivore Lifts", [0xd0, 0x76, 0xac], "SL");

const fn maker(name: &'static str, prefix: [u8; 3], serial: &'static str) -> Maker {
    Maker { name, prefix, serial }
}

/// A model.
pub(super) struct Model {
    pub(super) kind: Kind,
    pub(super) maker: Maker,
    pub(super) name: &'static str,
    /// Whether it can do cryptography.
    era: Era,
    /// The first letters of its devices' identifiers.
    pub(super) tag: &'static str,
    /// Out of the type's devices, in proportion.
    pub(super) share: usize,
    /// The version in force, and the one before that some still run.
    pub(super) firmware: [&'static str; 2],
    /// Whether it goes on with its work without a network.
    pub(super) autonomous: bool,
    pub(super) exposure: Exposure,
}

/// Percent of a model's devices with each weakness.
#[derive(Clone, Copy)]
pub(super) struct Exposure {
    pub(super) unsupported_os: usize,
    pub(super) remote_access: usize,
    pub(super) known_exploited: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Era {
    Modern,
    Legacy,
}

const fn exposed(unsupported_os: usize, remote_access: usize, known_exploited: usize) -> Exposure {
    Exposure { unsupported_os, remote_access, known_exploited }
}

const NOT_EXPOSED: Exposure = exposed(0, 0, 0);

/// Gives the models that a device of this type and attachment can be.
pub(super) fn models(kind: Kind, attachment: Attachment) -> Vec<&'static Model> {
    let era = if attachment == Attachment::Legacy { Era::Legacy } else { Era::Modern };
    MODELS.iter().filter(|model| model.kind == kind && model.era == era).collect()
}

const fn modern(
    kind: Kind,
    maker: Maker,
    name: &'static str,
    tag: &'static str,
    firmware: [&'static str; 2],
) -> Model {
    let (era, exposure) = (Era::Modern, NOT_EXPOSED);
    Model { kind, maker, name, era, tag, share: 1, firmware, autonomous: true, exposure }
}

const fn legacy(
    kind: Kind,
    maker: Maker,
    name: &'static str,
    tag: &'static str,
    firmware: [&'static str; 2],
) -> Model {
    Model { era: Era::Legacy, ..modern(kind, maker, name, tag, firmware) }
}

/// Every model. All pumps run one firmware, so a pump with another digest stands out.
static MODELS: [Model; 34] = [
    modern(Kind::Ventilator, ALDERMERE, "AV500", "VENT", ["3.4.2", "3.3.0"]),
    legacy(Kind::Ventilator, ALDERMERE, "AV200", "VENT", ["1.9.8", "1.9.8"]),
    modern(Kind::Dialysis, QUILLON, "QR-9", "DIAL", ["5.1.0", "5.0.3"]),
    Model {
        exposure: exposed(5, 15, 0),
        ..legacy(Kind::Dialysis, QUILLON, "QR-6", "DIAL", ["2.7.1", "2.6.4"])
    },
    Model {
        share: 3,
        ..modern(Kind::CardiacMonitor, VANTROSE, "CM-12", "CARD", ["6.2.1", "6.1.9"])
    },
    // A transmitter on the patient's belt: its alarms sound at the central station only.
    Model {
        autonomous: false,
        ..modern(Kind::CardiacMonitor, VANTROSE, "TX-3", "CARD", ["2.3.0", "2.2.5"])
    },
    legacy(Kind::CardiacMonitor, VANTROSE, "CM-8", "CARD", ["4.0.6", "4.0.6"]),
    modern(Kind::InfusionPump, PELLWORTH, "P400", "PUMP", ["v4.2.1", "v4.2.1"]),
    legacy(Kind::InfusionPump, PELLWORTH, "P300", "PUMP", ["v4.2.1", "v4.2.1"]),
    modern(Kind::PatientMonitor, MARROWBY, "M70", "MON", ["7.0.4", "7.0.2"]),
    Model {
        exposure: exposed(8, 0, 0),
        ..legacy(Kind::PatientMonitor, MARROWBY, "M50", "MON", ["5.5.1", "5.4.9"])
    },
    imaging(ORRINVALE, "Helica 128", "CT", 3, Era::Modern, ["11.2", "11.1"]),
    imaging(ORRINVALE, "Helica 32", "CT", 2, Era::Legacy, ["8.6", "8.5"]),
    imaging(ORRINVALE, "Fieldmark 3", "MR", 2, Era::Modern, ["9.4", "9.3"]),
    imaging(ORRINVALE, "Fieldmark 1", "MR", 1, Era::Legacy, ["6.1", "6.1"]),
    imaging(ORRINVALE, "Plainray D", "XR", 6, Era::Modern, ["4.8", "4.7"]),
    imaging(ORRINVALE, "Plainray C", "XR", 6, Era::Legacy, ["3.2", "3.0"]),
    imaging(CADMOOR, "Echo 9", "US", 8, Era::Modern, ["2.12", "2.11"]),
    imaging(CADMOOR, "Echo 5", "US", 6, Era::Legacy, ["1.30", "1.28"]),
    Model {
        autonomous: false,
        ..modern(Kind::NurseCall, TAMSIN, "BellStation 4", "CALL", ["4.1.3", "4.1.0"])
    },
    Model {
        autonomous: false,
        ..legacy(Kind::NurseCall, TAMSIN, "BellStation 2", "CALL", ["2.8.0", "2.7.5"])
    },
    modern(Kind::BedScale, DUNHOLT, "BedScale S3", "BED", ["3.0.2", "3.0.1"]),
    legacy(Kind::BedScale, DUNHOLT, "BedScale S1", "BED", ["1.4.0", "1.4.0"]),
    modern(Kind::Thermometer, FENNICK, "Probe 3", "TEMP", ["3.3.1", "3.2.0"]),
    legacy(Kind::Thermometer, FENNICK, "Probe 2", "TEMP", ["2.1.9", "2.1.7"]),
    modern(Kind::Hvac, GREYWETHER, "Zone 30", "HVAC", ["30.4.1", "30.3.8"]),
    Model {
        share: 3,
        exposure: exposed(2, 2, 1),
        ..legacy(Kind::Hvac, GREYWETHER, "Zone 20", "HVAC", ["20.9.2", "20.8.0"])
    },
    legacy(Kind::Hvac, THISTLECOMBE, "AirBox 8", "HVAC", ["1.17", "1.16"]),
    modern(Kind::Lighting, LUMENFOLD, "Room 4", "LIGHT", ["4.2.0", "4.1.1"]),
    legacy(Kind::Lighting, LUMENFOLD, "Room 2", "LIGHT", ["2.0.7", "2.0.7"]),
    modern(Kind::DoorLock, HASPWELL, "Door 6", "LOCK", ["6.5.0", "6.4.2"]),
    legacy(Kind::DoorLock, HASPWELL, "Door 4", "LOCK", ["4.9.1", "4.9.0"]),
    modern(Kind::Elevator, SKERRIVORE, "Car 9", "LIFT", ["9.0.3", "9.0.1"]),
    Model {
        exposure: exposed(0, 10, 0),
        ..legacy(Kind::Elevator, SKERRIVORE, "Car 5", "LIFT", ["5.6.2", "5.6.2"])
    },
];

/// A modality: the maker services it from afar, and the old ones run an operating system of old.
const fn imaging(
    maker: Maker,
    name: &'static str,
    tag: &'static str,
    share: usize,
    era: Era,
    firmware: [&'static str; 2],
) -> Model {
    let exposure = match era {
        Era::Modern => exposed(0, 20, 0),
        Era::Legacy => exposed(45, 25, 4),
    };
    let base = modern(Kind::Imaging, maker, name, tag, firmware);
    Model { era, share, exposure, ..base }
}
