//! `cordon replay`: the shadow run before enforcement.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

mod event;

use cordon_model::{
    Act, Decision, Device, Direction, Endpoint, Hospital, Now, Operation, Posture, Reason, Report,
    Target, ZoneKind,
};
use cordon_policy::Engine;
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::json;

use super::check::thousands;
use super::{at, posture};
use crate::cli::Replay;
use crate::directory;
use crate::flows::{self, FlowRecord, FlowsError};
use crate::outcome::{Failure, Outcome, chain};
use crate::progress::Progress;
use crate::recorder::Recorder;
use event::Asked;

/// Up to this many flows are printed one by one; more are grouped unless `--all` is given.
const FLOWS_SHOWN: usize = 100;

/// What is read.
const READ: &str = "give a Zeek conn.log (TSV or JSON lines), a pcap or a pcapng";

/// How many devices are listed before the rest is counted.
const DEVICES_SHOWN: usize = 40;

/// The verdict on one recorded flow.
#[derive(Debug, Serialize)]
struct Verdict {
    file: String,
    line_or_frame: usize,
    ts: f64,
    src: IpAddr,
    sport: u16,
    dst: IpAddr,
    dport: u16,
    transport: String,
    device: Option<String>,
    tier: Option<&'static str>,
    target: String,
    direction: &'static str,
    verdict: &'static str,
    reason: Option<&'static str>,
    rules: Vec<String>,
    bytes: u64,
    /// Care or the building's work depends on the flow and it would be denied.
    would_break: bool,
    /// The frame came from another MAC address than the device's; through a router it always does.
    mac_differs: bool,
}

pub(crate) fn run(args: &Replay, progress: &Progress) -> Result<Outcome, Failure> {
    let read = directory::evaluate(&args.dir, progress)?;
    let mut recorder = Recorder::open(&args.recording, Some(&read.hospital.id))?;
    let policy = recorder.as_ref().map(|recorder| recorder.keep(&read.sources)).transpose()?;
    let asker = Asker::new(&read.hospital, &read.engine, args)?;
    let mut verdicts = Vec::new();
    let mut text = String::new();
    for path in &args.flows {
        let recording = flows::read(path).map_err(|error| refusal(&error, READ))?;
        for warning in &recording.warnings {
            let _ = writeln!(text, "warning: {}: {warning}", path.display());
        }
        let file = path.display().to_string();
        for record in &recording.records {
            let judged = asker.judge(record)?;
            verdicts.push(asker.verdict(record, &judged, &file));
            if let Some((recorder, policy)) = recorder.as_mut().zip(policy)
                && let Some(event) = event::event(record, &judged, (args.posture.hour, policy))
            {
                recorder.record(&event);
            }
        }
    }
    let denied = verdicts.iter().any(|verdict| verdict.verdict == "deny");
    if args.all || verdicts.len() <= FLOWS_SHOWN {
        for verdict in &verdicts {
            write_flow(&mut text, verdict);
        }
        text.push('\n');
    }
    let totals = totals(&mut text, &verdicts);
    let json = json!({ "flows": verdicts, "totals": totals });
    Ok(Outcome::done(text, json).finding_if(denied).recorded(recorder))
}

/// Says why a recording was not read; `read` is what can be.
pub(super) fn refusal(error: &FlowsError, read: &str) -> Failure {
    if let FlowsError::Malformed { faults, omitted, .. } = error {
        let mut report = Report::default();
        for fault in faults {
            let message = fault.message.clone();
            report.error(fault.label, fault.place.clone(), message, &fault.help);
        }
        report.omitted = *omitted;
        return Failure::Data(report);
    }
    let message = chain(error);
    match error {
        FlowsError::Unreadable { .. } => Failure::config(message, "check the path"),
        FlowsError::Unrecognized { .. }
        | FlowsError::Malformed { .. }
        | FlowsError::OverLimit { .. }
        | FlowsError::Stopped => Failure::input(message, read),
    }
}

