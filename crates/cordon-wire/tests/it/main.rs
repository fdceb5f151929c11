//! The crate as its users see it: every protocol against vectors that others made, whole and maltreated.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests may stop at the first surprise, and read golden files"
)]

mod bacnet;
mod classify;
mod dicom;
mod hl7;
mod http;
mod modbus;
mod tcp;
mod tls;
mod torture;
