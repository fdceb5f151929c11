//! Arbitrary bytes in place of a stream: never a panic, never sound.

use std::fs;

use cordon_journal::index::{find_record, prove, rebuild};
use cordon_journal::verify::{Options, verify_stream};
use proptest::prelude::*;

use crate::build::{Files, ORIGIN, Plan, folder, put, signer};

fn check(files: &Files) {
    let dir = folder();
    let dir = put(dir.path(), "evidence", files);
    for (deep, live) in [(false, false), (true, false), (false, true)] {
        let options = Options { deep, live, ..Options::default() };
        let report = verify_stream(&dir, &[signer(ORIGIN).verifier()], &options).unwrap();
        assert!(!report.is_sound() || live && report.size() == 0, "{files:?}");
        report.faults.iter().for_each(|fault| assert!(!fault.to_string().is_empty()));
    }
    let _ = (prove(&dir, 0), rebuild(&dir), find_record(&dir, 0));
}

/// Bytes of any kind, and lines of a journal in any order with any byte changed.
fn segment() -> impl Strategy<Value = Vec<u8>> {
    let plan = Plan::new(ORIGIN, &[&[2, 1], &[3]]);
    let lines: Vec<Vec<u8>> = plan
        .write()
        .into_values()
        .flat_map(|bytes| {
            bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()
        })
        .collect();
    let shuffled = prop::collection::vec((prop::sample::select(lines), any::<(u16, u8)>()), 0..12)
        .prop_map(|lines| {
            let change = |(mut line, (at, bits)): (Vec<u8>, (u16, u8))| {
                if bits > 128 {
                    let at = usize::from(at) % line.len();
                    line[at] ^= bits;
                }
                line
            };
            lines.into_iter().flat_map(change).collect::<Vec<u8>>()
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..400), shuffled]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_bytes_are_never_sound(
        one in segment(),
        two in segment(),
        checkpoint in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut files = Files::new();
        files.insert("00000000000000000000.jsonl".into(), one);
        files.insert("00000000000000000003.jsonl".into(), two);
        files.insert("checkpoint".into(), checkpoint);
        check(&files);
    }
}

#[test]
fn numbers_at_the_end_of_their_range_do_no_harm() {
    let name = format!("{:020}.jsonl", u64::MAX);
    let peaks = vec![format!("\"{}\"", "A".repeat(43) + "="); 64].join(",");
    let zero = "A".repeat(43) + "=";
    let header = format!(
        "{{\"first\":{},\"frontier\":[{peaks}],\"journal\":1,\"last\":\"{zero}\",\"origin\":\"{ORIGIN}\"}}\n",
        u64::MAX
    );
    let record = format!(
        "{{\"after\":\"{zero}\",\"event\":{{}},\"mono\":{m},\"run\":4294967295,\"seq\":{m},\"time\":{m},\"v\":1}}\n",
        m = u64::MAX
    );
    let text = format!("{header}{record}{record}");
    check(&Files::from([(name, text.clone().into_bytes())]));
    let zeros = "00000000000000000000.jsonl".to_owned();
    check(&Files::from([(zeros.clone(), record.repeat(3).into_bytes())]));
    check(&Files::from([(zeros, text.into_bytes())]));
}

#[test]
fn links_are_not_followed() {
    let dir = folder();
    let files = Plan::new(ORIGIN, &[&[2]]).write();
    let real = put(dir.path(), "real", &files);
    let evidence = dir.path().join("evidence");
    fs::create_dir(&evidence).unwrap();
    for name in files.keys() {
        std::os::unix::fs::symlink(real.join(name), evidence.join(name)).unwrap();
    }
    let keys = [signer(ORIGIN).verifier()];
    let report = verify_stream(&evidence, &keys, &Options::default()).unwrap();
    let labels: Vec<_> = report.faults.iter().map(|fault| fault.wrong.label()).collect();
    assert!(labels.contains(&"unreadable"), "{labels:?}");
    assert!(!report.is_sound());
}
