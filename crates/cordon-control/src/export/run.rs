//! Running the exporters: one thread each, over the journals of this machine.
//!
//! ```text
//! <state>/<exporter>/
//!   lock                          held while it runs
//!   <writer>.<stream>.cursor      up to where a stream is delivered
//!   dead-letters.jsonl            records that the receiver does not want
//!   status.json                   how it is
//! ```
//!
//! A new exporter begins with the oldest records that are there.
//!
//! Invariant: exporters do not wait for each other, and no writer waits for any of them.

mod driver;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use cordon_journal::hash::Hash;
use cordon_journal::read::{CursorError, Entry};
use cordon_journal::record::Record;
use cordon_model::event::EventId;
use cordon_model::{Label, Now, WriterId};

use super::config::{Config, Exporter, Hec, Target};
use super::delivery::Alarm;
use super::feed::{Feed, Stream};
use super::letters::Letters;
use super::sink::Sink;
use super::sink::file::FileSink;
use super::sink::hec::{Collector, HecError, HecSink};
use super::sink::syslog::{Peer, SyslogSink};
use super::sink::tls::TrustError;
use super::status::Status;
use driver::Driver;

/// The longest sleep: how late a stop or a new record may be seen.
const SLEEP_MS_MAX: u64 = 100;
/// How long an exporter that could not start is left alone.
const RESTART_MS: u64 = 10_000;
/// Longest token, in bytes.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// A journal to export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Its folder.
    pub folder: PathBuf,
    /// Who writes it.
    pub writer: WriterId,
}

/// Tells exporters to stop.
#[derive(Debug, Default)]
pub struct Stop {
    is_stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Tells them to stop; those that sleep wake up.
    pub fn stop(&self) {
        *self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Sleeps for so long or until it is told to stop; says whether it was.
    fn wait(&self, ms: u64) -> bool {
        let guard = self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if ms == 0 {
            return *guard;
        }
        let wait = Duration::from_millis(ms);
        let result = self.changed.wait_timeout_while(guard, wait, |is_stopped| !*is_stopped);
        *result.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// What the exporters need of their surroundings.
pub struct Surroundings<'a> {
    /// The journals.
    pub journals: &'a [Journal],
    /// The folder of the exporters' state.
    pub state: &'a Path,
    /// Ends it.
    pub stop: &'a Stop,
    /// The clock.
    pub clock: &'a (dyn Fn() -> Now + Sync),
    /// Gives the words for a record: [`super::words::of`].
    pub words: &'a (dyn Fn(&Exporter, &Entry, &Record, &EventId) -> Option<String> + Sync),
    /// Hears what an exporter has to say.
    pub tell: &'a (dyn Fn(&Label, &Notice<'_>) + Sync),
}

