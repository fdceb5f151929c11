//! `devices.csv`: one row per device, every identity unique, every reference resolved.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::blame::{Gaps, hint};
use super::{AE_TITLE_HELP, is_ae_title, limits};
use crate::diagnostic::{Report, SourceText};
use crate::fleet::{Attachment, Device, Exposure, Hospital};
use crate::{BuildingId, DeviceId, Eui64, Mac, PointId, ProfileId, SegmentId, Tier, UnitId};
use row::{Header, Row, field_span, row_start};
use unique::Unique;

mod row;
mod unique;

/// The columns, in the order in which cordon writes them.
pub const COLUMNS: [&str; 28] = [
    "id",
    "type",
    "tier",
    "vendor",
    "model",
    "serial",
    "mac",
    "ip",
    "ipv6",
    "eui64",
    "ae-title",
    "hl7-application",
    "hl7-facility",
    "bacnet-instance",
    "building",
    "floor",
    "unit",
    "segment",
    "gateway",
    "port",
    "attachment",
    "autonomous",
    "life-safety",
    "firmware",
    "firmware-sha256",
    "unsupported-os",
    "remote-access",
    "known-exploited",
];

/// The columns that every file has.
pub const COLUMNS_REQUIRED: [&str; 16] = [
    "id",
    "type",
    "tier",
    "vendor",
    "model",
    "serial",
    "mac",
    "ip",
    "building",
    "floor",
    "unit",
    "segment",
    "attachment",
    "autonomous",
    "firmware",
    "firmware-sha256",
];

/// What could be read of a row.
struct Draft {
    id: Option<DeviceId>,
    profile: Option<ProfileId>,
    tier: Option<Tier>,
    mac: Option<Mac>,
    ip: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    eui64: Option<Eui64>,
    bacnet: Option<u32>,
    building: Option<BuildingId>,
    floor: Option<i16>,
    unit: Option<UnitId>,
    segment: Option<SegmentId>,
    attachment: Option<Attachment>,
    gateway: Option<(PointId, u16)>,
}

/// Reads every row into the hospital, whose plan and profiles are known by now.
pub(super) fn load(
    source: &SourceText<'_>,
    hospital: &mut Hospital,
    gaps: &mut Gaps,
    report: &mut Report,
) {
    hospital.devices = read(source, hospital, gaps, report);
    hospital.devices.sort_by(|a, b| a.id.cmp(&b.id));
}

fn read(
    source: &SourceText<'_>,
    hospital: &Hospital,
    gaps: &mut Gaps,
    report: &mut Report,
) -> Vec<Device> {
    let mut devices = Vec::new();
    let mut reader = csv::ReaderBuilder::new().from_reader(source.text().as_bytes());
    let header = match reader.headers() {
        Ok(names) => header(names, source, report),
        Err(error) => {
            unreadable(&error, source, report);
            None
        }
    };
    let Some(header) = header else {
        gaps.note_devices();
        return devices;
    };
    let overrides = hospital.overrides.iter().map(|entry| (&entry.device, entry.tier)).collect();
    let mut unique = Unique::new(hospital);
    let mut record = csv::StringRecord::new();
    for count in 0.. {
        let more = reader.read_record(&mut record);
        if count == limits::DEVICES_MAX && !matches!(more, Ok(false)) {
            let start = row_start(source, record.position());
            let place = source.place(field_span(source.text(), start, None));
            let message = format!("more than {} devices", limits::DEVICES_MAX);
            let help = "split the hospital into several directories";
            report.error("over-limit", place, message, help);
            gaps.note_devices();
            break;
        }
        match more {
            Ok(false) => break,
            Ok(true) => {
                let mut row = Row { record: &record, header: &header, source, report, gaps };
                let draft = draft(&mut row, hospital);
                check(&mut row, &draft, hospital, &overrides);
                unique.claim(&draft, &mut row);
                match device(&mut row, draft) {
                    Some(device) => devices.push(device),
                    None => row.gaps.note(row.text("id")),
                }
            }
            Err(error) => {
                unreadable(&error, source, report);
                gaps.note_devices();
            }
        }
    }
    devices
}

