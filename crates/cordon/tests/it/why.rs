//! `why`: what is recorded is explained by the policy of its moment.

use std::fs;

use crate::bench::{Bench, append, edit};
use crate::journal::kept;

const WHY: [&str; 4] = ["why", "cordon/traffic/0", "--journal", "j"];

#[test]
fn a_decision_is_asked_again_and_agrees() {
    let bench = kept();
    bench
        .run(WHY)
        .exits(0)
        .says("PERMIT  pump-01 → records http.get")
        .says("rule     orange-clinical-services policies/orange.cedar:3")
        .says("source: NIST SP 800-207")
        .says("proof    it is one of the 11 records that harbour-clinic/cordon/traffic signed")
        .says("asked again, Cedar gives the same answer by the same rules");
    let json = bench.run(WHY.iter().chain(&["--json"])).exits(0).json();
    assert_eq!((&json["agrees"], &json["proof"]["proved"]), (&true.into(), &true.into()));
    let denied = bench.run(["why", "cordon/traffic/1", "--journal", "j"]).exits(0);
    denied.says("DENY (unlisted-destination)").says("guardrail.no-internet-address");
}

#[test]
fn a_policy_that_changed_since_does_not_change_the_answer() {
    let bench = kept();
    edit(&bench.path("clinic/policies/orange.cedar"), "context.declared", "!context.declared");
    let explain =
        ["explain", "clinic", "--device", "pump-01", "--to", "records", "--op", "http.get"];
    bench.run(explain).exits(1).says("DENY");
    bench.run(WHY).exits(0).says("PERMIT  pump-01 → records http.get");
    fs::remove_dir_all(bench.path("clinic")).unwrap();
    bench.run(WHY).exits(0).says("PERMIT  pump-01 → records http.get");
}

#[test]
fn a_policy_that_is_gone_or_was_changed_is_said() {
    let bench = kept();
    let text = fs::read_to_string(bench.path("j/traffic/00000000000000000000.jsonl")).unwrap();
    let digits = text.split_once("\"policy\":\"sha256:").unwrap().1.split_once('"').unwrap().0;
    let manifest = bench.path(&format!("j/policies/{digits}.sha256"));
    let listed = fs::read_to_string(&manifest).unwrap();
    let line = listed.lines().find(|line| line.ends_with("policies/orange.cedar")).unwrap();
    let blob = bench.path("j/policies/blobs").join(line.split_once(' ').unwrap().0);
    append(&blob, "// a comment\n");
    bench.run(WHY).exits(65).warns("was changed: its digest is not the one of its name");
    bench.run(["journal", "verify", "j", "--deep"]).exits(1).says("BROKEN  j/policies");
    fs::remove_file(&blob).unwrap();
    bench.run(WHY).exits(65).warns("is missing");
    fs::remove_file(&manifest).unwrap();
    bench.run(WHY).exits(65).warns("is not kept in this journal");
    let run = bench.run(["journal", "verify", "j", "--deep"]).exits(0);
    run.says("remark: cordon/traffic/0 was decided by sha256:").says(", which is not kept here");
    bench.run(["why", "cordon/traffic/99", "--journal", "j"]).exits(65).warns("there is no record");
    bench.run(["why", "99", "--journal", "j"]).exits(64);
}

#[test]
fn an_answer_that_cannot_be_right_is_contradicted() {
    let bench = kept();
    let shown = bench.run(["journal", "show", "j", "--event", "cordon/traffic/0", "--json"]);
    let event = shown.exits(0).json()["record"]["event"].to_string();
    let answer = "\"effect\":\"permit\",\"rules\":[\"orange-clinical-services\"]";
    assert!(event.contains(answer), "{event}");
    let wrong = "\"effect\":\"deny\",\"reason\":\"not-permitted\",\"rules\":[\"default-deny\"]";
    bench.feed(&["journal", "append", "j"], &event.replacen(answer, wrong, 1)).exits(0);
    let run = bench.run(["why", "cordon/traffic/11", "--journal", "j"]).exits(1);
    run.says("DISAGREES: asked again, Cedar answers permit by orange-clinical-services");
}

#[test]
fn the_causes_of_a_state_are_followed() {
    let bench = Bench::new();
    let events = [
        r#"{"at":1767225600006,"what":{"message":{"bytes":12,"device":"P-1","dst":{},"page":false,"protocol":"modbus","reasons":["no-flow"],"rules":[],"src":{},"tier":"orange","transport":"tcp","verdict":"block","way":"from-device"}}}"#,
        r#"{"at":1767225600007,"what":{"finding":{"action":"blocked","device":"P-1","dst":{},"evidence":"E3","name":"F-1","rule":"unlisted-destination","seen_in":["gw-1/traffic/0"],"src":{},"status":"new"}}}"#,
        r#"{"at":1767225600008,"what":{"state":{"because":["gw-1/evidence/1"],"by":[{"point":"gw-1"}],"device":"P-1","from":"NORMAL","reason":"unlisted-destination","tier":"orange","to":"CONTAINED"}}}"#,
        r#"{"at":1767225600009,"what":{"state":{"because":["gw-1/evidence/77"],"by":[],"device":"P-1","from":"CONTAINED","reason":"x","tier":"orange","to":"ISOLATED"}}}"#,
    ];
    let append = ["journal", "append", "j", "--hospital", "h", "--writer", "gw-1"];
    bench.feed(&append, &events.join("\n")).exits(0);
    let run = bench.run(["why", "gw-1/evidence/2", "--journal", "j"]).exits(0);
    let chain: Vec<usize> = [
        "gw-1/evidence/2",
        "because  2026-01-01T00:00:00.007Z  gw-1/evidence/1",
        "  because  2026-01-01T00:00:00.006Z  gw-1/traffic/0",
    ]
    .iter()
    .map(|part| run.out.find(part).unwrap_or_else(|| panic!("no `{part}` in {run:#?}")))
    .collect();
    assert!(chain.is_sorted());
    let run = bench.run(["why", "gw-1/evidence/3", "--journal", "j"]).exits(1);
    run.says("there is no record gw-1/evidence/77");
}
