//! The enforcement point against a kernel, services and devices that talk.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::print_stderr,
    reason = "tests stop at the first surprise, and say that they skip"
)]

mod enroll;
mod kernel;
mod proxy;
mod wire;
