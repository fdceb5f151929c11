//! What the answers of a form say about a device's attack surface.

use jiff::civil::Date;

use super::systems;
use super::{Answer, Reply};

/// One answer under a name.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Fact {
    /// The name, kebab-case, for example `encryption-at-rest`.
    pub(crate) name: &'static str,
    /// The answer.
    pub(crate) reply: Reply,
    /// The question.
    pub(crate) question: String,
    /// The note to it; empty for none.
    pub(crate) note: String,
}

/// How a model can be attached.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Suggestion {
    /// `tpm`, `software-key` or `legacy`.
    pub(crate) attachment: &'static str,
    /// The question that leads to it.
    pub(crate) question: String,
    /// Why, for people.
    pub(crate) why: String,
}

/// A yes or a no that answers lead to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Finding {
    /// The outcome.
    pub(crate) value: bool,
    /// The questions that lead to it.
    pub(crate) questions: Vec<String>,
    /// Why, for people.
    pub(crate) why: String,
}

/// The questions that become facts.
/// # Source
/// ANSI/NEMA HN 1-2019 §5; the questions by their numbers.
const FACTS: [(&str, &str); 46] = [
    ("handles-patient-data", "MPII-1"),
    ("stores-patient-data", "MPII-2"),
    ("patient-data-to-internet", "MPII-3.7"),
    ("automatic-logoff", "ALOF-1"),
    ("audit-log", "AUDT-2"),
    ("audit-log-network-time", "AUDT-4.1.1"),
    ("audit-log-to-siem", "AUDT-5.2"),
    ("user-login", "AUTH-1"),
    ("roles", "AUTH-2"),
    ("api-authorization", "AUTH-4"),
    ("software-updates", "CSUP-1"),
    ("operating-system", "CSUP-2"),
    ("operating-system-remote-update", "CSUP-2.3"),
    ("firmware-remote-update", "CSUP-3.3"),
    ("update-notification", "CSUP-7"),
    ("de-identification", "DIDT-1"),
    ("configuration-backup", "DTBK-5"),
    ("emergency-access", "EMRG-1"),
    ("stored-data-integrity", "IGAU-1"),
    ("hosts-executables", "MLDP-1"),
    ("anti-malware", "MLDP-2"),
    ("application-allow-list", "MLDP-4"),
    ("node-authentication", "NAUT-1"),
    ("network-access-control", "NAUT-2"),
    ("certificate-authentication", "NAUT-3"),
    ("wi-fi", "CONN-1.1.1"),
    ("ports-documented", "CONN-2"),
    ("external-systems", "CONN-4"),
    ("internet-required", "CONN-6"),
    ("tls", "CONN-7"),
    ("remote-control", "CONN-8"),
    ("unique-accounts", "PAUT-1"),
    ("passwords-changeable", "PAUT-5"),
    ("multi-factor", "PAUT-8"),
    ("physical-lock", "PLOK-3"),
    ("end-of-life-plan", "RDMP-4"),
    ("sbom", "SBOM-1"),
    ("hardened-to-standard", "SAHD-1"),
    ("software-integrity", "SAHD-3"),
    ("security-guidance", "SGUD-1"),
    ("encryption-at-rest", "STCF-1"),
    ("encryption-in-transit", "TXCF-2"),
    ("fixed-destinations", "TXCF-3"),
    ("integrity-in-transit", "TXIG-1"),
    ("remote-service", "RMOT-1"),
    ("remote-monitoring", "RMOT-2"),
];

/// The questions that say whether somebody can log in from afar.
const REMOTE: [&str; 4] = ["RMOT-1", "RMOT-1.1", "RMOT-2", "RMOT-3"];
/// Where makers name the operating system, the likeliest first.
const SYSTEM: [&str; 8] =
    ["CSUP-2", "CSUP-2.1", "CSUP-2.4", "DOC-11.1", "SBOM-2.3", "SBOM-2.1", "RDMP-4", "DOC-2"];

fn find<'a>(answers: &'a [Answer], question: &str) -> Option<&'a Answer> {
    answers.iter().find(|answer| answer.question == question)
}

