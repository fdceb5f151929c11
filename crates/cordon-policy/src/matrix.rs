//! The decision matrix: what every device type may do, in every state, as a text that a person who
//! is no engineer can read and compare.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cordon_model::{
    Attestation, Device, DeviceState, Hospital, Identity, Operation, Posture, PostureSet, ServiceId,
};

use crate::engine::{Engine, Relation};
use crate::explain::in_service;
use crate::words;

/// One line of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    target: String,
    direction: &'static str,
    cells: String,
    note: String,
    operations: Vec<String>,
}

/// The note on what the profile does not declare.
const UNDECLARED: &str = "not declared";

/// Devices of one type and tier that may do the same.
#[derive(Debug, Default)]
struct Kind<'a> {
    devices: usize,
    buildings: BTreeSet<&'a str>,
}

/// Cells that were decided, and those that permit.
#[derive(Debug, Default)]
struct Tally {
    cells: usize,
    permits: usize,
}

/// Writes the matrix of a hospital.
#[must_use]
pub fn text(hospital: &Hospital, engine: &Engine) -> String {
    let mut tally = Tally::default();
    let mut of_class: BTreeMap<usize, Vec<Line>> = BTreeMap::new();
    let mut kinds: BTreeMap<(&str, &str, Vec<Line>), Kind<'_>> = BTreeMap::new();
    for device in &hospital.devices {
        let Some(class) = engine.class_of(&device.id) else { continue };
        let lines = of_class
            .entry(class)
            .or_insert_with(|| lines(hospital, engine, device, class, &mut tally));
        let key = (device.profile.as_str(), device.tier.name(), lines.clone());
        let kind = kinds.entry(key).or_default();
        kind.devices += 1;
        kind.buildings.insert(device.building.as_str());
    }
    let mut out = heading(hospital);
    for ((name, tier, lines), kind) in kinds {
        let buildings: Vec<&str> = kind.buildings.into_iter().collect();
        let count = kind.devices;
        let buildings = buildings.join(", ");
        let _ = writeln!(out, "\n{name} ({tier}): {count} devices in building {buildings}");
        write_lines(&mut out, &lines);
    }
    let Tally { cells, permits } = tally;
    let _ = writeln!(
        out,
        "\n{cells} cells of {} kinds of devices were decided: {permits} permits, {} denials.",
        of_class.len(),
        cells - permits
    );
    out
}

fn heading(hospital: &Hospital) -> String {
    let mut out = format!("What every device type of {} may do\n\n", hospital.name);
    out.push_str(
        "A line is a service (or a role that services share), who opens the conversation\n\
         (→ the device, ← the service) and what is done. The nine letters are the states of the\n\
         device; the first group is the normal mode, the second the clinical emergency mode.\n\n    ",
    );
    let letters: Vec<String> =
        DeviceState::ALL.iter().map(|state| format!("{}={state}", letter(*state))).collect();
    out.push_str(&letters.join(" "));
    out.push_str(
        "\n\nA letter: permitted. A dot: denied. What is on no line is denied in every state and mode.\n\
         The verdicts are those of a device that proved its identity and whose attestation did not fail;\n\
         a line that asks for either says so.\n",
    );
    out
}

fn letter(state: DeviceState) -> char {
    match state {
        DeviceState::Discovered => 'D',
        DeviceState::Enrolled => 'E',
        DeviceState::Normal => 'N',
        DeviceState::Suspect => 'S',
        DeviceState::Contained => 'C',
        DeviceState::Isolated => 'I',
        DeviceState::Remediation => 'M',
        DeviceState::Probation => 'P',
        DeviceState::Retired => 'R',
    }
}

