//! What each kind of event says to the questions of the outline.

use cordon_model::event::{
    Alarm, AlarmState, Attested, Authenticated, Certificate, Decided, Effect, Emergency,
    EmergencyAction, Finding, FindingAction, FlowSummary, Health, Incident, IncidentAction,
    Inspected, Inventory, JournalNote, MessageVerdict, Outcome, PolicyAction, PolicyChange, Review,
    ReviewAction, StateChange,
};
use cordon_model::{Attestation, Label, RuleId, What};

use super::{Outline, Verdict, party_name};
use crate::export::format::traffic::Ends;

fn text<T: ToString + ?Sized>(id: &T) -> Option<String> {
    Some(id.to_string())
}

fn joined<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> Option<String> {
    let mut all = String::new();
    for word in words {
        if !all.is_empty() {
            all.push(',');
        }
        all.push_str(word.as_ref());
    }
    Some(all).filter(|all| !all.is_empty())
}

fn rules(rules: &[RuleId]) -> Option<String> {
    joined(rules.iter().map(RuleId::as_str))
}

fn verdict(effect: Effect) -> Verdict {
    match effect {
        Effect::Permit => Verdict::Allowed,
        Effect::Deny => Verdict::Blocked,
    }
}

impl Outline {
    pub(super) fn fill(&mut self, what: &What) {
        match what {
            What::Alarm(it) => self.alarm(it),
            What::Authentication(it) => self.authentication(it),
            What::Attestation(it) => self.attestation(it),
            What::Certificate(it) => self.certificate(it),
            What::Decision(it) => self.decision(it),
            What::Emergency(it) => self.emergency(it),
            What::Finding(it) => self.finding(it),
            What::Flow(it) => self.flow(it),
            What::Health(it) => self.health(it),
            What::Incident(it) => self.incident(it),
            What::Inventory(it) => self.inventory(it),
            What::Journal(it) => self.journal(it),
            What::Message(it) => self.message(it),
            What::Policy(it) => self.policy(it),
            What::Review(it) => self.review(it),
            What::State(it) => self.state(it),
        }
        if let (Some(device), false) = (self.device.clone(), self.title.contains(": ")) {
            self.say(": ", device);
        }
    }

    fn alarm(&mut self, it: &Alarm) {
        let title = match it.state {
            AlarmState::Clear => "Alarm cleared",
            AlarmState::Raise => "Alarm raised",
        };
        self.name("alarm", it.alarm.as_str(), title);
        self.say(": ", format_args!("{} {}", it.about, it.alarm));
        self.case = Some(format!("{}/{}", it.about, it.alarm));
    }

    fn authentication(&mut self, it: &Authenticated) {
        let title = match it.outcome {
            Outcome::Success => "Authenticated",
            Outcome::Failure => "Authentication failed",
        };
        self.name("authentication", it.outcome.name(), title);
        let actor = it.actor.as_ref().map(ToString::to_string);
        if let Some(who) = actor.or_else(|| party_name(&it.party)) {
            self.say(": ", who);
        }
        self.by(it.actor.as_ref());
        self.outcome = Some(it.outcome);
        self.reason = it.reason.as_ref().map(ToString::to_string);
        self.segment.clone_from(&it.segment);
        self.src = it.party.clone();
        self.tier = it.tier;
    }

    fn attestation(&mut self, it: &Attested) {
        self.name("attestation", it.now.name(), "Firmware attestation ");
        self.say("", it.now);
        self.outcome = match it.now {
            Attestation::Passed => Some(Outcome::Success),
            Attestation::Failed => Some(Outcome::Failure),
            Attestation::Stale | Attestation::Unable => None,
        };
        self.rule = text(&it.method);
        self.tier = Some(it.tier);
    }

    fn certificate(&mut self, it: &Certificate) {
        self.name("certificate", it.action.name(), "Certificate: ");
        self.say("", it.action.name());
        if let Some(device) = &it.device {
            self.say(" ", device);
        }
        self.tier = it.tier;
    }

    fn decision(&mut self, it: &Decided) {
        let effect = it.answer.effect;
        let title = match effect {
            Effect::Permit => "Act permitted",
            Effect::Deny => "Act denied",
        };
        self.name("decision", effect.name(), title);
        let reason = it.answer.reason.map(|reason| reason.label());
        self.say(": ", format_args!("{} {}", it.act.device, it.act.operation));
        self.ends(Ends::of_act(&it.act));
        self.operation = Some(it.act.operation);
        self.protocol = Some(it.act.operation.protocol());
        self.reason = reason.map(ToOwned::to_owned);
        self.rule = rules(&it.answer.rules);
        self.segment.clone_from(&it.segment);
        self.tier = Some(it.tier);
        self.verdict = Some(verdict(effect));
    }

