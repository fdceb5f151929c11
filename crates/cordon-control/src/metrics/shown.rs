//! What each metric shows at a moment.

use std::collections::BTreeMap;

use cordon_model::WallMs;

use super::family::Family;
use super::text::{labels, sample, seconds_of_ms};
use super::{FALSE_ALARM_MS, Metrics, SERIES_MAX};

/// How long from `from` to `to`; negative if it is over.
/// # Units
/// Milliseconds.
fn until(from: WallMs, to: WallMs) -> i128 {
    i128::from(to.0) - i128::from(from.0)
}

fn flag(is_on: bool) -> &'static str {
    if is_on { "1" } else { "0" }
}

impl Metrics {
    /// Writes the samples of a metric; returns how many did not fit.
    pub(super) fn show(
        &self,
        family: Family,
        now: WallMs,
        left_out: &BTreeMap<Family, u64>,
        out: &mut String,
    ) -> u64 {
        let name = family.name();
        let mut one = |value: Option<String>| {
            if let Some(value) = value {
                sample(name, "", &value, out);
            }
        };
        match family {
            Family::Decisions => {
                for (labels, count) in &self.decisions {
                    sample(name, labels, &count.to_string(), out);
                }
            }
            Family::DecisionSeconds | Family::DetectionSeconds | Family::QuarantineSeconds => {
                let ours = self.histograms.iter().filter(|((of, _), _)| *of == family);
                for ((_, labels), histogram) in ours {
                    histogram.write(name, labels, out);
                }
            }
            Family::PdpUp => return self.show_nodes(now, out),
            Family::PolicyGeneration => one(self.generation.map(|it| it.to_string())),
            Family::PolicyAge => self.show_policy_age(now, out),
            Family::CacheTtl => one(self.cache_ttl(now)),
            Family::DeviceState => self.show_devices(now, out),
            Family::LifelineGap => one(self.lifeline_gap(now)),
            Family::EmergencyActive => {
                for (zone, is_active) in &self.emergencies {
                    sample(name, &labels(&[("zone", zone.as_str())]), flag(*is_active), out);
                }
            }
            Family::EmergencyActivations => one(self.counted(self.activations)),
            Family::ReviewDue => {
                one(self.review_due.map(|due| seconds_of_ms(until(now, due))));
            }
            Family::CertExpiry => self.show_certificates(now, out),
            Family::AttestationFailures => one(self.counted(self.attestation_failures)),
            Family::AuditBacklog => one(self.backlog.map(|it| it.to_string())),
            Family::AuditChainOk => one(self.chain_ok.map(|it| flag(it).to_owned())),
            Family::SiemSpool => {
                for (exporter, bytes) in &self.siem_spool {
                    let labels = labels(&[("exporter", exporter.as_str())]);
                    sample(name, &labels, &bytes.to_string(), out);
                }
            }
            Family::SiemLag => {
                for (exporter, ms) in &self.siem_lag {
                    let labels = labels(&[("exporter", exporter.as_str())]);
                    sample(name, &labels, &seconds_of_ms(i128::from(*ms)), out);
                }
            }
            Family::FalseAlarms => one(self.counted(self.false_alarm_devices(now))),
            Family::LeftOut => {
                for (of, count) in left_out {
                    let labels = labels(&[("metric", of.name())]);
                    sample(name, &labels, &count.to_string(), out);
                }
            }
        }
        0
    }

    /// A count of events is known once events were seen, even if it is none.
    fn counted(&self, count: u64) -> Option<String> {
        self.folded.then(|| count.to_string())
    }

    fn show_nodes(&self, now: WallMs, out: &mut String) -> u64 {
        let nodes = self.nodes(now);
        for (node, is_up) in nodes.iter().take(SERIES_MAX) {
            let labels = labels(&[("node", node.as_str())]);
            sample(Family::PdpUp.name(), &labels, flag(*is_up), out);
        }
        u64::try_from(nodes.len().saturating_sub(SERIES_MAX)).unwrap_or(u64::MAX)
    }

    /// The age goes on while a point is silent.
    fn show_policy_age(&self, now: WallMs, out: &mut String) {
        for (point, report) in &self.reports {
            let Some(age_s) = report.health.policy_age_s else { continue };
            let age_ms = i128::from(age_s) * 1_000 + until(report.at, now).max(0);
            let labels = labels(&[("gateway", point.as_str())]);
            sample(Family::PolicyAge.name(), &labels, &seconds_of_ms(age_ms), out);
        }
    }

    fn cache_ttl(&self, now: WallMs) -> Option<String> {
        let left_ms = self.reports.values().filter_map(|report| {
            let ttl_ms = i128::from(report.health.cache_ttl_s?) * 1_000;
            Some((ttl_ms - until(report.at, now).max(0)).max(0))
        });
        left_ms.min().map(seconds_of_ms)
    }

    fn lifeline_gap(&self, now: WallMs) -> Option<String> {
        let gaps = self.fresh(now).filter_map(|health| health.lifeline_gap_ms);
        gaps.max().map(|ms| seconds_of_ms(i128::from(ms)))
    }

    fn show_devices(&self, now: WallMs, out: &mut String) {
        let mut counts = BTreeMap::<_, u64>::new();
        for row in self.fresh(now).flat_map(|health| &health.devices) {
            let count = counts.entry((row.state, row.tier)).or_default();
            *count = count.saturating_add(row.count);
        }
        for ((state, tier), count) in counts {
            let labels = labels(&[("state", state.name()), ("tier", tier.name())]);
            sample(Family::DeviceState.name(), &labels, &count.to_string(), out);
        }
    }

    fn show_certificates(&self, now: WallMs, out: &mut String) {
        for tier in self.tiers() {
            let of_tier = self.certificates.iter().filter(|((of, _), _)| *of == tier);
            let Some(first) = of_tier.map(|(_, until)| *until).min() else { continue };
            let labels = labels(&[("tier", tier)]);
            sample(Family::CertExpiry.name(), &labels, &seconds_of_ms(until(now, first)), out);
        }
    }

    fn false_alarm_devices(&self, now: WallMs) -> u64 {
        let oldest = now.0.saturating_sub(FALSE_ALARM_MS);
        let recent = self.false_alarms.values().filter(|last| last.0 >= oldest);
        u64::try_from(recent.count()).unwrap_or(u64::MAX)
    }
}
