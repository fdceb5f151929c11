//! Recording what a command does in a journal.
//!
//! Invariant: what becomes of the journal never changes a verdict; what could not be recorded is
//! counted and said.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cordon_journal::journal::{Journal, Moment, OpenError, Options, Refusal};
use cordon_journal::layout;
use cordon_journal::policies::Policies;
use cordon_model::event::EventId;
use cordon_model::hospital::Sources;
use cordon_model::note::{Signer, Verifier};
use cordon_model::{Event, HospitalId, Label, Mono, Sha256Digest, WriterId};
use serde_json::json;

use crate::cli::Recording;
use crate::key;
use crate::moment;
use crate::outcome::{Exit, Failure, Outcome, chain};

/// After this many records the command waits until they are on the disk, so that a fast reader does
/// not overrun the queue.
const AHEAD_MAX: u32 = 4_096;
/// The file of the private key, where no other is named.
const KEY: &str = "journal.key";
/// Who writes, where nobody is named.
const WRITER: &str = "cordon";
/// Whose journal it is, when no hospital is known.
const NOBODY: &str = "unplanned";

/// Whose journal a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) hospital: HospitalId,
    pub(crate) writer: WriterId,
}

impl Owner {
    /// Reads whose journal it is; nothing if none was begun there.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(layout::KEYS);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::path(&path, &error)),
        };
        let key = text.lines().next().and_then(|line| Verifier::parse(line).ok());
        let owner = key.as_ref().and_then(|key| Self::of_origin(key.name()));
        owner.map(Some).ok_or_else(|| {
            let message = format!("{} holds no keys of a journal", path.display());
            Failure::input(message, "name the folder of a journal, or restore the file")
        })
    }

    /// Reads the origin of a stream.
    pub(crate) fn of_origin(origin: &str) -> Option<Self> {
        let mut parts = origin.split('/');
        let hospital = parts.next().and_then(|text| HospitalId::new(text).ok())?;
        let writer = parts.next().and_then(|text| WriterId::new(text).ok())?;
        Some(Self { hospital, writer })
    }
}

/// Opens a journal for writing; says where its key was made, if it was.
pub(crate) fn open(
    folder: &Path,
    key_file: Option<&Path>,
    writer: Option<&str>,
    hospital: Option<&HospitalId>,
) -> Result<(Journal, Option<PathBuf>), Failure> {
    let wrong = |error: cordon_model::id::IdError| Failure::usage(error.to_string(), "see --help");
    let found = Owner::of(folder)?;
    let is_new = found.is_none();
    let writer = writer.map(WriterId::new).transpose().map_err(wrong)?;
    let owner = match found {
        Some(owner) => {
            is_ours(folder, &owner, writer.as_ref(), hospital)?;
            owner
        }
        None => Owner {
            hospital: hospital
                .cloned()
                .map_or_else(|| HospitalId::new(NOBODY), Ok)
                .map_err(wrong)?,
            writer: writer.map_or_else(|| WriterId::new(WRITER), Ok).map_err(wrong)?,
        },
    };
    let (signer, made) = signer(folder, key_file, &owner, is_new)?;
    let label = |text: &str| Label::new(text).map_err(|error| Failure::Bug(error.to_string()));
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot = Label::new(boot.trim()).or_else(|_| label("unknown"))?;
    let start = Instant::now();
    let clock = Box::new(move || Moment {
        mono: Mono(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)),
        wall: moment::now(),
    });
    let version = label(env!("CARGO_PKG_VERSION"))?;
    let options = Options::new(owner.hospital, owner.writer, signer, version, boot, clock);
    let journal = Journal::open(folder, options).map_err(|error| refusal(&error))?;
    Ok((journal, made))
}

fn is_ours(
    folder: &Path,
    owner: &Owner,
    writer: Option<&WriterId>,
    hospital: Option<&HospitalId>,
) -> Result<(), Failure> {
    let at = folder.display();
    if let Some(other) = hospital.filter(|other| **other != owner.hospital) {
        let message = format!("{at} is a journal of `{}`, not of `{other}`", owner.hospital);
        return Err(Failure::usage(message, "keep one journal for each hospital"));
    }
    if let Some(other) = writer.filter(|other| **other != owner.writer) {
        let message = format!("{at} is written by `{}`, not by `{other}`", owner.writer);
        return Err(Failure::usage(message, "each writer has a journal of its own"));
    }
    Ok(())
}

fn signer(
    folder: &Path,
    key_file: Option<&Path>,
    owner: &Owner,
    is_new: bool,
) -> Result<(Signer, Option<PathBuf>), Failure> {
    let path = key_file.map_or_else(|| folder.join(KEY), Path::to_owned);
    if path.exists() || key_file.is_some() {
        return Ok((key::read(&path)?, None));
    }
    if !is_new {
        let message = format!("{} is not there", path.display());
        return Err(Failure::config(message, "name the journal's private key by --journal-key"));
    }
    std::fs::create_dir_all(folder).map_err(|error| Failure::path(folder, &error))?;
    let name = format!("{}/{}", owner.hospital, owner.writer);
    Ok((key::make(&path, &name)?, Some(path)))
}

