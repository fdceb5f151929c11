//! The files of a hospital directory exactly as they are written, before anything is checked.
//!
//! Keys are kebab-case with the unit in the key; an unknown key is an error. Every value that a
//! later check may blame is `Spanned`, so that the blame carries a line and a column.

use serde::Deserialize;
use toml::Spanned;

use crate::fleet::{Care, Envelope, Impact, Inspector, SegmentAttachment, TierPlan, ZoneKind};
use crate::{Direction, Operation, Protocol, Tier, Transport};

/// `hospital.toml`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Plan {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) bundle_age_max_s: Spanned<u32>,
    pub(super) tiers: Tiers,
    pub(super) buildings: Vec<Building>,
    pub(super) units: Vec<Unit>,
    pub(super) zones: Vec<Zone>,
    pub(super) segments: Vec<Segment>,
    #[serde(default)]
    pub(super) service_segments: Vec<ServiceSegment>,
    pub(super) services: Vec<Service>,
    #[serde(default)]
    pub(super) gateways: Vec<Gateway>,
    #[serde(default)]
    pub(super) overrides: Vec<Override>,
}

/// One table per tier; a tier without a table has no devices.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Tiers {
    pub(super) red: Option<TierPlan>,
    pub(super) orange: Option<TierPlan>,
    pub(super) yellow: Option<TierPlan>,
    pub(super) green: Option<TierPlan>,
    pub(super) green_ls: Option<TierPlan>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Building {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) lowest_floor: Spanned<i16>,
    pub(super) highest_floor: i16,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Unit {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) building: Spanned<String>,
    pub(super) floor: Spanned<i16>,
    pub(super) care: Care,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Zone {
    pub(super) id: Spanned<String>,
    pub(super) kind: ZoneKind,
    pub(super) networks: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Segment {
    pub(super) id: Spanned<String>,
    pub(super) vlan: Spanned<u16>,
    pub(super) tier: Spanned<Tier>,
    pub(super) building: Spanned<String>,
    pub(super) attachment: SegmentAttachment,
    pub(super) networks: Vec<Spanned<String>>,
    pub(super) firewall: Spanned<String>,
    pub(super) interface: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct ServiceSegment {
    pub(super) id: Spanned<String>,
    pub(super) vlan: Spanned<u16>,
    pub(super) purpose: Spanned<ZoneKind>,
    pub(super) networks: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Service {
    pub(super) id: Spanned<String>,
    pub(super) name: String,
    pub(super) role: Option<String>,
    pub(super) zone: Spanned<String>,
    pub(super) addresses: Spanned<Vec<Spanned<String>>>,
    pub(super) port: Spanned<u16>,
    pub(super) transport: Transport,
    pub(super) protocol: Spanned<Protocol>,
    pub(super) inspector: Option<Spanned<Inspector>>,
    #[serde(default)]
    pub(super) buildings: Vec<Spanned<String>>,
    pub(super) guard: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Gateway {
    pub(super) id: Spanned<String>,
    pub(super) segment: Spanned<String>,
    pub(super) ports: Spanned<u16>,
    pub(super) port_interface: Spanned<String>,
    pub(super) uplink_interface: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Override {
    pub(super) device: Spanned<String>,
    pub(super) tier: Tier,
    pub(super) who: Spanned<String>,
    pub(super) why: Spanned<String>,
    pub(super) until: Spanned<String>,
}

/// `profiles/NAME.toml`; the name of the file is the identifier of the type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) umbrella: String,
    pub(super) tier: Spanned<Tier>,
    pub(super) impact: Impact,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    pub(super) mud: Option<Mud>,
    #[serde(default)]
    pub(super) flows: Vec<Spanned<Flow>>,
}

/// How a maker's MUD file maps onto this hospital's services.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Mud {
    /// The file, beside the profile.
    pub(super) file: Spanned<String>,
    /// What `my-controller` means here: services.
    #[serde(default)]
    pub(super) my_controller: Vec<Spanned<String>>,
    /// What each `controller` class means here: services.
    #[serde(default)]
    pub(super) controllers: std::collections::BTreeMap<String, Vec<Spanned<String>>>,
    /// What each DNS name means here: services.
    #[serde(default)]
    pub(super) names: std::collections::BTreeMap<String, Vec<Spanned<String>>>,
    /// Which services `local-networks` stands for.
    #[serde(default)]
    pub(super) local_networks: Vec<Spanned<String>>,
    /// The verbs that flows of the file may use; all of the service's protocol when empty.
    #[serde(default)]
    pub(super) operations: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Flow {
    pub(super) service: Spanned<String>,
    #[serde(default = "outwards")]
    pub(super) direction: Direction,
    pub(super) device_port: Option<u16>,
    pub(super) operations: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) lifeline: bool,
    pub(super) cadence_s: Option<u32>,
    pub(super) api_rate_per_minute: Option<u32>,
    #[serde(default)]
    pub(super) envelope: Envelope,
    pub(super) source: Option<String>,
}

fn outwards() -> Direction {
    Direction::Out
}

/// Reads an operation's name.
pub(super) fn operation(text: &str) -> Option<Operation> {
    text.parse().ok()
}
