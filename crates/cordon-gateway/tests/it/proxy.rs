//! The proxies over sockets.

mod bacnet;
pub(crate) mod bundles;
mod certificates;
mod kernel;
mod lifetime;
mod messages;
mod stage;
mod tls;
