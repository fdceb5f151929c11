//! Why may this device do that: verdict, rules, profile line, and what would have to change.

use cordon_model::{
    Act, Attestation, Decision, Device, DeviceState, Hospital, Identity, Now, Place, Posture,
    Reason, ServiceId, Target, ZoneKind,
};
use serde::Serialize;

use crate::engine::Relation;
use crate::oracle::Oracle;
use crate::rulebook::Rulebook;

/// A rule as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct RuleText {
    /// Its name.
    pub id: String,
    /// The rule in plain words.
    pub plain: Option<String>,
    /// The standard behind it.
    pub source: Option<String>,
    /// The file it is in.
    pub file: String,
    /// The line it starts on.
    pub line: usize,
    /// Its Cedar text.
    pub text: String,
}

/// The line of a profile that declares an act.
#[derive(Debug, Clone, Serialize)]
pub struct ProfileLine {
    /// The file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// The standard or document behind it.
    pub source: Option<String>,
    /// Whether the flow is a lifeline.
    pub lifeline: bool,
}

/// The whole answer to one question.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The device.
    pub device: String,
    /// Its type.
    pub kind: String,
    /// Its tier.
    pub tier: String,
    /// The other side.
    pub target: String,
    /// The zone of the other side.
    pub zone: String,
    /// Who opens it.
    pub direction: String,
    /// The verb.
    pub operation: String,
    /// What was assumed of the device.
    pub posture: Posture,
    /// The verdict: `permit` or `deny`.
    pub verdict: &'static str,
    /// The reason of a denial.
    pub reason: Option<&'static str>,
    /// The rules that decided; none when nothing spoke and default deny holds.
    pub rules: Vec<RuleText>,
    /// What the profile says.
    pub profile: Option<ProfileLine>,
    /// What would have to change for the other verdict.
    pub change: Vec<String>,
}

/// Gives the posture of a device in normal service.
#[must_use]
pub fn in_service(device: &Device) -> Posture {
    use cordon_model::Attachment;
    let (identity, attestation) = match device.attachment {
        Attachment::Tpm => (Identity::Certificate, Attestation::Passed),
        Attachment::SoftwareKey => (Identity::Certificate, Attestation::Unable),
        Attachment::Legacy => (Identity::GatewayBound, Attestation::Unable),
    };
    Posture { state: DeviceState::Normal, identity, attestation, emergency: false }
}

/// Explains one act.
/// # Shape
/// `None` when the device is not one of the hospital.
#[must_use]
pub fn explain(
    hospital: &Hospital,
    book: &Rulebook,
    oracle: &Oracle<'_>,
    act: &Act,
    posture: Posture,
    now: Now,
) -> Option<Explanation> {
    let device = hospital.device(act.device.as_str())?;
    let decision = oracle.decide(act, posture, now);
    let relation = oracle.relation(device, act);
    let reason = match &decision {
        Decision::Permit { .. } => None,
        Decision::Deny { reason, .. } => Some(*reason),
    };
    let rules = decision.rules().iter().filter_map(|id| book.rule(id.as_str())).map(rule_text);
    Some(Explanation {
        device: device.id.to_string(),
        kind: device.profile.to_string(),
        tier: device.tier.name().to_owned(),
        target: act.target.to_string(),
        zone: zone_words(hospital, &act.target),
        direction: act.direction.name().to_owned(),
        operation: act.operation.name().to_owned(),
        posture,
        verdict: if decision.is_permit() { "permit" } else { "deny" },
        reason: reason.map(Reason::label),
        rules: rules.collect(),
        profile: profile_line(hospital, device, relation),
        change: change(hospital, oracle, device, act, posture, now, reason),
    })
}

fn rule_text(rule: &crate::rulebook::Rule) -> RuleText {
    let text = rule.policy.to_cedar().unwrap_or_else(|| rule.policy.to_string());
    RuleText {
        id: rule.id.to_string(),
        plain: rule.plain.clone(),
        source: rule.source.clone(),
        file: rule.place.file.clone(),
        line: rule.place.line,
        text,
    }
}

fn zone_words(hospital: &Hospital, target: &Target) -> String {
    match target {
        Target::Service(id) => match hospital.services.get(id) {
            Some(service) => format!("{} ({})", service.zone, service.kind.name()),
            None => "unknown".to_owned(),
        },
        Target::Device(id) => match hospital.device(id.as_str()) {
            Some(device) => format!("segment {} (devices)", device.segment),
            None => "unknown".to_owned(),
        },
        Target::Address(endpoint) => match hospital.zone_of(endpoint.address) {
            (Some(id), kind) => format!("{id} ({})", kind.name()),
            (None, kind) => kind.name().to_owned(),
        },
    }
}

