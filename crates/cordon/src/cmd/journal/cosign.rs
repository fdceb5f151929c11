//! `cordon journal cosign`: a witness signs the newest heads, if they continue those it saw before.
//!
//! Invariant: a witness never signs two heads of one stream of which neither continues the other:
//! what it has seen is on its disk before its signature is anywhere.
//! Source: C2SP tlog-witness; C2SP tlog-cosignature.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use cordon_journal::disk;
use cordon_journal::head::Head;
use cordon_journal::index;
use cordon_journal::layout;
use cordon_journal::verify::find_streams;
use cordon_model::note::{Note, Signer, Verifier};
use serde_json::json;

use super::{key_file, keys};
use crate::cli::Cosign;
use crate::key;
use crate::moment;
use crate::outcome::{Failure, Outcome, chain};

/// The heads that a witness has seen, by the origin of their stream, as signed notes.
type Seen = BTreeMap<String, String>;

/// Most streams that one witness remembers.
const SEEN_MAX: usize = 100_000;

/// What a witness says of one stream.
enum Said {
    /// It has signed, the first time or again.
    Signed { size: u64, was: Option<u64> },
    /// It must not sign.
    Refused(String),
}

pub(super) fn run(args: &Cosign) -> Result<Outcome, Failure> {
    let signer = key::read(&args.key)?;
    let state = std::path::absolute(&args.state).map_err(|e| Failure::path(&args.state, &e))?;
    let keys = keys(&key_file(args.journal_pub.as_ref(), &args.dir))?;
    if keys.iter().any(|key| signer.named(key.name()).verifier() == *key) {
        let message =
            format!("{} is the key that the journal itself is signed with", args.key.display());
        return Err(Failure::input(
            message,
            "a witness needs a key of its own: `cordon journal keygen`",
        ));
    }
    let mut seen = load(&state)?;
    let folders = find_streams(&args.dir)
        .map_err(|error| Failure::config(chain(&error), "check the path and its permissions"))?;
    let mut text = String::new();
    let mut rows = Vec::new();
    let mut is_refused = false;
    for folder in folders {
        let at = folder.display().to_string();
        match one(&folder, &keys, &signer, &mut seen, &state)? {
            Said::Signed { size, was } => {
                let _ = match was {
                    Some(was) => {
                        writeln!(text, "signed  {at}: {size} records, which continue {was}")
                    }
                    None => writeln!(text, "signed  {at}: {size} records, seen the first time"),
                };
                rows.push(json!({ "folder": at, "signed": true, "size": size, "was": was }));
            }
            Said::Refused(why) => {
                is_refused = true;
                let _ = writeln!(text, "REFUSED {at}: {why}");
                rows.push(json!({ "folder": at, "signed": false, "why": why }));
            }
        }
    }
    let json = json!({ "witness": signer.name(), "streams": rows });
    Ok(Outcome::done(text, json).finding_if(is_refused))
}

fn load(path: &Path) -> Result<Seen, Failure> {
    let help = "restore the file: a witness that forgets may sign a fork";
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| Failure::input(format!("{}: {error}", path.display()), help)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Seen::new()),
        Err(error) => Err(Failure::path(path, &error)),
    }
}

fn one(
    folder: &Path,
    keys: &[Verifier],
    signer: &Signer,
    seen: &mut Seen,
    state: &Path,
) -> Result<Said, Failure> {
    let Ok(note) = index::checkpoint(folder) else {
        return Ok(Said::Refused("there is no checkpoint".to_owned()));
    };
    let head = match opened(&note, keys) {
        Ok(head) => head,
        Err(why) => return Ok(Said::Refused(why)),
    };
    let old = seen.get(&head.origin).cloned();
    let was = match &old {
        Some(old) => match continues(folder, (old, &note), &head, keys) {
            Ok(size) => Some(size),
            Err(why) => return Ok(Said::Refused(why)),
        },
        None if seen.len() >= SEEN_MAX => {
            return Ok(Said::Refused("the witness remembers too many streams".to_owned()));
        }
        None => None,
    };
    let body = Note::parse(&note).map_err(|error| Failure::Bug(error.to_string()))?.body;
    let own = format!("— {} ", signer.name());
    let is_kept = |line: &&str| !line.starts_with(&own);
    let (_, below) = note.rsplit_once("\n\n").unwrap_or_default();
    let mut cosigned = format!("{body}\n");
    for line in below.lines().filter(is_kept) {
        cosigned.push_str(line);
        cosigned.push('\n');
    }
    cosigned.push_str(&signer.cosignature_line(moment::now().0 / 1_000, body));
    seen.insert(head.origin.clone(), cosigned.clone());
    let text = serde_json::to_vec_pretty(seen).map_err(|error| Failure::Bug(error.to_string()))?;
    disk::replace(state, &text).map_err(|error| Failure::path(state, &error))?;
    // The writer may have gone on meanwhile: its newer head is worth more than this signature, which
    // the witness has kept.
    if index::checkpoint(folder).is_ok_and(|now| now == note) {
        let path = folder.join(layout::CHECKPOINT);
        disk::replace(&path, cosigned.as_bytes()).map_err(|error| Failure::path(&path, &error))?;
    }
    Ok(Said::Signed { size: head.size, was })
}

/// Reads a head that its stream's key signed.
fn opened(note: &str, keys: &[Verifier]) -> Result<Head, String> {
    let head = Head::peek(note).map_err(|error| chain(&error))?;
    let key = keys.iter().find(|key| key.name() == head.origin);
    let key = key.ok_or_else(|| format!("there is no key for `{}`", head.origin))?;
    Head::open(note, key).map_err(|error| chain(&error))
}

/// Makes sure that a head continues the one that was seen; gives the size of that.
fn continues(
    folder: &Path,
    (old, new): (&str, &str),
    head: &Head,
    keys: &[Verifier],
) -> Result<u64, String> {
    let was = opened(old, keys).map_err(|why| format!("what was seen before is damaged: {why}"))?;
    if head.size < was.size {
        let (size, was) = (head.size, was.size);
        return Err(format!("the end was cut off: {was} records were seen, {size} are signed now"));
    }
    if head.size == was.size {
        let is_same = head.root == was.root;
        let fork = format!("fork: two streams of {} records, both signed", was.size);
        return if is_same { Ok(was.size) } else { Err(fork) };
    }
    if was.size == 0 {
        return Ok(0);
    }
    let fork = |error: String| format!("fork, or records are missing: {error}");
    let proof = index::consistency(folder, old, new).map_err(|error| fork(chain(&error)))?;
    let key = keys.iter().find(|key| key.name() == head.origin);
    let key = key.ok_or_else(|| format!("there is no key for `{}`", head.origin))?;
    proof.verify(old, key).map_err(|error| fork(chain(&error)))?;
    Ok(was.size)
}