fn header(
    names: &csv::StringRecord,
    source: &SourceText<'_>,
    report: &mut Report,
) -> Option<Header> {
    let mut at = [None; COLUMNS.len()];
    let start = row_start(source, names.position());
    let mut legal = true;
    for (index, name) in names.iter().enumerate() {
        let name = name.trim();
        let span = field_span(source.text(), start, Some(index));
        let slot = COLUMNS.iter().position(|column| *column == name);
        match slot.and_then(|slot| at.get_mut(slot)) {
            Some(slot @ None) => *slot = Some(index),
            Some(Some(_)) => {
                legal = false;
                let message = format!("a second column is named `{name}`");
                report.error("duplicate-column", source.place(span), message, "remove one");
            }
            None => {
                legal = false;
                let otherwise = "remove the column; `cordon import csv` maps foreign tables";
                let columns = COLUMNS.iter().map(ToString::to_string);
                let help = hint(report, name, columns, otherwise);
                let message = format!("there is no column `{name}`");
                report.error("unknown-column", source.place(span), message, &help);
            }
        }
    }
    let missing: Vec<&str> = COLUMNS_REQUIRED
        .into_iter()
        .filter(|name| !names.iter().any(|n| n.trim() == *name))
        .collect();
    if !missing.is_empty() {
        legal = false;
        let message = format!("columns are missing: {}", missing.join(", "));
        let help = "add them to the header and to every row";
        report.error(
            "missing-column",
            source.place(field_span(source.text(), start, None)),
            message,
            help,
        );
    }
    legal.then_some(Header { at })
}

fn unreadable(error: &csv::Error, source: &SourceText<'_>, report: &mut Report) {
    let start = row_start(source, error.position());
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields, the header has {expected_len}")
        }
        csv::ErrorKind::Io(_)
        | csv::ErrorKind::Utf8 { .. }
        | csv::ErrorKind::Seek
        | csv::ErrorKind::Serialize(_)
        | csv::ErrorKind::Deserialize { .. }
        | _ => error.to_string(),
    };
    let help = "count the commas; put a field that holds a comma between double quotes";
    let place = || source.place(field_span(source.text(), start, None));
    report.error_at("unreadable-row", place, message, help);
}

fn draft(row: &mut Row<'_>, hospital: &Hospital) -> Draft {
    let attachment = attachment(row);
    Draft {
        id: row.parsed("malformed-id", "id", "choose another identifier"),
        profile: row.known("type", &hospital.profiles),
        tier: tier(row, hospital),
        mac: row.parsed("malformed-mac", "mac", "write it like `00:1b:21:3a:4f:60`"),
        ip: row.parsed("malformed-ip", "ip", "write it like `10.110.0.5`"),
        ipv6: row.parsed_if_there("malformed-ip", "ipv6", "write it like `fd00:110::5`"),
        eui64: row.parsed_if_there("malformed-eui64", "eui64", "write eight hexadecimal bytes"),
        bacnet: row.parsed_if_there("malformed-value", "bacnet-instance", "0 to 4194302"),
        building: row.known("building", &hospital.buildings),
        floor: row.parsed("malformed-value", "floor", "write a whole number"),
        unit: row.known("unit", &hospital.units),
        segment: row.known("segment", &hospital.segments),
        attachment,
        gateway: attachment.and_then(|attachment| gateway(row, attachment, hospital)),
    }
}

fn device(row: &mut Row<'_>, draft: Draft) -> Option<Device> {
    let exposure = Exposure {
        unsupported_os: row.yes("unsupported-os"),
        remote_access: row.yes("remote-access"),
        known_exploited: row.yes("known-exploited"),
    };
    let (autonomous, life_safety) = (row.yes("autonomous"), row.yes("life-safety"));
    let text = |column| row.text(column).to_owned();
    let optional = |column| row.optional(column).map(str::to_owned);
    Some(Device {
        id: draft.id?,
        profile: draft.profile?,
        tier: draft.tier?,
        vendor: text("vendor"),
        model: text("model"),
        serial: text("serial"),
        mac: draft.mac?,
        ip: draft.ip?,
        ipv6: draft.ipv6,
        eui64: draft.eui64,
        ae_title: optional("ae-title"),
        hl7_application: optional("hl7-application"),
        hl7_facility: optional("hl7-facility"),
        bacnet_instance: draft.bacnet,
        building: draft.building?,
        floor: draft.floor?,
        unit: draft.unit?,
        segment: draft.segment?,
        gateway: draft.gateway,
        attachment: draft.attachment?,
        autonomous,
        life_safety,
        firmware: text("firmware"),
        firmware_sha256: text("firmware-sha256").to_lowercase(),
        exposure,
        line: row.line(),
    })
}

