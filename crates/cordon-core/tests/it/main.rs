//! Inspection as a gateway sees it: whole conversations, byte by byte or at once.
#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

mod allocation;
mod conversation;
mod laws;
mod stage;
