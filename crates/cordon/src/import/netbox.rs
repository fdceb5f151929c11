//! NetBox: its table export of devices, and the JSON of its REST interface.
//!
//! Source: NetBox REST API, `/api/dcim/devices/`, `/api/dcim/interfaces/`,
//! `/api/dcim/mac-addresses/` (from 4.2 on), `/api/ipam/ip-addresses/`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::headers::{self, Dialect};
use super::{
    Choices, Conflict, ImportError, Imported, ImportedDevice, Known, ROWS_MAX, Source, bounded,
    encoding, judge, table,
};

type Object = Map<String, Value>;

/// Imports an export of NetBox: one table, or one or more JSON answers (devices, and the
/// interfaces or MAC addresses that belong to them).
/// # Errors
/// [`ImportError`] if a file is too large, is no table or no JSON, or is no answer of NetBox.
pub(crate) fn netbox(
    sources: &[Source<'_>],
    choices: &Choices,
    known: &Known,
) -> Result<Imported, ImportError> {
    if let [source] = sources
        && !is_json(source.bytes)
    {
        return table::import(*source, choices, known, Dialect::NetBox);
    }
    let mut answers = Answers::default();
    for source in sources {
        answers.read(*source)?;
    }
    Ok(answers.import(choices, known))
}

fn is_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(text.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}

/// What the answers hold, by what it is.
#[derive(Default)]
struct Answers {
    devices: Vec<Object>,
    /// For each device, by NetBox's number, what its interfaces say.
    links: BTreeMap<u64, Links>,
    warnings: Vec<String>,
}

/// What the interfaces of one device say.
#[derive(Default)]
struct Links {
    macs: BTreeSet<String>,
    vlans: BTreeSet<u64>,
}

impl Answers {
    fn read(&mut self, source: Source<'_>) -> Result<(), ImportError> {
        bounded(source)?;
        let file = source.name.to_owned();
        let (text, note) = encoding::decode(source.bytes);
        self.warnings.extend(note.map(|note| format!("{file}: {note}")));
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| ImportError::Json { file: file.clone(), source: error })?;
        let foreign = || ImportError::NotNetBox { file: file.clone() };
        let items = match value {
            Value::Array(items) => items,
            Value::Object(mut answer) => {
                if answer.get("next").is_some_and(|next| !next.is_null()) {
                    let message =
                        format!("{file} is one page of several; ask NetBox with `limit=0`");
                    self.warnings.push(message);
                }
                match answer.remove("results") {
                    Some(Value::Array(items)) => items,
                    Some(_) => return Err(foreign()),
                    None => vec![Value::Object(answer)],
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(foreign());
            }
        };
        for item in items {
            let Value::Object(object) = item else {
                return Err(foreign());
            };
            self.item(object, &file).ok_or_else(foreign)??;
        }
        Ok(())
    }

    /// Takes one object; `None` when it is of no kind that is read.
    fn item(&mut self, object: Object, file: &str) -> Option<Result<(), ImportError>> {
        if object.contains_key("device_type") {
            if self.devices.len() >= ROWS_MAX {
                let file = file.to_owned();
                return Some(Err(ImportError::OverLimit { file, what: "devices", max: ROWS_MAX }));
            }
            self.devices.push(object);
            return Some(Ok(()));
        }
        if let Some(device) = number(object.get("device"), "id") {
            self.links.entry(device).or_default().interface(&object);
            return Some(Ok(()));
        }
        let assigned = object.get("assigned_object");
        if assigned.is_some() && object.contains_key("mac_address") {
            let device = number(assigned.and_then(|a| a.get("device")), "id");
            if let (Some(device), Some(mac)) = (device, text(object.get("mac_address"))) {
                self.links.entry(device).or_default().macs.insert(mac);
            }
            return Some(Ok(()));
        }
        // An interface of a virtual machine, or an IP address: of no use here, and no mistake.
        let is_other = object.contains_key("address") || object.contains_key("virtual_machine");
        is_other.then_some(Ok(()))
    }

    fn import(self, choices: &Choices, known: &Known) -> Imported {
        let mut imported = Imported {
            rows_read: self.devices.len(),
            warnings: self.warnings,
            ..Imported::default()
        };
        let mut drafts = Vec::with_capacity(self.devices.len());
        let mut unused = BTreeSet::new();
        for (index, object) in self.devices.iter().enumerate() {
            let links = number(object.get("id"), "").and_then(|id| self.links.get(&id));
            drafts.push(draft(index + 1, object, links, choices, &mut unused));
        }
        imported.headers_unused = unused.into_iter().collect();
        judge::judge(drafts, choices, known, &mut imported);
        imported
    }
}

impl Links {
    fn interface(&mut self, interface: &Object) {
        if interface.get("mgmt_only") == Some(&Value::Bool(true)) {
            return;
        }
        let primary = interface.get("primary_mac_address").and_then(|mac| mac.get("mac_address"));
        if let Some(mac) = text(interface.get("mac_address")).or_else(|| text(primary)) {
            self.macs.insert(mac);
        }
        self.vlans.extend(number(interface.get("untagged_vlan"), "vid"));
    }
}

/// Reads a number, or the number under a key of an object.
fn number(value: Option<&Value>, key: &str) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.get(key)?.as_u64())
}

