//! What the state machine says, done.

use std::sync::Arc;
use std::time::Duration;

use cordon_core::pep::{
    Effect, Input, KernelDone, OrderResult, Receipt, StateChange, StateSet as PepSet,
};
use cordon_model::bundle::BundleDevice;
use cordon_model::event::{PolicyAction, PolicyChange, ProofResult};
use cordon_model::nft::{self, Proxying};
use cordon_model::{Bundle, DeviceId, Event, Label, Posture, Sha256Digest, What};
use serde_json::json;

use super::threads::{Brought, Load};
use super::{Point, report, threads};
use crate::check::with_sources;
use crate::kernel::elements::{Change, StateSet};
use crate::kernel::load::LoadError;
use crate::proxy::Rules;

/// How long the kernel believes in the proxies after a sign of life.
/// The design allows a hung process 1.5 s until a lifeline goes through the kernel.
pub(super) const ALIVE_MS: u32 = 1_200;
/// How often the kernel is asked for which devices the emergency is on.
/// # Units
/// Nanoseconds.
const LOOK_NS: u64 = 1_000_000_000;

impl Point {
    /// Does one thing; gives what the kernel says, where it says something at once.
    pub(super) fn perform(&mut self, effect: Effect) -> Option<KernelDone> {
        match effect {
            Effect::Load { bundle, hour } => self.load(&bundle, hour),
            Effect::State { ticket, changes } => Some(self.state(ticket, &changes)),
            // Its posture is another now, or it is gone: by the rules for that, what may not go on
            // ends. A bundle closes for many devices at once, and one set of rules serves all.
            Effect::Close { .. } => {
                self.is_rules_due = true;
                None
            }
            Effect::Record(event) => {
                self.diary.record(&event);
                None
            }
            Effect::Receipt(receipt) => {
                self.receipt(&receipt);
                None
            }
        }
    }

    /// Prints and loads the rules on a thread of its own: a large bundle takes a second, and orders
    /// do not wait.
    fn load(&mut self, bundle: &Arc<Bundle>, hour: u8) -> Option<KernelDone> {
        let number = bundle.number;
        let proxying = Proxying {
            tcp_port: self.config.proxy_port,
            udp_port: self.config.proxy_port,
            alive_ms: ALIVE_MS,
        };
        let bridge = self.config.bridge.clone();
        let load = Load { bundle: Arc::clone(bundle), hour, proxying, bridge };
        let is_taken = self.loads.send(load).is_ok();
        (!is_taken).then_some(KernelDone::LoadRefused { number, hour })
    }

    pub(super) fn loaded(&mut self, number: u64, hour: u8, result: Result<Brought, LoadError>) {
        let done = match result {
            Ok(brought) => {
                self.load_error = None;
                self.brought = Some(brought);
                self.activated(number);
                if let Some(proxies) = &self.proxies {
                    proxies.credentials();
                }
                KernelDone::Loaded { number, hour }
            }
            Err(error) => {
                let text = with_sources(&error);
                report(&format!("bundle {number} is not in force: {text}"));
                self.load_error = Some(text);
                KernelDone::LoadRefused { number, hour }
            }
        };
        self.step(Input::Kernel(done));
    }

    /// Records that a bundle is enforced, once for each.
    fn activated(&mut self, number: u64) {
        let accepted = self.store.in_force().filter(|one| one.bundle.number == number);
        let Some(digest) = accepted.map(|accepted| accepted.digest) else { return };
        if self.activated.replace(number) != Some(number) {
            self.policy(PolicyAction::Activate, number, digest, None);
        }
    }

    /// Records what became of a bundle.
    pub(super) fn policy(
        &mut self,
        action: PolicyAction,
        generation: u64,
        policy: Sha256Digest,
        reason: Option<Label>,
    ) {
        let proof = ProofResult::NotRun;
        let by = Vec::new();
        let change = PolicyChange { action, bundles: 1, by, generation, policy, proof, reason };
        self.diary.record(&Event {
            at: self.clock.moment().wall,
            point: Some(self.config.point.clone()),
            what: What::Policy(Box::new(change)),
        });
    }

