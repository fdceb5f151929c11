//! Zeek's conn.log, as tab-separated text and as JSON lines.
//!
//! Source: Zeek `base/frameworks/logging/writers/ascii.zeek`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

use serde_json::Value;

use super::record::{self, FIELDS, LogTime, Texts};
use super::{Fault, Faults, FlowsError, LINE_BYTES_MAX, RECORDS_MAX, Recording};

/// A column of no log that Zeek writes lies further right.
const COLUMNS_MAX: usize = 1_024;
/// More kinds of foreign logs than this are not told apart.
const PATHS_MAX: usize = 64;

/// Lines of a bounded length, with their numbers.
struct Lines<'a, R> {
    input: BufReader<R>,
    file: &'a str,
    buffer: Vec<u8>,
    number: usize,
}

/// One line without its end.
struct Line<'a> {
    number: usize,
    bytes: &'a [u8],
    /// Whether its end was there; if not, the line may be cut off.
    ended: bool,
}

impl<'a, R: Read> Lines<'a, R> {
    fn new(input: R, file: &'a str) -> Self {
        Self { input: BufReader::new(input), file, buffer: Vec::new(), number: 0 }
    }

    fn next(&mut self) -> Result<Option<Line<'_>>, FlowsError> {
        self.buffer.clear();
        let limit = u64::try_from(LINE_BYTES_MAX + 1).unwrap_or(u64::MAX);
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
        read.map_err(|source| FlowsError::Unreadable { file: self.file.to_owned(), source })?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.buffer.ends_with(b"\n");
        if !ended && self.buffer.len() > LINE_BYTES_MAX {
            let what = "bytes in one line";
            return Err(FlowsError::OverLimit {
                file: self.file.to_owned(),
                what,
                max: LINE_BYTES_MAX,
            });
        }
        let bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let bytes = if self.number == 1 {
            bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
        } else {
            bytes
        };
        Ok(Some(Line { number: self.number, bytes, ended }))
    }
}

/// What is gathered while a log is read.
struct Log<'a> {
    faults: Faults<'a>,
    recording: Recording,
    masked: usize,
    foreign: BTreeMap<String, usize>,
}

impl<'a> Log<'a> {
    fn new(file: &'a str) -> Self {
        let recording = Recording::default();
        Self { faults: Faults::new(file), recording, masked: 0, foreign: BTreeMap::new() }
    }

    /// Takes the outcome of one line; a last line that is cut off is left out with a warning.
    fn take(&mut self, line: &Line<'_>, text: &str, outcome: Outcome) -> Result<(), FlowsError> {
        match outcome {
            Ok(Some((_, _))) if self.recording.records.len() >= RECORDS_MAX => {
                let file = self.faults.file.to_owned();
                return Err(FlowsError::OverLimit { file, what: "records", max: RECORDS_MAX });
            }
            Ok(Some((record, time))) => {
                self.masked += usize::from(time == LogTime::Masked);
                self.recording.records.push(record);
            }
            Ok(None) => {}
            Err(_) if !line.ended => self.recording.warnings.push(format!(
                "line {} is the last one and is cut off; it was left out",
                line.number
            )),
            Err(fault) => self.faults.push(line.number, text, fault),
        }
        Ok(())
    }

    fn conclude(mut self) -> Result<Recording, FlowsError> {
        if self.masked > 0 {
            let message =
                format!("records with masked times, which count as of 1970: {}", self.masked);
            self.recording.warnings.push(message);
        }
        for (path, count) in &self.foreign {
            let message = format!("lines left out for being of log `{path}`: {count}");
            self.recording.warnings.push(message);
        }
        self.faults.conclude(self.recording)
    }
}

type Outcome = Result<Option<(super::FlowRecord, LogTime)>, Fault>;

fn whole(label: &'static str, text: &str, message: &str, help: &str) -> Fault {
    Fault { label, from: 0, to: text.len(), message: message.to_owned(), help: help.to_owned() }
}

fn not_utf8(line: &Line<'_>) -> (String, Fault) {
    let good = std::str::from_utf8(line.bytes).err().map_or(0, |error| error.valid_up_to());
    let text = String::from_utf8_lossy(line.bytes).into_owned();
    let fault = Fault {
        label: "not-utf-8",
        from: good,
        to: good,
        message: "the line is not UTF-8 text".to_owned(),
        help: "take the log from Zeek again; it writes ASCII".to_owned(),
    };
    (text, fault)
}

