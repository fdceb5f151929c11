//! `cordon check`: everything that is wrong, or the sums.

use std::fmt::Write as _;

use cordon_policy::summary::{Summary, summary};
use serde_json::json;

use crate::cli::Dir;
use crate::directory;
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

pub(crate) fn run(args: &Dir, progress: &Progress) -> Result<Outcome, Failure> {
    let read = directory::evaluate(&args.dir, progress)?;
    let sums = summary(&read.hospital);
    let json = json!({
        "ok": true,
        "summary": sums,
        "policies": read.book.rules.iter().filter(|rule| !rule.is_guardrail()).count(),
        "guardrails": read.book.rules.iter().filter(|rule| rule.is_guardrail()).count(),
        "invariants": read.book.invariants.len(),
        "classes": read.engine.class_count(),
        "warnings": read.report.entries,
    });
    let mut text = sums_text(&sums);
    let guardrails = read.book.rules.iter().filter(|rule| rule.is_guardrail()).count();
    let _ = writeln!(
        text,
        "\n{} policies under {guardrails} guardrails; {} invariants to prove",
        read.book.rules.len() - guardrails,
        read.book.invariants.len()
    );
    Ok(Outcome::done(text, json).with(read.report))
}

/// Writes a number with thousands apart.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn counted(number: usize, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

fn sums_text(sums: &Summary) -> String {
    let mut text = format!("{}\n\n", sums.name);
    let row = |text: &mut String, name: &str, cells: [usize; 5]| {
        let cells = cells.map(thousands);
        let [tpm, software, legacy, devices, gateways] = cells;
        let _ = writeln!(
            text,
            "  {name:<8} {tpm:>7} {software:>13} {legacy:>8} {devices:>9} {gateways:>10}"
        );
    };
    let _ = writeln!(
        text,
        "  {:<8} {:>7} {:>13} {:>8} {:>9} {:>10}",
        "tier", "tpm", "software-key", "legacy", "devices", "gateways"
    );
    let mut total = [0usize; 5];
    for name in ["RED", "ORANGE", "YELLOW", "GREEN"] {
        let Some(sum) = sums.tiers.get(name) else { continue };
        let cells = [sum.tpm, sum.software_key, sum.legacy, sum.devices(), sum.gateways];
        for (all, cell) in total.iter_mut().zip(cells) {
            *all += cell;
        }
        row(&mut text, name, cells);
    }
    row(&mut text, "all", total);
    if sums.life_safety > 0 {
        let _ =
            writeln!(text, "  of GREEN, life safety (GREEN-LS): {}", thousands(sums.life_safety));
    }
    let _ = writeln!(text);
    for (name, count) in &sums.umbrellas {
        let _ = writeln!(text, "  {name:<20} {:>7}", thousands(*count));
    }
    let shared = match sums.shared_gateways {
        0 => "none".to_owned(),
        some => some.to_string(),
    };
    let _ = writeln!(
        text,
        "\n  {}, {}, {}, {}\n  {} with {}, {shared} shared between tiers\n  {} and {}",
        counted(sums.buildings, "building"),
        counted(sums.segments, "micro-segment"),
        counted(sums.service_segments, "service segment"),
        counted(sums.services, "service"),
        counted(sums.gateways, "gateway"),
        counted(sums.access_ports, "access port"),
        counted(sums.enforcement_points, "enforcement point"),
        counted(sums.guards, "service guard")
    );
    text
}
