//! Puts each row's values in order, fills what follows from the plan, and holds what contradicts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cordon_model::{DeviceId, Eui64, Mac, Vlan};

use super::{COLUMNS_REQUIRED, Choices, Conflict, Imported, ImportedDevice, Known, KnownSegment};

const TIERS: [&str; 5] = ["red", "orange", "yellow", "green", "green-ls"];
const ATTACHMENTS: [&str; 3] = ["tpm", "software-key", "legacy"];
const YES_OR_NO: [&str; 4] = ["autonomous", "unsupported-os", "remote-access", "known-exploited"];
/// Words of an inventory for a device that is not in use.
const OUT_OF_SERVICE: [&str; 16] = [
    "retired",
    "disposed",
    "decommissioned",
    "decommissioning",
    "scrapped",
    "sold",
    "stolen",
    "lost",
    "missing",
    "absent",
    "inventory",
    "planned",
    "offline",
    "failed",
    "in stock",
    "inactive",
];
/// # Source
/// ASHRAE 135-2020 §12.11.1: 22 bits, the highest value is reserved.
const BACNET_INSTANCE_MAX: u32 = 4_194_302;
/// # Source
/// DICOM PS3.5 §6.2 (AE).
const AE_TITLE_BYTES_MAX: usize = 16;

/// Judges every draft and adds the outcome to `imported`.
pub(super) fn judge(
    drafts: Vec<(ImportedDevice, Vec<Conflict>)>,
    choices: &Choices,
    known: &Known,
    imported: &mut Imported,
) {
    let mut devices = Vec::with_capacity(drafts.len());
    let mut conflicts = Vec::new();
    for (mut device, early) in drafts {
        conflicts.extend(early);
        for (slot, value) in &choices.defaults {
            if device.cells.get(*slot).is_some_and(String::is_empty) {
                device.put_slot(*slot, value);
                device.derived.push(super::headers::name(*slot));
            }
        }
        Row { device: &mut device, known, conflicts: &mut conflicts }.judge();
        devices.push(device);
    }
    duplicates(&devices, &mut conflicts);
    let held: BTreeSet<usize> = conflicts
        .iter()
        .flat_map(|conflict| [Some(conflict.row), conflict.other_row])
        .flatten()
        .collect();
    conflicts.sort_by_key(|conflict| conflict.row);
    for device in devices {
        if held.contains(&device.row) {
            imported.held.push(device);
        } else {
            imported.accepted.push(device);
        }
    }
    imported.conflicts.extend(conflicts);
}

/// One row while it is judged.
struct Row<'a> {
    device: &'a mut ImportedDevice,
    known: &'a Known,
    conflicts: &'a mut Vec<Conflict>,
}

