//! Devices, a gateway and services in network namespaces, with the real daemon between them.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cordon_gateway::control::{self, Order, Request};
use cordon_journal::layout;
use cordon_journal::read::Reader;
use cordon_model::event::{Finding, Person, Retention, StateChange};
use cordon_model::seal::Sealer;
use cordon_model::{BadgeId, Bundle, DeviceId, Event, Label, What};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::clients::Line;
use super::hospital::{ACTORS, ADDRESSES, Actor, POINT, bundle};
use super::services::Services;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const SECURITY: (&str, &str) = ("B-1", "security");
pub(crate) const CLINICAL: (&str, &str) = ("B-2", "clinical");

/// The stage; it is cleared when the test ends, however it ends.
pub(crate) struct Stage {
    name: String,
    folder: tempfile::TempDir,
    sealer: Sealer,
    daemon: Option<Child>,
    children: Vec<Child>,
    pub(crate) services: Services,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill();
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for place in places() {
            let _ = Command::new("ip").args(["netns", "del", &self.full(place)]).output();
        }
    }
}

fn places() -> impl Iterator<Item = &'static str> {
    ["gw", "srv"].into_iter().chain(ACTORS.map(|actor| actor.place))
}

/// Says whether programs are there, and says loudly which are not.
pub(crate) fn ready(programs: &[(&str, &str)]) -> bool {
    let mut missing = Vec::new();
    let always = [("nft", "nftables"), ("ip", "iproute2")];
    for (program, package) in always.iter().chain(programs) {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            missing.push(format!("`{program}` is missing (Debian package {package})"));
        }
    }
    if !nix::unistd::geteuid().is_root() {
        missing.push("network namespaces need root".to_owned());
    }
    if !missing.is_empty() {
        eprintln!("SKIPPED, NOTHING WAS TESTED: {}", missing.join("; "));
    }
    missing.is_empty()
}

impl Stage {
    /// Sets the stage with bundle 1 in force; none where that cannot be, which is said.
    pub(crate) fn new() -> Option<Self> {
        Self::with(&bundle(1), "")
    }

    /// The same with a bundle of one's own and more lines of configuration.
    pub(crate) fn with(first: &Bundle, more: &str) -> Option<Self> {
        let mut stage = Self::bare(first, more)?;
        stage.start();
        Some(stage)
    }

