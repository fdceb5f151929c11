//! `hospital.toml`: from the written plan to checked maps.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use toml::Spanned;

use super::blame::{Blame, Gaps};
use super::{AE_TITLE_HELP, is_ae_title, is_host_name, limits, raw};
use crate::diagnostic::{Report, SourceText};
use crate::fleet::{
    Building, Gateway, Hospital, Inspector, Segment, SegmentAttachment, Service, ServiceSegment,
    TierOverride, Unit, Zone, ZoneKind,
};
use crate::{BuildingId, PointId, Protocol, SegmentId, ServiceId, Tier};

/// Reads the plan into the hospital; devices and profiles are still missing.
pub(super) fn load(
    source: &SourceText<'_>,
    hospital: &mut Hospital,
    gaps: &mut Gaps,
    report: &mut Report,
) {
    let mut blame = Blame { source, report, gaps };
    let Some(plan) = raw::read::<raw::Plan>(&raw::PLAN_LISTS, &mut blame) else {
        blame.gaps.note_plan();
        return;
    };
    if let Some(id) = blame.id(&plan.id) {
        hospital.id = id;
    }
    if *plan.bundle_age_max_s.get_ref() == 0 {
        let help = "60 minutes are 3600";
        blame.error("malformed-value", &plan.bundle_age_max_s, "the age limit is 0 s".into(), help);
    }
    hospital.name.clone_from(&plan.name);
    hospital.bundle_age_max_s = *plan.bundle_age_max_s.get_ref();
    hospital.buildings = buildings(&plan, &mut blame);
    hospital.tiers = tiers(&plan.tiers);
    hospital.zones = zones(&plan, &mut blame);
    units(&plan, hospital, &mut blame);
    segments(&plan, hospital, &mut blame);
    service_segments(&plan, hospital, &mut blame);
    segments_are_apart(&plan, &mut blame);
    services(&plan, hospital, &mut blame);
    gateways(&plan, hospital, &mut blame);
    points_are_distinct(&plan, &mut blame);
    overrides(&plan, hospital, &mut blame);
}

fn tiers(tiers: &raw::Tiers) -> BTreeMap<Tier, crate::fleet::TierPlan> {
    [
        (Tier::Red, tiers.red),
        (Tier::Orange, tiers.orange),
        (Tier::Yellow, tiers.yellow),
        (Tier::Green, tiers.green),
        (Tier::GreenLs, tiers.green_ls),
    ]
    .into_iter()
    .filter_map(|(tier, plan)| Some((tier, plan?)))
    .collect()
}

fn buildings(plan: &raw::Plan, blame: &mut Blame<'_, '_>) -> BTreeMap<BuildingId, Building> {
    let mut buildings = BTreeMap::new();
    for raw in &plan.buildings {
        let floors = (*raw.lowest_floor.get_ref(), raw.highest_floor);
        if floors.0 > floors.1 {
            let message = format!("floor {} is above floor {}", floors.0, floors.1);
            blame.error("malformed-value", &raw.lowest_floor, message, "swap the two");
            blame.gaps.note(raw.id.get_ref());
        }
        if let Some(id) = blame.id(&raw.id) {
            let building = Building { name: raw.name.clone(), floors };
            blame.insert("building", &raw.id, &mut buildings, id, building);
        }
    }
    buildings
}

fn units(plan: &raw::Plan, hospital: &mut Hospital, blame: &mut Blame<'_, '_>) {
    for raw in &plan.units {
        let building = blame.known("building", &raw.building, &hospital.buildings);
        let floor = *raw.floor.get_ref();
        let floors = building.as_ref().and_then(|id| hospital.buildings.get(id)).map(|b| b.floors);
        let known = !blame.gaps.cover(raw.building.get_ref());
        if known && floors.is_some_and(|(low, high)| floor < low || floor > high) {
            let message = format!("building `{}` has no floor {floor}", raw.building.get_ref());
            blame.error("unknown-floor", &raw.floor, message, "correct the floor or the building");
            blame.gaps.note(raw.id.get_ref());
        }
        if let (Some(id), Some(building)) = (blame.id(&raw.id), building) {
            let unit = Unit { name: raw.name.clone(), building, floor, care: raw.care };
            blame.insert("unit", &raw.id, &mut hospital.units, id, unit);
        } else {
            blame.gaps.note(raw.id.get_ref());
        }
    }
}

