//! The policies that decided, kept by their digest, so that a decision can be asked again.
//!
//! ```text
//! policies/
//!   <digest>.sha256    manifest, as sha256sum writes it: `<digest of a file>  <its path>`, sorted
//!   blobs/<digest>     the files; one that two policies share is kept once
//! ```
//!
//! The digest of a manifest's text names the whole: it is what events call their policy.
//!
//! STORED: manifests of policies.
//! Invariant: nothing is handed out that is not exactly what its digest says.
//! Invariant: a manifest is written after its files, so one that is there is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use cordon_model::Sha256Digest;
use cordon_model::hospital::{Sources, limits};

use crate::disk;

/// The folder of the policies in a journal.
pub const FOLDER: &str = "policies";
/// Longest path of a file, in bytes.
pub const PATH_BYTES_MAX: usize = 255;

const BLOBS: &str = "blobs";
const ENDING: &str = ".sha256";
/// Longest manifest, in bytes: every line has a digest, two spaces, a path and a line end.
const MANIFEST_BYTES_MAX: usize = (64 + 2 + PATH_BYTES_MAX + 1) * limits::FILES_MAX;

/// Says why a policy was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// A path is not one of a file below the hospital's folder.
    #[error("`{0}` is no path of a file of a hospital")]
    Path(String),
    /// There are too many files, or one is too long.
    #[error(
        "a policy has at most {} files of at most {} bytes",
        limits::FILES_MAX,
        limits::FILE_BYTES_MAX
    )]
    OverLimit,
    /// The disk does not take it.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Says why a policy cannot be given back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It was never kept here.
    #[error("the policy {0} is not kept in this journal")]
    Absent(Sha256Digest),
    /// A file is not what its name says.
    #[error("`{}` was changed: its digest is not the one of its name", .0.display())]
    Changed(PathBuf),
    /// A file that the manifest names is not there.
    #[error("`{}` is missing", .0.display())]
    Missing(PathBuf),
    /// A line of a manifest is not one.
    #[error("`{}`, line {line}: expected a digest and the path of a file", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A file is a link, no file at all, or too long.
    #[error("`{}` is no file, or longer than a policy's files are", .0.display())]
    Foreign(PathBuf),
    /// The disk does not give it.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The policies of one journal.
#[derive(Debug, Clone)]
pub struct Policies {
    folder: PathBuf,
}

/// Says whether a path stays below the folder it starts in, and stands in a manifest unescaped.
fn is_plain(path: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    path.len() <= PATH_BYTES_MAX
        && path.split('/').all(is_part)
        && !path.contains(|c: char| c.is_control() || c == '\\')
}

/// Writes the manifest of some files.
/// # Errors
/// [`SaveError::Path`], [`SaveError::OverLimit`].
fn manifest(files: &BTreeMap<String, Vec<u8>>) -> Result<String, SaveError> {
    let is_long = |file: &Vec<u8>| file.len() > limits::FILE_BYTES_MAX;
    if files.len() > limits::FILES_MAX || files.values().any(is_long) {
        return Err(SaveError::OverLimit);
    }
    let mut text = String::new();
    for (path, content) in files {
        if !is_plain(path) {
            return Err(SaveError::Path(path.clone()));
        }
        text.push_str(&Sha256Digest::of(content).digits());
        text.push_str("  ");
        text.push_str(path);
        text.push('\n');
    }
    Ok(text)
}

/// Gives the digest of the files of a hospital, as events name it.
/// # Errors
/// [`SaveError::Path`], [`SaveError::OverLimit`].
pub fn digest(sources: &Sources) -> Result<Sha256Digest, SaveError> {
    Ok(Sha256Digest::of(manifest(&sources.files)?.as_bytes()))
}

impl Policies {
    /// Finds the policies of a journal; the folder need not be there yet.
    #[must_use]
    pub fn of(journal: &Path) -> Self {
        Self { folder: journal.join(FOLDER) }
    }

    fn manifest_path(&self, digest: &Sha256Digest) -> PathBuf {
        self.folder.join(format!("{}{ENDING}", digest.digits()))
    }

