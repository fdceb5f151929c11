//! `compile` and `bundle`: all bundles or none, only what changed, and no seal that does not hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::bench::{Bench, append, clinic, edit, metropolitan};

fn manifest(out: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(out.join("manifest.json")).unwrap()).unwrap()
}

fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(out).unwrap().map(Result::unwrap);
    entries.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

fn bundles(out: &Path) -> Vec<String> {
    let names = files(out).into_keys().filter(|name| name.ends_with(".bundle"));
    names.map(|name| out.join(name).display().to_string()).collect()
}

#[test]
fn the_large_hospital_compiles_to_sealed_bundles_and_only_what_changed_is_written_again() {
    let bench = Bench::new();
    let dir = bench.copy("metropolitan", "hospital");
    let out = bench.path("out");
    let compile = ["compile", "hospital", "--out", "out", "--without-proof", "--json"];
    let first = bench.run(compile).exits(0).json();
    assert_eq!((&first["bundles"], &first["written"]), (&282.into(), &282.into()));
    let files_first = files(&out);
    assert_eq!(bundles(&out).len(), 272 + 10);
    let verified = bench.run(["bundle".into(), "verify".into()].into_iter().chain(bundles(&out)));
    verified.exits(0).says("282 bundles, 0 bad");

    let again = bench.run(compile).exits(0).json();
    assert_eq!((&again["written"], &again["number"]), (&0.into(), &1.into()));
    assert!(files(&out) == files_first, "an unchanged hospital changed its bundles");

    // PUMP-3F-042 gets another free address of its segment.
    edit(&dir.join("devices.csv"), ",10.114.1.139,", ",10.114.200.7,");
    bench.run(compile).exits(0);
    let (before, after) = (&files_first, files(&out));
    let changed: Vec<&String> =
        after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
    let guards = |name: &&&String| name.starts_with("guard-");
    let ours: Vec<&&String> = changed.iter().filter(|name| !guards(name)).collect();
    assert_eq!(ours, [&"fw-114.bundle", &"gw-a-orange-007.bundle", &"manifest.json"]);
    assert!((1..10).contains(&changed.iter().filter(guards).count()), "{changed:?}");
    let (old, new) = (&files_first["manifest.json"], manifest(&out));
    let old: Value = serde_json::from_slice(old).unwrap();
    for (point, entry) in new["points"].as_object().unwrap() {
        let was = &old["points"][point];
        if changed.contains(&&format!("{point}.bundle")) {
            assert_eq!((&entry["number"], &entry["parent"]), (&2.into(), &was["digest"]));
        } else {
            assert_eq!(entry, was);
        }
    }
}

#[test]
fn the_clinic_compiles_after_its_proof() {
    let bench = Bench::new();
    bench.run(["compile", &clinic(), "--out", "out"]).exits(0).says("5 bundles for 40 devices");
    bench.run(["compile", &clinic(), "--out", "out"]).exits(0).says("0 written (0 bytes), 5 unch");
    let show = bench.run(["bundle", "show", "out/gw-suite.bundle"]).exits(0);
    show.says("gw-suite (access) of harbour-clinic").says("→ records http.get http.post");
    let json = bench.run(["bundle", "show", "out/gw-suite.bundle", "--json"]).exits(0).json();
    assert_eq!((&json["point"], &json["number"]), (&"gw-suite".into(), &1.into()));
}

#[test]
fn a_flipped_byte_and_a_strange_key_break_the_seal() {
    let bench = Bench::new();
    let compile = |out: &str| {
        bench.run(["compile", &clinic(), "--out", out, "--without-proof"]).exits(0);
    };
    compile("out");
    compile("other");
    let path = bench.path("out/fw-20.bundle");
    let bytes = fs::read(&path).unwrap();
    for at in [3, bytes.len() / 2, bytes.len() - 10] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        bench.run(["bundle", "verify", "out/fw-20.bundle"]).exits(65);
    }
    let json = bench.run(["bundle", "verify", "out/fw-20.bundle", "out/fw-21.bundle", "--json"]);
    let json = json.exits(65).json();
    assert_eq!((&json["bad"], &json["bundles"][1]["good"]), (&1.into(), &true.into()));
    // Compiling again mends what was damaged, with the number it had.
    compile("out");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let key = ["bundle", "verify", "out/fw-20.bundle", "--key", "other/signing.pub"];
    bench.run(key).exits(65).says("signed by another key");
}

