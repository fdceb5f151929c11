//! Builds the engine's table: a row of answers for every class, service, direction and operation.

use std::collections::BTreeMap;

use cordon_model::{
    Decision, Device, Direction, Hospital, Operation, Posture, PostureSet, Reason, Service,
    ServiceId,
};
use rustc_hash::FxHashMap;

use super::class::{Reading, Sorter, Traits, relation, service_fact};
use super::evaluate::{Evaluator, Pair, Reach, key, seen_facts};
use super::{Column, Engine, Fixed, HOURS, Relation, Row, forbidden, shared};
use crate::cedar::Facts;
use crate::mention;
use crate::rulebook::{Rule, Rulebook};

/// Something that a class of devices may do in some posture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grant {
    /// The service: its place in the order of identifiers.
    pub(crate) service: usize,
    pub(crate) direction: Direction,
    pub(crate) operation: Operation,
    /// The place of its row.
    pub(crate) row: usize,
    pub(crate) relation: Relation,
}

type Facets = FxHashMap<&'static str, u32>;

struct Class<'a> {
    device: &'a Device,
    facts: BTreeMap<String, u32>,
    /// Rules whose scope admits the class, in order.
    rules: Vec<usize>,
}

struct Builder<'a> {
    hospital: &'a Hospital,
    book: &'a Rulebook,
    readings: Vec<Reading>,
    sorter: Sorter,
    evaluator: Evaluator<'a>,
    rows: Vec<Row>,
    row_numbers: FxHashMap<(Vec<(usize, u32)>, Reason), u32>,
    decisions: Vec<Decision>,
    decision_numbers: FxHashMap<(bool, Reason, Vec<usize>), u32>,
}

pub(super) fn build(hospital: &Hospital, book: &Rulebook) -> Engine {
    let readings: Vec<Reading> = book.rules.iter().map(reading).collect();
    let mut builder = Builder {
        hospital,
        book,
        sorter: Sorter::new(&readings),
        readings,
        evaluator: Evaluator::new(hospital, book),
        rows: Vec::new(),
        row_numbers: FxHashMap::default(),
        decisions: Vec::new(),
        decision_numbers: FxHashMap::default(),
    };
    let (columns, width, local) = columns(hospital);
    let services = builder.services();
    let (classes, class_numbers) = builder.classes();
    let mut table = Vec::with_capacity(classes.len() * width);
    let mut grants = Vec::with_capacity(classes.len());
    for (number, class) in classes.iter().enumerate() {
        let (row_numbers, class_grants) = builder.class(number, class, &services);
        table.extend(row_numbers);
        grants.push(class_grants);
    }
    let zones = hospital
        .zones
        .values()
        .flat_map(|zone| zone.networks.iter().map(|network| (*network, zone.kind)));
    let segments = hospital.segments.values().flat_map(|segment| {
        segment.networks.iter().map(|network| (*network, cordon_model::ZoneKind::Devices))
    });
    Engine {
        classes: class_numbers,
        columns,
        width,
        table,
        rows: builder.rows,
        decisions: builder.decisions,
        grants,
        rule_ids: book.rules.iter().map(|rule| rule.id.clone()).collect(),
        local,
        zones: segments.chain(zones).collect(),
        sorter: builder.sorter,
        fixed: Fixed::new(),
    }
}

/// Gives each service its columns: two directions for every operation of its protocol.
fn columns(
    hospital: &Hospital,
) -> (FxHashMap<ServiceId, Column>, usize, [usize; Operation::COUNT]) {
    let mut local = [0; Operation::COUNT];
    for protocol in cordon_model::Protocol::ALL {
        for (number, operation) in protocol.operations().enumerate() {
            if let Some(slot) = local.get_mut(operation.index()) {
                *slot = number;
            }
        }
    }
    let mut columns = FxHashMap::default();
    let mut width = 0;
    for (id, service) in &hospital.services {
        columns.insert(id.clone(), Column { first: width, protocol: service.protocol });
        width += 2 * service.protocol.operations().count();
    }
    (columns, width, local)
}

