//! A hospital of three devices with the rules of the Metropolitan example.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cordon_model::hospital::{Sources, load};
use cordon_model::{Hospital, Report};
use cordon_policy::Rulebook;
use cordon_proof::{Counterexample, Outcome, Proof, Prover};

const PLAN: &str = r#"
id = "small"
name = "Small Hospital"
bundle-age-max-s = 3600
tiers.red      = { tolerated-downtime-s = 0, alert-within-s = 1, contain-within-s = 1, response = "contain" }
tiers.green    = { tolerated-downtime-s = 900, alert-within-s = 900, contain-within-s = 900, response = "log-and-review" }
tiers.green-ls = { tolerated-downtime-s = 0, alert-within-s = 900, contain-within-s = 900, response = "log-and-review" }
buildings = [{ id = "a", name = "House", lowest-floor = 0, highest-floor = 3 }]
units = [
  { id = "icu", building = "a", floor = 1, care = "critical", name = "Intensive care" },
  { id = "plant", building = "a", floor = 0, care = "technical", name = "Plant" },
]
zones = [
  { id = "clinical", kind = "clinical", networks = ["10.50.0.0/16"] },
  { id = "facility", kind = "facility", networks = ["10.60.0.0/16"] },
  { id = "devices", kind = "devices", networks = ["10.96.0.0/11"] },
  { id = "internet", kind = "internet", networks = [] },
]
segments = [
  { id = "red-a", vlan = 100, tier = "red", building = "a", attachment = "native", networks = ["10.100.0.0/16"], firewall = "fw-100", interface = "vlan100" },
  { id = "green-a", vlan = 128, tier = "green", building = "a", attachment = "gateway", networks = ["10.120.0.0/16"], firewall = "fw-128", interface = "vlan128" },
]
gateways = [{ id = "gw-1", segment = "green-a", ports = 20, port-interface = "port", uplink-interface = "uplink" }]
services = [
  { id = "vent-data", name = "Ventilator data", zone = "clinical", addresses = ["10.50.1.1"], port = 2575, transport = "tcp", protocol = "hl7" },
  { id = "ehr-api", name = "Health record", zone = "clinical", addresses = ["10.50.1.2"], port = 443, transport = "tcp", protocol = "http" },
  { id = "building-automation", name = "Building automation", zone = "facility", addresses = ["10.60.1.1"], port = 502, transport = "tcp", protocol = "modbus" },
]
"#;

const VENTILATOR: &str = r#"
name = "Ventilator"
umbrella = "patient-monitors"
tier = "red"
impact = "life-support"
[[flows]]
service = "vent-data"
operations = ["hl7.oru-r01", "hl7.oru-r40"]
lifeline = true
[[flows]]
service = "ehr-api"
operations = ["http.get"]
"#;

const HVAC: &str = r#"
name = "HVAC controller"
umbrella = "facility"
tier = "green"
impact = "facility"
[[flows]]
service = "building-automation"
operations = ["modbus.read", "modbus.write"]
lifeline = true
[[flows]]
service = "ehr-api"
operations = ["http.get"]
"#;

const DEVICES: &str = "\
id,type,tier,vendor,model,serial,mac,ip,building,floor,unit,segment,gateway,port,attachment,autonomous,life-safety,firmware,firmware-sha256
VENT-1,ventilator,red,Maker,V1,S1,02:00:00:00:00:01,10.100.0.11,a,1,icu,red-a,,,tpm,no,no,1.0,1111111111111111111111111111111111111111111111111111111111111111
HVAC-1,hvac,green,Maker,H1,S2,02:00:00:00:00:02,10.120.0.12,a,0,plant,green-a,gw-1,1,legacy,yes,no,1.0,1111111111111111111111111111111111111111111111111111111111111111
HVAC-2,hvac,green-ls,Maker,H1,S3,02:00:00:00:00:03,10.120.0.13,a,1,icu,green-a,gw-1,2,legacy,yes,yes,1.0,1111111111111111111111111111111111111111111111111111111111111111
";

fn metropolitan() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/metropolitan")
}

fn take(sources: &mut Sources, root: &Path, folder: &str) {
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            sources.insert(&name, std::fs::read(&path).unwrap());
        }
    }
}

fn read(sources: &Sources) -> (Hospital, Rulebook) {
    let (hospital, report) = load(sources);
    let hospital = hospital.unwrap_or_else(|| unreadable(&report));
    let (book, report) = Rulebook::read(&hospital);
    let book = book.unwrap_or_else(|| unreadable(&report));
    (hospital, book)
}

fn unreadable<T>(report: &Report) -> T {
    assert!(report.entries.is_empty(), "{:#?}", report.entries);
    unreachable!("nothing was read and nothing is wrong")
}

/// Gives the small hospital with an additional policy file.
pub(crate) fn with(more: &str) -> (Hospital, Rulebook) {
    let mut sources = Sources::default();
    take(&mut sources, &metropolitan(), "policies");
    take(&mut sources, &metropolitan(), "invariants");
    sources.insert("hospital.toml", PLAN);
    sources.insert("devices.csv", DEVICES);
    sources.insert("profiles/ventilator.toml", VENTILATOR);
    sources.insert("profiles/hvac.toml", HVAC);
    if !more.is_empty() {
        sources.insert("policies/more.cedar", more);
    }
    read(&sources)
}

/// Gives the example hospital of 8,000 devices.
pub(crate) fn large() -> (Hospital, Rulebook) {
    let mut sources = Sources::default();
    for folder in ["", "policies", "invariants", "profiles"] {
        take(&mut sources, &metropolitan(), folder);
    }
    read(&sources)
}

/// Gives the prover; says which package to install when there is no solver.
pub(crate) fn prover() -> Prover {
    let prover = Prover::new(None, Duration::from_secs(60));
    let version = prover.version();
    assert!(version.is_ok(), "install the Debian package `cvc5`: {version:?}");
    prover
}

/// Proves everything about a hospital.
pub(crate) fn prove((hospital, book): &(Hospital, Rulebook)) -> Vec<Proof> {
    prover().prove(book, hospital, &mut |_| ()).unwrap()
}

/// Gives the names of the claims that do not hold.
pub(crate) fn refuted(proofs: &[Proof]) -> Vec<&str> {
    proofs.iter().filter(|proof| !proof.is_proved()).map(|proof| proof.id.as_str()).collect()
}

/// Gives the counterexample of a claim.
pub(crate) fn example<'p>(proofs: &'p [Proof], id: &str) -> &'p Counterexample {
    let proof = proofs.iter().find(|proof| proof.id == id).unwrap();
    match &proof.outcome {
        Outcome::Refuted(example) => example,
        other @ (Outcome::Proved | Outcome::Undecided { .. }) => {
            unreachable!("{id} is not refuted: {other:#?}")
        }
    }
}