fn zones(plan: &raw::Plan, blame: &mut Blame<'_, '_>) -> BTreeMap<crate::ZoneId, Zone> {
    let mut zones = BTreeMap::new();
    for raw in &plan.zones {
        let networks = blame.networks(&raw.networks);
        if let Some(id) = blame.id(&raw.id) {
            let zone = Zone { kind: raw.kind, networks };
            blame.insert("zone", &raw.id, &mut zones, id, zone);
        }
    }
    zones
}

fn segments(plan: &raw::Plan, hospital: &mut Hospital, blame: &mut Blame<'_, '_>) {
    for raw in &plan.segments {
        let networks = blame.networks(&raw.networks);
        let vlan = blame.vlan(&raw.vlan);
        let tier = *raw.tier.get_ref();
        if networks.len() < raw.networks.len() || !hospital.tiers.contains_key(&tier) {
            blame.gaps.note(raw.id.get_ref());
        }
        if tier != tier.segment_tier() {
            let help = "GREEN-LS devices live in green segments: write `green`";
            blame.error("malformed-value", &raw.tier, format!("{tier} has no segments"), help);
            blame.gaps.note(raw.id.get_ref());
        } else if !hospital.tiers.contains_key(&tier) {
            let message = format!("tier {tier} has no table");
            let help = format!("add `[tiers.{}]`", tier.key());
            blame.error("missing-tier", &raw.tier, message, &help);
        }
        let building = blame.known("building", &raw.building, &hospital.buildings);
        let firewall = blame.id(&raw.firewall);
        let interface = blame.interface(&raw.interface);
        let (Some(id), Some(vlan), Some(building), Some(firewall), Some(interface)) =
            (blame.id(&raw.id), vlan, building, firewall, interface)
        else {
            blame.gaps.note(raw.id.get_ref());
            continue;
        };
        let attachment = raw.attachment;
        let segment = Segment { vlan, tier, building, attachment, networks, firewall, interface };
        blame.insert("segment", &raw.id, &mut hospital.segments, id, segment);
    }
}

fn service_segments(plan: &raw::Plan, hospital: &mut Hospital, blame: &mut Blame<'_, '_>) {
    for raw in &plan.service_segments {
        let networks = blame.networks(&raw.networks);
        let vlan = blame.vlan(&raw.vlan);
        let purpose = *raw.purpose.get_ref();
        let legal = matches!(
            purpose,
            ZoneKind::Quarantine
                | ZoneKind::Onboarding
                | ZoneKind::Unmanaged
                | ZoneKind::Infrastructure
        );
        if !legal {
            let message = format!("`{}` is not the purpose of a service segment", purpose.name());
            let help = "use `quarantine`, `onboarding`, `unmanaged` or `infrastructure`";
            blame.error("malformed-value", &raw.purpose, message, help);
        }
        let Some(id) = blame.id::<SegmentId>(&raw.id) else { continue };
        if hospital.segments.contains_key(&id) {
            let message = format!("a second segment is named `{id}`");
            blame.error("duplicate-id", &raw.id, message, "give each its own identifier");
        } else if let Some(vlan) = vlan {
            let segment = ServiceSegment { vlan, purpose, networks };
            blame.insert("segment", &raw.id, &mut hospital.service_segments, id, segment);
        }
    }
}

