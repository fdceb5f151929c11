#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use cordon_model::note::Signer;

use super::*;

fn signer() -> Signer {
    Signer::new("h/gw-1/evidence", [3; 32])
}

/// Two records, and the heads over the first and over both.
fn heads() -> (Hash, Hash, String, String) {
    let (one, two) = (Hash::of_leaf(b"one"), Hash::of_leaf(b"two"));
    let head = |size, root| Head { origin: "h/gw-1/evidence".into(), size, root };
    let first = head(1, one).sign(&signer());
    (one, two, first, head(2, Hash::of_node(&one, &two)).sign(&signer()))
}

#[test]
fn a_proof_reads_back_and_proves_its_record_alone() {
    let (one, _, _, checkpoint) = heads();
    let proof = Proof { index: 1, path: vec![one], checkpoint };
    let text = proof.text();
    assert!(text.starts_with(&format!("c2sp.org/tlog-proof@v1\nindex 1\n{one}\n\nh/gw-1/")));
    assert_eq!(Proof::parse(&text).as_ref(), Ok(&proof));
    let key = signer().verifier();
    assert_eq!(proof.verify(b"two", &key).unwrap().size, 2);
    let wrong = ProofError::NotIncluded { index: 1, size: 2 };
    assert_eq!(proof.verify(b"one", &key), Err(wrong));
    let stranger = Signer::new("h/gw-1/evidence", [4; 32]).verifier();
    assert!(matches!(proof.verify(b"two", &stranger), Err(ProofError::Head(_))));
    let extra = text.replacen("index", "extra AAAA\nindex", 1);
    assert_eq!(Proof::parse(&extra), Ok(proof));
}

#[test]
fn a_proof_of_growth_reads_back_and_holds_for_its_heads_alone() {
    let (_, two, first, checkpoint) = heads();
    let proof = Consistency { old: 1, path: vec![two], checkpoint: checkpoint.clone() };
    assert!(proof.text().starts_with(&format!("old 1\n{two}\n\nh/gw-1/")));
    assert_eq!(Consistency::parse(&proof.text()).as_ref(), Ok(&proof));
    let key = signer().verifier();
    assert_eq!(proof.verify(&first, &key).unwrap().size, 2);
    assert_eq!(proof.verify(&checkpoint, &key), Err(ProofError::NotConsistent { old: 2, new: 2 }));
}

#[test]
fn refuses_what_is_no_proof() {
    let (one, _, _, checkpoint) = heads();
    let many = format!("{one}\n").repeat(PATH_MAX + 1);
    for (text, line) in [
        (String::new(), 1),
        ("c2sp.org/tlog-proof@v2\nindex 1\n\n".into(), 1),
        ("c2sp.org/tlog-proof@v1\nindex 01\n\n".into(), 2),
        ("c2sp.org/tlog-proof@v1\nextra AAAA\nindex -1\n\n".into(), 3),
        ("c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\n".into(), 3),
        (format!("c2sp.org/tlog-proof@v1\nindex 1\n{many}\n{checkpoint}"), 66),
        (format!("c2sp.org/tlog-proof@v1\nindex 1\n{one}\n"), 4),
    ] {
        let error = Proof::parse(&text).unwrap_err();
        assert!(matches!(error, ProofError::Form { line: l, .. } if l == line), "{text}: {error}");
    }
    let long = format!("c2sp.org/tlog-proof@v1\nindex 1\n\n{}", "x".repeat(HEAD_BYTES_MAX + 1));
    assert_eq!(Proof::parse(&long), Err(ProofError::OverLimit));
}
