//! `cargo xtask demo`: what cordon does, on the example hospitals, step by step, each with what it must
//! show: as root in a lab of network namespaces, and always in memory.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, bail, ensure};

use crate::repo::{self, Repo};
use crate::term;

mod lab;

const HOSPITAL: &str = "examples/metropolitan";

/// The pump of the story, and the address outside that it has no reason to speak to.
const PUMP: &str = "PUMP-3F-042";
const OUTSIDE: &str = "198.51.100.45";

/// A well-meant edit. Every guardrail lets it pass, and no test with samples would ask the question;
/// the proof does.
const BAD_PERMIT: &str = r#"@id("orange-emergency")
@plain("In clinical emergency mode a patient-critical device reaches every clinical service of its building.")
permit (principal is Device, action == Action::"connect", resource is Service)
when {
  principal.tier == Tier::"ORANGE" && context.emergency && resource.kind == ZoneKind::"clinical"
};
"#;

/// What a pump of the clinic said, as it should and as it should not.
const RECORDING: &str = "crates/cordon/testdata/inspect/clinic.pcap";

/// What somebody would like to have been recorded, and the edit that says so.
const BLOCKED: &str = r#""verdict":"block""#;
const PASSED: &str = r#""verdict":"pass""#;
const FORGERY: &str =
    r#"sed -i '0,/"verdict":"block"/s//"verdict":"pass"/' traffic/00000000000000000000.jsonl"#;

/// The invariant that it breaks.
const BROKEN: &str = "emergency-opens-red-only";

/// One step: what the reader is about to see, and how to know that it was seen.
struct Scene<'a> {
    title: &'a str,
    arguments: Vec<&'a str>,
    exit_code: i32,
    /// The edit that is shown before the step, if any.
    edit: Option<&'a str>,
    /// What somebody does before the step, if anything.
    before: Option<fn(&Path) -> anyhow::Result<()>>,
    /// Words that the output must have.
    words: &'a [&'a str],
    showed: &'a str,
}

/// Plays the tour of the lab where one can be built, and that in memory; says which, and why.
///
/// # Errors
/// When something did not show what it should.
pub(crate) fn run(repo: &Repo) -> anyhow::Result<()> {
    let why_not = lab::why_not()?;
    term::line(match &why_not {
        None => {
            "two tours: a clinic in network namespaces, which root may make; then one in memory"
                .to_owned()
        }
        Some(why) => format!("one tour, in memory; none of a clinic in a lab: {why}"),
    })?;
    let cordon = repo.cordon()?;
    let in_lab = if why_not.is_none() { in_lab(repo, &cordon) } else { Ok(()) };
    // Both are played whatever the first shows.
    let in_memory = in_memory(repo, &cordon);
    in_lab.and(in_memory)
}

/// Walks through the lab.
fn in_lab(repo: &Repo, cordon: &Path) -> anyhow::Result<()> {
    repo.gateway()?;
    let lab = lab::Lab::new(repo, cordon);
    let played = tour(repo, cordon, &lab::scenes(), Path::new(""));
    term::line(format_args!("\n{} seconds", lab.start.elapsed().as_secs()))?;
    played
}

/// Walks through the example hospital.
fn in_memory(repo: &Repo, cordon: &Path) -> anyhow::Result<()> {
    let stage = Stage::new(&repo.path(HOSPITAL))?;
    let (spoilt, journal) = (stage.spoilt(), stage.journal());
    let (spoilt_path, journal_path) = (spoilt.to_string_lossy(), journal.to_string_lossy());
    let scenes: Vec<Scene<'_>> =
        policy(&spoilt_path).into_iter().chain(messages(&journal_path)).collect();
    tour(repo, cordon, &scenes, &journal)
}

