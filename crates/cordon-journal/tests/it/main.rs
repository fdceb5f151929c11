//! The journal as others use it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    reason = "tests stop at the first surprise"
)]

mod build;
mod corrupt;
mod corruption;
mod crash;
mod fault;
mod hostile;
mod index;
mod journal;
mod keeping;
mod python;
mod stage;
mod stored;
mod trouble;