    fn emergency(&mut self, it: &Emergency) {
        let title = match it.action {
            EmergencyAction::Badge => "Emergency: badge shown",
            EmergencyAction::Command => "Emergency: command passed",
            EmergencyAction::Fault => "Emergency switch in fault",
            EmergencyAction::FlowClose => "Emergency: flow ended",
            EmergencyAction::FlowOpen => "Emergency: flow began",
            EmergencyAction::Relax => "Emergency: rule relaxed",
            EmergencyAction::Start => "Emergency mode began",
            EmergencyAction::Stop => "Emergency mode ended",
            EmergencyAction::Tamper => "Emergency switch tampered with",
        };
        self.name("emergency", it.action.name(), if it.drill { "Drill: " } else { "" });
        self.say("", format_args!("{title}, station {}, zone {}", it.station, it.zone));
        self.user = it.badges.last().map(ToString::to_string);
        self.case = Some(format!("{}/{}", it.station, it.activation));
        self.ends(Ends {
            src: it.src.clone().unwrap_or_default(),
            dst: it.dst.clone().unwrap_or_default(),
            transport: it.transport,
        });
        if matches!(it.action, EmergencyAction::FlowClose | EmergencyAction::FlowOpen) {
            self.bytes(it.bytes_up, it.bytes_down);
            self.verdict = Some(Verdict::Allowed);
        }
        self.operation = it.operation;
        self.protocol = it.operation.map(|operation| operation.protocol());
        let without = it.without_emergency.as_ref();
        self.reason = without.and_then(|it| it.reason).and_then(|it| text(it.label()));
        self.rule = without.and_then(|it| rules(&it.rules));
        self.tier = it.tier;
        self.zone = Some(it.zone.clone());
    }

    fn finding(&mut self, it: &Finding) {
        let done = match it.action {
            FindingAction::Blocked => "blocked",
            FindingAction::Contained => "device contained",
            FindingAction::Isolated => "device isolated",
            FindingAction::Observed => "observed",
        };
        self.name(it.evidence.name(), it.rule.as_str(), "Finding: ");
        self.say("", format_args!("{}, {done}", it.rule));
        self.attempted_bytes = it.attempted_bytes;
        self.case = text(&it.name);
        self.ends(Ends { src: it.src.clone(), dst: it.dst.clone(), transport: it.transport });
        self.evidence = Some(it.evidence);
        self.operation = it.operation;
        self.protocol = it.operation.map(|operation| operation.protocol());
        self.rule = text(&it.rule);
        self.segment.clone_from(&it.segment);
        self.tier = it.tier;
        self.verdict = Some(match it.action {
            FindingAction::Observed => Verdict::Allowed,
            FindingAction::Blocked | FindingAction::Contained | FindingAction::Isolated => {
                Verdict::Blocked
            }
        });
        self.vlan = it.vlan;
    }

    fn flow(&mut self, it: &FlowSummary) {
        let title = match it.action {
            Effect::Permit => "Flow passed",
            Effect::Deny => "Flow stopped",
        };
        self.name("flow", it.action.name(), title);
        self.ends(Ends { src: it.src.clone(), dst: it.dst.clone(), transport: Some(it.transport) });
        self.bytes(it.bytes_from_device, it.bytes_to_device);
        self.packets = Some(it.packets);
        self.rule = text(&it.rule);
        self.segment.clone_from(&it.segment);
        self.tier = it.tier;
        self.verdict = Some(verdict(it.action));
        self.vlan = it.vlan;
    }

    fn health(&mut self, it: &Health) {
        let (word, title) = match it.nodes_down.is_empty() {
            true => ("good", "Enforcement point reports"),
            false => ("nodes-down", "Enforcement point misses decision nodes"),
        };
        self.name("health", word, title);
    }

    fn incident(&mut self, it: &Incident) {
        let (word, title) = match it.action {
            IncidentAction::Close => ("close", "Incident closed"),
            IncidentAction::Open => ("open", "Incident opened"),
            IncidentAction::Update => ("update", "Incident changed"),
        };
        self.name("incident", word, title);
        self.say(": ", &it.name);
        self.by(it.by.as_ref());
        self.case = text(&it.name);
        self.reason = it.outcome.as_ref().map(ToString::to_string);
        self.tier = it.tier;
    }

    fn inventory(&mut self, it: &Inventory) {
        self.name("inventory", it.action.name(), "Inventory: ");
        self.say("", format_args!("{} {}", it.action.name(), it.device));
        self.by(it.by.as_ref());
        self.segment.clone_from(&it.segment);
        self.src.address = it.address;
        self.src.device = Some(it.device.clone());
        self.src.mac = it.mac;
        self.tier = Some(it.tier);
    }

