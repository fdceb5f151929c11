//! What the state machine says, done.

use std::sync::Arc;
use std::time::Duration;

use cordon_core::pep::{
    Effect, Keep, KernelDone, OrderResult, Receipt, StateChange, StateSet as PepSet,
};
use cordon_model::nft::{self, Proxying};
use cordon_model::{Bundle, DeviceId};
use serde_json::json;

use super::{Point, report, threads};
use crate::check::with_sources;
use crate::kernel::elements::{Change, StateSet};
use crate::kernel::host;
use crate::kernel::load::LoadError;

/// How long the kernel believes in the proxies after a sign of life.
/// # Source
/// `PROCESS_HANGS` of the design: at most 1.5 s until a lifeline goes through the kernel.
pub(super) const ALIVE_MS: u32 = 1_200;

impl Point {
    /// Does one thing; gives what the kernel says, where it says something at once.
    pub(super) fn perform(&mut self, effect: Effect) -> Option<KernelDone> {
        match effect {
            Effect::Load { bundle, hour } => self.load(&bundle, hour),
            Effect::State { ticket, changes } => Some(self.state(ticket, &changes)),
            Effect::Close { device, keep } => {
                self.close(&device, keep);
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

    /// Loads the rules on a thread of its own: a large bundle takes a second, and orders do not wait.
    fn load(&mut self, bundle: &Arc<Bundle>, hour: u8) -> Option<KernelDone> {
        let number = bundle.number;
        let proxying = Proxying {
            tcp_port: self.config.proxy_port,
            udp_port: self.config.proxy_port,
            alive_ms: ALIVE_MS,
        };
        let text = nft::gateway_ruleset(bundle, hour, &proxying);
        let generation = nft::generation(&text).unwrap_or_default();
        // A process that starts again finds its rules where it left them.
        if self.kernel.is_loaded(generation).unwrap_or(false) {
            self.in_force(number);
            return Some(KernelDone::Loaded { number, hour });
        }
        let (loader, wakes) = (self.kernel.loader(), self.wakes.clone());
        let load = move || {
            let result = loader.load(&text);
            let _ = wakes.send(super::Wake::Loaded { number, hour, result });
        };
        match std::thread::Builder::new().name("load".into()).spawn(load) {
            Ok(_) => None,
            Err(error) => {
                report(&format!("no thread to load rules: {error}"));
                Some(KernelDone::LoadRefused { number, hour })
            }
        }
    }

    pub(super) fn loaded(&mut self, number: u64, hour: u8, result: Result<(), LoadError>) {
        let done = match result {
            Ok(()) => {
                self.load_error = None;
                self.in_force(number);
                KernelDone::Loaded { number, hour }
            }
            Err(error) => {
                let text = with_sources(&error);
                report(&format!("bundle {number} is not in force: {text}"));
                self.load_error = Some(text);
                KernelDone::LoadRefused { number, hour }
            }
        };
        self.step(cordon_core::pep::Input::Kernel(done));
        self.share_rules(hour);
    }

    /// What has to be so once rules are in force: only now is anything forwarded at all.
    fn in_force(&self, number: u64) {
        match host::prepare() {
            Ok(corrected) => {
                for one in corrected {
                    report(&format!("`{}` was {}, and is {} now", one.name, one.was, one.is));
                }
            }
            Err(error) => report(&format!("bundle {number}: {}", with_sources(&error))),
        }
    }

    /// Gives those who inspect what holds now.
    pub(super) fn share_rules(&mut self, hour: u8) {
        let Some(bundle) = self.pep.bundle().map(Arc::clone) else { return };
        let assumed = nft::default_posture(bundle.role);
        let posture = |device: &DeviceId| self.pep.posture_of(device).unwrap_or(assumed);
        let rules = crate::proxy::Rules::new(&bundle, &posture, hour, self.salt);
        self.rules.put(Arc::new(rules));
        match &self.proxies {
            Some(proxies) => proxies.policy(self.rules.take()),
            None => self.begin_proxies(),
        }
    }

    /// Starts the proxies; without them, flows that have to be inspected stay closed.
    fn begin_proxies(&mut self) {
        let Some(rules) = self.rules.take() else { return };
        let (to, dropped) = (self.wakes.clone(), Arc::clone(&self.dropped));
        match threads::proxies(&self.config, rules, to, dropped) {
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

    fn close(&mut self, device: &DeviceId, keep: Keep) {
        let bundle = self.pep.bundle();
        let of = |bundle: &&Arc<Bundle>| {
            let found = bundle.devices.binary_search_by(|one| one.id.cmp(device)).ok();
            found.and_then(|at| bundle.devices.get(at)).map(|device| {
                let v6 = device.ipv6.map(std::net::IpAddr::V6);
                std::iter::once(std::net::IpAddr::V4(device.ip)).chain(v6).collect()
            })
        };
        let addresses: Vec<_> = bundle.as_ref().and_then(of).unwrap_or_default();
        // Its posture is another now: what may go on is told by the rules for it.
        let hour = self.clock.now().wall.hour();
        self.share_rules(hour);
        let Some(proxies) = &self.proxies else { return };
        match keep {
            Keep::Nothing => proxies.close(addresses, false),
            Keep::Permitted => {}
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
    let set = match change.set {
        PepSet::Isolated => StateSet::Isolated,
        PepSet::Contained { .. } => StateSet::Contained,
        PepSet::NoNew => StateSet::NoNew,
        PepSet::Posture(posture) => {
            return if change.is_member {
                Change::Posture { address: change.address, mark: nft::mark_of(posture) }
            } else {
                Change::PostureAssumed { address: change.address }
            };
        }
    };
    let timeout = match change.set {
        PepSet::Contained { timeout_s } => {
            timeout_s.map(|seconds| Duration::from_secs(u64::from(seconds)))
        }
        PepSet::Isolated | PepSet::NoNew | PepSet::Posture(_) => None,
    };
    if change.is_member {
        Change::add(set, change.address, timeout)
    } else {
        Change::remove(set, change.address)
    }
}
