//! `cordon classify`: each device's tier with its evidence, beside the declared one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cordon_policy::classify::{Classification, classify};
use serde_json::json;

use super::check::thousands;
use crate::cli::Classify;
use crate::directory;
use crate::outcome::{Failure, Outcome};

/// How many findings are printed before the rest is counted.
const FINDINGS_SHOWN: usize = 50;

pub(crate) fn run(args: &Classify) -> Result<Outcome, Failure> {
    let read = directory::load(&args.dir)?;
    let today = match &args.today {
        Some(day) => day
            .parse::<jiff::civil::Date>()
            .map_err(|_| {
                Failure::usage(format!("`{day}` is not a date"), "write it like 2027-03-31")
            })?
            .to_string(),
        None => jiff::ZonedDateTime::now().date().to_string(),
    };
    let hospital = &read.hospital;
    if let Some(id) = &args.device {
        let device = hospital.device(id).ok_or_else(|| unknown_device(id))?;
        let classification = classify(hospital, device, &today);
        let found = classification.finding;
        let text = one(&classification);
        return Ok(Outcome::done(text, json!(classification)).finding_if(found));
    }
    let all: Vec<Classification> =
        hospital.devices.iter().map(|device| classify(hospital, device, &today)).collect();
    let findings: Vec<&Classification> = all.iter().filter(|c| c.finding).collect();
    let found = !findings.is_empty();
    let text = table(&all, &findings);
    let json = json!({ "devices": all, "findings": findings.len() });
    Ok(Outcome::done(text, json).finding_if(found))
}

pub(crate) fn unknown_device(id: &str) -> Failure {
    Failure::input(format!("there is no device `{id}`"), "look it up in devices.csv")
}

fn one(of: &Classification) -> String {
    let mut text = format!(
        "{} ({})\n  derived   {}, confidence {}\n  declared  {}\n  exposure  {} of 100\n\n",
        of.device,
        of.kind,
        of.derived,
        of.confidence.name(),
        of.declared,
        of.exposure
    );
    for line in &of.evidence {
        let _ = writeln!(text, "  {:<8} {} → {}", line.from, line.says, line.follows);
    }
    if let Some(entry) = &of.overridden {
        let state = if entry.expired { "expired" } else { "in force" };
        let _ = writeln!(
            text,
            "\n  override  by {} until {} ({state}): {}",
            entry.who, entry.until, entry.why
        );
    }
    if of.finding {
        text.push_str("\n  FINDING: the declared tier is not what the evidence gives\n");
    }
    text
}

/// Type, derived tier, declared tier, confidence.
type Group<'a> = (&'a str, &'a str, &'a str, &'a str);

fn table(all: &[Classification], findings: &[&Classification]) -> String {
    let mut groups: BTreeMap<Group<'_>, (usize, u32, u8)> = BTreeMap::new();
    for c in all {
        let key = (c.kind.as_str(), c.derived.name(), c.declared.name(), c.confidence.name());
        let (count, sum, worst) = groups.entry(key).or_default();
        *count += 1;
        *sum += u32::from(c.exposure);
        *worst = (*worst).max(c.exposure);
    }
    let mut text = format!(
        "{:<18} {:<9} {:<9} {:<10} {:>8} {:>9} {:>6}\n",
        "type", "derived", "declared", "confidence", "devices", "exposure", "worst"
    );
    for ((kind, derived, declared, confidence), (count, sum, worst)) in groups {
        let mean = sum / u32::try_from(count).unwrap_or(u32::MAX);
        let _ = writeln!(
            text,
            "{kind:<18} {derived:<9} {declared:<9} {confidence:<10} {:>8} {mean:>9} {worst:>6}",
            thousands(count)
        );
    }
    let _ = writeln!(text, "\n{} devices, {} findings", thousands(all.len()), findings.len());
    for finding in findings.iter().take(FINDINGS_SHOWN) {
        let why = finding.evidence.first().map(|line| line.says.as_str()).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {}: derived {}, declared {} ({why}); see `cordon classify DIR --device {}`",
            finding.device, finding.derived, finding.declared, finding.device
        );
    }
    if findings.len() > FINDINGS_SHOWN {
        let _ =
            writeln!(text, "  … and {} more; --json lists all", findings.len() - FINDINGS_SHOWN);
    }
    text
}
