//! Orders from this machine: a socket on which each line is one order, and each answer one line.
//!
//! Until a control plane is there, this is how a device is contained; afterwards it is how somebody
//! who stands at the gateway does it when nothing else answers.
//!
//! Invariant: only the owner of the process may connect: the socket has mode 0600.
//! Invariant: a line, a client and their number are bounded; a slow client holds up itself alone.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::time::Duration;

use cordon_model::DeviceId;
use cordon_model::event::{Actor, Person};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest line, in bytes.
pub const LINE_BYTES_MAX: u64 = 64 << 10;
/// Most clients at a time.
pub const CLIENTS_MAX: usize = 16;
/// How long a client may say nothing, and how long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked of an enforcement point on its own machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How it is.
    Status,
    /// That a decision point was heard: the policy is as fresh as it can be.
    Heard,
    /// To let a device have its lifelines only.
    Contain(Order),
    /// To let a device have nothing.
    Isolate(Order),
    /// To let a device have what its policy permits.
    Release(Order),
    /// To keep a device contained: a person has seen that its lifelines work.
    Confirm(Order),
    /// To record the packets of a device for some time.
    Capture {
        /// The device.
        device: DeviceId,
        /// For how long.
        seconds: u32,
        /// Where to.
        to: PathBuf,
    },
    /// To move both clocks on, where the configuration lets that be: what takes an hour is shown in
    /// a minute.
    Advance {
        /// By how much.
        seconds: u32,
    },
    /// To end in an orderly way; the rules stay in the kernel.
    Stop,
}

/// An order about one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The device.
    pub device: DeviceId,
    /// Who orders it; two people for an isolation in RED.
    pub by: Vec<Person>,
    /// Why, in one word.
    pub reason: cordon_model::Label,
}

impl Order {
    /// Gives those who order it.
    #[must_use]
    pub fn actors(&self) -> Vec<Actor> {
        self.by.iter().cloned().map(Actor::Person).collect()
    }
}

/// A request, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    answer: Sender<Value>,
}

impl Asked {
    /// Answers; a client that went away is no error.
    pub fn answer(self, answer: Value) {
        let _ = self.answer.send(answer);
    }
}

/// Opens the socket and takes requests on threads of its own.
/// # Shape
/// `to`: where requests go; each is answered once.
/// # Errors
/// What the system says; another process that listens there is one.
pub fn listen<T>(path: &Path, to: SyncSender<T>, wrap: fn(Asked) -> T) -> io::Result<()>
where
    T: Send + 'static,
{
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there"));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    let clients = Arc::new(AtomicUsize::new(0));
    let accept = move || {
        for client in listener.incoming().flatten() {
            if clients.fetch_add(1, Ordering::AcqRel) >= CLIENTS_MAX {
                clients.fetch_sub(1, Ordering::AcqRel);
                let _ = say(&client, &json!({ "ok": false, "error": "too many clients" }));
                continue;
            }
            let (to, clients) = (to.clone(), Arc::clone(&clients));
            let serve = move || {
                let _ = serve(&client, &to, wrap);
                clients.fetch_sub(1, Ordering::AcqRel);
            };
            if std::thread::Builder::new().name("control-client".into()).spawn(serve).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("control".into()).spawn(accept).map(|_| ())
}

fn serve<T>(client: &UnixStream, to: &SyncSender<T>, wrap: fn(Asked) -> T) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(client);
    loop {
        let mut line = String::new();
        if (&mut reader).take(LINE_BYTES_MAX).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_str(&line) {
            Ok(request) => ask(request, to, wrap),
            Err(error) => refusal(&format!("no request: {error}")),
        };
        say(client, &answer)?;
        if !line.ends_with('\n') {
            return Ok(());
        }
    }
}

fn ask<T>(request: Request, to: &SyncSender<T>, wrap: fn(Asked) -> T) -> Value {
    let (answer, answers): (_, Receiver<Value>) = channel();
    if to.try_send(wrap(Asked { request, answer })).is_err() {
        return refusal("busy: too much waits already");
    }
    answers.recv_timeout(PATIENCE).unwrap_or_else(|_| refusal("no answer in time"))
}

fn refusal(error: &str) -> Value {
    json!({ "ok": false, "error": error })
}

fn say(mut client: &UnixStream, answer: &Value) -> io::Result<()> {
    let mut line = answer.to_string();
    line.push('\n');
    client.write_all(line.as_bytes())
}

/// Asks a running enforcement point, and waits for its answer.
/// # Errors
/// What the system says, if nobody listens there or nobody answers.
pub fn request(path: &Path, request: &Request) -> io::Result<Value> {
    let mut socket = UnixStream::connect(path)?;
    socket.set_read_timeout(Some(PATIENCE + Duration::from_secs(1)))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    socket.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(socket).take(16 << 20).read_line(&mut answer)?;
    serde_json::from_str(&answer).map_err(io::Error::other)
}

/// Writes an answer for people: one line for each member, the nested ones indented.
#[must_use]
pub fn words(answer: &Value) -> String {
    let mut text = String::new();
    describe(&mut text, 0, answer);
    text
}

fn describe(text: &mut String, depth: usize, value: &Value) {
    let Value::Object(members) = value else { return };
    for (name, value) in members.iter().filter(|(name, _)| *name != "ok") {
        text.extend(std::iter::repeat_n("  ", depth));
        text.push_str(&name.replace('_', " "));
        match value {
            Value::Object(_) => {
                text.push('\n');
                describe(text, depth + 1, value);
                continue;
            }
            Value::Array(all) => {
                let all: Vec<String> = all.iter().map(one_line).collect();
                text.push_str(": ");
                text.push_str(&all.join(", "));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                text.push_str(": ");
                text.push_str(&one_line(value));
            }
        }
        text.push('\n');
    }
}

fn one_line(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
