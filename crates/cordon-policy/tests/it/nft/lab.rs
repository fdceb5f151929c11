//! A hospital of network namespaces: devices, a gateway that loads the rules, and the services.

use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use cordon_model::Bundle;
use cordon_model::bundle::Role;
use cordon_model::nft::ruleset;

use super::NOON;

const TALK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cordon-policy/tests/it/nft/talk.py");

/// Says whether the kernel can be tested here, and says loudly why not.
pub(crate) fn ready() -> bool {
    let mut missing = Vec::new();
    for (program, package) in [("nft", "nftables"), ("ip", "iproute2"), ("python3", "python3")] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            missing.push(format!("`{program}` is missing (Debian package {package})"));
        }
    }
    let user = Command::new("id").arg("-u").output();
    if !user.is_ok_and(|output| output.stdout == b"0\n") {
        missing.push("network namespaces need root".to_owned());
    }
    if missing.is_empty() {
        return true;
    }
    eprintln!("SKIPPED, NOTHING WAS TESTED: {}", missing.join("; "));
    false
}

/// The namespaces of one test; they go when it ends, however it ends.
pub(crate) struct Lab {
    name: String,
    namespaces: Vec<String>,
    children: Vec<Child>,
    servers: Vec<Talk>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for namespace in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "del", namespace]).output();
        }
    }
}

