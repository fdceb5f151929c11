//! What is sealed in a lab: who speaks TLS with whom, and with which certificates.
//!
//! A device behind a gateway speaks plainly, and its gateway proves it to the service; a device with
//! a key of its own proves itself. Where a guard stands before the service TLS ends there, else at
//! the service. All keys are made for the lab and go with it.
//!
//! Source: RFC 8446; RFC 5280 §4.2.1.6; SPIFFE-ID §2.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use cordon_model::bundle::Role;
use cordon_model::{Direction, Protocol, Transport};

use super::machine::{call, find};
use super::{Post, Standing};
use crate::outcome::Failure;

/// How long certificates are valid: longer than a lab, also when its clocks are moved on.
const DAYS: &str = "30";
/// What openssl is told of every certificate; its own file would make each an authority.
const CONFIG: &str = "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = cordon lab\n";

impl Standing {
    /// Gives the folder of keys and certificates.
    pub(crate) fn keys(&self) -> PathBuf {
        self.work().join("tls")
    }

    /// Gives the certificate of those who certify.
    pub(crate) fn authorities(&self) -> PathBuf {
        self.keys().join("ca.pem")
    }

    /// Gives certificate and key of a device.
    pub(crate) fn credential(&self, device: &str) -> PathBuf {
        self.keys().join("devices").join(format!("{device}.pem"))
    }

    /// Gives certificate and key of a host of services, or of a guard.
    pub(crate) fn credential_of_place(&self, place: &str) -> PathBuf {
        self.keys().join(format!("{place}.pem"))
    }

    /// Settles which services are sealed: those that speak HTTP over TCP, and those that are named.
    ///
    /// Where no gateway program runs nobody proves a legacy device, so nothing is sealed there.
    pub(crate) fn settle_seals(&mut self, named: &[String]) -> Result<(), Failure> {
        let known: BTreeSet<&str> =
            self.hosts.iter().flat_map(|host| &host.offers).map(|o| o.service.as_str()).collect();
        if let Some(missing) = named.iter().find(|name| !known.contains(name.as_str())) {
            let message = format!("no device of the lab talks to `{missing}`");
            return Err(Failure::usage(message, "hospital.toml has the names of services"));
        }
        if self.kernel_only {
            return Ok(());
        }
        if find("openssl").is_none() {
            if !named.is_empty() {
                let message = "nothing can be sealed: `openssl` is missing";
                return Err(Failure::config(message, "apt-get install openssl"));
            }
            self.notes.push("nothing is sealed: `openssl` is missing".to_owned());
            return Ok(());
        }
        // A service that opens towards devices needs a guard that proves itself to them.
        let calls: BTreeSet<String> = self
            .devices
            .iter()
            .flat_map(|seat| &seat.talks)
            .filter(|talk| talk.direction == Direction::In)
            .map(|talk| talk.service.clone())
            .collect();
        let mut sealed: BTreeSet<String> = BTreeSet::new();
        for host in &mut self.hosts {
            for offer in &mut host.offers {
                let is_usual = offer.protocol == Protocol::Http;
                let is_fit = offer.transport == Transport::Tcp
                    && (host.guard.is_some() || !calls.contains(&offer.service));
                offer.sealed = is_fit && (is_usual || named.contains(&offer.service));
                if offer.sealed {
                    sealed.insert(offer.service.clone());
                }
            }
        }
        for seat in &mut self.devices {
            for talk in &mut seat.talks {
                talk.sealed = seat.port.is_none() && sealed.contains(&talk.service);
            }
        }
        if !sealed.is_empty() {
            let names: Vec<&str> = sealed.iter().map(String::as_str).collect();
            self.notes.push(format!("sealed with TLS: {}", names.join(", ")));
        }
        Ok(())
    }

    /// Says whether anything is sealed.
    fn is_sealed(&self) -> bool {
        self.hosts.iter().flat_map(|host| &host.offers).any(|offer| offer.sealed)
    }

