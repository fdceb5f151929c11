//! How many devices of which type, attachment and building: the yardstick, and its scaling.
//!
//! Invariant: at 8,000 devices every sum below is met exactly; at any other number each count is
//! the nearest share that keeps the total exact.

use std::cmp::Reverse;

/// Devices of the yardstick hospital.
pub(super) const YARDSTICK_DEVICES: u32 = 8_000;

/// Buildings of the hospital.
pub(super) const BUILDINGS: usize = 4;

/// Legacy devices behind one gateway; every access port is in use at the yardstick.
pub(super) const PORTS_PER_GATEWAY: usize = 20;

/// Which devices share segments, gateways and totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    Red,
    Orange,
    Yellow,
    Green,
}

impl Tier {
    pub(super) const ALL: [Self; 4] = [Self::Red, Self::Orange, Self::Yellow, Self::Green];

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
        }
    }

    /// The VLAN of the tier's native segment in the first building.
    pub(super) fn vlan(self) -> usize {
        match self {
            Self::Red => 100,
            Self::Orange => 110,
            Self::Yellow => 120,
            Self::Green => 130,
        }
    }
}

/// How a device is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attachment {
    Tpm,
    Legacy,
    SoftwareKey,
}

impl Attachment {
    pub(super) const ALL: [Self; 3] = [Self::Tpm, Self::Legacy, Self::SoftwareKey];

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Tpm => "tpm",
            Self::Legacy => "legacy",
            Self::SoftwareKey => "software-key",
        }
    }
}

/// A device type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Ventilator,
    Dialysis,
    CardiacMonitor,
    InfusionPump,
    PatientMonitor,
    Imaging,
    NurseCall,
    BedScale,
    Thermometer,
    Hvac,
    Lighting,
    DoorLock,
    Elevator,
}

impl Kind {
    /// The name of the profile.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Ventilator => "ventilator",
            Self::Dialysis => "dialysis",
            Self::CardiacMonitor => "cardiac-monitor",
            Self::InfusionPump => "infusion-pump",
            Self::PatientMonitor => "patient-monitor",
            Self::Imaging => "imaging",
            Self::NurseCall => "nurse-call",
            Self::BedScale => "bed-scale",
            Self::Thermometer => "thermometer",
            Self::Hvac => "hvac-controller",
            Self::Lighting => "lighting",
            Self::DoorLock => "door-lock",
            Self::Elevator => "elevator",
        }
    }

    pub(super) fn speaks_hl7(self) -> bool {
        self.is_bedside() || self == Self::NurseCall
    }

    /// Bedside devices name themselves by an EUI-64 in what they report.
    pub(super) fn is_bedside(self) -> bool {
        matches!(
            self,
            Self::Ventilator
                | Self::Dialysis
                | Self::CardiacMonitor
                | Self::InfusionPump
                | Self::PatientMonitor
        )
    }

    pub(super) fn speaks_bacnet(self) -> bool {
        matches!(self, Self::Lighting | Self::DoorLock | Self::Elevator)
    }
}

/// Devices of one type, by attachment.
struct TypeRow {
    tier: Tier,
    kind: Kind,
    /// In the order of [`Attachment::ALL`].
    devices: [usize; 3],
}

const fn row(tier: Tier, kind: Kind, devices: [usize; 3]) -> TypeRow {
    TypeRow { tier, kind, devices }
}

/// The yardstick by type: TPM, legacy, key in software.
const TYPES: [TypeRow; 13] = [
    row(Tier::Red, Kind::Ventilator, [200, 60, 40]),
    row(Tier::Red, Kind::Dialysis, [40, 40, 20]),
    row(Tier::Red, Kind::CardiacMonitor, [260, 100, 90]),
    row(Tier::Orange, Kind::InfusionPump, [950, 700, 150]),
    row(Tier::Orange, Kind::PatientMonitor, [450, 120, 80]),
    row(Tier::Orange, Kind::Imaging, [100, 80, 20]),
    row(Tier::Yellow, Kind::NurseCall, [90, 280, 130]),
    row(Tier::Yellow, Kind::BedScale, [40, 200, 60]),
    row(Tier::Yellow, Kind::Thermometer, [20, 120, 60]),
    row(Tier::Green, Kind::Hvac, [0, 2_700, 200]),
    row(Tier::Green, Kind::Lighting, [0, 270, 80]),
    row(Tier::Green, Kind::DoorLock, [30, 110, 60]),
    row(Tier::Green, Kind::Elevator, [20, 20, 10]),
];

