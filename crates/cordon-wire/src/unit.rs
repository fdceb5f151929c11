//! One unit of a stream, with the place and the bytes it came from.

use crate::Fault;

/// One unit of a stream: a frame, a PDU, a head, or a piece of what is cut through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit<'a, T> {
    /// The offset of its first byte from the start of the stream.
    pub at: u64,
    /// Its bytes as they were on the wire, framing included: what a proxy passes on.
    pub bytes: &'a [u8],
    /// What it is, or why it is nothing.
    pub value: Result<T, Fault>,
}
