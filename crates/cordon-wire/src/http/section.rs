//! The end of a section of lines, found by going over each byte once.

use super::HEAD_BYTES;
use crate::Fault;

/// How far a section has been looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section {
    scanned: usize,
    /// Where the present line begins.
    line: usize,
    /// Whether a line has been seen that is not empty.
    has_lines: bool,
}

impl Section {
    /// Begins at a head, before which there may be empty lines (RFC 9112 §2.2).
    pub(super) const fn head() -> Self {
        Self { scanned: 0, line: 0, has_lines: false }
    }

    /// Begins at a trailer section, which an empty line ends at once (RFC 9112 §7.1.2).
    pub(super) const fn trailer() -> Self {
        Self { scanned: 0, line: 0, has_lines: true }
    }

    /// Looks on; gives the length of the section once its end is there.
    pub(super) fn look(&mut self, front: &[u8]) -> Result<Option<usize>, Fault> {
        let visible = front.get(..HEAD_BYTES.max).unwrap_or(front);
        while let Some(end) = memchr::memchr(b'\n', visible.get(self.scanned..).unwrap_or_default())
        {
            let end = self.scanned.saturating_add(end);
            let line = visible.get(self.line..end).unwrap_or_default();
            // A line feed alone ends a line for some and not for others.
            let Some((b'\r', line)) = line.split_last() else {
                return Err(Fault::Malformed { at: end, rule: "RFC 9112 §2.2" });
            };
            if self.has_lines && matches!(line.first(), Some(b' ' | b'\t')) {
                return Err(Fault::Malformed { at: self.line, rule: "RFC 9112 §5.2" });
            }
            self.scanned = end.saturating_add(1);
            self.line = self.scanned;
            if line.is_empty() && self.has_lines {
                return Ok(Some(self.scanned));
            }
            self.has_lines |= !line.is_empty();
        }
        self.scanned = visible.len();
        if visible.len() >= HEAD_BYTES.max {
            return Err(Fault::OverLimit { at: HEAD_BYTES.max, limit: HEAD_BYTES });
        }
        Ok(None)
    }
}