/// Who is at each address, and the engine that answers.
struct Asker<'a> {
    hospital: &'a Hospital,
    engine: &'a Engine,
    devices: FxHashMap<IpAddr, &'a Device>,
    args: &'a Replay,
    now: Now,
    /// What is asked about a flow of which nothing is known.
    opaque: Operation,
}

impl<'a> Asker<'a> {
    fn new(hospital: &'a Hospital, engine: &'a Engine, args: &'a Replay) -> Result<Self, Failure> {
        let mut devices = FxHashMap::default();
        for device in &hospital.devices {
            devices.insert(IpAddr::V4(device.ip), device);
            if let Some(v6) = device.ipv6 {
                devices.insert(IpAddr::V6(v6), device);
            }
        }
        if let Some(device) = hospital.devices.first() {
            posture(&args.posture, device)?; // a wrong word shows before the flows are read
        }
        let opaque =
            "opaque.connect".parse().map_err(|_| Failure::Bug("no opaque act".to_owned()))?;
        Ok(Self { hospital, engine, devices, args, now: at(args.posture.hour), opaque })
    }

    fn judge(&self, record: &FlowRecord) -> Result<Judged<'a>, Failure> {
        match (self.devices.get(&record.src), self.devices.get(&record.dst)) {
            (Some(device), _) => self.judged(device, record, Direction::Out, record.dst),
            (None, Some(device)) => self.judged(device, record, Direction::In, record.src),
            (None, None) => Ok(Judged::stranger(record)),
        }
    }

    fn verdict(&self, record: &FlowRecord, judged: &Judged<'_>, file: &str) -> Verdict {
        let (source, sink) = (self.devices.get(&record.src), self.devices.get(&record.dst));
        let device = source.or(sink);
        let seen_mac = if source.is_some() { record.src_mac } else { record.dst_mac };
        Verdict {
            file: file.to_owned(),
            line_or_frame: record.line_or_frame,
            ts: record.ts_s,
            src: record.src,
            sport: record.sport,
            dst: record.dst,
            dport: record.dport,
            transport: record.transport.name().to_owned(),
            device: device.map(|device| device.id.to_string()),
            tier: device.map(|device| device.tier.name()),
            target: judged.target.clone(),
            direction: if source.is_some() || sink.is_none() { "out" } else { "in" },
            verdict: if judged.decision.is_permit() { "permit" } else { "deny" },
            reason: match &judged.decision {
                Decision::Permit { .. } => None,
                Decision::Deny { reason, .. } => Some(reason.label()),
            },
            rules: judged.decision.rules().iter().map(ToString::to_string).collect(),
            bytes: record.bytes_up.saturating_add(record.bytes_down),
            would_break: !judged.decision.is_permit() && judged.needed,
            mac_differs: device.zip(seen_mac).is_some_and(|(device, mac)| device.mac != mac),
        }
    }

    fn judged(
        &self,
        device: &'a Device,
        record: &FlowRecord,
        direction: Direction,
        peer: IpAddr,
    ) -> Result<Judged<'a>, Failure> {
        let posture = posture(&self.args.posture, device)?;
        if let Some(other) = self.devices.get(&peer) {
            let target = Target::Device(other.id.clone());
            return Ok(self.best(device, target, direction, &[self.opaque], posture, false));
        }
        let Some(transport) = record.transport.transport() else {
            let endpoint =
                Endpoint { address: peer, port: 0, transport: cordon_model::Transport::Tcp };
            let target = Target::Address(endpoint);
            return Ok(self.best(device, target, direction, &[self.opaque], posture, false));
        };
        let endpoint = Endpoint { address: peer, port: record.dport, transport };
        let services: Vec<_> = match direction {
            Direction::Out => {
                self.hospital.services.iter().filter(|(_, s)| s.is_at(&endpoint)).collect()
            }
            Direction::In => self
                .hospital
                .services
                .iter()
                .filter(|(_, s)| s.transport == transport && s.addresses.contains(&peer))
                .collect(),
        };
        let mut judged = None;
        for (id, service) in services {
            let operations =
                self.operations(device, id.as_str(), service.protocol, direction, record.dport);
            let needed = matches!(
                service.kind,
                ZoneKind::Clinical | ZoneKind::Operations | ZoneKind::Facility
            );
            let here = self.best(
                device,
                Target::Service(id.clone()),
                direction,
                &operations,
                posture,
                needed,
            );
            if here.decision.is_permit() {
                return Ok(here);
            }
            judged.get_or_insert(here);
        }
        let unlisted = || {
            self.best(device, Target::Address(endpoint), direction, &[self.opaque], posture, false)
        };
        Ok(judged.unwrap_or_else(unlisted))
    }

    /// A flow shows no operation: it may pass when some operation may. Towards a device, the port
    /// tells which declared flow it is.
    fn operations(
        &self,
        device: &Device,
        service: &str,
        protocol: cordon_model::Protocol,
        direction: Direction,
        port: u16,
    ) -> Vec<Operation> {
        if direction == Direction::Out {
            return protocol.operations().collect();
        }
        let Some(profile) = self.hospital.profiles.get(&device.profile) else { return Vec::new() };
        let meant = profile.flows.iter().filter(|flow| {
            flow.direction == Direction::In
                && flow.device_port == Some(port)
                && self
                    .hospital
                    .resolve(flow, &device.building)
                    .any(|(id, _)| id.as_str() == service)
        });
        let listed: Vec<Operation> = meant.flat_map(|flow| flow.operations.clone()).collect();
        if listed.is_empty() { vec![self.opaque] } else { listed }
    }

    fn best(
        &self,
        device: &'a Device,
        target: Target,
        direction: Direction,
        operations: &[Operation],
        posture: Posture,
        needed: bool,
    ) -> Judged<'a> {
        let name = target.to_string();
        let mut act = Act { device: device.id.clone(), target, direction, operation: self.opaque };
        let mut worst = None;
        for operation in operations {
            act.operation = *operation;
            let decision = self.engine.decide(&act, posture, self.now);
            if decision.is_permit() {
                let asked = Some(Asked { device, act, posture });
                return Judged { target: name, decision, needed, asked };
            }
            // Of several denials the one of a declared operation says most.
            let says_more = matches!(
                decision,
                Decision::Deny {
                    reason: Reason::NotPermitted | Reason::Forbidden | Reason::Guardrail,
                    ..
                }
            );
            if worst.is_none() || says_more {
                worst = Some((decision, *operation));
            }
        }
        let decision = match worst {
            Some((decision, operation)) => {
                act.operation = operation;
                decision
            }
            None => self.engine.decide(&act, posture, self.now),
        };
        Judged { target: name, decision, needed, asked: Some(Asked { device, act, posture }) }
    }
}