/// Segments of both kinds share neither a VLAN nor an address.
fn segments_are_apart(plan: &raw::Plan, blame: &mut Blame<'_, '_>) {
    let devices = plan.segments.iter().map(|raw| (&raw.id, &raw.vlan, &raw.networks));
    let services = plan.service_segments.iter().map(|raw| (&raw.id, &raw.vlan, &raw.networks));
    let mut vlans: BTreeMap<u16, &str> = BTreeMap::new();
    let mut taken: Vec<(IpNet, &str)> = Vec::new();
    for (count, (id, vlan, networks)) in devices.chain(services).enumerate() {
        if count == limits::SEGMENTS_MAX {
            let message = format!("more than {} segments", limits::SEGMENTS_MAX);
            blame.error("over-limit", id, message, "there are no more VLANs; merge segments");
            return;
        }
        if let Some(other) = vlans.insert(*vlan.get_ref(), id.get_ref()) {
            let message = format!("VLAN {} is already the one of `{other}`", vlan.get_ref());
            blame.error("duplicate-vlan", vlan, message, "give each segment its own VLAN");
        }
        if let Some(text) = networks.get(limits::NETWORKS_MAX) {
            let message = format!("more than {} networks", limits::NETWORKS_MAX);
            blame.error("over-limit", text, message, "make several segments");
            continue;
        }
        for text in networks {
            let Ok(network) = text.get_ref().parse::<IpNet>() else { continue };
            let clash = taken.iter().find(|(t, _)| t.contains(&network) || network.contains(t));
            if let Some((other, owner)) = clash {
                let message = format!("`{network}` overlaps `{other}` of segment `{owner}`");
                let help = "give each segment its own network";
                blame.error("overlapping-segments", text, message, help);
            }
            taken.push((network, id.get_ref()));
        }
    }
}

fn services(plan: &raw::Plan, hospital: &mut Hospital, blame: &mut Blame<'_, '_>) {
    if let Some(raw) = plan.services.get(limits::SERVICES_MAX) {
        let message = format!("more than {} services", limits::SERVICES_MAX);
        blame.error("over-limit", &raw.id, message, "a plan names services, not hosts; merge them");
        blame.gaps.note_plan();
        return;
    }
    let mut taken: BTreeMap<(IpAddr, u16, crate::Transport), String> = BTreeMap::new();
    for raw in &plan.services {
        let addresses = addresses(raw, blame);
        let port = *raw.port.get_ref();
        for address in &addresses {
            let owner = raw.id.get_ref().clone();
            if let Some(other) = taken.insert((*address, port, raw.transport), owner) {
                let message = format!("{address} port {port} is already service `{other}`");
                blame.error("duplicate-endpoint", &raw.port, message, "merge the two services");
            }
        }
        if port == 0 {
            blame.error("malformed-port", &raw.port, "port 0 is not a port".into(), "1 to 65535");
        }
        inspector_fits(raw, blame);
        names_fit(raw, blame);
        host_names_fit(raw, blame);
        let zone = blame.known("zone", &raw.zone, &hospital.zones);
        let kind = zone.as_ref().and_then(|id| hospital.zones.get(id)).map(|zone| zone.kind);
        let buildings = raw
            .buildings
            .iter()
            .filter_map(|id| blame.known("building", id, &hospital.buildings))
            .collect();
        let guard = raw.guard.as_ref().and_then(|id| blame.id(id));
        let role = raw.role.as_ref().and_then(|role| blame.id::<ServiceId>(role));
        let (Some(id), Some(zone), Some(kind)) = (blame.id(&raw.id), zone, kind) else {
            blame.gaps.note(raw.id.get_ref());
            if let Some(role) = role {
                blame.gaps.note(role.as_str());
            }
            continue;
        };
        let service = Service {
            name: raw.name.clone(),
            role: role.map(String::from),
            zone,
            kind,
            addresses,
            port,
            transport: raw.transport,
            protocol: *raw.protocol.get_ref(),
            inspector: raw.inspector.as_ref().map(|inspector| *inspector.get_ref()),
            ae_title: text(raw.ae_title.as_ref()),
            hl7_application: text(raw.hl7_application.as_ref()),
            hl7_facility: text(raw.hl7_facility.as_ref()),
            host_names: raw.host_names.iter().map(|name| name.get_ref().to_lowercase()).collect(),
            buildings,
            guard,
            place: blame.place(&raw.id),
        };
        blame.insert("service", &raw.id, &mut hospital.services, id, service);
    }
}

