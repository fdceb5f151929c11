//! Where the repository is, and how programs are run in it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, bail, ensure};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::term;

/// The platform that ships; dependencies of others are not looked at.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The working copy this program was built from.
#[derive(Debug)]
pub(crate) struct Repo {
    root: PathBuf,
}

impl Repo {
    /// Finds the working copy.
    ///
    /// # Errors
    /// When the folder this program was built in is gone.
    pub(crate) fn here() -> anyhow::Result<Repo> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = folder.parent().context("xtask lies at the root of the file system")?;
        ensure!(root.join("Cargo.toml").is_file(), "`{}` is gone", root.display());
        Ok(Repo { root: root.to_owned() })
    }

    /// The absolute path of a file of the repository.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// A program to be run at the root.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// Cargo, without what the `cargo` around this program left in the environment: build scripts that look at it
    /// would be built again.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
                .iter()
                .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        command
    }

    /// The crates of the workspace as their manifests declare them; needs no download.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub(crate) fn manifests(&self) -> anyhow::Result<Metadata> {
        let mut command = MetadataCommand::new();
        command.current_dir(&self.root).no_deps();
        command.exec().context("the manifests of the workspace cannot be read")
    }

    /// The crates of the workspace with all that they depend on.
    ///
    /// # Errors
    /// When the dependencies cannot be resolved.
    pub(crate) fn dependencies(&self) -> anyhow::Result<Metadata> {
        let mut command = MetadataCommand::new();
        let options = ["--filter-platform", TARGET].map(String::from);
        command.current_dir(&self.root).other_options(options.to_vec());
        command.exec().context("the dependencies cannot be resolved")
    }

    /// Builds `cordon` as its users would and returns the program.
    ///
    /// # Errors
    /// When it does not build.
    pub(crate) fn cordon(&self) -> anyhow::Result<PathBuf> {
        run(self.cargo().args(["build", "--package", "cordon"]))?;
        let folder = self.manifests()?.target_directory;
        Ok(folder.join("debug").join("cordon").into())
    }

    /// Builds the gateway program, beside `cordon`.
    ///
    /// # Errors
    /// When it does not build.
    pub(crate) fn gateway(&self) -> anyhow::Result<()> {
        run(self.cargo().args(["build", "--package", "cordon-gateway"]))
    }

    /// The folders of `examples/`, sorted, each as `examples/NAME`.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(crate) fn examples(&self) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path("examples")).context("no folder `examples`")? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.push(format!("examples/{}", entry.file_name().to_string_lossy()));
            }
        }
        names.sort();
        ensure!(!names.is_empty(), "`examples` holds no hospital");
        Ok(names)
    }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs a program whose output the reader sees.
///
/// # Errors
/// When it cannot be started or does not exit with 0.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let text = shown(command);
    term::line(format_args!("$ {text}"))?;
    let status = command.status().with_context(|| format!("`{text}` cannot be started"))?;
    ensure!(status.success(), "`{text}`: {status}");
    Ok(())
}

/// Runs a program and returns what it printed.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<Output> {
    let text = shown(command);
    command.stdin(Stdio::null()).output().with_context(|| format!("`{text}` cannot be started"))
}

/// Runs a program and returns its standard output.
///
/// # Errors
/// When it cannot be started, does not exit with 0, or prints something that is no UTF-8.
pub(crate) fn text(command: &mut Command) -> anyhow::Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{}`: {}\n{}", shown(command), output.status, complaint.trim_end());
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` prints no UTF-8", shown(command)))
}

/// Tells whether a program can be started and exits with 0.
pub(crate) fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
