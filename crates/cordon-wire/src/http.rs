//! Heads of HTTP/1.1 requests and responses, and where the bodies between them end.
//!
//! A body is cut through: it is handed out as it arrives and never kept. What two parties could
//! frame in two ways is a fault and ends the stream, so that nothing can be smuggled past.
//!
//! Invariant: a target, which may hold a patient's identifier, is never printed.
//!
//! Source: RFC 9110; RFC 9112.

mod chunk;
mod head;
mod refusal;
mod section;
mod stream;

pub use head::{Coding, Head, Start};
pub use refusal::refuse;
pub use stream::{Content, EXPECTED_MAX, Part, Reader};

use crate::Limit;
pub use crate::Side;

/// The longest head, and the longest trailer section.
pub const HEAD_BYTES: Limit = Limit { name: "bytes in an HTTP head", max: 16 * 1024 };
/// The most fields in a head, and in a trailer section.
pub const HEAD_FIELDS: Limit = Limit { name: "fields in an HTTP head", max: 100 };
/// The longest line that gives the size of a chunk.
pub const CHUNK_LINE_BYTES: Limit = Limit { name: "bytes in an HTTP chunk size line", max: 256 };
