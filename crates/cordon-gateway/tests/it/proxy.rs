//! The proxies over sockets.

mod bacnet;
pub(crate) mod bundles;
pub(crate) mod certificates;
mod kernel;
mod lifetime;
mod messages;
mod stage;
mod tls;
