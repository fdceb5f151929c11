//! `cordon explain`: why a device may or may not do something.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use cordon_model::{Act, Device, Direction, Endpoint, Hospital, Operation, Target, Transport};
use cordon_policy::explain::{Explanation, explain};
use cordon_policy::oracle::Oracle;
use serde_json::json;

use super::classify::unknown_device;
use super::{at, posture};
use crate::cli::Explain;
use crate::directory;
use crate::outcome::{Failure, Outcome};

pub(crate) fn run(args: &Explain) -> Result<Outcome, Failure> {
    let read = directory::load(&args.dir)?;
    let hospital = &read.hospital;
    let device = hospital.device(&args.device).ok_or_else(|| unknown_device(&args.device))?;
    let target = target(hospital, args)?;
    let posture = posture(&args.posture, device)?;
    let acts = acts(hospital, device, &target, args)?;
    let oracle = Oracle::new(hospital, &read.book);
    let now = at(args.posture.hour);
    let answers: Vec<Explanation> = acts
        .iter()
        .filter_map(|act| explain(hospital, &read.book, &oracle, act, posture, now))
        .collect();
    let denied = answers.iter().any(|answer| answer.verdict == "deny");
    let mut text = String::new();
    for group in alike(&answers) {
        write_answer(&mut text, device, &group);
    }
    Ok(Outcome::done(text, json!({ "answers": answers })).finding_if(denied))
}

fn target(hospital: &Hospital, args: &Explain) -> Result<Target, Failure> {
    if let Some((id, service)) = hospital.services.get_key_value(args.to.as_str()) {
        if let Some(port) = args.port.filter(|port| *port != service.port) {
            let message = format!("`{id}` is at port {}, not {port}", service.port);
            return Err(Failure::usage(message, "leave --port out, or name the address"));
        }
        return Ok(Target::Service(id.clone()));
    }
    if let Some(device) = hospital.device(&args.to) {
        return Ok(Target::Device(device.id.clone()));
    }
    let transport = if args.proto == "udp" { Transport::Udp } else { Transport::Tcp };
    if let Ok(socket) = args.to.parse::<SocketAddr>() {
        let (address, port) = (socket.ip(), socket.port());
        return Ok(hospital.target_at(Endpoint { address, port, transport }));
    }
    let Ok(address) = args.to.parse::<IpAddr>() else {
        let message = format!("`{}` is no service, no device and no IP address", args.to);
        let names: Vec<&str> = hospital.services.keys().map(|id| id.as_str()).collect();
        return Err(Failure::input(message, format!("the services are {}", names.join(", "))));
    };
    if let Some(port) = args.port {
        return Ok(hospital.target_at(Endpoint { address, port, transport }));
    }
    if let Some(device) = hospital.device_at(address) {
        return Ok(Target::Device(device.id.clone()));
    }
    let here: Vec<_> = hospital
        .services
        .iter()
        .filter(|(_, service)| service.addresses.contains(&address))
        .collect();
    match here.as_slice() {
        [] => Ok(Target::Address(Endpoint { address, port: 0, transport })),
        [(id, _)] => Ok(Target::Service((*id).clone())),
        several => {
            let names: Vec<&str> = several.iter().map(|(id, _)| id.as_str()).collect();
            let message = format!("several services are at {address}: {}", names.join(", "));
            Err(Failure::usage(message, "name the port with --port, or the service with --to"))
        }
    }
}

/// Gives the acts that a question means: the operation that was named, else all that the profile
/// declares, else the first of the service's protocol.
fn acts(
    hospital: &Hospital,
    device: &Device,
    target: &Target,
    args: &Explain,
) -> Result<Vec<Act>, Failure> {
    let wanted = match args.direction.as_deref() {
        Some("in") => Some(Direction::In),
        Some(_) => Some(Direction::Out),
        None => None,
    };
    let named = match &args.op {
        None => None,
        Some(text) => Some(text.parse::<Operation>().map_err(|error| {
            let names: Vec<&str> = Operation::all().map(Operation::name).collect();
            Failure::usage(error.to_string(), format!("use one of {}", names.join(", ")))
        })?),
    };
    let act = |direction, operation| Act {
        device: device.id.clone(),
        target: target.clone(),
        direction,
        operation,
    };
    let declared = declared(hospital, device, target);
    if let Some(operation) = named {
        let usual = declared.iter().find(|(_, other)| *other == operation).map(|(d, _)| *d);
        let direction = wanted.or(usual).unwrap_or(Direction::Out);
        return Ok(vec![act(direction, operation)]);
    }
    let fitting: Vec<Act> = declared
        .into_iter()
        .filter(|(direction, _)| wanted.is_none_or(|wanted| wanted == *direction))
        .map(|(direction, operation)| act(direction, operation))
        .collect();
    if !fitting.is_empty() {
        return Ok(fitting);
    }
    let protocol = match target {
        Target::Service(id) => hospital.services.get(id).map(|service| service.protocol),
        Target::Device(_) | Target::Address(_) => None,
    };
    let protocol = protocol.unwrap_or(cordon_model::Protocol::Opaque);
    let first = protocol.operations().next();
    Ok(first
        .map(|operation| act(wanted.unwrap_or(Direction::Out), operation))
        .into_iter()
        .collect())
}

