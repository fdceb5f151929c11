//! Lines of a file of any size and content, in bounded memory.

use std::io::{self, Read};

use crate::segment::LINE_BYTES_MAX;

/// Bytes read at once.
const READ_BYTES: usize = 1 << 18;

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct At {
    /// The line, from 1.
    pub(crate) line: u64,
    /// Where it begins, in bytes.
    pub(crate) offset: u64,
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A line, without its line end.
    Line(&'a [u8]),
    /// A line that is longer than any may be.
    Long,
    /// The end: nothing, or what has no line end.
    End(End),
}

/// How a file ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct End {
    /// Bytes of a line that is cut off.
    pub(crate) cut: u64,
    /// Zero bytes follow.
    pub(crate) is_padded: bool,
    /// Where something else stands behind the zero bytes.
    pub(crate) behind: Option<u64>,
}

/// Reads lines.
pub(crate) struct Lines<R> {
    source: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    next: At,
    last: (At, usize, usize),
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(source: R) -> Self {
        let buffer = vec![0; READ_BYTES + LINE_BYTES_MAX + 1].into_boxed_slice();
        let first = At { line: 1, offset: 0 };
        Self { source, buffer, start: 0, end: 0, next: first, last: (first, 0, 0) }
    }

    /// Gives how many bytes were taken.
    pub(crate) fn taken(&self) -> u64 {
        self.next.offset
    }

    /// Gives what was read and not taken yet, and where it stands.
    pub(crate) fn ahead(&self) -> (At, &[u8]) {
        (self.next, self.held())
    }

    /// Takes whole lines of what is ahead.
    pub(crate) fn pass(&mut self, lines: u64, bytes: usize) {
        self.take(bytes);
        self.next.line = self.next.line.saturating_add(lines);
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    fn take(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
        self.next.offset = self.next.offset.saturating_add(u64::try_from(count).unwrap_or(0));
    }

    /// Reads more; nothing is left to read if it returns false.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        loop {
            let Some(room) = self.buffer.get_mut(self.end..) else { return Ok(false) };
            match self.source.read(room) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the next piece and where it stands; after the end, the end again.
    pub(crate) fn next(&mut self) -> io::Result<(At, Piece<'_>)> {
        let at = self.next;
        Ok((at, self.piece()?))
    }

    /// Gives the line that was read last, and where it stands.
    pub(crate) fn again(&self) -> (At, &[u8]) {
        let (at, start, count) = self.last;
        (at, self.buffer.get(start..start + count).unwrap_or_default())
    }

    fn piece(&mut self) -> io::Result<Piece<'_>> {
        let mut looked = 0;
        loop {
            let held = self.held();
            if held.first() == Some(&0) {
                return self.padding(0);
            }
            let unseen = held.get(looked..).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', unseen) {
                let count = looked + found;
                if count > LINE_BYTES_MAX {
                    self.take(count + 1);
                    self.next.line += 1;
                    return Ok(Piece::Long);
                }
                self.last = (self.next, self.start, count);
                self.take(count + 1);
                self.next.line += 1;
                return Ok(Piece::Line(self.again().1));
            }
            looked = held.len();
            if looked > LINE_BYTES_MAX {
                return self.skip();
            }
            if !self.fill()? {
                let held = self.held();
                let cut = held.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                self.take(cut);
                return self.padding(cut);
            }
        }
    }

    /// Passes over what is too long for a line: a cut-off line and zero bytes up to the end, or
    /// anything up to the next line end.
    fn skip(&mut self) -> io::Result<Piece<'_>> {
        let held = self.held();
        let zeros = held.iter().rev().take_while(|byte| **byte == 0).count();
        let cut = held.len() - zeros;
        if zeros > 0 && cut <= LINE_BYTES_MAX {
            self.take(cut);
            return self.padding(cut);
        }
        loop {
            let held = self.held();
            if let Some(found) = memchr::memchr(b'\n', held) {
                self.take(found + 1);
                self.next.line += 1;
                return Ok(Piece::Long);
            }
            self.take(held.len());
            if !self.fill()? {
                return Ok(Piece::Long);
            }
        }
    }

    /// Reads up to the end of the file, where only zero bytes should be left.
    fn padding(&mut self, cut: usize) -> io::Result<Piece<'_>> {
        let mut end = End { cut: u64::try_from(cut).unwrap_or(u64::MAX), ..End::default() };
        loop {
            let held = self.held();
            end.is_padded |= !held.is_empty();
            if end.behind.is_none()
                && let Some(found) = held.iter().position(|byte| *byte != 0)
            {
                let found = u64::try_from(found).unwrap_or(0);
                end.behind = Some(self.next.offset.saturating_add(found));
            }
            self.take(held.len());
            // One byte that does not belong there is enough; the rest need not be read.
            if end.behind.is_some() || !self.fill()? {
                return Ok(Piece::End(end));
            }
        }
    }
}

#[cfg(test)]
mod tests;
