//! A file of lines that another program takes away.
//!
//! A file that is full is closed under a number and never touched again; whoever reads it removes
//! it. When too many wait, the exporter waits too: nothing is deleted and nothing is dropped.
//!
//! Invariant: what is accepted is on disk, in whole lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use cordon_model::Mono;

use super::{Sent, Sink};
use crate::export::delivery::Fault;

/// The limits of a file of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// When a file is full, in bytes; a batch is never split.
    pub rotate_bytes: u64,
    /// How many full files may wait.
    pub files_max: usize,
}

/// Writes lines to a file.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    limits: FileLimits,
    open: Option<(File, u64)>,
}

impl FileSink {
    /// Makes the sink; the file is opened with the first batch.
    #[must_use]
    pub fn new(path: PathBuf, limits: FileLimits) -> Self {
        Self { path, limits, open: None }
    }

    /// Gives the numbers of the full files that wait.
    fn waiting(&self) -> io::Result<Vec<u64>> {
        let (Some(name), Some(dir)) = (self.path.file_name(), folder(&self.path)) else {
            return Ok(Vec::new());
        };
        let prefix = format!("{}.", name.to_string_lossy());
        let mut numbers = Vec::new();
        for entry in fs::read_dir(dir)? {
            let name = entry?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix(&prefix));
            numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        Ok(numbers)
    }

    /// Closes the file under the next number; false if too many wait.
    fn rotate(&mut self) -> io::Result<bool> {
        let waiting = self.waiting()?;
        if waiting.len() >= self.limits.files_max {
            return Ok(false);
        }
        self.open = None;
        let number = waiting.into_iter().max().unwrap_or(0).saturating_add(1);
        let mut full = self.path.clone().into_os_string();
        full.push(format!(".{number:08}"));
        fs::rename(&self.path, PathBuf::from(full))?;
        sync_folder(&self.path)?;
        Ok(true)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let (_, size) = self.file()?;
        let is_full =
            *size > 0 && size.saturating_add(bytes.len() as u64) > self.limits.rotate_bytes;
        if is_full && !self.rotate()? {
            return Ok(false);
        }
        let (file, size) = self.file()?;
        let before = *size;
        match file.write_all(bytes).and_then(|()| file.sync_data()) {
            Ok(()) => *size = before.saturating_add(bytes.len() as u64),
            Err(error) => {
                // Half a batch would be a broken line, and then the same lines again.
                let is_mended = file.set_len(before).is_ok();
                if !is_mended {
                    self.open = None;
                }
                return Err(error);
            }
        }
        Ok(true)
    }

    fn file(&mut self) -> io::Result<&mut (File, u64)> {
        if self.open.is_none() {
            let is_new = !self.path.exists();
            let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
            let size = whole_lines(&file)?;
            file.set_len(size)?;
            if is_new {
                sync_folder(&self.path)?;
            }
            self.open = Some((file, size));
        }
        self.open.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// Gives the bytes up to the last line end; what stands behind it was cut off by a crash.
fn whole_lines(file: &File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut chunk = [0_u8; 4_096];
    while end > 0 {
        let from = end.saturating_sub(chunk.len() as u64);
        let length = usize::try_from(end - from).unwrap_or(chunk.len());
        let Some(part) = chunk.get_mut(..length) else { break };
        file.read_exact_at(part, from)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir })
}

fn sync_folder(path: &Path) -> io::Result<()> {
    folder(path).map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Gives the label of a failed write.
pub(crate) fn label(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::StorageFull { "disk-full" } else { "write-failed" }
}

impl Sink for FileSink {
    fn send(&mut self, _now: Mono, _number: u64, texts: &[&str]) -> Sent {
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(b'\n');
        }
        match self.write(&bytes) {
            Ok(true) => Sent::Accepted,
            Ok(false) => Sent::Failed(Fault::Away("files-full")),
            Err(error) => Sent::Failed(Fault::Away(label(&error))),
        }
    }

    fn poll(&mut self, _now: Mono) -> Result<Vec<u64>, Fault> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