fn check(
    row: &mut Row<'_>,
    draft: &Draft,
    hospital: &Hospital,
    overrides: &BTreeSet<(&DeviceId, Tier)>,
) {
    names_are_legal(row, draft.bacnet);
    fits_its_gateway(row, draft, hospital);
    fits_its_segment(row, draft, hospital);
    has_an_address_inside(row, draft, hospital);
    fits_its_unit(row, draft, hospital);
    fits_its_type(row, draft, hospital, overrides);
}

fn tier(row: &mut Row<'_>, hospital: &Hospital) -> Option<Tier> {
    let text = row.text("tier");
    if text.is_empty() {
        let help = "red, orange, yellow, green or green-ls";
        row.error("missing-value", "tier", "`tier` is empty".to_owned(), help);
        return None;
    }
    let Some(tier) = Tier::from_name(text) else {
        let message = format!("`{text}` is not a tier");
        row.error("unknown-tier", "tier", message, "red, orange, yellow, green or green-ls");
        return None;
    };
    if !hospital.tiers.contains_key(&tier) && !row.gaps.cover_plan() {
        let help = format!("add `[tiers.{}]` to hospital.toml", tier.key());
        row.error("missing-tier", "tier", format!("the plan has no tier {tier}"), &help);
    }
    Some(tier)
}

fn attachment(row: &mut Row<'_>) -> Option<Attachment> {
    let text = row.text("attachment");
    let found = Attachment::ALL.into_iter().find(|attachment| attachment.name() == text);
    if found.is_none() {
        let message = format!("`{text}` is not an attachment");
        row.error("malformed-value", "attachment", message, "tpm, software-key or legacy");
    }
    found
}

fn names_are_legal(row: &mut Row<'_>, bacnet: Option<u32>) {
    if bacnet.is_some_and(|instance| instance > 4_194_302) {
        let message = "a BACnet device instance has 22 bits".to_owned();
        row.error("malformed-value", "bacnet-instance", message, "0 to 4194302");
    }
    if let Some(title) = row.optional("ae-title").filter(|title| !is_ae_title(title)) {
        let message = format!("`{title}` is not an AE title");
        row.error("malformed-value", "ae-title", message, AE_TITLE_HELP);
    }
    let digest = row.text("firmware-sha256");
    if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("`{digest}` is not a SHA-256 digest");
        row.error("malformed-digest", "firmware-sha256", message, "64 hexadecimal digits");
    }
    for column in ["serial", "firmware"] {
        if row.text(column).is_empty() {
            let help = "every device has one; ask biomedical engineering";
            row.error("missing-value", column, format!("`{column}` is empty"), help);
        }
    }
}

fn gateway(
    row: &mut Row<'_>,
    attachment: Attachment,
    hospital: &Hospital,
) -> Option<(PointId, u16)> {
    if attachment != Attachment::Legacy {
        for column in ["gateway", "port"] {
            if row.optional(column).is_some() {
                let message = "the device has a key of its own, so it is behind no gateway";
                let help = "clear `gateway` and `port`, or correct the attachment";
                row.error("needless-gateway", column, message.to_owned(), help);
            }
        }
        return None;
    }
    if row.optional("gateway").is_none() {
        let message = "a device without cryptography needs a gateway".to_owned();
        row.error("missing-gateway", "gateway", message, "name its gateway and its access port");
        return None;
    }
    let id = row.known("gateway", &hospital.gateways);
    let port = row.parsed("malformed-port", "port", "the number of the access port");
    Some((id?, port?))
}