fn declared(
    hospital: &Hospital,
    device: &Device,
    target: &Target,
) -> BTreeSet<(Direction, Operation)> {
    let mut found = BTreeSet::new();
    let (Target::Service(wanted), Some(profile)) = (target, hospital.profiles.get(&device.profile))
    else {
        return found;
    };
    for flow in &profile.flows {
        if hospital.resolve(flow, &device.building).any(|(id, _)| id == wanted) {
            found.extend(flow.operations.iter().map(|operation| (flow.direction, *operation)));
        }
    }
    found
}

/// Puts answers together that differ in nothing but the operation.
fn alike(answers: &[Explanation]) -> Vec<Vec<&Explanation>> {
    let mut groups: Vec<Vec<&Explanation>> = Vec::new();
    for answer in answers {
        let same = |other: &&Explanation| {
            let lines = |e: &Explanation| e.profile.as_ref().map(|p| (p.file.clone(), p.line));
            let rules = |e: &Explanation| e.rules.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
            other.verdict == answer.verdict
                && other.direction == answer.direction
                && other.reason == answer.reason
                && rules(other) == rules(answer)
                && lines(other) == lines(answer)
        };
        match groups.iter_mut().find(|group| group.first().is_some_and(same)) {
            Some(group) => group.push(answer),
            None => groups.push(vec![answer]),
        }
    }
    groups
}

/// Writes the answer to questions that differ in nothing but the operation.
pub(crate) fn write_answer(text: &mut String, device: &Device, group: &[&Explanation]) {
    let Some(answer) = group.first() else { return };
    let operations: Vec<&str> = group.iter().map(|answer| answer.operation.as_str()).collect();
    let arrow = if answer.direction == "out" { "→" } else { "←" };
    let verdict = match answer.reason {
        None => "PERMIT".to_owned(),
        Some(reason) => format!("DENY ({reason})"),
    };
    let _ = writeln!(
        text,
        "{verdict}  {} {arrow} {} {}\n",
        answer.device,
        answer.target,
        operations.join(", ")
    );
    let _ = writeln!(
        text,
        "  device   {}, {}, segment {}, {}\n  target   zone {}\n  assumed  state {}, identity {}, attestation {}{}",
        answer.kind,
        answer.tier,
        device.segment,
        device.attachment.name(),
        answer.zone,
        answer.posture.state,
        answer.posture.identity,
        answer.posture.attestation,
        if answer.posture.emergency { ", emergency mode" } else { "" }
    );
    match &answer.profile {
        Some(line) => {
            let lifeline = if line.lifeline { ", a lifeline" } else { "" };
            let _ =
                writeln!(text, "  profile  {}:{}{lifeline}: {}", line.file, line.line, line.text);
            if let Some(source) = &line.source {
                let _ = writeln!(text, "           source: {source}");
            }
        }
        None => {
            let _ = writeln!(text, "  profile  profiles/{}.toml does not declare it", answer.kind);
        }
    }
    if answer.rules.is_empty() {
        let _ = writeln!(text, "  rule     default-deny: what no policy permits is denied");
    }
    for rule in &answer.rules {
        let place = if rule.file.starts_with('(') {
            rule.file.clone()
        } else {
            format!("{}:{}", rule.file, rule.line)
        };
        let _ = writeln!(text, "  rule     {} {place}", rule.id);
        if let Some(plain) = &rule.plain {
            let _ = writeln!(text, "           {plain}");
        }
        if let Some(source) = &rule.source {
            let _ = writeln!(text, "           source: {source}");
        }
        for line in rule.text.lines().filter(|line| !line.trim_start().starts_with('@')) {
            let _ = writeln!(text, "           │ {line}");
        }
    }
    for line in &answer.change {
        let _ = writeln!(text, "  change   {line}");
    }
    text.push('\n');
}
