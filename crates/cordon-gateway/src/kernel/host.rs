//! Sets what the rules need around them: forwarding, counters, the way of taken packets.
//!
//! Everything here may be done again and again. What was otherwise than it must be is told, because
//! somebody may have set it so on purpose.
//!
//! Source: Linux `Documentation/networking/ip-sysctl.rst`, `nf_conntrack-sysctl.rst`, `tproxy.rst`;
//! ip-rule(8), ip-route(8).

pub mod bridge;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cordon_model::nft::PROXIED_MARK;

/// The routing table that leads taken packets to the proxy.
pub const ROUTE_TABLE: u32 = 7100;

/// The most interfaces that are looked at.
const INTERFACES_MAX: usize = 4096;

/// Says what could not be set.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A value of the kernel cannot be set.
    #[error("`{name}` cannot be set to {value}")]
    Sysctl {
        /// The value.
        name: String,
        /// What it must be.
        value: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The program ip cannot be run.
    #[error("`ip` cannot be run")]
    Program(#[source] io::Error),
    /// The program ip refused.
    #[error("`ip {command}` says: {said}")]
    Refused {
        /// What it was asked.
        command: String,
        /// What it said.
        said: String,
    },
    /// There is no bridge of that name.
    #[error("there is no bridge `{0}`")]
    NoBridge(String),
}

/// Something that was otherwise than it must be, and is set now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// What.
    pub name: String,
    /// What it was.
    pub was: String,
    /// What it is now.
    pub is: &'static str,
}

/// A value of the kernel, and whether it may be missing.
struct Wanted {
    name: &'static str,
    value: &'static str,
    optional: bool,
}

const fn wanted(name: &'static str, value: &'static str) -> Wanted {
    Wanted { name, value, optional: false }
}

const fn if_there(name: &'static str, value: &'static str) -> Wanted {
    Wanted { name, value, optional: true }
}

const WANTED: [Wanted; 10] = [
    wanted("net/ipv4/ip_forward", "1"),
    if_there("net/ipv6/conf/all/forwarding", "1"),
    // Flows are told with what they carried and since when.
    wanted("net/netfilter/nf_conntrack_acct", "1"),
    wanted("net/netfilter/nf_conntrack_timestamp", "1"),
    // Connections that are open go on when the table of connections was lost.
    wanted("net/netfilter/nf_conntrack_tcp_loose", "1"),
    // Senders are bound by the rules; the proxy speaks under addresses that are routed elsewhere.
    wanted("net/ipv4/conf/all/rp_filter", "0"),
    wanted("net/ipv4/conf/default/rp_filter", "0"),
    // With these, bridged frames would meet the rules of a router, and taken ones would be lost.
    if_there("net/bridge/bridge-nf-call-iptables", "0"),
    if_there("net/bridge/bridge-nf-call-ip6tables", "0"),
    if_there("net/bridge/bridge-nf-call-arptables", "0"),
];

/// Sets what the rules need in this namespace, and tells what was otherwise.
///
/// Interfaces that come later begin with `default`; where something else sets theirs, do it again.
/// # Errors
/// [`HostError`] names the first thing that could not be set; the others are set all the same.
pub fn prepare() -> Result<Vec<Corrected>, HostError> {
    let (mut corrected, mut first) = (Vec::new(), None);
    for Wanted { name, value, optional } in WANTED {
        first = first.or(set(&sysctl(name), name, value, optional, &mut corrected).err());
    }
    let interfaces = fs::read_dir(sysctl("net/ipv4/conf")).into_iter().flatten().flatten();
    for interface in interfaces.take(INTERFACES_MAX) {
        let name = format!("net/ipv4/conf/{}/rp_filter", interface.file_name().to_string_lossy());
        // One that goes away meanwhile needs nothing.
        let path = interface.path().join("rp_filter");
        first = first.or(set(&path, &name, "0", true, &mut corrected).err());
    }
    first = first.or(ip(&["link", "set", "lo", "up"]).err());
    first = first.or(route("-4", &mut corrected).err());
    if speaks_ipv6() {
        let name = "net/ipv6/conf/lo/disable_ipv6";
        first = first.or(set(&sysctl(name), name, "0", true, &mut corrected).err());
    }
    if has_ipv6() {
        first = first.or(route("-6", &mut corrected).err());
    }
    first.map_or(Ok(corrected), Err)
}

/// Says whether any interface speaks IPv6.
fn speaks_ipv6() -> bool {
    let interfaces = fs::read_dir(sysctl("net/ipv6/conf")).into_iter().flatten().flatten();
    interfaces.take(INTERFACES_MAX).any(|interface| {
        let is_general = ["all", "default", "lo"].iter().any(|name| interface.file_name() == *name);
        let disabled = fs::read_to_string(interface.path().join("disable_ipv6"));
        !is_general && disabled.is_ok_and(|disabled| disabled.trim() == "0")
    })
}

/// Says whether this namespace speaks IPv6 to itself; where an administrator disabled it, nothing can
/// be led to a proxy that way, and nothing comes.
/// # Source
/// Linux `Documentation/networking/ip-sysctl.rst`, `disable_ipv6`.
#[must_use]
pub fn has_ipv6() -> bool {
    let disabled = fs::read_to_string(sysctl("net/ipv6/conf/lo/disable_ipv6"));
    disabled.is_ok_and(|disabled| disabled.trim() == "0")
}

fn sysctl(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}

fn set(
    path: &Path,
    name: &str,
    value: &'static str,
    optional: bool,
    corrected: &mut Vec<Corrected>,
) -> Result<(), HostError> {
    let failed = |source| HostError::Sysctl { name: name.to_owned(), value, source };
    let was = match fs::read_to_string(path) {
        Ok(was) => was.trim().to_owned(),
        Err(error) if optional && error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if was != value {
        fs::write(path, value).map_err(failed)?;
        corrected.push(Corrected { name: name.to_owned(), was, is: value });
    }
    Ok(())
}

/// Leads packets with the proxy's mark to local sockets.
fn route(family: &str, corrected: &mut Vec<Corrected>) -> Result<(), HostError> {
    let (mark, table) = (format!("{PROXIED_MARK:#x}/{PROXIED_MARK:#x}"), ROUTE_TABLE.to_string());
    let rule = ["fwmark", &mark, "lookup", &table];
    let there = ip(&[&[family, "rule", "list"], &rule[..]].concat())?;
    if there.trim().is_empty() {
        ip(&[&[family, "rule", "add", "pref", "100"], &rule[..]].concat())?;
        let name = format!("ip {family} rule fwmark {mark}");
        corrected.push(Corrected { name, was: "absent".to_owned(), is: "present" });
    }
    ip(&[family, "route", "replace", "local", "default", "dev", "lo", "table", &table])?;
    Ok(())
}

fn ip(args: &[&str]) -> Result<String, HostError> {
    let output = Command::new("ip").args(args).output().map_err(HostError::Program)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(HostError::Refused { command: args.join(" "), said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
