//! What `cordon inspect --json` says: one object a message, and a summary as the last line.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::sheet::Message;
use crate::repo::{self, Repo};

/// One message as `cordon` names it.
#[derive(Debug, Clone)]
pub(super) struct Record(Map<String, Value>);

impl Record {
    /// A field as text; numbers are written in decimal, what is empty or null is not there.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        match self.0.get(field)? {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(value) => Some(value.to_string()),
            Value::String(value) if value.is_empty() => None,
            Value::String(value) => Some(value.clone()),
        }
    }

    /// A field as a number.
    pub(super) fn number(&self, field: &str) -> Option<u64> {
        self.0.get(field)?.as_u64()
    }

    /// The frame in which the message ends.
    pub(super) fn frame(&self) -> u64 {
        self.number("frame").unwrap_or(0)
    }

    /// Tells whether the message is of a protocol.
    pub(super) fn is(&self, protocol: &str) -> bool {
        self.0.get("protocol").and_then(Value::as_str) == Some(protocol)
    }

    /// Sender and receiver, as `address:port>address:port`.
    pub(super) fn way(&self) -> String {
        let end = |address: &str, port: &str| {
            format!(
                "{}:{}",
                self.text(address).unwrap_or_default(),
                self.text(port).unwrap_or_default()
            )
        };
        format!("{}>{}", end("src", "sport"), end("dst", "dport"))
    }

    /// Why the message could not be read.
    pub(super) fn fault(&self) -> Option<String> {
        let error = self.0.get("error")?.as_object()?;
        let rule = error.get("rule").and_then(Value::as_str).unwrap_or("no rule named");
        Some(format!("malformed: {rule}"))
    }

    /// A message at a place, with the fault if there is one.
    pub(super) fn at(&self, place: impl Into<String>) -> Message {
        Message { fault: self.fault(), ..Message::at(place) }
    }
}

/// Runs `cordon inspect` on a capture and returns the messages of one protocol.
///
/// # Errors
/// When the program does not run to its end.
pub(super) fn inspect(
    repo: &Repo,
    cordon: &Path,
    capture: &Path,
    protocol: &str,
) -> anyhow::Result<Vec<Record>> {
    let mut command: Command = repo.command(cordon);
    command.args(["inspect", "--json"]).arg(capture);
    let output = repo::output(&mut command)?;
    // What it thinks of the messages may be its exit code; that it got to the end is its summary.
    let text = String::from_utf8(output.stdout).context("`cordon inspect` prints no UTF-8")?;
    match parse(&text) {
        Ok(mut records) => {
            records.retain(|record| record.is(protocol));
            Ok(records)
        }
        Err(error) => {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("`{}`: {error:#}\n{}", repo::shown(&command), complaint.trim_end())
        }
    }
}

/// Reads the lines.
///
/// # Errors
/// When a line is no object, or the last is no summary.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut is_whole = false;
    for (index, line) in text.lines().filter(|line| !line.is_empty()).enumerate() {
        let value: Value =
            serde_json::from_str(line).with_context(|| format!("line {}", index + 1))?;
        let Value::Object(object) = value else {
            bail!("line {}: no object", index + 1);
        };
        is_whole = object.contains_key("summary");
        if !is_whole {
            records.push(Record(object));
        }
    }
    if !is_whole {
        bail!("the last line is no summary");
    }
    Ok(records)
}

/// Counts how often each word came, from 1.
#[derive(Debug, Default)]
pub(super) struct Turns(BTreeMap<String, usize>);

impl Turns {
    /// The word with its number: `frame 12 #1`.
    pub(super) fn next(&mut self, word: impl Into<String>) -> String {
        let word = word.into();
        let count = self.0.entry(word.clone()).or_insert(0);
        *count += 1;
        format!("{word} #{count}")
    }
}
