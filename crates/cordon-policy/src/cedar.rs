//! The Cedar side: schema text, and plan values as Cedar entities, requests and contexts.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression,
};
use cordon_model::{
    Attachment, Attestation, Device, DeviceState, Direction, Hospital, Identity, Operation,
    OperationClass, Posture, Protocol, Service, ServiceId, Tier, ZoneKind,
};

/// Roles of the people who isolate and release devices.
pub(crate) const ROLES: [&str; 6] =
    ["security", "network", "biomedical", "clinical", "ward", "auditor"];

const CLASSES: [OperationClass; 8] = [
    OperationClass::Telemetry,
    OperationClass::Alarm,
    OperationClass::Read,
    OperationClass::Write,
    OperationClass::Command,
    OperationClass::Discovery,
    OperationClass::Maintenance,
    OperationClass::Connection,
];

/// Gives the name of an operation class.
pub(crate) fn class_name(class: OperationClass) -> &'static str {
    match class {
        OperationClass::Telemetry => "telemetry",
        OperationClass::Alarm => "alarm",
        OperationClass::Read => "read",
        OperationClass::Write => "write",
        OperationClass::Command => "command",
        OperationClass::Discovery => "discovery",
        OperationClass::Maintenance => "maintenance",
        OperationClass::Connection => "connection",
    }
}

/// Writes the schema that policies are validated against; closed vocabularies are enumerations, so
/// that a misspelt word is an error and not a policy that never matches.
#[must_use]
pub fn schema_text() -> String {
    let mut text = String::from(
        "// The schema of cordon policies. A device is in one segment, one unit, one type; its tier\n\
         // and a service's zone are attributes, so nothing is ever in two tiers or two zones.\n\n",
    );
    let enumeration = |text: &mut String, name: &str, words: Vec<&str>| {
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let _ = writeln!(text, "entity {name} enum [{}];", words.join(", "));
    };
    enumeration(&mut text, "Tier", Tier::ALL.map(Tier::name).to_vec());
    enumeration(&mut text, "ZoneKind", ZoneKind::ALL.map(ZoneKind::name).to_vec());
    enumeration(&mut text, "Attachment", Attachment::ALL.map(Attachment::name).to_vec());
    enumeration(&mut text, "SegmentAttachment", vec!["native", "gateway"]);
    enumeration(&mut text, "Care", vec!["critical", "acute", "general", "technical"]);
    enumeration(&mut text, "State", DeviceState::ALL.iter().map(|s| s.name()).collect());
    enumeration(&mut text, "Identity", Identity::ALL.iter().map(|i| i.name()).collect());
    enumeration(&mut text, "Attestation", Attestation::ALL.iter().map(|a| a.name()).collect());
    enumeration(&mut text, "Direction", Direction::ALL.map(Direction::name).to_vec());
    enumeration(&mut text, "Protocol", Protocol::ALL.map(Protocol::name).to_vec());
    enumeration(&mut text, "OperationClass", CLASSES.map(class_name).to_vec());
    enumeration(&mut text, "Operation", Operation::all().map(Operation::name).collect());
    enumeration(&mut text, "Evidence", vec!["E0", "E1", "E2", "E3", "E4"]);
    enumeration(&mut text, "Role", ROLES.to_vec());
    text.push_str(include_str!("../policies/entities.cedarschema"));
    text
}

/// Makes an entity's name; the type name is one of the schema's.
/// # Shape
/// `None` only if the type name is not a name at all.
#[must_use]
pub fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).ok()?, EntityId::new(id)))
}

fn reference(kind: &str, id: &str) -> Option<RestrictedExpression> {
    uid(kind, id).map(RestrictedExpression::new_entity_uid)
}

/// Builds one entity; `None` only if a name of the schema could not be parsed.
fn entity(
    kind: &str,
    id: &str,
    attributes: Vec<(&str, Option<RestrictedExpression>)>,
    parents: Vec<Option<EntityUid>>,
) -> Option<Entity> {
    let mut map = HashMap::new();
    for (name, value) in attributes {
        map.insert(name.to_owned(), value?);
    }
    let parents: Option<HashSet<EntityUid>> = parents.into_iter().collect();
    Entity::new(uid(kind, id)?, map, parents?).ok()
}

