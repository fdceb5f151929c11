//! The whole daemon between devices and services: bundles, orders, its death.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use cordon_gateway::control::{self, Order, Request};
use cordon_journal::layout;
use cordon_journal::read::Reader;
use cordon_model::event::{Person, Retention};
use cordon_model::seal::Sealer;
use cordon_model::{BadgeId, Bundle, DeviceId, DeviceState, Event, Label, PointId, What};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::lab::{Lab, ready};
use super::{EHR, MONITOR, PACS, PUMP, STATION, bundles, until};

/// A point with its files, beside a lab.
pub(super) struct Point {
    folder: tempfile::TempDir,
    sealer: Sealer,
    child: Option<Child>,
}

impl Drop for Point {
    fn drop(&mut self) {
        self.kill();
    }
}

fn bundle(number: u64) -> Bundle {
    Bundle { number, ..bundles::inspected_lifelines(bundles::access()) }
}

impl Point {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new("clinic/policy", [9; 32]);
        fs::write(folder.path().join("policy.pub"), sealer.seal().text()).unwrap();
        fs::write(
            folder.path().join("gw.toml"),
            "point = \"gw-a-001\"\nbundle = \"gw.bundle\"\nkey = \"policy.pub\"\n\
             state = \"state\"\ncontrol = \"control.sock\"\njournal = \"journal\"\n",
        )
        .unwrap();
        Self { folder, sealer, child: None }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn publish(&self, bundle: &Bundle) {
        let fresh = self.path("fresh");
        fs::write(&fresh, self.sealer.sealed(bundle).unwrap()).unwrap();
        fs::rename(fresh, self.path("gw.bundle")).unwrap();
    }

    pub(super) fn start(&mut self, lab: &Lab) {
        let child = Command::new("ip")
            .args(["netns", "exec", &lab.full("gw"), env!("CARGO_BIN_EXE_cordon-gateway")])
            .arg("--config")
            .arg(self.path("gw.toml"))
            .stderr(Stdio::inherit())
            .spawn();
        self.child = Some(child.unwrap());
        until("the point", || self.in_force());
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Gives the number of the bundle in force, once there is one.
    pub(super) fn in_force(&self) -> Option<u64> {
        let answer = control::request(&self.path("control.sock"), &Request::Status).ok()?;
        answer.pointer("/bundle/number").and_then(Value::as_u64)
    }

    pub(super) fn ask(&self, request: &Request) -> Value {
        control::request(&self.path("control.sock"), request).unwrap()
    }

    /// Gives an order, which is obeyed.
    pub(super) fn obeys(&self, request: &Request) {
        let answer = self.ask(request);
        assert_eq!(answer["ok"], true, "{answer}");
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().unwrap();
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Says what would be enforced: the exit code.
    pub(super) fn checks(&self) -> Option<i32> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordon-gateway"));
        command.arg("--config").arg(self.path("gw.toml")).arg("--check").stdout(Stdio::null());
        command.status().unwrap().code()
    }
}

pub(super) fn order(device: &str, people: &[(&str, &str)]) -> Order {
    let person = |(badge, role): &(&str, &str)| Person {
        badge: BadgeId::new(badge).unwrap(),
        role: Label::new(role).unwrap(),
    };
    Order {
        device: DeviceId::new(device).unwrap(),
        by: people.iter().map(person).collect(),
        reason: Label::new("test").unwrap(),
    }
}

pub(super) const SECURITY: (&str, &str) = ("B-1", "security");
const CLINICAL: (&str, &str) = ("B-2", "clinical");

fn events(journal: &Path) -> Vec<Event> {
    let stream = layout::stream(journal, Retention::Evidence);
    let mut reader = Reader::open(&stream, Reader::oldest(&stream).unwrap()).unwrap();
    let mut events = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        events.push(entry.record().unwrap().event);
    }
    events
}

#[test]
fn a_lifeline_loses_nothing_whatever_becomes_of_the_point() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundle(7));
    let mut point = Point::new();
    point.publish(&bundle(7));
    point.start(&lab);
    let mut tcp = lab.start(MONITOR, &["hold", "tcp", STATION, "2575"]);
    let mut clinical = lab.start(PUMP, &["hold", "tcp", PACS, "104"]);
    assert!(tcp.echoes() && clinical.echoes());
    point.publish(&bundle(8));
    until("bundle 8", || {
        assert!(tcp.echoes(), "while a bundle is pushed");
        point.in_force().filter(|number| *number == 8)
    });
    assert!(clinical.echoes(), "what is permitted goes on over a bundle");
    for device in [MONITOR, PUMP] {
        point.obeys(&Request::Contain(order(device, &[SECURITY])));
    }
    assert!(tcp.echoes(), "contained");
    assert!(!clinical.echoes(), "a connection that was open is cut");
    for device in [MONITOR, PUMP] {
        point.obeys(&Request::Release(order(device, &[SECURITY])));
    }
    assert!(tcp.echoes(), "released");
    assert!(lab.asks(PUMP, "tcp", PACS, 104));
    point.kill();
    for _ in 0..20 {
        assert!(tcp.echoes(), "nobody there");
    }
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575), "a new one, nobody there");
    assert!(lab.asks(PUMP, "tcp", STATION, 2575), "a taken lifeline goes through the kernel");
    assert!(!lab.asks(PUMP, "tcp", EHR, 443), "what must be inspected is closed");
    point.start(&lab);
    for _ in 0..20 {
        assert!(tcp.echoes(), "back again");
    }
    assert_eq!(point.in_force(), Some(8), "without anybody else");
    point.signal(Signal::SIGTERM);
    let ended = point.child.take().unwrap().wait().unwrap();
    assert!(ended.success(), "{ended}");
    assert!(tcp.echoes(), "ended in an orderly way");
    let changes: Vec<(String, DeviceState)> = events(&point.path("journal"))
        .into_iter()
        .filter_map(|event| match event.what {
            What::State(change) => Some((change.device.to_string(), change.to)),
            _ => None,
        })
        .collect();
    for device in [MONITOR, PUMP] {
        let of: Vec<_> = changes.iter().filter(|(id, _)| id == device).map(|(_, to)| to).collect();
        assert_eq!(of, [&DeviceState::Contained, &DeviceState::Probation], "{device}");
    }
}

