//! What happens when: state machines that take the time and an input and say what to do.
//!
//! Invariant: nothing here opens a file or a socket, reads a clock, or draws chance; whatever
//! decides can be replayed.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

pub mod inspect;
pub mod pep;
