//! What is measured, and how thoroughly.

use std::path::{Path, PathBuf};

/// A group of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// A decision, beside plain Cedar and Rego.
    Decide,
    /// A lookup at an enforcement point.
    Lookup,
    /// From sources to sealed bundles, in one process.
    Compile,
    /// Messages of device protocols, beside their peers.
    Wire,
    /// Records of the journal, beside databases.
    Journal,
    /// Whole commands.
    Commands,
}

/// Measures cordon; figures are medians of several rounds.
#[derive(Debug, clap::Parser)]
pub struct Args {
    /// What to measure; everything when absent.
    #[arg(value_enum)]
    pub only: Vec<Group>,
    /// Fewer rounds and smaller hospitals: shows that it works, not how fast it is.
    #[arg(long)]
    pub quick: bool,
    /// Also write the figures to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The hospital to measure on; `examples/metropolitan` when absent.
    #[arg(long, value_name = "DIR")]
    pub hospital: Option<PathBuf>,
    /// The `cordon` program; built when absent.
    #[arg(long, value_name = "PATH")]
    pub cordon: Option<PathBuf>,
    /// The `xtask` program, which generates larger hospitals; built when absent.
    #[arg(long, value_name = "PATH")]
    pub xtask: Option<PathBuf>,
}

impl Args {
    /// Gives the groups to measure.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        if self.only.is_empty() {
            vec![
                Group::Decide,
                Group::Lookup,
                Group::Compile,
                Group::Wire,
                Group::Journal,
                Group::Commands,
            ]
        } else {
            self.only.clone()
        }
    }

    /// Gives the number of rounds.
    #[must_use]
    pub fn rounds(&self) -> usize {
        if self.quick { 3 } else { 7 }
    }

    /// Gives the hospital's directory.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.hospital.clone().unwrap_or_else(|| repository().join("examples/metropolitan"))
    }
}

/// Gives the root of the repository.
#[must_use]
pub fn repository() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}
