//! `cordon journal show`: records, one line each.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};

use serde_json::{Value, json};

use super::{event_id, filter};
use crate::cli::Show;
use crate::ledger::{self, Ledger, Stored};
use crate::moment;
use crate::outcome::{Failure, Outcome};

pub(super) fn run(args: &Show, json: bool) -> Result<Outcome, Failure> {
    let ledger = Ledger::open(&args.dir)?;
    if let Some(event) = &args.event {
        return whole(&ledger.find(&event_id(event)?)?);
    }
    let mut walk = ledger.walk(filter(&args.selection)?)?;
    let last = args.last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
    let mut kept = VecDeque::new();
    let mut out = BufWriter::new(io::stdout().lock());
    let mut shown = 0u64;
    let mut written = Ok(());
    while let Some(stored) = walk.next()? {
        match last {
            Some(last) => {
                if kept.len() == last {
                    kept.pop_front();
                }
                kept.push_back(stored);
            }
            None => {
                shown += 1;
                written = write(&mut out, &stored, json);
            }
        }
        if written.is_err() {
            break;
        }
    }
    for stored in &kept {
        shown += 1;
        written = written.and_then(|()| write(&mut out, stored, json));
    }
    finish(written.and_then(|()| out.flush()))?;
    let notes = if shown == 0 { "no record is like that\n".to_owned() } else { String::new() };
    let outcome = Outcome::done(String::new(), json!({ "shown": shown }));
    Ok(Outcome { notes, ..outcome })
}

/// A reader that went away is no error of ours; a full disk is one.
pub(super) fn finish(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let message = format!("the records cannot be written: {error}");
            Err(Failure::config(message, "make room, or write elsewhere"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes one record.
pub(super) fn write(out: &mut dyn Write, stored: &Stored, json: bool) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, &value(stored))?;
        return out.write_all(b"\n");
    }
    let mut text = String::new();
    ledger::line(&mut text, stored);
    out.write_all(text.as_bytes())
}

/// Gives a record for programs.
fn value(stored: &Stored) -> Value {
    json!({ "id": stored.id, "hash": stored.entry.leaf, "record": stored.record })
}

/// Shows everything of one record.
fn whole(stored: &Stored) -> Result<Outcome, Failure> {
    let record = &stored.record;
    let event = serde_json::to_string_pretty(&record.event)
        .map_err(|error| Failure::Bug(error.to_string()))?;
    let mut text = String::new();
    ledger::line(&mut text, stored);
    text.push_str(&format!(
        "  written  {}, by start {} of the writer\n  hash     {}\n  after    {}\n{event}\n",
        moment::write(record.time),
        record.run,
        stored.entry.leaf,
        record.after,
    ));
    Ok(Outcome::done(text, value(stored)))
}
