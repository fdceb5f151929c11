//! The rules as nft reads them, as the kernel holds them, and as packets meet them.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "these tests run nft, make network namespaces and send packets"
)]

#[path = "../../../cordon-model/src/nft/tests/bundles.rs"]
mod bundles;
mod golden;
mod kernel;
mod lab;
mod packets;

/// The hour of the golden files and of the labs.
const NOON: u8 = 12;
