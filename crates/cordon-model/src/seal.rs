//! Seals: a bundle as a signed file that anybody can verify.
//!
//! The file is a C2SP signed note: lines of text, an empty line, a signature line.
//!
//! ```text
//! cordon-bundle/v1
//! sha256:<digest of the bundle's own line>
//! {"version":1,…}
//!
//! — <hospital>/policy <base64 of key hash and Ed25519 signature>
//! ```
//!
//! STORED: `cordon-bundle/v1`.
//! Invariant: a file whose seal does not verify never becomes a bundle.
//! Source: C2SP signed-note; RFC 8032 (Ed25519).

use crate::note::{Note, NoteError, Signer, Verifier};
use crate::{Bundle, Sha256Digest};

/// The first line of a sealed bundle.
pub const MAGIC: &str = "cordon-bundle/v1";
/// Largest sealed bundle that is read, in bytes.
pub const SEALED_BYTES_MAX: usize = 256 << 20;

/// Says why a sealed bundle is refused.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file is larger than [`SEALED_BYTES_MAX`].
    #[error("the file has {0} bytes; at most {SEALED_BYTES_MAX} are read")]
    OverLimit(usize),
    /// The text does not have the form of a sealed bundle.
    #[error("line {line}: {what}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is expected there.
        what: &'static str,
    },
    /// The digest line does not fit the bundle.
    #[error("the bundle's digest is {found}, the file says {said}")]
    Digest {
        /// What the file says.
        said: String,
        /// What was computed.
        found: String,
    },
    /// No signature line is by the key.
    #[error("no signature by `{0}` verifies: the file was changed, or signed by another key")]
    Signature(String),
    /// The bundle's JSON cannot be read.
    #[error("the bundle cannot be read")]
    Json(#[source] serde_json::Error),
    /// The bundle cannot be executed.
    #[error(transparent)]
    Bundle(#[from] crate::bundle::BundleError),
    /// Below the bundle are no signatures, or a key's text is malformed.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// A name and a private key that sign bundles.
#[derive(Debug)]
pub struct Sealer(Signer);

/// A name and a public key that verify bundles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal(Verifier);

/// Gives the SHA-256 digest of a text as `sha256:<hex>`.
#[must_use]
pub fn digest(text: &str) -> String {
    Sha256Digest::of(text.as_bytes()).to_string()
}

/// Gives a bundle in its stored encoding.
/// # Errors
/// [`SealError::Json`] if the bundle cannot be encoded.
pub fn encode(bundle: &Bundle) -> Result<String, SealError> {
    serde_json::to_string(bundle).map_err(SealError::Json)
}

impl Sealer {
    /// Makes a sealer of 32 random bytes.
    #[must_use]
    pub fn new(name: &str, secret: [u8; 32]) -> Self {
        Self(Signer::new(name, secret))
    }

    /// Reads a private key as [`Self::text`] writes it.
    /// # Errors
    /// [`SealError::Note`].
    pub fn parse(text: &str) -> Result<Self, SealError> {
        Ok(Self(Signer::parse(text)?))
    }

    /// Writes the private key; whoever has this text can sign policy.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// Gives the public half.
    #[must_use]
    pub fn seal(&self) -> Seal {
        Seal(self.0.verifier())
    }

    /// Seals a bundle.
    /// # Errors
    /// [`SealError::Json`] if the bundle cannot be encoded.
    pub fn sealed(&self, bundle: &Bundle) -> Result<String, SealError> {
        let line = encode(bundle)?;
        Ok(self.0.sign(&format!("{MAGIC}\n{}\n{line}\n", digest(&line))))
    }
}

impl Seal {
    /// Reads a public key as [`Self::text`] writes it.
    /// # Errors
    /// [`SealError::Note`].
    pub fn parse(text: &str) -> Result<Self, SealError> {
        Ok(Self(Verifier::parse(text)?))
    }

    /// Writes the public key.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.text()
    }

    /// Gives the bundle in a sealed file, if this key sealed it.
    /// # Errors
    /// [`SealError`] says what is wrong; no part of the bundle is used then.
    pub fn open(&self, text: &str) -> Result<Bundle, SealError> {
        let parts = parts(text)?;
        if !self.0.has_signed(&parts.note) {
            return Err(SealError::Signature(self.0.name().to_owned()));
        }
        parts.bundle()
    }
}

struct Parts<'a> {
    note: Note<'a>,
    said: &'a str,
    line: &'a str,
}

impl Parts<'_> {
    fn bundle(&self) -> Result<Bundle, SealError> {
        let found = digest(self.line);
        if self.said != found {
            return Err(SealError::Digest { said: self.said.to_owned(), found });
        }
        let bundle: Bundle = serde_json::from_str(self.line).map_err(SealError::Json)?;
        bundle.check()?;
        Ok(bundle)
    }
}

fn parts(text: &str) -> Result<Parts<'_>, SealError> {
    if text.len() > SEALED_BYTES_MAX {
        return Err(SealError::OverLimit(text.len()));
    }
    let form = |line, what| SealError::Form { line, what };
    let note = Note::parse(text)?;
    let mut lines = note.body.lines();
    if lines.next() != Some(MAGIC) {
        return Err(form(
            1,
            "expected `cordon-bundle/v1`; this is no bundle, or one of another version",
        ));
    }
    let said = lines.next().ok_or(form(2, "expected `sha256:` and the bundle's digest"))?;
    let line = lines.next().ok_or(form(3, "expected the bundle in JSON"))?;
    if lines.next().is_some() {
        return Err(form(4, "expected an empty line"));
    }
    Ok(Parts { note, said, line })
}

/// Reads a bundle without asking who sealed it, to show it; never to enforce it.
/// # Errors
/// [`SealError`] if it is no bundle.
pub fn peek(text: &str) -> Result<Bundle, SealError> {
    parts(text)?.bundle()
}

#[cfg(test)]
mod tests;
