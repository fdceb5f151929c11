//! The crate's interface as others use it, and its texts in a real kernel.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read examples and may fail"
)]

mod compiled;
mod equal;
mod hospital;
mod laws;
mod nft;