struct Judged<'a> {
    target: String,
    decision: Decision,
    needed: bool,
    /// What was asked; nothing where no device of the plan takes part.
    asked: Option<Asked<'a>>,
}

impl Judged<'_> {
    fn stranger(record: &FlowRecord) -> Self {
        let rules =
            cordon_model::RuleId::new("default-deny").into_iter().collect::<Vec<_>>().into();
        Self {
            target: format!("{}:{}", record.dst, record.dport),
            decision: Decision::Deny { reason: Reason::UnknownDevice, rules },
            needed: false,
            asked: None,
        }
    }
}

fn write_flow(text: &mut String, verdict: &Verdict) {
    let _ = writeln!(
        text,
        "{:<6} {}:{} {}:{} → {}:{} {}  {} {} {}{}",
        verdict.verdict,
        verdict.file,
        verdict.line_or_frame,
        verdict.src,
        verdict.sport,
        verdict.dst,
        verdict.dport,
        verdict.transport,
        verdict.device.as_deref().unwrap_or("(no device of the plan)"),
        verdict.reason.unwrap_or("by"),
        verdict.rules.join(", "),
        if verdict.would_break { "  WOULD BREAK" } else { "" }
    );
}

/// Flows of one device: permitted, denied, and those that would break.
type Counts = (usize, usize, usize);

