//! HL7 over MLLP: our messages against a plain reading of the same text, and against the Python package `hl7`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::Cordon;
use super::capture::Capture;
use super::record::{Record, Turns};
use super::sheet::{Message, Sheet};
use super::table;
use crate::repo;

const CORPUS: &str = "hl7";

/// MLLP's port.
/// # Source
/// HL7 MLLP R1 §2
const PORT: u16 = 2575;

/// Frames of MLLP.
/// # Source
/// HL7 MLLP R1 §2
const START: u8 = 0x0b;
const END: [u8; 2] = [0x1c, 0x0d];

/// Segments as a sender would cut them, and at places where a reader that relies on cuts fails.
const WHOLE: (&str, &[usize]) = ("plain reading", &[1460]);
const SPLIT: (&str, &[usize]) = (
    "plain reading, cut at odd places",
    &[1, 1, 2, 3, 5, 7, 1, 11, 13, 1, 17, 4, 1460, 1, 699, 2, 37],
);

/// A server that reads with the package `hl7` and acknowledges each message.
const PEER: &str = include_str!("hl7/peer.py");
const PEER_NAME: &str = "python-hl7";

/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(30);

/// The messages of one file, as they are sent.
struct Messages {
    name: String,
    messages: Vec<Vec<u8>>,
}

/// Compares every file.
///
/// # Errors
/// When a file cannot be read or a program does not run to its end.
pub(super) fn compare(
    cordon: &Cordon<'_>,
    folder: &Path,
    scratch: &Path,
    python: &str,
    sheet: &mut Sheet,
) -> anyhow::Result<()> {
    let files = files(folder)?;
    ensure!(!files.is_empty(), "`{}` has no message", folder.display());
    let mut whole = Vec::new();
    for (peer, sizes) in [WHOLE, SPLIT] {
        let path = scratch.join(format!("hl7-{}.pcap", sizes.len()));
        let records = inspect(cordon, &path, &files, sizes)?;
        for (file, port) in files.iter().zip(10_000..) {
            let ours = messages_of(&records, port);
            sheet.compare((CORPUS, peer), &file.name, &plainly(file), &ours);
            whole.push(ours);
        }
    }
    match missing(python) {
        Some(why) => sheet.skip(CORPUS, PEER_NAME, why),
        None => {
            let mut peer = Peer::start(python, scratch)?;
            for (file, ours) in files.iter().zip(&whole) {
                let theirs = peer.read(file).with_context(|| file.name.clone())?;
                sheet.compare((CORPUS, PEER_NAME), &file.name, &theirs, ours);
            }
        }
    }
    Ok(())
}

/// Writes all files into one capture, a connection each, and has it inspected.
fn inspect(
    cordon: &Cordon<'_>,
    path: &Path,
    files: &[Messages],
    sizes: &[usize],
) -> anyhow::Result<Vec<Record>> {
    let mut capture = Capture::new(BufWriter::new(File::create(path)?))?;
    for (file, port) in files.iter().zip(10_000..) {
        capture.connection((port, PORT), &framed(&file.messages), sizes)?;
    }
    drop(capture);
    cordon.inspect(path, CORPUS)
}

/// Our messages on the connection from a port.
fn messages_of(records: &[Record], port: u16) -> Vec<Message> {
    let mut turns = Turns::default();
    let ours = records.iter().filter(|record| record.number("sport") == Some(u64::from(port)));
    ours.map(|record| {
        record
            .at(turns.next("message"))
            .with("type", kind(record.text("message_type").as_deref()))
            .with("control", record.text("control_id"))
            .with("version", record.text("version"))
            .with("application", record.text("sending_application"))
    })
    .collect()
}

/// All files, sorted by name.
fn files(folder: &Path) -> anyhow::Result<Vec<Messages>> {
    let mut files = Vec::new();
    for maker in table::names(folder)? {
        let inside = folder.join(&maker);
        if !inside.is_dir() {
            continue;
        }
        for name in table::names(&inside)? {
            let ending = Path::new(&name).extension().and_then(|ending| ending.to_str());
            let separator = match ending {
                Some("hl7") => None,
                Some("out") => Some("\r\r"),
                _ => continue,
            };
            let text = fs::read(inside.join(&name))?;
            let messages = messages(&text, separator);
            files.push(Messages { name: format!("{maker}/{name}"), messages });
        }
    }
    Ok(files)
}

