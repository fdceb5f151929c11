//! `explain`: the verdicts that people ask for first, with the rule and the line behind each.

use serde_json::Value;

use crate::bench::{Bench, clinic, metropolitan};

/// Asks one question and gives the answers.
#[track_caller]
fn answers(dir: &str, question: &str, code: i32) -> Vec<Value> {
    let args = ["explain", dir, "--json"].into_iter().chain(question.split(' '));
    let json = Bench::new().run(args).exits(code).json();
    json["answers"].as_array().unwrap().clone()
}

#[track_caller]
fn check(dir: &str, question: &str, expect: &str) {
    let code = i32::from(expect.starts_with("deny"));
    let answers = answers(dir, question, code);
    let mut said: Vec<String> = answers
        .iter()
        .map(|answer| {
            let rules = answer["rules"].as_array().unwrap();
            let ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
            let reason = answer["reason"].as_str().unwrap_or("by");
            format!("{} {reason} {}", answer["verdict"].as_str().unwrap(), ids.join(" "))
        })
        .collect();
    said.sort();
    said.dedup();
    assert_eq!(said, [expect], "{question}");
}

#[test]
fn a_pump_reaches_the_record_and_not_the_internet() {
    let dir = metropolitan();
    check(
        &dir,
        "--device PUMP-3F-042 --to 198.51.100.45 --port 8080",
        "deny unlisted-destination guardrail.listed-services-only guardrail.no-internet-address",
    );
    let permit = answers(&dir, "--device PUMP-3F-042 --to ehr-api", 0);
    assert_eq!(permit.len(), 2);
    for answer in &permit {
        assert_eq!(answer["rules"][0]["id"], "orange-clinical-services");
        assert_eq!(answer["profile"]["file"], "profiles/infusion-pump.toml");
        assert_eq!(answer["posture"]["identity"], "gateway-bound");
    }
}

#[test]
fn the_offices_are_out_of_reach_by_name_and_by_address() {
    let dir = metropolitan();
    let by_name = answers(&dir, "--device HVAC-B1-Floor1-Zone1 --to corporate-proxy", 1);
    let rules = by_name[0]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "guardrail.no-corporate"), "{rules:#?}");
    check(
        &dir,
        "--device HVAC-B1-Floor1-Zone1 --to 10.10.77.7 --port 3128",
        "deny unlisted-destination guardrail.listed-services-only",
    );
}

#[test]
fn the_clinic_answers() {
    let dir = clinic();
    for (question, expect) in [
        ("--device pump-01 --to records", "permit by orange-clinical-services"),
        ("--device pump-01 --to 192.168.50.10", "permit by orange-clinical-services"),
        ("--device pump-01 --to 192.168.50.10 --port 8443", "permit by orange-clinical-services"),
        (
            "--device pump-01 --to 192.168.50.10 --port 22",
            "deny unlisted-destination guardrail.listed-services-only",
        ),
        (
            "--device pump-01 --to 192.168.50.10 --port 8443 --proto udp",
            "deny unlisted-destination guardrail.listed-services-only",
        ),
        ("--device pump-01 --to records --state contained", "deny not-permitted "),
        ("--device pump-01 --to alarm-desk --state contained", "permit by orange-lifeline"),
        ("--device pump-01 --to alarm-desk --identity conflict", "permit by orange-lifeline"),
        ("--device pump-01 --to alarm-desk --state isolated", "deny guardrail guardrail.isolated"),
        ("--device pump-01 --to records --attestation failed", "deny not-permitted "),
        ("--device pump-01 --to records --identity unproven", "deny not-permitted "),
        (
            "--device pump-01 --to records --op http.delete",
            "deny unlisted-operation guardrail.declared-only",
        ),
        (
            "--device pump-01 --to hl7-engine --direction in --op hl7.rgv-o15",
            "permit by orange-clinical-services",
        ),
        ("--device scale-1 --to nurse-desk", "permit by yellow-nursing-and-building"),
    ] {
        check(&dir, question, expect);
    }
}

#[test]
fn no_device_talks_to_a_device() {
    for to in ["pump-02", "192.168.21.12"] {
        let answers = answers(&clinic(), &format!("--device pump-01 --to {to}"), 1);
        assert_eq!(answers[0]["target"], "device pump-02");
        assert_eq!(answers[0]["rules"][0]["id"], "guardrail.no-device-to-device");
    }
}

#[test]
fn an_answer_names_the_line_and_what_would_change_it() {
    let bench = Bench::new();
    let args = ["explain", &clinic(), "--device", "pump-01", "--to", "records"];
    bench
        .run(args)
        .exits(0)
        .says("PERMIT  pump-01 → records http.get, http.post")
        .says("profiles/infusion-pump.toml:13: service = \"records\"")
        .says("rule     orange-clinical-services policies/orange.cedar:3")
        .says("containing the device would deny it");
}

#[test]
fn a_question_that_cannot_be_meant_is_refused() {
    let bench = Bench::new();
    let dir = clinic();
    for (question, code, words) in [
        ("--device nobody --to records", 65, "there is no device `nobody`"),
        ("--device pump-01 --to nowhere", 65, "is no service, no device and no IP address"),
        ("--device pump-01 --to records --state blue", 64, "use one of discovered, enrolled"),
        ("--device pump-01 --to records --op hl7.foo", 64, "use one of hl7.oru-r01"),
        ("--device pump-01 --to records --identity me", 64, "is not an identity"),
        ("--device pump-01 --to records --attestation me", 64, "is not an attestation"),
        ("--device pump-01 --to 192.168.70.1", 64, "several services are at 192.168.70.1"),
        ("--device pump-01", 64, "--to <TO>"),
    ] {
        let args = ["explain", &dir].into_iter().chain(question.split(' '));
        bench.run(args).exits(code).warns(words);
    }
}
