//! What the proxies are told when they begin.

use std::net::SocketAddr;
use std::sync::Arc;

use super::rules::Rules;
use super::socket::Route;
use super::tls::TlsOptions;
use crate::clock::Clock;

/// Finds where a connection leads, from the addresses of its socket: the peer's, and its own.
pub type RouteOf = Box<dyn Fn(SocketAddr, SocketAddr) -> Option<Route> + Send>;

/// What the proxies are told when they begin.
pub struct Options {
    /// The port on which they listen, on the loopback addresses; 0 for any.
    pub port: u16,
    /// Whether they listen on IPv6 as well.
    pub has_ipv6: bool,
    /// Whether they take what is addressed to others, which needs the right to.
    pub is_transparent: bool,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// What TLS is made of.
    pub tls: TlsOptions,
    /// The bounds.
    pub limits: Limits,
    /// Finds where a connection leads.
    pub route: RouteOf,
    /// The clocks.
    pub clock: Clock,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("port", &self.port)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// Makes the options of an enforcement point that listens on a port.
    #[must_use]
    pub fn new(port: u16, rules: Arc<Rules>) -> Self {
        Self {
            port,
            has_ipv6: true,
            is_transparent: true,
            rules,
            tls: TlsOptions::default(),
            limits: Limits::default(),
            route: Box::new(|peer, local| Some(Route::transparent(peer, local))),
            clock: Clock::start(0),
        }
    }
}

/// The bounds of the proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at one time.
    pub connections_max: usize,
    /// Connections of one device at one time.
    pub connections_of_device_max: usize,
    /// How long a listener may take to answer.
    /// # Units
    /// Seconds.
    pub connect_s: u64,
    /// How long a side may take to prove who it is.
    /// # Units
    /// Seconds.
    pub prove_s: u64,
    /// How long a connection may be silent.
    /// # Units
    /// Seconds.
    pub idle_s: u64,
    /// How long a connection is silent before it is asked whether it is still there.
    /// # Units
    /// Seconds.
    pub keepalive_s: u64,
    /// How long the last connections have when the proxies stop.
    /// # Units
    /// Seconds.
    pub drain_s: u64,
    /// Conversations in datagrams at one time.
    pub sessions_max: usize,
    /// How long such a conversation may be silent.
    /// # Units
    /// Seconds.
    pub session_idle_s: u64,
    /// Devices that are remembered across their connections.
    pub devices_max: usize,
    /// What is seen and waits to be taken.
    pub seen_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            connections_of_device_max: 32,
            connect_s: 5,
            prove_s: 10,
            // A device may have nothing to say for a shift; whether it is there, keepalive tells.
            idle_s: 12 * 3_600,
            keepalive_s: 60,
            drain_s: 5,
            sessions_max: 1_024,
            session_idle_s: 120,
            devices_max: 4_096,
            seen_max: 4_096,
        }
    }
}