/// Gives a device with its surroundings, as policies see it.
/// # Shape
/// `None` only for a device whose segment or unit is not of this hospital.
#[must_use]
pub fn device_entities(hospital: &Hospital, device: &Device) -> Option<Vec<Entity>> {
    let segment = hospital.segments.get(&device.segment)?;
    let unit = hospital.units.get(&device.unit)?;
    let care = match unit.care {
        cordon_model::fleet::Care::Critical => "critical",
        cordon_model::fleet::Care::Acute => "acute",
        cordon_model::fleet::Care::General => "general",
        cordon_model::fleet::Care::Technical => "technical",
    };
    let mut attributes = vec![
        ("tier", reference("Tier", device.tier.name())),
        ("type", reference("DeviceType", device.profile.as_str())),
        ("building", reference("Building", device.building.as_str())),
        ("segment", reference("Segment", device.segment.as_str())),
        ("unit", reference("Unit", device.unit.as_str())),
        ("attachment", reference("Attachment", device.attachment.name())),
        ("autonomous", Some(RestrictedExpression::new_bool(device.autonomous))),
    ];
    if let Some((gateway, _)) = &device.gateway {
        attributes.push(("gateway", reference("Gateway", gateway.as_str())));
    }
    let parents = vec![
        uid("Segment", device.segment.as_str()),
        uid("Unit", device.unit.as_str()),
        uid("DeviceType", device.profile.as_str()),
    ];
    let segment_attributes = vec![
        ("tier", reference("Tier", segment.tier.name())),
        ("building", reference("Building", segment.building.as_str())),
        ("attachment", reference("SegmentAttachment", segment.attachment.name())),
    ];
    let unit_attributes = vec![
        ("building", reference("Building", unit.building.as_str())),
        ("care", reference("Care", care)),
    ];
    Some(vec![
        entity("Device", device.id.as_str(), attributes, parents)?,
        entity("Segment", device.segment.as_str(), segment_attributes, vec![])?,
        entity("Unit", device.unit.as_str(), unit_attributes, vec![])?,
        entity("DeviceType", device.profile.as_str(), vec![], vec![])?,
    ])
}

/// Gives a service with its zone, as policies see it.
#[must_use]
pub fn service_entities(id: &ServiceId, service: &Service) -> Option<Vec<Entity>> {
    let buildings: Option<Vec<_>> =
        service.buildings.iter().map(|b| reference("Building", b.as_str())).collect();
    let attributes = vec![
        ("zone", reference("Zone", service.zone.as_str())),
        ("kind", reference("ZoneKind", service.kind.name())),
        ("protocol", reference("Protocol", service.protocol.name())),
        ("port", Some(RestrictedExpression::new_long(i64::from(service.port)))),
        ("everywhere", Some(RestrictedExpression::new_bool(service.buildings.is_empty()))),
        ("buildings", Some(RestrictedExpression::new_set(buildings?))),
    ];
    let parents = vec![uid("Zone", service.zone.as_str())];
    Some(vec![
        entity("Service", id.as_str(), attributes, parents)?,
        entity("Zone", service.zone.as_str(), vec![], vec![])?,
    ])
}

/// Gives an address that is nobody's, as policies see it.
#[must_use]
pub fn address_entities(address: &str, kind: ZoneKind) -> Option<Vec<Entity>> {
    let attributes = vec![("kind", reference("ZoneKind", kind.name()))];
    Some(vec![entity("Address", address, attributes, vec![])?])
}

/// Puts entities together; those that stand there twice count once.
#[must_use]
pub fn entities(groups: &[&[Entity]]) -> Option<Entities> {
    let mut seen = HashSet::new();
    let distinct = groups
        .iter()
        .flat_map(|group| group.iter())
        .filter(|entity| seen.insert(entity.uid()))
        .cloned();
    Entities::from_entities(distinct, None).ok()
}

/// The facts of one request besides principal and resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Facts {
    /// The verb; its class and its protocol follow from it.
    pub operation: Operation,
    /// Who opens the conversation.
    pub direction: Direction,
    /// The service's port.
    pub port: u16,
    /// Whether the device's profile declares the act.
    pub declared: bool,
    /// Whether the profile names it a lifeline.
    pub lifeline: bool,
    /// What is known of the device.
    pub posture: Posture,
    /// The hour of the day in UTC, 0 to 23.
    pub hour: u8,
}

impl Facts {
    /// Gives a fact by its name in the schema, as text; `None` for a name the schema lacks.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        Some(match name {
            "operation" => self.operation.name().to_owned(),
            "class" => class_name(self.operation.class()).to_owned(),
            "protocol" => self.operation.protocol().name().to_owned(),
            "direction" => self.direction.name().to_owned(),
            "port" => self.port.to_string(),
            "declared" => self.declared.to_string(),
            "lifeline" => self.lifeline.to_string(),
            "emergency" => self.posture.emergency.to_string(),
            "state" => self.posture.state.name().to_owned(),
            "identity" => self.posture.identity.name().to_owned(),
            "attestation" => self.posture.attestation.name().to_owned(),
            "hour" => self.hour.to_string(),
            _ => return None,
        })
    }

    /// Gives the facts as a Cedar context.
    #[must_use]
    pub fn context(&self) -> Option<Context> {
        let flag = |value| Some(RestrictedExpression::new_bool(value));
        let number = |value| Some(RestrictedExpression::new_long(value));
        let posture = self.posture;
        let pairs = [
            ("operation", reference("Operation", self.operation.name())),
            ("class", reference("OperationClass", class_name(self.operation.class()))),
            ("protocol", reference("Protocol", self.operation.protocol().name())),
            ("direction", reference("Direction", self.direction.name())),
            ("port", number(i64::from(self.port))),
            ("declared", flag(self.declared)),
            ("lifeline", flag(self.lifeline)),
            ("emergency", flag(posture.emergency)),
            ("state", reference("State", posture.state.name())),
            ("identity", reference("Identity", posture.identity.name())),
            ("attestation", reference("Attestation", posture.attestation.name())),
            ("hour", number(i64::from(self.hour))),
        ];
        let pairs: Option<Vec<(String, RestrictedExpression)>> =
            pairs.into_iter().map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Context::from_pairs(pairs?).ok()
    }
}