#[test]
fn a_new_key_seals_every_bundle_again() {
    let bench = Bench::new();
    let compile = ["compile", &clinic(), "--out", "out", "--without-proof"];
    bench.run(compile).exits(0);
    fs::rename(bench.path("out/signing.key"), bench.path("old.key")).unwrap();
    bench.run(compile).exits(0).says("generation 1").says("5 written");
    let verify = ["bundle".to_owned(), "verify".to_owned()];
    bench.run(verify.into_iter().chain(bundles(&bench.path("out")))).exits(0);
    bench.run(compile.into_iter().chain(["--key", "absent.key"])).exits(78);
}

#[test]
fn a_hospital_with_an_error_writes_nothing() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "clinic");
    edit(&dir.join("devices.csv"), "a4:35:6c:1d:47:30", "a4:35:6c:1d:40:13");
    let run = bench.run(["compile", "clinic", "--out", "out"]).exits(65);
    assert!(run.err.contains("a4:35:6c:1d:40:13"), "{run:#?}");
    assert!(!bench.path("out").exists());
}

#[test]
fn a_rule_that_breaks_a_lifeline_stops_the_compilation() {
    let bench = Bench::new();
    let dir = bench.copy("metropolitan", "hospital");
    append(
        &dir.join("policies/red.cedar"),
        "\n@id(\"no-red-when-contained\")\n\
         forbid (principal is Device, action == Action::\"connect\", resource is Service)\n\
         when { principal.tier == Tier::\"RED\" && context.state == State::\"CONTAINED\" };\n",
    );
    let run = bench.run(["compile", "hospital", "--out", "out"]).exits(65);
    run.warns("error[lifeline-forbidden]").warns("a lifeline of RED is cut");
    assert!(!bench.path("out").exists());
}

#[test]
fn a_policy_that_breaks_an_invariant_stops_the_compilation() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "clinic");
    append(&dir.join("policies/emergency.cedar"), crate::prove::EMERGENCY_FOR_ORANGE);
    let run = bench.run(["compile", "clinic", "--out", "out"]).exits(1);
    run.says("emergency-opens-red-only").says("nothing was compiled: mend the policy first");
    assert!(!bench.path("out").exists());
}

#[test]
fn a_point_that_is_gone_is_retired() {
    let bench = Bench::new();
    bench.run(["init", "mine"]).exits(0);
    let compile = ["compile", "mine", "--out", "out", "--without-proof", "--json"];
    bench.run(compile).exits(0);
    let services = bench.path("mine/hospital.toml");
    for _ in 0..2 {
        edit(&services, "guard = \"guard-clinical\"\n", "");
    }
    let json = bench.run(compile).exits(0).json();
    assert_eq!(json["retired"], serde_json::json!(["guard-clinical"]));
    assert!(!bench.path("out/guard-clinical.bundle").exists());
}

#[test]
fn what_is_no_bundle_is_refused() {
    let bench = Bench::new();
    bench.write("text", "hello\n");
    bench.run(["bundle", "show", "text"]).exits(65);
    bench.run(["bundle", "show", "absent"]).exits(78);
    bench.run(["bundle", "verify", "text"]).exits(78).warns("signing.pub");
    bench.run(["export", "nft", &metropolitan(), "--pep", "gw-9"]).exits(65).warns("gw-9");
}

#[test]
fn bundles_of_one_hospital_never_replace_those_of_another() {
    let bench = Bench::new();
    bench.copy("clinic", "clinic");
    bench.run(["init", "other"]).exits(0);
    bench.run(["compile", "clinic", "--out", "out", "--without-proof"]).exits(0);
    let before = files(&bench.path("out"));
    bench.run(["compile", "other", "--out", "out", "--without-proof"]).exits(64);
    assert!(files(&bench.path("out")) == before);
    bench.run(["compile", "other", "--out", "other", "--without-proof"]).exits(64);
}
