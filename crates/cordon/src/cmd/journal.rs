//! `cordon journal`: the evidence is verified, read, proved, handed out and kept.

use std::path::{Path, PathBuf};

use cordon_journal::journal;
use cordon_journal::layout;
use cordon_journal::verify::read_keys;
use cordon_model::event::{EventId, Kind, Retention};
use cordon_model::note::Verifier;
use cordon_model::{DeviceId, PointId};

use crate::cli::{Journal, Selection};
use crate::ledger::Filter;
use crate::moment::Span;
use crate::outcome::{Failure, Outcome, chain};
use crate::progress::Progress;
use crate::recorder;

mod append;
mod cosign;
mod export;
mod follow;
mod keep;
mod prove;
mod show;
mod verify;

pub(crate) fn run(args: &Journal, json: bool, progress: &Progress) -> Result<Outcome, Failure> {
    match args {
        Journal::Verify(args) => verify::run(args, progress),
        Journal::Show(args) => show::run(args, json),
        Journal::Follow(args) => follow::run(args, json),
        Journal::Export(args) => export::run(args, progress),
        Journal::Append(args) => append::run(args),
        Journal::Keygen(args) => keep::keygen(args),
        Journal::Expire(args) => keep::expire(args),
        Journal::Hold(args) => keep::hold(args, true),
        Journal::Release(args) => keep::hold(args, false),
        Journal::Replicate(args) => keep::replicate(args),
        Journal::Prove(args) => prove::run(args),
        Journal::Cosign(args) => cosign::run(args),
    }
}

pub(super) use prove::included;

/// Reads the name of an event.
pub(super) fn event_id(text: &str) -> Result<EventId, Failure> {
    text.parse().map_err(|error| Failure::usage(format!("`{text}`: {error}"), "see --help"))
}

/// Reads which records are wanted.
pub(super) fn filter(args: &Selection) -> Result<Filter, Failure> {
    let unknown = |what: &str, text: &str, names: Vec<&str>| {
        Failure::usage(format!("`{text}` is no {what}"), format!("use one of {}", names.join(", ")))
    };
    let stream = |text: &String| {
        let names = || Retention::ALL.map(Retention::name).to_vec();
        Retention::from_name(text).ok_or_else(|| unknown("stream", text, names()))
    };
    let kind = |text: &String| {
        let names = || Kind::ALL.map(Kind::name).to_vec();
        Kind::from_name(text).ok_or_else(|| unknown("kind", text, names()))
    };
    let wrong = |error: cordon_model::id::IdError| Failure::usage(error.to_string(), "see --help");
    Ok(Filter {
        streams: args.stream.iter().map(stream).collect::<Result<_, _>>()?,
        kinds: args.kind.iter().map(kind).collect::<Result<_, _>>()?,
        device: args.device.as_deref().map(DeviceId::new).transpose().map_err(wrong)?,
        point: args.point.as_deref().map(PointId::new).transpose().map_err(wrong)?,
        span: Span::read(args.from.as_deref(), args.to.as_deref())?,
    })
}

/// Gives the file of the public keys of a journal.
fn key_file(key: Option<&PathBuf>, folder: &Path) -> PathBuf {
    key.cloned().unwrap_or_else(|| folder.join(layout::KEYS))
}

/// Reads the public keys in a file.
pub(super) fn keys(path: &Path) -> Result<Vec<Verifier>, Failure> {
    let help = "give a file with the public keys of the journal, as its `journal.pub` is";
    let keys = read_keys(path).map_err(|error| Failure::input(chain(&error), help))?;
    if keys.is_empty() {
        return Err(Failure::input(format!("{} holds no public key", path.display()), help));
    }
    Ok(keys)
}

/// Opens a journal that must be there, for writing.
fn open(dir: &Path, key: Option<&Path>) -> Result<journal::Journal, Failure> {
    if recorder::Owner::of(dir)?.is_none() {
        let message = format!("{} is no journal", dir.display());
        return Err(Failure::input(message, "name a folder with `journal.pub` and its streams"));
    }
    recorder::open(dir, key, None, None).map(|(journal, _)| journal)
}

/// Closes a journal that was written.
fn close(journal: journal::Journal) -> Result<(), Failure> {
    let folder = journal.folder().to_owned();
    journal.close().map_err(|error| Failure::path(&folder, &error))
}
