//! Reads a hospital directory from disk and brings it to the point where it can be asked.

use std::fs;
use std::path::Path;

use cordon_model::hospital::{self, Sources, limits};
use cordon_model::{Hospital, Report};
use cordon_policy::{Engine, Rulebook, consistency};

use crate::outcome::Failure;
use crate::progress::Progress;

/// A hospital and its rules, without errors.
pub(crate) struct Read {
    pub(crate) sources: Sources,
    pub(crate) hospital: Hospital,
    pub(crate) book: Rulebook,
    pub(crate) report: Report,
}

/// A hospital with its rules evaluated.
pub(crate) struct Evaluated {
    pub(crate) sources: Sources,
    pub(crate) hospital: Hospital,
    pub(crate) book: Rulebook,
    pub(crate) engine: Engine,
    pub(crate) report: Report,
}

/// Reads the files of a hospital directory.
pub(crate) fn sources(dir: &Path) -> Result<Sources, Failure> {
    if !dir.is_dir() {
        return Err(Failure::config(
            format!("{} is not a directory", dir.display()),
            "name a hospital directory; `cordon init DIR` makes one",
        ));
    }
    let mut sources = Sources::default();
    for name in ["hospital.toml", "devices.csv"] {
        let path = dir.join(name);
        if path.exists() {
            sources.insert(name, read(&path)?);
        }
    }
    for (folder, endings) in [
        ("profiles", ["toml", "json"]),
        ("policies", ["cedar", "cedar"]),
        ("invariants", ["cedar", "cedar"]),
    ] {
        let entries = match fs::read_dir(dir.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            // Invariants that cannot be read must not be taken for none.
            Err(error) => return Err(Failure::path(&dir.join(folder), &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| Failure::path(&dir.join(folder), &error))?;
            let path = entry.path();
            let wanted = path
                .extension()
                .is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted));
            if !wanted || !path.is_file() {
                continue;
            }
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                let message = format!("{}: the file's name is not UTF-8", path.display());
                return Err(Failure::input(message, "rename the file"));
            };
            if sources.files.len() > limits::FILES_MAX {
                break; // the loader reports the limit
            }
            let name = format!("{folder}/{name}");
            sources.insert(&name, read(&path)?);
        }
    }
    Ok(sources)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let length = fs::metadata(path).map_err(|error| Failure::path(path, &error))?.len();
    if length > limits::FILE_BYTES_MAX as u64 {
        let message = format!("{} has {length} bytes", path.display());
        return Err(Failure::input(
            message,
            format!("at most {} are read", limits::FILE_BYTES_MAX),
        ));
    }
    fs::read(path).map_err(|error| Failure::path(path, &error))
}

/// Reads a hospital and its rules.
pub(crate) fn load(dir: &Path) -> Result<Read, Failure> {
    understand(sources(dir)?)
}

/// Makes a hospital and its rules of files that were read.
pub(crate) fn understand(sources: Sources) -> Result<Read, Failure> {
    let (hospital, mut report) = hospital::load(&sources);
    let policies_only = hospital.is_none();
    let hospital = match hospital {
        Some(hospital) => hospital,
        // Policies are judged even when the plan is not, so that everything is reported together.
        None => match hospital::policies_only(&sources) {
            Some(hospital) => hospital,
            None => return Err(Failure::Data(report)),
        },
    };
    let (book, rules) = Rulebook::read(&hospital);
    report.merge(rules);
    report.sort();
    match book {
        Some(book) if !policies_only => Ok(Read { sources, hospital, book, report }),
        Some(_) | None => Err(Failure::Data(report)),
    }
}

/// Reads the plan of a hospital whose inventory may not be there yet.
pub(crate) fn plan(dir: &Path) -> Result<Hospital, Failure> {
    let mut sources = sources(dir)?;
    sources.insert("devices.csv", format!("{}\n", hospital::COLUMNS.join(",")));
    let (hospital, mut report) = hospital::load(&sources);
    report.sort();
    hospital.ok_or(Failure::Data(report))
}

/// Reads a hospital, evaluates its rules and checks what only shows then.
pub(crate) fn evaluate(dir: &Path, progress: &Progress) -> Result<Evaluated, Failure> {
    let working = progress.spinner("reading the hospital");
    let Read { sources, hospital, book, mut report } = load(dir)?;
    working.set_message("evaluating the policies");
    let engine = Engine::build(&hospital, &book);
    consistency::check(&hospital, &book, &engine, &mut report);
    working.finish_and_clear();
    report.sort();
    if report.has_errors() {
        return Err(Failure::Data(report));
    }
    Ok(Evaluated { sources, hospital, book, engine, report })
}
