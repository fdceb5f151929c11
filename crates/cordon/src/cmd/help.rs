//! Schema, completions, manual pages and the reference: what is generated from the code itself.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use serde_json::json;

use crate::cli::Cli;
use crate::outcome::{Failure, Outcome};

pub(crate) fn schema() -> Result<Outcome, Failure> {
    let text = cordon_policy::schema_text();
    let json = json!({ "cedarschema": text });
    Ok(Outcome::done(text, json))
}

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Outcome, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cordon", &mut bytes);
    let text = String::from_utf8(bytes).map_err(|error| Failure::Bug(error.to_string()))?;
    let json = json!({ "shell": shell.to_string(), "script": text });
    Ok(Outcome::done(text, json))
}

pub(crate) fn man(out: &Path) -> Result<Outcome, Failure> {
    fs::create_dir_all(out).map_err(|error| Failure::path(out, &error))?;
    clap_mangen::generate_to(Cli::command(), out).map_err(|error| Failure::path(out, &error))?;
    let text = format!("manual pages are in {}\n", out.display());
    Ok(Outcome::done(text, json!({ "out": out })))
}

pub(crate) fn markdown() -> Result<Outcome, Failure> {
    let mut command = Cli::command().term_width(96);
    command.build();
    let mut text = String::from(
        "# The `cordon` command\n\nGenerated from the command's own help; `cordon COMMAND --help` prints the same.\n",
    );
    section(&mut text, &mut command, "cordon", 2);
    let json = json!({ "markdown": text });
    Ok(Outcome::done(text, json))
}

fn section(text: &mut String, command: &mut clap::Command, path: &str, depth: usize) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = writeln!(
        text,
        "\n{} {path}\n\n```text\n{}\n```",
        "#".repeat(depth.min(4)),
        help.join("\n").trim_end()
    );
    let names: Vec<String> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
        .map(|sub| sub.get_name().to_owned())
        .collect();
    for name in names {
        if let Some(sub) = command.find_subcommand_mut(&name) {
            section(text, sub, &format!("{path} {name}"), depth + 1);
        }
    }
}