fn addresses(raw: &raw::Service, blame: &mut Blame<'_, '_>) -> Vec<IpAddr> {
    let texts = raw.addresses.get_ref();
    if texts.is_empty() {
        let message = format!("service `{}` has no address", raw.id.get_ref());
        blame.error("service-without-address", &raw.addresses, message, "name at least one");
    }
    if texts.len() > limits::ADDRESSES_MAX {
        let message = format!("more than {} addresses", limits::ADDRESSES_MAX);
        blame.error("over-limit", &raw.addresses, message, "split the service");
        return Vec::new();
    }
    let mut addresses = Vec::new();
    for text in texts {
        match text.get_ref().parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() || address.is_multicast() => {
                let message = format!("`{address}` is not the address of one host");
                blame.error("malformed-ip", text, message, "name the host's own address");
            }
            Ok(address) => addresses.push(address),
            Err(_) => {
                let message = format!("`{}` is not an IP address", text.get_ref());
                blame.error("malformed-ip", text, message, "write it like `10.50.20.30`");
            }
        }
    }
    addresses
}

fn inspector_fits(raw: &raw::Service, blame: &mut Blame<'_, '_>) {
    let Some(inspector) = &raw.inspector else { return };
    let speaks = match inspector.get_ref() {
        Inspector::Hl7 => Protocol::Hl7,
        Inspector::Dicom => Protocol::Dicom,
        Inspector::Modbus => Protocol::Modbus,
        Inspector::Bacnet => Protocol::Bacnet,
        Inspector::Http => Protocol::Http,
    };
    let protocol = *raw.protocol.get_ref();
    if speaks != protocol {
        let message = format!("a {speaks} inspector cannot read {protocol}");
        blame.error("wrong-inspector", inspector, message, "use the inspector of the protocol");
    }
}

fn text(spanned: Option<&Spanned<String>>) -> Option<String> {
    spanned.map(|text| text.get_ref().clone())
}

/// The names of a service are host names, and not too many.
fn host_names_fit(raw: &raw::Service, blame: &mut Blame<'_, '_>) {
    for name in &raw.host_names {
        if !is_host_name(name.get_ref()) {
            let message = format!("`{}` is not a host name", name.get_ref());
            blame.error("malformed-value", name, message, "write it as in `records.example.org`");
        }
    }
    if let Some(name) = raw.host_names.get(limits::HOST_NAMES_MAX) {
        let message = format!("more than {} host names", limits::HOST_NAMES_MAX);
        blame.error("over-limit", name, message, "declare two services");
    }
}

/// What a service is called in its own protocol fits that protocol.
fn names_fit(raw: &raw::Service, blame: &mut Blame<'_, '_>) {
    let protocol = *raw.protocol.get_ref();
    for (key, name, of) in [
        ("ae-title", &raw.ae_title, Protocol::Dicom),
        ("hl7-application", &raw.hl7_application, Protocol::Hl7),
        ("hl7-facility", &raw.hl7_facility, Protocol::Hl7),
    ] {
        let Some(name) = name else { continue };
        let text = name.get_ref();
        if protocol != of {
            let message = format!("a {protocol} service has no `{key}`");
            blame.error("wrong-protocol", name, message, "remove it, or correct `protocol`");
        } else if of == Protocol::Dicom && !is_ae_title(text) {
            let message = format!("`{text}` is not an AE title");
            blame.error("malformed-value", name, message, AE_TITLE_HELP);
        } else if text.is_empty() || text.len() > limits::HL7_NAME_BYTES_MAX {
            let message = format!("`{key}` has {} bytes", text.len());
            blame.error("malformed-value", name, message, "write what the service calls itself");
        }
    }
}

