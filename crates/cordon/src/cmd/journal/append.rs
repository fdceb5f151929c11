//! `cordon journal append`: events of other programs, one JSON object a line.

use std::io::{self, BufRead as _, Read as _, Write as _};

use cordon_journal::record::RECORD_BYTES_MAX;
use cordon_model::event::Kind;
use cordon_model::{Event, HospitalId};
use serde_json::json;

use crate::cli::Append;
use crate::outcome::{Failure, Outcome};
use crate::recorder;

/// After this many records without --ack the command waits for the disk.
const AHEAD_MAX: u64 = 4_096;

pub(super) fn run(args: &Append) -> Result<Outcome, Failure> {
    let wrong = |error: cordon_model::id::IdError| Failure::usage(error.to_string(), "see --help");
    let hospital = args.hospital.as_deref().map(HospitalId::new).transpose().map_err(wrong)?;
    let is_new = recorder::Owner::of(&args.dir)?.is_none();
    if is_new && hospital.is_none() {
        let message = format!("{} is no journal yet", args.dir.display());
        return Err(Failure::usage(message, "name the hospital by --hospital to begin one"));
    }
    let key = args.journal_key.as_deref();
    let (journal, made) =
        recorder::open(&args.dir, key, args.writer.as_deref(), hospital.as_ref())?;
    let appended = append(args, &journal);
    // What was read is written also where a later line is wrong.
    let closed = super::close(journal);
    let count = appended?;
    closed?;
    let mut notes = format!("recorded {count} events in {}\n", args.dir.display());
    if let Some(path) = made {
        notes.push_str(&format!("  a key for the journal was made: {}\n", path.display()));
    }
    let outcome = Outcome::done(String::new(), json!({ "recorded": count }));
    Ok(Outcome { notes, ..outcome })
}

fn append(args: &Append, journal: &cordon_journal::journal::Journal) -> Result<u64, Failure> {
    let limit = u64::try_from(RECORD_BYTES_MAX).unwrap_or(u64::MAX);
    let mut input = io::stdin().lock();
    let mut out = io::stdout().lock();
    let mut line = Vec::new();
    let mut count = 0u64;
    loop {
        line.clear();
        let read = (&mut input).take(limit).read_until(b'\n', &mut line);
        if read.map_err(|error| Failure::config(error.to_string(), "try again"))? == 0 {
            return Ok(count);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let number = count + 1;
        let event: Event = serde_json::from_slice(&line).map_err(|error| {
            let message = format!("event {number} is none: {error}");
            Failure::input(message, "the form of events is in docs/reference/journal.md")
        })?;
        if event.what.kind() == Kind::Journal {
            let message = format!("event {number} is of the kind `journal`");
            return Err(Failure::input(message, "only the writer itself says what it did"));
        }
        let not_recorded = |error: &dyn std::error::Error| {
            let message = format!("event {number} was not recorded: {error}");
            Failure::config(message, "those before it are recorded; go on with this one")
        };
        let id = journal.append(&event).map_err(|error| not_recorded(&error))?;
        count = number;
        if args.ack || count.is_multiple_of(AHEAD_MAX) {
            journal.wait(&id).map_err(|error| not_recorded(&error))?;
        }
        if args.ack {
            writeln!(out, "{id}").and_then(|()| out.flush()).map_err(|error| {
                Failure::config(format!("the answer cannot be written: {error}"), "try again")
            })?;
        }
    }
}
