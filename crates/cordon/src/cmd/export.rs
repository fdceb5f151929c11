//! `cordon export`: a policy in another system's language, and the journal's way to other systems.

use cordon_model::PointId;
use cordon_model::nft;
use cordon_policy::compile;
use serde_json::json;

use crate::cli::Export;
use crate::directory;
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

mod feed;
mod metrics;

pub(crate) fn run(args: &Export, progress: &Progress) -> Result<Outcome, Failure> {
    match args {
        Export::Nft { dir, pep, hour } => ruleset(dir, pep, *hour, progress),
        Export::Run(args) => feed::run(args),
        Export::Check { config } => feed::check(config),
        Export::Status { state } => feed::status(state),
        Export::Metrics(args) => metrics::run(args),
    }
}

fn ruleset(
    dir: &std::path::Path,
    pep: &str,
    hour: u8,
    progress: &Progress,
) -> Result<Outcome, Failure> {
    let read = directory::evaluate(dir, progress)?;
    let compiled = compile::compile(&read.hospital, &read.book, &read.engine);
    let unknown = || {
        let near: Vec<&str> = compiled.bundles.keys().map(PointId::as_str).take(5).collect();
        let message = format!("there is no enforcement point `{pep}`");
        Failure::input(
            message,
            format!("points are gateways, firewalls and guards: {} …", near.join(", ")),
        )
    };
    let bundle = compiled.bundles.get(pep).ok_or_else(unknown)?;
    let text = nft::ruleset(bundle, hour);
    let json = json!({ "point": pep, "ruleset": text });
    Ok(Outcome::done(text, json))
}
