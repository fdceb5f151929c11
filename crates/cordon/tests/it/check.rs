//! `check`, `classify`, `diff`, `matrix` and `init`.

use serde_json::json;

use crate::bench::{Bench, append, clinic, edit, fields, metropolitan};

#[test]
fn the_sums_of_the_large_hospital_are_those_of_its_plan() {
    let bench = Bench::new();
    let sums = bench.run(["check", &metropolitan(), "--json"]).exits(0).json();
    let sum = &sums["summary"];
    let tier = |tpm, software_key, legacy, gateways| json!({ "tpm": tpm, "software_key": software_key, "legacy": legacy, "gateways": gateways });
    assert_eq!(sum["tiers"]["RED"], tier(500, 150, 200, 10));
    assert_eq!(sum["tiers"]["ORANGE"], tier(1_500, 250, 900, 45));
    assert_eq!(sum["tiers"]["YELLOW"], tier(150, 250, 600, 30));
    assert_eq!(sum["tiers"]["GREEN"], tier(50, 350, 3_100, 155));
    assert_eq!(
        sum["umbrellas"],
        json!({
            "patient-monitors": 2_500, "infusion-pumps": 1_800, "imaging": 200, "facility": 3_500,
        })
    );
    let counts =
        ["devices", "enforcement_points", "gateways", "segments", "guards", "access_ports"];
    assert_eq!(counts.map(|name| sum[name].as_u64().unwrap()), [8_000, 272, 240, 32, 10, 4_800]);
    assert_eq!(sum["shared_gateways"], 0);
    assert_eq!(sums["ok"], true);
    assert_eq!(sums["warnings"], json!([]));
}

#[test]
fn the_table_of_sums_adds_up() {
    let run = Bench::new().run(["check", &metropolitan()]).exits(0);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = run.out.lines().map(words).collect();
    for expected in [
        ["RED", "500", "150", "200", "850", "10"],
        ["ORANGE", "1,500", "250", "900", "2,650", "45"],
        ["YELLOW", "150", "250", "600", "1,000", "30"],
        ["GREEN", "50", "350", "3,100", "3,500", "155"],
        ["all", "2,200", "1,000", "4,800", "8,000", "240"],
    ] {
        assert!(lines.iter().any(|line| *line == expected), "{expected:?} in {}", run.out);
    }
    run.says("272 enforcement points and 10 service guards").says("32 micro-segments");
}

#[test]
fn classification_agrees_with_the_clinic_and_finds_a_wrong_tier() {
    let bench = Bench::new();
    let all = bench.run(["classify", &clinic(), "--json"]).exits(0).json();
    assert_eq!(all["devices"].as_array().unwrap().len(), 40);
    assert_eq!(all["findings"], 0);
    let one = bench.run(["classify", &clinic(), "--device", "us-2", "--json"]).exits(0).json();
    assert_eq!((&one["derived"], &one["exposure"]), (&json!("ORANGE"), &json!(60)));
    assert!(!one["evidence"].as_array().unwrap().is_empty());
    let dir = bench.copy("clinic", "clinic");
    edit(
        &dir.join("profiles/vitals-monitor.toml"),
        "impact = \"therapy\"",
        "impact = \"workflow\"",
    );
    bench.run(["classify", "clinic"]).exits(1).says("derived YELLOW, declared ORANGE");
    bench.run(["classify", "clinic", "--today", "soon"]).exits(64).warns("`soon` is not a date");
    bench.run(["classify", "clinic", "--device", "nobody"]).exits(65).warns("no device `nobody`");
}

#[test]
fn the_difference_of_equal_hospitals_is_nothing() {
    let bench = Bench::new();
    bench.copy("clinic", "copy");
    bench.run(["diff", &clinic(), "copy"]).exits(0).says("no verdict differs");
    let same = bench.run(["diff", &clinic(), "copy", "--json"]).exits(0).json();
    assert_eq!(
        same,
        json!({ "gained": [], "lost": [], "devices_added": [], "devices_removed": [] })
    );
}

#[test]
fn the_difference_of_an_edit_is_what_it_gains_and_nothing_else() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "new");
    append(&dir.join("policies/contained.cedar"), crate::prove::CONTAINED_READS);
    let difference = bench.run(["diff", &clinic(), "new", "--json"]).exits(1).json();
    assert_eq!(difference["lost"], json!([]));
    let gained = difference["gained"].as_array().unwrap();
    let [change] = gained.as_slice() else { panic!("{gained:#?}") };
    let said = ["kind", "tier", "service", "direction", "example"];
    assert_eq!(
        said.map(|name| change[name].as_str().unwrap()),
        ["infusion-pump", "ORANGE", "records", "out", "pump-01"]
    );
    assert_eq!(change["operations"], json!(["http.get"]));
    assert_eq!(change["devices"], 12);
    assert!(change["postures"].as_str().unwrap().starts_with("in state CONTAINED"));
    let back = bench.run(["diff", "new", &clinic(), "--json"]).exits(1).json();
    assert_eq!(back["lost"], difference["gained"]);
}

#[test]
fn a_new_device_is_named_in_the_difference() {
    let bench = Bench::new();
    let dir = bench.copy("clinic", "new");
    let sum = "ab".repeat(32);
    append(
        &dir.join("devices.csv"),
        &format!(
            "thermo-11,thermometer,yellow,Pinnock Thermometry,PT-5,PT5-1,d0:4d:0a:2f:aa:01,\
             192.168.30.41,,,,,main,0,consulting,yellow-native,,,software-key,yes,5.2.0,{sum},,\n"
        ),
    );
    let difference = bench.run(["diff", &clinic(), "new", "--json"]).exits(1).json();
    assert_eq!(difference["devices_added"], json!(["thermo-11"]));
    bench.run(["diff", &clinic(), "new"]).exits(1).says("devices added: 1\n  thermo-11");
}

#[test]
fn the_matrix_agrees_with_itself() {
    let bench = Bench::new();
    let tally = bench.run(["matrix", &clinic(), "--verify", "--json"]).exits(0).json();
    assert_eq!(tally["disagreements"], json!([]));
    assert_eq!(tally["classes"], 5);
    assert!(tally["cedar_cells"].as_u64().unwrap() > 100_000, "{tally}");
    let text = bench.run(["matrix", &clinic()]).exits(0);
    text.says("  DENSC.MPR DENSC.MPR  → alarm-desk  hl7.oru-r40  [lifeline]");
}

#[test]
fn the_starter_checks_proves_and_compiles_as_it_stands() {
    let bench = Bench::new();
    bench.run(["init", "mine"]).exits(0).says("cordon check mine");
    bench.run(["check", "mine"]).exits(0);
    bench.run(["prove", "mine"]).exits(0);
    bench.run(["compile", "mine", "--out", "bundles"]).exits(0).says("4 written");
    bench.run(["explain", "mine", "--device", "pump-1", "--to", "records"]).exits(0);
    bench.run(["init", "mine"]).exits(64).warns("is there already");
    let made = bench.run(["init", "other", "--json"]).exits(0).json();
    assert!(fields(&made).contains(&"files"), "{made}");
}
