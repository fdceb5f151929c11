//! Looks at the bridge that an enforcement point is, and sets what it needs.
//!
//! Invariant: a bridge is raised only once the rules are in force: while it is down, no frame goes
//! from port to port.
//!
//! Source: ip-link(8), bridge(8); Linux `Documentation/networking/ip-sysctl.rst` (`send_redirects`).

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use cordon_model::Mac;
use cordon_model::bundle::Interfaces;
use serde_json::Value;

use super::{Corrected, HostError, INTERFACES_MAX, ip, set, sysctl};

/// A bridge, and the interfaces that must be its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// The bridge.
    pub bridge: String,
    /// The port towards the services.
    pub uplink: String,
    /// What the names of the devices' ports begin with; a number follows.
    pub devices: String,
}

impl Ports {
    /// Takes the ports that a bundle names.
    #[must_use]
    pub fn new(bridge: &str, interfaces: &Interfaces) -> Self {
        Self {
            bridge: bridge.to_owned(),
            uplink: interfaces.uplink.clone(),
            devices: interfaces.devices.clone(),
        }
    }

    fn is_device(&self, name: &str) -> bool {
        let number = name.strip_prefix(self.devices.as_str());
        number.is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    }
}

/// Something that is wrong with a bridge and that only a person can mend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// The interface is not there.
    Absent(String),
    /// The interface is there, and no port of the bridge.
    Apart(String),
    /// A port of the bridge that the bundle does not know.
    Foreign(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(name) => write!(f, "`{name}` is not there"),
            Self::Apart(name) => write!(f, "`{name}` is no port of the bridge"),
            Self::Foreign(name) => {
                write!(f, "`{name}` is a port of the bridge and neither uplink nor a device's")
            }
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The MAC address of the bridge.
    pub mac: Mac,
    /// What only a person can mend.
    pub problems: Vec<Problem>,
    /// What is otherwise than it must be, and will be set.
    pub otherwise: Vec<Corrected>,
    /// How `ip` is asked to set it, in this order.
    commands: Vec<Vec<String>>,
}

/// Gives the MAC address of a bridge, which keeps it from now on, whatever ports come and go.
///
/// It is set once only: to set it again, even to what it is, makes the kernel forget its neighbours.
/// # Errors
/// [`HostError`]: `ip` says nothing of it, or it is no bridge.
pub fn pin(bridge: &str) -> Result<Mac, HostError> {
    /// `NET_ADDR_SET` of Linux `include/uapi/linux/netdevice.h`.
    const SET: &str = "3";
    let mac = mac_of(&links()?, bridge)?;
    let how = fs::read_to_string(format!("/sys/class/net/{bridge}/addr_assign_type"));
    if how.is_ok_and(|how| how.trim() == SET) {
        return Ok(mac);
    }
    ip(&["link", "set", "dev", bridge, "address", &mac.to_string()])?;
    Ok(mac)
}

/// Looks at a bridge and its ports, and changes nothing.
/// # Errors
/// [`HostError`]: `ip` says nothing of it, or it is no bridge.
pub fn look(ports: &Ports) -> Result<Found, HostError> {
    let links = links()?;
    let mut found = found(&links, ports)?;
    for (name, value) in values(&ports.bridge) {
        let was = fs::read_to_string(sysctl(&name)).unwrap_or_else(|_| value.to_owned());
        if was.trim() != value {
            found.otherwise.push(Corrected { name, was: was.trim().to_owned(), is: value });
        }
    }
    Ok(found)
}

/// Sets what a bridge and its ports need, raises it, and tells what was otherwise.
/// # Errors
/// [`HostError`] names the first thing that could not be set; the others are set all the same.
pub fn prepare(ports: &Ports) -> Result<(Vec<Corrected>, Vec<Problem>), HostError> {
    let Found { problems, otherwise: mut corrected, commands, .. } = found(&links()?, ports)?;
    let mut first = None;
    for (name, value) in values(&ports.bridge) {
        first = first.or(set(&sysctl(&name), &name, value, true, &mut corrected).err());
    }
    for command in commands {
        first = first.or(ip(&command.iter().map(String::as_str).collect::<Vec<_>>()).err());
    }
    first.map_or(Ok((corrected, problems)), Err)
}

