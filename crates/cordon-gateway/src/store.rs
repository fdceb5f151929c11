//! Accepted bundles on disk: what an enforcement point starts with when it is alone.
//!
//! ```text
//! <state>/current.bundle    the newest that was accepted
//! <state>/previous.bundle   the one before
//! <state>/highest           the highest number that was ever accepted
//! ```
//!
//! Invariant: nothing is enforced that is not sealed by the policy's key for this very point.
//! Invariant: numbers only grow, also over restarts; who offers an older bundle is refused.
//! Invariant: a crash at any moment leaves a bundle that was accepted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cordon_journal::disk;
use cordon_model::seal::{SEALED_BYTES_MAX, Seal, SealError};
use cordon_model::{Bundle, PointId, Sha256Digest};

const CURRENT: &str = "current.bundle";
const PREVIOUS: &str = "previous.bundle";
const HIGHEST: &str = "highest";

/// A bundle that may be enforced.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// What it says.
    pub bundle: Arc<Bundle>,
    /// The digest of the sealed file.
    pub digest: Sha256Digest,
}

/// Says why a bundle is not enforced; the one in force stays.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It cannot be read.
    #[error("cannot read or write `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no bundle, or not sealed by the policy's key.
    #[error("the bundle is not sealed by the policy's key, or was changed")]
    Seal(#[source] SealError),
    /// It is for another enforcement point.
    #[error("the bundle is for `{0}`")]
    Foreign(PointId),
    /// It is older than one that was accepted before.
    #[error("the bundle has number {number}; {highest} was accepted before")]
    Older {
        /// Its number.
        number: u64,
        /// The highest that was ever accepted.
        highest: u64,
    },
}

impl Refused {
    /// Gives the reason as records have it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Io { .. } => "unreadable",
            Self::Seal(_) => "not-sealed",
            Self::Foreign(_) => "foreign",
            Self::Older { .. } => "older",
        }
    }
}

/// The bundles of one enforcement point.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    point: PointId,
    seal: Seal,
    highest: u64,
    in_force: Option<Accepted>,
}

impl Store {
    /// Opens the store and finds what was in force: the newest bundle there that is whole.
    /// # Shape
    /// Gives besides what it found why a newer one there is not used.
    /// # Errors
    /// [`Refused::Io`] if the folder cannot be made or its files cannot be read.
    pub fn open(
        folder: &Path,
        point: PointId,
        seal: Seal,
    ) -> Result<(Self, Vec<Refused>), Refused> {
        fs::create_dir_all(folder).map_err(io(folder))?;
        Self::peek(folder, point, seal)
    }

    /// Reads the store and changes nothing; the folder need not be there.
    /// # Errors
    /// As [`Self::open`].
    pub fn peek(
        folder: &Path,
        point: PointId,
        seal: Seal,
    ) -> Result<(Self, Vec<Refused>), Refused> {
        let mut store = Self { folder: folder.to_owned(), point, seal, highest: 0, in_force: None };
        let mut refused = Vec::new();
        for name in [CURRENT, PREVIOUS] {
            let path = folder.join(name);
            match read(&path) {
                Err(Refused::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                text => match text.and_then(|text| store.verify(&text)) {
                    Ok(accepted) => {
                        store.highest = store.highest.max(accepted.bundle.number);
                        store.in_force = store.in_force.take().or(Some(accepted));
                    }
                    Err(error) => refused.push(error),
                },
            }
        }
        let path = folder.join(HIGHEST);
        match fs::read_to_string(&path) {
            Ok(text) => store.highest = store.highest.max(text.trim().parse().unwrap_or(0)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(&path)(error)),
        }
        Ok((store, refused))
    }

    /// Gives what is in force.
    #[must_use]
    pub fn in_force(&self) -> Option<&Accepted> {
        self.in_force.as_ref()
    }

    /// Takes a bundle, if it is newer than what is in force; keeps it before it gives it.
    /// # Shape
    /// Nothing is given for the bundle that is in force already.
    /// # Errors
    /// [`Refused`]; what is in force stays.
    pub fn offer(&mut self, text: &str) -> Result<Option<Accepted>, Refused> {
        let Some(accepted) = self.judge(text)? else { return Ok(None) };
        let number = accepted.bundle.number;
        let (current, previous) = (self.folder.join(CURRENT), self.folder.join(PREVIOUS));
        // What is damaged must not take the place of the last that is whole.
        if let Ok(old) = read(&current)
            && self.verify(&old).is_ok()
        {
            disk::replace(&previous, old.as_bytes()).map_err(io(&previous))?;
        }
        disk::replace(&current, text.as_bytes()).map_err(io(&current))?;
        let highest = self.folder.join(HIGHEST);
        disk::replace(&highest, number.to_string().as_bytes()).map_err(io(&highest))?;
        self.highest = number;
        self.in_force = Some(accepted.clone());
        Ok(Some(accepted))
    }

    /// Says what [`Self::offer`] would do, and does nothing.
    /// # Errors
    /// [`Refused`].
    pub fn judge(&self, text: &str) -> Result<Option<Accepted>, Refused> {
        let digest = Sha256Digest::of(text.as_bytes());
        if self.in_force.as_ref().is_some_and(|accepted| accepted.digest == digest) {
            return Ok(None);
        }
        let accepted = self.verify(text)?;
        let number = accepted.bundle.number;
        let is_newer = self.in_force.as_ref().is_none_or(|old| number > old.bundle.number);
        if is_newer && number >= self.highest {
            return Ok(Some(accepted));
        }
        Err(Refused::Older { number, highest: self.highest })
    }

    fn verify(&self, text: &str) -> Result<Accepted, Refused> {
        let bundle = self.seal.open(text).map_err(Refused::Seal)?;
        if bundle.point != self.point {
            return Err(Refused::Foreign(bundle.point));
        }
        Ok(Accepted { bundle: Arc::new(bundle), digest: Sha256Digest::of(text.as_bytes()) })
    }
}

/// Reads a sealed bundle, as far as one may be long.
/// # Errors
/// [`Refused::Io`].
pub fn read(path: &Path) -> Result<String, Refused> {
    let length = fs::metadata(path).map_err(io(path))?.len();
    if usize::try_from(length).is_ok_and(|length| length <= SEALED_BYTES_MAX) {
        return fs::read_to_string(path).map_err(io(path));
    }
    Err(Refused::Seal(SealError::OverLimit(usize::try_from(length).unwrap_or(usize::MAX))))
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> Refused {
    let path = path.to_owned();
    move |source| Refused::Io { path, source }
}

#[cfg(test)]
mod tests;
