//! `cordon export run`, `check` and `status`: journals on their way to a SIEM.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cordon_control::export::config::{CONFIG_BYTES_MAX, Config, Exporter, Target};
use cordon_control::export::run::{self, Journal, Notice, Stop, Surroundings};
use cordon_control::export::status::{Phase, Status};
use cordon_control::export::words;
use cordon_model::{Label, Mono, Now};
use serde_json::{Value, json};

use crate::cli::ExportRun;
use crate::ledger::Ledger;
use crate::moment;
use crate::outcome::{Failure, Outcome, chain};

/// An exporter writes every few seconds; one that is silent for so many does not run.
const SILENT_S: u64 = 60;
/// How often it is looked whether all is delivered.
const LOOK: Duration = Duration::from_millis(100);

fn config(path: &Path) -> Result<Config, Failure> {
    let length = std::fs::metadata(path).map_err(|error| Failure::path(path, &error))?.len();
    if length > u64::try_from(CONFIG_BYTES_MAX).unwrap_or(0) {
        let message = format!("{} has {length} bytes", path.display());
        return Err(Failure::input(message, format!("at most {CONFIG_BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Failure::path(path, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let config = Config::parse(&text, folder).map_err(|error| {
        let message = format!("{}: {}", path.display(), chain(&error));
        Failure::input(message, "the settings are explained in docs/guide/siem.md")
    })?;
    if config.exporters.is_empty() {
        let message = format!("{} names no exporter", path.display());
        return Err(Failure::input(message, "add `[[exporter]]`; see docs/guide/siem.md"));
    }
    Ok(config)
}

fn target(exporter: &Exporter) -> (&'static str, String) {
    match &exporter.target {
        Target::Hec(hec) => ("hec", hec.url.clone()),
        Target::Syslog(syslog) => ("syslog", syslog.address.clone()),
        Target::File(lines) => ("file", lines.path.display().to_string()),
    }
}

/// Checks the settings, and that certificates and tokens are there.
pub(super) fn check(path: &Path) -> Result<Outcome, Failure> {
    let config = config(path)?;
    let mut text = String::new();
    let mut rows = Vec::new();
    let mut is_bad = false;
    for exporter in &config.exporters {
        let (kind, to) = target(exporter);
        let wrong = run::check(exporter).err().map(|error| chain(&error));
        is_bad |= wrong.is_some();
        let streams: Vec<&str> = exporter.streams.iter().map(|stream| stream.name()).collect();
        let word = if wrong.is_none() { "good" } else { "BAD " };
        let _ = write!(text, "{word}  {}: {kind} to {to}, {}", exporter.name, streams.join(", "));
        if let Some(wrong) = &wrong {
            let _ = write!(text, ": {wrong}");
        }
        text.push('\n');
        rows.push(json!({ "name": exporter.name, "kind": kind, "to": to, "streams": streams,
            "error": wrong }));
    }
    Ok(Outcome::done(text, json!({ "exporters": rows })).finding_if(is_bad))
}

pub(super) fn run(args: &ExportRun) -> Result<Outcome, Failure> {
    let config = config(&args.config)?;
    let mut journals = Vec::new();
    for folder in &args.journal {
        let ledger = Ledger::open(folder)?;
        if journals.iter().any(|known: &Journal| known.writer == *ledger.writer()) {
            let message = format!("two journals are written by `{}`", ledger.writer());
            let help = "their records would bear the same names: give each its --state and config";
            return Err(Failure::input(message, help));
        }
        journals.push(Journal { folder: folder.clone(), writer: ledger.writer().clone() });
    }
    std::fs::create_dir_all(&args.state).map_err(|error| Failure::path(&args.state, &error))?;
    let (stop, is_failed, start) = (Stop::default(), AtomicBool::new(false), Instant::now());
    let began = moment::now().wall();
    let clock = || Now {
        mono: Mono(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)),
        wall: moment::now().wall(),
    };
    let tell = |name: &Label, notice: &Notice<'_>| {
        let text = match notice {
            Notice::Alarm(alarm, true) => format!("alarm: {name}: {}", alarm.label()),
            Notice::Alarm(alarm, false) => format!("over: {name}: {}", alarm.label()),
            Notice::Failed(error) => {
                is_failed.store(true, Ordering::Relaxed);
                format!("error: {name}: {}", chain(error))
            }
        };
        let _ = writeln!(anstream::stderr(), "{} {text}", moment::write(moment::now()));
    };
    let surroundings = Surroundings {
        journals: &journals,
        state: &args.state,
        stop: &stop,
        clock: &clock,
        words: &words::of,
        tell: &tell,
    };
    let is_done = |exporter: &Exporter| {
        let status = Status::load(&args.state.join(exporter.name.as_str())).ok().flatten();
        status.is_some_and(|status| status.at >= began && status.behind_records() == 0)
    };
    thread::scope(|scope| {
        let running = scope.spawn(|| run::run(&config, &surroundings));
        while args.once && !running.is_finished() {
            let is_late = start.elapsed() > Duration::from_secs(u64::from(args.limit_s));
            let is_over = is_late || is_failed.load(Ordering::Relaxed);
            if is_over || config.exporters.iter().all(is_done) {
                stop.stop();
                break;
            }
            thread::park_timeout(LOOK);
        }
    });
    let outcome = status(&args.state)?;
    let is_left = !config.exporters.iter().all(is_done);
    Ok(outcome.finding_if(is_left || is_failed.load(Ordering::Relaxed)))
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Waiting => "waiting",
        Phase::Refused => "refused",
        Phase::Standing => "standing",
        Phase::Stopped => "stopped",
    }
}

/// Says how the exporters are, by what they wrote last.
pub(super) fn status(state: &Path) -> Result<Outcome, Failure> {
    let entries = std::fs::read_dir(state).map_err(|error| Failure::path(state, &error))?;
    let mut folders = Vec::new();
    for entry in entries {
        folders.push(entry.map_err(|error| Failure::path(state, &error))?.path());
    }
    folders.sort();
    let mut text = String::new();
    let mut rows: Vec<Value> = Vec::new();
    let mut is_bad = false;
    for folder in folders {
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { continue };
        let status = Status::load(&folder).map_err(|error| Failure::path(&folder, &error))?;
        let Some(status) = status else { continue };
        let silent_s = moment::now().wall().0.saturating_sub(status.at.0);
        let is_silent = status.phase != Phase::Stopped && silent_s > SILENT_S;
        is_bad |= !status.alarms.is_empty() || is_silent || status.dead_letters > 0;
        let at = moment::write(cordon_model::WallMs(status.at.0.saturating_mul(1_000)));
        let _ = writeln!(
            text,
            "{name}: {} at {at}, {} records behind, {} s late, {} set aside, {} lost",
            phase(status.phase),
            status.behind_records(),
            status.lag_s,
            status.dead_letters,
            status.lost_records()
        );
        if is_silent {
            let _ =
                writeln!(text, "  alarm: nothing was heard of it for {silent_s} s: is it running?");
        }
        if status.dead_letters > 0 {
            let _ = writeln!(text, "  alarm: see dead-letters.jsonl, and move it away when done");
        }
        for alarm in &status.alarms {
            let _ = writeln!(text, "  alarm: {alarm}");
        }
        if let Some(error) = &status.last_error {
            let _ = writeln!(text, "  last fault: {error}");
        }
        rows.push(json!({ "name": name, "status": status }));
    }
    if rows.is_empty() {
        text.push_str("no exporter has run here\n");
    }
    Ok(Outcome::done(text, json!({ "exporters": rows })).finding_if(is_bad))
}
