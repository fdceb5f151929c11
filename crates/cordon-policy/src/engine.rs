//! The decision engine: policies evaluated once, answers kept in a table, questions looked up.
//!
//! Cedar evaluates policies independently of each other, and a policy can only tell two requests
//! apart by facts that it reads. So each rule is evaluated once per combination of the facts that
//! it reads, over all postures, which gives a set of postures; permits joined, forbids taken away,
//! gives the answer of a row. Devices that no rule tells apart share one class. A lookup costs the
//! same with ten policies and with ten thousand.
//!
//! Invariant: Cedar itself evaluates every rule; nothing here interprets a policy.
//! Invariant: the table answers exactly as `Authorizer::is_authorized` does on the whole policy set;
//! `tests/it/equal.rs` holds this for every cell and for random policy sets.

use std::sync::Arc;

use cordon_model::{
    Act, Decision, Device, DeviceId, Direction, Hospital, Now, Operation, Posture, PostureSet,
    Protocol, Reason, RuleId, ServiceId, Target, ZoneKind,
};
use rustc_hash::FxHashMap;

use crate::rulebook::Rulebook;

mod class;
mod evaluate;
mod table;

pub use class::relation;
pub(crate) use table::{Grant, listening_port};

/// The hours that a row tells apart: one when no rule reads the hour, else 24.
const HOURS: usize = 24;

/// What a device's profile says about an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The profile declares it, in the flow with this number.
    Declared {
        /// The place in the profile's flows.
        flow: usize,
        /// Whether a flow that declares it is a lifeline.
        lifeline: bool,
    },
    /// The profile names the service, but not this operation in this direction.
    OtherOperation,
    /// The profile does not name the service.
    Unlisted,
}

impl Relation {
    pub(crate) fn declared(self) -> bool {
        matches!(self, Self::Declared { .. })
    }

    pub(crate) fn lifeline(self) -> bool {
        matches!(self, Self::Declared { lifeline: true, .. })
    }

    /// Gives the reason of a denial when no rule speaks.
    pub(crate) fn silence(self) -> Reason {
        match self {
            Self::Declared { .. } => Reason::NotPermitted,
            Self::OtherOperation => Reason::UnlistedOperation,
            Self::Unlisted => Reason::UnlistedDestination,
        }
    }
}

/// Gives the reason of a denial when a rule forbids: what the profile does not list is unlisted
/// first, whatever else forbids it.
pub(crate) fn forbidden(silence: Reason, guarded: bool) -> Reason {
    match (silence, guarded) {
        (Reason::NotPermitted, true) => Reason::Guardrail,
        (Reason::NotPermitted, false) => Reason::Forbidden,
        (unlisted, _) => unlisted,
    }
}

/// The answers for one kind of act in every posture.
#[derive(Debug)]
pub(crate) struct Row {
    /// Numbers of decisions: hour by hour, posture by posture.
    cells: Vec<u32>,
    /// The postures that are permitted, for each hour told apart.
    pub(crate) permitted: Vec<PostureSet>,
    /// The permits that apply in some posture.
    pub(crate) rules: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    first: usize,
    protocol: Protocol,
}

/// The compiled policy of a whole hospital.
#[derive(Debug)]
pub struct Engine {
    classes: FxHashMap<DeviceId, u32>,
    columns: FxHashMap<ServiceId, Column>,
    width: usize,
    table: Vec<u32>,
    pub(crate) rows: Vec<Row>,
    decisions: Vec<Decision>,
    pub(crate) grants: Vec<Vec<Grant>>,
    pub(crate) rule_ids: Vec<RuleId>,
    local: [usize; Operation::COUNT],
    zones: Vec<(ipnet::IpNet, ZoneKind)>,
    fixed: Fixed,
    sorter: class::Sorter,
}

/// Answers that guardrails without conditions give, whatever else the policies say.
#[derive(Debug)]
struct Fixed {
    device: Decision,
    address: Decision,
    internet: Decision,
    unknown: Decision,
    protocol: Decision,
}

/// Makes a list of rule names.
pub(crate) fn rules(names: &[&str]) -> cordon_model::Rules {
    names.iter().filter_map(|name| RuleId::new(name).ok()).collect::<Vec<_>>().into()
}

impl Fixed {
    fn new() -> Self {
        let deny = |reason, names: &[&str]| Decision::Deny { reason, rules: rules(names) };
        let listed = "guardrail.listed-services-only";
        Self {
            device: deny(Reason::Guardrail, &["guardrail.no-device-to-device"]),
            address: deny(Reason::UnlistedDestination, &[listed]),
            internet: deny(Reason::UnlistedDestination, &[listed, "guardrail.no-internet-address"]),
            unknown: deny(Reason::UnknownDevice, &["default-deny"]),
            protocol: deny(Reason::Guardrail, &["guardrail.own-protocol"]),
        }
    }
}

