//! The crate's interface as others use it: every format against its own rules and golden files.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests may stop at the first surprise, and say what they skip"
)]

mod atna;
mod exposition;
mod golden;
mod lines;
mod ocsf;
mod samples;
