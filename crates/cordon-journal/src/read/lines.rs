//! The lines of a file that may still grow.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::record::Link;
use crate::segment::{self, LINE_BYTES_MAX, Line};

use super::ReadError;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 65_536;

/// A segment, line by line.
#[derive(Debug)]
pub(super) struct Lines {
    file: File,
    path: PathBuf,
    segment: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    start: u64,
    /// How much of the buffer was handed out.
    used: usize,
}

impl Lines {
    pub(super) fn new(file: File, path: PathBuf, segment: u64) -> Self {
        Self { file, path, segment, buffer: Vec::new(), start: 0, used: 0 }
    }

    pub(super) fn segment(&self) -> u64 {
        self.segment
    }

    /// Gives the byte that the next line begins with.
    pub(super) fn offset(&self) -> u64 {
        self.start.saturating_add(self.used as u64)
    }

    pub(super) fn seek(&mut self, offset: u64) {
        let back = offset.checked_sub(self.start).and_then(|back| usize::try_from(back).ok());
        match back {
            Some(back) if back <= self.buffer.len() => self.used = back,
            Some(_) | None => {
                self.buffer.clear();
                self.start = offset;
                self.used = 0;
            }
        }
    }

    /// Gives the next whole line, without its line end; nothing while it is not wholly written.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, ReadError> {
        let mut looked = 0;
        let mut is_fresh = false;
        loop {
            let rest = self.buffer.get(self.used..).unwrap_or_default();
            // What was allocated and not yet written reads as zero bytes.
            match rest.get(looked..).and_then(|rest| memchr::memchr2(b'\n', 0, rest)) {
                Some(at) if rest.get(looked + at) == Some(&b'\n') => {
                    let from = self.used;
                    let end = from + looked + at;
                    self.used = end + 1;
                    return Ok(self.buffer.get(from..end));
                }
                Some(_) if is_fresh => return Ok(self.unfinished()),
                Some(_) => {
                    // What was read earlier may have been written since.
                    self.unfinished();
                    looked = 0;
                    is_fresh = true;
                }
                None => looked = rest.len(),
            }
            if looked > LINE_BYTES_MAX {
                let (segment, offset) = (self.segment, self.offset());
                let expected = "a shorter line";
                return Err(ReadError::Malformed { segment, offset, expected });
            }
            if self.fill()? == 0 {
                return Ok(self.unfinished());
            }
        }
    }

    /// Forgets what was read of a line that is not finished: it may read otherwise next time.
    fn unfinished(&mut self) -> Option<&'static [u8]> {
        self.start = self.offset();
        self.used = 0;
        self.buffer.clear();
        None
    }

    fn fill(&mut self) -> Result<usize, ReadError> {
        self.start = self.offset();
        self.buffer.drain(..self.used.min(self.buffer.len()));
        self.used = 0;
        let had = self.buffer.len();
        self.buffer.resize(had + CHUNK_BYTES, 0);
        let at = self.start.saturating_add(had as u64);
        let room = self.buffer.get_mut(had..).unwrap_or_default();
        let read = self.file.read_at(room, at).map_err(ReadError::file(&self.path))?;
        self.buffer.truncate(had + read);
        Ok(read)
    }

    /// Gives the bytes of the file.
    pub(super) fn len(&self) -> Result<u64, ReadError> {
        Ok(self.file.metadata().map_err(ReadError::file(&self.path))?.len())
    }

    /// Gives the bytes before the zeros at the end.
    pub(super) fn written(&self) -> Result<u64, ReadError> {
        // No line holds a zero byte, so the boundary can be found by halving.
        let (mut low, mut high) = (0, self.len()?);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut byte = [0_u8];
            let read = self.file.read_at(&mut byte, middle);
            let read = read.map_err(ReadError::file(&self.path))?;
            if read == 0 || byte == [0] {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// Gives the number behind the last record that the bytes before `size` tell of; 0 if they tell
    /// of none.
    pub(super) fn end(&self, size: u64) -> Result<u64, ReadError> {
        let from = size.saturating_sub(2 * LINE_BYTES_MAX as u64);
        let mut tail = vec![0; usize::try_from(size - from).unwrap_or(0)];
        let read = self.file.read_at(&mut tail, from).map_err(ReadError::file(&self.path))?;
        tail.truncate(read);
        let lines = tail.split(|byte| *byte == b'\n').rev();
        let number = |line: &[u8]| match Line::of(line) {
            Line::Record(line) => Link::of(line).map(|link| link.stamp.seq.saturating_add(1)),
            Line::Head(line) => {
                let text = segment::decode_head(line)?;
                crate::head::Head::peek(&text).ok().map(|head| head.size)
            }
            Line::Header(_) | Line::Foreign(_) => None,
        };
        Ok(lines.filter_map(number).next().unwrap_or(0))
    }
}
