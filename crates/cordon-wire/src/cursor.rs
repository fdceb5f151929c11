//! A place in bytes that only moves forward and never past the end.

use crate::Fault;

/// Reads values from the front of bytes.
///
/// What running out means depends on where the bytes come from: at the end of a stream more may
/// come ([`Cursor::open`]); inside a unit whose length is known somebody lied ([`Cursor::whole`]).
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    rule: Option<&'static str>,
}

impl<'a> Cursor<'a> {
    /// Reads from bytes after which more may come; running out is [`Fault::Incomplete`].
    #[must_use]
    pub fn open(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, rule: None }
    }

    /// Reads from a whole unit; running out is [`Fault::Malformed`] by `rule`.
    #[must_use]
    pub fn whole(bytes: &'a [u8], rule: &'static str) -> Self {
        Self { bytes, at: 0, rule: Some(rule) }
    }

    /// Gives the offset from the start.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Gives the number of bytes that are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// Says whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// Gives what is left without moving.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Gives the next byte without moving.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes a number of bytes.
    /// # Errors
    /// As [`Self::open`] and [`Self::whole`] say, when fewer are left; the place does not move.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.saturating_add(count);
        match self.bytes.get(self.at..end) {
            Some(taken) => {
                self.at = end;
                Ok(taken)
            }
            None => Err(self.short(count)),
        }
    }

    #[cold]
    fn short(&self, count: usize) -> Fault {
        match self.rule {
            Some(rule) => Fault::Malformed { at: self.bytes.len(), rule },
            None => Fault::Incomplete { need: count.saturating_sub(self.left()) },
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        match self.rest().first_chunk::<N>() {
            Some(chunk) => {
                self.at = self.at.saturating_add(N);
                Ok(*chunk)
            }
            None => Err(self.short(N)),
        }
    }

    /// Takes one byte.
    /// # Errors
    /// As [`Self::take`].
    pub fn u8(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Takes two bytes, big-endian.
    /// # Errors
    /// As [`Self::take`].
    pub fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes three bytes, big-endian.
    /// # Errors
    /// As [`Self::take`].
    pub fn u24(&mut self) -> Result<u32, Fault> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Takes four bytes, big-endian.
    /// # Errors
    /// As [`Self::take`].
    pub fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes two bytes, little-endian.
    /// # Errors
    /// As [`Self::take`].
    pub fn u16_le(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    /// Takes four bytes, little-endian.
    /// # Errors
    /// As [`Self::take`].
    pub fn u32_le(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    /// Makes the fault that the byte at the present place breaks a rule.
    #[must_use]
    pub fn malformed(&self, rule: &'static str) -> Fault {
        Fault::Malformed { at: self.at, rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_out_waits_on_a_stream_and_blames_inside_a_unit() {
        let mut open = Cursor::open(&[1, 2, 3]);
        assert_eq!(open.u16(), Ok(0x0102));
        assert_eq!(open.u32(), Err(Fault::Incomplete { need: 3 }));
        assert_eq!(open.u8(), Ok(3));
        let mut whole = Cursor::whole(&[1], "a rule");
        assert_eq!(whole.u16(), Err(Fault::Malformed { at: 1, rule: "a rule" }));
        assert_eq!(whole.at(), 0);
    }

    #[test]
    fn a_count_that_overflows_is_only_too_much() {
        let mut open = Cursor::open(&[1]);
        assert_eq!(open.take(usize::MAX), Err(Fault::Incomplete { need: usize::MAX - 1 }));
    }
}
