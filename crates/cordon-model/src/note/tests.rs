#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::*;

/// The note, key and signature of golang.org/x/mod/sumdb/note's own documentation.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const QUOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";

#[test]
fn reads_the_note_that_other_implementations_publish() {
    let text = format!(
        "{QUOTE}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    );
    let note = Note::parse(&text).unwrap();
    assert_eq!(note.body, QUOTE);
    let key = Verifier::parse(PETER).unwrap();
    assert!(key.has_signed(&note));
    assert_eq!(key.text().trim(), PETER);
    assert!(!Signer::new("PeterNeumann", [1; 32]).verifier().has_signed(&note));
}

#[test]
fn what_is_signed_is_verified_by_its_key_under_its_name_only() {
    let signer = Signer::new("h/n/evidence", [7; 32]);
    let text = signer.sign("a\nb\n");
    let note = Note::parse(&text).unwrap();
    assert!(signer.verifier().has_signed(&note));
    assert!(!signer.named("h/n/traffic").verifier().has_signed(&note));
    let again = Signer::parse(&signer.text()).unwrap();
    assert_eq!(again.verifier(), signer.verifier());
    assert_eq!(Verifier::parse(&signer.verifier().text()), Ok(signer.verifier()));
}

#[test]
fn a_witness_says_when_and_its_line_is_no_plain_signature() {
    let (log, witness) = (Signer::new("log", [1; 32]), Signer::new("witness", [2; 32]));
    let body = "log\n3\nAAAA\n";
    let text = format!("{}{}", log.sign(body), witness.cosignature_line(1_700_000_000, body));
    let note = Note::parse(&text).unwrap();
    assert!(log.verifier().has_signed(&note));
    assert!(!witness.verifier().has_signed(&note));
    assert_eq!(witness.verifier().has_cosigned(&note), Some(1_700_000_000));
    assert_eq!(log.verifier().has_cosigned(&note), None);
    let later = text.replace("3\n", "4\n");
    assert_eq!(witness.verifier().has_cosigned(&Note::parse(&later).unwrap()), None);
}

#[test]
fn refuses_what_is_no_note_and_what_is_no_key() {
    for (text, error) in [
        ("", NoteError::NoSignatures),
        ("a\n", NoteError::NoSignatures),
        ("a\n\n", NoteError::NoSignatures),
        ("a\n\n- b c\n", NoteError::Signature { line: 3 }),
        ("a\nb\n\n— b !\n", NoteError::Signature { line: 4 }),
    ] {
        assert_eq!(Note::parse(text), Err(error), "{text:?}");
    }
    let many = format!("a\n\n{}", "— n AAAA\n".repeat(SIGNATURES_MAX + 1));
    assert!(Note::parse(&many).is_err());
    for key in
        ["", "a", "a+b+c", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
    {
        assert_eq!(Verifier::parse(key), Err(NoteError::PublicKey), "{key}");
    }
    assert!(Signer::parse("a b+ed25519-private+00").is_err());
}