impl Lab {
    /// Makes a gateway and nothing else.
    pub(crate) fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cordon-nft-{}-{count}", std::process::id());
        let mut lab =
            Self { name, namespaces: Vec::new(), children: Vec::new(), servers: Vec::new() };
        lab.namespace("gw");
        lab
    }

    /// Makes the devices and services of a bundle around a gateway that has loaded it.
    pub(crate) fn new(bundle: &Bundle) -> Self {
        let mut lab = Self::empty();
        lab.namespace("services");
        let gateway = lab.full("gw");
        let services = lab.full("services");
        lab.sh(&format!(
            "ip link add uplink0 netns {gateway} type veth peer name eth0 netns {services}
             ip -n {gateway} addr add 10.9.0.1/24 dev uplink0
             ip -n {gateway} addr add fd00:9::1/64 dev uplink0 nodad
             ip -n {gateway} link set uplink0 up
             ip -n {services} link set eth0 up
             ip netns exec {gateway} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
        ));
        for address in bundle.services.iter().flat_map(|service| &service.addresses) {
            let length = if address.is_ipv4() { "24" } else { "64 nodad" };
            lab.sh(&format!("ip -n {services} addr add {address}/{length} dev eth0"));
        }
        lab.sh(&format!(
            "ip -n {services} route add default via 10.9.0.1
             ip -n {services} route add default via fd00:9::1"
        ));
        match bundle.role {
            Role::Access => lab.attach_to_ports(bundle),
            Role::Segment | Role::Service => lab.attach_to_one_interface(bundle),
        }
        lab.load(&ruleset(bundle, NOON)).unwrap();
        lab.serve("services", &["tcp:2575", "tcp:443", "tcp:104", "tcp:8443", "udp:123", "udp:67"]);
        lab
    }

    /// Gives each device a port of the gateway.
    fn attach_to_ports(&mut self, bundle: &Bundle) {
        for device in &bundle.devices {
            let port = format!("{}{}", bundle.interfaces.devices, device.port.unwrap());
            self.attach(device.id.as_str(), &port, &device.mac.to_string(), device.ip.into());
            if let Some(ipv6) = device.ipv6 {
                self.address(device.id.as_str(), &port, ipv6.into());
            }
        }
    }

    /// Puts a router between the one interface and the devices, as a segment or a campus does; the
    /// gateway sees its MAC address and not the devices'.
    fn attach_to_one_interface(&mut self, bundle: &Bundle) {
        self.namespace("campus");
        let (gateway, campus) = (self.full("gw"), self.full("campus"));
        let inside = &bundle.interfaces.devices;
        self.sh(&format!(
            "ip link add {inside} netns {gateway} type veth peer name wan0 netns {campus}
             ip -n {gateway} addr add 10.8.0.1/24 dev {inside}
             ip -n {gateway} link set {inside} up
             ip -n {gateway} route add 10.1.0.0/24 via 10.8.0.2 onlink dev {inside}
             ip -n {campus} addr add 10.8.0.2/24 dev wan0
             ip -n {campus} link set wan0 up
             ip -n {campus} route add default via 10.8.0.1
             ip netns exec {campus} sysctl -qw net.ipv4.ip_forward=1"
        ));
        for device in &bundle.devices {
            self.namespace(device.id.as_str());
            let (full, ip) = (self.full(device.id.as_str()), device.ip);
            let port = format!("d{}", ip.octets()[3]);
            self.sh(&format!(
                "ip link add {port} netns {campus} type veth peer name eth0 netns {full}
                 ip -n {campus} addr add 10.1.0.1/32 dev {port}
                 ip -n {campus} link set {port} up
                 ip -n {campus} route add {ip}/32 dev {port}
                 ip -n {full} addr add {ip}/24 dev eth0
                 ip -n {full} link set eth0 up
                 ip -n {full} route add default via 10.1.0.1"
            ));
        }
    }

    fn attach(&mut self, id: &str, port: &str, mac: &str, ip: IpAddr) {
        self.namespace(id);
        let (gateway, full) = (self.full("gw"), self.full(id));
        self.sh(&format!(
            "ip link add {port} netns {gateway} type veth peer name eth0 netns {full} address {mac}
             ip -n {gateway} link set {port} up
             ip -n {full} link set eth0 up"
        ));
        self.address(id, port, ip);
    }

    fn address(&self, id: &str, port: &str, ip: IpAddr) {
        let (gateway, full) = (self.full("gw"), self.full(id));
        let (own, length, full_length, nodad) = match ip {
            IpAddr::V4(_) => ("10.1.0.1", 24, 32, ""),
            IpAddr::V6(_) => ("fd00:1::1", 64, 128, "nodad"),
        };
        self.sh(&format!(
            "ip -n {gateway} addr add {own}/{full_length} dev {port} {nodad}
             ip -n {gateway} route add {ip}/{full_length} dev {port}
             ip -n {full} addr add {ip}/{length} dev eth0 {nodad}
             ip -n {full} route add default via {own}"
        ));
    }

    /// Gives the full name of a namespace.
    pub(crate) fn full(&self, short: &str) -> String {
        format!("{}-{short}", self.name)
    }

    pub(crate) fn namespace(&mut self, short: &str) {
        let full = self.full(short);
        self.sh(&format!("ip netns add {full}"));
        self.namespaces.push(full.clone());
        // Addresses are there at once: no duplicate address detection.
        self.sh(&format!(
            "ip netns exec {full} sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
             ip -n {full} link set lo up"
        ));
    }

    pub(crate) fn sh(&self, script: &str) {
        let output = Command::new("sh").args(["-ec", script]).output().unwrap();
        assert!(output.status.success(), "{script}\n{}", text(&output.stderr));
    }

    /// Runs a shell command in a namespace.
    pub(crate) fn run(&self, place: &str, command: &str) -> String {
        let full = self.full(place);
        let args = ["netns", "exec", &full, "sh", "-ec", command];
        let output = Command::new("ip").args(args).output().unwrap();
        assert!(output.status.success(), "{command}\n{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs nft at the gateway.
    pub(crate) fn nft(&self, args: &[&str], input: &str) -> Result<String, String> {
        let full = self.full("gw");
        let mut child = Command::new("ip")
            .args(["netns", "exec", &full, "nft"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        if status.success() { Ok(text(&stdout)) } else { Err(text(&stderr)) }
    }

    /// Loads a text at the gateway.
    pub(crate) fn load(&self, text: &str) -> Result<String, String> {
        self.nft(&["-f", "-"], text)
    }

    /// Changes the state table.
    pub(crate) fn state(&self, change: &str, set: &str, element: &str) {
        let command = format!("{change} element inet cordon_state {set} {{ {element} }}");
        self.load(&command).unwrap();
    }

    /// Reads a counter of a table.
    pub(crate) fn counter(&self, table: &str, name: &str) -> u64 {
        let (family, table) = table.split_once(' ').unwrap();
        let answer = self.nft(&["-j", "list", "counter", family, table, name], "").unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        answer.pointer("/nftables/1/counter/packets").unwrap().as_u64().unwrap()
    }

    /// Says whether an echo comes back.
    pub(crate) fn asks(&self, device: &str, transport: &str, to: &str, port: u16) -> bool {
        self.talks(device, &["ask", transport, to, &port.to_string()])
    }

    /// Runs the talker to its end.
    pub(crate) fn talks(&self, place: &str, args: &[&str]) -> bool {
        let status = self.talker(place, args).stdout(Stdio::null()).status();
        status.unwrap().success()
    }

    /// Starts a talker that stays, and waits until it says that it is ready.
    pub(crate) fn start(&mut self, place: &str, args: &[&str]) -> Talk {
        let talker = self.talker(place, args);
        self.stay(talker)
    }

    /// Starts a program of this lab that stays, and waits until it says that it is ready.
    pub(crate) fn stay(&mut self, mut program: Command) -> Talk {
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        self.children.push(child);
        let mut talk = Talk { stdin, stdout: BufReader::new(stdout) };
        assert_eq!(talk.line(), "ready");
        talk
    }

    /// Starts servers that echo, for as long as the lab stands.
    pub(crate) fn serve(&mut self, place: &str, listen: &[&str]) {
        let talk = self.start(place, &[&["serve"], listen].concat());
        self.servers.push(talk);
    }

    fn talker(&self, place: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.full(place), "python3", "-S", TALK]).args(args);
        command
    }
}

/// A talker that stays: a server, or a connection that is kept open.
pub(crate) struct Talk {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Talk {
    /// Sends one message over the open connection and says whether its echo came.
    pub(crate) fn echoes(&mut self) -> bool {
        self.says() == "ok"
    }

    /// Gives the answer to one line.
    pub(crate) fn says(&mut self) -> String {
        writeln!(self.stdin, "go").unwrap();
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
