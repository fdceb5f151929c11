//! The journal of an enforcement point, and its spool: what happened, until somebody has taken it.
//!
//! Invariant: nothing waits for it. A disk that fails costs records, which are counted and said; it
//! costs no packet.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle, park_timeout};
use std::time::Duration;

use cordon_journal::journal::{Journal, OnDamage, OpenError, Options, StreamStatus};
use cordon_journal::retention;
use cordon_model::note::{NoteError, Signer};
use cordon_model::{Event, HospitalId, Label, PointId, WriterId};
use rustls::crypto::aws_lc_rs;

use crate::check::with_sources;
use crate::clock::Clock;
use crate::point::report;

/// The file of the private key in the state folder.
const KEY: &str = "journal.key";
/// Smallest segment, whatever the journal's bytes.
const SEGMENT_BYTES_MIN: u64 = 64 << 10;
/// How often the bytes are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Says why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum DiaryError {
    /// The private key cannot be read or made.
    #[error("cannot read or make the key `{}`", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The private key is none.
    #[error("`{}` is no private key", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// A name cannot stand in a journal.
    #[error("`{0}` cannot be the name of a writer")]
    Name(String),
    /// No thread can be started.
    #[error("a thread cannot be started")]
    Thread(#[source] io::Error),
    /// The journal cannot be opened.
    #[error("the journal cannot be opened")]
    Open(#[source] OpenError),
}

/// The journal, or the count of what it did not take.
#[derive(Debug, Default)]
pub struct Diary {
    journal: Option<(Arc<Journal>, Spool)>,
    refused: u64,
}

/// Keeps the journal within its bytes, on a thread of its own.
#[derive(Debug)]
struct Spool {
    thread: JoinHandle<()>,
    is_over: Arc<AtomicBool>,
    shed: Arc<AtomicU64>,
}

impl Spool {
    fn start(journal: Arc<Journal>, bytes_max: u64) -> io::Result<Self> {
        let (is_over, shed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (end, sum) = (Arc::clone(&is_over), Arc::clone(&shed));
        let thread = Builder::new().name("spool".to_owned()).spawn(move || {
            while !end.load(Ordering::Acquire) {
                match retention::shed(&journal, bytes_max) {
                    Ok(all) => {
                        let records = all.iter().map(|due| {
                            let first = due.segments.first().copied().unwrap_or(due.last);
                            (due.last - first).saturating_add(1)
                        });
                        sum.fetch_add(records.sum(), Ordering::Relaxed);
                    }
                    Err(error) => report(&format!("journal: {}", with_sources(&error))),
                }
                park_timeout(LOOK);
            }
        })?;
        Ok(Self { thread, is_over, shed })
    }

    fn stop(self) {
        self.is_over.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}

/// Whose journal it is, and where.
#[derive(Debug)]
pub struct Place<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The private key, if it is not in the state folder.
    pub key: Option<&'a Path>,
    /// The state folder.
    pub state: &'a Path,
    /// The hospital.
    pub hospital: HospitalId,
    /// Who writes.
    pub point: &'a PointId,
    /// The most bytes of it.
    pub bytes_max: u64,
}

impl Diary {
    /// Opens the journal; one that was tampered with is set aside, and the new one says so.
    /// # Errors
    /// [`DiaryError`]; the point goes on without one, and says so.
    pub fn open(place: Place<'_>, clock: Clock) -> Result<Self, DiaryError> {
        let name = |text: &str| DiaryError::Name(text.to_owned());
        let text = place.point.as_str();
        let writer = WriterId::new(text).map_err(|_| name(text))?;
        let signer = signer(&place)?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = Label::new(boot.trim()).or_else(|_| Label::new("unknown"));
        let boot = boot.map_err(|_| name("unknown"))?;
        let version = env!("CARGO_PKG_VERSION");
        let version = Label::new(version).map_err(|_| name(version))?;
        let clock = Box::new(move || clock.moment());
        let mut options = Options::new(place.hospital, writer, signer, version, boot, clock);
        options.on_damage = OnDamage::SetAside;
        // A sixteenth at a time can go.
        let limits = &mut options.limits;
        limits.segment_bytes =
            limits.segment_bytes.min(place.bytes_max / 16).max(SEGMENT_BYTES_MIN);
        let journal = Journal::open(place.folder, options).map_err(DiaryError::Open)?;
        let journal = Arc::new(journal);
        let spool = Spool::start(Arc::clone(&journal), place.bytes_max);
        let spool = spool.map_err(DiaryError::Thread)?;
        Ok(Self { journal: Some((journal, spool)), refused: 0 })
    }

    /// Queues an event; what is not taken is counted.
    pub fn record(&mut self, event: &Event) {
        let taken = self.journal.as_ref().is_some_and(|(journal, _)| journal.append(event).is_ok());
        self.refused += u64::from(!taken);
    }

    /// Gives how many events were not taken.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Gives how each stream is.
    #[must_use]
    pub fn status(&self) -> Option<[StreamStatus; 3]> {
        self.journal.as_ref().map(|(journal, _)| journal.status())
    }

    /// Gives how many records went because there was no room for more.
    #[must_use]
    pub fn shed(&self) -> u64 {
        self.journal.as_ref().map_or(0, |(_, spool)| spool.shed.load(Ordering::Relaxed))
    }

    /// Writes what waits.
    /// # Errors
    /// What the disk says.
    pub fn close(self) -> io::Result<()> {
        let Some((journal, spool)) = self.journal else { return Ok(()) };
        spool.stop();
        Arc::into_inner(journal).map_or(Ok(()), Journal::close)
    }
}

fn signer(place: &Place<'_>) -> Result<Signer, DiaryError> {
    let path = place.key.map_or_else(|| place.state.join(KEY), Path::to_owned);
    let failed = |source| DiaryError::Key { path: path.clone(), source };
    match fs::read_to_string(&path) {
        Ok(text) => {
            Signer::parse(&text).map_err(|source| DiaryError::Form { path: path.clone(), source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && place.key.is_none() => {
            let mut secret = [0u8; 32];
            let random = aws_lc_rs::default_provider().secure_random;
            random.fill(&mut secret).map_err(|_| failed(io::Error::other("no random bytes")))?;
            let signer = Signer::new(&format!("{}/{}", place.hospital, place.point), secret);
            let mut options = fs::OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&path);
            let written = file.and_then(|mut file| file.write_all(signer.text().as_bytes()));
            written.map_err(failed)?;
            Ok(signer)
        }
        Err(error) => Err(failed(error)),
    }
}
