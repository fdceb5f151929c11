//! Where one device stands: its state, who put it there, and what is waited for.

use cordon_model::bundle::{BundleDevice, FlowKey, flow_keys};
use cordon_model::event::Actor;
use cordon_model::{
    BadgeId, Bundle, DeviceState, Evidence, Label, Mono, Posture, Tier, Transport, nft,
};

use super::input::{Containment, Elements};
use super::{NS_PER_S, after_s};

/// The shortest time in which a lifeline must speak after a containment.
/// # Units
/// Seconds.
pub const CONFIRM_MIN_S: u64 = 10;
/// The kernel lifts a containment by itself so long after it should have been confirmed, in case
/// nobody is there to take it back.
/// # Units
/// Seconds.
pub const CONFIRM_MARGIN_S: u64 = 60;
/// How long a device is watched that was released, or about which there is weak evidence.
/// # Units
/// Seconds.
pub const CLEAN_S: u64 = 24 * 3_600;
/// The same after a release in a tier whose lifelines are protected.
/// # Units
/// Seconds.
pub const CLEAN_VITAL_S: u64 = 72 * 3_600;
/// Incidents of which is remembered that a containment was taken back; when they are so many, no
/// more is taken back until the device is in normal service again.
const ROLLBACKS_MAX: usize = 8;

/// What is known of a device beyond the bundle.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) posture: Posture,
    pub(super) evidence: Option<Evidence>,
    pub(super) by: Vec<Actor>,
    pub(super) incident: Option<Label>,
    pub(super) watch: Option<Watch>,
    /// The incidents for which a containment was taken back.
    rolled_back: Vec<Option<Label>>,
    /// When probation or suspicion is over, if nothing happens.
    pub(super) clean_at: Option<Mono>,
}

impl Standing {
    /// A device of which nothing is known.
    pub(super) fn new(assumed: Posture) -> Self {
        Self {
            posture: assumed,
            evidence: None,
            by: Vec::new(),
            incident: None,
            watch: None,
            rolled_back: Vec::new(),
            clean_at: None,
        }
    }

    pub(super) fn state(&self) -> DeviceState {
        self.posture.state
    }

    /// Takes over what the kernel still holds of a device.
    pub(super) fn restore(&mut self, held: &Elements) {
        if let Some(posture) = held.posture {
            self.posture = Posture { emergency: false, ..posture };
        }
        if held.isolated {
            self.posture.state = DeviceState::Isolated;
        } else if held.contained.is_some() && self.posture.state != DeviceState::Isolated {
            self.posture.state = DeviceState::Contained;
        }
        if self.posture.state == DeviceState::Suspect {
            // Nobody knows any more on what it rests, so a person has to look.
            self.evidence = Some(Evidence::E2);
        }
    }

    /// Says what the kernel shall hold for each address of the device.
    pub(super) fn elements(&self, assumed: Posture, no_new: bool) -> Elements {
        let state = match self.posture.state {
            // They have sets of their own.
            DeviceState::Isolated | DeviceState::Contained => assumed.state,
            state @ (DeviceState::Discovered
            | DeviceState::Enrolled
            | DeviceState::Normal
            | DeviceState::Suspect
            | DeviceState::Remediation
            | DeviceState::Probation
            | DeviceState::Retired) => state,
        };
        let posture = Posture { state, emergency: false, ..self.posture };
        let timeout_s = self.watch.as_ref().map(|watch| watch.timeout_s);
        Elements {
            isolated: self.posture.state == DeviceState::Isolated,
            contained: (self.posture.state == DeviceState::Contained)
                .then_some(Containment { timeout_s }),
            no_new,
            posture: (posture != assumed).then_some(posture),
        }
    }

