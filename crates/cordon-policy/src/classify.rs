//! Derives each device's tier from what it is, and shows the evidence line by line.
//!
//! The tier follows from clinical impact: what a patient or a building loses without the device.
//! The attack surface never lowers a tier; it says how exposed the device is and raises the
//! priority of whatever is found about it.
//! Source: IEC 80001-1:2021 (safety before security); IEC 62443-3-2 ZCR 2.

use cordon_model::fleet::{Care, Impact, TierOverride};
use cordon_model::{Attachment, Device, Hospital, Tier};
use serde::Serialize;

/// One line of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Where it comes from: profile, device, unit, plan.
    pub from: &'static str,
    /// What it says.
    pub says: String,
    /// What follows from it.
    pub follows: String,
}

/// How far the derived tier can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Sources contradict each other.
    Low,
    /// One source decides.
    Medium,
    /// Type, unit and device agree.
    High,
}

impl Confidence {
    /// Gives its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What classification says about a device.
#[derive(Debug, Clone, Serialize)]
pub struct Classification {
    /// The device.
    pub device: String,
    /// Its type.
    pub kind: String,
    /// The tier that the evidence gives.
    #[serde(serialize_with = "tier_name")]
    pub derived: Tier,
    /// The tier that the inventory declares.
    #[serde(serialize_with = "tier_name")]
    pub declared: Tier,
    /// How far the derived tier can be trusted.
    pub confidence: Confidence,
    /// Attack surface, 0 (little) to 100 (all of it).
    pub exposure: u8,
    /// Why.
    pub evidence: Vec<Evidence>,
    /// Who overrode the tier, why and until when, if somebody did.
    pub overridden: Option<Override>,
    /// Whether declared and derived tier differ and no override that still holds explains it.
    pub finding: bool,
}

/// An override as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    /// Who decided.
    pub who: String,
    /// Why.
    pub why: String,
    /// The last day on which it holds.
    pub until: String,
    /// Whether that day has passed.
    pub expired: bool,
}

fn tier_name<S: serde::Serializer>(tier: &Tier, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(tier.name())
}

/// Classifies one device.
/// # Units
/// `today`: `YYYY-MM-DD`, to tell whether an override has expired.
#[must_use]
pub fn classify(hospital: &Hospital, device: &Device, today: &str) -> Classification {
    let mut evidence = Vec::new();
    let (derived, confidence) = clinical(hospital, device, &mut evidence);
    let exposure = attack_surface(hospital, device, &mut evidence);
    let overridden = hospital
        .overrides
        .iter()
        .find(|entry| entry.device == device.id)
        .map(|entry| shown(entry, today));
    let explained = overridden.as_ref().is_some_and(|entry| !entry.expired);
    let differs = derived != device.tier;
    let expired = overridden.as_ref().is_some_and(|entry| entry.expired);
    Classification {
        device: device.id.to_string(),
        kind: device.profile.to_string(),
        derived,
        declared: device.tier,
        confidence,
        exposure,
        evidence,
        finding: (differs && !explained) || expired,
        overridden,
    }
}

fn shown(entry: &TierOverride, today: &str) -> Override {
    Override {
        who: entry.who.clone(),
        why: entry.why.clone(),
        until: entry.until.clone(),
        expired: entry.until.as_str() < today,
    }
}

fn note(evidence: &mut Vec<Evidence>, from: &'static str, says: String, follows: &str) {
    evidence.push(Evidence { from, says, follows: follows.to_owned() });
}

/// Reads the tier off the clinical impact.
fn clinical(
    hospital: &Hospital,
    device: &Device,
    evidence: &mut Vec<Evidence>,
) -> (Tier, Confidence) {
    let Some(profile) = hospital.profiles.get(&device.profile) else {
        return (device.tier, Confidence::Low);
    };
    let care = hospital.units.get(&device.unit).map(|unit| unit.care);
    let (impact, tier) = match profile.impact {
        Impact::LifeSupport => ("keeps patients alive or watches over them", Tier::Red),
        Impact::Therapy => ("gives therapy or a diagnosis", Tier::Orange),
        Impact::Workflow => ("supports the work of care", Tier::Yellow),
        Impact::LifeSafety => ("keeps people safe in the building", Tier::GreenLs),
        Impact::Facility => ("runs the building", Tier::Green),
    };
    let says = format!("type {}: {impact}", profile.name.to_lowercase());
    note(evidence, "profile", says, &format!("{tier}"));
    let mut tier = tier;
    if tier == Tier::Green && device.life_safety {
        let says = "the inventory marks it life-safety".to_owned();
        note(evidence, "device", says, "GREEN-LS: its lifelines are protected like those of RED");
        tier = Tier::GreenLs;
    }
    let mut confidence = Confidence::High;
    let clinical = matches!(profile.impact, Impact::LifeSupport | Impact::Therapy);
    match care {
        Some(Care::Technical) if clinical => {
            let says = format!("unit `{}` has no patients", device.unit);
            note(
                evidence,
                "unit",
                says,
                "contradicts the type; is the device where it is said to be?",
            );
            confidence = Confidence::Low;
        }
        Some(Care::Critical) if clinical => {
            let says = format!("unit `{}` gives critical care", device.unit);
            note(evidence, "unit", says, "agrees with the type");
        }
        Some(_) => {}
        None => confidence = Confidence::Medium,
    }
    let says = if device.autonomous {
        "it goes on with its work without a network"
    } else {
        "it needs the network for its work"
    };
    let follows = if device.autonomous && tier == Tier::Orange {
        "may be quarantined as soon as the alert is accepted"
    } else {
        "keeps its lifelines under containment"
    };
    note(evidence, "device", says.to_owned(), follows);
    if profile.tier.segment_tier() != tier.segment_tier() {
        let says = format!("the profile declares {}", profile.tier);
        note(evidence, "profile", says, "contradicts its clinical impact");
        confidence = Confidence::Low;
    }
    (tier, confidence)
}

/// Adds up the attack surface.
fn attack_surface(hospital: &Hospital, device: &Device, evidence: &mut Vec<Evidence>) -> u8 {
    let mut exposure = 0u8;
    let mut add = |points: u8, from, says: String, follows: &str, evidence: &mut Vec<Evidence>| {
        exposure = exposure.saturating_add(points).min(100);
        note(evidence, from, says, &format!("exposure +{points}: {follows}"));
    };
    match device.attachment {
        Attachment::Tpm => {}
        Attachment::SoftwareKey => {
            add(10, "device", "its key is in software".into(), "can be copied", evidence);
        }
        Attachment::Legacy => {
            let says = "it has no cryptography".into();
            add(25, "device", says, "its gateway must vouch for it", evidence);
        }
    }
    let inbound = hospital.profiles.get(&device.profile).map_or(0, |profile| {
        profile.flows.iter().filter(|flow| flow.direction == cordon_model::Direction::In).count()
    });
    if inbound > 0 {
        let says = format!("it listens for {inbound} declared flow(s)");
        add(10, "profile", says, "can be spoken to", evidence);
    }
    if device.exposure.unsupported_os {
        let says = "its operating system gets no more patches".into();
        add(25, "device", says, "known holes stay open", evidence);
    }
    if device.exposure.remote_access {
        let says = "somebody can log in from afar".into();
        add(15, "device", says, "a second way in", evidence);
    }
    if device.exposure.known_exploited {
        let says = "it has a vulnerability that is known to be used".into();
        add(25, "device", says, "mend it first", evidence);
    }
    exposure
}
