//! What tshark says of DICOM, in PDML: one element a line.

use super::{DATA, REQUEST};
use crate::corpora::record::Turns;
use crate::corpora::sheet::Message;

/// Elements of a command set.
/// # Source
/// DICOM PS3.7 §E.1
const AFFECTED_CLASS: &str = "(0000,0002)";
const REQUESTED_CLASS: &str = "(0000,0003)";
const COMMAND: &str = "(0000,0100)";
const STATUS: &str = "(0000,0900)";

/// A command that is being read.
#[derive(Debug, Default)]
struct Command {
    class: Option<String>,
    command: Option<u16>,
    status: Option<u16>,
}

/// Reads the document: each PDU that is no P-DATA, and each command.
pub(crate) fn messages(document: &str) -> Vec<Message> {
    let mut reading = Reading::default();
    for line in document.lines() {
        reading.line(line.trim_start());
    }
    reading.flush();
    reading.messages
}

#[derive(Debug, Default)]
struct Reading {
    frame: String,
    turns: Turns,
    kind: String,
    is_command: bool,
    command: Command,
    /// The PDU that is being read, if it is no P-DATA.
    open: Option<Message>,
    messages: Vec<Message>,
}

impl Reading {
    fn line(&mut self, line: &str) {
        if line.starts_with("</packet") {
            self.flush();
            return;
        }
        let (Some(name), Some(show)) = (attribute(line, "name"), attribute(line, "show")) else {
            return;
        };
        match name {
            "num" => show.clone_into(&mut self.frame),
            "dicom.pdu.type" => self.begin(show),
            "dicom.assoc.ae.called" if self.kind == REQUEST => self.title("called", show),
            "dicom.assoc.ae.calling" if self.kind == REQUEST => self.title("calling", show),
            "dicom.pdv.flags" => {
                self.flush();
                self.is_command = number(show).is_some_and(|flags| flags & 1 == 1);
            }
            "" if self.is_command => self.element(line, show),
            _ => {}
        }
    }

    fn begin(&mut self, show: &str) {
        self.flush();
        self.kind = number(show).map_or_else(|| show.to_owned(), |kind| kind.to_string());
        if self.kind != DATA {
            let place = self.turns.next(format!("frame {}", self.frame));
            self.open = Some(Message::at(place).with("type", Some(&self.kind)));
        }
    }

    fn title(&mut self, field: &'static str, show: &str) {
        self.open = self.open.take().map(|message| message.with(field, Some(plain(show).trim())));
    }

    /// An element of a command set: tag and length, four bytes each, then the value.
    fn element(&mut self, line: &str, show: &str) {
        let value = attribute(line, "value").map(bytes).unwrap_or_default();
        let value = value.get(8..).unwrap_or_default();
        let number = || value.first_chunk().map(|pair| u16::from_le_bytes(*pair));
        match show.split_whitespace().next() {
            Some(AFFECTED_CLASS | REQUESTED_CLASS) => {
                let text = String::from_utf8_lossy(value);
                self.command.class = Some(text.trim_end_matches(['\0', ' ']).to_owned());
            }
            Some(COMMAND) => self.command.command = number(),
            Some(STATUS) => self.command.status = number(),
            _ => {}
        }
    }

    /// Ends what is being read.
    fn flush(&mut self) {
        self.messages.extend(self.open.take());
        self.is_command = false;
        let command = std::mem::take(&mut self.command);
        if command.command.is_some() {
            let message = Message::at(self.turns.next(format!("frame {}", self.frame)))
                .with("type", Some(DATA))
                .with("command", command.command)
                .with("status", command.status)
                .with("sop-class", command.class);
            self.messages.push(message);
        }
    }
}

/// The value of an attribute.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// A number as tshark shows it, in decimal or hexadecimal.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The bytes of pairs of hexadecimal digits.
fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map_while(byte).collect()
}

/// The text of an attribute.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
