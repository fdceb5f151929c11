//! Who speaks in a protocol of questions and answers.

/// Which half of an exchange bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Those of a client, who asks.
    Request,
    /// Those of a server, who answers.
    Response,
}
