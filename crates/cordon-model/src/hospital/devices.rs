//! `devices.csv`: one row per device, every identity unique, every reference resolved.

use std::collections::hash_map::Entry;
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::blame::nearest;
use super::limits;
use crate::diagnostic::{Place, Report, SourceText};
use crate::fleet::{Attachment, Device, Exposure, Hospital};
use crate::{DeviceId, Tier};

/// The columns, in the order in which cordon writes them.
pub const COLUMNS: [&str; 28] = [
    "id", "type", "tier", "vendor", "model", "serial", "mac", "ip", "ipv6", "eui64", "ae-title",
    "hl7-application", "hl7-facility", "bacnet-instance", "building", "floor", "unit", "segment",
    "gateway", "port", "attachment", "autonomous", "life-safety", "firmware",
    "firmware-sha256", "unsupported-os", "remote-access", "known-exploited",
];

/// The columns that every file has.
pub const COLUMNS_REQUIRED: [&str; 16] = [
    "id", "type", "tier", "vendor", "model", "serial", "mac", "ip", "building", "floor", "unit",
    "segment", "attachment", "autonomous", "firmware", "firmware-sha256",
];

/// Where each column stands in this file.
struct Header {
    at: [Option<usize>; COLUMNS.len()],
}

/// One row while it is read.
struct Row<'a> {
    record: &'a csv::StringRecord,
    header: &'a Header,
    source: &'a SourceText<'a>,
    report: &'a mut Report,
}

impl<'a> Row<'a> {
    fn text(&self, column: &str) -> &'a str {
        let name = COLUMNS.iter().position(|name| *name == column);
        let field = name.and_then(|name| self.header.at.get(name).copied().flatten());
        field.and_then(|field| self.record.get(field)).unwrap_or_default().trim()
    }

    fn optional(&self, column: &str) -> Option<&'a str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    fn place(&self, column: &str) -> Place {
        let start = self.record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(0);
        let rest = self.source.text().get(start..).unwrap_or_default();
        let line = rest.trim_start_matches(['\r', '\n']);
        let start = start + (rest.len() - line.len());
        let line = line.lines().next().unwrap_or_default();
        let name = COLUMNS.iter().position(|name| *name == column);
        let field = name.and_then(|name| self.header.at.get(name).copied().flatten());
        let (from, to) = field_span(line, field.unwrap_or(usize::MAX));
        self.source.place(start + from..start + to)
    }

    fn error(&mut self, label: &'static str, column: &str, message: String, help: &str) {
        let place = self.place(column);
        self.report.error(label, place, message, help);
    }

    fn parsed<T>(&mut self, label: &'static str, column: &str, help: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text(column);
        if text.is_empty() {
            self.error("missing-value", column, format!("`{column}` is empty"), help);
            return None;
        }
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(label, column, format!("`{text}` in `{column}`: {error}"), help);
                None
            }
        }
    }

    fn parsed_if_there<T>(&mut self, label: &'static str, column: &str, help: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.optional(column)?;
        self.parsed(label, column, help)
    }

    fn yes(&mut self, column: &str) -> bool {
        match self.text(column) {
            "yes" => true,
            "no" | "" => false,
            text => {
                let message = format!("`{text}` is neither `yes` nor `no`");
                self.error("malformed-value", column, message, "write `yes` or `no`");
                false
            }
        }
    }

    fn known<K, V>(
        &mut self,
        column: &str,
        what: &str,
        map: &std::collections::BTreeMap<K, V>,
    ) -> Option<K>
    where
        K: Ord + Clone + std::borrow::Borrow<str> + std::fmt::Display,
    {
        let text = self.text(column);
        if let Some((key, _)) = map.get_key_value(text) {
            return Some(key.clone());
        }
        let help = match nearest(text, map.keys().map(ToString::to_string)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("declare the {what} first, or correct the row"),
        };
        let label = if what == "type" { "unknown-type" } else { "unknown-reference" };
        self.error(label, column, format!("there is no {what} `{text}`"), &help);
        None
    }
}

/// Finds the bytes of the `index`-th field of a CSV line; of the whole line when there is none.
fn field_span(line: &str, index: usize) -> (usize, usize) {
    let (mut field, mut from, mut quoted) = (0, 0, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                if field == index {
                    return (from, at);
                }
                field += 1;
                from = at + 1;
            }
            _ => {}
        }
    }
    if field == index { (from, line.len()) } else { (0, line.len()) }
}