/// Plays one scene after the other, and says of each whether it showed what it must.
fn tour(repo: &Repo, cordon: &Path, scenes: &[Scene<'_>], journal: &Path) -> anyhow::Result<()> {
    let mut failures = 0_usize;
    for (index, scene) in scenes.iter().enumerate() {
        term::line(format_args!("\n=== {} of {}: {}\n", index + 1, scenes.len(), scene.title))?;
        if let Some(edit) = scene.edit {
            term::line(edit)?;
        }
        match play(repo, cordon, scene, journal) {
            Ok(()) => term::line(format_args!("--- showed: {}", scene.showed))?,
            Err(error) => {
                failures += 1;
                term::line(format_args!("--- did NOT show: {} ({error:#})", scene.showed))?;
            }
        }
    }
    if failures > 0 {
        bail!("{failures} of {} steps did not show what they should", scenes.len());
    }
    Ok(())
}

/// What is planned, permitted and proved.
fn policy(spoilt: &str) -> [Scene<'_>; 5] {
    [
        Scene {
            title: "The hospital is a folder of text files; `check` reads it whole and finds no mistake.",
            arguments: vec!["check", HOSPITAL],
            exit_code: 0,
            edit: None,
            before: None,
            words: &["8,000", "272 enforcement points"],
            showed: "the plan, the devices, the profiles and the policies fit together",
        },
        Scene {
            title: "`prove` asks of every possible request, not of samples, whether an invariant can be broken.",
            arguments: vec!["prove", HOSPITAL],
            exit_code: 0,
            edit: None,
            before: None,
            words: &["hold for every request there can be"],
            showed: "no request breaks an invariant",
        },
        Scene {
            title: "An infusion pump tries to reach an address on the internet.",
            arguments: vec![
                "explain", HOSPITAL, "--device", PUMP, "--to", OUTSIDE, "--port", "8080",
                "--proto", "tcp",
            ],
            exit_code: 1,
            edit: None,
            before: None,
            words: &["DENY (unlisted-destination)", "guardrail.no-internet-address"],
            showed: "denied, with the reason",
        },
        Scene {
            title: "The same pump speaks to the patient records, as it must.",
            arguments: vec!["explain", HOSPITAL, "--device", PUMP, "--to", "ehr-api"],
            exit_code: 0,
            edit: None,
            before: None,
            words: &["PERMIT", "orange-clinical-services"],
            showed: "permitted, with the rule that permits it",
        },
        Scene {
            title: "In a copy of the hospital, somebody adds one well-meant permit:",
            arguments: vec!["prove", spoilt],
            exit_code: 1,
            edit: Some(BAD_PERMIT),
            before: None,
            words: &["REFUTED", BROKEN, "orange-emergency"],
            showed: "the proof fails and names a device of the hospital that could abuse the edit",
        },
    ]
}

/// What is said, judged and recorded.
fn messages(journal: &str) -> [Scene<'_>; 3] {
    [
        Scene {
            title: "In a clinic somebody recorded what a pump said; `inspect` reads and judges every message.",
            arguments: vec![
                "inspect",
                RECORDING,
                "--hospital",
                "examples/clinic",
                "--journal",
                journal,
            ],
            exit_code: 1,
            edit: None,
            before: None,
            words: &["identity-mismatch", "command-from-device", "no-flow", "RGV^O15"],
            showed: "what is listed passes; another's name, a command and an unlisted call do not",
        },
        Scene {
            title: "Each verdict is in a journal now: a chain, a tree and signed heads, verified from the files alone.",
            arguments: vec!["journal", "verify", journal],
            exit_code: 0,
            edit: None,
            before: None,
            words: &["sound"],
            showed: "what was recorded is as it was recorded",
        },
        Scene {
            title: "Somebody opens the file and makes of one blocked message one that passed:",
            arguments: vec!["journal", "verify", journal],
            exit_code: 1,
            edit: Some(FORGERY),
            before: Some(forge),
            words: &["broken", "00000000000000000000.jsonl:"],
            showed: "the forgery is found, with file and line",
        },
    ]
}

/// Changes one record of the journal.
fn forge(journal: &Path) -> anyhow::Result<()> {
    let path = journal.join("traffic/00000000000000000000.jsonl");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    ensure!(text.contains(BLOCKED), "no message was recorded as blocked");
    Ok(fs::write(&path, text.replacen(BLOCKED, PASSED, 1))?)
}

fn play(repo: &Repo, cordon: &Path, scene: &Scene<'_>, journal: &Path) -> anyhow::Result<()> {
    if let Some(before) = scene.before {
        before(journal)?;
    }
    let mut command = repo.command(cordon);
    command.args(&scene.arguments);
    term::line(format_args!("$ {}", repo::shown(&command)))?;
    let output = repo::output(&mut command)?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    term::line(text.trim_end())?;
    match output.status.code() {
        Some(code) if code == scene.exit_code => {}
        _ => bail!("{}, expected exit code {}", output.status, scene.exit_code),
    }
    if let Some(word) = scene.words.iter().find(|word| !text.contains(**word)) {
        bail!("the output does not say `{word}`");
    }
    Ok(())
}

/// A folder with a copy of the hospital that has the bad permit in it, and room for a journal; goes
/// away with the value.
struct Stage(PathBuf);

impl Stage {
    fn new(hospital: &Path) -> anyhow::Result<Stage> {
        let folder = env::temp_dir().join(format!("cordon-demo-{}", process::id()));
        // From here on the folder is removed whatever happens.
        let stage = Stage(folder);
        let spoilt = stage.spoilt();
        copy(hospital, &spoilt).context("the copy of the hospital")?;
        fs::write(spoilt.join("policies").join("demo.cedar"), BAD_PERMIT)?;
        Ok(stage)
    }

    fn spoilt(&self) -> PathBuf {
        self.0.join("hospital")
    }

    fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A copy that stays behind does no harm, and there is nobody to tell.
        let _left = fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
