//! `cordon why`: why something that is recorded happened, by the policy of that moment.
//!
//! A decision is asked again: of Cedar, under the policy that the record names, with the act, the
//! posture and the hour that it holds. Of everything else the chain of causes is followed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cordon_journal::policies::{Policies, RestoreError};
use cordon_model::Sha256Digest;
use cordon_model::event::{Answer, Decided, EventId, What};
use cordon_model::hospital::Sources;
use cordon_policy::explain::{Explanation, explain};
use cordon_policy::oracle::Oracle;
use serde_json::{Value, json};

use super::explain::write_answer;
use super::{at, journal};
use crate::cli::Why;
use crate::directory;
use crate::ledger::{self, Ledger, Stored};
use crate::outcome::{Failure, Outcome, chain};

/// Most records of a chain of causes that are followed.
const CAUSES_MAX: usize = 256;
/// Longest way from a record to a cause of its causes.
const DEPTH_MAX: usize = 16;

pub(crate) fn run(args: &Why) -> Result<Outcome, Failure> {
    let ledger = Ledger::open(&args.journal)?;
    let stored = ledger.find(&journal::event_id(&args.event)?)?;
    let mut text = String::new();
    ledger::line(&mut text, &stored);
    let proof = journal::included(&ledger, &stored);
    let _ = writeln!(text, "  proof    {}", proof.words());
    let mut outcome = match &stored.record.event.what {
        What::Decision(decided) => asked_again(&ledger, &stored, decided, text)?,
        What::Alarm(_)
        | What::Authentication(_)
        | What::Attestation(_)
        | What::Certificate(_)
        | What::Emergency(_)
        | What::Finding(_)
        | What::Flow(_)
        | What::Health(_)
        | What::Incident(_)
        | What::Inventory(_)
        | What::Journal(_)
        | What::Message(_)
        | What::Policy(_)
        | What::Review(_)
        | What::State(_) => because(&ledger, &stored, text),
    };
    if let Some(answer) = outcome.json.as_object_mut() {
        answer.insert("proof".to_owned(), proof.json());
    }
    Ok(outcome.finding_if(proof.is_broken()))
}

/// Decides again what was decided, under the policy of that moment.
fn asked_again(
    ledger: &Ledger,
    stored: &Stored,
    decided: &Decided,
    mut text: String,
) -> Result<Outcome, Failure> {
    let digest = decided.policy.ok_or_else(|| {
        let message = format!("{} does not say which policy answered", stored.id);
        Failure::input(message, "only decisions that name their policy can be asked again")
    })?;
    let read = directory::understand(restore(ledger, &digest)?)?;
    let hospital = &read.hospital;
    let device = hospital.device(decided.act.device.as_str()).ok_or_else(|| {
        let message = format!("the policy {digest} knows no device `{}`", decided.act.device);
        Failure::input(message, "the record and the policy that it names contradict each other")
    })?;
    let oracle = Oracle::new(hospital, &read.book);
    let now = at(decided.hour);
    let decision = oracle.decide(&decided.act, decided.posture, now);
    let answer: Option<Explanation> =
        explain(hospital, &read.book, &oracle, &decided.act, decided.posture, now);
    let (again, then) = (Answer::from(&decision), &decided.answer);
    let agrees = is_same(&again, then);
    let generation = match decided.generation {
        0 => "a policy that was not published".to_owned(),
        number => format!("generation {number}"),
    };
    let _ = writeln!(text, "  policy   {digest}, {generation}, as it was kept then\n");
    if let Some(answer) = &answer {
        write_answer(&mut text, device, &[answer]);
    }
    let _ = writeln!(text, "  recorded {}, hour {}", words(then), decided.hour);
    let _ = if agrees {
        writeln!(text, "  asked again, Cedar gives the same answer by the same rules")
    } else {
        writeln!(text, "  DISAGREES: asked again, Cedar answers {}", words(&again))
    };
    let json = json!({
        "id": stored.id, "record": stored.record, "policy": digest, "recorded": then,
        "again": again, "agrees": agrees, "answer": answer,
    });
    Ok(Outcome::done(text, json).finding_if(!agrees))
}

