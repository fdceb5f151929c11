//! What proofs assume of requests holds of requests as cordon makes them.

use cordon_model::{Act, Decision, Mono, Place};
use cordon_model::{Direction, Now, Posture, RuleId, Target, Wall};
use cordon_policy::Rulebook;
use cordon_policy::oracle::Oracle;
use cordon_policy::rulebook::Rule;

use crate::hospital::with;

const ASSUMED: &str = include_str!("../../policies/requests.cedar");

#[test]
fn every_request_is_as_proofs_assume() {
    let (hospital, book) = with("");
    let anything = "permit (principal, action, resource);";
    let set: cedar_policy::PolicySet = format!("{ASSUMED}\n{anything}").parse().unwrap();
    let rules = set.policies().map(|policy| {
        let id = policy.annotation("id").unwrap_or("anything");
        Rule {
            id: RuleId::new(id).unwrap(),
            plain: None,
            source: None,
            api_rate_per_minute: None,
            inspect: false,
            place: Place::file("requests.cedar"),
            policy: policy.new_id(cedar_policy::PolicyId::new(id)),
        }
    });
    let assumed =
        Rulebook { schema: book.schema.clone(), rules: rules.collect(), invariants: Vec::new() };
    assert_eq!(assumed.rules.len(), 3);
    let oracle = Oracle::new(&hospital, &assumed);
    let posture = Posture::all().next().unwrap();
    let mut asked = 0;
    for device in &hospital.devices {
        for (id, service) in &hospital.services {
            for operation in service.protocol.operations() {
                for direction in Direction::ALL {
                    for hour in 0..24 {
                        let act = Act {
                            device: device.id.clone(),
                            target: Target::Service(id.clone()),
                            direction,
                            operation,
                        };
                        let now = Now { mono: Mono(0), wall: Wall(hour * 3_600) };
                        let decision = oracle.decide(&act, posture, now);
                        assert!(matches!(decision, Decision::Permit { .. }), "{act}: {decision:?}");
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 1_000);
}
