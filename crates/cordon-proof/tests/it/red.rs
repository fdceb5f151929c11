//! A bad rule is refuted, with a device of the plan where there is one.

use cordon_model::{Attestation, DeviceState, RuleId};
use cordon_policy::rulebook::Holds;
use cordon_proof::Outcome;
use cordon_proof::proof::{Answer, Scene};
use cordon_proof::prove::claims;

use crate::hospital::{example, prove, refuted, with};

#[test]
fn a_policy_that_cuts_a_red_lifeline_is_refuted() {
    let proofs = prove(&with(
        r#"@id("failed-attestation") @plain("What fails attestation is cut off.")
        forbid (principal is Device, action == Action::"connect", resource is Service)
        when { context.attestation == Attestation::"failed" };"#,
    ));
    let bad =
        ["standing.red-lifelines-hold", "standing.life-safety-lifelines-hold", claims::LIFELINES];
    assert_eq!(refuted(&proofs), bad);
    let example = example(&proofs, bad[0]);
    let Scene::InPlan(scene) = &example.scene else { unreachable!("{example}") };
    assert_eq!(scene.act.device.as_str(), "VENT-1");
    assert_eq!(scene.posture.state, DeviceState::Normal);
    assert_eq!(scene.posture.attestation, Attestation::Failed);
    assert!(scene.lifeline);
    assert_eq!(example.verdicts[0].answer, Answer::Deny);
    assert_eq!(example.verdicts[0].rules[0].id, "failed-attestation");
    assert_eq!(example.verdicts[0].rules[0].file, "policies/more.cedar");
    assert_eq!(example.verdicts[0].rules[0].line, 1);
}

#[test]
fn a_permit_that_lets_facility_devices_into_care_is_refuted() {
    let proofs = prove(&with(
        r#"@id("comfort") @plain("Climate control reads the bed plan.")
        permit (principal is Device, action == Action::"connect", resource is Service)
        when { principal.tier == Tier::"GREEN" && context.declared };"#,
    ));
    let example = example(&proofs, "green-stays-out-of-care");
    let Scene::InPlan(scene) = &example.scene else { unreachable!("{example}") };
    assert_eq!(scene.act.to_string(), "HVAC-1 → ehr-api http.get");
    assert_eq!(scene.devices, 1);
    assert_eq!(example.verdicts[0].answer, Answer::Permit);
}

#[test]
fn a_permit_for_a_kind_of_device_that_the_plan_lacks_is_refuted_in_the_schemas_words() {
    let proofs = prove(&with(
        r#"@id("orange-anything") permit (principal, action == Action::"connect", resource)
        when { principal.tier == Tier::"ORANGE" };"#,
    ));
    assert_eq!(refuted(&proofs), ["emergency-opens-red-only"]);
    let example = example(&proofs, "emergency-opens-red-only");
    let Scene::Conceivable(scene) = &example.scene else { unreachable!("{example}") };
    assert_eq!(scene.principal, "an ORANGE device");
    assert_eq!(scene.facts["context.declared"], "false");
}

#[test]
fn a_permit_that_opens_more_when_contained_is_refuted() {
    let proofs = prove(&with(
        r#"@id("repair") @plain("A contained device is repaired over the network.")
        permit (principal is Device, action == Action::"connect", resource is Service)
        when {
          principal.tier == Tier::"RED" && context.declared &&
          resource.kind == ZoneKind::"clinical" && context.operation == Operation::"http.get" &&
          context.state == State::"CONTAINED"
        };
        @id("no-reads") forbid (principal is Device, action == Action::"connect", resource is Service)
        when { context.operation == Operation::"http.get" }
        unless { context.state == State::"CONTAINED" };"#,
    ));
    assert_eq!(refuted(&proofs)[..1], ["standing.red-lifelines-hold"]);
    let example = example(&proofs, claims::CONTAINED);
    let Scene::InPlan(scene) = &example.scene else { unreachable!("{example}") };
    assert_eq!(scene.act.to_string(), "VENT-1 → ehr-api http.get");
    let answers: Vec<_> = example.verdicts.iter().map(|v| (v.of.as_str(), &v.answer)).collect();
    assert_eq!(answers, [("CONTAINED", &Answer::Permit), ("NORMAL", &Answer::Deny)]);
}

