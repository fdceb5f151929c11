//! Heads: the size and root of a stream's tree, signed; other people's tools call them checkpoints.
//!
//! Source: C2SP tlog-checkpoint.

use std::fmt::Write as _;

use cordon_model::note::{Note, NoteError, Signer, Verifier};

use crate::hash::Hash;

/// Longest origin, in bytes: hospital, writer and stream.
pub const ORIGIN_BYTES_MAX: usize = 256;
/// Longest head with its signatures, in bytes.
pub const HEAD_BYTES_MAX: usize = 8_192;

/// What a head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose tree: `<hospital>/<writer>/<stream>`.
    pub origin: String,
    /// How many records.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Says why a text is no head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is no signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// It is longer than [`HEAD_BYTES_MAX`].
    #[error("a head has at most {HEAD_BYTES_MAX} bytes")]
    OverLimit,
    /// Its text is not that of a head.
    #[error("line {line}: expected {what}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is expected there.
        what: &'static str,
    },
    /// It is the head of another stream.
    #[error("it is of `{found}`, not of `{expected}`")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// It is not signed by the key.
    #[error("no signature by `{0}` verifies: it was changed, or signed by another key")]
    Signature(String),
}

/// Reads a number as it stands in a head: decimal, without leading zeros.
fn number(text: &str) -> Option<u64> {
    let is_plain = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| is_plain)
}

impl Head {
    /// Gives the text that is signed.
    #[must_use]
    pub fn body(&self) -> String {
        let mut text = String::with_capacity(self.origin.len() + 80);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}\n{}\n{}", self.origin, self.size, self.root);
        text
    }

    /// Gives the head as a signed note.
    #[must_use]
    pub fn sign(&self, signer: &Signer) -> String {
        signer.sign(&self.body())
    }

    /// Reads what a head says, whoever signed it.
    /// # Errors
    /// [`HeadError`] if the text has not the form of a head.
    pub fn peek(text: &str) -> Result<Self, HeadError> {
        Ok(Self::parse(text)?.0)
    }

    /// Reads a head that this key signed.
    /// # Errors
    /// [`HeadError`].
    pub fn open(text: &str, key: &Verifier) -> Result<Self, HeadError> {
        let (head, note) = Self::parse(text)?;
        if head.origin != key.name() {
            let expected = key.name().to_owned();
            return Err(HeadError::Origin { found: head.origin, expected });
        }
        if !key.has_signed(&note) {
            return Err(HeadError::Signature(key.name().to_owned()));
        }
        Ok(head)
    }

    fn parse(text: &str) -> Result<(Self, Note<'_>), HeadError> {
        if text.len() > HEAD_BYTES_MAX {
            return Err(HeadError::OverLimit);
        }
        let note = Note::parse(text)?;
        let mut lines = note.body.lines();
        let form = |line, what| HeadError::Form { line, what };
        let is_origin = |text: &&str| !text.is_empty() && text.len() <= ORIGIN_BYTES_MAX;
        let origin = lines.next().filter(is_origin).ok_or(form(1, "the origin"))?;
        let size = lines.next().and_then(number).ok_or(form(2, "the number of records"))?;
        let root = lines.next().and_then(|text| text.parse().ok());
        let root = root.ok_or(form(3, "the root in base64"))?;
        if lines.next().is_some() {
            return Err(form(4, "an empty line"));
        }
        Ok((Self { origin: origin.to_owned(), size, root }, note))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::*;

    fn head() -> Head {
        Head { origin: "h/gw-1/evidence".into(), size: 7, root: Hash::of_nothing() }
    }

    #[test]
    fn a_head_is_opened_by_its_key_and_no_other() {
        let signer = Signer::new("h/gw-1/evidence", [3; 32]);
        let text = head().sign(&signer);
        assert_eq!(Head::open(&text, &signer.verifier()), Ok(head()));
        let stranger = Signer::new("h/gw-1/evidence", [4; 32]).verifier();
        assert!(matches!(Head::open(&text, &stranger), Err(HeadError::Signature(_))));
        let other = signer.named("h/gw-1/traffic").verifier();
        assert!(matches!(Head::open(&text, &other), Err(HeadError::Origin { .. })));
        let changed = text.replace("\n7\n", "\n8\n");
        assert!(matches!(Head::open(&changed, &signer.verifier()), Err(HeadError::Signature(_))));
    }

    #[test]
    fn refuses_what_is_no_head() {
        let signer = Signer::new("h/gw-1/evidence", [3; 32]);
        for (body, line) in [
            ("\n7\nx\n", 1),
            ("o\n07\nx\n", 2),
            ("o\n+7\nx\n", 2),
            ("o\n7\nx\n", 3),
            ("o\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n", 4),
        ] {
            let error = Head::peek(&signer.sign(body)).unwrap_err();
            assert!(matches!(error, HeadError::Form { line: l, .. } if l == line), "{body:?}");
        }
        assert_eq!(Head::peek(&"x".repeat(9_000)), Err(HeadError::OverLimit));
    }
}
