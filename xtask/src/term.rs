//! What the reader of the terminal sees.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::Context;

/// Prints one line, at once, so that it stands before the output of a program started next.
///
/// # Errors
/// When nobody reads the output any more.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("the output cannot be written")
}

/// Prints an error with its causes; if even that fails, the exit code still tells.
pub(crate) fn error(error: &anyhow::Error) {
    let _unread = writeln!(io::stderr().lock(), "error: {error:#}");
}
