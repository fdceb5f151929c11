//! What the proxies are ordered to do.

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
            match self.rules.successor(&connection.party) {
                Some(party) => connection.party = party,
                None => self.cut(slot, Ended::Policy),
            }
        }
        self.datagrams.policy(self.now, &self.rules, &mut self.teller);
    }
}
