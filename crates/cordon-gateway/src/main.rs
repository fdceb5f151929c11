//! The daemon of an enforcement point, and the few commands that speak to it on its own machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Parser, Subcommand};
use cordon_gateway::check::{self, with_sources};
use cordon_gateway::config::Config;
use cordon_gateway::control::{self, Order, Request};
use cordon_gateway::{enroll, point};
use cordon_model::event::Person;
use cordon_model::{BadgeId, DeviceId, Label};
use serde_json::{Value, json};

/// Enforces a hospital's policy on the wire: a gateway, a segment firewall or a service guard.
///
/// Without a command it runs until it is told to stop. The rules stay in the kernel when it ends:
/// lifelines go on, and nothing that was closed opens.
#[derive(Debug, Parser)]
#[command(version, about, subcommand_negates_reqs = false)]
struct Cli {
    /// The configuration of this enforcement point.
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/cordon/gateway.toml")]
    config: PathBuf,
    /// Answers in JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Checks configuration, key and bundles, says what would be enforced, and changes nothing.
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says how the running point is: bundle, age, devices, flows, what was blocked and what was lost.
    Status,
    /// Lets a device have its lifelines only, at once, flows that are open included.
    Contain(By),
    /// Lets a device have nothing; in RED two people with different roles, one of them clinical.
    Isolate(By),
    /// Lets a device have again what its policy permits.
    Release(By),
    /// Says that a person has seen a contained device's lifelines work: the containment stays.
    Confirm(By),
    /// Records the packets of one device in a file, for some time.
    Capture {
        /// The device.
        device: DeviceId,
        /// For how many seconds.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
        seconds: u32,
        /// The file; one that is there is not replaced.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Makes this point's own key and a request for a certificate; with an authority's answer, takes
    /// the certificate.
    Enroll {
        /// The answer: the certificate and those between it and the authority, PEM.
        #[arg(long, value_name = "FILE", requires = "authorities")]
        certificate: Option<PathBuf>,
        /// The certificates of the authorities that it must lead to, PEM.
        #[arg(long, value_name = "FILE", requires = "certificate")]
        authorities: Option<PathBuf>,
    },
    /// Says that a decision point was heard: the bundle counts as fresh.
    Heard,
    /// Moves both clocks of the running point on, where its configuration lets that be.
    #[command(hide = true)]
    Advance {
        /// By so many seconds.
        #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
        seconds: u32,
    },
    /// Ends the running point in an orderly way; the rules stay in the kernel.
    Stop,
}

/// Who orders what, and why.
#[derive(Debug, Args)]
struct By {
    /// The device.
    device: DeviceId,
    /// Who orders it, for example `B-1042:security`; twice where two people are needed.
    #[arg(long, required = true, value_name = "BADGE:ROLE", value_parser = person)]
    by: Vec<Person>,
    /// Why, in one word.
    #[arg(long, value_name = "WORD", default_value = "ordered")]
    reason: Label,
}

fn person(text: &str) -> Result<Person, String> {
    let (badge, role) = text.split_once(':').ok_or("write a badge, a colon and a role")?;
    let badge = BadgeId::new(badge).map_err(|error| error.to_string())?;
    let role = Label::new(role).map_err(|error| error.to_string())?;
    Ok(Person { badge, role })
}

/// The exit codes, as those of `cordon`.
#[derive(Debug, Clone, Copy)]
enum Exit {
    Done = 0,
    Refused = 1,
    Usage = 64,
    Data = 65,
    Config = 78,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let is_shown = !error.use_stderr();
            return ExitCode::from(if is_shown { Exit::Done } else { Exit::Usage } as u8);
        }
    };
    ExitCode::from(run(&cli) as u8)
}