/// Reads a text, a number, a truth value, or the best name of an object.
fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        Value::Object(object) => {
            let name = ["name", "model", "value", "address", "display"];
            return name.into_iter().find_map(|key| object.get(key)?.as_str().map(str::to_owned));
        }
        Value::Null | Value::Array(_) => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// Reads the identifier-like name of a related object: its slug, else its name.
fn slug(value: Option<&Value>) -> Option<String> {
    text(value.and_then(|v| v.get("slug"))).or_else(|| text(value))
}

fn draft(
    row: usize,
    object: &Object,
    links: Option<&Links>,
    choices: &Choices,
    unused: &mut BTreeSet<String>,
) -> (ImportedDevice, Vec<Conflict>) {
    let mut device = ImportedDevice::new(row);
    let device_type = object.get("device_type");
    let role = object.get("role").or_else(|| object.get("device_role"));
    let maker = device_type.and_then(|t| t.get("manufacturer"));
    let model = device_type.and_then(|t| t.get("model"));
    let fields = [
        ("id", text(object.get("name")).or_else(|| text(object.get("asset_tag")))),
        ("type", slug(role)),
        ("vendor", text(maker)),
        ("model", text(model).or_else(|| text(device_type))),
        ("serial", text(object.get("serial"))),
        ("building", slug(object.get("site"))),
        ("unit", slug(object.get("location"))),
        (
            "ip",
            text(object.get("primary_ip4").filter(|v| !v.is_null()).or(object.get("primary_ip"))),
        ),
        ("ipv6", text(object.get("primary_ip6"))),
        (
            "status",
            text(object.get("status").and_then(|s| s.get("value")))
                .or_else(|| text(object.get("status"))),
        ),
    ];
    for (column, value) in fields {
        device.put(column, value.unwrap_or_default().trim());
    }
    custom_fields(&mut device, object, choices, unused);
    let conflicts = linked(&mut device, object, links);
    (device, conflicts)
}

/// Custom fields fill what NetBox has no field for; a chosen one (`--map`) wins.
fn custom_fields(
    device: &mut ImportedDevice,
    object: &Object,
    choices: &Choices,
    unused: &mut BTreeSet<String>,
) {
    let Some(Value::Object(fields)) = object.get("custom_fields") else {
        return;
    };
    for (name, value) in fields {
        let chosen = choices.map.iter().find(|(_, header)| {
            header.strip_prefix("cf_").unwrap_or(header).eq_ignore_ascii_case(name)
        });
        let meant = headers::meaning(name, Dialect::General).map(|(slot, _)| slot);
        let Some(slot) = chosen.map(|(slot, _)| *slot).or(meant) else {
            unused.insert(format!("custom_fields.{name}"));
            continue;
        };
        let is_free = device.get(headers::name(slot)).is_empty();
        if let Some(text) = text(Some(value)).filter(|_| is_free || chosen.is_some()) {
            device.put_slot(slot, &text);
        }
    }
}

/// Takes MAC address and VLAN from the interfaces, when they are of one mind.
fn linked(device: &mut ImportedDevice, object: &Object, links: Option<&Links>) -> Vec<Conflict> {
    let mut own = Links::default();
    if let Some(Value::Array(interfaces)) = object.get("interfaces") {
        interfaces.iter().filter_map(Value::as_object).for_each(|i| own.interface(i));
    }
    let all = |pick: fn(&Links) -> Vec<String>| -> BTreeSet<String> {
        [Some(&own), links].into_iter().flatten().flat_map(pick).collect()
    };
    let macs = all(|links| links.macs.iter().map(|mac| mac.to_lowercase()).collect());
    let vlans = all(|links| links.vlans.iter().map(u64::to_string).collect());
    let mut conflicts = Vec::new();
    let found = [
        ("mac", "ambiguous-mac", "MAC addresses", macs),
        ("vlan", "ambiguous-vlan", "untagged VLANs", vlans),
    ];
    for (column, label, what, values) in found {
        if !device.get(column).is_empty() {
            continue;
        }
        let mut values = values.into_iter();
        match (values.next(), values.len()) {
            (Some(value), 0) => device.put(column, value),
            (Some(first), more) => {
                let text = std::iter::once(first).chain(values).collect::<Vec<_>>().join(" ");
                let message = format!("the interfaces have {} {what}", more + 1);
                let help = format!(
                    "name the one in a custom field `{column}`, or mark the others mgmt-only"
                );
                conflicts.push(Conflict::new(label, device.row, column, &text).says(message, help));
            }
            (None, _) => {}
        }
    }
    conflicts
}
