//! Sinks: where records go, each behind one small trait.

pub mod file;
pub mod hec;
pub mod syslog;
pub mod tls;

use cordon_model::Mono;

use super::delivery::Fault;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is durable there.
    Accepted,
    /// It was sent; [`Sink::poll`] tells when it is durable.
    Pending,
    /// It did not arrive; what was sent before is not touched by that.
    Failed(Fault),
    /// It did not arrive, and with it all that is pending may be lost.
    Lost(Fault),
}

/// Where records go.
/// # Shape
/// Calls may block, each for no longer than the timeouts of the sink.
pub trait Sink: Send {
    /// Sends a batch.
    /// # Shape
    /// `number` grows from call to call; `texts` are in order and not empty.
    fn send(&mut self, now: Mono, number: u64, texts: &[&str]) -> Sent;

    /// Gives the batches that became durable since it was last asked.
    /// # Errors
    /// [`Fault`] if what is pending may be lost.
    fn poll(&mut self, now: Mono) -> Result<Vec<u64>, Fault>;
}
