//! `hospital.toml`: tables with one line per row, so that a change shows as one line.

use std::fmt::Write as _;

use super::counts::{PORTS_PER_GATEWAY, Tier};
use super::fleet::{Fleet, gateway_id};
use super::places;
use super::services;

/// The head of the file: what it is, and what each tier tolerates.
const HEAD: &str = r#"# Metropolitan General Hospital: DEVICES devices in four buildings.
#
# `cargo xtask gen` writes this file, devices.csv and profiles/ (seed SEED); edit the generator
# in xtask/src/gen, not this file. policies/ and invariants/ are written by hand.
# docs/reference/hospital-directory.md explains every key.

id = "metropolitan"
name = "Metropolitan General Hospital"

# A decision point that is silent for 60 minutes makes a bundle stale. What stale means depends on
# the tier: a RED device keeps its bundle for ever.
bundle-age-max-s = 3600

# ---- Tiers --------------------------------------------------------------------------------------
# tolerated-downtime-s is how long the network may fail a device; the other two are deadlines, not
# delays, and count from the first violating packet. RED is contained and never quarantined: its
# lifelines stay, everything else is cut. GREEN-LS is the part of GREEN that keeps people safe:
# egress doors, lifts, the air of operating and isolation rooms.
"#;

/// Tier, tolerated downtime, alert and containment deadlines in seconds, response.
const TIERS: [(&str, u32, u32, u32, &str); 5] = [
    ("red", 0, 1, 1, "contain"),
    ("orange", 60, 5, 60, "quarantine"),
    ("yellow", 300, 30, 300, "quarantine"),
    ("green", 900, 900, 900, "log-and-review"),
    ("green-ls", 0, 900, 900, "log-and-review"),
];

/// The zones, and the segments that no device of the plan lives in.
const ZONES: &str = r#"
# ---- Zones --------------------------------------------------------------------------------------
# An address is in the zone with the longest network that holds it; whatever is in none is in the
# internet.

zones = [
  { id = "clinical",       kind = "clinical",       networks = ["10.50.0.0/16", "fd00:50::/32"] },
  { id = "operations",     kind = "operations",     networks = ["10.55.0.0/16"] },
  { id = "facility",       kind = "facility",       networks = ["10.60.0.0/16"] },
  { id = "infrastructure", kind = "infrastructure", networks = ["10.70.0.0/16", "fd00:70::/32"] },
  { id = "devices",        kind = "devices",        networks = ["10.96.0.0/11", "10.128.0.0/12"] },
  { id = "quarantine",     kind = "quarantine",     networks = ["10.200.0.0/16"] },
  { id = "onboarding",     kind = "onboarding",     networks = ["10.201.0.0/16"] },
  { id = "unmanaged",      kind = "unmanaged",      networks = ["10.202.0.0/16"] },
  { id = "management",     kind = "management",     networks = ["10.80.0.0/16"] },
  { id = "corporate",      kind = "corporate",      networks = ["10.10.0.0/16"] },
  { id = "internet",       kind = "internet",       networks = [] },
]

# Networks for devices out of the ordinary; they are not among the 32 segments.
service-segments = [
  { id = "quarantine",     vlan = 900, purpose = "quarantine",     networks = ["10.200.0.0/20"] },
  { id = "onboarding",     vlan = 901, purpose = "onboarding",     networks = ["10.201.0.0/20"] },
  { id = "unmanaged",      vlan = 902, purpose = "unmanaged",      networks = ["10.202.0.0/20"] },
  { id = "infrastructure", vlan = 903, purpose = "infrastructure", networks = ["10.70.0.0/24"] },
]
"#;

/// Gives the whole file.
pub(super) fn text(seed: u64, fleet: &Fleet) -> String {
    let devices = fleet.device_count().to_string();
    let mut text = HEAD.replace("DEVICES", &devices).replace("SEED", &seed.to_string());
    tiers(&mut text);
    buildings(&mut text);
    units(&mut text);
    text.push_str(ZONES);
    segments(&mut text);
    gateways(&mut text, fleet);
    services::write(&mut text);
    text
}

