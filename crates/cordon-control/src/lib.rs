//! The control plane of cordon: what runs in the decision nodes.
//!
//! So far: the exporters that bring the journal to the systems that a hospital already watches.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

pub mod export;
pub mod metrics;
