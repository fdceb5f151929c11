//! Bytes that wait until a socket takes them.

/// Room beyond this is given back once it is not needed.
/// # Units
/// Bytes.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// Bytes that wait until a socket takes them; has no room of its own until there are some.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    done: usize,
}

impl Buffer {
    /// Appends bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.is_empty() {
            self.clear();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Gives the place where whoever writes by itself appends.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Gives what waits.
    pub(super) fn front(&self) -> &[u8] {
        self.bytes.get(self.done..).unwrap_or_default()
    }

    /// Forgets the first bytes, which somebody took.
    pub(super) fn take(&mut self, count: usize) {
        self.done = self.done.saturating_add(count).min(self.bytes.len());
        if self.is_empty() {
            self.clear();
        } else if self.done >= KEPT_BYTES_MAX && self.done >= self.bytes.len() / 2 {
            self.bytes.drain(..self.done);
            self.done = 0;
        }
    }

    /// Gives how many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.done)
    }

    /// Says whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES_MAX);
        self.done = 0;
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests stop at the first surprise"
    )]

    use super::*;

    #[test]
    fn what_is_taken_in_pieces_is_what_was_pushed() {
        let (mut buffer, mut out, mut all) = (Buffer::default(), Vec::new(), Vec::new());
        for round in 0..100_usize {
            let bytes = vec![u8::try_from(round).unwrap(); round * 97];
            buffer.push(&bytes);
            all.extend_from_slice(&bytes);
            let count = buffer.len() / 2;
            out.extend_from_slice(&buffer.front()[..count]);
            buffer.take(count);
        }
        out.extend_from_slice(buffer.front());
        buffer.take(usize::MAX);
        assert!(buffer.is_empty() && buffer.bytes.capacity() <= KEPT_BYTES_MAX);
        assert_eq!(out, all);
    }
}
