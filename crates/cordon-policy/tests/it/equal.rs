//! The table answers exactly as Cedar does: every cell of the clinic, and random policy sets.

use cordon_model::{Act, Direction, Mono, Now, Operation, Posture, Target, Wall};
use cordon_policy::oracle::Oracle;
use cordon_policy::{compile, verify};
use proptest::prelude::*;

use crate::hospital::{Ready, ready, soak, sources};

#[test]
fn cedar_table_bundles_and_kernel_agree_in_every_cell_of_the_clinic() {
    let Ready { hospital, book, engine } = ready(&sources("clinic"));
    let compiled = compile::compile(&hospital, &book, &engine);
    let every = if soak() { 1 } else { 7 };
    let tally = verify::verify(&hospital, &book, &engine, &compiled, every, &mut || {});
    assert_eq!(tally.disagreements, Vec::<String>::new());
    assert!(tally.cedar_cells > 30_000 && tally.kernel_cells > 10_000, "{tally:?}");
}

#[test]
fn cedar_table_bundles_and_kernel_agree_in_the_large_hospital() {
    let Ready { hospital, book, engine } = ready(&sources("metropolitan"));
    let compiled = compile::compile(&hospital, &book, &engine);
    let every = if soak() { 17 } else { 1_009 };
    let tally = verify::verify(&hospital, &book, &engine, &compiled, every, &mut || {});
    assert_eq!(tally.disagreements, Vec::<String>::new());
    assert!(tally.bundle_cells > 10_000_000, "{tally:?}");
}

/// Conditions that a hospital might write, and some that it should not.
fn condition() -> impl Strategy<Value = String> {
    let atoms = vec![
        "principal.tier == Tier::\"ORANGE\"",
        "principal.tier != Tier::\"YELLOW\"",
        "[Tier::\"ORANGE\", Tier::\"RED\"].contains(principal.tier)",
        "principal.segment.attachment == SegmentAttachment::\"gateway\"",
        "principal.unit.care == Care::\"acute\"",
        "principal.unit == Unit::\"consulting\"",
        "principal in DeviceType::\"infusion-pump\"",
        "principal in [Unit::\"consulting\", Segment::\"orange-gateway\"]",
        "principal is Device in Unit::\"imaging\"",
        "principal in Device::\"pump-02\"",
        "resource in [Zone::\"nursing\", Service::\"records\"]",
        "principal == Device::\"pump-01\"",
        "principal has gateway && principal.gateway == Gateway::\"gw-suite\"",
        "principal.autonomous",
        "principal.type == DeviceType::\"thermometer\"",
        "principal.attachment == Attachment::\"tpm\"",
        "resource.kind == ZoneKind::\"clinical\"",
        "resource.zone == Zone::\"nursing\"",
        "resource in Zone::\"infrastructure\"",
        "resource == Service::\"records\"",
        "resource.protocol == Protocol::\"hl7\"",
        "resource.port > 1000",
        "resource.everywhere",
        "resource.buildings.contains(principal.building)",
        "context.declared",
        "context.lifeline",
        "context.emergency",
        "context.hour >= 8 && context.hour < 18",
        "context.port == 443",
        "context.direction == Direction::\"in\"",
        "context.operation == Operation::\"http.get\"",
        "context.class == OperationClass::\"alarm\"",
        "context.state == State::\"CONTAINED\"",
        "[State::\"NORMAL\", State::\"SUSPECT\"].contains(context.state)",
        "context.identity == Identity::\"gateway-bound\"",
        "context.attestation != Attestation::\"failed\"",
        "context.port * 4611686018427387904 > 0", // fails to evaluate where the port exceeds 1
    ];
    let atom = proptest::sample::select(atoms).prop_map(str::to_owned);
    atom.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("if ({a}) then ({b}) else ({c})")),
        ]
    })
}

fn policy() -> impl Strategy<Value = String> {
    let principals = vec![
        "principal is Device",
        "principal",
        "principal == Device::\"pump-01\"",
        "principal in DeviceType::\"infusion-pump\"",
        "principal is Device in Unit::\"consulting\"",
        "principal in Segment::\"yellow-native\"",
    ];
    let resources = vec![
        "resource is Service",
        "resource == Service::\"records\"",
        "resource in Zone::\"clinical\"",
        "resource is Service in Zone::\"nursing\"",
    ];
    (
        any::<bool>(),
        proptest::sample::select(principals),
        proptest::sample::select(resources),
        condition(),
        any::<bool>(),
    )
        .prop_map(|(permit, principal, resource, condition, unless)| {
            let effect = if permit { "permit" } else { "forbid" };
            let word = if unless { "unless" } else { "when" };
            let action = "action == Action::\"connect\"";
            format!("{effect} ({principal}, {action}, {resource}) {word} {{ {condition} }};")
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if soak() { 1_500 } else { 60 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Random policies, validated or not as Cedar pleases; what validates must agree.
    #[test]
    fn the_table_answers_as_cedar_does_for_random_policies(
        policies in proptest::collection::vec(policy(), 1..12),
        questions in proptest::collection::vec((any::<u32>(), any::<u32>(), 0usize..288, 0u8..24), 200),
    ) {
        let mut files = sources("clinic");
        files.files.retain(|path, _| !path.starts_with("policies/") && !path.starts_with("invariants/"));
        let text: Vec<String> =
            policies.iter().enumerate().map(|(n, p)| format!("@id(\"p{n}\")\n{p}\n")).collect();
        let mut good = String::new();
        for one in &text {
            // A policy that the validator refuses never reaches a table.
            files.insert("policies/p.cedar", one.clone());
            let (hospital, _) = cordon_model::hospital::load(&files);
            let (book, _) = cordon_policy::Rulebook::read(&hospital.unwrap());
            if book.is_some() {
                good.push_str(one);
            }
        }
        files.insert("policies/p.cedar", good + "// end\n");
        let Ready { hospital, book, engine } = ready(&files);
        let oracle = Oracle::new(&hospital, &book);
        let services: Vec<_> = hospital.services.iter().collect();
        for (device, service, posture, hour) in questions {
            let device = &hospital.devices[device as usize % hospital.devices.len()];
            let (id, of) = services[service as usize % services.len()];
            let operations: Vec<Operation> = of.protocol.operations().collect();
            let operation = operations[(service as usize / 7) % operations.len()];
            let act = Act {
                device: device.id.clone(),
                target: Target::Service(id.clone()),
                direction: Direction::ALL[service as usize % 2],
                operation,
            };
            let posture = Posture::all().nth(posture).unwrap();
            let now = Now { mono: Mono(0), wall: Wall(u64::from(hour) * 3_600) };
            let (fast, meant) = (engine.decide(&act, posture, now), oracle.decide(&act, posture, now));
            prop_assert_eq!(fast.is_permit(), meant.is_permit(), "{} {:?} {}", act, posture, hour);
            let mut rules = fast.rules().to_vec();
            rules.sort();
            prop_assert_eq!(rules, meant.rules().to_vec(), "{} {:?}", act, posture);
            prop_assert_eq!(format!("{fast:?}").contains("reason"), !fast.is_permit());
        }
    }
}
