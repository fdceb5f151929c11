//! `commands`: the program as people and pipelines run it, one process after another.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use cordon_model::{Device, Hospital};

use crate::clock::once;
use crate::example;
use crate::figure::{Figures, Target};
use crate::run::{Args, repository};

const GROUP: &str = "commands";
/// GNU time, which tells the peak of a process's memory.
const TIME: &str = "/usr/bin/time";

/// What one process took.
#[derive(Debug, Clone, Copy)]
struct Taken {
    wall_ms: f64,
    peak_mib: f64,
}

/// Everything that the commands are run on.
struct Bench<'a> {
    args: &'a Args,
    cordon: PathBuf,
    example: PathBuf,
    scratch: PathBuf,
    hospital: Hospital,
}

/// Measures.
/// # Errors
/// When the program cannot be built or a command fails.
pub fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    ensure!(Path::new(TIME).is_file(), "{TIME} is missing; install GNU time");
    let scratch = tempfile::tempdir()?;
    let example = args.directory();
    let bench = Bench {
        args,
        cordon: cordon(args)?,
        hospital: example::load(&example::sources(&example)?)?,
        example,
        scratch: scratch.path().to_owned(),
    };
    bench.cold(figures)?;
    bench.one_change(figures)?;
    bench.explain(figures)?;
    bench.compare(figures)?;
    bench.matrix(figures)?;
    bench.prove(figures)
}

/// Finds the program, or builds it.
fn cordon(args: &Args) -> anyhow::Result<PathBuf> {
    if let Some(path) = &args.cordon {
        return path.canonicalize().with_context(|| format!("{}", path.display()));
    }
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let built = Command::new(cargo)
        .args(["build", "--release", "--package", "cordon"])
        .current_dir(repository())
        .status()?;
    ensure!(built.success(), "cannot build `cordon`");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    Ok(repository().join(target).join("release/cordon"))
}

