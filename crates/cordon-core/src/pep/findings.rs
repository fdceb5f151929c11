//! From stopped packets to findings: one at once, then at most one update an interval.
//!
//! Invariant: a source fills its own part of the table only; beyond it, what it does is counted
//! together and stays visible.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cordon_model::event::{Finding, FindingAction, FindingStatus, What};
use cordon_model::{DeviceId, Evidence, Label, Mono, Now, Transport};

use super::blame::{self, Rule};
use super::input::{Attempted, Denied};
use super::limits::{Counts, Limits};
use super::packet::Packet;
use super::roll::Roll;
use super::{Effect, after_s, standing};

/// After this silence a finding is over, and the same again is a new one.
/// # Units
/// Seconds.
pub const FINDING_IDLE_S: u64 = 15 * 60;

/// Who is held to its part of the table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// A device that is blamed.
    Device(DeviceId),
    /// Whoever is behind an interface.
    Interface(Label),
    /// Whoever came in by an interface that was not told.
    Unknown,
}

/// Where something was meant to go.
type Destination = (Option<IpAddr>, Option<u16>, Option<Transport>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    source: Source,
    rule: Rule,
    /// None for all destinations that are not told apart.
    to: Option<Destination>,
}

#[derive(Debug)]
struct Open {
    finding: Box<Finding>,
    last: Mono,
    bytes: u64,
    /// Whether there is more than was recorded.
    has_more: bool,
}

/// What is open of one source.
#[derive(Debug)]
struct Share {
    count: usize,
    first: Mono,
    /// Where the last packet was counted.
    last: Key,
    /// Bytes that were logged since the kernel's counters were read.
    logged: u64,
}

/// The open findings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    open: BTreeMap<Key, Open>,
    shares: BTreeMap<Source, Share>,
    number: u64,
}

impl Findings {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes a stopped packet; gives the device against which it is deterministic evidence.
    pub(super) fn denied(
        &mut self,
        now: Now,
        roll: &Roll,
        limits: &Limits,
        denied: &Denied<'_>,
        counts: &mut Counts,
        out: &mut Vec<Effect>,
    ) -> Option<DeviceId> {
        let packet = Packet::read(denied.family, denied.packet);
        counts.denied_packets += 1;
        counts.denied_bytes = counts.denied_bytes.saturating_add(packet.bytes);
        if packet.src.is_none() {
            counts.unreadable += 1;
        }
        let rule = blame::rule(roll, denied, &packet);
        let mut finding = blame::judge(roll, denied, &packet, rule)?;
        let source = match (&finding.device, denied.interface.map(Label::new)) {
            (Some(device), _) => Source::Device(device.clone()),
            (None, Some(Ok(interface))) => Source::Interface(interface),
            (None, Some(Err(_)) | None) => Source::Unknown,
        };
        let evidence = rule.evidence();
        let mut key =
            Key { source, rule, to: Some((packet.dst, packet.dst_port, packet.transport)) };
        let blamed = finding.device.clone().filter(|_| evidence >= Evidence::E3);
        let share = self.shares.get(&key.source).map_or(0, |share| share.count);
        if !self.open.contains_key(&key) && share >= limits.findings_per_source_max {
            key.to = None;
            finding.dst = cordon_model::event::Party::default();
        }
        if self.add(now, &key, packet.bytes) {
            return blamed;
        }
        // The last place of a source is for all that is not told apart.
        if self.open.len() >= limits.findings_max {
            counts.findings_lost += 1;
            return blamed;
        }
        let Some(name) = self.name(now, roll) else { return blamed };
        finding.name = name;
        finding.attempted_bytes = Some(packet.bytes);
        finding.detection_ms = Some(standing::ms_since(now.mono, denied.seen));
        out.push(roll.record(now, What::Finding(finding.clone())));
        self.begin(now, key, finding, packet.bytes);
        blamed
    }