/// Reads a tab-separated log.
pub(super) fn read_text(input: impl Read, file: &str) -> Result<Recording, FlowsError> {
    let mut lines = Lines::new(input, file);
    let mut log = Log::new(file);
    let mut layout = Layout::default();
    while let Some(line) = lines.next()? {
        match std::str::from_utf8(line.bytes) {
            Ok(text) => {
                let outcome = layout.line(text, line.number);
                log.take(&line, text, outcome)?;
            }
            Err(_) => {
                let (text, fault) = not_utf8(&line);
                log.take(&line, &text, Err(fault))?;
            }
        }
    }
    log.conclude()
}

/// How a log is laid out, as its header says.
struct Layout {
    separator: String,
    set_separator: String,
    empty: String,
    unset: String,
    path: String,
    /// For each of [`FIELDS`], its column.
    at: Option<[Option<usize>; FIELDS.len()]>,
    columns: usize,
    /// Whether the header was refused, so that records under it are not refused one by one.
    is_refused: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            separator: "\t".to_owned(),
            set_separator: ",".to_owned(),
            empty: "(empty)".to_owned(),
            unset: "-".to_owned(),
            path: "conn".to_owned(),
            at: None,
            columns: 0,
            is_refused: false,
        }
    }
}

impl Layout {
    fn line(&mut self, text: &str, number: usize) -> Outcome {
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(directive) = text.strip_prefix('#') {
            return self.directive(directive, text).map(|()| None);
        }
        let Some(at) = self.at else {
            if std::mem::replace(&mut self.is_refused, true) {
                return Ok(None);
            }
            let help = "a log begins with `#separator` and `#fields`; take it whole";
            return Err(whole("missing-header", text, "a record stands before `#fields`", help));
        };
        let spans = spans(text, &self.separator);
        if spans.len() != self.columns {
            let message =
                format!("the line has {} fields, `#fields` names {}", spans.len(), self.columns);
            let help = "the line is damaged, or the header is of another log";
            return Err(whole("uneven-line", text, &message, help));
        }
        let span =
            |field: usize| at.get(field).copied().flatten().and_then(|c| spans.get(c).copied());
        let texts: Texts<'_> = std::array::from_fn(|field| {
            let (from, to) = span(field)?;
            let value = text.get(from..to)?;
            (value != self.unset && value != self.empty).then(|| self.value(field, value))
        });
        record::record(&texts, number).map(Some).map_err(|fault| {
            let (from, to) = span(fault.field).unwrap_or((0, text.len()));
            Fault {
                label: fault.label,
                from,
                to,
                message: fault.message,
                help: fault.help.to_owned(),
            }
        })
    }

    /// A set is written with commas; escapes are undone.
    fn value<'t>(&self, field: usize, value: &'t str) -> Cow<'t, str> {
        let is_service = FIELDS.get(field).is_some_and(|(name, _)| *name == "service");
        let value = unescape(value);
        if is_service && self.set_separator != "," && !self.set_separator.is_empty() {
            return Cow::Owned(value.replace(&self.set_separator, ","));
        }
        value
    }

    fn directive(&mut self, directive: &str, text: &str) -> Result<(), Fault> {
        if let Some(separator) = directive.strip_prefix("separator ") {
            self.separator = unescape(separator).into_owned();
            if self.separator.is_empty() {
                let help = "write `#separator \\x09`";
                return Err(whole("malformed-header", text, "the separator is empty", help));
            }
            return Ok(());
        }
        let Some((name, value)) = directive.split_once(self.separator.as_str()) else {
            return Ok(());
        };
        match name {
            "set_separator" => self.set_separator = unescape(value).into_owned(),
            "empty_field" => value.clone_into(&mut self.empty),
            "unset_field" => value.clone_into(&mut self.unset),
            "path" => value.clone_into(&mut self.path),
            "fields" => return self.fields(value, text),
            _ => {}
        }
        Ok(())
    }

    fn fields(&mut self, value: &str, text: &str) -> Result<(), Fault> {
        let names: Vec<&str> = value.split(self.separator.as_str()).take(COLUMNS_MAX + 1).collect();
        if names.len() > COLUMNS_MAX {
            let message = format!("the log has more than {COLUMNS_MAX} fields");
            return Err(whole("over-limit", text, &message, "leave some fields out"));
        }
        let at = FIELDS.map(|(field, _)| names.iter().position(|name| *name == field));
        let missing: Vec<&str> = FIELDS
            .into_iter()
            .zip(at)
            .filter(|((_, needed), at)| *needed && at.is_none())
            .map(|((name, _), _)| name)
            .collect();
        self.columns = names.len();
        self.at = None;
        self.is_refused = !missing.is_empty();
        if !missing.is_empty() {
            let message = format!("log `{}` lacks the fields {}", self.path, missing.join(", "));
            let help = "give Zeek's conn.log with these fields";
            return Err(whole("missing-field", text, &message, help));
        }
        self.at = Some(at);
        Ok(())
    }
}

