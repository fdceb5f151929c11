//! `cordon journal verify`: what is wrong with a journal, and where.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cordon_journal::head::Head;
use cordon_journal::layout;
use cordon_journal::policies::Policies;
use cordon_journal::verify::{
    Fault, Options, Remark, Report, VerifyError, find_streams, verify_stream,
};
use cordon_model::event::{EventId, Kind, Retention};
use cordon_model::{Sha256Digest, What};
use serde_json::{Value, json};

use super::{key_file, keys};
use crate::cli::Verify;
use crate::cmd::check::thousands;
use crate::ledger::{Filter, Ledger};
use crate::moment;
use crate::outcome::{Failure, Outcome, chain};
use crate::progress::Progress;

const CHECK: &str = "check the path and its permissions";

/// One stream and what was found.
struct Verified {
    folder: PathBuf,
    report: Report,
}

pub(super) fn run(args: &Verify, progress: &Progress) -> Result<Outcome, Failure> {
    let options = options(args)?;
    let mut folders = Vec::new();
    for path in &args.paths {
        let found = find_streams(path).map_err(|error| refusal(&error))?;
        if found.is_empty() {
            let message = format!("there is no stream of a journal in {}", path.display());
            return Err(Failure::input(
                message,
                "name a stream, a journal or a folder of journals",
            ));
        }
        folders.extend(found);
    }
    folders.sort();
    folders.dedup();
    let bar = progress.bar(u64::try_from(folders.len()).unwrap_or(0), "verifying");
    let mut all = Vec::new();
    for folder in folders {
        let key = key_file(args.key.as_ref(), folder.parent().unwrap_or(&folder));
        let options = Options { against: against(args, &folder), ..options.clone() };
        let report =
            verify_stream(&folder, &keys(&key)?, &options).map_err(|error| refusal(&error))?;
        all.push(Verified { folder, report });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let policies = if args.deep { policies(&all)? } else { Vec::new() };
    for (path, text) in args.head.iter().zip(&options.heads) {
        let head = Head::peek(text).map_err(|error| {
            let message = format!("{}: {}", path.display(), chain(&error));
            Failure::input(message, "give a head as the writer signed it, as `checkpoint` is")
        })?;
        if !all.iter().any(|one| one.report.origin == head.origin) {
            let message = format!("{} is a head of `{}`", path.display(), head.origin);
            return Err(Failure::input(message, "no stream that was verified is that one"));
        }
    }
    Ok(answer(args, &all, &policies))
}

fn refusal(error: &VerifyError) -> Failure {
    let message = chain(error);
    match error {
        VerifyError::Read { .. } => Failure::config(message, CHECK),
        VerifyError::OverLimit(_) => Failure::input(message, "name the streams one by one"),
        VerifyError::Keys { .. } => {
            Failure::input(message, "give a file with public keys, as `journal.pub` is")
        }
    }
}

fn options(args: &Verify) -> Result<Options, Failure> {
    let mut options = Options { deep: args.deep, live: args.live, ..Options::default() };
    for path in &args.head {
        let head = std::fs::read_to_string(path).map_err(|error| Failure::path(path, &error))?;
        options.heads.push(head);
    }
    if let Some(other) = args.against.as_ref().filter(|other| !other.is_dir()) {
        let message = format!("{} is no folder", other.display());
        return Err(Failure::config(message, "name the other copy of the journal or stream"));
    }
    for path in &args.witness {
        options.witnesses.extend(keys(path)?);
    }
    Ok(options)
}

/// Finds the same stream in the other copy.
fn against(args: &Verify, folder: &Path) -> Option<PathBuf> {
    let other = args.against.as_ref()?;
    let stream = folder.file_name().map(|name| other.join(name));
    Some(stream.filter(|stream| stream.is_dir()).unwrap_or_else(|| other.clone()))
}

/// The policies of one journal.
struct Kept {
    folder: PathBuf,
    /// How many there are, or what is wrong with one.
    found: Result<usize, String>,
    /// The first decision whose policy is not among them: another node may keep it.
    unkept: Option<(EventId, Sha256Digest)>,
}

/// Verifies the policies that are kept beside the streams, and that those are which decided.
fn policies(all: &[Verified]) -> Result<Vec<Kept>, Failure> {
    let mut journals: Vec<(&Path, bool)> = Vec::new();
    for one in all {
        let Some(folder) = one.folder.parent() else { continue };
        match journals.last_mut().filter(|(last, _)| *last == folder) {
            Some((_, is_sound)) => *is_sound &= one.report.is_sound(),
            None => journals.push((folder, one.report.is_sound())),
        }
    }
    let mut kept = Vec::new();
    for (folder, is_sound) in journals {
        let policies = Policies::of(folder);
        let found = policies.verify().map_err(|error| chain(&error));
        // What a broken stream names is not worth asking for.
        let is_asked = is_sound && layout::stream(folder, Retention::Traffic).is_dir();
        let unkept = if is_asked {
            let list = policies.list().map_err(|error| Failure::config(chain(&error), CHECK))?;
            unkept(folder, &list)?
        } else {
            None
        };
        kept.push(Kept { folder: folder.to_owned(), found, unkept });
    }
    Ok(kept)
}

/// Finds the first decision whose policy is not kept.
fn unkept(
    journal: &Path,
    kept: &[Sha256Digest],
) -> Result<Option<(EventId, Sha256Digest)>, Failure> {
    let ledger = Ledger::open(journal)?;
    let mut walk = ledger.walk(Filter { kinds: vec![Kind::Decision], ..Filter::default() })?;
    while let Some(stored) = walk.next()? {
        let What::Decision(decided) = &stored.record.event.what else { continue };
        match decided.policy {
            Some(policy) if kept.binary_search(&policy).is_err() => {
                return Ok(Some((stored.id, policy)));
            }
            Some(_) | None => {}
        }
    }
    Ok(None)
}

fn answer(args: &Verify, all: &[Verified], policies: &[Kept]) -> Outcome {
    let mut text = String::new();
    for one in all {
        write(&mut text, one);
    }
    for Kept { folder, found, unkept } in policies {
        let at = folder.display();
        let _ = match found {
            Ok(count) => writeln!(text, "sound   {at}/policies: {count} policies are kept"),
            Err(error) => writeln!(text, "BROKEN  {at}/policies: {error}"),
        };
        if let Some((id, policy)) = unkept {
            let _ =
                writeln!(text, "  remark: {id} was decided by {policy}, which is not kept here");
        }
    }
    let broken = all.iter().filter(|one| !one.report.is_sound()).count();
    let is_bad = |kept: &&Kept| kept.found.is_err();
    let bad = policies.iter().filter(is_bad).count();
    let is_sound = broken + bad == 0;
    let _ = write!(text, "{} streams, {broken} broken", all.len());
    text.push_str(if bad > 0 { "; policies broken\n" } else { "\n" });
    let mut notes = String::new();
    if args.key.is_none() {
        notes.push_str(
            "remark: the public key is the one in the journal's own folder; it proves nothing \
             against whoever could replace both (--key names one that is kept elsewhere)\n",
        );
    }
    let is_open = |one: &&Verified| one.report.is_sound() && one.report.heads_agreed == 0;
    let open: Vec<&str> =
        all.iter().filter(is_open).map(|one| one.report.origin.as_str()).collect();
    if args.against.is_none() && !open.is_empty() {
        let _ = writeln!(
            notes,
            "remark: that nothing was cut off at the end shows only against a head or a copy that \
             is kept elsewhere (--head, --against); there is none for {}",
            open.join(", ")
        );
    }
    let rows: Vec<Value> = all.iter().map(value).collect();
    let kept: Vec<Value> = policies
        .iter()
        .map(|Kept { folder, found, unkept }| {
            let unkept =
                unkept.as_ref().map(|(id, policy)| json!({ "event": id, "policy": policy }));
            match found {
                Ok(count) => json!({ "folder": folder, "sound": true, "policies": count,
                    "unkept": unkept }),
                Err(error) => json!({ "folder": folder, "sound": false, "error": error,
                    "unkept": unkept }),
            }
        })
        .collect();
    let json = json!({ "sound": is_sound, "streams": rows, "policies": kept });
    Outcome { notes, ..Outcome::done(text, json).finding_if(!is_sound) }
}

fn write(text: &mut String, Verified { folder, report }: &Verified) {
    let word = if report.is_sound() { "sound " } else { "BROKEN" };
    let counts = &report.counts;
    let _ = write!(
        text,
        "{word}  {}: {}, {} records signed, {} segments, {} bytes",
        folder.display(),
        report.origin,
        thousands(usize::try_from(report.size()).unwrap_or(usize::MAX)),
        counts.segments,
        thousands(usize::try_from(counts.bytes).unwrap_or(usize::MAX))
    );
    if let (Some(first), Some(last)) = (report.first_time, report.last_time) {
        let _ = write!(text, ", {} to {}", moment::write(first), moment::write(last));
    }
    text.push('\n');
    if let Some(head) = &report.head {
        let _ = writeln!(text, "        root {}", head.root);
    }
    for Fault { place, wrong } in &report.faults {
        let _ = writeln!(
            text,
            "  {}/{place}\n    {}: {wrong}\n    do: {}",
            folder.display(),
            wrong.label(),
            wrong.advice()
        );
    }
    if report.faults_more > 0 {
        let _ = writeln!(text, "  … and {} more faults", report.faults_more);
    }
    for Remark { place, notable } in &report.remarks {
        let _ = writeln!(text, "  remark: {place}: {notable}");
    }
    if report.heads_agreed > 0 {
        let _ = writeln!(text, "  {} heads that were given agree", report.heads_agreed);
    }
    for cosigned in &report.cosigned {
        let at = cordon_model::WallMs(cosigned.time_s.saturating_mul(1_000));
        let _ = writeln!(text, "  cosigned by {} at {}", cosigned.witness, moment::write(at));
    }
}

fn value(Verified { folder, report }: &Verified) -> Value {
    let place = |place: &cordon_journal::verify::Place| {
        json!({ "file": place.file, "line": place.line, "offset": place.offset,
            "record": place.seq })
    };
    let faults: Vec<Value> = report
        .faults
        .iter()
        .map(|fault| {
            json!({ "place": place(&fault.place), "fault": fault.wrong.label(),
                "message": fault.wrong.to_string(), "help": fault.wrong.advice() })
        })
        .collect();
    let remarks: Vec<Value> = report
        .remarks
        .iter()
        .map(|remark| {
            json!({ "place": place(&remark.place), "remark": remark.notable.label(),
                "message": remark.notable.to_string() })
        })
        .collect();
    let cosigned: Vec<Value> = report
        .cosigned
        .iter()
        .map(|one| json!({ "witness": one.witness, "time_s": one.time_s }))
        .collect();
    let counts = &report.counts;
    json!({
        "folder": folder, "origin": report.origin, "sound": report.is_sound(),
        "first": report.first, "size": report.size(), "root": report.head.as_ref().map(|h| h.root),
        "first_time_ms": report.first_time, "last_time_ms": report.last_time,
        "records": counts.records, "segments": counts.segments, "bytes": counts.bytes,
        "heads": counts.heads, "signatures": counts.signatures,
        "heads_agreed": report.heads_agreed, "cosigned": cosigned,
        "faults": faults, "faults_more": report.faults_more,
        "remarks": remarks, "remarks_more": report.remarks_more,
    })
}
