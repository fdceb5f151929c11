//! The enforcement points of a lab: their rules, and the gateway programs that keep them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cordon_model::Bundle;
use cordon_model::nft::ruleset;
use cordon_model::seal::Sealer;
use serde_json::Value;

use super::machine::wait_until;
use super::plan::bundle;
use super::{Post, Process, Standing};
use crate::moment;
use crate::outcome::{Failure, chain};

/// How long a gateway may take to stand: the design gives it two seconds, a loaded machine some more.
const START_MAX: Duration = Duration::from_secs(10);

/// What is said where the kernel's rules stand alone.
pub(crate) fn no_gateway() -> Failure {
    Failure::usage("no gateway program runs in this lab", "build it without --kernel-only")
}

impl Standing {
    /// Lets every point enforce its bundle.
    pub(crate) fn enforce(&mut self) -> Result<(), Failure> {
        for post in self.points.clone() {
            if self.kernel_only {
                self.load(&post, &bundle(&post.bundle)?)?;
                continue;
            }
            let process = self.start(&post)?;
            self.processes.push(process);
            self.write()?;
        }
        for post in &self.points {
            self.wait_for(post)?;
        }
        Ok(())
    }

    /// Loads the rules of a bundle into the kernel.
    pub(crate) fn load(&self, post: &Post, bundle: &Bundle) -> Result<(), Failure> {
        self.call(&post.place, "nft", &["-f", "-"], &ruleset(bundle, moment::now().wall().hour()))
            .map(|_| ())
    }

    /// Starts the gateway program of a point.
    pub(crate) fn start(&self, post: &Post) -> Result<Process, Failure> {
        let program = self.gateway.as_deref().ok_or_else(no_gateway)?;
        let config = self.configure(post)?;
        let mut command = self.command(&post.place, program);
        command.arg("--config").arg(config);
        self.stay(&mut command, &format!("gateway-{}", post.place))
    }

    /// Asks the gateway program of a point, as a person who stands there would.
    pub(crate) fn ask(&self, post: &Post, words: &[&str]) -> Result<Value, Failure> {
        let program = self.gateway.as_deref().ok_or_else(no_gateway)?;
        let config = self.folder(post).join("gateway.toml").display().to_string();
        let args = [&["--config", &config, "--json"], words].concat();
        let text = self.call(&post.place, &program.display().to_string(), &args, "")?;
        serde_json::from_str(&text).map_err(|error| Failure::Bug(chain(&error)))
    }

    fn folder(&self, post: &Post) -> PathBuf {
        self.work().join("points").join(&post.place)
    }

    /// Waits until a point enforces, and answers.
    pub(crate) fn wait_for(&self, post: &Post) -> Result<(), Failure> {
        let loaded = || {
            let tables = self.call(&post.place, "nft", &["list", "tables"], "");
            let enforces = tables.is_ok_and(|tables| tables.contains("inet cordon_policy"));
            // What a killed one left behind enforces too.
            enforces && (self.kernel_only || self.ask(post, &["status"]).is_ok())
        };
        if wait_until(START_MAX, loaded) {
            return Ok(());
        }
        let log = self.work().join("records").join(format!("gateway-{}.log", post.place));
        let message = format!("`{}` enforces nothing after {START_MAX:?}", post.place);
        Err(Failure::config(message, format!("read {}", log.display())))
    }

    /// Writes what a gateway program is started with.
    fn configure(&self, post: &Post) -> Result<PathBuf, Failure> {
        let folder = self.folder(post);
        fs::create_dir_all(&folder).map_err(|error| Failure::path(&folder, &error))?;
        let quoted = |path: &Path| format!("\"{}\"", path.display());
        let mut text = format!(
            "point = \"{}\"\nbundle = {}\nkey = {}\nstate = {}\ncontrol = {}\njournal = {}\n\
             clock-may-advance = true\n",
            post.place,
            quoted(&post.bundle),
            quoted(&self.work().join("bundles").join("signing.pub")),
            quoted(&folder.join("state")),
            quoted(&folder.join("control.sock")),
            quoted(&self.journal(post)),
        );
        text.extend(self.seals_of(post));
        let path = folder.join("gateway.toml");
        fs::write(&path, text).map_err(|error| Failure::path(&path, &error))?;
        Ok(path)
    }

    /// Gives the journal of a point.
    pub(crate) fn journal(&self, post: &Post) -> PathBuf {
        self.folder(post).join("journal")
    }

    /// Seals a bundle anew, with the next number, and lets its point have it.
    pub(crate) fn push(&self, post: &Post) -> Result<u64, Failure> {
        let key = self.work().join("bundles").join("signing.key");
        let text = fs::read_to_string(&key).map_err(|error| Failure::path(&key, &error))?;
        let bug = |error: &dyn std::error::Error| Failure::Bug(chain(error));
        let sealer = Sealer::parse(&text).map_err(|error| bug(&error))?;
        let mut next = bundle(&post.bundle)?;
        next.number += 1;
        let sealed = sealer.sealed(&next).map_err(|error| bug(&error))?;
        let new = post.bundle.with_extension("new");
        fs::write(&new, sealed).map_err(|error| Failure::path(&new, &error))?;
        fs::rename(&new, &post.bundle).map_err(|error| Failure::path(&post.bundle, &error))?;
        if self.kernel_only {
            self.load(post, &next)?;
        }
        Ok(next.number)
    }
}
