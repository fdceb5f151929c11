//! `cordon bundle`: show and verify sealed bundles.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cordon_model::Bundle;
use cordon_model::seal::{self, Seal};
use cordon_policy::words;
use serde_json::json;

use crate::cli;
use crate::outcome::{Failure, Outcome, chain};

/// How many devices are listed before the rest is counted.
const DEVICES_SHOWN: usize = 25;

pub(crate) fn run(args: &cli::Bundle) -> Result<Outcome, Failure> {
    match args {
        cli::Bundle::Show { file } => show(file),
        cli::Bundle::Verify { files, key } => verify(files, key.as_deref()),
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let length = fs::metadata(file).map_err(|error| Failure::path(file, &error))?.len();
    if length > seal::SEALED_BYTES_MAX as u64 {
        let message = format!("{} has {length} bytes", file.display());
        return Err(Failure::input(message, "this is no bundle"));
    }
    let bytes = fs::read(file).map_err(|error| Failure::path(file, &error))?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::input(format!("{} is not UTF-8", file.display()), "this is no bundle")
    })
}

fn show(file: &Path) -> Result<Outcome, Failure> {
    let text = read(file)?;
    let bundle = seal::peek(&text).map_err(|error| {
        let message = format!("{}: {}", file.display(), chain(&error));
        Failure::input(message, "`cordon compile` writes bundles")
    })?;
    Ok(Outcome::done(shown(&bundle), json!(bundle)))
}

fn shown(bundle: &Bundle) -> String {
    let mut text = format!(
        "{} ({}) of {}\n  number {}, parent {}\n  stale after {} s without a decision point\n",
        bundle.point,
        bundle.role.name(),
        bundle.hospital,
        bundle.number,
        bundle.parent.as_deref().unwrap_or("none"),
        bundle.age_max_s
    );
    for rules in &bundle.tiers {
        let _ = writeln!(
            text,
            "\n  {}: tolerates {} s, alert within {} s, contained within {} s",
            rules.tier,
            rules.plan.tolerated_downtime_s,
            rules.plan.alert_within_s,
            rules.plan.contain_within_s
        );
        for (failure, action) in &rules.failures {
            let words =
                |value: serde_json::Value| value.as_str().unwrap_or_default().replace('-', " ");
            let _ = writeln!(text, "    {:<20} {}", words(json!(failure)), words(json!(action)));
        }
    }
    for (number, list) in bundle.flow_lists.iter().enumerate() {
        let users: Vec<&str> = bundle
            .devices
            .iter()
            .filter(|d| d.flow_list == number)
            .map(|d| d.id.as_str())
            .collect();
        let _ = writeln!(text, "\n  flows of {} device(s):", users.len());
        for flow in list {
            write_flow(&mut text, bundle, flow);
        }
        for id in users.iter().take(DEVICES_SHOWN) {
            let _ = writeln!(text, "      {id}");
        }
        if users.len() > DEVICES_SHOWN {
            let _ = writeln!(text, "      … and {} more", users.len() - DEVICES_SHOWN);
        }
    }
    text
}

fn write_flow(text: &mut String, bundle: &Bundle, flow: &cordon_model::bundle::BundleFlow) {
    let service = bundle.services.get(flow.service);
    let arrow = if flow.direction == cordon_model::Direction::Out { "→" } else { "←" };
    let verbs: Vec<&str> = flow.operations.iter().map(|operation| operation.name()).collect();
    let when = bundle.postures.get(flow.postures).map(words::postures).unwrap_or_default();
    let rules: Vec<&str> = flow.rules.iter().map(|rule| rule.as_str()).collect();
    let mut marks = Vec::new();
    if let Some(hours) = flow.hours {
        marks.push(words::hours(hours));
    }
    if flow.lifeline {
        marks.push("lifeline".to_owned());
    }
    if let Some(rate) = flow.api_rate_per_minute {
        marks.push(format!("{rate} calls/min"));
    }
    if flow.inspector.is_some() {
        marks.push("inspected".to_owned());
    }
    let name = service.map(|service| service.id.as_str()).unwrap_or_default();
    let _ = writeln!(
        text,
        "    {arrow} {name} {}\n        {when}; by {}{}",
        verbs.join(" "),
        rules.join(", "),
        if marks.is_empty() { String::new() } else { format!("; {}", marks.join(", ")) }
    );
}

fn verify(files: &[std::path::PathBuf], key: Option<&Path>) -> Result<Outcome, Failure> {
    let mut text = String::new();
    let mut rows = Vec::new();
    let mut bad = 0usize;
    for file in files {
        let beside = file.with_file_name("signing.pub");
        let key_file = key.unwrap_or(&beside);
        let key_text =
            fs::read_to_string(key_file).map_err(|error| Failure::path(key_file, &error))?;
        let seal = Seal::parse(&key_text).map_err(|error| {
            Failure::input(
                format!("{}: {error}", key_file.display()),
                "name the public key with --key",
            )
        })?;
        match seal.open(&read(file)?) {
            Ok(bundle) => {
                let _ = writeln!(
                    text,
                    "good  {} number {} ({})",
                    bundle.point,
                    bundle.number,
                    file.display()
                );
                rows.push(json!({ "file": file, "good": true, "point": bundle.point, "number": bundle.number }));
            }
            Err(error) => {
                bad += 1;
                let why = chain(&error);
                let _ = writeln!(text, "BAD   {}: {why}", file.display());
                rows.push(json!({ "file": file, "good": false, "why": why }));
            }
        }
    }
    if files.len() > 1 {
        let _ = writeln!(text, "{} bundles, {bad} bad", files.len());
    }
    let json = json!({ "bundles": rows, "bad": bad });
    if bad > 0 {
        // A bundle that does not verify is wrong data: scripts must not take it for a mere finding.
        let mut outcome = Outcome::done(text, json);
        outcome.exit = crate::outcome::Exit::Data;
        return Ok(outcome);
    }
    Ok(Outcome::done(text, json))
}
