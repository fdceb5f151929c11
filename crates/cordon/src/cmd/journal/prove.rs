//! `cordon journal prove`: that a record is in a journal, and that a journal only grew; also for those
//! who have nothing but the public key.

use std::path::Path;

use cordon_journal::head::Head;
use cordon_journal::index::{self, IndexError};
use cordon_journal::layout;
use cordon_journal::proof::{Consistency, PROOF_BYTES_MAX, Proof, ProofError};
use cordon_journal::record::{RECORD_BYTES_MAX, Record};
use cordon_model::event::Retention;
use cordon_model::note::Verifier;
use serde_json::{Value, json};

use super::{event_id, keys};
use crate::cli::ProveRecord;
use crate::ledger::{Ledger, Stored};
use crate::outcome::{Failure, Outcome, chain};

/// What can be said of a record's place in its journal.
pub(crate) enum Included {
    /// The head signs it.
    Proved(Head),
    /// It cannot be said.
    Unknown(String),
    /// It contradicts the head, or the head its key.
    Broken(String),
}

impl Included {
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Proved(head) => {
                format!("it is one of the {} records that {} signed", head.size, head.origin)
            }
            Self::Unknown(why) => format!("not proved: {why}"),
            Self::Broken(why) => format!("BROKEN: {why}"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Proved(head) => {
                json!({ "proved": true, "origin": head.origin, "size": head.size,
                    "root": head.root })
            }
            Self::Unknown(why) => json!({ "proved": false, "broken": false, "why": why }),
            Self::Broken(why) => json!({ "proved": false, "broken": true, "why": why }),
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self, Self::Broken(_))
    }
}

/// Proves a record to ourselves, by the key in the journal's folder.
pub(crate) fn included(ledger: &Ledger, stored: &Stored) -> Included {
    let unknown = |failure: Failure| Included::Unknown(failure.message());
    let keys = match keys(&ledger.folder().join(layout::KEYS)) {
        Ok(keys) => keys,
        Err(failure) => return unknown(failure),
    };
    let folder = layout::stream(ledger.folder(), stored.id.stream);
    let proof = match index::prove(&folder, stored.id.seq) {
        Ok(proof) => proof,
        Err(error @ (IndexError::Broken | IndexError::Head(_))) => {
            return Included::Broken(chain(&error));
        }
        Err(error) => return Included::Unknown(chain(&error)),
    };
    let key = Head::peek(&proof.checkpoint).ok().and_then(|head| of(&keys, &head.origin));
    let Some(key) = key else { return Included::Unknown("there is no key for it".to_owned()) };
    match proof.verify(&stored.entry.line, key) {
        Ok(head) => Included::Proved(head),
        Err(error) => Included::Broken(chain(&error)),
    }
}

/// Finds the key of a stream.
fn of<'k>(keys: &'k [Verifier], origin: &str) -> Option<&'k Verifier> {
    keys.iter().find(|key| key.name() == origin)
}

fn refusal(error: &IndexError) -> Failure {
    let message = chain(error);
    match error {
        IndexError::File { .. } => Failure::config(message, "check the path and its permissions"),
        IndexError::Header { .. }
        | IndexError::Head(_)
        | IndexError::NotSigned { .. }
        | IndexError::Gone(_)
        | IndexError::Sizes { .. }
        | IndexError::Broken
        | IndexError::OverLimit(_) => {
            Failure::input(message, "`cordon journal verify` says what is wrong, and where")
        }
    }
}

/// Reads a text that is not longer than it may be.
fn read(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    let length = std::fs::metadata(path).map_err(|error| Failure::path(path, &error))?.len();
    if length > u64::try_from(bytes_max).unwrap_or(0) {
        let message = format!("{} has {length} bytes", path.display());
        return Err(Failure::input(message, format!("it has at most {bytes_max}")));
    }
    std::fs::read_to_string(path).map_err(|error| Failure::path(path, &error))
}

pub(super) fn run(args: &ProveRecord) -> Result<Outcome, Failure> {
    match (&args.check, &args.dir, &args.event, &args.from_head) {
        (Some(file), _, _, Some(old)) => check_growth(args, file, old),
        (Some(file), _, _, None) => check(args, file),
        (None, Some(dir), Some(event), None) => prove(args, dir, event),
        (None, Some(dir), None, Some(old)) => prove_growth(args, dir, old),
        _ => Err(Failure::usage("name a journal and a record, or a file to check", "see --help")),
    }
}

/// Hands a proof out.
fn hand_out(args: &ProveRecord, text: String, json: Value) -> Result<Outcome, Failure> {
    let Some(path) = &args.output else { return Ok(Outcome::done(text, json)) };
    std::fs::write(path, &text).map_err(|error| Failure::path(path, &error))?;
    Ok(Outcome::done(format!("the proof is in {}\n", path.display()), json))
}

