//! Bytes to values, for every protocol that an inspector reads.
//!
//! Each protocol has the same two parts: plain functions that read one whole unit and give a view
//! that borrows from it, and, where the transport is a stream, a `Reader` that takes the stream in
//! any pieces and hands out the same units whatever the pieces were.
//!
//! Invariant: nothing here opens, reads a clock, panics on input, indexes without a check, or
//! allocates for a message once a reader has grown to its working size; no tier and no rule of a
//! hospital is known here.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

pub mod bacnet;
pub mod classify;
pub mod cursor;
pub mod dicom;
pub mod fault;
pub mod fragment;
pub mod hl7;
pub mod http;
pub mod mllp;
pub mod modbus;
pub mod side;
pub mod tail;
pub mod tcp;
pub mod tls;
pub mod unit;

pub use cursor::Cursor;
pub use fault::{Fault, Limit};
pub use side::Side;
pub use tail::{Step, Tail};
pub use unit::Unit;