/// Writes a row whose first value is padded, so that the columns line up.
fn row(text: &mut String, id: &str, width: usize, rest: &str) {
    let id = format!("\"{id}\",");
    let _ = writeln!(text, "  {{ id = {id:width$} {rest} }},", width = width + 3);
}

fn heading(text: &mut String, title: &str, comment: &str) {
    let _ = writeln!(text, "\n# ---- {title} {}", "-".repeat(92 - title.len()));
    text.push_str(comment);
    text.push('\n');
}

fn tiers(text: &mut String) {
    text.push('\n');
    for (tier, downtime, alert, contain, response) in TIERS {
        let _ = writeln!(
            text,
            "tiers.{tier:8} = {{ tolerated-downtime-s = {downtime:>3}, \
             alert-within-s = {alert:>3}, contain-within-s = {contain:>3}, response = \"{response}\" }}"
        );
    }
}

fn buildings(text: &mut String) {
    heading(text, "Buildings", "");
    text.push_str("buildings = [\n");
    for building in &places::ALL {
        let rest = format!(
            "name = {:31} lowest-floor = {}, highest-floor = {}",
            format!("\"{}\",", building.name),
            places::LOWEST_FLOOR,
            building.highest_floor
        );
        row(text, building.key, 1, &rest);
    }
    text.push_str("]\n");
}

fn units(text: &mut String) {
    let comment = "# Floor 0 is the ground floor.\n";
    heading(text, "Units", comment);
    text.push_str("units = [\n");
    for building in &places::ALL {
        for unit in building.units {
            let rest = format!(
                "building = \"{}\", floor = {:>2}, care = {:12} name = \"{}\"",
                building.key,
                unit.floor,
                format!("\"{}\",", unit.purpose.care()),
                unit.name
            );
            row(text, &format!("{}-{}", building.key, unit.key), 12, &rest);
        }
    }
    text.push_str("]\n");
}

fn segments(text: &mut String) {
    let comment = "\
# 32 = 4 tiers x 4 buildings x 2 kinds of attachment. The VLAN says all three: the decade is the
# tier, then 0 to 3 is the building of devices with a key of their own, 4 to 7 of those behind
# gateways. 10.VLAN.0.0/24 is left to the segment's own equipment; devices start at 10.VLAN.1.1.
";
    heading(text, "Segments", comment);
    text.push_str("segments = [\n");
    for tier in Tier::ALL {
        for (first, attachment) in [(0, "native"), (4, "gateway")] {
            for (index, building) in places::ALL.iter().enumerate() {
                let vlan = tier.vlan() + first + index;
                let rest = format!(
                    "vlan = {vlan}, tier = {:9} building = \"{}\", attachment = {:10} \
                     networks = [\"10.{vlan}.0.0/16\", \"fd00:{vlan}::/64\"], \
                     firewall = \"fw-{vlan}\", interface = \"vlan{vlan}\"",
                    format!("\"{}\",", tier.key()),
                    building.key,
                    format!("\"{attachment}\","),
                );
                row(text, &format!("{}-{}-{attachment}", tier.key(), building.key), 16, &rest);
            }
        }
    }
    text.push_str("]\n");
}

fn gateways(text: &mut String, fleet: &Fleet) {
    let comment = "\
# One gateway holds the credentials of the 20 devices on its access ports, so none is shared
# between tiers: what happens to one tier's gateway never touches another tier.
";
    heading(text, "Gateways", comment);
    text.push_str("gateways = [\n");
    for tier in Tier::ALL {
        for (index, building) in places::ALL.iter().enumerate() {
            let segment = format!("\"{}-{}-gateway\",", tier.key(), building.key);
            for number in 0..fleet.gateway_count(tier, index) {
                let rest = format!(
                    "segment = {segment:19} ports = {PORTS_PER_GATEWAY}, \
                     port-interface = \"port\", uplink-interface = \"uplink\"",
                );
                row(text, &gateway_id(tier, building.key, number), 15, &rest);
            }
        }
    }
    text.push_str("]\n");
}
