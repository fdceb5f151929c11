//! Loads a text: nft reads it from its standard input, and the kernel takes all of it or nothing;
//! where only elements differ from the text before, the kernel is told the difference.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cordon_model::nft::{self, BIND_TABLE, POLICY_TABLE};

use super::delta::{self, Delta};
use super::host::HostError;
use super::netlink::Netlink;
use super::state;

/// How much of what nft says is kept.
const SAID_BYTES_MAX: u64 = 16 * 1024;

/// Says why a text is not in force.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// nft cannot be run.
    #[error("`{program}` cannot be run")]
    Program {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The bridge cannot be looked at.
    #[error("the bridge cannot be used")]
    Host(#[source] HostError),
    /// The role of the bundle has no such form.
    #[error("only an access gateway can be a bridge")]
    Form,
    /// nft or the kernel refused the text.
    #[error("nft refuses the text: {said}")]
    Refused {
        /// What nft said.
        said: String,
    },
    /// The load took too long and was ended.
    #[error("nft was not done after {0:?}")]
    Slow(Duration),
}

/// Loads texts, from any thread of the namespace.
#[derive(Debug, Clone)]
pub struct Loader {
    nft: PathBuf,
    load_max: Duration,
}

impl Loader {
    /// Makes one that runs `nft` and ends it after `load_max`.
    #[must_use]
    pub fn new(nft: PathBuf, load_max: Duration) -> Self {
        Self { nft, load_max }
    }

    /// Loads a text as one transaction; waits until it is in force.
    /// # Errors
    /// [`LoadError`]; what was in force before is then still in force, but after
    /// [`LoadError::Slow`] nobody knows whether the kernel had taken the text: read the
    /// generation back.
    pub fn load(&self, text: &str) -> Result<(), LoadError> {
        let renewed = self.run(text);
        if !matches!(renewed, Err(LoadError::Refused { .. })) {
            return renewed;
        }
        // Sets of another shape, of another version, may be in the way of being renewed in place.
        let renewed_tables = [format!("inet {POLICY_TABLE}"), format!("bridge {BIND_TABLE}")];
        let gone =
            renewed_tables.iter().filter(|table| text.contains(&format!("flush table {table}")));
        let gone: String =
            gone.map(|table| format!("add table {table}\ndelete table {table}\n")).collect();
        let anew = gone + text;
        self.run(&anew).or(renewed)
    }

    fn run(&self, text: &str) -> Result<(), LoadError> {
        let program = |source| {
            let program = self.nft.display().to_string();
            LoadError::Program { program, source }
        };
        let mut child = Command::new(&self.nft)
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(program)?;
        let said = self.talk(&mut child, text);
        if said.is_none() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(program)?;
        match said {
            None => Err(LoadError::Slow(self.load_max)),
            Some(_) if status.success() => Ok(()),
            Some(said) => Err(LoadError::Refused { said: said.trim().to_owned() }),
        }
    }

    /// Gives nft the text and waits until it has said everything; `None` when that takes too long.
    fn talk(&self, child: &mut Child, text: &str) -> Option<String> {
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let (send, said) = mpsc::channel();
        let listener = move || {
            let mut bytes = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = stderr.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut bytes);
                let _ = io::copy(&mut stderr, &mut io::sink());
            }
            let _ = send.send(String::from_utf8_lossy(&bytes).into_owned());
        };
        thread::scope(|scope| {
            scope.spawn(move || tell(stdin, text));
            // Not of the scope: a grandchild that keeps the pipe open must not hold us.
            thread::spawn(listener);
            let answer = said.recv_timeout(self.load_max).ok();
            if answer.is_none() {
                // Ends the teller, whose pipe has no reader now.
                let _ = child.kill();
            }
            answer
        })
    }
}

/// How a text came into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was in force already.
    Already,
    /// As its difference to the text before: so many elements came, so many went.
    Delta {
        /// Elements that came.
        added: usize,
        /// Elements that went.
        removed: usize,
    },
    /// As a whole.
    Whole,
}

/// Loads one text after another, the difference only where that can be.
#[derive(Debug)]
pub struct Renewer {
    loader: Loader,
    netlink: Netlink,
    /// The text in force, if this process knows it.
    last: Option<String>,
}

impl Renewer {
    pub(super) fn new(loader: Loader, netlink: Netlink) -> Self {
        Self { loader, netlink, last: None }
    }

    /// Brings a text of [`nft::gateway_ruleset`] into force: what comes is there before anything goes.
    /// # Errors
    /// As [`Loader::load`].
    pub fn renew(&mut self, text: String) -> Result<How, LoadError> {
        let how = self.bring(&text);
        match how {
            Ok(_) => self.last = Some(text),
            // Nobody knows what is in force after a load that was broken off.
            Err(LoadError::Slow(_)) => self.last = None,
            Err(
                LoadError::Host(_)
                | LoadError::Form
                | LoadError::Program { .. }
                | LoadError::Refused { .. },
            ) => {}
        }
        how
    }

    fn bring(&mut self, text: &str) -> Result<How, LoadError> {
        let in_force = state::generation(&mut self.netlink).ok().flatten();
        let is_in_force = |text: &str| nft::generation(text) == in_force.as_deref();
        if in_force.is_some() && is_in_force(text) {
            return Ok(How::Already);
        }
        // Somebody else may have loaded something since.
        let last = self.last.as_deref().filter(|last| in_force.is_some() && is_in_force(last));
        let delta = last.and_then(|last| delta::delta(last, text));
        if let Some(Delta { added, removed, first, then }) = delta
            && self.netlink.transaction(first).is_ok()
            && self.netlink.transaction(then).is_ok()
        {
            return Ok(How::Delta { added, removed });
        }
        self.loader.load(text).map(|()| How::Whole)
    }
}

/// Writes the text; nft that ended early says why on its own.
fn tell(stdin: Option<ChildStdin>, text: &str) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(text.as_bytes());
    }
}