    /// The same before the daemon was ever there: the gateway forwards nothing yet.
    pub(crate) fn bare(first: &Bundle, more: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !ready(&[]) {
            return None;
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut stage = Self {
            name: format!("cg-w{}-{count}", std::process::id()),
            folder: tempfile::tempdir().unwrap(),
            sealer: Sealer::new("clinic/policy", [9; 32]),
            daemon: None,
            children: Vec::new(),
            services: Services::default(),
        };
        stage.build();
        fs::write(stage.path("policy.pub"), stage.sealer.seal().text()).unwrap();
        let config = format!(
            "point = \"{POINT}\"\nbundle = \"gw.bundle\"\nkey = \"policy.pub\"\n\
             state = \"state\"\ncontrol = \"control.sock\"\njournal = \"journal\"\n{more}"
        );
        fs::write(stage.path("gw.toml"), config).unwrap();
        stage.publish(first);
        stage.services = stage.within("srv", Services::start);
        Some(stage)
    }

    fn build(&self) {
        let mut lines = Vec::new();
        for place in places() {
            let full = self.full(place);
            lines.push(format!("ip netns add {full}"));
            lines.push(format!(
                "ip netns exec {full} sysctl -qw net.ipv6.conf.all.accept_dad=0 \
                 net.ipv6.conf.default.accept_dad=0"
            ));
            lines.push(format!("ip -n {full} link set lo up"));
        }
        let (gw, srv) = (self.full("gw"), self.full("srv"));
        lines.push(format!("ip link add uplink0 netns {gw} type veth peer name eth0 netns {srv}"));
        lines.push(format!("ip -n {gw} addr add 10.9.0.1/24 dev uplink0"));
        lines.push(format!("ip -n {gw} addr add fd00:9::1/64 dev uplink0 nodad"));
        lines.push(format!("ip -n {gw} link set uplink0 up"));
        lines.push(format!("ip -n {gw} route add 198.51.100.45/32 dev uplink0"));
        for address in ADDRESSES {
            let nodad = if address.contains(':') { "nodad" } else { "" };
            lines.push(format!("ip -n {srv} addr add {address} dev eth0 {nodad}"));
        }
        lines.push(format!("ip -n {srv} link set eth0 up"));
        lines.push(format!("ip -n {srv} route add default via 10.9.0.1"));
        lines.push(format!("ip -n {srv} route add default via fd00:9::1"));
        for actor in ACTORS {
            lines.extend(self.attached(&gw, actor));
        }
        let output = Command::new("sh").args(["-ec", &lines.join("\n")]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    fn attached(&self, gw: &str, actor: Actor) -> [String; 11] {
        let (full, port) = (self.full(actor.place), actor.interface());
        let (ip, ipv6) = (actor.ip(), actor.ipv6());
        let mac = actor.mac().map(|byte| format!("{byte:02x}")).join(":");
        [
            format!(
                "ip link add {port} netns {gw} type veth peer name eth0 netns {full} address {mac}"
            ),
            format!("ip -n {gw} addr add 10.1.0.1/32 dev {port}"),
            format!("ip -n {gw} addr add fd00:1::1/128 dev {port} nodad"),
            format!("ip -n {gw} link set {port} up"),
            format!("ip -n {gw} route add {ip}/32 dev {port}"),
            format!("ip -n {gw} route add {ipv6}/128 dev {port}"),
            format!("ip -n {full} addr add {ip}/24 dev eth0"),
            format!("ip -n {full} addr add {ipv6}/64 dev eth0 nodad"),
            format!("ip -n {full} link set eth0 up"),
            format!("ip -n {full} route add default via 10.1.0.1"),
            format!("ip -n {full} route add default via fd00:1::1"),
        ]
    }

    /// Gives the full name of a namespace.
    pub(crate) fn full(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    /// Gives the path of a file of the point.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Does something on a thread within a namespace; sockets that are opened there stay there.
    pub(crate) fn within<T: Send>(&self, place: &str, act: impl FnOnce() -> T + Send) -> T {
        let file = File::open(format!("/run/netns/{}", self.full(place))).unwrap();
        thread::scope(|scope| {
            let act = move || {
                setns(file, CloneFlags::CLONE_NEWNET).unwrap();
                act()
            };
            scope.spawn(act).join().unwrap()
        })
    }

    /// Makes a command in a namespace.
    pub(crate) fn command(&self, place: &str, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.full(place), program]).args(args);
        command.stdin(Stdio::null()).current_dir(self.folder.path());
        command
    }

    /// Runs a shell command in a namespace to its end.
    pub(crate) fn run(&self, place: &str, script: &str) -> Output {
        self.command(place, "sh", &["-c", script]).output().unwrap()
    }

    /// Runs one that must succeed, and gives what it prints.
    pub(crate) fn says(&self, place: &str, script: &str) -> String {
        let output = self.run(place, script);
        assert!(
            output.status.success(),
            "{script}\n{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Starts a program that stays until the test ends; what it says goes to a file.
    pub(crate) fn stay(&mut self, place: &str, script: &str, output: &str) -> PathBuf {
        let path = self.path(output);
        let file = File::create(&path).unwrap();
        let mut command = self.command(place, "sh", &["-c", &format!("exec {script}")]);
        command.stdout(file.try_clone().unwrap()).stderr(file);
        self.children.push(command.spawn().unwrap());
        path
    }

    /// Gives a bundle as it is published.
    pub(crate) fn sealed(&self, bundle: &Bundle) -> String {
        self.sealer.sealed(bundle).unwrap()
    }

    pub(crate) fn publish(&self, bundle: &Bundle) {
        self.offer(&self.sealed(bundle));
    }

    /// Puts a text where bundles are looked for.
    pub(crate) fn offer(&self, text: &str) {
        fs::write(self.path("fresh"), text).unwrap();
        fs::rename(self.path("fresh"), self.path("gw.bundle")).unwrap();
    }

    /// Publishes a bundle and waits until it is in force.
    pub(crate) fn push(&self, bundle: &Bundle) {
        self.publish(bundle);
        until("the bundle", || self.in_force().filter(|number| *number == bundle.number));
    }

    /// Starts the daemon and waits until a bundle is in force.
    pub(crate) fn start(&mut self) {
        let config = self.path("gw.toml");
        let gateway = env!("CARGO_BIN_EXE_cordon-gateway");
        let mut command = self.command("gw", gateway, &["--config", config.to_str().unwrap()]);
        let log = File::options().create(true).append(true).open(self.path("gw.log")).unwrap();
        command.stderr(log);
        self.daemon = Some(command.spawn().unwrap());
        until("the point", || self.in_force());
    }

    /// Kills the daemon.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Tells the daemon to end, and waits for it.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.daemon.take().unwrap().wait().unwrap();
        assert!(status.success(), "{status}");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.daemon.as_ref().unwrap();
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Gives the number of the bundle in force, once there is one.
    pub(crate) fn in_force(&self) -> Option<u64> {
        let answer = control::request(&self.path("control.sock"), &Request::Status).ok()?;
        answer.pointer("/bundle/number").and_then(Value::as_u64)
    }

    pub(crate) fn ask(&self, request: &Request) -> Value {
        control::request(&self.path("control.sock"), request).unwrap()
    }

    /// Gives an order, which is obeyed.
    pub(crate) fn obeys(&self, request: &Request) {
        let answer = self.ask(request);
        assert_eq!(answer["ok"], true, "{answer}");
    }

    pub(crate) fn contain(&self, actor: Actor) {
        self.obeys(&Request::Contain(order(actor, &[SECURITY])));
    }

    pub(crate) fn release(&self, actor: Actor) {
        self.obeys(&Request::Release(order(actor, &[SECURITY])));
    }

    /// Gives what the journal holds of what happened to devices and to the point.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.records(Retention::Evidence)
    }

    /// Gives what a stream of the journal holds.
    pub(crate) fn records(&self, retention: Retention) -> Vec<Event> {
        let stream = layout::stream(&self.path("journal"), retention);
        let mut events = Vec::new();
        let Ok(oldest) = Reader::oldest(&stream) else { return events };
        let Ok(mut reader) = Reader::open(&stream, oldest) else { return events };
        // The last entry may be half written.
        while let Ok(Some(entry)) = reader.next() {
            let Ok(record) = entry.record() else { break };
            events.push(record.event);
        }
        events
    }

    /// Waits for an event.
    pub(crate) fn until_event<T>(&self, what: &str, wanted: impl Fn(&Event) -> Option<T>) -> T {
        until(what, || {
            pause(50);
            self.events().iter().find_map(&wanted)
        })
    }

    /// Waits for a finding.
    pub(crate) fn until_finding(&self, what: &str, wanted: impl Fn(&Finding) -> bool) -> Finding {
        self.until_event(what, |event| match &event.what {
            What::Finding(finding) if wanted(finding) => Some((**finding).clone()),
            _ => None,
        })
    }

    /// Gives how devices changed their states, in order.
    pub(crate) fn changes(&self) -> Vec<StateChange> {
        let change = |event: Event| match event.what {
            What::State(change) => Some(*change),
            _ => None,
        };
        self.events().into_iter().filter_map(change).collect()
    }

    /// Turns the key for a device, or back.
    pub(crate) fn key(&self, actor: Actor, is_on: bool) {
        let element = if is_on {
            format!("add element inet cordon_state emergency4 {{ {} timeout 30m }}", actor.ip())
        } else {
            format!("delete element inet cordon_state emergency4 {{ {} }}", actor.ip())
        };
        self.says("gw", &format!("nft '{element}'"));
    }

    /// Reads a counter of the packet filter.
    pub(crate) fn counter(&self, table: &str, name: &str) -> u64 {
        let answer = self.says("gw", &format!("nft -j list counter {table} {name}"));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer.pointer("/nftables/1/counter/packets").unwrap().as_u64().unwrap()
    }

    /// Says whether a connection to a service that echoes can be opened and works.
    pub(crate) fn opens(&self, actor: Actor, to: SocketAddr) -> bool {
        self.line(actor, to).is_some_and(|mut line| line.echoes())
    }

    /// Opens a connection to a service that echoes.
    pub(crate) fn line(&self, actor: Actor, to: SocketAddr) -> Option<Line> {
        self.within(actor.place, || Line::open(to))
    }
}

pub(crate) fn order(actor: Actor, people: &[(&str, &str)]) -> Order {
    let person = |(badge, role): &(&str, &str)| Person {
        badge: BadgeId::new(badge).unwrap(),
        role: Label::new(role).unwrap(),
    };
    Order {
        device: DeviceId::new(actor.id).unwrap(),
        by: people.iter().map(person).collect(),
        reason: Label::new("test").unwrap(),
    }
}

/// Tries until it succeeds or patience ends.
pub(crate) fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        pause(5);
    }
}

/// Lets others run for some milliseconds.
pub(crate) fn pause(ms: u64) {
    let end = Instant::now() + Duration::from_millis(ms);
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|it| !it.is_zero()) {
        thread::park_timeout(left);
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
