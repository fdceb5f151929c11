//! Measurements of cordon: what a decision, a lookup, a compilation and a command cost.
//!
//! Every figure is a median of several rounds with its spread, beside the target it is held
//! against. Peers run in the same process on the same questions, so ratios hold on any machine.

pub mod clock;
pub mod commands;
pub mod compile;
pub mod decide;
pub mod example;
pub mod figure;
pub mod journal;
pub mod lookup;
pub mod machine;
pub mod question;
pub mod rego;
pub mod run;
pub mod wire;