fn reading(rule: &Rule) -> Reading {
    let mentions = mention::mentions(rule);
    let device_paths = mentions.principal.iter().cloned().collect();
    let service_paths = mentions.resource.iter().cloned().collect();
    Reading { scopes: mention::scopes(rule), mentions, device_paths, service_paths }
}

impl<'a> Builder<'a> {
    /// Gives the facts of every service that some rule reads.
    fn services(&mut self) -> Vec<(&'a ServiceId, &'a Service, Facets)> {
        let hospital = self.hospital;
        let mut services = Vec::new();
        for (id, service) in &hospital.services {
            let mut facts = Facets::default();
            for path in ["zone", "kind", "protocol", "port", "everywhere", "buildings"] {
                let text = service_fact(service, path).unwrap_or_default();
                facts.insert(path, self.sorter.words.number(&text));
            }
            services.push((id, service, facts));
        }
        services
    }

    /// Sorts the devices into classes that no rule and no profile tells apart.
    fn classes(&mut self) -> (Vec<Class<'a>>, FxHashMap<cordon_model::DeviceId, u32>) {
        let mut classes: Vec<Class<'a>> = Vec::new();
        let mut numbers = FxHashMap::default();
        let hospital = self.hospital;
        for device in &hospital.devices {
            let Traits { key, facts, rules } = self.sorter.traits(hospital, device);
            let number = self.sorter.number(key);
            if usize::try_from(number) == Ok(classes.len()) {
                let admits = |rule: &usize| {
                    self.readings.get(*rule).is_some_and(|reading| reading.admits_device(device))
                };
                let rules = rules.into_iter().filter(admits).collect();
                classes.push(Class { device, facts, rules });
            }
            numbers.insert(device.id.clone(), number);
        }
        (classes, numbers)
    }

    fn class(
        &mut self,
        number: usize,
        class: &Class<'a>,
        services: &[(&'a ServiceId, &'a Service, Facets)],
    ) -> (Vec<u32>, Vec<Grant>) {
        let mut row_numbers = Vec::new();
        let mut grants = Vec::new();
        for (place, (id, service, facets)) in services.iter().enumerate() {
            let pair =
                Pair { class: number, device: class.device, column: place, service: (id, service) };
            let rules: Vec<usize> = class
                .rules
                .iter()
                .copied()
                .filter(|r| self.readings.get(*r).is_some_and(|r| r.admits_service(id, service)))
                .collect();
            for operation in service.protocol.operations() {
                for direction in Direction::ALL {
                    let relation = relation(self.hospital, class.device, id, direction, operation);
                    let facts = self.facts(class.device, service, operation, direction, relation);
                    let row = self.row(class, pair, facets, &rules, facts, relation);
                    row_numbers.push(row);
                    let place_of_row = usize::try_from(row).unwrap_or(usize::MAX);
                    let permitted = self
                        .rows
                        .get(place_of_row)
                        .is_some_and(|row| row.permitted.iter().any(|set| !set.is_empty()));
                    if permitted {
                        grants.push(Grant {
                            service: place,
                            direction,
                            operation,
                            row: place_of_row,
                            relation,
                        });
                    }
                }
            }
        }
        (row_numbers, grants)
    }

    fn facts(
        &self,
        device: &Device,
        service: &Service,
        operation: Operation,
        direction: Direction,
        relation: Relation,
    ) -> Facts {
        Facts {
            operation,
            direction,
            port: listening_port(self.hospital, device, service, direction, relation),
            declared: relation.declared(),
            lifeline: relation.lifeline(),
            posture: resting(),
            hour: 0,
        }
    }

    fn row(
        &mut self,
        class: &Class<'_>,
        pair: Pair<'_>,
        facets: &Facets,
        rules: &[usize],
        facts: Facts,
        relation: Relation,
    ) -> u32 {
        let mut reaches = Vec::with_capacity(rules.len());
        for &rule in rules {
            let Some(reading) = self.readings.get(rule) else { continue };
            let seen = seen_facts(facts, reading);
            let key = key(reading, pair, &class.facts, facets, facts, &mut self.sorter.words);
            let number = self.evaluator.reach(rule, reading, key, pair, seen);
            let place = usize::try_from(number).unwrap_or(usize::MAX);
            if self.evaluator.reaches.get(place).is_some_and(|reach| !reach.is_nowhere()) {
                reaches.push((rule, number));
            }
        }
        let silent = relation.silence();
        if let Some(number) = self.row_numbers.get(&(reaches.clone(), silent)) {
            return *number;
        }
        let row = self.joined(&reaches, silent);
        let number = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(row);
        self.row_numbers.insert((reaches, silent), number);
        number
    }

