//! `cordon journal export`: records in another system's format, once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use cordon_control::export::format::syslog::{self, Body};
use cordon_control::export::format::{Item, atna, cef, hec, jsonl, leef, ocsf};
use cordon_model::Label;
use cordon_model::event::JournalNote;
use serde_json::json;

use super::{filter, prove, show};
use crate::cli::{ExportOnce, Format};
use crate::ledger::{Ledger, Stored};
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

mod table;

/// Longest message of syslog.
/// # Source
/// RFC 5425 §4.3.1: receivers should take 8,192 octets; records fit into 65,536.
const SYSLOG_BYTES_MAX: usize = 65_536;

/// How many records went out, and how many the format has no words for.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    exported: u64,
    left_out: u64,
}

pub(super) fn run(args: &ExportOnce, progress: &Progress) -> Result<Outcome, Failure> {
    if args.proofs && args.format != Format::Jsonl {
        let message = "--proofs goes with --format jsonl only";
        return Err(Failure::usage(message, "no other format has a place for them"));
    }
    let ledger = Ledger::open(&args.dir)?;
    let filter = filter(&args.selection)?;
    let (mut out, is_file): (Box<dyn Write>, bool) = match &args.output {
        Some(path) => {
            let file = File::create(path).map_err(|error| Failure::path(path, &error))?;
            (Box::new(BufWriter::new(file)), true)
        }
        None => (Box::new(BufWriter::new(io::stdout().lock())), false),
    };
    let spinner = progress.spinner("exporting");
    let mut sums = Sums::default();
    let mut walk = ledger.walk(filter)?;
    let mut written = if args.format == Format::Csv { table::head(&mut out) } else { Ok(()) };
    while written.is_ok() {
        let Some(stored) = walk.next()? else { break };
        written = if args.proofs {
            sums.exported += 1;
            let (line, proof) = prove::proof_of(&ledger, &stored)?;
            let row = json!({ "id": stored.id, "line": line, "proof": proof });
            writeln!(out, "{row}")
        } else {
            write(&mut out, &stored, args.format, &mut sums)
        };
    }
    let written = written.and_then(|()| out.flush());
    drop(out);
    spinner.finish_and_clear();
    show::finish(written)?;
    record(args, sums.exported)?;
    let mut notes = format!("exported {} records", sums.exported);
    if sums.left_out > 0 {
        notes.push_str(&format!("; the format has no words for {} more", sums.left_out));
    }
    notes.push('\n');
    let json = json!({ "exported": sums.exported, "left_out": sums.left_out });
    // Records on standard output are the answer; the sums must not stand between them.
    let json = if is_file { json } else { json!(null) };
    Ok(Outcome { notes, ..Outcome::done(String::new(), json) })
}

/// Writes a record as one line.
fn write(out: &mut dyn Write, stored: &Stored, format: Format, sums: &mut Sums) -> io::Result<()> {
    let (after, hash) = (stored.record.after.to_string(), stored.entry.leaf.to_string());
    let item = Item {
        after: &after,
        event: &stored.record.event,
        hash: &hash,
        host: stored.id.writer.as_str(),
        id: &stored.id,
        time: stored.record.time,
    };
    let syslog = |body| syslog::message(&item, body, SYSLOG_BYTES_MAX).map(|message| message.text);
    let line = match format {
        Format::Jsonl => Some(jsonl::line(&item)),
        Format::Hec => Some(hec::line(&item, None)),
        Format::Ocsf => Some(ocsf::line(&item)),
        Format::Cef => Some(cef::line(&item)),
        Format::Leef => Some(leef::line(&item)),
        Format::Syslog => syslog(Body::Json),
        Format::Atna => atna::message(&item).and_then(|_| syslog(Body::Atna)),
        Format::Csv => {
            sums.exported += 1;
            return table::row(out, &item);
        }
    };
    let Some(line) = line else {
        sums.left_out += 1;
        return Ok(());
    };
    sums.exported += 1;
    out.write_all(line.as_bytes())?;
    if line.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }
}

/// Records in the journal that records were handed out, if its key was named.
fn record(args: &ExportOnce, records: u64) -> Result<(), Failure> {
    let Some(key) = &args.journal_key else { return Ok(()) };
    let journal = super::open(&args.dir, Some(key))?;
    let to = args.output.as_ref().and_then(|path: &PathBuf| path.file_name()?.to_str());
    let to = Label::new(to.unwrap_or("stdout")).or_else(|_| Label::new("file"));
    let to = to.map_err(|error| Failure::Bug(error.to_string()))?;
    let recorded = journal.record(&journal.note(JournalNote::Export { by: None, records, to }));
    super::close(journal)?;
    recorded.map_err(|error| Failure::config(error.to_string(), "the records were handed out"))?;
    Ok(())
}
