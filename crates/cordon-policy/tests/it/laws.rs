//! What no hospital can write away.

use cordon_model::{
    Act, Attestation, Decision, DeviceState, Direction, Endpoint, Identity, Now, Posture, Reason,
    Report, Target, Transport,
};
use cordon_policy::oracle::Oracle;
use cordon_policy::{Rulebook, consistency};

use crate::hospital::{Ready, ready, sources};

/// The widest policy that Cedar can express.
const EVERYTHING: &str = "@id(\"everything\") permit (principal, action, resource);\n";

fn normal() -> Posture {
    Posture {
        state: DeviceState::Normal,
        identity: Identity::Certificate,
        attestation: Attestation::Passed,
        emergency: true,
    }
}

#[test]
fn a_permit_of_everything_opens_neither_the_internet_nor_another_device() {
    let mut files = sources("clinic");
    files.insert("policies/everything.cedar", EVERYTHING);
    let Ready { hospital, book, engine } = ready(&files);
    let oracle = Oracle::new(&hospital, &book);
    let (one, two) = (&hospital.devices[0], &hospital.devices[1]);
    let outside = Endpoint {
        address: "198.51.100.45".parse().unwrap(),
        port: 8080,
        transport: Transport::Tcp,
    };
    let targets = [
        Target::Address(outside),
        Target::Device(two.id.clone()),
        Target::Service("records".parse().unwrap()),
        Target::Service("nowhere".parse().unwrap()),
    ];
    for target in targets {
        for operation in ["opaque.connect", "dicom.c-store"] {
            let act = Act {
                device: one.id.clone(),
                target: target.clone(),
                direction: Direction::Out,
                operation: operation.parse().unwrap(),
            };
            for decision in [
                engine.decide(&act, normal(), Now::default()),
                oracle.decide(&act, normal(), Now::default()),
            ] {
                assert!(!decision.is_permit(), "{act}: {decision:?}");
                assert!(
                    decision.rules().iter().all(|r| r.as_str().starts_with("guardrail.")),
                    "{decision:?}"
                );
            }
        }
    }
}

#[test]
fn every_decision_names_a_rule_and_strangers_are_denied() {
    let Ready { engine, .. } = ready(&sources("clinic"));
    let act = Act {
        device: "NOBODY-1".parse().unwrap(),
        target: Target::Service("records".parse().unwrap()),
        direction: Direction::Out,
        operation: "http.get".parse().unwrap(),
    };
    let decision = engine.decide(&act, normal(), Now::default());
    assert!(
        matches!(&decision, Decision::Deny { reason: Reason::UnknownDevice, rules } if rules.len() == 1)
    );
}

#[test]
fn a_hospital_cannot_take_a_guardrails_name() {
    for name in ["guardrail.no-internet", "standing.mine", "default-deny"] {
        let mut files = sources("clinic");
        files.insert(
            "policies/x.cedar",
            format!("@id(\"{name}\") forbid (principal, action, resource);"),
        );
        let (hospital, _) = cordon_model::hospital::load(&files);
        let (book, report) = Rulebook::read(&hospital.unwrap());
        assert!(book.is_none());
        assert!(report.entries.iter().any(|e| e.label == "reserved-id"), "{report:?}");
    }
}

fn labels(path: &str, text: &str) -> Vec<(&'static str, usize)> {
    let mut files = sources("clinic");
    files.insert(path, text);
    let (hospital, _) = cordon_model::hospital::load(&files);
    let (_, report) = Rulebook::read(&hospital.unwrap());
    report.entries.iter().map(|entry| (entry.label, entry.place.line)).collect()
}

#[test]
fn what_is_wrong_with_a_policy_is_said_with_its_line() {
    let cases = [
        ("permit (principal, action, resource)", vec![("cedar-syntax", 1)]),
        ("permit (principal, action, resource);", vec![("policy-without-id", 1)]),
        ("\n\n@id(\"a b\")\npermit (principal, action, resource);", vec![("malformed-id", 3)]),
        (
            "@id(\"x\") permit (principal, action, resource);\n@id(\"x\") permit (principal, action, resource);",
            vec![("duplicate-id", 1)],
        ),
        (
            "@id(\"x\")\npermit (principal is Device, action == Action::\"connect\", resource is Service)\nwhen { context.colour == 3 };",
            vec![("cedar-schema", 3)],
        ),
        (
            "@id(\"x\")\npermit (principal is Device, action == Action::\"connect\", resource is Service)\nwhen { context.state == State::\"NORMALL\" };",
            vec![("cedar-schema", 3)],
        ),
        (
            "@id(\"x\") @api_rate_per_minute(\"many\") permit (principal, action, resource);",
            vec![("malformed-value", 1)],
        ),
        (
            "@id(\"x\") permit (principal == ?principal, action, resource);",
            vec![("cedar-template", 0)],
        ),
    ];
    for (text, expect) in cases {
        assert_eq!(labels("policies/zz.cedar", text), expect, "{text}");
    }
}

