//! Devices: 5001 Device Inventory Info, 5019 Device Config State Change, 7001 Remediation Activity.
//!
//! Class 5002 Device Config State is deprecated since 1.5; 5019 takes a first state too.
//!
//! Source: OCSF 1.8 inventory_info, device_config_state_change, remediation_activity.

use cordon_model::event::{Attested, Inventory, InventoryAction, StateChange};
use cordon_model::{Attestation, DeviceState};
use serde_json::{Value, json};

use super::{Class, Draft, HOST, SECURITY_CONTROL, object};

const INVENTORY: Class = Class::new(5, "Discovery", 1, "Device Inventory Info");
const CONFIG_CHANGE: Class = Class::new(5, "Discovery", 19, "Device Config State Change");
const REMEDIATION: Class = Class::new(7, "Remediation", 1, "Remediation Activity");

/// Gives the device with all that the inventory says of it.
pub(super) fn described(it: &Inventory) -> Value {
    let mut out = object::device(&it.device);
    let Some(members) = out.as_object_mut() else { return out };
    if let Some(address) = it.address {
        members.insert("ip".into(), json!(address.to_string()));
    }
    if let Some(mac) = it.mac {
        members.insert("mac".into(), json!(mac.to_string()));
    }
    if let Some(profile) = &it.profile {
        members.insert("desc".into(), json!(profile.as_str()));
    }
    if let Some(segment) = &it.segment {
        members.insert("subnet_uid".into(), json!(segment.as_str()));
    }
    members.insert("is_managed".into(), json!(it.action != InventoryAction::Retire));
    out
}

/// A device was seen, changed or moved.
pub(super) fn inventory(draft: &mut Draft<'_>, it: &Inventory) {
    let (activity, name) = match it.action {
        InventoryAction::See => (2, "Collect"),
        InventoryAction::Change
        | InventoryAction::Enroll
        | InventoryAction::Move
        | InventoryAction::Retire => (1, "Log"),
    };
    draft.is(INVENTORY, activity, name);
    draft.add("device", described(it));
    if let Some(by) = &it.by {
        draft.add("actor", json!({ "user": object::user(by) }));
    }
}

/// A level of security.
/// # Source
/// OCSF 1.8 device_config_state_change `security_level_id`.
type Level = (u64, &'static str);

const UNKNOWN: Level = (0, "Unknown");
const SECURE: Level = (1, "Secure");
const AT_RISK: Level = (2, "At Risk");
const COMPROMISED: Level = (3, "Compromised");

fn levels(draft: &mut Draft<'_>, now: Level, before: Option<Level>) {
    draft.is(CONFIG_CHANGE, 1, "Log");
    draft.add("security_level_id", now.0);
    draft.add("security_level", now.1);
    if let Some(before) = before {
        draft.add("prev_security_level_id", before.0);
        draft.add("prev_security_level", before.1);
    }
}

/// States of ours, where the schema lists none that fits.
/// # Source
/// OCSF 1.8 security_state `state_id` 99.
fn states(name: &str) -> Value {
    json!([{ "state": name, "state_id": 99 }])
}

/// Firmware was attested.
pub(super) fn attestation(draft: &mut Draft<'_>, it: &Attested) {
    let level = |attestation| match attestation {
        Attestation::Passed => SECURE,
        Attestation::Stale => AT_RISK,
        Attestation::Failed => COMPROMISED,
        Attestation::Unable => UNKNOWN,
    };
    levels(draft, level(it.now), it.previous.map(level));
    draft.add("device", object::device(&it.device));
    draft.add("security_states", states(&format!("attestation {}", it.now)));
    if let Some(previous) = it.previous {
        draft.add("prev_security_states", states(&format!("attestation {previous}")));
    }
    draft.status(true);
}

/// A device changed its state and was not cut off, neither before nor now.
pub(super) fn state(draft: &mut Draft<'_>, it: &StateChange) {
    let level = |state| match state {
        DeviceState::Normal | DeviceState::Probation => SECURE,
        DeviceState::Suspect | DeviceState::Remediation => AT_RISK,
        DeviceState::Contained | DeviceState::Isolated => COMPROMISED,
        DeviceState::Discovered | DeviceState::Enrolled | DeviceState::Retired => UNKNOWN,
    };
    levels(draft, level(it.to), Some(level(it.from)));
    draft.add("device", object::device(&it.device));
    draft.add("security_states", states(it.to.name()));
    draft.add("prev_security_states", states(it.from.name()));
    draft.status(true);
    draft.text("status_detail", Some(&it.reason));
    if let Some(by) = it.by.first() {
        draft.add("actor", json!({ "user": object::user(by) }));
    }
}

/// A device was cut off, or is no longer.
/// # Source
/// OCSF 1.8 remediation_activity: 1 Isolate, 3 Restore; OCSF 1.8 security_control.
pub(super) fn remediation(draft: &mut Draft<'_>, it: &StateChange) {
    let (activity, name, action, disposition) = match it.to {
        DeviceState::Contained => (1, "Isolate", (2, "Denied"), (3, "Quarantined")),
        DeviceState::Isolated => (1, "Isolate", (2, "Denied"), (4, "Isolated")),
        DeviceState::Remediation => (99, "Repair", (4, "Modified"), (12, "Partially Corrected")),
        DeviceState::Retired => (99, "Retire", (2, "Denied"), (24, "Access Revoked")),
        DeviceState::Discovered
        | DeviceState::Enrolled
        | DeviceState::Normal
        | DeviceState::Suspect
        | DeviceState::Probation => (3, "Restore", (4, "Modified"), (9, "Restored")),
    };
    draft.is(REMEDIATION, activity, name);
    draft.status(true);
    draft.text("status_detail", Some(&it.reason));
    draft.add("command_uid", draft.item.id.to_string());
    draft.add("remediation", json!({ "desc": it.reason }));
    draft.profile(SECURITY_CONTROL);
    draft.add("action_id", action.0);
    draft.add("action", action.1);
    draft.add("disposition_id", disposition.0);
    draft.add("disposition", disposition.1);
    draft.profile(HOST);
    draft.add("device", object::device(&it.device));
    if let Some(by) = it.by.first() {
        draft.add("actor", json!({ "user": object::user(by) }));
    }
}