impl Engine {
    /// Evaluates the rules for a hospital.
    #[must_use]
    pub fn build(hospital: &Hospital, book: &Rulebook) -> Self {
        table::build(hospital, book)
    }

    /// Takes a device that was added or changed into the class it belongs to now.
    /// # Shape
    /// `false` when no device was of its class yet, or when the plan, the profiles or the rules
    /// changed as well: then the engine has to be built again.
    #[must_use]
    pub fn admit(&mut self, hospital: &Hospital, device: &Device) -> bool {
        let traits = self.sorter.traits(hospital, device);
        let known = self.sorter.known(&traits.key);
        if let Some(class) = known {
            self.classes.insert(device.id.clone(), class);
        }
        known.is_some()
    }

    /// Counts the classes of devices that some rule tells apart.
    #[must_use]
    pub fn class_count(&self) -> usize {
        self.grants.len()
    }

    /// Gives the class of a device.
    pub(crate) fn class_of(&self, device: &DeviceId) -> Option<usize> {
        self.classes.get(device).and_then(|class| usize::try_from(*class).ok())
    }

    /// Answers the question: may this happen?
    /// # Shape
    /// Total: an unknown device or service is a denial, never an error.
    pub fn decide(&self, act: &Act, posture: Posture, now: Now) -> Decision {
        let Some(class) = self.class_of(&act.device) else { return self.fixed.unknown.clone() };
        let service = match &act.target {
            Target::Service(id) => id,
            Target::Device(_) => return self.fixed.device.clone(),
            Target::Address(endpoint) => return self.address(endpoint.address),
        };
        let Some(column) = self.columns.get(service) else { return self.fixed.address.clone() };
        if act.operation.protocol() != column.protocol {
            return self.fixed.protocol.clone();
        }
        self.row(class, *column, act.direction, act.operation)
            .and_then(|row| self.cell(row, posture, now.wall.hour()))
            .map_or_else(|| self.fixed.unknown.clone(), Clone::clone)
    }

    fn row(
        &self,
        class: usize,
        column: Column,
        direction: Direction,
        operation: Operation,
    ) -> Option<&Row> {
        let local = self.local.get(operation.index())?;
        let at = class * self.width + column.first + 2 * local + direction as usize;
        self.rows.get(usize::try_from(*self.table.get(at)?).ok()?)
    }

    fn cell(&self, row: &Row, posture: Posture, hour: u8) -> Option<&Decision> {
        let block = if row.permitted.len() == HOURS { usize::from(hour) } else { 0 };
        let number = row.cells.get(block * Posture::COUNT + posture.index())?;
        self.decisions.get(usize::try_from(*number).ok()?)
    }

    fn address(&self, address: std::net::IpAddr) -> Decision {
        let longest = self
            .zones
            .iter()
            .filter(|(network, _)| network.contains(&address))
            .max_by_key(|(network, _)| network.prefix_len());
        match longest.map(|(_, kind)| *kind) {
            None if cordon_model::fleet::stays_on_the_link(address) => self.fixed.address.clone(),
            None | Some(ZoneKind::Internet) => self.fixed.internet.clone(),
            Some(_) => self.fixed.address.clone(),
        }
    }

    /// Gives the postures in which an act on a service is permitted at some hour.
    #[must_use]
    pub fn permitted(
        &self,
        device: &DeviceId,
        service: &ServiceId,
        direction: Direction,
        operation: Operation,
    ) -> PostureSet {
        let hours = self.permitted_by_hour(device, service, direction, operation);
        hours.iter().fold(PostureSet::default(), |all, set| all.union(set))
    }

    /// Gives the postures in which an act on a service is permitted, hour by hour.
    /// # Shape
    /// One set when no rule reads the hour, 24 when some does, none for what the plan lacks.
    #[must_use]
    pub fn permitted_by_hour(
        &self,
        device: &DeviceId,
        service: &ServiceId,
        direction: Direction,
        operation: Operation,
    ) -> &[PostureSet] {
        let row = self.class_of(device).and_then(|class| {
            let column = self.columns.get(service)?;
            (operation.protocol() == column.protocol)
                .then(|| self.row(class, *column, direction, operation))?
        });
        row.map(|row| row.permitted.as_slice()).unwrap_or_default()
    }

    /// Gives the names of rules by their numbers.
    pub(crate) fn names(&self, rules: &[usize]) -> Vec<RuleId> {
        rules.iter().filter_map(|rule| self.rule_ids.get(*rule).cloned()).collect()
    }
}

/// Makes the shared list of a decision's rules.
fn shared(rules: Vec<RuleId>) -> Arc<[RuleId]> {
    rules.into()
}