    fn journal(&mut self, it: &JournalNote) {
        let (word, title) = journal_words(it);
        self.name("journal", word, title);
        match it {
            JournalNote::Export { by, to, .. } => {
                self.by(by.as_ref());
                self.say(": ", to);
            }
            JournalNote::Hold { by, name } | JournalNote::Release { by, name } => {
                self.by(Some(by));
                self.case = text(name);
                self.say(": ", name);
            }
            JournalNote::Lose { kind, lost, why } => {
                self.outcome = Some(Outcome::Failure);
                self.reason = text(why);
                self.say(": ", format_args!("{} {kind}", lost.count));
            }
            JournalNote::Restart { .. } => self.outcome = Some(Outcome::Failure),
            JournalNote::ClockStep { .. }
            | JournalNote::Expire { .. }
            | JournalNote::Recover { .. }
            | JournalNote::Start { .. } => {}
        }
    }

    fn message(&mut self, it: &Inspected) {
        let title = match it.verdict {
            MessageVerdict::Block => "Message blocked",
            MessageVerdict::Pass => "Message passed",
            MessageVerdict::PassFlag => "Message passed and remarked",
        };
        self.name("message", it.verdict.name(), title);
        let transport = Some(it.transport);
        self.ends(Ends { src: it.src.clone(), dst: it.dst.clone(), transport });
        self.bytes_out = Some(it.bytes);
        self.operation = it.operation;
        self.protocol = Some(it.protocol);
        self.reason = joined(it.reasons.iter().map(Label::as_str));
        self.rule = rules(&it.rules);
        self.tier = it.tier;
        self.verdict = Some(match it.verdict {
            MessageVerdict::Block => Verdict::Blocked,
            MessageVerdict::Pass | MessageVerdict::PassFlag => Verdict::Allowed,
        });
    }

    fn policy(&mut self, it: &PolicyChange) {
        let title = match it.action {
            PolicyAction::Activate => "Policy activated",
            PolicyAction::Publish => "Policy published",
            PolicyAction::Refuse => "Policy refused",
        };
        self.name("policy", it.action.name(), title);
        self.say(": ", format_args!("generation {}", it.generation));
        self.by(it.by.first());
        self.outcome = Some(match it.action {
            PolicyAction::Activate | PolicyAction::Publish => Outcome::Success,
            PolicyAction::Refuse => Outcome::Failure,
        });
        self.reason = it.reason.as_ref().map(ToString::to_string);
    }

    fn review(&mut self, it: &Review) {
        let (word, title) = match it.action {
            ReviewAction::Close => ("close", "Review done"),
            ReviewAction::Open => ("open", "Review due"),
            ReviewAction::Overdue => ("overdue", "Review overdue"),
        };
        self.name("review", word, title);
        self.say(": ", &it.subject);
        self.by(it.by.as_ref());
        self.reason = it.outcome.as_ref().map(ToString::to_string);
    }

    fn state(&mut self, it: &StateChange) {
        self.name("state", &it.to.name().to_ascii_lowercase(), "Device state: ");
        self.say("", format_args!("{} {} to {}", it.device, it.from, it.to));
        self.by(it.by.first());
        self.case = it.incident.as_ref().map(ToString::to_string);
        self.reason = text(&it.reason);
        self.src.device = Some(it.device.clone());
        self.tier = Some(it.tier);
    }

    fn bytes(&mut self, from_device: u64, to_device: u64) {
        let ends = Ends { src: self.src.clone(), dst: self.dst.clone(), transport: self.transport };
        let (sent, received) = ends.as_called(self.device.as_ref(), from_device, to_device);
        self.bytes_out = Some(sent);
        self.bytes_in = Some(received);
    }
}

fn journal_words(note: &JournalNote) -> (&'static str, &'static str) {
    match note {
        JournalNote::ClockStep { .. } => ("clock-step", "Wall clock was set"),
        JournalNote::Expire { .. } => ("expire", "Records deleted after their time"),
        JournalNote::Export { .. } => ("export", "Records handed out"),
        JournalNote::Hold { .. } => ("hold", "Deletion held"),
        JournalNote::Lose { .. } => ("lose", "Records lost"),
        JournalNote::Recover { .. } => ("recover", "Journal repaired its end"),
        JournalNote::Release { .. } => ("release", "Hold lifted"),
        JournalNote::Restart { .. } => ("restart", "Journal broken, new chain begun"),
        JournalNote::Start { .. } => ("start", "Journal started"),
    }
}