impl Bench<'_> {
    /// Runs the program once; exit code 1 means that it found something, not that it failed.
    fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> anyhow::Result<Taken> {
        let note = self.scratch.join("time");
        let mut command = Command::new(TIME);
        command.args(["--quiet", "--format", "%M", "--output"]).arg(&note);
        command.arg(&self.cordon).arg("--quiet").args(words);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let (done, wall_ms) = once(|| command.output());
        let done = done?;
        let complaint = String::from_utf8_lossy(&done.stderr);
        let command = words.first().map(AsRef::as_ref).unwrap_or_default().to_string_lossy();
        let good = matches!(done.status.code(), Some(0 | 1));
        ensure!(good, "`cordon {command}`: {}\n{complaint}", done.status);
        let kib: f64 = fs::read_to_string(&note)?.trim().parse()?;
        Ok(Taken { wall_ms, peak_mib: kib / 1024.0 })
    }

    fn figures(
        &self,
        name: &str,
        goal_ms: Option<f64>,
        figures: &mut Figures,
        mut run: impl FnMut(usize) -> anyhow::Result<Taken>,
    ) -> anyhow::Result<Vec<Taken>> {
        let taken: anyhow::Result<Vec<Taken>> = (0..self.args.rounds()).map(&mut run).collect();
        let taken = taken?;
        let wall: Vec<f64> = taken.iter().map(|one| one.wall_ms).collect();
        let peak: Vec<f64> = taken.iter().map(|one| one.peak_mib).collect();
        figures.add(GROUP, name, "ms", &wall, goal_ms.map(Target::AtMost));
        figures.add(GROUP, format!("{name}, peak memory"), "MiB", &peak, None);
        Ok(taken)
    }

    /// Check, classify and compile, each from nothing.
    fn cold(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let dir = self.example.as_os_str();
        let word = OsStr::new;
        let check = self.figures("check", None, figures, |_| self.run(&[word("check"), dir]))?;
        let classify =
            self.figures("classify", None, figures, |_| self.run(&[word("classify"), dir]))?;
        let compile = self.figures("compile --without-proof", None, figures, |round| {
            let out = self.scratch.join(format!("cold-{round}"));
            let words =
                [word("compile"), dir, word("--without-proof"), word("--out"), out.as_os_str()];
            self.run(&words)
        })?;
        let all = || check.iter().zip(&classify).zip(&compile).map(|((a, b), c)| [a, b, c]);
        let wall: Vec<f64> = all().map(|three| three.iter().map(|one| one.wall_ms).sum()).collect();
        let peak: Vec<f64> =
            all().map(|three| three.iter().map(|one| one.peak_mib).fold(0.0, f64::max)).collect();
        let goal = Some(Target::AtMost(2_000.0));
        figures.add(GROUP, "check, classify and compile together", "ms", &wall, goal);
        let goal = Some(Target::AtMost(400.0));
        figures.add(GROUP, "the largest of the three, peak memory", "MiB", &peak, goal);
        Ok(())
    }

    /// Copies the hospital; `edit` changes the copy's inventory.
    fn copy(&self, name: &str, edit: impl Fn(&str) -> String) -> anyhow::Result<PathBuf> {
        let to = self.scratch.join(name);
        for (path, content) in example::sources(&self.example)?.files {
            let file = to.join(&path);
            fs::create_dir_all(file.parent().unwrap_or(&to))?;
            let content = match path.as_str() {
                "devices.csv" => edit(std::str::from_utf8(&content)?).into_bytes(),
                _ => content,
            };
            fs::write(file, content)?;
        }
        Ok(to)
    }

    fn device(&self) -> anyhow::Result<&Device> {
        let devices = &self.hospital.devices;
        devices.get(devices.len() / 2).context("the hospital has no device")
    }

    /// Compiles over bundles that are there, with one network card replaced each time.
    fn one_change(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let old = self.device()?.mac.to_string();
        let dirs = [
            self.copy("mac-1", |text| text.replace(&old, "02:00:00:00:00:01"))?,
            self.copy("mac-2", |text| text.replace(&old, "02:00:00:00:00:02"))?,
        ];
        let out = self.scratch.join("again");
        let compile = |dir: &Path| {
            let words = ["compile", "--without-proof", "--out"].map(OsStr::new);
            let [verb, rest @ ..] = words;
            let [unproved, to] = rest;
            self.run(&[verb, dir.as_os_str(), unproved, to, out.as_os_str()])
        };
        compile(&self.example)?;
        self.figures("compile --without-proof, one device changed", None, figures, |round| {
            compile(dirs.get(round % 2).context("no copy")?)
        })?;
        Ok(())
    }

    fn explain(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let device = self.device()?;
        let profile = self.hospital.profiles.get(&device.profile).context("no profile")?;
        let flow = profile.flows.first().context("no flow")?;
        let resolved = self.hospital.resolve(flow, &device.building).next();
        let (service, _) = resolved.context("no service")?;
        let words = [
            OsStr::new("explain"),
            self.example.as_os_str(),
            OsStr::new("--device"),
            OsStr::new(device.id.as_str()),
            OsStr::new("--to"),
            OsStr::new(service.as_str()),
        ];
        self.figures("explain", Some(150.0), figures, |_| self.run(&words))?;
        Ok(())
    }

    /// Compares with a copy that has one more policy.
    fn compare(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let copy = self.copy("edited", str::to_owned)?;
        let added = "@id(\"added\")\npermit (principal is Device, action == Action::\"connect\", resource is Service)\n\
                     when { principal.tier == Tier::\"YELLOW\" && context.declared && context.state == State::\"REMEDIATION\" };\n";
        fs::write(copy.join("policies/added.cedar"), added)?;
        let words = [OsStr::new("diff"), self.example.as_os_str(), copy.as_os_str()];
        self.figures("diff, one policy added", None, figures, |_| self.run(&words))?;
        Ok(())
    }

    fn matrix(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let dir = self.example.as_os_str();
        let plain = [OsStr::new("matrix"), dir];
        self.figures("matrix", None, figures, |_| self.run(&plain))?;
        let verify = [
            OsStr::new("matrix"),
            dir,
            OsStr::new("--verify"),
            OsStr::new("--every"),
            OsStr::new("100"),
        ];
        let taken = self.run(&verify)?;
        figures.add(GROUP, "matrix --verify --every 100", "ms", &[taken.wall_ms], None);
        Ok(())
    }

    fn prove(&self, figures: &mut Figures) -> anyhow::Result<()> {
        let words = [OsStr::new("prove"), self.example.as_os_str()];
        self.figures("prove", Some(60_000.0), figures, |_| self.run(&words))?;
        Ok(())
    }
}
