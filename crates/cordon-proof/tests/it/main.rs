//! What can be proved, what is refuted and by whom, and what happens when the solver is of no help.
//!
//! These tests need cvc5: the Debian package `cvc5`, or its path in the environment variable CVC5.
#![expect(clippy::unwrap_used, reason = "tests")]

mod green;
mod hospital;
mod red;
mod requests;
mod solver;
mod widening;
