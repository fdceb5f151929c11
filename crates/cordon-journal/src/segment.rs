//! Segments: the files that a stream consists of, line by line.

use cordon_model::note::NoteError;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::record;
use crate::tree::Frontier;

/// The version of segments that is written; all up to it are read.
pub const VERSION: u32 = 1;
/// Longest line of a segment, in bytes.
pub const LINE_BYTES_MAX: usize = 65_536;

const HEADER: &[u8] = b"{\"first\":";
const HEAD: &[u8] = b"{\"head\":";

/// The first line of a segment: where it continues the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The number of its first record.
    pub first: u64,
    /// The frontier of the tree over all records before.
    pub frontier: Vec<Hash>,
    /// The signed head over all records before; absent in the first segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The version of this encoding.
    pub journal: u32,
    /// The hash of the record before; [`Hash::ZERO`] before the first.
    pub last: Hash,
    /// Whose stream: `<hospital>/<writer>/<stream>`.
    pub origin: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadLine<T> {
    head: T,
}

/// Says why the first line of a segment is no header.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// It is not the JSON of a header.
    #[error("it is not the JSON of a header")]
    Json(#[source] serde_json::Error),
    /// It was written by a newer version.
    #[error("it has version {0}; this program reads up to {VERSION}: use a newer one")]
    Version(u32),
    /// Its frontier does not fit the number of records.
    #[error("its frontier does not fit {0} records")]
    Frontier(u64),
    /// Its head is no signed note.
    #[error("its head cannot be read")]
    Head(#[source] NoteError),
}

impl Header {
    /// Gives the line, with its line end.
    /// # Errors
    /// [`HeaderError::Json`] if it cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, HeaderError> {
        let mut line = serde_json::to_vec(self).map_err(HeaderError::Json)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Reads the line, without its line end.
    /// # Errors
    /// [`HeaderError`].
    pub fn decode(line: &[u8]) -> Result<Self, HeaderError> {
        let header: Self = serde_json::from_slice(line).map_err(HeaderError::Json)?;
        if header.journal > VERSION {
            return Err(HeaderError::Version(header.journal));
        }
        header.frontier().ok_or(HeaderError::Frontier(header.first))?;
        Ok(header)
    }

    /// Gives the frontier, if it fits the number of records.
    #[must_use]
    pub fn frontier(&self) -> Option<Frontier> {
        Frontier::new(self.first, self.frontier.clone())
    }
}

/// Gives the line of a head, with its line end.
/// # Shape
/// `note`: the signed note.
#[must_use]
pub fn encode_head(note: &str) -> Vec<u8> {
    // A text of our own always has a JSON form.
    let mut line = serde_json::to_vec(&HeadLine { head: note }).unwrap_or_default();
    line.push(b'\n');
    line
}

/// One line of a segment, told apart by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A header.
    Header(&'a [u8]),
    /// A record.
    Record(&'a [u8]),
    /// A head.
    Head(&'a [u8]),
    /// Nothing that belongs into a segment.
    Foreign(&'a [u8]),
}

impl<'a> Line<'a> {
    /// Tells what a line is.
    /// # Shape
    /// `line`: without its line end.
    #[must_use]
    pub fn of(line: &'a [u8]) -> Self {
        if line.starts_with(record::PREFIX) {
            Self::Record(line)
        } else if line.starts_with(HEAD) {
            Self::Head(line)
        } else if line.starts_with(HEADER) {
            Self::Header(line)
        } else {
            Self::Foreign(line)
        }
    }
}

/// Reads the signed note out of the line of a head.
#[must_use]
pub fn decode_head(line: &[u8]) -> Option<String> {
    serde_json::from_slice::<HeadLine<String>>(line).ok().map(|line| line.head)
}

/// Gives the name of the segment that begins with a record.
#[must_use]
pub fn file_name(first: u64) -> String {
    format!("{first:020}.jsonl")
}

/// Reads the number of the first record from the name of a segment.
#[must_use]
pub fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".jsonl")?;
    let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

    use super::*;

    #[test]
    fn headers_read_back_and_must_fit() {
        let header = Header {
            first: 3,
            frontier: vec![Hash::ZERO, Hash::of_nothing()],
            head: Some("o\n3\n…\n".into()),
            journal: VERSION,
            last: Hash::of_nothing(),
            origin: "h/w/evidence".into(),
        };
        let line = header.encode().unwrap();
        let (line, _) = line.split_at(line.len() - 1);
        assert_eq!(Line::of(line), Line::Header(line));
        assert_eq!(Header::decode(line).unwrap(), header);
        let text = String::from_utf8_lossy(line);
        for (from, to) in
            [("\"first\":3", "\"first\":4"), ("\"journal\":1", "\"journal\":2"), ("{", "")]
        {
            assert!(Header::decode(text.replacen(from, to, 1).as_bytes()).is_err(), "{from}");
        }
    }

    #[test]
    fn heads_and_names_read_back() {
        let line = encode_head("o\n1\n…\n\n— o AAAA\n");
        let (line, _) = line.split_at(line.len() - 1);
        assert_eq!(Line::of(line), Line::Head(line));
        assert_eq!(decode_head(line).as_deref(), Some("o\n1\n…\n\n— o AAAA\n"));
        assert_eq!(first_of(&file_name(256)), Some(256));
        for name in ["", "1.jsonl", "0000000000000000000x.jsonl", "00000000000000000001.json"] {
            assert_eq!(first_of(name), None, "{name}");
        }
    }
}
