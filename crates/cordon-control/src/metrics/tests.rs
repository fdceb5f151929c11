#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use cordon_model::event::{Event, EventId};

use super::*;

fn fold(metrics: &mut Metrics, at: u64, point: &str, what: &str) {
    let text = format!(r#"{{"at":{at},"point":"{point}","what":{what}}}"#);
    let event: Event = serde_json::from_str(&text).unwrap();
    let id: EventId = "pdp-1/evidence/0".parse().unwrap();
    let (after, hash, host) = ("", "", "pdp-1");
    metrics.fold(&Item { after, event: &event, hash, host, id: &id, time: event.at });
}

fn shown(metrics: &Metrics, now: u64) -> String {
    let mut out = String::new();
    metrics.render(WallMs(now), &mut out);
    out
}

/// The value of a series.
fn value(metrics: &Metrics, now: u64, series: &str) -> Option<String> {
    let text = shown(metrics, now);
    let line = text.lines().find(|line| line.rsplit_once(' ').is_some_and(|it| it.0 == series))?;
    line.rsplit_once(' ').map(|(_, value)| value.to_owned())
}

fn health(age_s: u64, up: &str, down: &str) -> String {
    format!(
        r#"{{"health":{{"cache_ttl_s":100,"devices":[{{"count":2,"state":"NORMAL","tier":"red"}}],
        "generation":7,"nodes_down":[{down}],"nodes_up":[{up}],"policy_age_s":{age_s}}}}}"#
    )
}

fn state(device: &str, reason: &str) -> String {
    format!(
        r#"{{"state":{{"because":[],"by":[],"device":"{device}","from":"CONTAINED",
        "reason":"{reason}","tier":"red","to":"NORMAL"}}}}"#
    )
}

#[test]
fn a_node_is_up_as_long_as_one_point_reaches_it() {
    let mut metrics = Metrics::default();
    fold(&mut metrics, 0, "g1", &health(1, r#""pdp-1""#, r#""pdp-2""#));
    fold(&mut metrics, 0, "g2", &health(1, r#""pdp-2""#, r#""pdp-1","pdp-3""#));
    let up = |node: &str| value(&metrics, 1, &format!("cordon_pdp_up{{node=\"{node}\"}}"));
    assert_eq!(up("pdp-1").as_deref(), Some("1"));
    assert_eq!(up("pdp-2").as_deref(), Some("1"));
    assert_eq!(up("pdp-3").as_deref(), Some("0"));
    let devices = "cordon_device_state{state=\"NORMAL\",tier=\"RED\"}";
    assert_eq!(value(&metrics, 1, devices).as_deref(), Some("4"));
}

#[test]
fn a_silent_point_ages_and_no_longer_says_how_things_are() {
    let mut metrics = Metrics::default();
    fold(&mut metrics, 1_000, "g1", &health(1, r#""pdp-1""#, ""));
    let late = 1_000 + REPORT_FRESH_MS + 500;
    let age = "cordon_policy_age_seconds{gateway=\"g1\"}";
    assert_eq!(value(&metrics, late, age).as_deref(), Some("901.5"));
    assert_eq!(value(&metrics, late, "cordon_cache_ttl_remaining_seconds").as_deref(), Some("0"));
    assert!(!shown(&metrics, late).contains("cordon_device_state"));
    assert!(!shown(&metrics, late).contains("cordon_pdp_up"));
}

#[test]
fn an_older_report_does_not_replace_a_newer_one() {
    let mut metrics = Metrics::default();
    fold(&mut metrics, 2_000, "g1", &health(5, "", ""));
    fold(&mut metrics, 1_000, "g1", &health(9, "", ""));
    let age = "cordon_policy_age_seconds{gateway=\"g1\"}";
    assert_eq!(value(&metrics, 2_000, age).as_deref(), Some("5"));
}

#[test]
fn a_false_alarm_counts_each_device_once_and_for_90_days() {
    let mut metrics = Metrics::default();
    fold(&mut metrics, 1_000, "g1", &state("A", "false-alarm"));
    fold(&mut metrics, 2_000, "g1", &state("A", "false-alarm"));
    fold(&mut metrics, 3_000, "g1", &state("B", "probation-over"));
    let incident = r#"{"incident":{"action":"close","device":"C","findings":[],"name":"I-1",
        "outcome":"false-alarm","severity":"low"}}"#;
    fold(&mut metrics, 4_000, "g1", incident);
    let name = "cordon_false_alarm_devices_90d";
    assert_eq!(value(&metrics, 4_000, name).as_deref(), Some("2"));
    assert_eq!(value(&metrics, 2_001 + FALSE_ALARM_MS, name).as_deref(), Some("1"));
    assert_eq!(value(&metrics, 4_001 + FALSE_ALARM_MS, name).as_deref(), Some("0"));
}

#[test]
fn a_certificate_counts_until_it_is_renewed_revoked_or_its_device_retired() {
    let certificate = |action: &str, device: &str, until: u64| {
        format!(
            r#"{{"certificate":{{"action":"{action}","device":"{device}","fingerprint":
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "issuer":"ca","not_after":{until},"not_before":0,"serial":"1","tier":"red"}}}}"#
        )
    };
    let mut metrics = Metrics::default();
    let name = "cordon_cert_expiry_seconds_min{tier=\"RED\"}";
    fold(&mut metrics, 0, "g", &certificate("issue", "A", 5_000));
    fold(&mut metrics, 0, "g", &certificate("issue", "B", 9_000));
    assert_eq!(value(&metrics, 6_000, name).as_deref(), Some("-1"));
    fold(&mut metrics, 0, "g", &certificate("renew", "A", 20_000));
    assert_eq!(value(&metrics, 6_000, name).as_deref(), Some("3"));
    fold(&mut metrics, 0, "g", &certificate("revoke", "B", 9_000));
    assert_eq!(value(&metrics, 6_000, name).as_deref(), Some("14"));
    fold(&mut metrics, 0, "g", r#"{"inventory":{"action":"retire","device":"A","tier":"red"}}"#);
    assert_eq!(value(&metrics, 6_000, name), None);
}

#[test]
fn a_drill_is_no_activation() {
    let start = |drill: bool| {
        format!(
            r#"{{"emergency":{{"action":"start","activation":1,"badges":[],"bytes_down":0,
            "bytes_up":0,"clock":{{"offset_ms":0,"synced":true}},"drill":{drill},"gateway":"g",
            "generation":1,"station":"s","triggers":[],"zone":"z"}}}}"#
        )
    };
    let mut metrics = Metrics::default();
    fold(&mut metrics, 0, "g", &start(true));
    let name = "cordon_emergency_activations_total";
    assert_eq!(value(&metrics, 0, name).as_deref(), Some("0"));
    fold(&mut metrics, 0, "g", &start(false));
    assert_eq!(value(&metrics, 0, name).as_deref(), Some("1"));
}