/// The messages in a text, each with segments that end as they must.
/// # Source
/// HL7 v2.6 §2.5.2
pub(super) fn messages(text: &[u8], separator: Option<&str>) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(text);
    // What an editor put in front of the file is no part of the message.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\r").replace('\n', "\r");
    let parts = match separator {
        Some(separator) => text.split(separator).collect(),
        None => vec![text.as_str()],
    };
    let parts = parts.into_iter().map(|part| part.trim_matches(['\r', ' ']));
    let whole = |part: &str| format!("{part}\r").into_bytes();
    parts.filter(|part| !part.is_empty()).map(whole).collect()
}

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let frame = |message: &Vec<u8>| [&[START], message.as_slice(), &END].concat();
    messages.iter().flat_map(frame).collect()
}

/// Reads the messages in the plainest way: the fourth letter separates the fields of the first line.
fn plainly(file: &Messages) -> Vec<Message> {
    let mut turns = Turns::default();
    file.messages.iter().map(|message| head(message, turns.next("message"))).collect()
}

/// The head of a message.
/// # Source
/// HL7 v2.6 §2.14.9
pub(super) fn head(message: &[u8], place: String) -> Message {
    let text = String::from_utf8_lossy(message);
    let first = text.split('\r').next().unwrap_or_default();
    let separator = first.chars().nth(3).unwrap_or('|');
    let fields = first.split(separator).collect::<Vec<_>>();
    // MSH-1 is the separator itself, so field N stands at place N - 1.
    let field = |number: usize| fields.get(number - 1).copied().filter(|field| !field.is_empty());
    named(place, &[field(9), field(10), field(12), field(3)])
}

/// A message by type, control id, version and sending application.
fn named(place: String, [kind, control, version, application]: &[Option<&str>; 4]) -> Message {
    let component = |field: &Option<&str>| {
        let first = field.and_then(|field| field.split('^').next()).map(str::to_owned);
        first.filter(|text| !text.is_empty())
    };
    Message::at(place)
        .with("type", self::kind(*kind))
        .with("control", *control)
        .with("version", component(version))
        .with("application", component(application))
}

/// Message and event; the structure, which follows from both, is not always named.
/// # Source
/// HL7 v2.6 §2.14.9.9
fn kind(field: Option<&str>) -> Option<String> {
    let parts = field?.split('^').take(2).collect::<Vec<_>>().join("^");
    Some(parts).filter(|text| !text.is_empty())
}

/// Why the Python package cannot be asked.
fn missing(python: &str) -> Option<String> {
    let mut command = Command::new(python);
    let found = repo::answers(command.args(["-c", "import hl7.mllp"]));
    (!found).then(|| format!("`{python}` has no package `hl7`"))
}

/// The Python server; it ends with the value.
struct Peer {
    child: Child,
    port: u16,
    lines: mpsc::Receiver<String>,
    _script: PathBuf,
}

impl Peer {
    fn start(python: &str, scratch: &Path) -> anyhow::Result<Peer> {
        let script = scratch.join("peer.py");
        fs::write(&script, PEER)?;
        let mut command = Command::new(python);
        command.arg(&script).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("`{python}` does not start"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let (keep, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if keep.send(line).is_err() {
                    break;
                }
            }
        });
        let mut peer = Peer { child, port: 0, lines, _script: script };
        peer.port = peer.line()?.parse().context("the Python server names no port")?;
        Ok(peer)
    }

    fn line(&self) -> anyhow::Result<String> {
        self.lines.recv_timeout(PATIENCE).context("the Python server is silent")
    }

    /// Sends the messages of a file and returns how the server read them.
    fn read(&mut self, file: &Messages) -> anyhow::Result<Vec<Message>> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut theirs = Vec::new();
        let mut turns = Turns::default();
        for message in &file.messages {
            stream.write_all(&framed(std::slice::from_ref(message)))?;
            acknowledged(&mut stream)?;
            theirs.push(reading(&self.line()?, turns.next("message"))?);
        }
        Ok(theirs)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Waits for the frame of one answer.
fn acknowledged(stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut answer = Vec::new();
    while !answer.ends_with(&END) {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece)?;
        if count == 0 {
            bail!("the Python server hung up");
        }
        answer.extend(piece.iter().take(count));
    }
    Ok(())
}

/// A line of the server's: an object with the four fields, or with `error`.
fn reading(line: &str, place: String) -> anyhow::Result<Message> {
    let value: Value = serde_json::from_str(line).with_context(|| format!("`{line}`"))?;
    let field = |name| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let names = ["message_type", "control_id", "version", "sending_application"];
    let message = named(place, &names.map(field));
    Ok(Message { fault: field("error").map(str::to_owned), ..message })
}