    /// Adds a packet to a finding that is open.
    fn add(&mut self, now: Now, key: &Key, bytes: u64) -> bool {
        let Some(open) = self.open.get_mut(key) else { return false };
        open.bytes = open.bytes.saturating_add(bytes);
        open.last = now.mono;
        open.has_more = true;
        if let Some(share) = self.shares.get_mut(&key.source) {
            share.logged = share.logged.saturating_add(bytes);
            share.last = key.clone();
        }
        true
    }

    fn begin(&mut self, now: Now, key: Key, finding: Box<Finding>, bytes: u64) {
        let first = now.mono;
        let share = self.shares.entry(key.source.clone()).or_insert_with(|| Share {
            count: 0,
            first,
            last: key.clone(),
            logged: 0,
        });
        share.count += 1;
        share.logged = share.logged.saturating_add(bytes);
        share.last = key.clone();
        self.open.insert(key, Open { finding, last: now.mono, bytes, has_more: false });
    }

    /// Adds what the kernel counted and did not log to the last finding about the device.
    pub(super) fn attempted(
        &mut self,
        now: Now,
        roll: &Roll,
        attempted: Attempted,
        counts: &mut Counts,
    ) {
        let Some(device) = roll.at(attempted.address) else { return };
        let Some(share) = self.shares.get_mut(&Source::Device(device.id.clone())) else { return };
        // What was logged meanwhile is in both.
        let more = attempted.bytes.saturating_sub(share.logged);
        share.logged = share.logged.saturating_sub(attempted.bytes);
        counts.denied_bytes = counts.denied_bytes.saturating_add(more);
        let Some(open) = self.open.get_mut(&share.last).filter(|_| more > 0) else { return };
        open.bytes = open.bytes.saturating_add(more);
        open.last = now.mono;
        open.has_more = true;
    }

    /// Says since when there are findings about a device.
    pub(super) fn since(&self, device: &DeviceId) -> Option<Mono> {
        self.shares.get(&Source::Device(device.clone())).map(|share| share.first)
    }

    /// Records what has become more since the last interval, and forgets what is over.
    pub(super) fn sweep(&mut self, now: Now, roll: &Roll, out: &mut Vec<Effect>) {
        let Self { open, shares, .. } = self;
        open.retain(|key, open| {
            if open.has_more {
                open.has_more = false;
                open.finding.status = FindingStatus::Update;
                open.finding.attempted_bytes = Some(open.bytes);
                out.push(roll.record(now, What::Finding(open.finding.clone())));
            }
            let is_over = now.mono >= after_s(open.last, FINDING_IDLE_S);
            if is_over && let Some(share) = shares.get_mut(&key.source) {
                share.count = share.count.saturating_sub(1);
            }
            !is_over
        });
        shares.retain(|_, share| share.count > 0);
    }

    /// Makes a name that no other finding of this point has.
    fn name(&mut self, now: Now, roll: &Roll) -> Option<Label> {
        self.number += 1;
        let (point, start, number) = (&roll.bundle().point, now.wall.0, self.number);
        let long = Label::new(&format!("{point}-{start:x}-{number}"));
        long.or_else(|_| Label::new(&format!("{start:x}-{number}"))).ok()
    }
}

/// Makes a finding of which only the name and the figures are missing.
pub(super) fn template(rule: Rule) -> Option<Finding> {
    let label = Label::new(rule.label()).ok()?;
    Some(Finding {
        action: FindingAction::Blocked,
        attempted_bytes: None,
        detection_ms: None,
        device: None,
        dhcp: None,
        dst: cordon_model::event::Party::default(),
        evidence: rule.evidence(),
        ja4: None,
        name: label.clone(),
        operation: None,
        planned_mac: None,
        rule: label,
        seen_in: Vec::new(),
        segment: None,
        src: cordon_model::event::Party::default(),
        status: FindingStatus::New,
        switch_port: None,
        tier: None,
        transport: None,
        ttl: None,
        vlan: None,
    })
}
