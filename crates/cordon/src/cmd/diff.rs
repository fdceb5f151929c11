//! `cordon diff`: verdicts gained and lost between two hospitals.

use std::fmt::Write as _;

use cordon_policy::diff::{Change, diff};
use serde_json::json;

use super::check::thousands;
use crate::cli::Diff;
use crate::directory;
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

pub(crate) fn run(args: &Diff, progress: &Progress) -> Result<Outcome, Failure> {
    let old = directory::evaluate(&args.dir_a, progress)?;
    let new = directory::evaluate(&args.dir_b, progress)?;
    let difference = diff((&old.hospital, &old.engine), (&new.hospital, &new.engine));
    let mut text = String::new();
    section(&mut text, "gained (permitted now, denied before)", &difference.gained);
    section(&mut text, "lost (denied now, permitted before)", &difference.lost);
    for (what, ids) in
        [("added", &difference.devices_added), ("removed", &difference.devices_removed)]
    {
        if !ids.is_empty() {
            let _ = writeln!(text, "devices {what}: {}", thousands(ids.len()));
            for id in ids.iter().take(20) {
                let _ = writeln!(text, "  {id}");
            }
        }
    }
    if difference.is_empty() {
        text.push_str("no verdict differs\n");
    }
    let differs = !difference.is_empty();
    Ok(Outcome::done(text, json!(difference)).finding_if(differs))
}

fn section(text: &mut String, title: &str, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}:");
    for change in changes {
        let arrow = if change.direction == "out" { "→" } else { "←" };
        let _ = writeln!(
            text,
            "  {} {} ({}) {arrow} {} {}: {}  e.g. {}",
            thousands(change.devices),
            change.kind,
            change.tier,
            change.service,
            change.operations.join(" "),
            change.postures,
            change.example
        );
    }
    text.push('\n');
}
