//! The crate's interface as others use it: every format against its own rules and golden files, and
//! what is promised about delivery, seen by real receivers.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stderr,
    reason = "tests may stop at the first surprise, and say what they skip"
)]

mod atna;
mod bench;
mod delivery;
mod exposition;
mod golden;
mod hec;
mod lines;
mod ocsf;
mod peers;
mod running;
mod samples;
