//! `cordon init`: a commented starter hospital that checks, proves and compiles as it stands.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::cli::Init;
use crate::outcome::{Failure, Outcome};

/// The starter: path and content.
const FILES: [(&str, &str); 8] = [
    ("hospital.toml", include_str!("../../starter/hospital.toml")),
    ("devices.csv", include_str!("../../starter/devices.csv")),
    ("profiles/infusion-pump.toml", include_str!("../../starter/profiles/infusion-pump.toml")),
    ("profiles/ventilator.toml", include_str!("../../starter/profiles/ventilator.toml")),
    ("policies/red.cedar", include_str!("../../starter/policies/red.cedar")),
    ("policies/orange.cedar", include_str!("../../starter/policies/orange.cedar")),
    ("policies/people.cedar", include_str!("../../starter/policies/people.cedar")),
    ("invariants/own.cedar", include_str!("../../starter/invariants/own.cedar")),
];

pub(crate) fn run(args: &Init) -> Result<Outcome, Failure> {
    let dir = &args.dir;
    if dir.exists() && !is_empty(dir)? {
        let message = format!("{} is there already and is not empty", dir.display());
        return Err(Failure::usage(message, "name a directory that does not exist yet"));
    }
    for (name, content) in FILES {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Failure::path(folder, &error))?;
        }
        fs::write(&path, content).map_err(|error| Failure::path(&path, &error))?;
    }
    let shown = dir.display();
    let text = format!(
        "a starter hospital is in {shown}: one building, two tiers, four devices\n\n  \
         cordon check {shown}\n  cordon explain {shown} --device pump-1 --to records\n  \
         cordon prove {shown}\n\n\
         then put your own buildings, services and devices in; every file says what belongs into it\n"
    );
    let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    Ok(Outcome::done(text, json!({ "dir": dir, "files": names })))
}

fn is_empty(dir: &Path) -> Result<bool, Failure> {
    let mut entries = fs::read_dir(dir).map_err(|error| Failure::path(dir, &error))?;
    Ok(entries.next().is_none())
}
