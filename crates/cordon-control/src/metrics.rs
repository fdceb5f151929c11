//! Metrics: what the journal and the daemon say, in the text that Prometheus reads.
//!
//! A metric whose value is not known is left out, never guessed: what only the journal knows appears
//! with the first event that tells it, what only a daemon knows when the daemon tells it. Figures
//! over a time, such as the 90 days of false alarms, are right if that much of the journal was
//! folded. Labels have few values: tiers, states, reasons, points, zones; never a device.
//!
//! Invariant: no metric has more than [`SERIES_MAX`] series, and nothing here grows beyond its limit;
//! what is left out is counted.
//! Source: Prometheus text format 0.0.4.

mod family;
mod shown;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use cordon_model::event::{
    Attested, Certificate, CertificateAction, Decided, Emergency, EmergencyAction, Finding, Health,
    Incident, Inventory, InventoryAction, PolicyAction, PolicyChange, StateChange,
};
use cordon_model::{
    Attestation, DeviceId, DeviceState, Label, PointId, WallMs, What, WriterId, ZoneId,
};

use crate::export::format::Item;
use family::{ANSWER, Buckets, Family, REACTION};
use text::Histogram;

/// Most series of one metric.
pub const SERIES_MAX: usize = 1_024;
/// Most devices that are remembered for false alarms, and most holders of certificates.
pub const DEVICES_MAX: usize = 65_536;

/// How long a report of an enforcement point stands for how things are.
/// # Units
/// Milliseconds: three missed reports of five minutes.
const REPORT_FRESH_MS: u64 = 900_000;

/// How long a false alarm counts.
/// # Units
/// Milliseconds: 90 days.
const FALSE_ALARM_MS: u64 = 90 * 86_400_000;

const NS_PER_MS: u64 = 1_000_000;

/// All metrics of a decision node.
#[derive(Debug, Default)]
pub struct Metrics {
    activations: u64,
    attestation_failures: u64,
    backlog: Option<u64>,
    /// Until when the certificate of each holder is valid, by tier and holder.
    certificates: BTreeMap<(&'static str, String), WallMs>,
    chain_ok: Option<bool>,
    decisions: BTreeMap<String, u64>,
    emergencies: BTreeMap<ZoneId, bool>,
    false_alarms: BTreeMap<DeviceId, WallMs>,
    folded: bool,
    generation: Option<u64>,
    histograms: BTreeMap<(Family, String), Histogram>,
    left_out: BTreeMap<Family, u64>,
    reports: BTreeMap<PointId, Report>,
    review_due: Option<WallMs>,
    siem_lag: BTreeMap<Label, u64>,
    siem_spool: BTreeMap<Label, u64>,
}

/// The last report of an enforcement point.
#[derive(Debug)]
struct Report {
    at: WallMs,
    health: Health,
}

impl Metrics {
    /// Takes a record into account; each record once.
    pub fn fold(&mut self, item: &Item<'_>) {
        self.folded = true;
        let at = item.event.at;
        match &item.event.what {
            What::Attestation(it) => self.attestation(it),
            What::Certificate(it) => self.certificate(it),
            What::Decision(it) => self.decision(it),
            What::Emergency(it) => self.emergency(it),
            What::Finding(it) => self.finding(it),
            What::Health(it) => self.health(item.event.point.as_ref(), at, it),
            What::Incident(it) => self.incident(at, it),
            What::Inventory(it) => self.inventory(it),
            What::Policy(it) => self.policy(it),
            What::State(it) => self.state(at, it),
            What::Alarm(_)
            | What::Authentication(_)
            | What::Flow(_)
            | What::Journal(_)
            | What::Message(_)
            | What::Review(_) => {}
        }
    }

    /// Says how many records wait to be written down.
    pub fn set_audit_backlog(&mut self, records: u64) {
        self.backlog = Some(records);
    }

