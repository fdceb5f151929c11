//! The text that Prometheus reads.
//!
//! Source: Prometheus text format 0.0.4.

use std::fmt::Write;

use super::family::{Buckets, Family};

/// Writes the two lines above the samples of a metric.
/// # Source
/// Prometheus text format 0.0.4, HELP and TYPE lines.
pub(super) fn head(family: Family, out: &mut String) {
    let (name, help, kind) = (family.name(), family.help(), family.kind().name());
    // Writing to a text cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// Gives the labels of a sample as text, without the braces.
/// # Source
/// Prometheus text format 0.0.4: `\`, `"` and line ends are escaped in the value of a label.
pub(super) fn labels(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                _ => out.push(c),
            }
        }
        out.push('"');
    }
    out
}

/// Writes a sample.
pub(super) fn sample(name: &str, labels: &str, value: &str, out: &mut String) {
    out.push_str(name);
    if !labels.is_empty() {
        let _ = write!(out, "{{{labels}}}");
    }
    let _ = writeln!(out, " {value}");
}

/// Gives milliseconds as seconds, with as many decimals as it takes.
pub(super) fn seconds_of_ms(ms: i128) -> String {
    decimal(ms, 1_000, 3)
}

fn decimal(number: i128, unit: u128, digits: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, rest) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    let text = format!("{sign}{whole}.{rest:0digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Observations, counted by size.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    buckets: Buckets,
    /// How many were in each bucket and in none before it.
    counts: Vec<u64>,
    count: u64,
    sum_ns: u128,
}

impl Histogram {
    pub(super) fn new(buckets: Buckets) -> Self {
        Self { buckets, counts: vec![0; buckets.len()], count: 0, sum_ns: 0 }
    }

    pub(super) fn observe(&mut self, ns: u64) {
        let bounds = self.buckets.iter().map(|(bound, _)| *bound);
        let bucket = self.counts.iter_mut().zip(bounds).find(|(_, bound)| ns <= *bound);
        if let Some((count, _)) = bucket {
            *count = count.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum_ns = self.sum_ns.saturating_add(u128::from(ns));
    }

    /// Writes the samples of the histogram.
    /// # Source
    /// Prometheus text format 0.0.4: buckets are cumulative, the last is `+Inf`.
    pub(super) fn write(&self, name: &str, labels: &str, out: &mut String) {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut below = 0u64;
        for (count, (_, bound)) in self.counts.iter().zip(self.buckets) {
            below = below.saturating_add(*count);
            let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", self.count);
        let sum = i128::try_from(self.sum_ns).unwrap_or(i128::MAX);
        sample(&format!("{name}_sum"), labels, &decimal(sum, 1_000_000_000, 9), out);
        sample(&format!("{name}_count"), labels, &self.count.to_string(), out);
    }
}
