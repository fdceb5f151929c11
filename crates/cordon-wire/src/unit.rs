//! One unit of a stream, with the place and the bytes it came from.

use std::fmt;

use crate::Fault;

/// One unit of a stream: a frame, a PDU, a head, or a piece of what is cut through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Unit<'a, T> {
    /// The offset of its first byte from the start of the stream.
    pub at: u64,
    /// Its bytes as they were on the wire, framing included: what a proxy passes on.
    pub bytes: &'a [u8],
    /// What it is, or why it is nothing.
    pub value: Result<T, Fault>,
}

/// Prints how many bytes there are, not which: a patient may be among them.
impl<T: fmt::Debug> fmt::Debug for Unit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unit")
            .field("at", &self.at)
            .field("bytes", &self.bytes.len())
            .field("value", &self.value)
            .finish()
    }
}
