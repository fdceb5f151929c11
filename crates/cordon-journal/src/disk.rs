//! The disk as the writer of a journal sees it; behind a trait, so that a full, a slow and a failing
//! one can be put in its place.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Most bytes of zeros that are written at once.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// A disk.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file for writing, and makes it if it is not there.
    /// # Errors
    /// Whatever the disk says.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
}

/// A file on it.
pub trait DiskFile: Send + fmt::Debug {
    /// Writes bytes at a place.
    /// # Errors
    /// Whatever the disk says; then nothing is known of what was written.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Waits until everything that was written is on the disk.
    /// # Errors
    /// Whatever the disk says; then nothing is known of what is on it.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file off.
    /// # Errors
    /// Whatever the disk says.
    fn truncate(&mut self, bytes: u64) -> io::Result<()>;

    /// Fills a range with zeros, so that later writes find their blocks allocated: a write into them
    /// is durable with one flush, without a change of the file system's own books.
    /// # Errors
    /// Whatever the disk says.
    fn allocate(&mut self, from: u64, to: u64) -> io::Result<()> {
        let mut at = from;
        while at < to {
            let length = usize::try_from(to - at).map_or(ZEROS.len(), |rest| rest.min(ZEROS.len()));
            let zeros = ZEROS.get(..length).unwrap_or(&ZEROS);
            self.write_at(zeros, at)?;
            at += zeros.len() as u64;
        }
        Ok(())
    }
}

/// The machine's own disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

#[derive(Debug)]
struct MachineFile(File);

impl Disk for Machine {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Box::new(MachineFile(file)))
    }
}

impl DiskFile for MachineFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)?;
        self.0.sync_all()
    }
}

/// Makes the names in a folder durable.
/// # Errors
/// Whatever the disk says.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces a small file as a whole: a reader sees the old text or the new one, also after a crash.
/// # Errors
/// Whatever the disk says; the old text is then still there.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("fresh");
    let mut file = Machine.open(&fresh)?;
    file.truncate(0)?;
    file.write_at(text, 0)?;
    file.sync()?;
    fs::rename(&fresh, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => sync_folder(folder),
        Some(_) | None => sync_folder(Path::new(".")),
    }
}
