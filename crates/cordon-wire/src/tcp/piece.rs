//! A piece of a stream that came before its turn.

/// What a segment brought that cannot be handed out yet.
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    /// So many bytes that were on the wire and not recorded.
    Cut(u32),
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => long(bytes.len()),
            Self::Cut(bytes) => u64::from(*bytes),
        }
    }
}

/// It, and what its delivery needs.
#[derive(Debug)]
pub(super) struct Piece<M> {
    pub(super) content: Content,
    pub(super) after: Option<u64>,
    pub(super) mark: M,
}

impl<M> Piece<M> {
    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        match &self.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::Cut(_) => 0,
        }
    }
}

pub(super) fn long(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

pub(super) fn skip(bytes: &[u8], count: u64) -> &[u8] {
    usize::try_from(count).ok().and_then(|count| bytes.get(count..)).unwrap_or_default()
}

/// Gives the bytes from one offset to another, of bytes that begin at `at`.
pub(super) fn part(bytes: &[u8], at: u64, from: u64, to: u64) -> &[u8] {
    let (from, to) = (from.saturating_sub(at), to.saturating_sub(at));
    let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to)) else {
        return &[];
    };
    bytes.get(from..to).unwrap_or_default()
}

/// Hashes bytes to tell two versions of a segment apart.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = long(bytes.len());
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = (state ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME).rotate_left(29);
    }
    for byte in rest {
        state = (state ^ u64::from(*byte)).wrapping_mul(PRIME).rotate_left(29);
    }
    state
}