/// The yardstick by building; every legacy count is a multiple of the ports of a gateway.
fn by_building(tier: Tier, attachment: Attachment) -> [usize; BUILDINGS] {
    match (tier, attachment) {
        (Tier::Red, Attachment::Tpm) => [125, 125, 125, 125],
        (Tier::Red, Attachment::Legacy) => [60, 60, 40, 40],
        (Tier::Red, Attachment::SoftwareKey) => [38, 38, 37, 37],
        (Tier::Orange, Attachment::Tpm) => [375, 375, 375, 375],
        (Tier::Orange, Attachment::Legacy) => [240, 220, 220, 220],
        (Tier::Orange, Attachment::SoftwareKey) => [63, 63, 62, 62],
        (Tier::Yellow, Attachment::Tpm) => [38, 38, 37, 37],
        (Tier::Yellow, Attachment::Legacy) => [160, 160, 140, 140],
        (Tier::Yellow, Attachment::SoftwareKey) => [63, 63, 62, 62],
        (Tier::Green, Attachment::Tpm) => [13, 13, 12, 12],
        (Tier::Green, Attachment::Legacy) => [780, 780, 780, 760],
        (Tier::Green, Attachment::SoftwareKey) => [88, 88, 87, 87],
    }
}

/// A device that is to be: all that the counts decide about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) tier: Tier,
    pub(super) kind: Kind,
    pub(super) attachment: Attachment,
    /// 0 to 3.
    pub(super) building: usize,
}

/// Gives one slot per device.
pub(super) fn slots(devices: u32) -> Vec<Slot> {
    let total = usize::try_from(devices).unwrap_or(usize::MAX);
    let cells: Vec<usize> = TYPES.iter().flat_map(|row| row.devices).collect();
    let mut cells = shares(&cells, total).into_iter();
    let mut rows = Vec::new();
    for row in &TYPES {
        for (attachment, count) in Attachment::ALL.into_iter().zip(cells.by_ref().take(3)) {
            rows.push((row.tier, row.kind, attachment, count));
        }
    }
    let mut slots = Vec::with_capacity(total);
    for tier in Tier::ALL {
        for attachment in Attachment::ALL {
            let kinds: Vec<(Kind, usize)> = rows
                .iter()
                .filter(|(t, _, a, _)| *t == tier && *a == attachment)
                .map(|(_, kind, _, count)| (*kind, *count))
                .collect();
            let mut kinds = interleave(&kinds).into_iter();
            let sum = kinds.len();
            let counts = shares(&by_building(tier, attachment), sum);
            for (building, count) in counts.into_iter().enumerate() {
                let kinds = kinds.by_ref().take(count);
                slots.extend(kinds.map(|kind| Slot { tier, kind, attachment, building }));
            }
        }
    }
    slots
}

/// Splits `total` in proportion to the weights: largest remainder, the sum exact.
pub(super) fn shares(weights: &[usize], total: usize) -> Vec<usize> {
    let sum = weights.iter().sum::<usize>().max(1);
    let mut parts: Vec<(usize, usize, usize)> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| (index, weight * total / sum, weight * total % sum))
        .collect();
    let missing = total - parts.iter().map(|(_, share, _)| share).sum::<usize>();
    parts.sort_by_key(|(index, _, rest)| (Reverse(*rest), *index));
    for (_, share, _) in parts.iter_mut().take(missing) {
        *share += 1;
    }
    parts.sort_by_key(|(index, _, _)| *index);
    parts.into_iter().map(|(_, share, _)| share).collect()
}

/// Repeats each item as often as it says, spread as evenly as it goes.
pub(super) fn interleave<T: Copy>(items: &[(T, usize)]) -> Vec<T> {
    let mut places = Vec::new();
    for (index, (item, count)) in items.iter().enumerate() {
        for turn in 0..*count {
            places.push((((2 * turn + 1) << 32) / count, index, *item));
        }
    }
    places.sort_by_key(|(place, index, _)| (*place, *index));
    places.into_iter().map(|(_, _, item)| item).collect()
}
