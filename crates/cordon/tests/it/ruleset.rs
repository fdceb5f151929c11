//! `export nft`: the kernel takes every ruleset.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::bench::{Bench, clinic, metropolitan};

/// Lets `nft` check a ruleset; nothing is loaded.
#[track_caller]
fn accepted(point: &str, ruleset: &str) {
    let mut nft = Command::new("nft")
        .args(["-c", "-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs nft, as root: install the Debian package nftables");
    nft.stdin.take().unwrap().write_all(ruleset.as_bytes()).unwrap();
    let output = nft.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{point} (nft needs root): {said}");
}

#[test]
fn nft_takes_every_ruleset_of_the_clinic() {
    let bench = Bench::new();
    for point in ["fw-20", "fw-21", "fw-30", "guard-clinical", "gw-suite"] {
        for hour in ["3", "12"] {
            let run = bench.run(["export", "nft", &clinic(), "--pep", point, "--hour", hour]);
            accepted(point, &run.exits(0).out);
        }
    }
}

#[test]
fn nft_takes_the_rulesets_of_twelve_points_of_the_large_hospital() {
    let bench = Bench::new();
    for point in [
        "fw-100",
        "fw-107",
        "fw-114",
        "fw-121",
        "fw-137",
        "gw-a-red-001",
        "gw-a-orange-007",
        "gw-b-orange-001",
        "gw-a-green-013",
        "gw-d-red-002",
        "guard-ehr",
        "guard-facility",
    ] {
        let run = bench.run(["export", "nft", &metropolitan(), "--pep", point]).exits(0);
        assert!(run.out.contains("table inet cordon"), "{point}");
        accepted(point, &run.out);
    }
}