#[test]
fn a_rule_that_can_overflow_is_refuted() {
    let proofs = prove(&with(
        r#"@id("overflow") permit (principal is Device, action == Action::"connect", resource is Service)
        when { principal.tier == Tier::"YELLOW" || context.port * 9223372036854775807 > 0 };"#,
    ));
    let example = example(&proofs, claims::NEVER_ERRORS);
    let Scene::InPlan(_) = &example.scene else { unreachable!("{example}") };
    assert!(matches!(example.verdicts[0].answer, Answer::Fail { .. }));
    assert_eq!(example.verdicts[0].rules[0].id, "overflow");
}

#[test]
fn a_rule_that_could_only_overflow_at_hours_that_are_none_is_no_error() {
    let proofs = prove(&with(
        r#"@id("hours") permit (principal is Device, action == Action::"connect", resource is Service)
        when { principal.tier == Tier::"YELLOW" && context.declared &&
               resource.kind == ZoneKind::"operations" && context.hour * 4611686018427387 > 0 };"#,
    ));
    let proof = proofs.iter().find(|proof| proof.id == claims::NEVER_ERRORS).unwrap();
    assert!(proof.is_proved(), "{proof:#?}");
}

#[test]
fn a_rule_about_hours_is_refuted_at_such_an_hour() {
    let proofs = prove(&with(
        r#"@id("at-night") forbid (principal is Device, action == Action::"connect", resource is Service)
        when { context.hour < 6 || context.hour > 22 };"#,
    ));
    let example = example(&proofs, "standing.red-lifelines-hold");
    let Scene::InPlan(scene) = &example.scene else { unreachable!("{example}") };
    assert_eq!(scene.hour, Some(0));
    assert_eq!(scene.act.device.as_str(), "VENT-1");
}

#[test]
fn an_invariant_that_contradicts_another_says_so() {
    let (hospital, mut book) = with("");
    let stays = book.invariants.iter().find(|i| i.rule.id.as_str() == "green-stays-out-of-care");
    let mut open = stays.unwrap().clone();
    open.rule.id = RuleId::new("care-is-open").unwrap();
    open.holds = Holds::Always;
    book.invariants.push(open);
    let proofs = prove(&(hospital, book));
    assert_eq!(refuted(&proofs), ["care-is-open"]);
    let example = example(&proofs, "care-is-open");
    assert!(example.contradicts.iter().any(|id| id == "green-stays-out-of-care"));
}

#[test]
fn an_invariant_about_nothing_is_no_proof() {
    let (hospital, mut book) = with("");
    let mut nothing = book.invariants[0].clone();
    nothing.rule.id = RuleId::new("nothing").unwrap();
    nothing.rule.policy = cedar_policy::Policy::parse(
        Some(cedar_policy::PolicyId::new("nothing")),
        r#"permit (principal is Device, action == Action::"connect", resource is Service)
        when { context.state == State::"NORMAL" && context.state == State::"ISOLATED" };"#,
    )
    .unwrap();
    book.invariants.push(nothing);
    let proofs = prove(&(hospital, book));
    assert_eq!(refuted(&proofs), ["nothing"]);
    let proof = proofs.iter().find(|proof| proof.id == "nothing").unwrap();
    assert!(matches!(proof.outcome, Outcome::Undecided { .. }), "{proof:#?}");
}

#[test]
fn a_rule_that_reads_the_whole_context_leaves_containment_undecided() {
    let proofs = prove(&with(
        r#"@id("odd") forbid (principal is Device, action == Action::"connect", resource is Service)
        when { principal.tier == Tier::"YELLOW" && [context].containsAny([context]) };"#,
    ));
    let undecided = proofs.iter().filter(|p| matches!(p.outcome, Outcome::Undecided { .. }));
    let ids: Vec<&str> = undecided.map(|proof| proof.id.as_str()).collect();
    assert_eq!(ids, [claims::CONTAINED, claims::ISOLATED, claims::LIFELINES]);
}