    /// Keeps the files of a hospital; what is there already is not written again.
    /// # Errors
    /// [`SaveError`]; no manifest is written then.
    pub fn save(&self, sources: &Sources) -> Result<Sha256Digest, SaveError> {
        let text = manifest(&sources.files)?;
        let digest = Sha256Digest::of(text.as_bytes());
        let blobs = self.folder.join(BLOBS);
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| SaveError::Io { path, source }
        };
        fs::create_dir_all(&blobs).map_err(io(&blobs))?;
        for content in sources.files.values() {
            let path = blobs.join(Sha256Digest::of(content).digits());
            keep(&path, content).map_err(io(&path))?;
        }
        let path = self.manifest_path(&digest);
        keep(&path, text.as_bytes()).map_err(io(&path))?;
        Ok(digest)
    }

    /// Gives the files of a policy back, each verified by its digest.
    /// # Errors
    /// [`RestoreError`].
    pub fn restore(&self, digest: &Sha256Digest) -> Result<Sources, RestoreError> {
        let path = self.manifest_path(digest);
        let manifest = match read(&path, MANIFEST_BYTES_MAX) {
            Err(RestoreError::Missing(_)) => return Err(RestoreError::Absent(*digest)),
            manifest => manifest?,
        };
        if Sha256Digest::of(&manifest) != *digest {
            return Err(RestoreError::Changed(path));
        }
        let wrong = |line| RestoreError::Manifest { path: path.clone(), line };
        let text = std::str::from_utf8(&manifest).map_err(|_| wrong(1))?;
        let mut sources = Sources::default();
        for (number, line) in text.lines().enumerate() {
            let wrong = || wrong(number + 1);
            let (digits, name) = line.split_once("  ").ok_or_else(wrong)?;
            let expected: Sha256Digest = format!("sha256:{digits}").parse().map_err(|_| wrong())?;
            if !is_plain(name) || sources.files.len() == limits::FILES_MAX {
                return Err(wrong());
            }
            let blob = self.folder.join(BLOBS).join(expected.digits());
            let content = read(&blob, limits::FILE_BYTES_MAX)?;
            if Sha256Digest::of(&content) != expected {
                return Err(RestoreError::Changed(blob));
            }
            sources.insert(name, content);
        }
        Ok(sources)
    }

    /// Gives the digests of all policies that are kept, sorted.
    /// # Errors
    /// [`RestoreError::Io`] if the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Sha256Digest>, RestoreError> {
        let io = |source| RestoreError::Io { path: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(io)?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(ENDING));
            let read = |digits| format!("sha256:{digits}").parse::<Sha256Digest>().ok();
            found.extend(digits.and_then(read));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Verifies every policy that is kept.
    /// # Errors
    /// [`RestoreError`], of the first that is not what it should be.
    pub fn verify(&self) -> Result<usize, RestoreError> {
        let digests = self.list()?;
        for digest in &digests {
            self.restore(digest)?;
        }
        Ok(digests.len())
    }
}

/// Says why policies were not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One cannot be read, or is not what its digest says.
    #[error("a policy cannot be read")]
    Restore(#[from] RestoreError),
    /// One cannot be written.
    #[error("a policy cannot be written")]
    Save(#[from] SaveError),
}

/// Copies the policies that another journal's copy has not yet, each verified by its digest.
/// # Shape
/// Gives how many were copied.
/// # Errors
/// [`CopyError`]; what was copied before stays.
pub fn copy_missing(from: &Policies, to: &Policies) -> Result<usize, CopyError> {
    let there = to.list()?;
    let mut copied = 0;
    for digest in from.list()?.iter().filter(|digest| there.binary_search(digest).is_err()) {
        to.save(&from.restore(digest)?)?;
        copied += 1;
    }
    Ok(copied)
}

/// Writes a file unless it is there with the same content; one that was damaged is written again.
fn keep(path: &Path, content: &[u8]) -> io::Result<()> {
    match read(path, content.len()) {
        Ok(found) if found == content => Ok(()),
        Ok(_) | Err(_) => disk::replace(path, content),
    }
}

/// Reads a file that is one, and not longer than it may be.
fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, RestoreError> {
    let io = |source| RestoreError::Io { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(RestoreError::Foreign(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RestoreError::Missing(path.to_owned()));
        }
        Err(error) => return Err(io(error)),
    }
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut content = Vec::new();
    File::open(path).map_err(io)?.take(limit).read_to_end(&mut content).map_err(io)?;
    if content.len() > bytes_max {
        return Err(RestoreError::Foreign(path.to_owned()));
    }
    Ok(content)
}

#[cfg(test)]
mod tests;