/// What an exporter has to say.
#[derive(Debug)]
pub enum Notice<'a> {
    /// An alarm is raised or cleared.
    Alarm(Alarm, bool),
    /// It does not run; it is tried again.
    Failed(&'a RunError),
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Says why an exporter cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file of its state cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process runs it.
    #[error("`{}` is held: exporter runs already", .0.display())]
    Held(PathBuf),
    /// A place cannot be kept.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Certificates cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The collector cannot be spoken to.
    #[error(transparent)]
    Hec(#[from] HecError),
    /// The file of the token holds none.
    #[error("`{}` holds no token: one line of visible characters", .0.display())]
    Token(PathBuf),
    /// A server's name cannot be used.
    #[error("`{0}` is no name of a server")]
    ServerName(String),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::File { path, source }
}

/// Runs every exporter until it is told to stop. One that cannot start says so, is tried again, and
/// does not stop the others.
pub fn run(config: &Config, with: &Surroundings<'_>) {
    thread::scope(|scope| {
        for exporter in &config.exporters {
            scope.spawn(move || {
                let name = &exporter.name;
                let mut is_failed = false;
                while let Err(error) = start(exporter, with, is_failed) {
                    (with.tell)(name, &Notice::Failed(&error));
                    if !is_failed {
                        (with.tell)(name, &Notice::Alarm(Alarm::State, true));
                    }
                    is_failed = true;
                    if with.stop.wait(RESTART_MS) {
                        break;
                    }
                }
            });
        }
    });
}

/// Makes sure that an exporter could start: its certificates and its token are there.
/// # Errors
/// [`RunError`].
pub fn check(exporter: &Exporter) -> Result<(), RunError> {
    sink(exporter).map(drop)
}

/// Runs one exporter until it is told to stop.
/// # Errors
/// [`RunError`] if its state, its certificates or its token cannot be used.
pub fn run_one(exporter: &Exporter, with: &Surroundings<'_>) -> Result<(), RunError> {
    start(exporter, with, false)
}

/// Runs one exporter.
/// # Shape
/// `is_failed`: the last try failed, and its alarm stands.
fn start(exporter: &Exporter, with: &Surroundings<'_>, is_failed: bool) -> Result<(), RunError> {
    let folder = with.state.join(exporter.name.as_str());
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let path = folder.join("lock");
    let lock = File::create(&path).map_err(at(&path))?;
    match lock.try_lock() {
        Ok(()) => (),
        Err(TryLockError::WouldBlock) => return Err(RunError::Held(path)),
        Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
    }
    let mut streams = Vec::new();
    for journal in with.journals {
        for class in &exporter.streams {
            let writer = journal.writer.clone();
            streams.push(Stream::open(&journal.folder, writer, *class, &folder)?);
        }
    }
    let old = Status::load(&folder).map_err(at(&folder))?.unwrap_or_default();
    let letters = Letters::new(folder.join("dead-letters.jsonl"), exporter.dead_letter_bytes_max);
    let sink = sink(exporter)?;
    let mut driver = Driver::new(exporter, with, folder, Feed { streams }, letters, sink, old);
    if is_failed {
        driver.inherit(Alarm::State);
    }
    let mut wait_ms = 0;
    while !with.stop.wait(wait_ms) {
        wait_ms = driver.round().min(SLEEP_MS_MAX);
    }
    driver.stop();
    Ok(())
}

fn token(path: &Path) -> Result<String, RunError> {
    let mut text = String::new();
    let file = File::open(path).map_err(at(path))?;
    io::Read::read_to_string(&mut io::Read::take(file, TOKEN_BYTES_MAX), &mut text)
        .map_err(at(path))?;
    let token = text.trim();
    let is_visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_visible.then(|| token.to_owned()).ok_or_else(|| RunError::Token(path.to_owned()))
}

/// Makes a channel of an exporter's name: the same at each start.
/// # Source
/// RFC 9562 §5.8 (UUID version 8).
fn channel(exporter: &Exporter) -> String {
    let Hash(hash) = Hash::of_leaf(exporter.name.as_str().as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(hash).for_each(|(byte, hash)| *byte = hash);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x80;
    *variant = (*variant & 0x3f) | 0x80;
    let hex = cordon_model::note::hex(&bytes);
    let mut text = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

fn collector(exporter: &Exporter, hec: &Hec) -> Result<Collector, RunError> {
    Ok(Collector {
        url: hec.url.clone(),
        token: token(&hec.token_file)?,
        channel: hec.channel.clone().unwrap_or_else(|| channel(exporter)),
        is_acknowledged: hec.is_acknowledged,
        trust: hec.trust.clone(),
        timeout_ms: hec.timeout_ms,
    })
}

/// Makes the sink of an exporter.
/// # Errors
/// [`RunError`] if its certificates or its token cannot be used.
fn sink(exporter: &Exporter) -> Result<Box<dyn Sink>, RunError> {
    Ok(match &exporter.target {
        Target::Hec(hec) => Box::new(HecSink::new(collector(exporter, hec)?)?),
        Target::Syslog(syslog) => {
            let tls = match &syslog.tls {
                None => None,
                Some((name, trust)) => {
                    let server = name.clone().try_into();
                    let server = server.map_err(|_| RunError::ServerName(name.clone()))?;
                    Some((server, trust.client()?))
                }
            };
            let peer = Peer { address: syslog.address.clone(), tls };
            Box::new(SyslogSink::new(peer, syslog.settling))
        }
        Target::File(lines) => Box::new(FileSink::new(lines.path.clone(), lines.limits)),
    })
}
