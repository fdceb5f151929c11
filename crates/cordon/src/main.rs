//! The operator's command: describe, check, explain, prove and compile a hospital's policy.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

mod cli;
mod cmd;
mod directory;
mod flows;
mod import;
mod inspect;
mod key;
mod lab;
mod ledger;
mod moment;
mod outcome;
mod progress;
mod recorder;
mod render;

use cli::{Cli, Colour, Command};
use outcome::{Exit, Failure, Outcome};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let shown = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let _ = error.print();
            return code(if shown { Exit::Done } else { Exit::Usage });
        }
    };
    match cli.color {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
    let result = run(&cli);
    code(show(&cli, &result))
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}

fn run(cli: &Cli) -> Result<Outcome, Failure> {
    let progress = progress::Progress::new(!cli.quiet && !cli.json);
    match &cli.command {
        Command::Init(args) => cmd::init::run(args),
        Command::Check(args) => cmd::check::run(args, &progress),
        Command::Classify(args) => cmd::classify::run(args),
        Command::Explain(args) => cmd::explain::run(args),
        Command::Diff(args) => cmd::diff::run(args, &progress),
        Command::Matrix(args) => cmd::matrix::run(args, &progress),
        Command::Prove(args) => cmd::prove::run(args, &progress),
        Command::Compile(args) => cmd::compile::run(args, &progress),
        Command::Bundle(args) => cmd::bundle::run(args),
        Command::Export(args) => cmd::export::run(args, &progress),
        Command::Replay(args) => cmd::replay::run(args, &progress),
        Command::Inspect(args) => cmd::inspect::run(args, cli.json, &progress),
        Command::Why(args) => cmd::why::run(args),
        Command::Rerun(args) => cmd::rerun::run(args, &progress),
        Command::Journal(args) => cmd::journal::run(args, cli.json, &progress),
        Command::Import(args) => cmd::import::run(args),
        Command::Lab(args) => cmd::lab::run(args, &progress),
        Command::Schema => cmd::help::schema(),
        Command::Completions { shell } => cmd::help::completions(*shell),
        Command::Man { out } => cmd::help::man(out),
        Command::HelpMarkdown => cmd::help::markdown(),
    }
}

/// Prints what a command left behind.
fn show(cli: &Cli, result: &Result<Outcome, Failure>) -> Exit {
    let mut out = anstream::stdout().lock();
    let mut err = anstream::stderr().lock();
    match result {
        Ok(outcome) => {
            let written = if cli.json && outcome.json.is_null() {
                write!(err, "{}", outcome.notes)
            } else if cli.json {
                writeln!(out, "{}", outcome.json)
            } else {
                let _ = write!(err, "{}", render::report(&outcome.report, true));
                let _ = write!(err, "{}", outcome.notes);
                write!(out, "{}", outcome.text)
            };
            match written.and_then(|()| out.flush()) {
                // A reader that went away is no error of ours; a full disk is one.
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    let _ = writeln!(err, "error: the answer cannot be written: {error}");
                    Exit::Config
                }
                Ok(()) | Err(_) => outcome.exit,
            }
        }
        Err(failure) => {
            if cli.json {
                let _ = writeln!(out, "{}", failure.json());
            }
            let _ = match failure {
                Failure::Data(report) => write!(err, "{}", render::report(report, true)),
                Failure::Input { message, help }
                | Failure::Usage { message, help }
                | Failure::Config { message, help } => {
                    writeln!(err, "error: {message}\nhelp: {help}")
                }
                Failure::Bug(message) => {
                    writeln!(err, "bug: {message}\nhelp: please report this with the command line")
                }
            };
            failure.exit()
        }
    }
}