    /// Certifies everybody who has to prove who it is.
    pub(crate) fn certify(&self) -> Result<(), Failure> {
        if !self.is_sealed() {
            return Ok(());
        }
        let folder = self.keys();
        let devices = folder.join("devices");
        fs::create_dir_all(&devices).map_err(|error| Failure::path(&devices, &error))?;
        let config = folder.join("openssl.cnf");
        fs::write(&config, CONFIG).map_err(|error| Failure::path(&config, &error))?;
        self.certificate("ca", &[("basicConstraints", "critical,CA:TRUE")], None)?;
        for seat in &self.devices {
            let is_wanted = seat.talks.iter().any(|talk| self.is_service_sealed(&talk.service));
            if is_wanted {
                let name = format!("URI:spiffe://{}/device/{}", self.hospital, seat.id);
                self.certificate(&format!("devices/{}", seat.id), &names(&name), Some("ca"))?;
            }
        }
        for (place, addresses) in self.proven() {
            let mut text = String::new();
            for address in addresses {
                let comma = if text.is_empty() { "" } else { "," };
                let _ = write!(text, "{comma}IP:{address}");
            }
            self.certificate(&place, &names(&text), Some("ca"))?;
        }
        Ok(())
    }

    /// Gives who appears as a service: the guard before it, or its host; with all addresses.
    fn proven(&self) -> BTreeMap<String, BTreeSet<IpAddr>> {
        let mut proven: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
        for host in self.hosts.iter().filter(|host| host.offers.iter().any(|offer| offer.sealed)) {
            let place = host.guard.clone().unwrap_or_else(|| host.place.clone());
            proven.entry(place).or_default().extend(&host.addresses);
        }
        proven
    }

    fn is_service_sealed(&self, service: &str) -> bool {
        let mut offers = self.hosts.iter().flat_map(|host| &host.offers);
        offers.any(|offer| offer.sealed && offer.service == service)
    }

    /// Makes a key and a certificate for it, together in one file.
    fn certificate(
        &self,
        name: &str,
        extensions: &[(&str, &str)],
        by: Option<&str>,
    ) -> Result<(), Failure> {
        let folder = self.keys();
        let path = |ending: &str| folder.join(format!("{name}.{ending}")).display().to_string();
        let (config, key, certificate) =
            (folder.join("openssl.cnf").display().to_string(), path("key"), path("crt"));
        let mut args: Vec<String> = ["req", "-x509", "-newkey", "ec", "-nodes", "-days", DAYS]
            .into_iter()
            .chain(["-pkeyopt", "ec_paramgen_curve:P-256", "-config", &config])
            .chain(["-keyout", &key, "-out", &certificate])
            .map(str::to_owned)
            .collect();
        for (extension, value) in extensions {
            args.extend(["-addext".to_owned(), format!("{extension}={value}")]);
        }
        if let Some(by) = by {
            let (authority, its_key) = (folder.join("ca.pem"), folder.join(format!("{by}.key")));
            args.extend(["-CA".to_owned(), authority.display().to_string()]);
            args.extend(["-CAkey".to_owned(), its_key.display().to_string()]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        call("openssl", &args, "")?;
        let read = |path: &str| {
            fs::read_to_string(path).map_err(|error| Failure::path(Path::new(path), &error))
        };
        // Whoever trusts the authority needs its certificate only.
        let key = if by.is_some() { read(&key)? } else { String::new() };
        let (both, to) = (read(&certificate)? + &key, path("pem"));
        fs::write(&to, both).map_err(|error| Failure::path(Path::new(&to), &error))
    }

    /// Gives what a point is told of TLS; nothing where it has no part in it.
    pub(crate) fn seals_of(&self, post: &Post) -> Option<String> {
        let offers = self.hosts.iter().flat_map(|host| {
            let sealed = host.offers.iter().filter(|offer| offer.sealed);
            sealed.map(move |offer| (host, offer.service.as_str()))
        });
        let (mode, own) = match post.role {
            Role::Access => (
                "originate",
                format!("credentials = \"{}\"", self.keys().join("devices").display()),
            ),
            Role::Service => {
                let own = self.credential_of_place(&post.place);
                ("terminate", format!("server = \"{}\"", own.display()))
            }
            // What passes here is sealed already.
            Role::Segment => return None,
        };
        let services: BTreeSet<&str> = offers
            .filter(|(host, _)| match post.role {
                Role::Service => host.guard.as_deref() == Some(post.place.as_str()),
                Role::Access | Role::Segment => true,
            })
            .map(|(_, service)| service)
            .collect();
        if services.is_empty() {
            return None;
        }
        let authorities = self.authorities();
        let mut text = format!(
            "\n[tls]\nauthorities = \"{}\"\n{own}\n[tls.services]\n",
            authorities.display()
        );
        for service in services {
            let _ = writeln!(text, "{service} = \"{mode}\"");
        }
        Some(text)
    }
}

/// What the certificate of somebody who is no authority says.
fn names(names: &str) -> [(&'static str, &str); 2] {
    [("basicConstraints", "critical,CA:FALSE"), ("subjectAltName", names)]
}