fn prove(args: &ProveRecord, dir: &Path, event: &str) -> Result<Outcome, Failure> {
    let ledger = Ledger::open(dir)?;
    let stored = ledger.find(&event_id(event)?)?;
    let (line, proof) = proof_of(&ledger, &stored)?;
    let json = json!({ "id": stored.id, "line": line, "proof": proof });
    hand_out(args, format!("{line}\n{proof}"), json)
}

/// Gives the line of a record, and the proof that it is in the journal.
pub(super) fn proof_of(ledger: &Ledger, stored: &Stored) -> Result<(String, String), Failure> {
    let folder = layout::stream(ledger.folder(), stored.id.stream);
    let proof = index::prove(&folder, stored.id.seq).map_err(|error| refusal(&error))?;
    let line = String::from_utf8(stored.entry.line.clone());
    Ok((line.map_err(|error| Failure::Bug(error.to_string()))?, proof.text()))
}

fn prove_growth(args: &ProveRecord, dir: &Path, old: &Path) -> Result<Outcome, Failure> {
    let old = read(old, PROOF_BYTES_MAX)?;
    let help = "give a head, as the file `checkpoint` of a stream is";
    let head = Head::peek(&old).map_err(|error| Failure::input(chain(&error), help))?;
    let class = Retention::ALL
        .into_iter()
        .find(|class| head.origin.ends_with(&format!("/{class}")))
        .ok_or_else(|| Failure::input(format!("`{}` is no stream", head.origin), help))?;
    let folder = layout::stream(dir, class);
    let new = index::checkpoint(&folder).map_err(|error| refusal(&error))?;
    let proof = index::consistency(&folder, &old, &new).map_err(|error| refusal(&error))?;
    let json = json!({ "origin": head.origin, "old": proof.old, "proof": proof.text() });
    hand_out(args, proof.text(), json)
}

/// Says that a proof proves nothing; a finding, and no error of ours.
fn worthless(error: &ProofError) -> Outcome {
    let why = chain(error);
    let json = json!({ "proved": false, "why": why });
    Outcome::done(format!("NOT PROVED: {why}\n"), json).finding_if(true)
}

/// Finds the key that a checkpoint needs.
fn key_for<'k>(keys: &'k [Verifier], checkpoint: &str) -> Result<&'k Verifier, Failure> {
    let help = "give the file `journal.pub` of the journal, from whom you trust";
    let head = Head::peek(checkpoint).map_err(|error| Failure::input(chain(&error), help))?;
    of(keys, &head.origin)
        .ok_or_else(|| Failure::input(format!("there is no key for `{}`", head.origin), help))
}

fn trusted(args: &ProveRecord) -> Result<Vec<Verifier>, Failure> {
    let path = args.key.as_ref().ok_or_else(|| Failure::usage("--key is missing", "see --help"))?;
    keys(path)
}

fn check(args: &ProveRecord, file: &Path) -> Result<Outcome, Failure> {
    let help = "a proof is what `cordon journal prove DIR EVENT` writes: a record and a proof";
    let wrong = |message: String| Failure::input(format!("{}: {message}", file.display()), help);
    let text = read(file, RECORD_BYTES_MAX + 1 + PROOF_BYTES_MAX)?;
    let (line, proof) =
        text.split_once('\n').ok_or_else(|| wrong("there is one line".to_owned()))?;
    let proof = Proof::parse(proof).map_err(|error| wrong(chain(&error)))?;
    let keys = trusted(args)?;
    let head = match proof.verify(line.as_bytes(), key_for(&keys, &proof.checkpoint)?) {
        Ok(head) => head,
        Err(error) => return Ok(worthless(&error)),
    };
    let record = Record::decode(line.as_bytes()).map_err(|error| wrong(chain(&error)))?;
    let (index, size, origin) = (proof.index, head.size, &head.origin);
    let text = format!("proved: it is record {index} of the {size} that {origin} signed\n");
    let json = json!({ "proved": true, "origin": origin, "index": index, "size": size,
        "root": head.root, "record": record });
    Ok(Outcome::done(text, json))
}

fn check_growth(args: &ProveRecord, file: &Path, old: &Path) -> Result<Outcome, Failure> {
    let help = "a proof is what `cordon journal prove DIR --from-head FILE` writes";
    let wrong =
        |error: &ProofError| Failure::input(format!("{}: {}", file.display(), chain(error)), help);
    let proof = Consistency::parse(&read(file, PROOF_BYTES_MAX)?).map_err(|error| wrong(&error))?;
    let keys = trusted(args)?;
    let old = read(old, PROOF_BYTES_MAX)?;
    match proof.verify(&old, key_for(&keys, &proof.checkpoint)?) {
        Ok(head) => {
            let (size, origin) = (head.size, &head.origin);
            let text =
                format!("proved: {origin} only grew, from {} to {size} records\n", proof.old);
            let json = json!({ "proved": true, "origin": origin, "old": proof.old, "size": size,
                "root": head.root });
            Ok(Outcome::done(text, json))
        }
        Err(error) => Ok(worthless(&error)),
    }
}
