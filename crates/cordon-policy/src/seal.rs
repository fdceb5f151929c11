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

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cordon_model::Bundle;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

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
    Bundle(#[from] cordon_model::bundle::BundleError),
    /// A key's text is malformed.
    #[error("a key is 64 hexadecimal digits behind its name: `<name>+ed25519+<digits>`")]
    Key,
}

/// A name and a private key that sign bundles.
pub struct Sealer {
    name: String,
    key: SigningKey,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A name and a public key that verify bundles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    name: String,
    key: VerifyingKey,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0u8; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Gives the SHA-256 digest of a text as `sha256:<hex>`.
#[must_use]
pub fn digest(text: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(text.as_bytes())))
}

/// Gives a bundle in its stored encoding.
/// # Errors
/// [`SealError::Json`] if the bundle cannot be encoded.
pub fn encode(bundle: &Bundle) -> Result<String, SealError> {
    serde_json::to_string(bundle).map_err(SealError::Json)
}

/// Four bytes that tell keys of one name apart.
/// # Source
/// C2SP signed-note, "Signatures".
fn key_hash(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update(b"\n\x01");
    hash.update(key.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

impl Sealer {
    /// Makes a sealer of 32 random bytes.
    #[must_use]
    pub fn new(name: &str, secret: [u8; 32]) -> Self {
        Self { name: name.to_owned(), key: SigningKey::from_bytes(&secret) }
    }

    /// Reads a private key as [`Self::text`] writes it.
    /// # Errors
    /// [`SealError::Key`].
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let (name, digits) = text.trim().split_once("+ed25519-private+").ok_or(SealError::Key)?;
        Ok(Self::new(name, unhex(digits).ok_or(SealError::Key)?))
    }

    /// Writes the private key; whoever has this text can sign policy.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}+ed25519-private+{}\n", self.name, hex(&self.key.to_bytes()))
    }

    /// Gives the public half.
    #[must_use]
    pub fn seal(&self) -> Seal {
        Seal { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Seals a bundle.
    /// # Errors
    /// [`SealError::Json`] if the bundle cannot be encoded.
    pub fn sealed(&self, bundle: &Bundle) -> Result<String, SealError> {
        let line = encode(bundle)?;
        let body = format!("{MAGIC}\n{}\n{line}\n", digest(&line));
        let signature = self.key.sign(body.as_bytes());
        let mut blob = key_hash(&self.name, &self.key.verifying_key()).to_vec();
        blob.extend(signature.to_bytes());
        Ok(format!("{body}\n— {} {}\n", self.name, STANDARD.encode(blob)))
    }
}

impl Seal {
    /// Reads a public key as [`Self::text`] writes it.
    /// # Errors
    /// [`SealError::Key`].
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let (name, digits) = text.trim().split_once("+ed25519+").ok_or(SealError::Key)?;
        let bytes = unhex(digits).ok_or(SealError::Key)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| SealError::Key)?;
        Ok(Self { name: name.to_owned(), key })
    }

    /// Writes the public key.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}+ed25519+{}\n", self.name, hex(self.key.as_bytes()))
    }

    /// Gives the bundle in a sealed file, if this key sealed it.
    /// # Errors
    /// [`SealError`] says what is wrong; no part of the bundle is used then.
    pub fn open(&self, text: &str) -> Result<Bundle, SealError> {
        let parts = parts(text)?;
        let genuine = parts.signatures.iter().any(|(name, blob)| {
            let (hash, signature) = (blob.get(..4), blob.get(4..));
            *name == self.name
                && hash == Some(key_hash(&self.name, &self.key).as_slice())
                && signature
                    .and_then(|bytes| Signature::from_slice(bytes).ok())
                    .is_some_and(|s| self.key.verify_strict(parts.body.as_bytes(), &s).is_ok())
        });
        if !genuine {
            return Err(SealError::Signature(self.name.clone()));
        }
        parts.bundle()
    }
}

struct Parts<'a> {
    body: &'a str,
    said: &'a str,
    line: &'a str,
    signatures: Vec<(&'a str, Vec<u8>)>,
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
    let (body, signatures) = text
        .rsplit_once("\n\n")
        .ok_or(form(4, "an empty line between the bundle and its signatures"))?;
    let mut lines = body.lines();
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
    let mut read = Vec::new();
    for (number, line) in signatures.lines().enumerate().take(16) {
        let what = "expected `— <name> <base64>`";
        let line = line.strip_prefix("— ").and_then(|rest| rest.rsplit_once(' '));
        let (name, blob) = line.ok_or(form(5 + number, what))?;
        read.push((name, STANDARD.decode(blob).map_err(|_| form(5 + number, what))?));
    }
    let body = text.get(..=body.len()).unwrap_or(text);
    Ok(Parts { body, said, line, signatures: read })
}

/// Reads a bundle without asking who sealed it, to show it; never to enforce it.
/// # Errors
/// [`SealError`] if it is no bundle.
pub fn peek(text: &str) -> Result<Bundle, SealError> {
    parts(text)?.bundle()
}

#[cfg(test)]
mod tests;
