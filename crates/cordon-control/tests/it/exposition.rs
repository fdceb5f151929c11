//! Metrics against a reader of Prometheus' text format.

use std::collections::BTreeMap;

use cordon_control::metrics::Metrics;
use cordon_model::WallMs;
use proptest::prelude::*;

use super::{golden, samples};

/// Samples by metric: labels and value.
type Samples = BTreeMap<String, Vec<(String, f64)>>;

fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit())
}

/// Reads labels: names, equal signs, quoted values with three escapes, commas between.
fn labels(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        assert!(is_name(name), "{name}");
        let mut escaped = false;
        let end = value.find(|c| {
            let is_end = c == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(&c), "{text}");
            escaped = c == '\\' && !escaped;
            is_end
        });
        let (value, after) = value.split_at(end.unwrap());
        out.push((name.to_owned(), value.to_owned()));
        rest = after.strip_prefix("\",").or_else(|| after.strip_prefix('"')).unwrap();
    }
    out
}

/// Reads the whole text; every sample stands below the two lines of its metric.
fn read(text: &str) -> Samples {
    let mut out = Samples::new();
    let (mut metric, mut kind) = (String::new(), String::new());
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !help.is_empty());
            assert!(!out.contains_key(name), "{name} twice");
            name.clone_into(&mut metric);
            out.insert(metric.clone(), Vec::new());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').unwrap();
            assert!(name == metric && ["counter", "gauge", "histogram"].contains(&of));
            assert_eq!(of == "counter", name.ends_with("_total"), "{name}");
            of.clone_into(&mut kind);
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, inside) = series
                .split_once('{')
                .map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').unwrap()));
            let is_ours = match kind.as_str() {
                "histogram" => ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|end| name.strip_suffix(end) == Some(&metric)),
                _ => name == metric,
            };
            assert!(is_ours, "{line} below {metric}");
            labels(inside);
            let sample = (format!("{name}{{{inside}}}"), value.parse().unwrap());
            let samples = out.get_mut(&metric).unwrap();
            assert!(samples.iter().all(|(other, _)| *other != sample.0), "{line} twice");
            samples.push(sample);
        }
    }
    assert!(out.values().all(|samples| !samples.is_empty()));
    out
}

/// Buckets grow, and the last has all.
fn check_histograms(samples: &Samples) {
    for (name, samples) in samples {
        let mut last = 0.0;
        for (series, value) in samples {
            if series.starts_with(&format!("{name}_bucket")) {
                assert!(*value >= last, "{series}");
                last = if series.contains("+Inf") { 0.0 } else { *value };
            }
        }
    }
}

/// Every name that may be shown; the last only once something is left out.
const NAMES: [&str; 21] = [
    "cordon_attestation_failures_total",
    "cordon_audit_backlog",
    "cordon_audit_chain_ok",
    "cordon_cache_ttl_remaining_seconds",
    "cordon_cert_expiry_seconds_min",
    "cordon_decision_seconds",
    "cordon_decisions_total",
    "cordon_detection_seconds",
    "cordon_device_state",
    "cordon_emergency_activations_total",
    "cordon_emergency_active",
    "cordon_false_alarm_devices_90d",
    "cordon_lifeline_gap_seconds",
    "cordon_pdp_up",
    "cordon_policy_age_seconds",
    "cordon_policy_generation",
    "cordon_quarantine_seconds",
    "cordon_review_due_seconds",
    "cordon_siem_lag_seconds",
    "cordon_siem_spool_bytes",
    "cordon_metrics_left_out_total",
];

#[test]
fn every_metric_is_shown_once_it_is_known() {
    let samples = read(&golden::metrics());
    check_histograms(&samples);
    let shown: Vec<&str> = samples.keys().map(String::as_str).collect();
    assert_eq!(shown, NAMES[..20]);
}

#[test]
fn nothing_is_shown_that_nobody_told() {
    let mut out = String::new();
    Metrics::default().render(WallMs(1_767_225_600_000), &mut out);
    assert_eq!(out, "");
}

proptest! {
    #![proptest_config(samples::cases(64))]

    #[test]
    fn whatever_happened_the_text_can_be_read(
        events in prop::collection::vec(samples::varied(), 0..12),
        now in any::<u64>(),
    ) {
        let mut metrics = Metrics::default();
        for (seq, event) in (0..).zip(&events) {
            samples::record(seq, event, |item| metrics.fold(item));
        }
        let mut out = String::new();
        metrics.render(WallMs(now), &mut out);
        check_histograms(&read(&out));
    }
}
