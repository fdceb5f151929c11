//! The command as its users have it: the real binary on copies of the example hospitals.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod bench;
mod check;
mod compile;
mod explain;
mod import;
mod inspect;
mod journal;
mod lab;
mod output;
mod patients;
mod prove;
mod replay;
mod rerun;
mod ruleset;
mod tutorial;
mod why;
mod wrong;
