#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::*;

fn outline(what: &str) -> Outline {
    let text = format!(r#"{{"at":0,"what":{what}}}"#);
    Outline::of(&serde_json::from_str(&text).unwrap())
}

fn finding(action: &str, evidence: &str, status: &str) -> Outline {
    outline(&format!(
        r#"{{"finding":{{"action":"{action}","dst":{{}},"evidence":"{evidence}","name":"F-1",
        "rule":"unlisted-destination","seen_in":[],"src":{{}},"status":"{status}"}}}}"#
    ))
}

#[test]
fn a_finding_is_as_grave_as_what_it_proves() {
    let cases = [
        ("blocked", "E0", "new", Severity::Info),
        ("observed", "E1", "new", Severity::Low),
        ("observed", "E2", "update", Severity::Medium),
        ("blocked", "E3", "new", Severity::High),
        ("blocked", "E4", "new", Severity::Critical),
        ("contained", "E2", "new", Severity::High),
        ("blocked", "E4", "close", Severity::Info),
    ];
    for (action, evidence, status, severity) in cases {
        let outline = finding(action, evidence, status);
        assert_eq!(outline.severity, severity, "{action} {evidence} {status}");
        assert_eq!(outline.signature, format!("{evidence}.unlisted-destination"));
        assert_eq!(outline.title.split_once(':').map(|(lead, _)| lead), Some("Finding"));
    }
}

#[test]
fn who_was_called_sends_what_the_device_received() {
    let flow = |src: &str, dst: &str| {
        outline(&format!(
            r#"{{"flow":{{"action":"permit","bytes_from_device":7,"bytes_to_device":3,"device":"D",
            "dst":{dst},"first":0,"last":0,"packets":1,"rule":"r","src":{src},
            "transport":"tcp"}}}}"#
        ))
    };
    let (device, other) = (r#"{"device":"D"}"#, r#"{"service":"ehr"}"#);
    let calls = flow(device, other);
    assert_eq!((calls.bytes_out, calls.bytes_in), (Some(7), Some(3)));
    let called = flow(other, device);
    assert_eq!((called.bytes_out, called.bytes_in), (Some(3), Some(7)));
}

#[test]
fn a_drill_says_so_and_is_for_the_record() {
    let step = |drill: bool| {
        outline(&format!(
            r#"{{"emergency":{{"action":"start","activation":1,"badges":["B-1","B-2"],
            "bytes_down":0,"bytes_up":0,"clock":{{"offset_ms":0,"synced":true}},"drill":{drill},
            "gateway":"g","generation":1,"station":"s","triggers":[],"zone":"z"}}}}"#
        ))
    };
    assert_eq!(step(false).severity, Severity::High);
    assert_eq!(step(true).severity, Severity::Info);
    assert_eq!(step(true).title, "Drill: Emergency mode began, station s, zone z");
    assert_eq!(step(false).user.as_deref(), Some("B-2"));
    assert_eq!(step(false).case.as_deref(), Some("s/1"));
}
