//! Hashes: of a record, of a node of the tree, and their text.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// The characters of a hash in text.
pub const TEXT_BYTES: usize = 44;

/// Bytes of a line that stand in its first block, behind the tag.
const FIRST_BYTES: usize = 63;
/// The bits of a node's message: the tag and two hashes.
const NODE_BITS: u16 = 65 * 8;
/// The state before the first block.
/// # Source
/// FIPS 180-4 §5.3.3.
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

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

    /// Computes the hashes of two records.
    ///
    /// Blocks of one message wait for each other; those of two do not, so a processor works on both
    /// at once, in little more time than on one.
    /// # Shape
    /// As [`Self::of_leaf`] gives them.
    #[must_use]
    pub fn of_leaves(lines: [&[u8]; 2]) -> [Self; 2] {
        let [Some(one), Some(two)] = lines.map(Blocks::of) else { return lines.map(Self::of_leaf) };
        let (mut first, mut second) = (START, START);
        compress256(&mut first, &[one.first]);
        compress256(&mut second, &[two.first]);
        let both = one.middle.len().min(two.middle.len());
        for (left, right) in one.middle.iter().zip(two.middle) {
            compress256(&mut first, std::slice::from_ref(left));
            compress256(&mut second, std::slice::from_ref(right));
        }
        compress256(&mut first, one.middle.get(both..).unwrap_or_default());
        compress256(&mut second, two.middle.get(both..).unwrap_or_default());
        compress256(&mut first, one.end());
        compress256(&mut second, two.end());
        [Self::of_state(first), Self::of_state(second)]
    }

    /// Computes the hashes of two nodes, each of its two children, as [`Self::of_node`] gives them.
    #[must_use]
    pub fn of_nodes(nodes: [[&Self; 2]; 2]) -> [Self; 2] {
        let [one, two] = nodes.map(node_blocks);
        let (mut first, mut second) = (START, START);
        for (left, right) in one.iter().zip(&two) {
            compress256(&mut first, std::slice::from_ref(left));
            compress256(&mut second, std::slice::from_ref(right));
        }
        [Self::of_state(first), Self::of_state(second)]
    }

    fn of_state(state: [u32; 8]) -> Self {
        let mut bytes = [0u8; 32];
        let (words, _) = bytes.as_chunks_mut::<4>();
        words.iter_mut().zip(state).for_each(|(to, word)| *to = word.to_be_bytes());
        Self(bytes)
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

/// The message of a leaf, cut into blocks.
/// # Source
/// FIPS 180-4 §5.1.1.
struct Blocks<'a> {
    first: [u8; 64],
    middle: &'a [[u8; 64]],
    last: [[u8; 64]; 2],
    is_two: bool,
}

impl<'a> Blocks<'a> {
    /// Cuts a line; nothing if it does not fill the first block.
    fn of(line: &'a [u8]) -> Option<Self> {
        let (start, rest) = line.split_first_chunk::<FIRST_BYTES>()?;
        let bits = u64::try_from(line.len()).ok()?.checked_add(1)?.checked_mul(8)?;
        let mut first = [0u8; 64];
        let (_tag, room) = first.split_first_chunk_mut::<1>()?;
        room.copy_from_slice(start);
        let (middle, tail) = rest.as_chunks::<64>();
        let mut last = [[0u8; 64]; 2];
        let flat = last.as_flattened_mut();
        let (text, room) = flat.split_at_mut_checked(tail.len())?;
        text.copy_from_slice(tail);
        *room.first_mut()? = 0x80;
        // One bit and 64 of the length must follow the text.
        let is_two = tail.len() > 64 - 9;
        let [one, two] = &mut last;
        let end = if is_two { two } else { one };
        *end.last_chunk_mut()? = bits.to_be_bytes();
        Some(Self { first, middle, last, is_two })
    }

    fn end(&self) -> &[[u8; 64]] {
        self.last.get(..1 + usize::from(self.is_two)).unwrap_or_default()
    }
}

/// Gives the message of a node, cut into blocks.
/// # Source
/// RFC 9162 §2.1.1; FIPS 180-4 §5.1.1.
fn node_blocks([left, right]: [&Hash; 2]) -> [[u8; 64]; 2] {
    let mut blocks = [[0u8; 64]; 2];
    let (tag, rest) = blocks.as_flattened_mut().split_at_mut(1);
    tag.fill(0x01);
    let (first, rest) = rest.split_at_mut(32);
    first.copy_from_slice(&left.0);
    let (second, rest) = rest.split_at_mut(32);
    second.copy_from_slice(&right.0);
    let (bit, rest) = rest.split_at_mut(1);
    bit.fill(0x80);
    if let Some(bits) = rest.last_chunk_mut() {
        *bits = NODE_BITS.to_be_bytes();
    }
    blocks
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
    #![expect(clippy::indexing_slicing, reason = "tests stop at the first surprise")]

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
    fn two_at_once_are_as_each_alone() {
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(700).collect();
        for long in 0..text.len() {
            for short in [0, 62, 63, 64, 118, 119, 126, 127, 128, 500, long] {
                let lines = [&text[..long], &text[text.len() - short..]];
                assert_eq!(Hash::of_leaves(lines), lines.map(Hash::of_leaf), "{long} {short}");
            }
        }
        let [a, b, c] = [&text[..1], &text[..2], &text[..3]].map(Hash::of_leaf);
        let alone = [Hash::of_node(&a, &b), Hash::of_node(&c, &a)];
        assert_eq!(Hash::of_nodes([[&a, &b], [&c, &a]]), alone);
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