/// Gives the lines of a class that have a permit in them.
fn lines(
    hospital: &Hospital,
    engine: &Engine,
    device: &Device,
    class: usize,
    tally: &mut Tally,
) -> Vec<Line> {
    let ids: Vec<&ServiceId> = hospital.services.keys().collect();
    let mut joined: BTreeMap<Line, Vec<Operation>> = BTreeMap::new();
    for grant in engine.grants.get(class).into_iter().flatten() {
        let (Some(id), Some(row)) = (ids.get(grant.service), engine.rows.get(grant.row)) else {
            continue;
        };
        let Some(service) = hospital.services.get(*id) else { continue };
        let set = row.permitted.iter().fold(PostureSet::default(), |all, set| all.union(set));
        tally.permits += usize::try_from(set.len()).unwrap_or(0);
        let own = service.role.clone().filter(|_| !service.buildings.is_empty());
        let line = Line {
            target: own.unwrap_or_else(|| id.to_string()),
            direction: match grant.direction {
                cordon_model::Direction::Out => "→",
                cordon_model::Direction::In => "←",
            },
            cells: cells(&set, device),
            note: note(&set, grant.relation, row.permitted.len() > 1),
            operations: Vec::new(),
        };
        joined.entry(line).or_default().push(grant.operation);
    }
    let acts = hospital.services.values().map(|s| 2 * s.protocol.operations().count());
    tally.cells += acts.sum::<usize>() * Posture::COUNT;
    let lines = joined.into_iter().map(|(mut line, operations)| {
        line.operations = verbs(&operations, &line.note);
        line
    });
    lines.collect()
}

/// Names operations; all of a protocol, or all that the profile does not declare, in one word.
fn verbs(operations: &[Operation], note: &str) -> Vec<String> {
    let Some(protocol) = operations.first().map(|operation| operation.protocol()) else {
        return Vec::new();
    };
    if note == UNDECLARED && operations.len() < protocol.operations().count() {
        return vec![format!("{protocol}.* but what other lines declare")];
    }
    words::operations(operations)
}

fn cells(set: &PostureSet, device: &Device) -> String {
    let strong = in_service(device);
    let row = |emergency: bool| -> String {
        let cell = |state: &DeviceState| {
            let permitted = set.contains(Posture { state: *state, emergency, ..strong });
            if permitted { letter(*state) } else { '.' }
        };
        DeviceState::ALL.iter().map(cell).collect()
    };
    format!("{} {}", row(false), row(true))
}

/// Says what a line asks for besides state and mode.
fn note(set: &PostureSet, relation: Relation, hourly: bool) -> String {
    let mut notes = Vec::new();
    match relation {
        Relation::Declared { lifeline: true, .. } => notes.push("lifeline".to_owned()),
        Relation::Declared { .. } => {}
        Relation::OtherOperation | Relation::Unlisted => notes.push(UNDECLARED.to_owned()),
    }
    let by_identity =
        depends(set, |p| Identity::ALL.iter().map(|i| Posture { identity: *i, ..p }).collect());
    let by_attestation = depends(set, |p| {
        Attestation::ALL.iter().map(|a| Posture { attestation: *a, ..p }).collect()
    });
    if by_identity || by_attestation {
        notes.push(format!("needs {}", words::proofs(set)));
    }
    if hourly {
        notes.push("at some hours only".to_owned());
    }
    notes.join("; ")
}

fn depends(set: &PostureSet, vary: impl Fn(Posture) -> Vec<Posture>) -> bool {
    Posture::all().any(|posture| {
        let varied = vary(posture);
        varied.iter().any(|p| set.contains(*p)) && varied.iter().any(|p| !set.contains(*p))
    })
}

fn write_lines(out: &mut String, lines: &[Line]) {
    let width = lines.iter().map(|line| line.target.chars().count()).max().unwrap_or(0);
    let mut sorted: Vec<&Line> = lines.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.target, a.direction, &a.operations).cmp(&(&b.target, b.direction, &b.operations))
    });
    for line in sorted {
        let Line { target, direction, cells, note, operations } = line;
        let _ = write!(out, "  {cells}  {direction} {target:width$}  {}", operations.join(" "));
        let _ = writeln!(
            out,
            "{}",
            if note.is_empty() { String::new() } else { format!("  [{note}]") }
        );
    }
    if lines.is_empty() {
        out.push_str("  nothing\n");
    }
}