fn write_devices(text: &mut String, devices: &BTreeMap<&str, Counts>) {
    if devices.len() < 2 {
        return;
    }
    text.push_str("\nby device: permitted, denied, would break\n");
    let mut worst: Vec<_> = devices.iter().collect();
    worst.sort_by_key(|(device, (_, deny, breaks))| (Reverse((*breaks, *deny)), **device));
    for (device, (permit, deny, breaks)) in worst.iter().take(DEVICES_SHOWN) {
        let _ = writeln!(text, "  {device:<32} {permit:>8} {deny:>8} {breaks:>8}");
    }
    if worst.len() > DEVICES_SHOWN {
        let more = worst.len() - DEVICES_SHOWN;
        let _ = writeln!(text, "  … and {more} more; --json lists all");
    }
    text.push('\n');
}

type Group<'a> = (&'a str, &'a str, &'a str, &'a str);

fn totals(text: &mut String, verdicts: &[Verdict]) -> serde_json::Value {
    let mut devices: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut groups: BTreeMap<Group<'_>, (usize, u64)> = BTreeMap::new();
    let (mut permitted, mut denied, mut breaking, mut foreign) = (0usize, 0usize, 0usize, 0usize);
    for verdict in verdicts {
        let name = verdict.device.as_deref().unwrap_or("(no device of the plan)");
        let counts = devices.entry(name).or_default();
        if verdict.verdict == "permit" {
            permitted += 1;
            counts.0 += 1;
            continue;
        }
        denied += 1;
        counts.1 += 1;
        counts.2 += usize::from(verdict.would_break);
        breaking += usize::from(verdict.would_break);
        foreign += usize::from(verdict.device.is_none());
        let group =
            (name, verdict.target.as_str(), verdict.direction, verdict.reason.unwrap_or(""));
        let (count, bytes) = groups.entry(group).or_default();
        *count += 1;
        *bytes = bytes.saturating_add(verdict.bytes);
    }
    let _ = writeln!(
        text,
        "{} flows: {} would be permitted, {} denied ({} of them from or to no device of the plan)",
        thousands(verdicts.len()),
        thousands(permitted),
        thousands(denied),
        thousands(foreign)
    );
    if denied > 0 && verdicts.len() > FLOWS_SHOWN {
        text.push_str("\nwould be denied:\n");
        let mut sorted: Vec<_> = groups.iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(a.1));
        for ((device, target, direction, reason), (count, bytes)) in sorted.into_iter().take(50) {
            let arrow = if *direction == "out" { "→" } else { "←" };
            let _ = writeln!(
                text,
                "  {:>8} × {device} {arrow} {target}: {reason}, {bytes} bytes",
                thousands(*count)
            );
        }
    }
    write_devices(text, &devices);
    let _ = writeln!(
        text,
        "{}",
        match breaking {
            _ if foreign == verdicts.len() =>
                "no device of the plan was seen: is this a recording of this hospital?".to_owned(),
            0 => "no flow to a service of care or of the building would break".to_owned(),
            count => format!(
                "{} flows to services of care or of the building WOULD BREAK",
                thousands(count)
            ),
        }
    );
    let per_device: Vec<_> = devices
        .into_iter()
        .map(|(device, (permit, deny, breaks))| {
            json!({ "device": device, "permitted": permit, "denied": deny, "would_break": breaks })
        })
        .collect();
    json!({
        "flows": verdicts.len(), "permitted": permitted, "denied": denied,
        "would_break": breaking, "unknown_device": foreign, "devices": per_device,
    })
}
