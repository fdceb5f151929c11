//! `cordon compile`: one signed bundle for every enforcement point, all of them or none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cordon_model::event::{PolicyAction, PolicyChange, ProofResult};
use cordon_model::seal::{self, Sealer};
use cordon_model::{Bundle, Event, PointId, Sha256Digest, What};
use cordon_policy::compile::compile;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::check::thousands;
use super::prove;
use crate::cli::Compile;
use crate::directory::{self, Evaluated};
use crate::key;
use crate::moment;
use crate::outcome::{Exit, Failure, Outcome};
use crate::progress::Progress;
use crate::recorder::Recorder;

/// What stands in `manifest.json` beside the bundles.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// Whose bundles they are.
    hospital: String,
    /// The number of the newest generation.
    number: u64,
    /// The bundle of every point.
    points: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    number: u64,
    parent: Option<String>,
    digest: String,
    file: String,
}

pub(crate) fn run(args: &Compile, progress: &Progress) -> Result<Outcome, Failure> {
    let read = directory::evaluate(&args.dir, progress)?;
    if !args.without_proof {
        let proved = prove::all(&read, args.solver.as_deref(), prove::LIMIT_S, progress)?;
        if proved.exit != Exit::Done {
            let mut text = proved.text;
            text.push_str("\nnothing was compiled: mend the policy first\n");
            return Ok(Outcome { text, ..proved });
        }
    }
    fs::create_dir_all(&args.out).map_err(|error| Failure::path(&args.out, &error))?;
    if args.out.join("hospital.toml").exists() {
        let message = format!("{} is a hospital directory", args.out.display());
        return Err(Failure::usage(
            message,
            "bundles and keys belong into a directory of their own",
        ));
    }
    let old = manifest(&args.out)?;
    let hospital = read.hospital.id.to_string();
    if old.number > 0 && old.hospital != hospital {
        let message = format!("{} holds the bundles of `{}`", args.out.display(), old.hospital);
        return Err(Failure::usage(message, format!("choose another --out for `{hospital}`")));
    }
    // A journal that cannot be opened, and a policy that cannot be kept, stop it before anything
    // is published.
    let mut recorder = Recorder::open(&args.recording, Some(&read.hospital.id))?;
    let policy = recorder.as_ref().map(|recorder| recorder.keep(&read.sources)).transpose()?;
    let (sealer, made) = sealer(args, &read)?;
    let compiled = compile(&read.hospital, &read.book, &read.engine);
    let number = old.number + 1;
    let mut manifest = Manifest { hospital, number, points: BTreeMap::new() };
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let bar = progress.bar(compiled.bundles.len() as u64, "sealing bundles");
    for (id, bundle) in &compiled.bundles {
        let (entry, text) = numbered(id, bundle, (&args.out, &old), manifest.number, &sealer)?;
        if let Some(text) = text {
            files.insert(entry.file.clone(), text);
        }
        manifest.points.insert(id.to_string(), entry);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let retired: Vec<String> =
        old.points.keys().filter(|id| !manifest.points.contains_key(*id)).cloned().collect();
    let renewed = manifest.points.values().any(|entry| entry.number == manifest.number);
    if !renewed && retired.is_empty() {
        manifest.number = old.number;
    }
    write(&args.out, &files, &manifest, &old, &retired)?;
    if let Some((recorder, policy)) = recorder.as_mut().zip(policy) {
        let is_proved = !args.without_proof;
        recorder.record(&published(policy, manifest.number, files.len(), is_proved));
    }
    let outcome = report(args, &read, &manifest, &files, &retired, made.as_deref());
    Ok(outcome.recorded(recorder))
}

/// Makes the event of a generation that was sealed.
fn published(policy: Sha256Digest, generation: u64, written: usize, is_proved: bool) -> Event {
    let change = PolicyChange {
        action: PolicyAction::Publish,
        bundles: u64::try_from(written).unwrap_or(u64::MAX),
        by: Vec::new(),
        generation,
        policy,
        proof: if is_proved { ProofResult::Proved } else { ProofResult::NotRun },
        reason: None,
    };
    Event { at: moment::now(), point: None, what: What::Policy(Box::new(change)) }
}

fn report(
    args: &Compile,
    read: &Evaluated,
    manifest: &Manifest,
    files: &BTreeMap<String, String>,
    retired: &[String],
    made: Option<&Path>,
) -> Outcome {
    let bytes: usize = files.values().map(String::len).sum();
    let mut text = format!(
        "{} bundles for {} devices, generation {}\n  {} written ({} bytes), {} unchanged, {} retired\n",
        manifest.points.len(),
        thousands(read.hospital.devices.len()),
        manifest.number,
        files.len(),
        thousands(bytes),
        manifest.points.len() - files.len(),
        retired.len()
    );
    if let Some(path) = made {
        let _ = writeln!(
            text,
            "  a signing key was made: {}\n  keep it where no enforcement point can reach it; name it with --key next time",
            path.display()
        );
    }
    let json = json!({
        "out": args.out, "number": manifest.number, "bundles": manifest.points.len(),
        "written": files.len(), "bytes": bytes, "retired": retired,
    });
    Outcome::done(text, json)
}

/// Reads the signing key, or makes one beside the bundles.
fn sealer(args: &Compile, read: &Evaluated) -> Result<(Sealer, Option<PathBuf>), Failure> {
    let path = args.key.clone().unwrap_or_else(|| args.out.join("signing.key"));
    let public = args.out.join("signing.pub");
    let (sealer, made) = match fs::read_to_string(&path) {
        Ok(text) => {
            let help = "a key is one line that `cordon compile` wrote";
            let sealer = Sealer::parse(&text)
                .map_err(|error| Failure::input(format!("{}: {error}", path.display()), help))?;
            (sealer, None)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && args.key.is_none() => {
            let sealer = Sealer::new(&format!("{}/policy", read.hospital.id), key::secret()?);
            key::write_private(&path, &sealer.text())?;
            (sealer, Some(path))
        }
        Err(error) => return Err(Failure::path(&path, &error)),
    };
    fs::write(&public, sealer.seal().text()).map_err(|error| Failure::path(&public, &error))?;
    Ok((sealer, made))
}

fn manifest(out: &Path) -> Result<Manifest, Failure> {
    let path = out.join("manifest.json");
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| {
            let message = format!("{}: {error}", path.display());
            Failure::input(message, "choose another --out, or restore the manifest")
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(Failure::path(&path, &error)),
    }
}

/// Gives a bundle its number and its parent; no text when the one on disk is the same and its seal
/// is good. One that was damaged, or sealed by another key, is sealed again as it was.
fn numbered(
    id: &PointId,
    bundle: &Bundle,
    (out, old): (&Path, &Manifest),
    number: u64,
    sealer: &Sealer,
) -> Result<(Entry, Option<String>), Failure> {
    let bug = |error: seal::SealError| Failure::Bug(error.to_string());
    let mut bundle = bundle.clone();
    if let Some(entry) = old.points.get(id.as_str()) {
        bundle.number = entry.number;
        bundle.parent.clone_from(&entry.parent);
        if seal::digest(&seal::encode(&bundle).map_err(bug)?) == entry.digest {
            let on_disk = fs::read_to_string(out.join(&entry.file));
            let good =
                on_disk.is_ok_and(|text| sealer.seal().open(&text).is_ok_and(|b| b == bundle));
            let text = if good { None } else { Some(sealer.sealed(&bundle).map_err(bug)?) };
            return Ok((entry.clone(), text));
        }
        bundle.parent = Some(entry.digest.clone());
    }
    bundle.number = number;
    let entry = Entry {
        number,
        parent: bundle.parent.clone(),
        digest: seal::digest(&seal::encode(&bundle).map_err(bug)?),
        file: format!("{id}.bundle"),
    };
    Ok((entry, Some(sealer.sealed(&bundle).map_err(bug)?)))
}

/// Writes all bundles beside their places, then moves them in, then the manifest: a reader that
/// follows the manifest never sees half a generation.
fn write(
    out: &Path,
    files: &BTreeMap<String, String>,
    manifest: &Manifest,
    old: &Manifest,
    retired: &[String],
) -> Result<(), Failure> {
    let staged = |name: &str| out.join(format!(".{name}.new"));
    for (name, text) in files {
        let path = staged(name);
        fs::write(&path, text).map_err(|error| Failure::path(&path, &error))?;
    }
    for name in files.keys() {
        let path = out.join(name);
        fs::rename(staged(name), &path).map_err(|error| Failure::path(&path, &error))?;
    }
    let text = serde_json::to_string_pretty(manifest).map_err(|e| Failure::Bug(e.to_string()))?;
    let path = out.join("manifest.json");
    fs::write(staged("manifest.json"), text + "\n")
        .map_err(|error| Failure::path(&path, &error))?;
    fs::rename(staged("manifest.json"), &path).map_err(|error| Failure::path(&path, &error))?;
    for entry in retired.iter().filter_map(|id| old.points.get(id)) {
        let path = out.join(&entry.file);
        fs::remove_file(&path).map_err(|error| Failure::path(&path, &error))?;
    }
    Ok(())
}