    /// Says whether the journal verified.
    pub fn set_audit_chain_ok(&mut self, is_ok: bool) {
        self.chain_ok = Some(is_ok);
    }

    /// Says whether emergency mode is on in a zone.
    pub fn set_emergency_active(&mut self, zone: &ZoneId, is_active: bool) {
        let is_new = !self.emergencies.contains_key(zone);
        if is_new && self.emergencies.len() >= SERIES_MAX {
            self.leave_out(Family::EmergencyActive);
        } else {
            self.emergencies.insert(zone.clone(), is_active);
        }
    }

    /// Says when the next review is due; `None`: none is open.
    pub fn set_review_due(&mut self, due: Option<WallMs>) {
        self.review_due = due;
    }

    /// Says how far an exporter is behind.
    /// # Shape
    /// `spool_bytes`: what it has still to send; `lag_ms`: the age of the oldest of it.
    pub fn set_siem(&mut self, exporter: &Label, spool_bytes: u64, lag_ms: u64) {
        let is_new = !self.siem_spool.contains_key(exporter);
        if is_new && self.siem_spool.len() >= SERIES_MAX {
            self.leave_out(Family::SiemSpool);
        } else {
            self.siem_spool.insert(exporter.clone(), spool_bytes);
            self.siem_lag.insert(exporter.clone(), lag_ms);
        }
    }

    /// Writes every metric that is known.
    /// # Source
    /// Prometheus text format 0.0.4.
    pub fn render(&self, now: WallMs, out: &mut String) {
        let mut left_out = self.left_out.clone();
        for &family in Family::ALL {
            let mut samples = String::new();
            let more = self.show(family, now, &left_out, &mut samples);
            if more > 0 {
                let count = left_out.entry(family).or_default();
                *count = count.saturating_add(more);
            }
            if !samples.is_empty() {
                text::head(family, out);
                out.push_str(&samples);
            }
        }
    }

    fn leave_out(&mut self, family: Family) {
        let count = self.left_out.entry(family).or_default();
        *count = count.saturating_add(1);
    }

    fn observe(&mut self, family: Family, labels: String, buckets: Buckets, ns: u64) {
        let key = (family, labels);
        let count = self.histograms.keys().filter(|(other, _)| *other == family).count();
        if count >= SERIES_MAX && !self.histograms.contains_key(&key) {
            self.leave_out(family);
            return;
        }
        self.histograms.entry(key).or_insert_with(|| Histogram::new(buckets)).observe(ns);
    }

    fn attestation(&mut self, it: &Attested) {
        if it.now == Attestation::Failed {
            self.attestation_failures = self.attestation_failures.saturating_add(1);
        }
    }

    fn certificate(&mut self, it: &Certificate) {
        let tier = it.tier.map_or("unknown", |tier| tier.name());
        let holder = it.device.as_ref().map_or(it.serial.as_str(), |device| device.as_str());
        let key = (tier, holder.to_owned());
        if it.action == CertificateAction::Revoke {
            self.certificates.remove(&key);
        } else if self.certificates.len() >= DEVICES_MAX && !self.certificates.contains_key(&key) {
            self.leave_out(Family::CertExpiry);
        } else {
            self.certificates.insert(key, it.not_after);
        }
    }

    fn decision(&mut self, it: &Decided) {
        let reason = it.answer.reason.map_or("none", |reason| reason.label());
        let effect = it.answer.effect.name();
        let labels =
            text::labels(&[("tier", it.tier.name()), ("effect", effect), ("reason", reason)]);
        if self.decisions.len() >= SERIES_MAX && !self.decisions.contains_key(&labels) {
            self.leave_out(Family::Decisions);
        } else {
            let count = self.decisions.entry(labels).or_default();
            *count = count.saturating_add(1);
        }
        if let Some(ns) = it.latency_ns {
            self.observe(Family::DecisionSeconds, String::new(), ANSWER, ns);
        }
    }