#[test]
fn what_has_too_many_series_is_left_out_and_counted() {
    let mut metrics = Metrics::default();
    for n in 0..=SERIES_MAX {
        fold(&mut metrics, 0, &format!("g{n}"), &health(1, "", ""));
        metrics.set_emergency_active(&ZoneId::new(&format!("z{n}")).unwrap(), true);
        metrics.set_siem(&Label::new(&format!("e{n}")).unwrap(), 1, 1);
    }
    for n in 0..=DEVICES_MAX {
        metrics.false_alarm(&DeviceId::new(&format!("D{n}")).unwrap(), WallMs(5));
    }
    let left_out = |name: &str| {
        value(&metrics, 0, &format!("cordon_metrics_left_out_total{{metric=\"{name}\"}}"))
    };
    for name in [
        "cordon_policy_age_seconds",
        "cordon_emergency_active",
        "cordon_siem_spool_bytes",
        "cordon_false_alarm_devices_90d",
    ] {
        assert_eq!(left_out(name).as_deref(), Some("1"), "{name}");
    }
}

#[test]
fn old_false_alarms_make_room_for_new_ones() {
    let mut metrics = Metrics::default();
    for n in 0..DEVICES_MAX {
        metrics.false_alarm(&DeviceId::new(&format!("D{n}")).unwrap(), WallMs(5));
    }
    metrics.false_alarm(&DeviceId::new("X").unwrap(), WallMs(6 + FALSE_ALARM_MS));
    assert!(metrics.left_out.is_empty());
    assert_eq!(metrics.false_alarms.len(), 1);
}

#[test]
fn labels_escape_what_would_end_them() {
    assert_eq!(text::labels(&[("a", "x\\y\"z\n"), ("b", "")]), r#"a="x\\y\"z\n",b="""#);
}

#[test]
fn seconds_have_as_many_decimals_as_they_need() {
    for (ms, expected) in [(0, "0"), (1_500, "1.5"), (-1, "-0.001"), (-60_000, "-60")] {
        assert_eq!(text::seconds_of_ms(ms), expected);
    }
}