/// Gives the files of a policy that a journal keeps.
fn restore(ledger: &Ledger, digest: &Sha256Digest) -> Result<Sources, Failure> {
    Policies::of(ledger.folder()).restore(digest).map_err(|error| {
        let message = chain(&error);
        match error {
            RestoreError::Absent(_) | RestoreError::Missing(_) => Failure::input(
                message,
                "copy the folder `policies` of the journal in which it was recorded",
            ),
            RestoreError::Changed(_) | RestoreError::Manifest { .. } | RestoreError::Foreign(_) => {
                Failure::input(message, "restore the file from a copy of the journal")
            }
            RestoreError::Io { .. } => {
                Failure::config(message, "check the path and its permissions")
            }
        }
    })
}

/// Compares two answers; the order of rules says nothing.
fn is_same(one: &Answer, other: &Answer) -> bool {
    let rules = |answer: &Answer| answer.rules.iter().cloned().collect::<BTreeSet<_>>();
    one.effect == other.effect && one.reason == other.reason && rules(one) == rules(other)
}

fn words(answer: &Answer) -> String {
    let rules: Vec<&str> = answer.rules.iter().map(|rule| rule.as_str()).collect();
    let rules = rules.join(", ");
    match answer.reason {
        None => format!("{} by {rules}", answer.effect.name()),
        Some(reason) => format!("{} ({}) by {rules}", answer.effect.name(), reason.label()),
    }
}

/// Gives the records that a record says it rests on.
fn causes(what: &What) -> &[EventId] {
    match what {
        What::Finding(it) => &it.seen_in,
        What::Incident(it) => &it.findings,
        What::Review(it) => &it.of,
        What::State(it) => &it.because,
        What::Alarm(_)
        | What::Authentication(_)
        | What::Attestation(_)
        | What::Certificate(_)
        | What::Decision(_)
        | What::Emergency(_)
        | What::Flow(_)
        | What::Health(_)
        | What::Inventory(_)
        | What::Journal(_)
        | What::Message(_)
        | What::Policy(_) => &[],
    }
}

/// Follows a record to the records that it rests on.
fn because(ledger: &Ledger, stored: &Stored, mut text: String) -> Outcome {
    let mut seen = BTreeSet::from([stored.id.clone()]);
    let mut rows = Vec::new();
    let mut is_whole = true;
    let mut open: Vec<(usize, EventId)> = Vec::new();
    let push = |open: &mut Vec<(usize, EventId)>, depth: usize, what: &What| {
        for id in causes(what).iter().rev() {
            open.push((depth, id.clone()));
        }
    };
    push(&mut open, 1, &stored.record.event.what);
    if open.is_empty() {
        text.push_str("  it names no record that it rests on\n");
    }
    while let Some((depth, id)) = open.pop() {
        if depth > DEPTH_MAX || seen.len() > CAUSES_MAX {
            text.push_str("  … the chain is longer than is followed\n");
            is_whole = false;
            break;
        }
        text.push_str(&"  ".repeat(depth));
        text.push_str("because  ");
        if !seen.insert(id.clone()) {
            let _ = writeln!(text, "{id}, as above");
            continue;
        }
        match ledger.find(&id) {
            Ok(cause) => {
                ledger::line(&mut text, &cause);
                rows.push(json!({ "id": id, "depth": depth, "record": cause.record }));
                push(&mut open, depth + 1, &cause.record.event.what);
            }
            Err(failure) => {
                is_whole = false;
                let why = failure.message();
                let _ = writeln!(text, "{id}: {why}");
                rows.push(json!({ "id": id, "depth": depth, "missing": why }));
            }
        }
    }
    if let What::Message(it) = &stored.record.event.what {
        for reason in &it.reasons {
            let known =
                cordon_core::inspect::Reason::ALL.iter().find(|r| r.label() == reason.as_str());
            let meaning = known.map_or("", |reason| reason.meaning());
            let _ = writeln!(text, "  reason   {reason}: {meaning}");
        }
        for rule in &it.rules {
            let _ = writeln!(text, "  rule     {rule}");
        }
    }
    let json: Value = json!({
        "id": stored.id, "record": stored.record, "because": rows, "whole": is_whole,
    });
    Outcome::done(text, json).finding_if(!is_whole)
}
