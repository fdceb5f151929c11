//! Hashes: of a record, of a node of the tree, and their text.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The characters of a hash in text.
pub const TEXT_BYTES: usize = 44;

/// A SHA-256 hash.
/// # Shape
/// In text: base64 with padding, 44 characters.
/// # Source
/// FIPS 180-4; RFC 4648 §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

/// Says that a text is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 32 bytes in base64 with padding, {TEXT_BYTES} characters")]
pub struct HashError;

impl Hash {
    /// What stands in place of a hash before the first record.
    pub const ZERO: Self = Self([0; 32]);

    /// Computes the hash of a record, which is a leaf of the tree.
    /// # Shape
    /// `line`: the record's line without its line end.
    /// # Source
    /// RFC 9162 §2.1.1.
    #[must_use]
    pub fn of_leaf(line: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update([0x00]);
        hash.update(line);
        Self(hash.finalize().into())
    }

    /// Computes the hash of an inner node of the tree.
    /// # Source
    /// RFC 9162 §2.1.1.
    #[must_use]
    pub fn of_node(left: &Self, right: &Self) -> Self {
        let mut bytes = [0u8; 65];
        let (tag, rest) = bytes.split_at_mut(1);
        tag.fill(0x01);
        let (first, second) = rest.split_at_mut(32);
        first.copy_from_slice(&left.0);
        second.copy_from_slice(&right.0);
        Self(Sha256::digest(bytes).into())
    }

    /// Computes the root of the tree without leaves.
    /// # Source
    /// RFC 9162 §2.1.1.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// Writes the hash in text, without an allocation.
    #[must_use]
    pub fn encode(&self) -> [u8; TEXT_BYTES] {
        let mut text = [0u8; TEXT_BYTES];
        // The buffer is exactly as long as the text; the call cannot fail.
        let _written = STANDARD.encode_slice(self.0, &mut text);
        text
    }

    /// Reads a hash from text.
    /// # Errors
    /// [`HashError`].
    pub fn decode(text: &[u8]) -> Result<Self, HashError> {
        if text.len() != TEXT_BYTES {
            return Err(HashError);
        }
        let mut bytes = [0u8; 33];
        match STANDARD.decode_slice(text, &mut bytes) {
            Ok(32) => bytes.first_chunk().map(|bytes| Self(*bytes)).ok_or(HashError),
            Ok(_) | Err(_) => Err(HashError),
        }
    }
}

impl FromStr for Hash {
    type Err = HashError;
    fn from_str(text: &str) -> Result<Self, HashError> {
        Self::decode(text.as_bytes())
    }
}

impl TryFrom<String> for Hash {
    type Error = HashError;
    fn try_from(text: String) -> Result<Self, HashError> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.encode()).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_certificate_transparency() {
        // RFC 9162 §2.1.1 over the inputs of the test vectors that CT implementations share.
        let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Hash::of_nothing().to_string(), empty);
        let leaf = Hash::of_leaf(b"");
        assert_eq!(
            cordon_model::note::hex(&leaf.0),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        let node = Hash::of_node(&leaf, &Hash::of_leaf(&[0x00]));
        assert_eq!(
            cordon_model::note::hex(&node.0),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
    }

    #[test]
    fn a_hash_reads_back_and_only_in_its_own_text() {
        let hash = Hash::of_leaf(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let text = hash.to_string();
        for wrong in ["", "AAAA", text.trim_end_matches('='), &text.replace('=', "A")] {
            assert_eq!(wrong.parse::<Hash>(), Err(HashError), "{wrong}");
        }
    }
}
