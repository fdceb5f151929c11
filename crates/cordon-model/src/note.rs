//! Signed notes: a text with signature lines below it that other people's tools can verify too.
//!
//! ```text
//! lines of text
//!
//! — <name> <base64 of four bytes that tell keys apart, and the signature>
//! ```
//!
//! Bundles and the heads of the journal are signed notes.
//!
//! Source: C2SP signed-note; C2SP tlog-cosignature; RFC 8032 (Ed25519).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// Most signature lines that are read below one note.
pub const SIGNATURES_MAX: usize = 16;
/// Longest name of a key, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// The algorithm byte of a plain Ed25519 signature.
/// # Source
/// C2SP signed-note, "Signatures".
const ED25519: u8 = 0x01;
/// The algorithm byte of a timestamped witness cosignature.
/// # Source
/// C2SP tlog-cosignature, "Format".
const COSIGNATURE: u8 = 0x04;

/// Says why a text is not a signed note, or not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// There is no empty line between text and signatures.
    #[error("an empty line between the text and its signatures is missing")]
    NoSignatures,
    /// A signature line is malformed, or there are too many.
    #[error("line {line}: expected `— <name> <base64>`, at most {SIGNATURES_MAX} of them")]
    Signature {
        /// The line, from 1.
        line: usize,
    },
    /// A public key's text is malformed.
    #[error("a public key is `<name>+<8 hexadecimal digits>+<base64>`")]
    PublicKey,
    /// A private key's text is malformed.
    #[error("a private key is `<name>+ed25519-private+<64 hexadecimal digits>`")]
    PrivateKey,
}

/// A name and a private key that sign notes.
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A name and a public key that verify notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

/// Writes bytes as hexadecimal digits, lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
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

/// Four bytes that tell keys of one name apart.
/// # Source
/// C2SP signed-note, "Signatures".
fn key_hash(name: &str, algorithm: u8, key: &VerifyingKey) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update([b'\n', algorithm]);
    hash.update(key.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// Says whether a text can name a key.
/// # Source
/// C2SP signed-note, "Signatures": no space, no plus sign.
fn is_name(text: &str) -> bool {
    let foreign = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains(foreign)
}

/// The text that a witness signs: the time, and the head it has seen.
/// # Source
/// C2SP tlog-cosignature, "Format".
fn cosigned_text(time_s: u64, body: &str) -> String {
    format!("cosignature/v1\ntime {time_s}\n{body}")
}

impl Signer {
    /// Makes a signer of 32 random bytes.
    #[must_use]
    pub fn new(name: &str, secret: [u8; 32]) -> Self {
        Self { name: name.to_owned(), key: SigningKey::from_bytes(&secret) }
    }

    /// Reads a private key as [`Self::text`] writes it.
    /// # Errors
    /// [`NoteError::PrivateKey`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::PrivateKey;
        let (name, digits) = text.trim().split_once("+ed25519-private+").ok_or(wrong)?;
        if !is_name(name) {
            return Err(wrong);
        }
        Ok(Self::new(name, unhex(digits).ok_or(wrong)?))
    }

    /// Writes the private key; whoever has this text can sign.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}+ed25519-private+{}\n", self.name, hex(&self.key.to_bytes()))
    }

    /// Gives the name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the same key under another name: one key signs several journals.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), key: self.key.clone() }
    }

    /// Gives the public half.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// Gives the signature line below a text, with its line end.
    /// # Shape
    /// `body`: whole lines, each with its line end.
    #[must_use]
    pub fn line(&self, body: &str) -> String {
        let signature = self.key.sign(body.as_bytes());
        let mut blob = key_hash(&self.name, ED25519, &self.key.verifying_key()).to_vec();
        blob.extend(signature.to_bytes());
        format!("— {} {}\n", self.name, STANDARD.encode(blob))
    }

    /// Gives the line by which a witness says that it has seen a head, and when.
    /// # Shape
    /// `body`: whole lines, each with its line end. `time_s`: seconds since 1970.
    /// # Source
    /// C2SP tlog-cosignature, "Format".
    #[must_use]
    pub fn cosignature_line(&self, time_s: u64, body: &str) -> String {
        let signature = self.key.sign(cosigned_text(time_s, body).as_bytes());
        let mut blob = key_hash(&self.name, COSIGNATURE, &self.key.verifying_key()).to_vec();
        blob.extend(time_s.to_be_bytes());
        blob.extend(signature.to_bytes());
        format!("— {} {}\n", self.name, STANDARD.encode(blob))
    }

    /// Gives a text as a signed note.
    #[must_use]
    pub fn sign(&self, body: &str) -> String {
        format!("{body}\n{}", self.line(body))
    }
}