/// Gives the byte ranges of a line's fields.
fn spans(text: &str, separator: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut from = 0;
    for (at, found) in text.match_indices(separator).take(COLUMNS_MAX) {
        spans.push((from, at));
        from = at + found.len();
    }
    spans.push((from, text.len()));
    spans
}

/// Undoes `\xNN`; bytes that are no ASCII stay escaped.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        out.push_str(before);
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(u8::is_ascii) {
            Some(code) => {
                out.push(char::from(code));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push_str("\\x");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads a log of JSON lines.
pub(super) fn read_json(input: impl Read, file: &str) -> Result<Recording, FlowsError> {
    let mut lines = Lines::new(input, file);
    let mut log = Log::new(file);
    while let Some(line) = lines.next()? {
        match std::str::from_utf8(line.bytes) {
            Ok(text) => {
                let outcome = json_line(text, line.number, &mut log.foreign);
                log.take(&line, text, outcome)?;
            }
            Err(_) => {
                let (text, fault) = not_utf8(&line);
                log.take(&line, &text, Err(fault))?;
            }
        }
    }
    log.conclude()
}

fn json_line(text: &str, number: usize, foreign: &mut BTreeMap<String, usize>) -> Outcome {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let mut at = error.column().saturating_sub(1).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let message = format!("the line is not JSON: {error}");
        let help = "write one JSON object a line".to_owned();
        Fault { label: "malformed-json", from: at, to: text.len(), message, help }
    })?;
    let Value::Object(object) = value else {
        return Err(whole(
            "malformed-json",
            text,
            "the line is no JSON object",
            "one object a line",
        ));
    };
    if let Some(Value::String(path)) = object.get("_path").filter(|path| *path != "conn") {
        if foreign.len() < PATHS_MAX || foreign.contains_key(path) {
            *foreign.entry(path.clone()).or_default() += 1;
        } else {
            *foreign.entry("(others)".to_owned()).or_default() += 1;
        }
        return Ok(None);
    }
    let mut texts: Texts<'_> = Default::default();
    for ((name, _), slot) in FIELDS.iter().zip(&mut texts) {
        *slot = json_field(&object, name).map_err(|()| {
            let (from, to) = key_span(text, name);
            let message = format!("`{name}` is neither a text nor a number");
            let help = "write it as Zeek does".to_owned();
            Fault { label: "malformed-field", from, to, message, help }
        })?;
    }
    record::record(&texts, number).map(Some).map_err(|fault| {
        let name = FIELDS.get(fault.field).map_or("", |(name, _)| name);
        let (from, to) = key_span(text, name);
        Fault { label: fault.label, from, to, message: fault.message, help: fault.help.to_owned() }
    })
}

/// Finds a field by its flat name (`id.orig_h`), else by its nested one (`id`, then `orig_h`).
fn json_field(
    object: &serde_json::Map<String, Value>,
    name: &str,
) -> Result<Option<Cow<'static, str>>, ()> {
    let nested = || {
        let (outer, inner) = name.split_once('.')?;
        object.get(outer)?.get(inner)
    };
    match object.get(name).or_else(nested) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Cow::Owned(text.clone()))),
        Some(Value::Number(number)) => Ok(Some(Cow::Owned(number.to_string()))),
        Some(Value::Array(items)) if name == "service" => {
            let names: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Ok((!names.is_empty()).then(|| Cow::Owned(names.join(","))))
        }
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(()),
    }
}

/// Finds where a field's key stands in the line, else gives the whole line.
fn key_span(text: &str, name: &str) -> (usize, usize) {
    let flat = format!("\"{name}\"");
    let inner = name.rsplit('.').next().map(|inner| format!("\"{inner}\"")).unwrap_or_default();
    let found = text.find(&flat).map(|at| (at, at + flat.len()));
    let nested = || text.find(&inner).map(|at| (at, at + inner.len()));
    found.or_else(nested).unwrap_or((0, text.len()))
}
