//! What a change of rules permits that was not permitted before.

use cordon_model::Hospital;
use cordon_policy::Rulebook;
use cordon_proof::Proof;
use cordon_proof::proof::{Answer, Scene};
use cordon_proof::prove::{ProveError, claims};

use crate::hospital::{example, prover, refuted, with};

const COMFORT: &str = r#"@id("comfort")
permit (principal is Device, action == Action::"connect", resource is Service)
when { principal.tier == Tier::"GREEN" && context.declared && resource.kind == ZoneKind::"clinical" };"#;

fn widening(new: &(Hospital, Rulebook), old: &Rulebook, except: Option<&str>) -> Vec<Proof> {
    prover().widening(&new.1, old, except, &new.0, &mut |_| ()).unwrap()
}

#[test]
fn the_same_rules_widen_nothing_and_take_nothing_away() {
    let (new, (_, old)) = (with(""), with(""));
    assert!(refuted(&widening(&new, &old, None)).is_empty());
}

#[test]
fn a_new_permit_widens_and_names_a_device() {
    let (new, (_, old)) = (with(COMFORT), with(""));
    let proofs = widening(&new, &old, None);
    assert_eq!(refuted(&proofs), [claims::WIDENING]);
    let example = example(&proofs, claims::WIDENING);
    let Scene::InPlan(scene) = &example.scene else { unreachable!("{example}") };
    assert_eq!(scene.act.to_string(), "HVAC-1 → ehr-api http.get");
    let answers: Vec<_> = example.verdicts.iter().map(|v| (v.of.as_str(), &v.answer)).collect();
    assert_eq!(answers, [("the new rules", &Answer::Permit), ("the old rules", &Answer::Deny)]);
}

#[test]
fn a_removed_permit_takes_away() {
    let (old, new) = (with(COMFORT), with(""));
    let proofs = widening(&new, &old.1, None);
    assert_eq!(refuted(&proofs), [claims::NARROWING]);
    let example = example(&proofs, claims::NARROWING);
    let answers: Vec<_> = example.verdicts.iter().map(|v| (v.of.as_str(), &v.answer)).collect();
    assert_eq!(answers, [("the old rules", &Answer::Permit), ("the new rules", &Answer::Deny)]);
}

#[test]
fn an_exception_covers_what_it_permits_and_nothing_else() {
    let (new, (_, old)) = (with(COMFORT), with(""));
    let exact = r#"permit (principal, action == Action::"connect", resource is Service)
        when { principal.tier == Tier::"GREEN" && resource.kind == ZoneKind::"clinical" };"#;
    assert!(widening(&new, &old, Some(exact))[0].is_proved());
    let narrow = r#"permit (principal, action == Action::"connect", resource is Service)
        when { principal.tier == Tier::"GREEN" && resource.port == 2575 };"#;
    let proofs = widening(&new, &old, Some(narrow));
    assert_eq!(refuted(&proofs), [claims::WIDENING]);
}

#[test]
fn an_exception_covers_a_lifted_ban() {
    let ban = r#"@id("ban") forbid (principal, action == Action::"connect", resource is Service)
        when { context.operation == Operation::"http.get" };"#;
    let (new, (_, old)) = (with(""), with(ban));
    let lifted = r#"permit (principal, action == Action::"connect", resource)
        when { context.operation == Operation::"http.get" };"#;
    assert!(!widening(&new, &old, None)[0].is_proved());
    assert!(widening(&new, &old, Some(lifted))[0].is_proved());
}

#[test]
fn an_exception_is_a_permit_that_fits_the_schema() {
    let (hospital, book) = with("");
    let ask = |except| prover().widening(&book, &book, Some(except), &hospital, &mut |_| ());
    let forbid = ask("forbid (principal, action, resource);");
    assert!(matches!(forbid, Err(ProveError::ExceptionEffect)), "{forbid:?}");
    let syntax = ask("permit (principal);");
    assert!(matches!(syntax, Err(ProveError::ExceptionSyntax(_))), "{syntax:?}");
    let schema = ask("permit (principal, action, resource) when { context.colour == 1 };");
    assert!(matches!(schema, Err(ProveError::ExceptionSchema(_))), "{schema:?}");
}