/// Reads every row into the hospital, whose plan and profiles are known by now.
pub(super) fn load(source: &SourceText<'_>, hospital: &mut Hospital, report: &mut Report) {
    let mut reader = csv::ReaderBuilder::new().from_reader(source.text().as_bytes());
    let header = match reader.headers() {
        Ok(names) => header(names, source, report),
        Err(error) => {
            unreadable(&error, source, report);
            return;
        }
    };
    let Some(header) = header else { return };
    let mut unique = Unique::default();
    let mut devices = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) if devices.len() >= limits::DEVICES_MAX => {
                let message = format!("more than {} devices", limits::DEVICES_MAX);
                let help = "split the hospital into several directories";
                report.error("over-limit", Place::file(source.path()), message, help);
                break;
            }
            Ok(true) => {
                let mut row = Row { record: &record, header: &header, source, report };
                if let Some(device) = device(&mut row, hospital) {
                    unique.claim(&device, hospital, &mut row);
                    devices.push(device);
                }
            }
            Err(error) => unreadable(&error, source, report),
        }
    }
    devices.sort_by(|a, b| a.id.cmp(&b.id));
    hospital.devices = devices;
}

fn header(
    names: &csv::StringRecord,
    source: &SourceText<'_>,
    report: &mut Report,
) -> Option<Header> {
    let mut at = [None; COLUMNS.len()];
    let line = source.text().lines().next().unwrap_or_default();
    let mut legal = true;
    for (index, name) in names.iter().enumerate() {
        let (from, to) = field_span(line, index);
        let slot = COLUMNS.iter().position(|column| *column == name.trim());
        match slot.and_then(|slot| at.get_mut(slot)) {
            Some(slot @ None) => *slot = Some(index),
            Some(Some(_)) => {
                legal = false;
                let message = format!("a second column is named `{name}`");
                report.error("duplicate-column", source.place(from..to), message, "remove one");
            }
            None => {
                legal = false;
                let help = match nearest(name, COLUMNS.iter().map(ToString::to_string)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "remove the column; `cordon import csv` maps foreign tables".to_owned(),
                };
                let message = format!("there is no column `{name}`");
                report.error("unknown-column", source.place(from..to), message, &help);
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
        report.error("missing-column", source.place(0..line.len()), message, help);
    }
    legal.then_some(Header { at })
}

fn unreadable(error: &csv::Error, source: &SourceText<'_>, report: &mut Report) {
    let byte = error.position().map_or(0, csv::Position::byte);
    let start = usize::try_from(byte).unwrap_or(0);
    let rest = source.text().get(start..).unwrap_or_default();
    let start = start + (rest.len() - rest.trim_start_matches(['\r', '\n']).len());
    let line = source.text().get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields, the header has {expected_len}")
        }
        _ => error.to_string(),
    };
    let help = "count the commas; put a field that holds a comma between double quotes";
    report.error("unreadable-row", source.place(start..start + line.len()), message, help);
}

