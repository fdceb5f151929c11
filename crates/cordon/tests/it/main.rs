//! The command as its users have it: the real binary on copies of the example hospitals.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bench;
mod check;
mod compile;
mod explain;
mod import;
mod inspect;
mod output;
mod prove;
mod replay;
mod ruleset;
mod tutorial;
mod wrong;