fn fits_its_gateway(row: &mut Row<'_>, draft: &Draft, hospital: &Hospital) {
    let Some((id, port)) = &draft.gateway else { return };
    let Some(gateway) = hospital.gateways.get(id) else { return };
    if row.gaps.cover(id.as_str()) {
        return;
    }
    if *port == 0 || *port > gateway.ports {
        let message = format!("gateway `{id}` has the ports 1 to {}", gateway.ports);
        row.error("gateway-full", "port", message, "use a free port, or another gateway");
    }
    if draft.segment.as_ref().is_some_and(|segment| gateway.segment != *segment) {
        let tier = hospital.segments.get(&gateway.segment).map(|segment| segment.tier);
        let message = format!(
            "gateway `{id}` belongs to segment `{}`{}",
            gateway.segment,
            tier.map(|tier| format!(", tier {tier}")).unwrap_or_default()
        );
        let help = "a gateway serves one segment and one tier; use one of the device's segment";
        row.error("wrong-gateway", "gateway", message, help);
    }
}

fn fits_its_segment(row: &mut Row<'_>, draft: &Draft, hospital: &Hospital) {
    let Some(id) = &draft.segment else { return };
    let Some(segment) = hospital.segments.get(id) else { return };
    if row.gaps.cover(id.as_str()) {
        return;
    }
    if let Some(tier) = draft.tier.filter(|tier| tier.segment_tier() != segment.tier) {
        let message = format!("segment `{id}` is for {}", segment.tier);
        let help = format!("use a segment of {}", tier.segment_tier());
        row.error("wrong-segment", "segment", message, &help);
    }
    if draft.building.as_ref().is_some_and(|building| *building != segment.building) {
        let message = format!("segment `{id}` is in building `{}`", segment.building);
        row.error("wrong-segment", "segment", message, "use a segment of the device's building");
    }
    let attachment = draft.attachment.filter(|a| a.segment() != segment.attachment);
    if let Some(attachment) = attachment {
        let message = format!(
            "segment `{id}` is for {} devices, this one is {}",
            segment.attachment.name(),
            attachment.name()
        );
        row.error("wrong-segment", "segment", message, "use the segment of its attachment");
    }
}

fn has_an_address_inside(row: &mut Row<'_>, draft: &Draft, hospital: &Hospital) {
    let Some(id) = &draft.segment else { return };
    let Some(segment) = hospital.segments.get(id) else { return };
    if row.gaps.cover(id.as_str()) {
        return;
    }
    let addresses = [("ip", draft.ip.map(IpAddr::V4)), ("ipv6", draft.ipv6.map(IpAddr::V6))];
    for (column, address) in addresses {
        let Some(address) = address else { continue };
        let Some(network) = segment.networks.iter().find(|n| n.contains(&address)) else {
            let message = format!("{address} is not in segment `{id}`");
            row.error("address-outside-segment", column, message, "correct address or segment");
            continue;
        };
        let reserved = address.is_ipv4()
            && network.prefix_len() < 31
            && (network.network() == address || network.broadcast() == address);
        if reserved {
            let message = format!("{address} is the network's own or its broadcast address");
            row.error("malformed-ip", column, message, "use an address between the two");
        }
    }
}

fn fits_its_unit(row: &mut Row<'_>, draft: &Draft, hospital: &Hospital) {
    let Some(id) = &draft.unit else { return };
    let Some(unit) = hospital.units.get(id) else { return };
    if row.gaps.cover(id.as_str()) {
        return;
    }
    if draft.building.as_ref().is_some_and(|building| *building != unit.building)
        || draft.floor.is_some_and(|floor| floor != unit.floor)
    {
        let message =
            format!("unit `{id}` is on floor {} of building `{}`", unit.floor, unit.building);
        row.error("wrong-unit", "unit", message, "correct the unit, the floor or the building");
    }
}

fn fits_its_type(
    row: &mut Row<'_>,
    draft: &Draft,
    hospital: &Hospital,
    overrides: &BTreeSet<(&DeviceId, Tier)>,
) {
    let (Some(profile_id), Some(tier)) = (&draft.profile, draft.tier) else { return };
    let Some(profile) = hospital.profiles.get(profile_id) else { return };
    if profile.tier == tier || profile.tier == tier.segment_tier() {
        return;
    }
    let excused = |id: &DeviceId| overrides.contains(&(id, tier)) || row.gaps.cover(id.as_str());
    let type_excused = row.gaps.cover(profile_id.as_str());
    if !type_excused && !draft.id.as_ref().is_some_and(excused) {
        let message = format!("a {profile_id} is {}, the row says {tier}", profile.tier);
        let help = "correct the tier, or record an override in hospital.toml";
        row.error("wrong-tier", "tier", message, help);
    }
}