fn profile_line(hospital: &Hospital, device: &Device, relation: Relation) -> Option<ProfileLine> {
    let Relation::Declared { flow, lifeline } = relation else { return None };
    let flow = hospital.profiles.get(&device.profile)?.flows.get(flow)?;
    let Place { file, line, text, .. } = flow.place.clone();
    let text = text.trim().to_owned();
    Some(ProfileLine { file, line, text, source: flow.source.clone(), lifeline })
}

/// Says what would turn the verdict.
fn change(
    hospital: &Hospital,
    oracle: &Oracle<'_>,
    device: &Device,
    act: &Act,
    posture: Posture,
    now: Now,
    reason: Option<Reason>,
) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(reason) = reason else {
        let isolated = Posture { state: DeviceState::Isolated, ..posture };
        if !oracle.decide(act, isolated, now).is_permit() {
            lines.push("isolating the device would deny it".to_owned());
        }
        let contained = Posture { state: DeviceState::Contained, ..posture };
        let survives = oracle.decide(act, contained, now).is_permit();
        lines.push(if survives {
            "containing the device would leave it: the flow is a lifeline".to_owned()
        } else {
            "containing the device would deny it".to_owned()
        });
        return lines;
    };
    lines.extend(advice(hospital, device, act, reason));
    for (words, other) in neighbours(posture) {
        if oracle.decide(act, other, now).is_permit() {
            lines.push(format!("it is permitted {words}"));
        }
    }
    lines
}

fn advice(hospital: &Hospital, device: &Device, act: &Act, reason: Reason) -> Option<String> {
    let profile = format!("profiles/{}.toml", device.profile);
    Some(match (reason, &act.target) {
        (_, Target::Device(_)) => "nothing can permit it: no device talks to another device; if the other one is a server, make it a service of the plan".to_owned(),
        (_, Target::Address(endpoint)) => unlisted(hospital.zone_of(endpoint.address).1),
        (_, Target::Service(id)) if speaks_otherwise(hospital, id, act) => {
            format!("nothing can permit it: `{id}` does not speak {}", act.operation.protocol())
        }
        (Reason::UnlistedDestination, Target::Service(id)) => {
            format!("declare a flow to `{id}` in {profile} and permit it in policies/, if the type needs it")
        }
        (Reason::UnlistedOperation, Target::Service(id)) => {
            format!("declare `{}` in the flow to `{id}` in {profile}, if the type needs it", act.operation)
        }
        (Reason::Guardrail, _) => "no policy of the hospital can undo a guardrail; the plan or the state has to change".to_owned(),
        (Reason::Forbidden, _) => "change the policy that forbids it".to_owned(),
        (Reason::NotPermitted, _) => "a policy would have to permit it for this tier, zone and state".to_owned(),
        (Reason::UnknownDevice, _) => "register the device in devices.csv".to_owned(),
        (Reason::EvaluationFailed, _) => "mend the policy that cannot be evaluated; `cordon prove` names it".to_owned(),
    })
}

fn speaks_otherwise(hospital: &Hospital, id: &ServiceId, act: &Act) -> bool {
    hospital.services.get(id).is_some_and(|s| s.protocol != act.operation.protocol())
}

/// Says what can be done about an address that is no service.
fn unlisted(kind: ZoneKind) -> String {
    if kind.is_for_devices() {
        return "make the address a service in hospital.toml, declare it in the profile, permit it in policies/".to_owned();
    }
    let zone = match kind == ZoneKind::Internet {
        true => "the internet".to_owned(),
        false => format!("a zone of kind {}", kind.name()),
    };
    format!("nothing can permit it: no device reaches {zone}")
}

/// Postures that differ in one thing.
fn neighbours(posture: Posture) -> Vec<(String, Posture)> {
    let mut near = Vec::new();
    for &state in DeviceState::ALL.iter().filter(|state| **state != posture.state) {
        near.push((format!("in state {state}"), Posture { state, ..posture }));
    }
    for &identity in Identity::ALL.iter().filter(|identity| **identity != posture.identity) {
        near.push((format!("with identity {identity}"), Posture { identity, ..posture }));
    }
    for &attestation in Attestation::ALL.iter().filter(|a| **a != posture.attestation) {
        near.push((format!("with attestation {attestation}"), Posture { attestation, ..posture }));
    }
    if !posture.emergency {
        near.push(("in emergency mode".to_owned(), Posture { emergency: true, ..posture }));
    }
    near
}
