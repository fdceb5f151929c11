//! A solver that is missing, slow, crashed or unsure never proves anything.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use cordon_proof::{Outcome, ProveError, Prover};

use crate::hospital::with;

/// Writes a program that answers `--version` like cvc5 and does `what` when asked a question.
fn impostor(name: &str, what: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo This is cvc5 version 0.0; exit; fi\n{what}\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Asks an impostor a question whose answer is no: is nothing new permitted?
fn undecided(name: &str, what: &str) -> String {
    let prover = Prover { solver: impostor(name, what), limit: Duration::from_millis(300) };
    let (hospital, old) = with("");
    let more = r#"@id("orange-more") permit (principal is Device, action, resource is Service)
        when { principal.tier == Tier::"ORANGE" && context.hour > 12 };"#;
    let (_, new) = with(more);
    let proofs = prover.widening(&new, &old, None, &hospital, &mut |_| ()).unwrap();
    match &proofs[0].outcome {
        Outcome::Undecided { why } => why.clone(),
        other @ (Outcome::Proved | Outcome::Refuted(_)) => unreachable!("{name}: {other:?}"),
    }
}

#[test]
fn a_missing_solver_is_an_error_that_says_what_to_install() {
    let prover = Prover::new(Some(PathBuf::from("/nowhere/cvc5")), Duration::from_secs(1));
    let (hospital, book) = with("");
    let error = prover.prove(&book, &hospital, &mut |_| ()).unwrap_err();
    assert!(matches!(error, ProveError::SolverMissing { .. }));
    let text = error.to_string();
    assert!(text.contains("apt install cvc5") && text.contains("CVC5"), "{text}");
}

#[test]
fn another_solver_is_an_error() {
    let prover = Prover::new(Some(PathBuf::from("/bin/true")), Duration::from_secs(1));
    assert!(matches!(prover.version(), Err(ProveError::SolverUnknown { .. })));
}

#[test]
fn a_silent_solver_proves_nothing() {
    let why = undecided("silent", "exec sleep 100");
    assert_eq!(why, "the solver found no answer within 0.3 s");
}

#[test]
fn a_crashing_solver_proves_nothing() {
    let why = undecided("crashing", "kill -9 $$");
    assert!(why.contains("Broken pipe") || why.contains("terminated"), "{why}");
}

#[test]
fn an_unsure_solver_proves_nothing() {
    let what = "while read line; do [ \"$line\" = '(check-sat)' ] && echo unknown; done";
    assert_eq!(undecided("unsure", what), "the solver found no answer within 0.3 s");
}

#[test]
fn a_babbling_solver_proves_nothing() {
    let what = "while read line; do [ \"$line\" = '(check-sat)' ] && echo perhaps; done";
    assert_eq!(undecided("babbling", what), "unrecognized solver output: perhaps");
}

#[test]
fn a_solver_that_finds_an_impossible_model_proves_nothing() {
    let what = "while read line; do [ \"$line\" = '(check-sat)' ] && echo sat;
        [ \"$line\" = '(get-model)' ] && printf '(\\n)\\n'; done";
    let why = undecided("impossible", what);
    assert!(why.contains("invalid") || why.contains("does not confirm"), "{why}");
}

#[test]
fn an_example_in_the_plan_refutes_whatever_the_solver_says() {
    let solver = impostor("useless", "exit 1");
    let prover = Prover { solver, limit: Duration::from_secs(1) };
    let (hospital, old) = with("");
    let (_, new) = with(
        r#"@id("comfort") permit (principal is Device, action == Action::"connect", resource is Service)
        when { principal.tier == Tier::"GREEN" && context.declared };"#,
    );
    let proofs = prover.widening(&new, &old, None, &hospital, &mut |_| ()).unwrap();
    assert!(matches!(proofs[0].outcome, Outcome::Refuted(_)), "{:?}", proofs[0]);
    assert!(matches!(proofs[1].outcome, Outcome::Undecided { .. }), "{:?}", proofs[1]);
}