impl Verifier {
    /// Reads a public key as [`Self::text`] writes it, or in the older form of this program,
    /// `<name>+ed25519+<64 hexadecimal digits>`.
    /// # Errors
    /// [`NoteError::PublicKey`].
    /// # Source
    /// C2SP signed-note, "Verifier keys".
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::PublicKey;
        let mut parts = text.trim().splitn(3, '+');
        let (name, hash, key) = match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(hash), Some(key)) if is_name(name) => (name, hash, key),
            _ => return Err(wrong),
        };
        if hash == "ed25519" {
            let key = VerifyingKey::from_bytes(&unhex(key).ok_or(wrong)?).map_err(|_| wrong)?;
            return Ok(Self { name: name.to_owned(), key });
        }
        let blob = STANDARD.decode(key).map_err(|_| wrong)?;
        let (algorithm, bytes) = blob.split_first().ok_or(wrong)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| wrong)?;
        let is_ours = matches!(*algorithm, ED25519 | COSIGNATURE)
            && hash == hex(&key_hash(name, *algorithm, &key));
        is_ours.then(|| Self { name: name.to_owned(), key }).ok_or(wrong)
    }

    /// Writes the public key.
    /// # Source
    /// C2SP signed-note, "Verifier keys".
    #[must_use]
    pub fn text(&self) -> String {
        let mut blob = vec![ED25519];
        blob.extend(self.key.as_bytes());
        let hash = hex(&key_hash(&self.name, ED25519, &self.key));
        format!("{}+{hash}+{}\n", self.name, STANDARD.encode(blob))
    }

    /// Gives the name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says whether a note bears this key's signature.
    #[must_use]
    pub fn has_signed(&self, note: &Note<'_>) -> bool {
        let hash = key_hash(&self.name, ED25519, &self.key);
        note.blobs(&self.name, hash).any(|signature| self.verify(note.body.as_bytes(), signature))
    }

    /// Gives the time at which this key, as a witness, cosigned the note.
    /// # Units
    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn has_cosigned(&self, note: &Note<'_>) -> Option<u64> {
        let hash = key_hash(&self.name, COSIGNATURE, &self.key);
        note.blobs(&self.name, hash).find_map(|blob| {
            let (time, signature) = blob.split_first_chunk::<8>()?;
            let time_s = u64::from_be_bytes(*time);
            let text = cosigned_text(time_s, note.body);
            self.verify(text.as_bytes(), signature).then_some(time_s)
        })
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }
}

/// A text with the signatures below it; nothing is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The text, each line with its line end.
    pub body: &'a str,
    signatures: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// Reads a note.
    /// # Errors
    /// [`NoteError`] if it has not the form of one.
    pub fn parse(text: &'a str) -> Result<Self, NoteError> {
        let (body, below) = text.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let first = body.lines().count() + 2;
        let mut signatures = Vec::new();
        for (number, line) in below.lines().enumerate() {
            let wrong = NoteError::Signature { line: first + number };
            let line = line.strip_prefix("— ").and_then(|rest| rest.rsplit_once(' '));
            let (name, blob) = line.ok_or(wrong)?;
            if signatures.len() == SIGNATURES_MAX {
                return Err(wrong);
            }
            signatures.push((name, STANDARD.decode(blob).map_err(|_| wrong)?));
        }
        if signatures.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        Ok(Self { body: text.get(..=body.len()).unwrap_or(text), signatures })
    }

    /// Gives the names of those who signed, or claim to have.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.signatures.iter().map(|(name, _)| *name)
    }

    fn blobs(&self, name: &str, hash: [u8; 4]) -> impl Iterator<Item = &[u8]> {
        self.signatures
            .iter()
            .filter(move |(by, _)| *by == name)
            .filter_map(move |(_, blob)| blob.strip_prefix(hash.as_slice()))
    }
}

#[cfg(test)]
mod tests;