fn gateways(plan: &raw::Plan, hospital: &mut Hospital, blame: &mut Blame<'_, '_>) {
    for raw in &plan.gateways {
        let segment_id = blame.known("segment", &raw.segment, &hospital.segments);
        let port_interface = blame.interface(&raw.port_interface);
        let uplink_interface = blame.interface(&raw.uplink_interface);
        let ports = *raw.ports.get_ref();
        if ports == 0 || ports > 512 {
            let message = format!("{ports} access ports");
            blame.error("malformed-value", &raw.ports, message, "a gateway has 1 to 512 ports");
            blame.gaps.note(raw.id.get_ref());
        }
        let id: Option<PointId> = blame.id(&raw.id);
        let segment = segment_id.and_then(|id| hospital.segments.get_key_value(&id));
        let (Some((segment_id, segment)), Some(id)) = (segment, id) else {
            blame.gaps.note(raw.id.get_ref());
            continue;
        };
        if segment.attachment != SegmentAttachment::Gateway {
            let message = format!("segment `{segment_id}` is for devices with keys of their own");
            let help = "put the gateway into a segment with `attachment = \"gateway\"`";
            blame.error("wrong-segment", &raw.segment, message, help);
        }
        let (Some(port_interface), Some(uplink_interface)) = (port_interface, uplink_interface)
        else {
            blame.gaps.note(raw.id.get_ref());
            continue;
        };
        let gateway = Gateway {
            building: segment.building.clone(),
            segment: segment_id.clone(),
            ports,
            port_interface,
            uplink_interface,
            place: blame.place(&raw.id),
        };
        blame.insert("gateway", &raw.id, &mut hospital.gateways, id, gateway);
    }
}

/// A bundle is addressed to a point by name, so gateways, firewalls and guards share no name.
fn points_are_distinct(plan: &raw::Plan, blame: &mut Blame<'_, '_>) {
    let mut taken = BTreeSet::new();
    for firewall in plan.segments.iter().map(|segment| &segment.firewall) {
        if !taken.insert(firewall.get_ref().as_str()) {
            let message = format!("a second firewall is named `{}`", firewall.get_ref());
            blame.error("duplicate-id", firewall, message, "give each its own identifier");
        }
    }
    for gateway in plan.gateways.iter().map(|gateway| &gateway.id) {
        if taken.contains(gateway.get_ref().as_str()) {
            let message = format!("`{}` is a firewall already", gateway.get_ref());
            blame.error("duplicate-id", gateway, message, "gateways have names of their own");
        }
    }
    taken.extend(plan.gateways.iter().map(|gateway| gateway.id.get_ref().as_str()));
    for guard in plan.services.iter().filter_map(|service| service.guard.as_ref()) {
        if taken.contains(guard.get_ref().as_str()) {
            let message = format!("`{}` is a gateway or a firewall already", guard.get_ref());
            blame.error("duplicate-id", guard, message, "guards have names of their own");
        }
    }
}

fn overrides(plan: &raw::Plan, hospital: &mut Hospital, blame: &mut Blame<'_, '_>) {
    for raw in &plan.overrides {
        for text in [&raw.who, &raw.why] {
            if text.get_ref().trim().is_empty() {
                let help = "an override needs a person and a reason";
                blame.error("incomplete-override", text, "this is empty".into(), help);
            }
        }
        if !is_date(raw.until.get_ref()) {
            let message = format!("`{}` is not a date", raw.until.get_ref());
            blame.error("malformed-date", &raw.until, message, "write it like `2027-03-31`");
        }
        if let Some(device) = blame.id(&raw.device) {
            hospital.overrides.push(TierOverride {
                device,
                tier: raw.tier,
                who: raw.who.get_ref().clone(),
                why: raw.why.get_ref().clone(),
                until: raw.until.get_ref().clone(),
                place: blame.place(&raw.device),
            });
        }
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, length: usize| {
        let legal = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        legal.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Checks, once devices are known, that every override means one of them.
pub(super) fn check_overrides(hospital: &Hospital, gaps: &Gaps, report: &mut Report) {
    for entry in &hospital.overrides {
        let id = entry.device.as_str();
        if hospital.device(id).is_none() && !gaps.cover_device(id) {
            let message = format!("there is no device `{id}`");
            let help = "correct the identifier, or remove the override";
            report.error("unknown-reference", entry.place.clone(), message, help);
        }
    }
}
