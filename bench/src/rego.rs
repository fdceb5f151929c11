//! The hospital's policies in Rego, evaluated by `regorus`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::anyhow;
use cordon_model::{Hospital, Target};
use cordon_policy::engine::relation;
use regorus::{CompiledPolicy, Engine, Value};
use serde_json::json;

use crate::example::Pair;
use crate::question::Question;

const POLICY: &str = include_str!("../policies/hospital.rego");

/// How the pairs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As data: a set that one rule looks into.
    Set,
    /// As one rule for each, the way the Cedar policies are.
    Rules,
}

/// The hospital's policies, ready to be asked.
pub struct Rego {
    policy: CompiledPolicy,
}

impl std::fmt::Debug for Rego {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rego").finish_non_exhaustive()
    }
}

impl Rego {
    /// Compiles the policies.
    /// # Errors
    /// When `regorus` refuses the text or the data.
    pub fn new(hospital: &Hospital, pairs: &[Pair], form: Form) -> anyhow::Result<Self> {
        let mut text = POLICY.to_owned();
        if form == Form::Rules {
            for (device, service) in pairs {
                write!(
                    text,
                    "\npermit if {{\n\tinput.device == \"{device}\"\n\tinput.service == \"{service}\"\n\
                     \tinput.declared\n\tinput.state in {{\"NORMAL\", \"REMEDIATION\"}}\n}}\n"
                )?;
            }
        }
        let set = if form == Form::Set { pairs } else { &[] };
        let mut engine = Engine::new();
        engine.add_policy("hospital.rego".to_owned(), text)?;
        engine.add_data(Value::from_json_str(&facts(hospital, set))?)?;
        let entry = "data.cordon.allow".into();
        Ok(Self { policy: engine.compile_with_entrypoint(&entry)? })
    }

    /// Answers a question.
    /// # Errors
    /// When the evaluation fails or gives no truth value.
    pub fn permits(&self, input: &Value) -> anyhow::Result<bool> {
        let answer = self.policy.eval_with_input(input.clone())?;
        if let Value::Bool(permitted) = answer {
            Ok(permitted)
        } else {
            Err(anyhow!("`allow` is {answer}"))
        }
    }
}

/// Writes what the policies know of devices and services.
fn facts(hospital: &Hospital, pairs: &[Pair]) -> String {
    let mut devices = BTreeMap::new();
    for device in &hospital.devices {
        let segment = hospital.segments.get(&device.segment).map(
            |segment| json!({ "tier": segment.tier.name(), "building": segment.building.as_str() }),
        );
        let facts = json!({
            "tier": device.tier.name(), "building": device.building.as_str(), "segment": segment,
        });
        devices.insert(device.id.as_str(), facts);
    }
    let mut services = BTreeMap::new();
    for (id, service) in &hospital.services {
        let buildings: Vec<&str> = service.buildings.iter().map(|id| id.as_str()).collect();
        let facts = json!({
            "kind": service.kind.name(), "protocol": service.protocol.name(),
            "everywhere": service.buildings.is_empty(), "buildings": buildings,
        });
        services.insert(id.as_str(), facts);
    }
    let mut joined: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    for (device, service) in pairs {
        joined.entry(device.as_str()).or_default().insert(service.as_str(), true);
    }
    json!({ "devices": devices, "services": services, "pairs": joined }).to_string()
}

/// Makes the input document of a question.
/// # Errors
/// When the question is not about a device and a service of the hospital.
pub fn input(hospital: &Hospital, question: &Question) -> anyhow::Result<Value> {
    let Question { act, posture } = question;
    let device = hospital.device(act.device.as_str());
    let (Some(device), Target::Service(service)) = (device, &act.target) else {
        return Err(anyhow!("{act} is not about a device and a service"));
    };
    let relation = relation(hospital, device, service, act.direction, act.operation);
    let declared = matches!(relation, cordon_policy::engine::Relation::Declared { .. });
    let lifeline =
        matches!(relation, cordon_policy::engine::Relation::Declared { lifeline: true, .. });
    let facts = json!({
        "device": act.device.as_str(), "service": service.as_str(),
        "operation": act.operation.name(), "protocol": act.operation.protocol().name(),
        "direction": act.direction.name(), "declared": declared, "lifeline": lifeline,
        "emergency": posture.emergency, "state": posture.state.name(),
        "identity": posture.identity.name(), "attestation": posture.attestation.name(),
    });
    Value::from_json_str(&facts.to_string())
}
