#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::*;

fn source_type(text: &str) -> SourceType {
    SourceType::of(&serde_json::from_str(text).unwrap())
}

fn message(verdict: &str) -> SourceType {
    source_type(&format!(
        r#"{{"message":{{"bytes":1,"dst":{{}},"page":false,"protocol":"hl7","reasons":[],"rules":[],
        "src":{{}},"transport":"tcp","verdict":"{verdict}","way":"from-device"}}}}"#
    ))
}

#[test]
fn what_an_inspector_minds_is_a_finding_and_what_it_lets_pass_is_traffic() {
    assert_eq!(message("block"), SourceType::Finding);
    assert_eq!(message("pass-flag"), SourceType::Finding);
    assert_eq!(message("pass"), SourceType::Flow);
}

#[test]
fn steps_of_an_emergency_are_alerts_and_its_flows_are_traffic() {
    let step = |action: &str| {
        source_type(&format!(
            r#"{{"emergency":{{"action":"{action}","activation":1,"badges":[],"bytes_down":0,
            "bytes_up":0,"clock":{{"offset_ms":0,"synced":true}},"drill":false,"gateway":"g",
            "generation":1,"station":"s","triggers":[],"zone":"z"}}}}"#
        ))
    };
    for action in ["start", "stop", "badge", "fault", "tamper", "relax"] {
        assert_eq!(step(action), SourceType::Alert, "{action}");
    }
    for action in ["flow-open", "flow-close", "command"] {
        assert_eq!(step(action), SourceType::Flow, "{action}");
    }
}