/// Says why a journal was not opened.
fn refusal(error: &OpenError) -> Failure {
    let message = chain(error);
    match error {
        OpenError::Locked(_) => Failure::config(message, "wait until it is done, or stop it"),
        OpenError::Io { .. } => Failure::config(message, "check the path and its permissions"),
        OpenError::Key(_) => Failure::input(message, "name it by --journal-key"),
        OpenError::Stream { .. } => {
            Failure::input(message, "`cordon journal verify` says what is wrong with it")
        }
    }
}

/// A journal that a command records in.
#[derive(Debug)]
pub(crate) struct Recorder {
    journal: Journal,
    made: Option<PathBuf>,
    newest: [Option<EventId>; 3],
    ahead: u32,
    queued: u64,
    refused: u64,
    why: Option<Refusal>,
}

impl Recorder {
    /// Opens the journal that the command line names, if it names one.
    pub(crate) fn open(
        args: &Recording,
        hospital: Option<&HospitalId>,
    ) -> Result<Option<Self>, Failure> {
        let Some(folder) = &args.journal else { return Ok(None) };
        let key_file = args.journal_key.as_deref();
        let (journal, made) = open(folder, key_file, args.writer.as_deref(), hospital)?;
        Ok(Some(Self {
            journal,
            made,
            newest: [None, None, None],
            ahead: 0,
            queued: 0,
            refused: 0,
            why: None,
        }))
    }

    /// Keeps the files of a hospital, and gives the digest by which events name them.
    pub(crate) fn keep(&self, sources: &Sources) -> Result<Sha256Digest, Failure> {
        let policies = Policies::of(self.journal.folder());
        policies
            .save(sources)
            .map_err(|error| Failure::config(chain(&error), "make room, or choose another journal"))
    }

    /// Records an event, or counts it as refused.
    pub(crate) fn record(&mut self, event: &Event) {
        match self.journal.append(event) {
            Ok(id) => {
                self.queued += 1;
                self.ahead += 1;
                let is_full = self.ahead >= AHEAD_MAX;
                if is_full {
                    self.ahead = 0;
                    // If the disk fails, the queue bounds what waits, and closing says so.
                    let _ = self.journal.wait(&id);
                }
                let place = self
                    .newest
                    .iter_mut()
                    .find(|place| place.as_ref().is_none_or(|other| other.stream == id.stream));
                if let Some(place) = place {
                    *place = Some(id);
                }
            }
            Err(refusal) => {
                self.refused += 1;
                self.why.get_or_insert(refusal);
            }
        }
    }

    /// Writes what waits, and says what was recorded.
    fn close(self) -> Recorded {
        let mut waiting = 0u64;
        for id in self.newest.iter().flatten() {
            if self.journal.wait(id).is_err() {
                let status = self.journal.status();
                let of = status.iter().find(|status| status.stream == id.stream);
                waiting = waiting.saturating_add(of.map_or(0, |status| status.waiting));
            }
        }
        let folder = self.journal.folder().to_owned();
        let closed = self.journal.close();
        let lost = waiting.min(self.queued).saturating_add(self.refused);
        let recorded = self.queued.saturating_sub(waiting.min(self.queued));
        let mut notes = format!("recorded {recorded} events in {}\n", folder.display());
        if let Some(path) = self.made {
            let _ = writeln!(
                notes,
                "  a key for the journal was made: {}\n  keep it where nobody else can read it, and \
                 {} where nobody can replace it",
                path.display(),
                folder.join(layout::KEYS).display()
            );
        }
        if let Some(why) = self.why {
            let _ = writeln!(notes, "warning: {} events were not recorded: {why}", self.refused);
        }
        if let Err(error) = closed {
            let _ = writeln!(notes, "warning: the journal could not be closed: {error}");
        }
        Recorded { folder, recorded, lost, notes }
    }
}

/// What was recorded.
struct Recorded {
    folder: PathBuf,
    recorded: u64,
    lost: u64,
    notes: String,
}

impl Outcome {
    /// Closes the journal and says what was recorded; only what was lost changes the exit code.
    pub(crate) fn recorded(mut self, recorder: Option<Recorder>) -> Self {
        let Some(recorder) = recorder else { return self };
        let Recorded { folder, recorded, lost, notes } = recorder.close();
        self.notes.push_str(&notes);
        if let Some(answer) = self.json.as_object_mut() {
            let kept = json!({ "folder": folder, "recorded": recorded, "lost": lost });
            answer.insert("journal".to_owned(), kept);
        }
        if lost > 0 {
            self.exit = Exit::Config;
        }
        self
    }
}
