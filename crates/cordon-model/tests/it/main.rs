//! The crate's interface as others use it, and what its documents promise.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests read sources and examples, and may fail"
)]

mod bundle;
mod errors;
mod examples;
mod posture;