fn device(row: &mut Row<'_>, hospital: &Hospital) -> Option<Device> {
    let id: Option<DeviceId> = row.parsed("malformed-id", "id", "choose another identifier");
    let profile = row.known("type", "type", &hospital.profiles);
    let tier = tier(row, hospital);
    let mac = row.parsed("malformed-mac", "mac", "write it like `00:1b:21:3a:4f:60`");
    let ip = row.parsed("malformed-ip", "ip", "write it like `10.110.0.5`");
    let ipv6 = row.parsed_if_there("malformed-ip", "ipv6", "write it like `fd00:110::5`");
    let eui64 = row.parsed_if_there("malformed-eui64", "eui64", "write eight hexadecimal bytes");
    let bacnet = row.parsed_if_there("malformed-value", "bacnet-instance", "0 to 4194302");
    let building = row.known("building", "building", &hospital.buildings);
    let floor = row.parsed("malformed-value", "floor", "write a whole number");
    let unit = row.known("unit", "unit", &hospital.units);
    let segment = row.known("segment", "segment", &hospital.segments);
    let attachment = attachment(row);
    let exposure = Exposure {
        unsupported_os: row.yes("unsupported-os"),
        remote_access: row.yes("remote-access"),
        known_exploited: row.yes("known-exploited"),
    };
    let (autonomous, life_safety) = (row.yes("autonomous"), row.yes("life-safety"));
    names_are_legal(row, bacnet);
    let text = |column| row.text(column).to_owned();
    let optional = |column| row.optional(column).map(str::to_owned);
    let line = row.record.position().map_or(0, csv::Position::line);
    let mut device = Device {
        id: id?,
        profile: profile?,
        tier: tier?,
        vendor: text("vendor"),
        model: text("model"),
        serial: text("serial"),
        mac: mac?,
        ip: ip?,
        ipv6,
        eui64,
        ae_title: optional("ae-title"),
        hl7_application: optional("hl7-application"),
        hl7_facility: optional("hl7-facility"),
        bacnet_instance: bacnet,
        building: building?,
        floor: floor?,
        unit: unit?,
        segment: segment?,
        gateway: None,
        attachment: attachment?,
        autonomous,
        life_safety,
        firmware: text("firmware"),
        firmware_sha256: text("firmware-sha256").to_lowercase(),
        exposure,
        line: usize::try_from(line).unwrap_or(0),
    };
    device.gateway = gateway(row, &device, hospital);
    fits_its_segment(row, &device, hospital);
    fits_its_unit(row, &device, hospital);
    Some(device)
}