    /// Gives those who inspect what holds now.
    pub(super) fn share_rules(&mut self) {
        self.is_rules_due = false;
        let hour = self.pep.hour();
        let Some(bundle) = self.pep.bundle().map(Arc::clone) else { return };
        let assumed = nft::default_posture(bundle.role);
        let posture = |device: &DeviceId| {
            let posture = self.pep.posture_of(device).unwrap_or(assumed);
            let mut addresses =
                self.pep.device(device).into_iter().flat_map(BundleDevice::addresses);
            let emergency = addresses.any(|address| self.emergency.contains(&address));
            Posture { emergency, ..posture }
        };
        let rules = Arc::new(Rules::new(&bundle, &posture, hour, self.salt));
        self.rules.put(Arc::clone(&rules));
        match &self.proxies {
            // What found no room is given with the next second.
            Some(proxies) => self.is_rules_due = !proxies.policy(rules),
            None => self.begin_proxies(rules),
        }
    }

    /// Looks, each second, for which devices the emergency is on: the key is turned in the kernel, where
    /// its time is kept, and whoever inspects learns of it here.
    pub(super) fn look_at_emergency(&mut self) {
        let now = self.clock.now().mono;
        if now.0.saturating_sub(self.looked.0) < LOOK_NS {
            return;
        }
        self.looked = now;
        match self.kernel.emergency() {
            Ok(emergency) => {
                self.is_rules_due |= self.emergency != emergency;
                self.emergency = emergency;
            }
            Err(error) => report(&format!("emergency: {}", with_sources(&error))),
        }
        if self.is_rules_due {
            self.share_rules();
        }
    }

    /// Starts the proxies; without them, flows that have to be inspected stay closed.
    fn begin_proxies(&mut self, rules: Arc<Rules>) {
        let (to, dropped) = (self.wakes.clone(), Arc::clone(&self.dropped));
        match threads::proxies(&self.config, rules, to, dropped, self.clock.clone()) {
            Ok(proxies) => self.proxies = Some(proxies),
            Err(error) => report(&with_sources(&error)),
        }
    }

    fn state(&mut self, ticket: u64, changes: &[StateChange]) -> KernelDone {
        let changes: Vec<Change> = changes.iter().map(change).collect();
        match self.kernel.apply(&changes) {
            Ok(()) => KernelDone::Stated { ticket },
            Err(error) => {
                report(&format!("state: {}", with_sources(&error)));
                let held = self.kernel.state().ok().map(|state| super::inputs::held(&state));
                KernelDone::StateRefused { ticket, held }
            }
        }
    }

    fn receipt(&mut self, receipt: &Receipt) {
        let Some(asked) = self.asked.remove(&receipt.order) else { return };
        let id = receipt.order.as_str();
        asked.answer(match receipt.result {
            OrderResult::Done => json!({ "ok": true, "order": id, "result": "done" }),
            OrderResult::Already => json!({ "ok": true, "order": id, "result": "already so" }),
            OrderResult::Late => {
                json!({ "ok": false, "order": id, "error": "the kernel has not taken it yet" })
            }
            OrderResult::Refused(why) => {
                json!({ "ok": false, "order": id, "error": format!("refused: {}", why.label()) })
            }
        });
    }
}

fn change(change: &StateChange) -> Change {
    let StateChange { address, set, is_member } = *change;
    let (set, timeout) = match set {
        PepSet::Isolated => (StateSet::Isolated, None),
        PepSet::Contained { timeout_s } => (StateSet::Contained, timeout_s),
        PepSet::NoNew => (StateSet::NoNew, None),
        PepSet::Posture(posture) if is_member => {
            return Change::Posture { address, mark: nft::mark_of(posture) };
        }
        PepSet::Posture(_) => return Change::PostureAssumed { address },
    };
    let timeout = timeout.map(|seconds| Duration::from_secs(u64::from(seconds)));
    if is_member { Change::add(set, address, timeout) } else { Change::remove(set, address) }
}
