//! JSON with the place of every value, and with every member of an object, even a repeated one.
//!
//! `serde_json` judges the syntax and decodes the strings; the scanner only finds the places.
//!
//! Source: RFC 8259.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::fault::excerpt;
use super::{DEPTH_MAX, MudError, MudFault, TEXT_BYTES_MAX, VALUES_MAX};

/// A value and its place in the text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: Json,
}

/// A value.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) name_span: Range<usize>,
    pub(super) value: Node,
}

/// Reads a JSON text.
pub(super) fn read(text: &str) -> Result<Node, MudError> {
    let refuse = |span, fault| MudError { path: String::new(), span, fault };
    if text.len() > TEXT_BYTES_MAX {
        let fault = MudFault::OverLimit { what: "bytes", limit: TEXT_BYTES_MAX };
        return Err(refuse(TEXT_BYTES_MAX..text.len(), fault));
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let at = offset(text, error.line(), error.column());
        return Err(refuse(at..at, MudFault::Syntax { what: error.to_string() }));
    }
    let mut scanner = Scanner { text, at: 0, values: 0 };
    scanner.value(0).map_err(|stop| match stop {
        Stop::Limit { at, what, limit } => refuse(at..at, MudFault::OverLimit { what, limit }),
        Stop::Text { span, what } => refuse(span, MudFault::Syntax { what }),
    })
}

/// Finds the byte that a line and a column name, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines_before = text.split_inclusive('\n').take(line.saturating_sub(1));
    let line_start: usize = lines_before.map(str::len).sum();
    (line_start + column.saturating_sub(1)).min(text.len())
}

/// Why the scanner cannot go on.
enum Stop {
    Limit { at: usize, what: &'static str, limit: usize },
    Text { span: Range<usize>, what: String },
}

/// Walks over a text that is known to be JSON.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space, then the byte if it comes next, and says whether it did.
    fn takes(&mut self, byte: u8) -> bool {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Node, Stop> {
        self.values += 1;
        if depth > DEPTH_MAX {
            return Err(Stop::Limit { at: self.at, what: "levels", limit: DEPTH_MAX });
        }
        if self.values > VALUES_MAX {
            return Err(Stop::Limit { at: self.at, what: "values", limit: VALUES_MAX });
        }
        if self.takes(b'{') {
            return self.object(depth);
        }
        if self.takes(b'[') {
            return self.list(depth);
        }
        if self.peek() == Some(b'"') {
            let (text, span) = self.string()?;
            return Ok(Node { span, value: Json::Text(text) });
        }
        Ok(self.word())
    }

    fn object(&mut self, depth: usize) -> Result<Node, Stop> {
        let start = self.at.saturating_sub(1);
        let mut members = Vec::new();
        while !self.takes(b'}') {
            if !members.is_empty() && !self.takes(b',') {
                return Err(self.broken());
            }
            if !self.takes(b'"') {
                return Err(self.broken());
            }
            self.at -= 1;
            let (name, name_span) = self.string()?;
            if !self.takes(b':') {
                return Err(self.broken());
            }
            members.push(Member { name, name_span, value: self.value(depth + 1)? });
        }
        Ok(Node { span: start..self.at, value: Json::Object(members) })
    }

    fn list(&mut self, depth: usize) -> Result<Node, Stop> {
        let start = self.at.saturating_sub(1);
        let mut entries = Vec::new();
        while !self.takes(b']') {
            if !entries.is_empty() && !self.takes(b',') {
                return Err(self.broken());
            }
            entries.push(self.value(depth + 1)?);
        }
        Ok(Node { span: start..self.at, value: Json::List(entries) })
    }

    /// Reads a string, which YANG lets hold no control characters but tab and line ends.
    fn string(&mut self) -> Result<(String, Range<usize>), Stop> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
                None => return Err(self.broken()),
            }
        }
        self.at += 1;
        let span = start..self.at;
        let token = self.text.get(span.clone()).unwrap_or_default();
        let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
        match serde_json::from_str::<String>(token) {
            Ok(text) if text.chars().all(allowed) => Ok((text, span)),
            Ok(_) => {
                let what = format!("`{}` has a control character", excerpt(token));
                Err(Stop::Text { span, what })
            }
            Err(error) => Err(Stop::Text { span, what: error.to_string() }),
        }
    }

    /// Reads a number, `true`, `false` or `null`.
    fn word(&mut self) -> Node {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            self.at += 1;
        }
        let word = self.text.get(start..self.at).unwrap_or_default();
        let value = match word {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            number => Json::Number(number.to_owned()),
        };
        Node { span: start..self.at, value }
    }

    fn broken(&self) -> Stop {
        Stop::Text { span: self.at..self.at, what: "the text ends or goes on wrongly".to_owned() }
    }
}