/// The values of the kernel that a bridge needs: it forwards to where a packet came from, and nobody
/// shall be told of a shorter way.
fn values(bridge: &str) -> [(String, &'static str); 4] {
    let of = |family: &str, what: &str| format!("net/{family}/conf/{bridge}/{what}");
    [
        ("net/ipv4/conf/all/send_redirects".to_owned(), "0"),
        (of("ipv4", "send_redirects"), "0"),
        (of("ipv4", "forwarding"), "1"),
        (of("ipv6", "forwarding"), "1"),
    ]
}

/// What `ip` says of each interface.
type Links = BTreeMap<String, Value>;

fn links() -> Result<Links, HostError> {
    read(&ip(&["-d", "-j", "link", "show"])?)
}

fn read(said: &str) -> Result<Links, HostError> {
    let links: Vec<Value> = serde_json::from_str(said).map_err(|error| HostError::Refused {
        command: "-d -j link show".to_owned(),
        said: error.to_string(),
    })?;
    let named = |link: Value| Some((link.get("ifname")?.as_str()?.to_owned(), link));
    Ok(links.into_iter().take(INTERFACES_MAX).filter_map(named).collect())
}

fn mac_of(links: &Links, bridge: &str) -> Result<Mac, HostError> {
    let link = links.get(bridge).filter(|link| {
        link.pointer("/linkinfo/info_kind").and_then(Value::as_str) == Some("bridge")
    });
    let mac = link.and_then(|link| link.get("address")?.as_str()?.parse().ok());
    mac.ok_or_else(|| HostError::NoBridge(bridge.to_owned()))
}

fn found(links: &Links, ports: &Ports) -> Result<Found, HostError> {
    let Ports { bridge, uplink, .. } = ports;
    let mac = mac_of(links, bridge)?;
    let mut found =
        Found { mac, problems: Vec::new(), otherwise: Vec::new(), commands: Vec::new() };
    if !links.contains_key(uplink) {
        found.problems.push(Problem::Absent(uplink.clone()));
    }
    for (name, link) in links {
        let is_port = link.get("master").and_then(Value::as_str) == Some(bridge);
        let is_device = ports.is_device(name);
        if !is_port {
            if is_device || name == uplink {
                found.problems.push(Problem::Apart(name.clone()));
            }
            continue;
        }
        if !is_device && name != uplink {
            found.problems.push(Problem::Foreign(name.clone()));
            continue;
        }
        let path = "/linkinfo/info_slave_data/isolated";
        let is_isolated = link.pointer(path).and_then(Value::as_bool).unwrap_or(false);
        if is_isolated != is_device {
            let [was, is] = if is_device { ["off", "on"] } else { ["on", "off"] };
            let command = ["link", "set", "dev", name, "type", "bridge_slave", "isolated", is];
            found.correct(format!("{name} isolated"), was.to_owned(), is, &command);
        }
    }
    let link = links.get(bridge);
    let data = link.and_then(|link| link.pointer("/linkinfo/info_data"));
    // The first three would show frames to the rules a second time; the last would keep neighbour
    // discovery from those who did not ask for it.
    for what in ["nf_call_iptables", "nf_call_ip6tables", "nf_call_arptables", "mcast_snooping"] {
        let was = data.and_then(|data| data.get(what)).and_then(Value::as_u64).unwrap_or(0);
        if was != 0 {
            let command = ["link", "set", "dev", bridge, "type", "bridge", what, "0"];
            found.correct(format!("{bridge} {what}"), was.to_string(), "0", &command);
        }
    }
    let flags = link.and_then(|link| link.get("flags")).and_then(Value::as_array);
    if !flags.is_some_and(|flags| flags.iter().any(|flag| flag == "UP")) {
        let command = ["link", "set", "dev", bridge, "up"];
        found.correct(bridge.clone(), "down".to_owned(), "up", &command);
    }
    Ok(found)
}

impl Found {
    fn correct(&mut self, name: String, was: String, is: &'static str, command: &[&str]) {
        self.otherwise.push(Corrected { name, was, is });
        self.commands.push(command.iter().map(|&word| word.to_owned()).collect());
    }
}

#[cfg(test)]
mod tests;
