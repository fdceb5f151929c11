//! What would be enforced, without enforcing anything.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use cordon_model::Bundle;
use cordon_model::bundle::Role;
use cordon_model::seal::{Seal, SealError};
use serde_json::{Value, json};

use crate::config::Config;
use crate::enroll;
use crate::kernel::host::{self, bridge::Ports};
use crate::store::{self, Refused, Store};

/// Says why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The key cannot be read.
    #[error("cannot read the key `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key is none.
    #[error("`{}` is no public key", path.display())]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        source: SealError,
    },
    /// The store cannot be read.
    #[error("the accepted bundles cannot be read")]
    Store(#[source] Refused),
}

/// What was found.
#[derive(Debug)]
pub struct Checked {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// Whether there is something to enforce, and nothing was refused.
    pub is_good: bool,
}

/// Reads the policy's public key.
/// # Errors
/// [`CheckError`].
pub fn seal(config: &Config) -> Result<Seal, CheckError> {
    let path = config.key.clone();
    match std::fs::read_to_string(&path) {
        Ok(text) => Seal::parse(&text).map_err(|source| CheckError::Key { path, source }),
        Err(source) => Err(CheckError::Read { path, source }),
    }
}

/// Checks a configuration: key, accepted bundles, and the bundle that is offered.
/// # Errors
/// [`CheckError`].
pub fn check(config: &Config) -> Result<Checked, CheckError> {
    let opened = Store::peek(&config.state, config.point.clone(), seal(config)?);
    let (store, mut refused) = opened.map_err(CheckError::Store)?;
    let mut text = String::new();
    let in_force = store.in_force().map(|accepted| accepted.bundle.clone());
    match &in_force {
        Some(bundle) => {
            let _ = writeln!(
                text,
                "in force  bundle {} for {} ({}): {} devices",
                bundle.number,
                bundle.point,
                bundle.role.name(),
                bundle.devices.len()
            );
        }
        None => text.push_str("in force  nothing: no bundle was accepted yet\n"),
    }
    let offered = store::read(&config.bundle).and_then(|text| store.judge(&text));
    let offered = match offered {
        Ok(offered) => offered,
        Err(error) => {
            refused.push(error);
            None
        }
    };
    match &offered {
        Some(next) => {
            let _ = writeln!(
                text,
                "offered   bundle {}: {} devices; it would be enforced",
                next.bundle.number,
                next.bundle.devices.len()
            );
        }
        None if refused.is_empty() => text.push_str("offered   the same bundle\n"),
        None => {}
    }
    for error in &refused {
        let _ = writeln!(text, "REFUSED   {}", with_sources(error));
    }
    let identity = enroll::identity(&config.state, &config.point, SystemTime::now());
    let until = identity.as_ref().ok().and_then(|known| Some(known.as_ref()?.until()));
    match (&identity, &until) {
        (Err(error), _) => {
            let _ = writeln!(text, "identity  NOT USABLE: {}", with_sources(error));
        }
        (Ok(_), Some(until)) => {
            let _ = writeln!(text, "identity  of its own, until {until}");
        }
        (Ok(_), None) => text.push_str("identity  none: `cordon-gateway enroll` asks for one\n"),
    }
    let newest = offered.as_ref().map(|next| &next.bundle).or(in_force.as_ref());
    let wrong =
        config.bridge.as_deref().zip(newest).map(|(name, bundle)| bridge(name, bundle, &mut text));
    let wrong = wrong.unwrap_or_default();
    let number = |bundle: &cordon_model::Bundle| bundle.number;
    let json = json!({
        "point": config.point,
        "identity_until": until,
        "identity_refused": identity.err().map(|error| with_sources(&error)),
        "in_force": in_force.as_deref().map(number),
        "offered": offered.as_ref().map(|next| next.bundle.number),
        "bridge": wrong,
        "refused": refused.iter().map(|error| with_sources(error)).collect::<Vec<_>>(),
    });
    let is_good =
        refused.is_empty() && wrong.is_empty() && (in_force.is_some() || offered.is_some());
    Ok(Checked { text, json, is_good })
}

/// Looks at the bridge that the point shall be; gives what is wrong with it.
fn bridge(name: &str, bundle: &Bundle, text: &mut String) -> Vec<String> {
    let mut wrong = Vec::new();
    if bundle.role != Role::Access {
        wrong.push("only an access gateway can be a bridge".to_owned());
    }
    match host::bridge::look(&Ports::new(name, &bundle.interfaces)) {
        Ok(found) => {
            let _ = writeln!(text, "bridge    `{name}` ({})", found.mac);
            for one in &found.otherwise {
                let _ = writeln!(
                    text,
                    "bridge    `{}` is {}, and would be {}",
                    one.name, one.was, one.is
                );
            }
            wrong.extend(found.problems.iter().map(ToString::to_string));
        }
        Err(error) => wrong.push(with_sources(&error)),
    }
    for one in &wrong {
        let _ = writeln!(text, "WRONG     {one}");
    }
    wrong
}

/// Writes an error with all that is behind it.
#[must_use]
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
