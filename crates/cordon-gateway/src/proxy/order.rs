//! What the proxies are ordered to do.

use std::net::IpAddr;
use std::sync::Arc;

use cordon_model::Mono;

use super::Proxy;
use super::rules::Rules;
use super::seen::Ended;

/// An order.
#[derive(Debug, Clone)]
pub enum Command {
    /// Other rules are in force: every open connection is judged again.
    Policy(Arc<Rules>),
    /// The conversations of a device end.
    Close {
        /// Its addresses.
        addresses: Vec<IpAddr>,
        /// Whether those go on that carry a lifeline.
        keep_lifelines: bool,
    },
    /// The credentials of devices changed: they are read anew for the next connection.
    Credentials,
    /// No more connections are taken, and the loop ends with the last one.
    Stop,
}

impl Proxy {
    /// Carries out what was ordered.
    pub(super) fn orders(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Policy(rules) => self.policy(rules),
                Command::Close { addresses, keep_lifelines } => {
                    self.end_all_of(&addresses, keep_lifelines);
                }
                Command::Credentials => self.keys.forget(),
                Command::Stop => {
                    self.listeners.clear();
                    self.datagrams.stop(self.now, &mut self.teller);
                    let drain_ns = self.options.limits.drain_s.saturating_mul(1_000_000_000);
                    self.stops = Some(Mono(self.now.mono.0.saturating_add(drain_ns)));
                }
            }
        }
    }

    fn policy(&mut self, rules: Arc<Rules>) {
        self.rules = rules;
        for slot in 0..self.slots.len() {
            let Some(Some(connection)) = self.slots.get_mut(slot) else { continue };
            let party = connection.party.key().and_then(|key| self.rules.party(key));
            let stays = |next: &super::Party| next.is_same_conversation(&connection.party);
            match party.filter(stays) {
                Some(party) => connection.party = party,
                None => self.cut(slot, Ended::Policy),
            }
        }
        self.datagrams.policy(self.now, &self.rules, &mut self.teller);
    }

    fn end_all_of(&mut self, addresses: &[IpAddr], keep_lifelines: bool) {
        let goes = |party: &super::Party| {
            party.key().is_some_and(|key| addresses.contains(&key.device))
                && !(keep_lifelines && party.is_lifeline())
        };
        for slot in 0..self.slots.len() {
            let Some(Some(connection)) = self.slots.get(slot) else { continue };
            if goes(&connection.party) {
                self.cut(slot, Ended::Ordered);
            }
        }
        self.datagrams.end(self.now, &mut self.teller, &goes);
    }
}
