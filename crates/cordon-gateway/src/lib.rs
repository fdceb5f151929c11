//! The enforcement point: what a bundle says, done on the wire.
//!
//! ```text
//!  bundle file ─▶ store ──┐                        ┌─▶ kernel   (sets, rules, marks)
//!  control socket ────────┤   cordon_core::pep     ├─▶ proxy    (take, judge, refuse, close)
//!  NFLOG, conntrack ──────┼──▶ step(now, input) ───┼─▶ journal  (events, never waited for)
//!  proxy's verdicts ──────┤                        └─▶ receipts
//!  clock ─────────────────┘
//! ```
//!
//! Invariant: the rules in the kernel outlive the process; what keeps a patient's alarm flowing never
//! waits for anything here.
//! Source: NIST SP 800-207 §3 (policy enforcement point).
#![deny(clippy::indexing_slicing, clippy::string_slice)]

#[cfg(test)]
extern crate self as cordon_gateway;

pub mod capture;
pub mod check;
pub mod clock;
pub mod config;
pub mod control;
pub mod diary;
pub mod enroll;
pub mod kernel;
pub mod point;
pub mod proxy;
pub mod store;