impl Row<'_> {
    fn judge(&mut self) {
        self.is_in_service();
        self.kind();
        self.tier();
        self.addresses();
        self.network();
        self.place();
        self.key();
        self.identities();
        self.firmware();
        for column in COLUMNS_REQUIRED {
            if self.device.get(column).is_empty() {
                let help = format!("fill it in, or use --default {column}=… or --map {column}=…");
                self.conflict("missing-value", column, format!("`{column}` is empty"), help);
            }
        }
    }

    fn conflict(
        &mut self,
        label: &'static str,
        column: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let text = self.device.get(column).to_owned();
        self.conflicts
            .push(Conflict::new(label, self.device.row, column, &text).says(message, help));
    }

    fn derive(&mut self, column: &'static str, value: &str) {
        if self.device.get(column).is_empty() && !value.is_empty() {
            self.device.put(column, value);
            self.device.derived.push(column);
        }
    }

    /// Rewrites a cell in cordon's spelling, or holds the row.
    fn rewrite<T: ToString>(
        &mut self,
        label: &'static str,
        column: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.device.get(column).to_owned();
        if text.is_empty() {
            return None;
        }
        let value = read(&text);
        match &value {
            Some(value) => self.device.put(column, value.to_string()),
            None => {
                let message = format!("`{text}` in `{column}` is not {wanted}");
                self.conflict(label, column, message, "correct it where it comes from");
            }
        }
        value
    }

    fn is_in_service(&mut self) {
        let status = self.device.get("status").to_lowercase();
        if OUT_OF_SERVICE.contains(&status.as_str()) {
            let help = "put it into service in the inventory, or leave it out";
            self.conflict("not-in-service", "status", format!("the device is {status}"), help);
        }
    }

    fn kind(&mut self) {
        let text = self.device.get("type").to_owned();
        if text.is_empty() || self.known.types.is_empty() {
            return;
        }
        let word = text.to_lowercase();
        let by_name = || self.known.types.values().find(|name| name.to_lowercase() == word);
        match self.known.types.get(&word).or_else(by_name).cloned() {
            Some(name) => self.device.put("type", name),
            None => {
                let names: BTreeSet<&str> = self.known.types.values().map(String::as_str).collect();
                let names: Vec<&str> = names.into_iter().take(12).collect();
                let help = format!(
                    "add `{word}` to the aliases of a profile ({}), or write a profile",
                    names.join(", ")
                );
                self.conflict(
                    "unknown-type",
                    "type",
                    format!("no profile is known as `{text}`"),
                    help,
                );
            }
        }
    }

    fn tier(&mut self) {
        if let Some(tier) = self.known.tiers.get(self.device.get("type")) {
            self.derive("tier", tier);
        }
        self.rewrite(
            "unknown-tier",
            "tier",
            "a tier (red, orange, yellow, green, green-ls)",
            |text| {
                let word = text.to_lowercase().replace([' ', '_'], "-");
                TIERS.into_iter().find(|tier| *tier == word)
            },
        );
    }

    fn addresses(&mut self) {
        // An inventory often keeps either kind in one column, with or without the prefix length.
        let is_v6 = bare(self.device.get("ip")).parse::<Ipv6Addr>().is_ok();
        if is_v6 && self.device.get("ipv6").is_empty() {
            let address = self.device.get("ip").to_owned();
            self.device.put("ipv6", address);
            self.device.put("ip", "");
        }
        self.rewrite("malformed-mac", "mac", "a device's MAC address", |t| t.parse::<Mac>().ok());
        self.rewrite("malformed-ip", "ip", "one IPv4 address", |text| {
            bare(text).parse::<Ipv4Addr>().ok().filter(|ip| is_usable(IpAddr::V4(*ip)))
        });
        self.rewrite("malformed-ip", "ipv6", "one IPv6 address", |text| {
            bare(text).parse::<Ipv6Addr>().ok().filter(|ip| is_usable(IpAddr::V6(*ip)))
        });
        self.rewrite("malformed-eui64", "eui64", "an EUI-64", |t| t.parse::<Eui64>().ok());
    }

    /// VLAN, address and segment have to agree with each other and with the plan.
    fn network(&mut self) {
        let vlan = self.rewrite("impossible-vlan", "vlan", "a VLAN id (1 to 4094)", |text| {
            let number = text.to_lowercase().replace("vlan", "");
            number.trim().parse::<u16>().ok().and_then(|id| Vlan::new(id).ok())
        });
        let vlan = vlan.map(u16::from);
        if let Some(id) =
            vlan.filter(|id| !self.known.vlans.is_empty() && !self.known.vlans.contains(id))
        {
            let message = format!("no segment of the hospital has VLAN {id}");
            self.conflict(
                "unknown-vlan",
                "vlan",
                message,
                "correct it, or add the segment to hospital.toml",
            );
        }
        if self.known.segments.is_empty() {
            return;
        }
        let mut found: Option<&KnownSegment> = None;
        for column in ["ip", "ipv6"] {
            let Ok(address) = self.device.get(column).parse::<IpAddr>() else {
                continue;
            };
            match segment_of(&self.known.segments, address) {
                Some(segment) => found = found.or(Some(segment)),
                None => {
                    let message = format!("{address} is in no segment of the hospital");
                    let help = "correct the address, or add the network to a segment";
                    self.conflict("address-outside-segments", column, message, help);
                }
            }
        }
        let Some(segment) = found else { return };
        if let Some(id) = vlan.filter(|id| *id != segment.vlan) {
            let message = format!(
                "the address is in segment `{}`, VLAN {}, not {id}",
                segment.id, segment.vlan
            );
            self.conflict("wrong-vlan", "vlan", message, "correct the address or the VLAN");
        }
        self.derive("segment", &segment.id);
        self.derive("building", &segment.building);
        if self.device.get("segment") != segment.id {
            let message = format!("the address is in segment `{}`", segment.id);
            self.conflict(
                "wrong-segment",
                "segment",
                message,
                "correct the address or the segment",
            );
        }
    }

    fn place(&mut self) {
        self.rewrite("malformed-value", "floor", "a floor such as 3, G or B1", floor);
        for column in ["id", "type", "building", "unit", "segment", "gateway"] {
            let text = self.device.get(column).to_owned();
            if text.is_empty() || (column == "type" && !self.known.types.is_empty()) {
                continue;
            }
            if let Err(error) = DeviceId::new(&text) {
                let message = format!("`{text}` in `{column}` is no identifier: {error}");
                self.conflict(
                    "malformed-id",
                    column,
                    message,
                    "choose the identifier hospital.toml uses",
                );
            }
        }
    }

    fn key(&mut self) {
        self.rewrite("malformed-value", "attachment", "tpm, software-key or legacy", |text| {
            let word = text.to_lowercase().replace([' ', '_'], "-");
            ATTACHMENTS.into_iter().find(|attachment| *attachment == word)
        });
        self.rewrite("malformed-port", "port", "the number of an access port", |text| {
            text.parse::<u16>().ok().filter(|port| *port > 0)
        });
        for column in YES_OR_NO {
            self.rewrite("malformed-value", column, "yes or no", yes_or_no);
        }
    }

    fn identities(&mut self) {
        self.rewrite("malformed-value", "bacnet-instance", "an instance (0 to 4194302)", |text| {
            text.parse::<u32>().ok().filter(|instance| *instance <= BACNET_INSTANCE_MAX)
        });
        self.rewrite(
            "malformed-value",
            "ae-title",
            "an AE title (1 to 16 ASCII characters)",
            |text| {
                let legal = text.chars().all(|c| matches!(c, ' '..='~') && c != '\\');
                (legal && text.len() <= AE_TITLE_BYTES_MAX).then(|| text.to_owned())
            },
        );
    }

    fn firmware(&mut self) {
        self.rewrite(
            "malformed-digest",
            "firmware-sha256",
            "a SHA-256 digest (64 hexadecimal digits)",
            |text| {
                let legal = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                legal.then(|| text.to_lowercase())
            },
        );
    }
}

