//! The same question asked of Cedar directly: one request, the whole policy set.
//!
//! This is the meaning of a decision; the engine is its fast form. `cordon explain` asks here, since
//! one question does not pay for a table, and tests hold the two equal.

use cedar_policy::{
    AuthorizationError, Authorizer, Decision as CedarDecision, Entities, PolicySet, Request,
};
use cordon_model::{Act, Decision, Device, Hospital, Now, Posture, Reason, RuleId, Target};

use crate::cedar::{self, Facts};
use crate::engine::{self, Relation, forbidden};
use crate::rulebook::{GUARDRAIL, Rulebook};

/// Answers questions about one hospital by evaluating its whole policy set.
#[derive(Debug)]
pub struct Oracle<'a> {
    hospital: &'a Hospital,
    policies: PolicySet,
    authorizer: Authorizer,
}

impl<'a> Oracle<'a> {
    /// Takes a hospital and its rules.
    #[must_use]
    pub fn new(hospital: &'a Hospital, book: &Rulebook) -> Self {
        Self { hospital, policies: book.policy_set(), authorizer: Authorizer::new() }
    }

    /// Answers the question: may this happen?
    /// # Shape
    /// Total, as [`engine::Engine::decide`] is.
    pub fn decide(&self, act: &Act, posture: Posture, now: Now) -> Decision {
        let Some(device) = self.hospital.device(act.device.as_str()) else {
            return denied(Reason::UnknownDevice, Vec::new());
        };
        if let Target::Service(id) = &act.target
            && !self.hospital.services.contains_key(id)
        {
            let rules = engine::rules(&["guardrail.listed-services-only"]);
            return denied(Reason::UnlistedDestination, rules.to_vec());
        }
        let relation = self.relation(device, act);
        match self.question(device, act, relation, posture, now) {
            Some((request, entities)) => self.answer(&request, &entities, silence(act, relation)),
            None => denied(Reason::EvaluationFailed, Vec::new()),
        }
    }

    /// Says what the device's profile says about an act.
    #[must_use]
    pub fn relation(&self, device: &Device, act: &Act) -> Relation {
        match &act.target {
            Target::Service(id) => {
                engine::relation(self.hospital, device, id, act.direction, act.operation)
            }
            Target::Device(_) | Target::Address(_) => Relation::Unlisted,
        }
    }

    fn answer(&self, request: &Request, entities: &Entities, silence: Reason) -> Decision {
        let response = self.authorizer.is_authorized(request, &self.policies, entities);
        let mut rules: Vec<RuleId> = response
            .diagnostics()
            .reason()
            .filter_map(|id| RuleId::new(id.as_ref()).ok())
            .collect();
        rules.sort();
        let mut failed: Vec<RuleId> = response
            .diagnostics()
            .errors()
            .map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id())
            .filter_map(|id| RuleId::new(id.as_ref()).ok())
            .collect();
        if !failed.is_empty() {
            failed.sort();
            return denied(Reason::EvaluationFailed, failed);
        }
        if response.decision() == CedarDecision::Allow {
            return Decision::Permit { rules: rules.into() };
        }
        if rules.is_empty() {
            return denied(silence, rules);
        }
        let guarded = rules.iter().any(|rule| rule.as_str().starts_with(GUARDRAIL));
        denied(forbidden(silence, guarded), rules)
    }

    fn question(
        &self,
        device: &Device,
        act: &Act,
        relation: Relation,
        posture: Posture,
        now: Now,
    ) -> Option<(Request, Entities)> {
        let hospital = self.hospital;
        let principal = cedar::device_entities(hospital, device)?;
        let (resource, entities, port) = match &act.target {
            Target::Service(id) => {
                let service = hospital.services.get(id)?;
                let port =
                    engine::listening_port(hospital, device, service, act.direction, relation);
                (cedar::uid("Service", id.as_str())?, cedar::service_entities(id, service)?, port)
            }
            Target::Device(id) => {
                let other = hospital.device(id.as_str())?;
                (cedar::uid("Device", id.as_str())?, cedar::device_entities(hospital, other)?, 0)
            }
            Target::Address(endpoint) => {
                let text = endpoint.address.to_string();
                let (_, kind) = hospital.zone_of(endpoint.address);
                let entities = cedar::address_entities(&text, kind)?;
                (cedar::uid("Address", &text)?, entities, endpoint.port)
            }
        };
        let facts = Facts {
            operation: act.operation,
            direction: act.direction,
            port,
            declared: relation.declared(),
            lifeline: relation.lifeline(),
            posture,
            hour: now.wall.hour(),
        };
        let subject = cedar::uid("Device", device.id.as_str())?;
        let action = cedar::uid("Action", "connect")?;
        let request = Request::new(subject, action, resource, facts.context()?, None).ok()?;
        Some((request, cedar::entities(&[&principal, &entities])?))
    }
}

/// Gives the reason of a denial when no rule speaks. No profile can list a device, so a device is
/// never unlisted: guardrails alone keep devices apart.
fn silence(act: &Act, relation: Relation) -> Reason {
    match act.target {
        Target::Device(_) => Reason::NotPermitted,
        Target::Service(_) | Target::Address(_) => relation.silence(),
    }
}

fn denied(reason: Reason, rules: Vec<RuleId>) -> Decision {
    let rules = if rules.is_empty() { engine::rules(&["default-deny"]) } else { rules.into() };
    Decision::Deny { reason, rules }
}
