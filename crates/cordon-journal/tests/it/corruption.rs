//! Thousands of random damages, each found and named.

use std::collections::BTreeMap;

use cordon_journal::verify::{Options, verify_stream};

use crate::build::{ORIGIN, Plan, Random, folder, put, signer};
use crate::corrupt::{damage, digest, kinds};

const SEED: u64 = 0x6a6f_7572_6e61_6c31;

/// Damages streams until `count` were, and returns how many of each kind.
fn run(seed: u64, count: usize) -> BTreeMap<&'static str, usize> {
    let mut random = Random(seed);
    let dir = folder();
    let key = signer(ORIGIN).verifier();
    let mut done = BTreeMap::new();
    let plans: Vec<Plan> = (0..40).map(|_| Plan::random(&mut random)).collect();
    while done.values().sum::<usize>() < count {
        let state = random.0;
        let kind = random.range(0, kinds());
        let plan = &plans[random.range(0, plans.len())];
        let Some(damaged) = damage(plan, &mut random, kind) else { continue };
        if digest(&damaged.files) == digest(&plan.write()) && damaged.heads.is_empty() {
            continue;
        }
        let stream = put(dir.path(), "evidence", &damaged.files);
        let case = format!("seed {seed:#x}, state {state:#x}, {}", damaged.kind);
        let report = verify_stream(&stream, std::slice::from_ref(&key), &damaged.options());
        let report = report.unwrap();
        assert!(!report.is_sound(), "{case}: not found");
        let segments = report.faults.iter().filter(|fault| fault.place.file != "checkpoint");
        let first = segments.clone().next().or(report.faults.first()).unwrap();
        let is_named = damaged.is_named_by(first)
            || damaged.file == "checkpoint" && report.faults.iter().any(|f| damaged.is_named_by(f));
        assert!(
            is_named,
            "{case}: expected {}:{:?}, found {:#?}",
            damaged.file, damaged.lines, report.faults
        );
        // Without the signatures of heads in the middle, records are as safe.
        if state.is_multiple_of(4) && damaged.kind != "edit-byte" && damaged.kind != "edit-header" {
            let options = Options { deep: false, ..damaged.options() };
            let quick = verify_stream(&stream, std::slice::from_ref(&key), &options).unwrap();
            assert!(!quick.is_sound(), "{case}: not found without deep");
            assert_eq!(
                quick.faults.first().map(|f| &f.place),
                report.faults.first().map(|f| &f.place),
                "{case}"
            );
        }
        *done.entry(damaged.kind).or_default() += 1;
    }
    done
}

#[test]
fn ten_thousand_random_damages_are_found_and_named() {
    println!("seed {SEED:#x}");
    let halves: Vec<_> = std::thread::scope(|scope| {
        let each = [SEED, SEED + 1].map(|seed| scope.spawn(move || run(seed, 5_000)));
        each.into_iter().map(|half| half.join().unwrap()).collect()
    });
    for kind in halves[0].keys() {
        assert!(halves[1].contains_key(kind), "{kind}");
    }
    assert_eq!(halves[0].len(), kinds());
}
