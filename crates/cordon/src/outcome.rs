//! What a command leaves behind: text for people, JSON for programs, an exit code for scripts.

use cordon_model::Report;
use serde_json::{Value, json};

/// The exit codes of every command (sysexits.h where it has a word for it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, nothing found.
    Done = 0,
    /// Done, and something was found that somebody should look at.
    Finding = 1,
    /// The command line is wrong.
    Usage = 64,
    /// The data are wrong.
    Data = 65,
    /// A bug of ours.
    Bug = 70,
    /// The machine lacks something, or a path cannot be used.
    Config = 78,
}

/// What a command that did its work says.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) json: Value,
    pub(crate) exit: Exit,
    /// What is not part of the answer, for standard error.
    pub(crate) notes: String,
    /// Warnings about the hospital; shown before the text.
    pub(crate) report: Report,
}

impl Outcome {
    pub(crate) fn done(text: String, json: Value) -> Self {
        Self { text, json, exit: Exit::Done, notes: String::new(), report: Report::default() }
    }

    pub(crate) fn finding_if(mut self, found: bool) -> Self {
        if found {
            self.exit = Exit::Finding;
        }
        self
    }

    pub(crate) fn with(mut self, report: Report) -> Self {
        self.report = report;
        self
    }
}

/// Writes an error with all that is behind it, once, where it is handled.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The files of the hospital are wrong.
    Data(Report),
    /// One input is wrong.
    Input {
        /// What is wrong.
        message: String,
        /// How to mend it.
        help: String,
    },
    /// The command line is wrong in a way that its grammar cannot say.
    Usage {
        /// What is wrong.
        message: String,
        /// How to mend it.
        help: String,
    },
    /// The machine lacks something, or a path cannot be used.
    Config {
        /// What is wrong.
        message: String,
        /// How to mend it.
        help: String,
    },
    /// A bug of ours.
    Bug(String),
}

impl Failure {
    pub(crate) fn input(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Input { message: message.into(), help: help.into() }
    }

    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    pub(crate) fn config(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Config { message: message.into(), help: help.into() }
    }

    /// A path that cannot be read or written.
    pub(crate) fn path(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::config(format!("{}: {error}", path.display()), "check the path and its permissions")
    }

    /// Gives what is wrong, in one line.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Data(report) => {
                format!("{} errors in the hospital's files", report.error_count())
            }
            Self::Input { message, .. }
            | Self::Usage { message, .. }
            | Self::Config { message, .. }
            | Self::Bug(message) => message.clone(),
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Data(_) | Self::Input { .. } => Exit::Data,
            Self::Usage { .. } => Exit::Usage,
            Self::Config { .. } => Exit::Config,
            Self::Bug(_) => Exit::Bug,
        }
    }

    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Data(report) => {
                json!({ "error": "data", "diagnostics": report.entries, "omitted": report.omitted })
            }
            Self::Input { message, help } => {
                json!({ "error": "data", "message": message, "help": help })
            }
            Self::Usage { message, help } => {
                json!({ "error": "usage", "message": message, "help": help })
            }
            Self::Config { message, help } => {
                json!({ "error": "config", "message": message, "help": help })
            }
            Self::Bug(message) => json!({ "error": "bug", "message": message }),
        }
    }
}

#[cfg(test)]
mod tests;