fn run(cli: &Cli) -> Exit {
    let config = match Config::read(&cli.config) {
        Ok(config) => config,
        Err(error) => {
            return fail(
                Exit::Config,
                &with_sources(&error),
                "see docs/guide/gateway.md for the keys",
            );
        }
    };
    let Some(command) = &cli.command else {
        return if cli.check { checked(&config, cli.json) } else { enforce(&config) };
    };
    let order =
        |by: &By| Order { device: by.device.clone(), by: by.by.clone(), reason: by.reason.clone() };
    let request = match command {
        Command::Enroll { certificate, authorities } => {
            let answer = certificate.as_deref().zip(authorities.as_deref());
            return enrolled(&config, answer, cli.json);
        }
        Command::Status => Request::Status,
        Command::Contain(by) => Request::Contain(order(by)),
        Command::Isolate(by) => Request::Isolate(order(by)),
        Command::Release(by) => Request::Release(order(by)),
        Command::Confirm(by) => Request::Confirm(order(by)),
        Command::Capture { device, seconds, to } => {
            let to = std::path::absolute(to).unwrap_or_else(|_| to.clone());
            Request::Capture { device: device.clone(), seconds: *seconds, to }
        }
        Command::Heard => Request::Heard,
        Command::Advance { seconds } => Request::Advance { seconds: *seconds },
        Command::Stop => Request::Stop,
    };
    ask(&config.control, &request, cli.json)
}

/// Asks the running point.
fn ask(socket: &Path, request: &Request, json: bool) -> Exit {
    let answer = match control::request(socket, request) {
        Ok(answer) => answer,
        Err(error) => {
            let message = format!("{}: {error}", socket.display());
            return fail(Exit::Config, &message, "is the point running, and are you its owner?");
        }
    };
    let is_done = answer.get("ok").and_then(Value::as_bool).unwrap_or(false);
    let text = if json {
        format!("{answer}\n")
    } else if is_done {
        control::words(&answer)
    } else {
        let error = answer.get("error").and_then(Value::as_str).unwrap_or("no reason was given");
        return fail(Exit::Refused, error, "see `cordon-gateway status`");
    };
    say(&text);
    if is_done { Exit::Done } else { Exit::Refused }
}

fn checked(config: &Config, json: bool) -> Exit {
    match check::check(config) {
        Ok(found) => {
            say(&if json { format!("{}\n", found.json) } else { found.text });
            if found.is_good { Exit::Done } else { Exit::Data }
        }
        Err(error) => {
            fail(Exit::Config, &with_sources(&error), "check the paths and their permissions")
        }
    }
}

fn enrolled(config: &Config, answer: Option<(&Path, &Path)>, json: bool) -> Exit {
    let (state, point) = (&config.state, &config.point);
    let done = match answer {
        None => enroll::request(state, point).map(|made| {
            let key = if made.is_new { "a new key" } else { "the key that was there" };
            let path = made.path.display();
            let text = format!(
                "{path} asks for a certificate of `{point}` with {key}\n\
                 have it signed, then: enroll --certificate FILE --authorities FILE\n"
            );
            (text, json!({ "point": point, "request": made.path, "new_key": made.is_new }))
        }),
        Some((certificate, authorities)) => {
            let taken = enroll::install(state, point, certificate, authorities, SystemTime::now());
            taken.map(|identity| {
                let until = identity.until();
                let text = format!("this is `{point}` until {until}\n");
                (text, json!({ "point": point, "until": until }))
            })
        }
    };
    match done {
        Ok((text, value)) => {
            say(&if json { format!("{value}\n") } else { text });
            Exit::Done
        }
        Err(error) if error.is_refusal() => {
            let help = "ask for a certificate again with `cordon-gateway enroll`";
            fail(Exit::Data, &with_sources(&error), help)
        }
        Err(error) => {
            fail(Exit::Config, &with_sources(&error), "check the paths and their permissions")
        }
    }
}

fn enforce(config: &Config) -> Exit {
    match point::run(config) {
        Ok(()) => Exit::Done,
        Err(error) => fail(Exit::Config, &with_sources(&error), "try `cordon-gateway --check`"),
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn fail(exit: Exit, message: &str, help: &str) -> Exit {
    let _ = writeln!(std::io::stderr().lock(), "error: {message}\nhelp: {help}");
    exit
}
