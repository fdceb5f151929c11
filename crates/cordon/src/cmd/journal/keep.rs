//! `cordon journal keygen`, `expire`, `hold`, `release` and `replicate`: keeping a journal.

use std::fmt::Write as _;

use cordon_journal::replica::replicate as copy;
use cordon_journal::retention::{self, RetentionError};
use cordon_model::event::{Actor, Person};
use cordon_model::{BadgeId, Label};
use serde_json::json;

use crate::cli::{Expire, Hold, Keygen, Replicate};
use crate::key;
use crate::moment;
use crate::outcome::{Failure, Outcome, chain};

pub(super) fn keygen(args: &Keygen) -> Result<Outcome, Failure> {
    let is_foreign = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if args.name.is_empty() || args.name.contains(is_foreign) {
        let message = format!("`{}` cannot name a key", args.name);
        return Err(Failure::usage(message, "use no spaces and no plus sign"));
    }
    let public = args.out.with_extension("pub");
    if public == args.out || public.exists() {
        let message = format!("{} is there, or is the private key itself", public.display());
        return Err(Failure::usage(message, "choose another --out"));
    }
    let signer = key::make(&args.out, &args.name)?;
    let text = signer.verifier().text();
    std::fs::write(&public, &text).map_err(|error| Failure::path(&public, &error))?;
    let json = json!({ "private": args.out, "public": public, "key": text.trim() });
    Ok(Outcome::done(text, json))
}

fn refusal(error: &RetentionError) -> Failure {
    let message = chain(error);
    match error {
        RetentionError::Io { .. } | RetentionError::Record(_) => {
            Failure::config(message, "check the path, its permissions and the room on the disk")
        }
        RetentionError::Held(_) => {
            Failure::input(message, "`cordon journal release` ends a hold, by whoever may")
        }
        RetentionError::NoHold(_)
        | RetentionError::HoldExists(_)
        | RetentionError::HoldsOverLimit => Failure::input(message, "see the folder `holds`"),
    }
}

pub(super) fn expire(args: &Expire) -> Result<Outcome, Failure> {
    let now = moment::now();
    let due = if args.dry_run {
        retention::due(&args.dir, now).map_err(|error| refusal(&error))?
    } else {
        let journal = super::open(&args.dir, args.journal_key.as_deref())?;
        let gone = retention::expire(&journal, now);
        super::close(journal)?;
        gone.map_err(|error| refusal(&error))?
    };
    let mut text = String::new();
    let verb = if args.dry_run { "would go" } else { "are gone" };
    for one in &due {
        let _ = writeln!(
            text,
            "{}: records up to {} {verb}, {} segments, {} bytes",
            one.stream,
            one.last,
            one.segments.len(),
            one.bytes
        );
    }
    if due.is_empty() {
        text.push_str("nothing is due\n");
    }
    let rows: Vec<_> = due
        .iter()
        .map(|one| {
            json!({ "stream": one.stream, "segments": one.segments, "last": one.last,
                "bytes": one.bytes })
        })
        .collect();
    Ok(Outcome::done(text, json!({ "dry_run": args.dry_run, "due": rows })))
}

/// Sets a hold, or ends it.
pub(super) fn hold(args: &Hold, is_set: bool) -> Result<Outcome, Failure> {
    let wrong = |error: cordon_model::id::IdError| Failure::usage(error.to_string(), "see --help");
    let name = Label::new(&args.name).map_err(wrong)?;
    let badge = BadgeId::new(&args.by).map_err(wrong)?;
    let role = Label::new(&args.role).map_err(wrong)?;
    let by = Actor::Person(Person { badge, role });
    let journal = super::open(&args.dir, args.journal_key.as_deref())?;
    let done = if is_set {
        retention::hold(&journal, &name, by)
    } else {
        retention::release(&journal, &name, by)
    };
    super::close(journal)?;
    done.map_err(|error| refusal(&error))?;
    let verb = if is_set { "holds the journal" } else { "is released" };
    let json = json!({ "hold": name, "is_set": is_set });
    Ok(Outcome::done(format!("`{name}` {verb}\n"), json))
}

pub(super) fn replicate(args: &Replicate) -> Result<Outcome, Failure> {
    let keys = super::keys(&super::key_file(args.key.as_ref(), &args.dir))?;
    std::fs::create_dir_all(&args.to).map_err(|error| Failure::path(&args.to, &error))?;
    let copied = copy(&args.dir, &args.to, &keys).map_err(|error| {
        Failure::input(chain(&error), "`cordon journal verify` says what is wrong, and where")
    })?;
    let mut text = String::new();
    for one in &copied {
        let _ = writeln!(
            text,
            "{}: {} segments copied, {} records are there; those from {} on are not sealed yet",
            one.stream, one.segments, one.size, one.live_from
        );
    }
    let rows: Vec<_> = copied
        .iter()
        .map(|one| {
            json!({ "stream": one.stream, "segments": one.segments, "size": one.size,
                "live_from": one.live_from })
        })
        .collect();
    Ok(Outcome::done(text, json!({ "copied": rows })))
}