fn tier(row: &mut Row<'_>, hospital: &Hospital) -> Option<Tier> {
    let text = row.text("tier");
    let Some(tier) = Tier::from_name(text) else {
        let message = format!("`{text}` is not a tier");
        row.error("unknown-tier", "tier", message, "red, orange, yellow, green or green-ls");
        return None;
    };
    if !hospital.tiers.contains_key(&tier) {
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
    if let Some(title) = row.optional("ae-title") {
        let legal = title.len() <= 16 && title.chars().all(|c| matches!(c, ' '..='~') && c != '\\');
        if !legal {
            let message = format!("`{title}` is not an AE title");
            let help = "1 to 16 printable ASCII characters without backslash (DICOM PS3.5 §6.2)";
            row.error("malformed-value", "ae-title", message, help);
        }
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
    device: &Device,
    hospital: &Hospital,
) -> Option<(crate::PointId, u16)> {
    if device.attachment != Attachment::Legacy {
        if row.optional("gateway").is_some() {
            let message = "the device has a key of its own, so it is behind no gateway".to_owned();
            let help = "clear `gateway` and `port`, or correct the attachment";
            row.error("needless-gateway", "gateway", message, help);
        }
        return None;
    }
    if row.optional("gateway").is_none() {
        let message = "a device without cryptography needs a gateway".to_owned();
        row.error("missing-gateway", "gateway", message, "name its gateway and its access port");
        return None;
    }
    let id = row.known("gateway", "gateway", &hospital.gateways)?;
    let port: u16 = row.parsed("malformed-port", "port", "the number of the access port")?;
    let gateway = hospital.gateways.get(&id)?;
    if port == 0 || port > gateway.ports {
        let message = format!("gateway `{id}` has the ports 1 to {}", gateway.ports);
        row.error("gateway-full", "port", message, "use a free port, or another gateway");
    }
    if gateway.segment != device.segment {
        let tier = hospital.segments.get(&gateway.segment).map(|segment| segment.tier);
        let message = format!(
            "gateway `{id}` belongs to segment `{}`{}",
            gateway.segment,
            tier.map(|tier| format!(", tier {tier}")).unwrap_or_default()
        );
        let help = "a gateway serves one segment and one tier; use one of the device's segment";
        row.error("wrong-gateway", "gateway", message, help);
    }
    Some((id, port))
}

fn fits_its_segment(row: &mut Row<'_>, device: &Device, hospital: &Hospital) {
    let Some(segment) = hospital.segments.get(&device.segment) else { return };
    if segment.tier != device.tier.segment_tier() {
        let message = format!("segment `{}` is for {}", device.segment, segment.tier);
        let help = format!("use a segment of {}", device.tier.segment_tier());
        row.error("wrong-segment", "segment", message, &help);
    }
    if segment.building != device.building {
        let message = format!("segment `{}` is in building `{}`", device.segment, segment.building);
        row.error("wrong-segment", "segment", message, "use a segment of the device's building");
    }
    if segment.attachment != device.attachment.segment() {
        let message = format!(
            "segment `{}` is for {} devices, this one is {}",
            device.segment,
            segment.attachment.name(),
            device.attachment.name()
        );
        row.error("wrong-segment", "segment", message, "use the segment of its attachment");
    }
    let inside = |address: IpAddr| segment.networks.iter().any(|n| n.contains(&address));
    let v6 = device.ipv6.map(IpAddr::V6);
    for (column, address) in [("ip", Some(IpAddr::V4(device.ip))), ("ipv6", v6)] {
        if let Some(address) = address.filter(|address| !inside(*address)) {
            let message = format!("{address} is not in segment `{}`", device.segment);
            row.error("address-outside-segment", column, message, "correct address or segment");
        }
    }
    let network = segment.networks.iter().find(|n| n.contains(&IpAddr::V4(device.ip)));
    let reserved = network.is_some_and(|n| {
        n.prefix_len() < 31
            && (n.network() == IpAddr::V4(device.ip) || n.broadcast() == IpAddr::V4(device.ip))
    });
    if reserved {
        let message = format!("{} is the network's own or its broadcast address", device.ip);
        row.error("malformed-ip", "ip", message, "use an address between the two");
    }
}

fn fits_its_unit(row: &mut Row<'_>, device: &Device, hospital: &Hospital) {
    let Some(unit) = hospital.units.get(&device.unit) else { return };
    if unit.building != device.building || unit.floor != device.floor {
        let message = format!(
            "unit `{}` is on floor {} of building `{}`",
            device.unit, unit.floor, unit.building
        );
        row.error("wrong-unit", "unit", message, "correct the unit, the floor or the building");
    }
    let Some(profile) = hospital.profiles.get(&device.profile) else { return };
    if profile.tier != device.tier && profile.tier != device.tier.segment_tier() {
        let message =
            format!("a {} is {}, the row says {}", device.profile, profile.tier, device.tier);
        let help = "correct the tier, or record an override in hospital.toml";
        if !hospital.overrides.iter().any(|o| o.device == device.id && o.tier == device.tier) {
            row.error("wrong-tier", "tier", message, help);
        }
    }
}

/// Identities that no two devices may share, and access ports that no two may use.
#[derive(Default)]
struct Unique {
    claims: FxHashMap<(&'static str, String), usize>,
}

impl Unique {
    fn claim(&mut self, device: &Device, hospital: &Hospital, row: &mut Row<'_>) {
        let port = device.gateway.as_ref().map(|(id, port)| format!("{id} port {port}"));
        let optional = |text: &Option<String>| text.clone();
        let claims: [(&'static str, &'static str, Option<String>); 9] = [
            ("duplicate-id", "id", Some(device.id.to_string())),
            ("duplicate-mac", "mac", Some(device.mac.to_string())),
            ("duplicate-ip", "ip", Some(device.ip.to_string())),
            ("duplicate-ip", "ipv6", device.ipv6.map(|ip| ip.to_string())),
            ("duplicate-serial", "serial", Some(format!("{} {}", device.vendor, device.serial))),
            ("duplicate-eui64", "eui64", device.eui64.map(|id| id.to_string())),
            ("duplicate-ae-title", "ae-title", optional(&device.ae_title)),
            ("duplicate-bacnet", "bacnet-instance", device.bacnet_instance.map(|i| i.to_string())),
            ("gateway-full", "port", port),
        ];
        for (label, column, value) in claims {
            let Some(value) = value else { continue };
            match self.claims.entry((column, value)) {
                Entry::Vacant(slot) => {
                    slot.insert(device.line);
                }
                Entry::Occupied(slot) => {
                    let ((_, value), line) = (slot.key(), *slot.get());
                    let message = format!("`{value}` is already in line {line}");
                    row.error(label, column, message, "one of the two rows is wrong");
                }
            }
        }
        let address = IpAddr::V4(device.ip);
        if let Some((id, _)) = hospital.services.iter().find(|(_, s)| s.addresses.contains(&address))
        {
            let message = format!("{address} is the address of service `{id}`");
            row.error("duplicate-ip", "ip", message, "correct one of the two");
        }
    }
}