/// Leaves a prefix length out.
fn bare(text: &str) -> &str {
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    if length.parse::<u8>().is_ok_and(|length| length <= 128) { address.trim() } else { text }
}

fn is_usable(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || is_broadcast)
}

/// Finds the segment with the longest network that holds an address.
fn segment_of(segments: &[KnownSegment], address: IpAddr) -> Option<&KnownSegment> {
    let holding = segments.iter().filter(|segment| segment.network.contains(&address));
    holding.max_by_key(|segment| segment.network.prefix_len())
}

/// Reads a floor as people write it: `3`, `3rd`, `Floor 3`, `3F`, `G`, `B1`.
fn floor(text: &str) -> Option<i16> {
    let word = text.to_lowercase();
    let word = ["floor", "level", "fl", "etage"]
        .into_iter()
        .fold(word, |word, name| word.replace(name, ""));
    let word = word.trim_matches(|c: char| matches!(c, ' ' | '.' | ':'));
    if matches!(word, "g" | "gf" | "ground" | "eg") {
        return Some(0);
    }
    let below = word.strip_prefix("basement").or_else(|| word.strip_prefix('b'));
    if let Some(depth) = below {
        let depth = depth.trim();
        let depth: i16 = if depth.is_empty() { 1 } else { depth.parse().ok()? };
        return (depth > 0).then_some(-depth);
    }
    let number = word.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h', 'f']);
    number.trim().parse().ok()
}

fn yes_or_no(text: &str) -> Option<&'static str> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "x" | "ja" => Some("yes"),
        "no" | "n" | "false" | "f" | "0" | "nein" => Some("no"),
        _ => None,
    }
}

/// Finds what no two rows may share; a serial number is one maker's.
fn duplicates(devices: &[ImportedDevice], conflicts: &mut Vec<Conflict>) {
    const UNIQUE: [(&str, &str); 7] = [
        ("duplicate-id", "id"),
        ("duplicate-mac", "mac"),
        ("duplicate-ip", "ip"),
        ("duplicate-ip", "ipv6"),
        ("duplicate-serial", "serial"),
        ("duplicate-ae-title", "ae-title"),
        ("duplicate-bacnet", "bacnet-instance"),
    ];
    for (label, column) in UNIQUE {
        let mut first: BTreeMap<(String, &str), usize> = BTreeMap::new();
        for device in devices {
            let value = device.get(column);
            if value.is_empty() {
                continue;
            }
            let maker = if column == "serial" {
                device.get("vendor").to_lowercase()
            } else {
                String::new()
            };
            let row = *first.entry((maker, value)).or_insert(device.row);
            if row != device.row {
                let message = format!("`{value}` is in row {row} and in row {}", device.row);
                let help = "one of the two is wrong or twice in the inventory; neither was taken";
                let conflict = Conflict::new(label, device.row, column, value).says(message, help);
                conflicts.push(Conflict { other_row: Some(row), ..conflict });
            }
        }
    }
}
