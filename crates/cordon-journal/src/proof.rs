//! Proofs as text: that a record is in a stream, and that a stream only grew.
//!
//! Source: C2SP tlog-proof; C2SP tlog-witness, "add-checkpoint".

use std::fmt::Write as _;

use cordon_model::note::Verifier;

use crate::hash::Hash;
use crate::head::{HEAD_BYTES_MAX, Head, HeadError};
use crate::tree::{is_consistent, is_included};

/// The first line of a proof of inclusion.
/// # Source
/// C2SP tlog-proof, "Format".
const VERSION: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes of a proof: one for each level of the largest tree.
/// # Source
/// C2SP tlog-witness, "add-checkpoint": at most 63.
pub const PATH_MAX: usize = 63;
/// Longest text of a proof, in bytes; what else may stand in it is short.
pub const PROOF_BYTES_MAX: usize = 32_768;

/// Says why a text is no proof, or proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is longer than [`PROOF_BYTES_MAX`].
    #[error("a proof has at most {PROOF_BYTES_MAX} bytes")]
    OverLimit,
    /// It has not the form of a proof.
    #[error("line {line}: expected {what}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is expected there.
        what: &'static str,
    },
    /// Its head cannot be trusted.
    #[error("the head of the proof cannot be trusted")]
    Head(#[from] HeadError),
    /// It is the proof for another record, or the record was changed.
    #[error("the record is not number {index} of the {size} that the head signs")]
    NotIncluded {
        /// Its number.
        index: u64,
        /// How many records.
        size: u64,
    },
    /// The older stream is not the beginning of the newer.
    #[error("the {old} records of the older head are not the first of the {new} of the newer")]
    NotConsistent {
        /// How many records the older head signs.
        old: u64,
        /// How many the newer signs.
        new: u64,
    },
}

/// That a record is in a stream; its file name should end in `.tlog-proof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The number of the record.
    pub index: u64,
    /// The hashes from the leaf's sibling to the root's child.
    pub path: Vec<Hash>,
    /// The signed head.
    pub checkpoint: String,
}

/// That the records of an older head are the first of those of a newer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// How many records the older head signs.
    pub old: u64,
    /// The hashes.
    pub path: Vec<Hash>,
    /// The newer signed head.
    pub checkpoint: String,
}

/// Gives `<word> <number>`, the hashes, an empty line and the head.
fn text(begin: &str, path: &[Hash], checkpoint: &str) -> String {
    let mut text = format!("{begin}\n");
    for hash in path {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{hash}");
    }
    text.push('\n');
    text.push_str(checkpoint);
    text
}

/// Reads what [`text`] wrote, whose first line is number `line`.
fn read(
    text: &str,
    line: usize,
    word: &'static str,
) -> Result<(u64, Vec<Hash>, String), ProofError> {
    let form = |line, what| ProofError::Form { line, what };
    let (first, mut rest) = text.split_once('\n').ok_or(form(line, word))?;
    let number = first.strip_prefix(word).and_then(|rest| rest.strip_prefix(' '));
    let is_plain = |text: &&str| *text == "0" || !text.starts_with(['0', '+']);
    let number = number.filter(is_plain).and_then(|text| text.parse().ok());
    let number = number.ok_or(form(line, word))?;
    let mut path = Vec::new();
    loop {
        let line = line + 1 + path.len();
        let (hash, more) = rest.split_once('\n').ok_or(form(line, "a hash or an empty line"))?;
        rest = more;
        if hash.is_empty() {
            break;
        }
        if path.len() == PATH_MAX {
            return Err(form(line, "an empty line: no tree is that high"));
        }
        path.push(hash.parse().map_err(|_| form(line, "a hash or an empty line"))?);
    }
    if rest.len() > HEAD_BYTES_MAX {
        return Err(ProofError::OverLimit);
    }
    Ok((number, path, rest.to_owned()))
}

impl Proof {
    /// Writes the proof.
    #[must_use]
    pub fn text(&self) -> String {
        text(&format!("{VERSION}\nindex {}", self.index), &self.path, &self.checkpoint)
    }

    /// Reads a proof; extra data, which nobody vouches for, is passed over.
    /// # Errors
    /// [`ProofError`].
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ProofError::OverLimit);
        }
        let wrong = ProofError::Form { line: 1, what: VERSION };
        let mut rest = text.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix('\n'));
        let mut line = 2;
        if let Some((extra, more)) = rest.and_then(|rest| rest.split_once('\n'))
            && extra.starts_with("extra ")
        {
            rest = Some(more);
            line += 1;
        }
        let (index, path, checkpoint) = read(rest.ok_or(wrong)?, line, "index")?;
        Ok(Self { index, path, checkpoint })
    }

    /// Verifies that a record is in the stream of a key, and gives the head that says so.
    /// # Shape
    /// `line`: the record without its line end.
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, line: &[u8], key: &Verifier) -> Result<Head, ProofError> {
        let head = Head::open(&self.checkpoint, key)?;
        let leaf = Hash::of_leaf(line);
        let (index, size) = (self.index, head.size);
        is_included(&leaf, index, size, &self.path, &head.root)
            .then_some(head)
            .ok_or(ProofError::NotIncluded { index, size })
    }
}

impl Consistency {
    /// Writes the proof, in the form in which a witness is asked for its signature.
    #[must_use]
    pub fn text(&self) -> String {
        text(&format!("old {}", self.old), &self.path, &self.checkpoint)
    }

    /// Reads a proof.
    /// # Errors
    /// [`ProofError`].
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(ProofError::OverLimit);
        }
        let (old, path, checkpoint) = read(text, 1, "old")?;
        Ok(Self { old, path, checkpoint })
    }

    /// Verifies that the stream of a key only grew since an older head of it, and gives the newer.
    /// # Shape
    /// `old`: the older head as a signed note.
    /// # Errors
    /// [`ProofError`].
    pub fn verify(&self, old: &str, key: &Verifier) -> Result<Head, ProofError> {
        let old = Head::open(old, key)?;
        let new = Head::open(&self.checkpoint, key)?;
        let holds = old.size == self.old
            && is_consistent((old.size, &old.root), (new.size, &new.root), &self.path);
        let wrong = ProofError::NotConsistent { old: old.size, new: new.size };
        holds.then_some(new).ok_or(wrong)
    }
}

#[cfg(test)]
mod tests;
