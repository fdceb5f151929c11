//! From a hospital's plan and its Cedar policies to one bundle per enforcement point.
//!
//! The way of the data: [`Rulebook::read`] validates Cedar text against the schema;
//! [`Engine::build`] evaluates it once per class of devices and keeps the answers in a table;
//! [`Engine::decide`] looks them up; [`compile::compile`] turns the table into bundles;
//! [`explain`], [`diff`] and [`matrix`] show all of it to people.
//!
//! Invariant: a decision never comes without a rule, and never as an error: what Cedar cannot
//! evaluate is denied.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

pub mod cedar;
pub mod classify;
pub mod compile;
pub mod consistency;
pub mod diff;
pub mod engine;
pub mod explain;
pub mod matrix;
pub mod oracle;
pub mod rulebook;
pub mod summary;
pub mod verify;
pub mod words;

mod mention;

pub use cedar::schema_text;
pub use engine::Engine;
pub use rulebook::Rulebook;
