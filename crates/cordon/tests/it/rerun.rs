//! `rerun`: what was decided, decided again under another policy.

use crate::bench::edit;
use crate::journal::kept;

const RERUN: [&str; 5] = ["rerun", "--journal", "j", "--policy", "clinic"];

#[test]
fn the_same_policy_changes_nothing() {
    let bench = kept();
    bench.run(RERUN).exits(0).says("3 decisions, 3 different: 3 same").says("no verdict differs");
}

#[test]
fn a_changed_policy_shows_what_it_would_have_done() {
    let bench = kept();
    for _ in 0..2 {
        bench.run(["replay", "clinic", "--flows", "conn.log", "--journal", "j"]).exits(1);
    }
    edit(&bench.path("clinic/policies/orange.cedar"), "context.declared", "!context.declared");
    let run = bench.run(RERUN).exits(1);
    run.says("9 decisions, 3 different: 6 same, 3 newly denied, 0 newly permitted")
        .says("by tier: newly denied, newly permitted\n  ORANGE")
        .says("3 × pump-01 → records http.get (ORANGE, NORMAL, hour 12): permit by")
        .says("→ deny by default-deny  e.g. cordon/traffic/0");
    let json = bench.run(RERUN.iter().chain(&["--json"])).exits(1).json();
    assert_eq!(
        (&json["totals"]["newly_denied"], &json["changes"][0]["count"]),
        (&3.into(), &3.into())
    );
    let later = ["--from", "2026-11-01T08:00:02Z"];
    bench.run(RERUN.iter().chain(&later)).exits(0).says("6 decisions, 2 different: 6 same");
    bench.run(RERUN.iter().chain(&["--from", "2026-11-02", "--to", "2026-11-01"])).exits(64);
}

#[test]
fn another_hospital_knows_none_of_the_devices() {
    let bench = kept();
    bench.run(["init", "other"]).exits(0);
    let rerun = ["rerun", "--journal", "j", "--policy", "other"];
    bench.run(rerun).exits(1).says("2 of them are of devices that this hospital does not know");
}
