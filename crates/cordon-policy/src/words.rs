//! Sets of postures in words that people read.

use std::fmt::Write as _;

use cordon_model::{Attestation, DeviceState, Identity, Operation, Posture, PostureSet};

/// The values of each part of a posture that occur in a set.
struct Parts {
    states: Vec<DeviceState>,
    identities: Vec<Identity>,
    attestations: Vec<Attestation>,
    modes: Vec<bool>,
}

fn parts(set: &PostureSet) -> Parts {
    let occurs =
        |test: &dyn Fn(Posture) -> bool| Posture::all().any(|p| set.contains(p) && test(p));
    let all = |values: &[DeviceState]| -> Vec<DeviceState> {
        values.iter().copied().filter(|state| occurs(&|p| p.state == *state)).collect()
    };
    Parts {
        states: all(DeviceState::ALL),
        identities: Identity::ALL
            .iter()
            .copied()
            .filter(|i| occurs(&|p| p.identity == *i))
            .collect(),
        attestations: Attestation::ALL
            .iter()
            .copied()
            .filter(|a| occurs(&|p| p.attestation == *a))
            .collect(),
        modes: [false, true].into_iter().filter(|mode| occurs(&|p| p.emergency == *mode)).collect(),
    }
}

/// Names what occurs, or what does not when that is shorter; nothing when everything occurs.
fn named<T: Copy + PartialEq>(
    all: &[T],
    some: &[T],
    name: fn(T) -> &'static str,
) -> Option<String> {
    if some.len() == all.len() {
        return None;
    }
    let rest: Vec<&str> = all.iter().filter(|v| !some.contains(v)).map(|v| name(*v)).collect();
    let there: Vec<&str> = some.iter().map(|v| name(*v)).collect();
    Some(if rest.len() <= 2 && rest.len() < there.len() {
        format!("all but {}", rest.join(" and "))
    } else {
        there.join(", ")
    })
}

/// Says in which postures something holds.
#[must_use]
pub fn postures(set: &PostureSet) -> String {
    if set.is_empty() {
        return "never".to_owned();
    }
    let parts = parts(set);
    let product =
        parts.states.len() * parts.identities.len() * parts.attestations.len() * parts.modes.len();
    if usize::try_from(set.len()) == Ok(product) {
        return box_words(&parts);
    }
    let split = |emergency: bool| -> PostureSet {
        Posture::all().filter(|p| set.contains(*p) && p.emergency == emergency).collect()
    };
    let (calm, alarm) = (split(false), split(true));
    if !calm.is_empty() && !alarm.is_empty() {
        let same = |p: Posture| alarm.contains(Posture { emergency: true, ..p });
        let added: PostureSet = Posture::all()
            .filter(|p| p.emergency && alarm.contains(*p) && !calm_twin(&calm, *p))
            .collect();
        if Posture::all().filter(|p| calm.contains(*p)).all(same) && !added.is_empty() {
            let both: PostureSet = Posture::all().filter(|p| calm_twin(&calm, *p)).collect();
            return format!("{}; and {}", postures(&both), postures(&added));
        }
    }
    by_state(set, &parts)
}

/// Says which identities and attestations a set asks for, whatever the state and the mode.
#[must_use]
pub fn proofs(set: &PostureSet) -> String {
    let parts = parts(set);
    let identities = named(Identity::ALL, &parts.identities, Identity::name);
    let attestations = named(Attestation::ALL, &parts.attestations, Attestation::name);
    let identities = identities.map(|words| format!("identity {words}"));
    let attestations = attestations.map(|words| format!("attestation {words}"));
    identities.into_iter().chain(attestations).collect::<Vec<_>>().join("; ")
}

/// Names the hours of a mask: bit 0 is midnight, UTC.
#[must_use]
pub fn hours(mask: u32) -> String {
    let hours: Vec<String> =
        (0..24).filter(|hour| mask >> hour & 1 == 1).map(|hour| format!("{hour:02}")).collect();
    format!("at the hours {} UTC", hours.join(" "))
}

/// Names operations of one protocol; all of them in one word.
#[must_use]
pub fn operations(operations: &[Operation]) -> Vec<String> {
    let protocol = operations.first().map(|operation| operation.protocol());
    match protocol {
        Some(protocol) if operations.len() == protocol.operations().count() => {
            vec![format!("{protocol}.*")]
        }
        Some(_) | None => operations.iter().map(|one| one.name().to_owned()).collect(),
    }
}

fn calm_twin(calm: &PostureSet, posture: Posture) -> bool {
    calm.contains(Posture { emergency: false, ..posture })
}

fn box_words(parts: &Parts) -> String {
    let mut words = Vec::new();
    match parts.modes.as_slice() {
        [true] => words.push("in emergency mode".to_owned()),
        [false] => words.push("outside emergency mode".to_owned()),
        _ => {}
    }
    if let Some(states) = named(DeviceState::ALL, &parts.states, DeviceState::name) {
        words.push(format!("in state {states}"));
    }
    if let Some(identities) = named(Identity::ALL, &parts.identities, Identity::name) {
        words.push(format!("with identity {identities}"));
    }
    if let Some(attestations) = named(Attestation::ALL, &parts.attestations, Attestation::name) {
        words.push(format!("with attestation {attestations}"));
    }
    if words.is_empty() { "always".to_owned() } else { words.join(", ") }
}

/// A set that is no product: states with the same rest stand together.
fn by_state(set: &PostureSet, parts: &Parts) -> String {
    let rest = |state: DeviceState| -> Vec<Posture> {
        Posture::all()
            .filter(|p| p.state == state && set.contains(*p))
            .map(|p| Posture { state: DeviceState::Normal, ..p })
            .collect()
    };
    let mut groups: Vec<(Vec<Posture>, Vec<DeviceState>)> = Vec::new();
    for &state in &parts.states {
        let here = rest(state);
        match groups.iter_mut().find(|(other, _)| *other == here) {
            Some((_, states)) => states.push(state),
            None => groups.push((here, vec![state])),
        }
    }
    let mut text = String::new();
    for (here, states) in groups {
        let group: PostureSet = here
            .into_iter()
            .flat_map(|p| states.iter().map(move |s| Posture { state: *s, ..p }))
            .collect();
        let inner = self::parts(&group);
        let product = inner.states.len()
            * inner.identities.len()
            * inner.attestations.len()
            * inner.modes.len();
        let separator = if text.is_empty() { "" } else { "; or " };
        let words = if usize::try_from(group.len()) == Ok(product) {
            box_words(&inner)
        } else {
            format!(
                "in {} postures of state {}",
                group.len(),
                inner.states.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ")
            )
        };
        let _ = write!(text, "{separator}{words}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(test: impl Fn(Posture) -> bool, expect: &str) {
        let set: PostureSet = Posture::all().filter(|p| test(*p)).collect();
        assert_eq!(postures(&set), expect);
    }

    #[test]
    fn sets_of_postures_read_like_sentences() {
        check(|_| true, "always");
        check(|_| false, "never");
        check(|p| p.state != DeviceState::Isolated, "in state all but ISOLATED");
        check(|p| p.emergency, "in emergency mode");
        check(
            |p| p.state == DeviceState::Normal && p.attestation != Attestation::Failed,
            "in state NORMAL, with attestation all but failed",
        );
        check(
            |p| {
                p.state == DeviceState::Normal || (p.emergency && p.state == DeviceState::Contained)
            },
            "in state NORMAL; and in emergency mode, in state CONTAINED",
        );
    }
}
