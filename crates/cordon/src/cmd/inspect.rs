//! `cordon inspect`: reads captured conversations and judges every message.

use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;

use cordon_core::inspect::{Column, Reason};
use cordon_model::{Protocol, Tier};
use indicatif::ProgressBar;
use serde_json::json;

use super::replay::refusal;
use crate::cli::Inspect;
use crate::directory;
use crate::flows::capture::Tally;
use crate::flows::{self, FlowsError};
use crate::inspect::{Findings, Pipeline, Rules, Show, Sink, Told};
use crate::outcome::{Exit, Failure, Outcome};
use crate::progress::Progress;
use crate::recorder::Recorder;

pub(crate) fn run(args: &Inspect, json: bool, progress: &Progress) -> Result<Outcome, Failure> {
    let Some(file) = &args.file else { return Ok(reasons()) };
    let (rules, mut recorder) = match &args.hospital {
        Some(dir) => {
            let read = directory::evaluate(dir, progress)?;
            let recorder = Recorder::open(&args.recording, Some(&read.hospital.id))?;
            recorder.as_ref().map(|recorder| recorder.keep(&read.sources)).transpose()?;
            (Rules::of_hospital(&read), recorder)
        }
        None => (Rules::of_tier(tier(&args.tier)?), Recorder::open(&args.recording, None)?),
    };
    let told = Told { protocol: Protocol::from_name(&args.protocol), rules: &rules };
    let show = match (json, args.stats) {
        (_, true) => Show::Sums,
        (true, false) => Show::Json,
        (false, false) => Show::Text,
    };
    let stdout = io::stdout().lock();
    // Lines of records and a bar on one terminal would spoil each other.
    let bar = if show == Show::Text && stdout.is_terminal() {
        ProgressBar::hidden()
    } else {
        bar(file, progress)
    };
    let mut out = BufWriter::new(stdout);
    let read = read(file, &told, Sink::new(&mut out, show).recording(recorder.as_mut()), &bar);
    bar.finish_and_clear();
    let flushed = out.flush();
    drop(out);
    let findings = read?;
    match findings.error.map_or(flushed, Err) {
        Ok(()) => {}
        // A reader that went away is no error of ours, and needs no sums.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            let exit = if findings.found { Exit::Finding } else { Exit::Done };
            let outcome = Outcome::done(String::new(), json!({}));
            return Ok(Outcome { exit, ..outcome }.recorded(recorder));
        }
        Err(error) => {
            let message = format!("the records cannot be written: {error}");
            return Err(Failure::config(message, "make room, or write elsewhere"));
        }
    }
    let mut text = String::new();
    if show == Show::Text {
        text.push('\n');
    }
    text.push_str(&findings.text);
    let mut notes = String::new();
    for warning in &findings.warnings {
        let _ = writeln!(notes, "warning: {}: {warning}", file.display());
    }
    let outcome = Outcome::done(text, json!({ "summary": findings.json }));
    Ok(Outcome { notes, ..outcome }.finding_if(findings.found).recorded(recorder))
}

fn read(
    file: &Path,
    told: &Told<'_>,
    sink: Sink<'_>,
    bar: &ProgressBar,
) -> Result<Findings, Failure> {
    let mut pipeline = Pipeline::new(told, sink);
    let tally = flows::read_frames(file, bar, &mut |captured| {
        pipeline.frame(captured);
        if pipeline.is_stuck() { Err(FlowsError::Stopped) } else { Ok(()) }
    });
    let tally = match tally {
        Err(FlowsError::Stopped) => Tally::default(),
        tally => tally.map_err(|error| refusal(&error, "give a pcap or a pcapng"))?,
    };
    Ok(pipeline.finish(tally.frames, (tally.warnings(), tally.end())))
}

fn bar(path: &Path, progress: &Progress) -> ProgressBar {
    let length = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    match length {
        Some(length) => progress.bar(length.len(), "reading the capture"),
        None => progress.spinner("reading the capture"),
    }
}

fn tier(name: &str) -> Result<Tier, Failure> {
    let tier = Tier::ALL.into_iter().find(|tier| tier.name().eq_ignore_ascii_case(name));
    tier.ok_or_else(|| Failure::usage(format!("`{name}` is not a tier"), "see --help"))
}

/// Prints the table of reasons.
fn reasons() -> Outcome {
    let mut text = String::from(
        "# What inspection remarks and stops\n\n\
         `cordon inspect --reasons` prints this table; docs/inspectors.md explains it. An alarm that can be \
         recognised\npasses whatever stands here, and on a lifeline nothing is stopped for what cannot be \
         read of it.\n\n| reason |",
    );
    for column in Column::ALL {
        let _ = write!(text, " {} |", column.name());
    }
    text.push_str(" meaning |\n|---|");
    text.push_str(&"---|".repeat(Column::ALL.len() + 1));
    text.push('\n');
    let mut rows = Vec::new();
    for reason in Reason::ALL {
        let _ = write!(text, "| `{}` |", reason.label());
        let mut effects = serde_json::Map::new();
        for column in Column::ALL {
            let effect = reason.effect(column).name();
            let _ = write!(text, " {effect} |");
            effects.insert(column.name().to_owned(), effect.into());
        }
        let _ = writeln!(text, " {} |", reason.meaning());
        rows.push(json!({
            "reason": reason.label(), "meaning": reason.meaning(), "effects": effects,
        }));
    }
    Outcome::done(text, json!({ "reasons": rows }))
}
