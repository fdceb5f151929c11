//! The command line of the journal.

use std::path::PathBuf;

use clap::Args;

/// Where a command records what it does.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Recording {
    /// Record what happens in this journal; it is begun when absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// The private key of the journal; `journal.key` in its folder when absent, made for a new one.
    #[arg(long, value_name = "FILE", requires = "journal")]
    pub(crate) journal_key: Option<PathBuf>,
    /// Who writes the journal; `cordon` for a new one when absent.
    #[arg(long, value_name = "NAME", requires = "journal")]
    pub(crate) writer: Option<String>,
}
