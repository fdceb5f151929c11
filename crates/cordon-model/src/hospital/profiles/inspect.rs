//! `[flows.inspect]`: what the messages of a flow are held to.

use toml::Spanned;

use super::super::blame::Blame;
use super::super::limits;
use crate::fleet::{DicomRules, Hl7Rules, Inspection, ModbusRules, ModbusTable, Service};
use crate::{Protocol, ServiceId};

/// Reads the rules of a flow and blames what cannot hold.
pub(super) fn rules(
    raw: Option<&Spanned<Inspection>>,
    services: &[(&ServiceId, &Service)],
    blame: &mut Blame<'_, '_>,
) -> Inspection {
    let Some(spanned) = raw else { return Inspection::default() };
    let rules = spanned.get_ref();
    let tables = [
        (Protocol::Hl7, rules.hl7.is_some()),
        (Protocol::Dicom, rules.dicom.is_some()),
        (Protocol::Modbus, rules.modbus.is_some()),
        (Protocol::Bacnet, rules.bacnet.is_some()),
    ];
    for (protocol, _) in tables.into_iter().filter(|(_, is_there)| *is_there) {
        if let Some((id, service)) = services.iter().find(|(_, s)| s.protocol != protocol) {
            let message = format!("`{id}` speaks {}, not {protocol}", service.protocol);
            let help = "name the rules after the service's protocol";
            blame.error("wrong-protocol", spanned, message, help);
        }
    }
    if longest(rules) > limits::INSPECTION_RULES_MAX {
        let message = format!("more than {} rules in one list", limits::INSPECTION_RULES_MAX);
        blame.error("over-limit", spanned, message, "join neighbouring ranges");
    }
    let faults = [
        rules.hl7.as_ref().and_then(hl7),
        rules.dicom.as_ref().and_then(dicom),
        rules.modbus.as_ref().and_then(modbus),
    ];
    for (message, help) in faults.into_iter().flatten() {
        blame.error("malformed-value", spanned, message, help);
    }
    rules.clone()
}

/// What is wrong, and how to mend it.
type Wrong = (String, &'static str);

fn longest(rules: &Inspection) -> usize {
    let hl7 = rules.hl7.as_ref().map_or(0, |rules| rules.versions.len());
    let dicom = rules
        .dicom
        .as_ref()
        .map_or(0, |rules| rules.storage_classes.len().max(rules.transfer_syntaxes.len()));
    let modbus = rules
        .modbus
        .as_ref()
        .map_or(0, |rules| rules.units.len().max(rules.reads.len()).max(rules.writes.len()));
    hl7.max(dicom).max(modbus)
}

fn hl7(rules: &Hl7Rules) -> Option<Wrong> {
    let is_version = |text: &String| {
        !text.is_empty() && text.len() <= 8 && text.chars().all(|c| matches!(c, '0'..='9' | '.'))
    };
    let wrong = rules.versions.iter().find(|version| !is_version(version))?;
    Some((format!("`{wrong}` is not a version of HL7 v2"), "write it like `2.6`"))
}

fn dicom(rules: &DicomRules) -> Option<Wrong> {
    let uids = rules.storage_classes.iter().chain(&rules.transfer_syntaxes);
    let wrong = uids.into_iter().find(|uid| !is_uid(uid))?;
    Some((
        format!("`{wrong}` is not a UID"),
        "write digits and points, like `1.2.840.10008.5.1.4.1.1.2` (DICOM PS3.5 §9.1)",
    ))
}

/// Says whether a text is a DICOM unique identifier.
/// # Source
/// DICOM PS3.5 §9.1.
fn is_uid(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    text.len() <= 64 && text.split('.').all(is_part)
}

fn modbus(rules: &ModbusRules) -> Option<Wrong> {
    let reads = rules.reads.iter().map(|range| (range.from, range.to));
    let writes = rules.writes.iter().map(|range| (range.from, range.to));
    if let Some((from, to)) = reads.chain(writes).find(|(from, to)| from > to) {
        return Some((format!("the range {from} to {to} is empty"), "write the smaller first"));
    }
    if let Some(range) = rules.writes.iter().find(|range| range.min > range.max) {
        let message = format!("no value is between {} and {}", range.min, range.max);
        return Some((message, "write the smaller first"));
    }
    let read_only =
        |table| matches!(table, ModbusTable::DiscreteInputs | ModbusTable::InputRegisters);
    rules.writes.iter().find(|range| read_only(range.table)).map(|_| {
        let message = "inputs cannot be written".to_owned();
        (message, "use `coils` or `holding-registers` (Modbus APv1.1b3 §4.3)")
    })
}

#[cfg(test)]
mod tests;
