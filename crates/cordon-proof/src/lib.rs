//! Proofs: what holds of a hospital's rules for every request there can be, not for those tried.
//!
//! `cedar-policy-symcc` turns policies into formulas over all requests and all entities that the
//! schema admits; cvc5 searches a request that breaks a claim. When there is none, the claim is
//! proved; when there is one, it is evaluated by Cedar again and told in the hospital's own names.
//!
//! Invariant: a solver that is silent, slow, crashed or unsure never counts as a proof.
//! Source: Cedar SymCC, <https://docs.rs/cedar-policy-symcc>; SMT-LIB 2.6 §4.2.5.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

pub mod proof;
pub mod prove;

mod ask;
mod claim;
mod example;
mod rewrite;
mod search;

pub use proof::{Counterexample, Outcome, Proof};
pub use prove::{ProveError, Prover};
