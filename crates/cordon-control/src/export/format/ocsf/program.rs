//! Cordon itself: 1008 Event Log Activity, 6003 API Activity, 6008 Application Error.
//!
//! Source: OCSF 1.8 event_log_activity, api_activity, application_error.

use cordon_model::event::{Actor, Alarm, AlarmState, JournalNote, PolicyAction, PolicyChange};
use serde_json::json;

use super::{Class, Draft, SECURITY_CONTROL, object};
use crate::export::format::PRODUCT;

const EVENT_LOG: Class = Class::new(1, "System Activity", 8, "Event Log Activity");
const API: Class = Class::new(6, "Application Activity", 3, "API Activity");
const APPLICATION_ERROR: Class = Class::new(6, "Application Activity", 8, "Application Error");

/// An alarm of cordon about itself.
pub(super) fn alarm(draft: &mut Draft<'_>, it: &Alarm) {
    match it.state {
        AlarmState::Raise => draft.is(APPLICATION_ERROR, 1, "General Error"),
        AlarmState::Clear => draft.is(APPLICATION_ERROR, 99, "Clear"),
    }
    draft.profile(SECURITY_CONTROL);
    draft.add("is_alert", it.state == AlarmState::Raise);
    draft.add("status_code", it.alarm.as_str());
    draft.text("status_detail", it.value);
}

/// Policy was published, activated or refused.
/// # Source
/// OCSF 1.8 api_activity: actor, api and src_endpoint are wanted.
pub(super) fn policy(draft: &mut Draft<'_>, it: &PolicyChange) {
    let (activity, name) = match it.action {
        PolicyAction::Publish => (1, "Create"),
        PolicyAction::Activate | PolicyAction::Refuse => (3, "Update"),
    };
    draft.is(API, activity, name);
    draft.status(it.action != PolicyAction::Refuse);
    draft.text("status_detail", it.reason.as_ref());
    let by = it.by.first().map_or_else(|| object::system(draft.item.seen_by()), object::user);
    draft.add("actor", json!({ "user": by }));
    let operation = format!("policy.{}", it.action.name());
    draft.add("api", json!({ "operation": operation, "service": { "name": PRODUCT } }));
    let seen_by = draft.item.seen_by().to_owned();
    draft.add("src_endpoint", json!({ "name": seen_by, "uid": seen_by }));
    draft.profile(SECURITY_CONTROL);
    draft.add(
        "policy",
        json!({
            "is_applied": it.action == PolicyAction::Activate,
            "name": format!("generation {}", it.generation),
            "uid": it.policy.to_string(),
            "version": it.generation.to_string(),
        }),
    );
}

/// The journal speaks of itself.
/// # Source
/// OCSF 1.8 event_log_activity `activity_id`; the name, provider or type of the log is wanted.
pub(super) fn journal(draft: &mut Draft<'_>, note: &JournalNote) {
    let stream = draft.item.id.stream.name();
    let (activity, name, log) = match note {
        JournalNote::ClockStep { .. } => (99, "Clock Step", stream),
        JournalNote::Expire { stream, .. } => (2, "Delete", stream.name()),
        JournalNote::Export { .. } => (3, "Export", stream),
        JournalNote::Hold { .. } => (99, "Hold", stream),
        JournalNote::Lose { .. } => (99, "Lose", stream),
        JournalNote::Recover { .. } => (99, "Recover", stream),
        JournalNote::Release { .. } => (99, "Release", stream),
        JournalNote::Restart { .. } => (8, "Restart", stream),
        JournalNote::Start { .. } => (6, "Start", stream),
    };
    draft.is(EVENT_LOG, activity, name);
    draft.add("log_name", log);
    draft.add("log_provider", PRODUCT);
    draft.add("log_type_id", 2);
    draft.add("log_type", "Application");
    let is_failure = matches!(note, JournalNote::Lose { .. } | JournalNote::Restart { .. });
    draft.status(!is_failure);
    let reason = draft.outline.reason.clone();
    draft.text("status_detail", reason);
    if let Some(by) = actor(note) {
        draft.add("actor", json!({ "user": object::user(by) }));
    }
    let seen_by = object::point(draft.item.seen_by());
    draft.add("device", seen_by);
}

fn actor(note: &JournalNote) -> Option<&Actor> {
    match note {
        JournalNote::Export { by, .. } => by.as_ref(),
        JournalNote::Hold { by, .. } | JournalNote::Release { by, .. } => Some(by),
        JournalNote::ClockStep { .. }
        | JournalNote::Expire { .. }
        | JournalNote::Lose { .. }
        | JournalNote::Recover { .. }
        | JournalNote::Restart { .. }
        | JournalNote::Start { .. } => None,
    }
}
