//! Thousands of random damages, each found and named.

use std::collections::BTreeMap;

use cordon_journal::verify::{Options, verify_one_by_one, verify_stream};

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
        let keys = std::slice::from_ref(&key);
        let report = verify_stream(&stream, keys, &damaged.options()).unwrap();
        let slow = verify_one_by_one(&stream, keys, &damaged.options()).unwrap();
        assert_eq!(report, slow, "{case}");
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
            let quick = verify_stream(&stream, keys, &options).unwrap();
            assert_eq!(quick, verify_one_by_one(&stream, keys, &options).unwrap(), "{case}");
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

#[test]
fn long_batches_are_found_as_sound_or_damaged_as_record_by_record() {
    let mut random = Random(SEED);
    // Longer than what is read at once, and roots that are asked for within batches.
    let plan = Plan::new(ORIGIN, &[&[1_500, 700], &[1], &[900, 3]]);
    let heads: Vec<String> = [1, 2, 255, 256, 1_499, 1_501, 2_202].map(|n| plan.head(n)).into();
    let keys = [signer(ORIGIN).verifier()];
    let dir = folder();
    for round in 0..120 {
        let mut files = plan.write();
        if round > 0 {
            let at = random.range(0, 3);
            let bytes = files.values_mut().nth(at).unwrap();
            let at = random.range(0, bytes.len());
            match round % 3 {
                0 => bytes[at] ^= 1 << random.range(0, 8),
                1 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        let stream = put(dir.path(), "evidence", &files);
        for (deep, live) in [(false, false), (false, true), (true, false)] {
            if deep && round % 10 > 0 {
                continue;
            }
            let options = Options { deep, live, heads: heads.clone(), ..Options::default() };
            let quick = verify_stream(&stream, &keys, &options).unwrap();
            let slow = verify_one_by_one(&stream, &keys, &options).unwrap();
            assert_eq!(quick, slow, "seed {SEED:#x}, round {round}, deep {deep}, live {live}");
            assert_eq!(quick.is_sound(), round == 0, "round {round}");
            assert!(round > 0 || quick.heads_agreed == 7);
        }
    }
}