#[test]
fn what_is_wrong_with_an_invariant_is_said() {
    let head = "(principal is Device, action == Action::\"connect\", resource is Service);";
    let cases = [
        format!("@id(\"i\") permit {head}"),
        format!("@id(\"i\") @holds(\"sometimes\") permit {head}"),
        format!("@id(\"i\") @holds(\"never\") forbid {head}"),
    ];
    for text in cases {
        assert_eq!(
            labels("invariants/zz.cedar", &text),
            vec![("malformed-invariant", 1)],
            "{text}"
        );
    }
}

fn findings(path: &str, edit: impl Fn(&str) -> String) -> Report {
    let mut files = sources("metropolitan");
    let text = String::from_utf8(files.files.get(path).cloned().unwrap_or_default()).unwrap();
    files.insert(path, edit(&text));
    let Ready { hospital, book, engine } = ready(&files);
    let mut report = Report::default();
    consistency::check(&hospital, &book, &engine, &mut report);
    report
}

#[test]
fn a_policy_that_cuts_a_lifeline_is_an_error_at_the_flow() {
    let forbid = "@id(\"strict\") forbid (principal is Device, action == Action::\"connect\", resource is Service)\nwhen { context.attestation == Attestation::\"failed\" };\n";
    let report = findings("policies/zz.cedar", |_| forbid.to_owned());
    assert!(report.has_errors());
    let entry = report.entries.iter().find(|e| e.label == "lifeline-forbidden").unwrap();
    assert!(entry.place.file.starts_with("profiles/") && entry.place.line > 0, "{entry:?}");
    assert!(entry.message.contains("attestation failed"), "{}", entry.message);
}

#[test]
fn a_lifeline_that_is_cut_in_one_building_alone_is_found() {
    let forbid = "@id(\"d-is-closed\") forbid (principal is Device, action == Action::\"connect\", resource is Service)\nwhen { principal.building == Building::\"d\" };\n";
    let report = findings("policies/zz.cedar", |_| forbid.to_owned());
    let cut: Vec<_> = report.entries.iter().filter(|e| e.label == "lifeline-forbidden").collect();
    assert!(cut.iter().any(|e| e.place.file == "profiles/ventilator.toml"), "{cut:?}");
}

#[test]
fn a_lifeline_that_is_cut_at_night_alone_is_found_and_its_rule_named() {
    let forbid = "@id(\"night\") forbid (principal is Device, action == Action::\"connect\", resource is Service)\nwhen { context.hour > 21 };\n";
    let report = findings("policies/zz.cedar", |_| forbid.to_owned());
    let entry = report.entries.iter().find(|e| e.label == "lifeline-forbidden").unwrap();
    assert!(
        entry.message.contains("22:00 UTC: forbidden by `night` (policies/zz.cedar:1)"),
        "{entry:?}"
    );
    assert!(entry.help.contains("narrow that policy"));
}

#[test]
fn a_lifeline_that_containment_would_cut_is_a_warning() {
    let forbid = "@id(\"c\") forbid (principal is Device, action == Action::\"connect\", resource is Service)\nwhen { principal.tier == Tier::\"ORANGE\" && context.state == State::\"CONTAINED\" };\n";
    let report = findings("policies/zz.cedar", |_| forbid.to_owned());
    assert!(!report.has_errors());
    assert!(report.entries.iter().any(|e| e.label == "lifeline-not-kept"), "{report:?}");
}

#[test]
fn an_edit_that_concerns_some_hours_shows_in_the_difference() {
    let old = ready(&sources("clinic"));
    let mut files = sources("clinic");
    let forbid = "@id(\"night\") forbid (principal is Device, action == Action::\"connect\", resource is Service)\nwhen { context.hour > 21 };\n";
    files.insert("policies/zz.cedar", forbid);
    let new = ready(&files);
    let difference =
        cordon_policy::diff::diff((&old.hospital, &old.engine), (&new.hospital, &new.engine));
    assert!(difference.gained.is_empty() && !difference.lost.is_empty());
    assert!(
        difference.lost.iter().all(|c| c.postures.ends_with("at the hours 22 23 UTC")),
        "{difference:?}"
    );
}

#[test]
fn a_declared_flow_that_nothing_permits_is_a_warning() {
    let report = findings("policies/yellow.cedar", |_| "// nothing for YELLOW\n".to_owned());
    let labels: Vec<_> = report.entries.iter().map(|e| e.label).collect();
    assert!(
        labels.contains(&"never-permitted") && labels.contains(&"lifeline-forbidden"),
        "{labels:?}"
    );
}

#[test]
fn inspection_that_nobody_can_do_is_an_error() {
    let report = findings("hospital.toml", |text| text.replacen("inspector = \"http\"\n", "", 1));
    assert!(report.entries.iter().any(|e| e.label == "no-inspector"), "{report:?}");
}
