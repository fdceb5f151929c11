//! The TLS ClientHello: what a client says of itself before anything is encrypted.
//!
//! Invariant: at most [`HELLO_BYTES`] are kept of a conversation; what follows the ClientHello is
//! not looked at.
//!
//! Source: RFC 8446 §4.1.2, §5.1; RFC 5246 §7.4.1.2.

mod extensions;
mod hello;
mod ja4;
mod stream;

pub use extensions::{Extension, Extensions, Names, Words, is_grease};
pub use hello::ClientHello;
pub use ja4::{Carrier, Ja4, ja4};
pub use stream::Reader;

use crate::Limit;

/// The longest ClientHello, with the headers of the records it came in.
pub const HELLO_BYTES: Limit = Limit { name: "bytes in a TLS ClientHello", max: 64 * 1024 };
