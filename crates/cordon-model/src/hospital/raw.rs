//! The files of a hospital directory exactly as they are written, before anything is checked.
//!
//! Keys are kebab-case with the unit in the key; an unknown key is an error. Every value that a
//! later check may blame is `Spanned`, so that the blame carries a line and a column.

use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error, ValueDeserializer};

use super::blame::{Blame, syntax};
use crate::fleet::{
    Care, Envelope, Impact, Inspection, Inspector, SegmentAttachment, TierPlan, ZoneKind,
};
use crate::{Direction, Operation, Protocol, Tier, Transport};

/// Tries to read one entry of a list.
pub(super) type Trial = for<'v> fn(Spanned<DeValue<'v>>) -> Result<(), Error>;

/// The lists of `hospital.toml` whose entries are read one by one.
pub(super) const PLAN_LISTS: [(&str, Trial); 8] = [
    ("buildings", trial::<Building>),
    ("units", trial::<Unit>),
    ("zones", trial::<Zone>),
    ("segments", trial::<Segment>),
    ("service-segments", trial::<ServiceSegment>),
    ("services", trial::<Service>),
    ("gateways", trial::<Gateway>),
    ("overrides", trial::<Override>),
];

/// The lists of a profile whose entries are read one by one.
pub(super) const PROFILE_LISTS: [(&str, Trial); 1] = [("flows", trial::<Flow>)];

fn trial<T: DeserializeOwned>(value: Spanned<DeValue<'_>>) -> Result<(), Error> {
    T::deserialize(ValueDeserializer::from(value)).map(drop)
}

/// Reads a file of TOML.
/// # Shape
/// An entry of `lists` that cannot be read is blamed and left out, and so is an unknown key, so
/// that whatever else is wrong is found as well.
pub(super) fn read<T: DeserializeOwned>(
    lists: &[(&str, Trial)],
    blame: &mut Blame<'_, '_>,
) -> Option<T> {
    let (mut document, errors) = DeTable::parse_recoverable(blame.source.text());
    for error in &errors {
        syntax(blame.source, error, blame.report);
    }
    if !errors.is_empty() {
        return None;
    }
    for (key, trial) in lists {
        if let Some(DeValue::Array(list)) = document.get_mut().get_mut(*key).map(Spanned::get_mut) {
            let entries = std::mem::replace(list, DeArray::from_iter([])).into_iter();
            *list = entries.filter_map(|entry| readable(entry, *trial, blame)).collect();
        }
    }
    loop {
        match T::deserialize(Deserializer::from(document.clone())) {
            Ok(value) => return Some(value),
            Err(error) => {
                syntax(blame.source, &error, blame.report);
                if !without_key(document.get_mut(), error.span()) {
                    return None;
                }
            }
        }
    }
}

fn readable<'v>(
    mut entry: Spanned<DeValue<'v>>,
    trial: Trial,
    blame: &mut Blame<'_, '_>,
) -> Option<Spanned<DeValue<'v>>> {
    while let Err(error) = trial(entry.clone()) {
        syntax(blame.source, &error, blame.report);
        let DeValue::Table(table) = entry.get_mut() else { return None };
        if !without_key(table, error.span()) {
            for key in ["id", "role", "device"] {
                if let Some(name) = table.get(key).and_then(|name| name.get_ref().as_str()) {
                    blame.gaps.note(name);
                }
            }
            return None;
        }
    }
    Some(entry)
}

/// Removes the key that an error points at; says whether there was one.
fn without_key(table: &mut DeTable<'_>, span: Option<Range<usize>>) -> bool {
    let Some(span) = span else { return false };
    let key = table.keys().find(|key| key.span() == span).cloned();
    key.is_some_and(|key| table.remove(&key).is_some())
}

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
    pub(super) role: Option<Spanned<String>>,
    pub(super) zone: Spanned<String>,
    pub(super) addresses: Spanned<Vec<Spanned<String>>>,
    pub(super) port: Spanned<u16>,
    pub(super) transport: Transport,
    pub(super) protocol: Spanned<Protocol>,
    pub(super) inspector: Option<Spanned<Inspector>>,
    pub(super) ae_title: Option<Spanned<String>>,
    pub(super) hl7_application: Option<Spanned<String>>,
    pub(super) hl7_facility: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) host_names: Vec<Spanned<String>>,
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
    pub(super) inspect: Option<Spanned<Inspection>>,
    pub(super) source: Option<String>,
}

fn outwards() -> Direction {
    Direction::Out
}

/// Reads an operation's name.
pub(super) fn operation(text: &str) -> Option<Operation> {
    text.parse().ok()
}