/// Gathers the facts that the form answers.
pub(super) fn facts(answers: &[Answer]) -> Vec<Fact> {
    let fact = |(name, question): (&'static str, &str)| {
        let answer = find(answers, question).filter(|answer| answer.reply != Reply::Blank)?;
        let (reply, note) = (answer.reply, answer.note.clone());
        Some(Fact { name, reply, question: answer.question.clone(), note })
    };
    FACTS.into_iter().filter_map(fact).collect()
}

/// Suggests an attachment: a certificate of its own, in a TPM where a note says so, or none.
pub(super) fn attachment(answers: &[Answer]) -> Option<Suggestion> {
    let certificate = find(answers, "NAUT-3");
    let suggest = |attachment, answer: &Answer, why: &str| {
        let (question, why) = (answer.question.clone(), why.to_owned());
        Some(Suggestion { attachment, question, why })
    };
    match certificate.map(|answer| (answer, answer.reply)) {
        Some((answer, Reply::Yes)) if names_a_tpm(&answer.note) => suggest(
            "tpm",
            answer,
            "the device authenticates by certificate, and a note names a TPM",
        ),
        Some((answer, Reply::Yes)) => {
            suggest("software-key", answer, "the device authenticates by certificate")
        }
        Some((answer, Reply::No | Reply::NotApplicable)) => {
            suggest("legacy", answer, "the device does not authenticate by certificate")
        }
        Some((_, Reply::Words | Reply::Blank)) | None => {
            let tls = find(answers, "CONN-7").filter(|answer| answer.reply == Reply::No)?;
            suggest("legacy", tls, "the device does not support TLS")
        }
    }
}

fn names_a_tpm(note: &str) -> bool {
    let note = note.to_lowercase();
    let words = note.split(|c: char| !c.is_alphanumeric());
    let denied =
        note.contains("no tpm") || note.contains("without tpm") || note.contains("not tpm");
    let named = note.contains("trusted platform module")
        || words.into_iter().any(|word| matches!(word, "tpm" | "tpm2" | "tpm20" | "ftpm"));
    named && !denied
}

/// Says whether somebody can log in from afar; one yes is enough, and a no takes all questions
/// that the form answers.
pub(super) fn remote_access(answers: &[Answer]) -> Option<Finding> {
    let asked: Vec<&Answer> =
        REMOTE.iter().filter_map(|question| find(answers, question)).collect();
    let of = |reply| asked.iter().copied().filter(move |answer| answer.reply == reply);
    let questions: Vec<String> = of(Reply::Yes).map(|answer| answer.question.clone()).collect();
    if !questions.is_empty() {
        let why = "the form permits remote service or other remote access".to_owned();
        return Some(Finding { value: true, questions, why });
    }
    let is_open = asked.iter().any(|answer| matches!(answer.reply, Reply::Words | Reply::Blank));
    let service = find(answers, "RMOT-1").filter(|answer| answer.reply == Reply::No);
    if is_open || service.is_none() {
        return None;
    }
    let questions = asked.iter().map(|answer| answer.question.clone()).collect();
    Some(Finding { value: false, questions, why: "the form rules remote service out".to_owned() })
}

/// Says whether the operating system that the form names gets no more patches.
pub(super) fn unsupported_os(answers: &[Answer], today: Date) -> Option<Finding> {
    let system = find(answers, "CSUP-2");
    if let Some(answer) = system.filter(|answer| answer.reply == Reply::No) {
        let questions = vec![answer.question.clone()];
        let why = "the device has no operating system".to_owned();
        return Some(Finding { value: false, questions, why });
    }
    for question in SYSTEM {
        let Some(answer) = find(answers, question) else {
            continue;
        };
        let text = format!("{} {}", answer.text, answer.note);
        if let Some((name, end)) = systems::named_in(&text) {
            let value = end < today;
            let verb = if value { "ended" } else { "lasts until" };
            let why = format!("support of {name} {verb} {}{end}", if value { "on " } else { "" });
            return Some(Finding { value, questions: vec![answer.question.clone()], why });
        }
    }
    None
}