    /// Goes into a state, and begins what is waited for there.
    pub(super) fn enter(&mut self, now: Mono, to: DeviceState, tier: Tier, watch: Option<Watch>) {
        self.posture.state = to;
        self.clean_at = match to {
            DeviceState::Probation if tier.protects_lifelines() => {
                Some(after_s(now, CLEAN_VITAL_S))
            }
            DeviceState::Probation => Some(after_s(now, CLEAN_S)),
            DeviceState::Suspect if self.evidence.is_none_or(|it| it <= Evidence::E1) => {
                Some(after_s(now, CLEAN_S))
            }
            DeviceState::Suspect
            | DeviceState::Discovered
            | DeviceState::Enrolled
            | DeviceState::Normal
            | DeviceState::Contained
            | DeviceState::Isolated
            | DeviceState::Remediation
            | DeviceState::Retired => None,
        };
        self.watch = watch.filter(|_| to == DeviceState::Contained && self.may_roll_back());
        if to == DeviceState::Normal {
            self.rolled_back.clear();
            self.evidence = None;
            self.by.clear();
            self.incident = None;
        }
    }

    /// Says whether a containment may still be taken back: never twice for one incident, for else
    /// who falls silent would be set free.
    fn may_roll_back(&self) -> bool {
        self.rolled_back.len() < ROLLBACKS_MAX && !self.rolled_back.contains(&self.incident)
    }

    /// Remembers that the containment of the present incident was taken back.
    pub(super) fn remember_rollback(&mut self) {
        if self.may_roll_back() {
            self.rolled_back.push(self.incident.clone());
        }
    }

    /// Gives the badges of those who put the device where it is.
    pub(super) fn badges(&self) -> impl Iterator<Item = &BadgeId> {
        self.by.iter().filter_map(|actor| match actor {
            Actor::Person(person) => Some(&person.badge),
            Actor::Device(_) | Actor::Node(_) | Actor::Point(_) => None,
        })
    }

    /// Gives the moment at which something is over.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let due = self.watch.as_ref().and_then(Watch::deadline);
        [due, self.clean_at].into_iter().flatten().min()
    }
}

/// The wait for lifelines to speak after a containment.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// Since when; traffic that may be older proves nothing.
    pub(super) since: Mono,
    expected: Vec<Expected>,
    timeout_s: u32,
}

/// A lifeline that must speak.
#[derive(Debug, Clone)]
struct Expected {
    keys: Vec<FlowKey>,
    due: Mono,
}

impl Watch {
    /// Lists the lifelines that must speak: those of which the profile says how often they do.
    pub(super) fn new(now: Mono, bundle: &Bundle, device: &BundleDevice, hour: u8) -> Option<Self> {
        let mut window_s = CONFIRM_MIN_S;
        let mut expected = Vec::new();
        for (flow, service, _) in bundle.flows_of(device) {
            let Some(cadence_s) = flow.cadence_s.filter(|_| flow.lifeline) else { continue };
            if !flow.is_open_at(hour) {
                continue;
            }
            let keys: Vec<FlowKey> = flow_keys(device, flow, service).collect();
            let span_s = (u64::from(cadence_s) * 3).div_ceil(2).max(CONFIRM_MIN_S);
            if !keys.is_empty() {
                window_s = window_s.max(span_s);
                expected.push(Expected { keys, due: after_s(now, span_s) });
            }
        }
        let timeout_s = u32::try_from(window_s + CONFIRM_MARGIN_S).unwrap_or(u32::MAX);
        (!expected.is_empty()).then_some(Self { since: now, expected, timeout_s })
    }

    /// Takes note of traffic on a flow; says whether nothing more is waited for.
    pub(super) fn saw(&mut self, key: &FlowKey) -> bool {
        self.expected.retain(|expected| !expected.keys.contains(key));
        self.expected.is_empty()
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.expected.iter().map(|expected| expected.due).min()
    }
}

/// Says whether counters that grew prove that a flow works: the kernel counts what comes in before
/// it is stopped, so what the device sends over TCP proves nothing without an answer.
pub(super) fn proves(transport: Transport, grew_from: bool, grew_to: bool) -> bool {
    match transport {
        Transport::Tcp => grew_to,
        Transport::Udp => grew_from || grew_to,
    }
}

/// Gives the posture of a device of which the kernel was told nothing.
pub(super) fn assumed(bundle: &Bundle) -> Posture {
    nft::default_posture(bundle.role)
}

/// Says how long ago something was.
/// # Units
/// Milliseconds.
pub(super) fn ms_since(now: Mono, then: Mono) -> u64 {
    now.0.saturating_sub(then.0) / (NS_PER_S / 1_000)
}
