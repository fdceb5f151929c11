//! The rules as they are shipped hold.

use std::time::Instant;

use cordon_proof::prove::claims;

use crate::hospital::{large, prove, prover, refuted, with};

#[test]
fn the_shipped_rules_hold_for_every_request() {
    let proofs = prove(&with(""));
    assert!(refuted(&proofs).is_empty(), "{proofs:#?}");
    assert!(proofs.iter().all(|proof| !proof.requests.is_empty()));
    let ids: Vec<&str> = proofs.iter().map(|proof| proof.id.as_str()).collect();
    for id in [
        "standing.red-lifelines-hold",
        "green-stays-out-of-care",
        claims::NEVER_ERRORS,
        claims::CONTAINED,
        claims::ISOLATED,
        claims::LIFELINES,
    ] {
        assert!(ids.contains(&id), "{id} was not asked");
    }
}

#[test]
fn the_example_hospital_is_proved_within_a_minute() {
    let (hospital, book) = large();
    let start = Instant::now();
    let mut heard = 0;
    let proofs = prover().prove(&book, &hospital, &mut |_| heard += 1).unwrap();
    let elapsed = start.elapsed();
    assert!(refuted(&proofs).is_empty(), "{proofs:#?}");
    assert_eq!(heard, proofs.len());
    assert!(elapsed.as_secs() < 60, "{elapsed:?}");
}
