//! Identities: 3002 Authentication, 3003 Authorize Session, 3004 Entity Management.
//!
//! Source: OCSF 1.8 authentication, authorize_session, entity_management.

use cordon_model::event::{
    Authenticated, Certificate, CertificateAction, Emergency, Inventory, InventoryAction, Outcome,
};
use serde_json::{Value, json};

use super::{Class, Draft, HOST, long, object};
use crate::export::format::PRODUCT;
use crate::export::format::outline::party_name;

const CATEGORY: &str = "Identity & Access Management";
const AUTHENTICATION: Class = Class::new(3, CATEGORY, 2, "Authentication");
const AUTHORIZE_SESSION: Class = Class::new(3, CATEGORY, 3, "Authorize Session");
const ENTITY_MANAGEMENT: Class = Class::new(3, CATEGORY, 4, "Entity Management");

/// Somebody proved who it is, or failed to.
/// # Source
/// OCSF 1.8 authentication `auth_protocol_id`; a service or a destination is wanted.
pub(super) fn authentication(draft: &mut Draft<'_>, it: &Authenticated) {
    draft.is(AUTHENTICATION, 1, "Logon");
    draft.status(it.outcome == Outcome::Success);
    draft.text("status_detail", it.reason.as_ref());
    let user = match (&it.actor, party_name(&it.party)) {
        (Some(actor), _) => object::user(actor),
        (None, Some(name)) => object::system(&name),
        (None, None) => object::nobody(),
    };
    draft.add("user", user);
    let (protocol, name) = match it.method.as_str() {
        "eap-tls" => (9, "EAP"),
        other => (99, other),
    };
    draft.add("auth_protocol_id", protocol);
    draft.add("auth_protocol", name);
    draft.add("service", json!({ "name": PRODUCT }));
    let asked = it.to.as_ref().map_or_else(|| draft.item.seen_by(), |point| point.as_str());
    let asked = json!({ "name": asked, "type": "Firewall", "type_id": 9, "uid": asked });
    draft.add("dst_endpoint", asked);
    if let Some(src) = object::endpoint(&it.party, None) {
        draft.add("src_endpoint", src);
    }
    if let Some(device) = &it.party.device {
        draft.profile(HOST);
        draft.add("device", object::device(device));
    }
}

/// A rule was relaxed: whoever turned the key has the right to more.
pub(super) fn relax(draft: &mut Draft<'_>, it: &Emergency) {
    draft.is(AUTHORIZE_SESSION, 1, "Assign Privileges");
    draft.status(true);
    draft.add("privileges", json!([format!("emergency:{}", it.zone)]));
    draft.add("user", it.badges.last().map_or_else(object::nobody, object::person));
    draft.add(
        "session",
        json!({ "uid": format!("{}/{}", it.station, it.activation), "terminal": it.station }),
    );
    if let Some(device) = &it.device {
        draft.profile(HOST);
        draft.add("device", object::device(device));
    }
}

fn actor(draft: &mut Draft<'_>, by: Option<&cordon_model::event::Actor>) {
    if let Some(by) = by {
        draft.add("actor", json!({ "user": object::user(by) }));
    }
}

/// A device was enrolled or retired.
pub(super) fn inventory(draft: &mut Draft<'_>, it: &Inventory) {
    let (activity, name) = match it.action {
        InventoryAction::Enroll => (6, "Enroll"),
        InventoryAction::Retire => (7, "Unenroll"),
        InventoryAction::Change | InventoryAction::Move | InventoryAction::See => (3, "Update"),
    };
    draft.is(ENTITY_MANAGEMENT, activity, name);
    draft.status(true);
    actor(draft, it.by.as_ref());
    draft.add(
        "entity",
        json!({
            "device": super::device::described(it),
            "name": it.device.as_str(),
            "type": "Device",
            "type_id": 1,
            "uid": it.device.as_str(),
        }),
    );
}

/// A certificate was issued, renewed or revoked, or ran out.
/// # Source
/// OCSF 1.8 managed_entity `type_id` 99; OCSF 1.8 certificate.
pub(super) fn certificate(draft: &mut Draft<'_>, it: &Certificate) {
    let (activity, name) = match it.action {
        CertificateAction::Issue => (1, "Create"),
        CertificateAction::Renew => (3, "Update"),
        CertificateAction::Expire | CertificateAction::Revoke => (11, "Deactivate"),
        CertificateAction::Warn => (99, "Warn"),
    };
    draft.is(ENTITY_MANAGEMENT, activity, name);
    draft.status(true);
    let mut entity = json!({
        "data": {
            "created_time": long(it.not_before.0),
            "expiration_time": long(it.not_after.0),
            "fingerprints": [
                { "algorithm": "SHA-256", "algorithm_id": 3, "value": it.fingerprint.digits() },
            ],
            "issuer": it.issuer,
            "serial_number": it.serial,
        },
        "name": it.serial,
        "type": "Certificate",
        "type_id": 99,
        "uid": it.fingerprint.to_string(),
    });
    if let (Some(device), Some(members)) = (&it.device, entity.as_object_mut()) {
        let device: Value = object::device(device);
        members.insert("device".into(), device);
    }
    draft.add("entity", entity);
}
