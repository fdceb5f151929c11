//! `cordon export metrics`: what journals and exporters come to, for Prometheus.

use std::fmt::Write as _;
use std::path::Path;

use cordon_control::export::format::Item;
use cordon_control::export::status::Status;
use cordon_control::metrics::Metrics;
use cordon_journal::verify::{self, find_streams, read_keys, verify_stream};
use cordon_model::{Label, WallMs};
use serde_json::json;

use crate::cli::ExportMetrics;
use crate::ledger::{Filter, Ledger};
use crate::moment::{self, Span};
use crate::outcome::{Failure, Outcome, chain};

/// What is counted over time is counted over so many milliseconds: 90 days.
const SPAN_MS: u64 = 90 * 86_400_000;

pub(super) fn run(args: &ExportMetrics) -> Result<Outcome, Failure> {
    let now = moment::now();
    let mut metrics = Metrics::default();
    let mut notes = String::new();
    for folder in &args.journal {
        let ledger = Ledger::open(folder)?;
        // A journal that cannot be read on is an answer too: the one that somebody waits for.
        if fold(&ledger, now, &mut metrics).is_err() {
            let _ = writeln!(
                notes,
                "{} cannot be read to its end: `cordon journal verify` says why",
                folder.display()
            );
        }
    }
    if args.verify {
        metrics.set_audit_chain_ok(are_sound(args)?);
    } else if !notes.is_empty() {
        metrics.set_audit_chain_ok(false);
    }
    if let Some(state) = &args.state {
        exporters(state, now, &mut metrics)?;
    }
    let mut text = String::new();
    metrics.render(now, &mut text);
    let json = json!({ "metrics": text });
    Ok(Outcome { notes, ..Outcome::done(text, json) })
}

fn fold(ledger: &Ledger, now: WallMs, metrics: &mut Metrics) -> Result<(), Failure> {
    let from = Some(WallMs(now.0.saturating_sub(SPAN_MS)));
    let mut walk = ledger.walk(Filter { span: Span { from, to: None }, ..Filter::default() })?;
    while let Some(stored) = walk.next()? {
        let (hash, after) = (stored.entry.leaf.to_string(), stored.record.after.to_string());
        metrics.fold(&Item {
            id: &stored.id,
            event: &stored.record.event,
            host: stored.id.writer.as_str(),
            time: stored.record.time,
            hash: &hash,
            after: &after,
        });
    }
    Ok(())
}

/// Verifies every stream; a writer may be running.
fn are_sound(args: &ExportMetrics) -> Result<bool, Failure> {
    let wrong = |error: verify::VerifyError| {
        Failure::input(chain(&error), "`cordon journal verify` says what is wrong, and where")
    };
    let options = verify::Options { live: true, ..verify::Options::default() };
    let mut is_sound = true;
    for journal in &args.journal {
        let path = journal.join(cordon_journal::layout::KEYS);
        let keys = read_keys(&path).map_err(wrong)?;
        for stream in find_streams(journal).map_err(wrong)? {
            is_sound &= verify_stream(&stream, &keys, &options).map_err(wrong)?.is_sound();
        }
    }
    Ok(is_sound)
}

fn exporters(state: &Path, now: WallMs, metrics: &mut Metrics) -> Result<(), Failure> {
    let entries = std::fs::read_dir(state).map_err(|error| Failure::path(state, &error))?;
    for entry in entries {
        let folder = entry.map_err(|error| Failure::path(state, &error))?.path();
        let name = folder.file_name().and_then(|name| name.to_str());
        let Some(name) = name.and_then(|name| Label::new(name).ok()) else { continue };
        let status = Status::load(&folder).map_err(|error| Failure::path(&folder, &error))?;
        let Some(status) = status else { continue };
        // What an exporter that no longer runs has left behind grows older by itself.
        let silent_s = now.wall().0.saturating_sub(status.at.0);
        let lag_s = if status.lag_s > 0 { status.lag_s.saturating_add(silent_s) } else { 0 };
        metrics.set_siem(&name, status.behind_bytes(), lag_s.saturating_mul(1_000));
    }
    Ok(())
}