    fn emergency(&mut self, it: &Emergency) {
        if it.action == EmergencyAction::Start && !it.drill {
            self.activations = self.activations.saturating_add(1);
        }
    }

    fn finding(&mut self, it: &Finding) {
        let is_new = it.status == cordon_model::event::FindingStatus::New;
        if let (Some(ms), true) = (it.detection_ms, is_new) {
            let labels = text::labels(&[("class", it.evidence.name())]);
            let ns = ms.saturating_mul(NS_PER_MS);
            self.observe(Family::DetectionSeconds, labels, REACTION, ns);
        }
    }

    fn health(&mut self, point: Option<&PointId>, at: WallMs, it: &Health) {
        let Some(point) = point else { return };
        let known = self.reports.get(point);
        if known.is_some_and(|known| known.at > at) {
            return;
        }
        if known.is_none() && self.reports.len() >= SERIES_MAX {
            self.leave_out(Family::PolicyAge);
            return;
        }
        self.reports.insert(point.clone(), Report { at, health: it.clone() });
    }

    fn incident(&mut self, at: WallMs, it: &Incident) {
        let is_false = it.outcome.as_ref().is_some_and(|outcome| outcome.as_str() == "false-alarm");
        let is_closed = it.action == cordon_model::event::IncidentAction::Close;
        if let (Some(device), true, true) = (&it.device, is_false, is_closed) {
            self.false_alarm(device, at);
        }
    }

    fn inventory(&mut self, it: &Inventory) {
        if it.action == InventoryAction::Retire {
            self.certificates.retain(|(_, holder), _| holder != it.device.as_str());
        }
    }

    fn policy(&mut self, it: &PolicyChange) {
        if it.action == PolicyAction::Publish {
            self.generation = self.generation.max(Some(it.generation));
        }
    }

    fn state(&mut self, at: WallMs, it: &StateChange) {
        let is_cut_off = matches!(it.to, DeviceState::Contained | DeviceState::Isolated);
        if let (Some(ms), true) = (it.since_violation_ms, is_cut_off) {
            let labels = text::labels(&[("tier", it.tier.name())]);
            let ns = ms.saturating_mul(NS_PER_MS);
            self.observe(Family::QuarantineSeconds, labels, REACTION, ns);
        }
        if it.reason.as_str() == "false-alarm" {
            self.false_alarm(&it.device, at);
        }
    }

    fn false_alarm(&mut self, device: &DeviceId, at: WallMs) {
        if let Some(last) = self.false_alarms.get_mut(device) {
            *last = (*last).max(at);
            return;
        }
        if self.false_alarms.len() >= DEVICES_MAX {
            let oldest = at.0.saturating_sub(FALSE_ALARM_MS);
            self.false_alarms.retain(|_, last| last.0 >= oldest);
        }
        if self.false_alarms.len() >= DEVICES_MAX {
            self.leave_out(Family::FalseAlarms);
        } else {
            self.false_alarms.insert(device.clone(), at);
        }
    }

    /// Decision nodes and whether some point reaches them, by reports that still stand.
    fn nodes(&self, now: WallMs) -> BTreeMap<&WriterId, bool> {
        let mut nodes = BTreeMap::new();
        for health in self.fresh(now) {
            for node in &health.nodes_down {
                nodes.entry(node).or_insert(false);
            }
            for node in &health.nodes_up {
                nodes.insert(node, true);
            }
        }
        nodes
    }

    fn fresh(&self, now: WallMs) -> impl Iterator<Item = &Health> {
        let oldest = now.0.saturating_sub(REPORT_FRESH_MS);
        self.reports.values().filter(move |it| it.at.0 >= oldest).map(|it| &it.health)
    }

    /// The tiers of which a certificate is known.
    fn tiers(&self) -> BTreeSet<&'static str> {
        self.certificates.keys().map(|(tier, _)| *tier).collect()
    }
}

#[cfg(test)]
mod tests;