    /// Joins what the rules say: a forbid wins, a failure denies, silence denies.
    fn joined(&mut self, reaches: &[(usize, u32)], silent: Reason) -> Row {
        let parts: Vec<(usize, bool, bool, Reach)> = reaches
            .iter()
            .filter_map(|(rule, number)| {
                let reach = self.evaluator.reaches.get(usize::try_from(*number).ok()?)?.clone();
                let of = self.book.rules.get(*rule)?;
                Some((*rule, of.permits(), of.is_guardrail(), reach))
            })
            .collect();
        let hours =
            if parts.iter().any(|part| part.3.satisfied.len() == HOURS) { HOURS } else { 1 };
        let mut row = Row { cells: Vec::new(), permitted: Vec::new(), rules: Vec::new() };
        for hour in 0..hours {
            let mut permitted = PostureSet::default();
            for posture in Posture::all() {
                let (mut permits, mut forbids, mut failed, mut guarded) =
                    (vec![], vec![], vec![], false);
                for (rule, permit, guardrail, reach) in &parts {
                    let block = if reach.satisfied.len() == HOURS { hour } else { 0 };
                    let within = |sets: &[PostureSet]| {
                        sets.get(block).is_some_and(|set| set.contains(posture))
                    };
                    if within(&reach.failed) {
                        failed.push(*rule);
                    }
                    if !within(&reach.satisfied) {
                        continue;
                    }
                    if *permit {
                        permits.push(*rule);
                    } else {
                        guarded |= guardrail;
                        forbids.push(*rule);
                    }
                }
                let (permit, reason, deciding) = if !failed.is_empty() {
                    (false, Reason::EvaluationFailed, failed)
                } else if !forbids.is_empty() {
                    (false, forbidden(silent, guarded), forbids)
                } else {
                    (!permits.is_empty(), silent, permits)
                };
                if permit {
                    permitted.insert(posture);
                    row.rules.extend(&deciding);
                }
                row.cells.push(self.decision(permit, reason, deciding));
            }
            row.permitted.push(permitted);
        }
        row.rules.sort_unstable();
        row.rules.dedup();
        row
    }

    fn decision(&mut self, permit: bool, reason: Reason, rules: Vec<usize>) -> u32 {
        let next = u32::try_from(self.decisions.len()).unwrap_or(u32::MAX);
        let key = (permit, reason, rules);
        if let Some(number) = self.decision_numbers.get(&key) {
            return *number;
        }
        let ids = key.2.iter().filter_map(|rule| self.book.rules.get(*rule)).map(|r| r.id.clone());
        let ids: Vec<_> = ids.collect();
        let rules = if ids.is_empty() { super::rules(&["default-deny"]) } else { shared(ids) };
        let decision =
            if permit { Decision::Permit { rules } } else { Decision::Deny { reason, rules } };
        self.decisions.push(decision);
        self.decision_numbers.insert(key, next);
        next
    }
}

/// The posture under which facts are keyed; evaluation replaces it.
fn resting() -> Posture {
    Posture {
        state: cordon_model::DeviceState::Normal,
        identity: cordon_model::Identity::Certificate,
        attestation: cordon_model::Attestation::Passed,
        emergency: false,
    }
}

/// Gives the port that is listened on: the service's, or the device's when the service opens.
pub(crate) fn listening_port(
    hospital: &Hospital,
    device: &Device,
    service: &Service,
    direction: Direction,
    relation: Relation,
) -> u16 {
    match (direction, relation) {
        (Direction::In, Relation::Declared { flow, .. }) => hospital
            .profiles
            .get(&device.profile)
            .and_then(|profile| profile.flows.get(flow))
            .and_then(|flow| flow.device_port)
            .unwrap_or(service.port),
        (Direction::In | Direction::Out, _) => service.port,
    }
}