#[test]
fn a_point_that_hangs_lets_lifelines_through_the_kernel() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundle(7));
    let mut point = Point::new();
    point.publish(&bundle(7));
    point.start(&lab);
    let mut copied = lab.start(MONITOR, &["hold", "tcp", STATION, "2575"]);
    // Taken: what an echo says is no HL7, and the proxy does not pass it.
    assert!(copied.echoes() && !lab.asks(PUMP, "tcp", STATION, 2575));
    point.signal(Signal::SIGSTOP);
    let hung = Instant::now();
    until("a taken lifeline", || {
        assert!(copied.echoes(), "what is copied notices nothing");
        lab.asks(PUMP, "tcp", STATION, 2575).then_some(())
    });
    eprintln!("hung: a taken lifeline through the kernel after {:?}", hung.elapsed());
    assert!(!lab.asks(PUMP, "tcp", EHR, 443), "what must be inspected is closed");
    point.signal(Signal::SIGCONT);
    until("the proxy", || (!lab.asks(PUMP, "tcp", STATION, 2575)).then_some(()));
    assert!(copied.echoes());
}

#[test]
fn nobody_isolates_a_red_device_alone_and_a_restart_forgets_nothing() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundle(7));
    let mut point = Point::new();
    point.publish(&bundle(7));
    point.start(&lab);
    let mut tcp = lab.start(MONITOR, &["hold", "tcp", STATION, "2575"]);
    for people in [&[SECURITY][..], &[SECURITY, ("B-3", "security")], &[CLINICAL]] {
        let answer = point.ask(&Request::Isolate(order(MONITOR, people)));
        assert_eq!(answer["ok"], false, "{answer}");
        assert!(tcp.echoes());
    }
    point.obeys(&Request::Isolate(order(MONITOR, &[SECURITY, CLINICAL])));
    assert!(!tcp.echoes(), "two people did");
    point.kill();
    assert!(!lab.asks(MONITOR, "tcp", STATION, 2575), "it stays isolated");
    point.start(&lab);
    assert!(!lab.asks(MONITOR, "tcp", STATION, 2575), "and nobody opens it by a restart");
}

#[test]
fn bundles_that_are_old_forged_or_anothers_change_nothing() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundle(7));
    let mut point = Point::new();
    point.publish(&bundle(7));
    point.start(&lab);
    let other = Sealer::new("clinic/policy", [1; 32]);
    assert_eq!(point.checks(), Some(0));
    let foreign = Bundle { point: PointId::new("gw-b").unwrap(), ..bundle(9) };
    // The file, and a word of the refusal that no other has.
    let bad = [
        (point.sealer.sealed(&bundle(6)).unwrap(), "number 6"),
        (other.sealed(&bundle(9)).unwrap(), "no signature"),
        (point.sealer.sealed(&foreign).unwrap(), "`gw-b`"),
        ("nonsense".to_owned(), "empty line"),
    ];
    for (text, word) in bad {
        fs::write(point.path("gw.bundle"), &text).unwrap();
        until(word, || {
            let status = point.ask(&Request::Status);
            status["refused"].as_str().filter(|refused| refused.contains(word)).map(|_| ())
        });
        assert_eq!(point.checks(), Some(65), "{word}");
        assert_eq!(point.in_force(), Some(7));
        assert!(lab.asks(MONITOR, "tcp", STATION, 2575));
    }
    let recorded = until("the records", || {
        let changes = events(&point.path("journal")).into_iter().filter_map(|event| {
            let What::Policy(change) = event.what else { return None };
            let reason = change.reason.map(|reason| reason.to_string());
            Some(format!(
                "{} {} {}",
                change.action.name(),
                change.generation,
                reason.unwrap_or_default()
            ))
        });
        Some(changes.collect::<Vec<_>>()).filter(|changes| changes.len() == 5)
    });
    let refused =
        ["refuse 6 older", "refuse 0 not-sealed", "refuse 0 foreign", "refuse 0 not-sealed"];
    assert_eq!(recorded.first().unwrap(), "activate 7 ");
    assert_eq!(recorded.get(1..).unwrap(), refused);
}
