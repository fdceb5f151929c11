//! The lab on this machine: a clinic of namespaces stands, is attacked, and leaves nothing behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bench::{Bench, Run, clinic};

mod gateways;

/// Says whether labs can be built here, and says loudly why not.
fn ready() -> bool {
    let mut missing = Vec::new();
    for (program, package) in [("nft", "nftables"), ("ip", "iproute2"), ("storescp", "dcmtk")] {
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
    say(&format!("SKIPPED, NOTHING WAS TESTED: {}", missing.join("; ")));
    false
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Says whether a lab that is being built has come so far.
type Stage = fn(&Lab) -> bool;

/// A lab of one test; it goes when the test does.
struct Lab {
    bench: Bench,
    id: String,
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.bench.run(["lab", "down", "--id", &self.id]);
    }
}

impl Lab {
    fn new(name: &str) -> Self {
        Self { bench: Bench::new(), id: format!("{name}{}", std::process::id()) }
    }

    fn run(&self, verb: &[&str], more: &[&str]) -> Run {
        let all = [&["lab"], verb, &["--id", &self.id, "--json"], more].concat();
        self.bench.run(all)
    }

    fn play(&self, scenario: &str, more: &[&str]) -> Value {
        let run = self.run(&["run", scenario], more);
        let json = run.json();
        assert_eq!(run.code, 0, "{}", serde_json::to_string_pretty(&json).unwrap());
        json
    }

    fn up(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
        command.args(["lab", "up", &clinic(), "--kernel-only", "--id", &self.id, "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn prefix(&self) -> String {
        format!("cordon-lab-{}-", self.id)
    }

    fn namespaces(&self) -> Vec<String> {
        let entries = fs::read_dir("/run/netns").into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.starts_with(&self.prefix())).collect()
    }

    /// Gives the processes that carry the lab's mark.
    fn processes(&self) -> Vec<String> {
        let mark = format!("CORDON_LAB={}", self.id);
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let marked = entries.filter(|entry| {
            let variables = fs::read(entry.path().join("environ")).unwrap_or_default();
            variables.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
        });
        marked.map(|entry| entry.path().display().to_string()).collect()
    }

    /// Says whether a service of the lab was started.
    fn listens(&self) -> bool {
        let records = fs::read_dir(format!("/run/cordon-lab/{}/records", self.id));
        let names = records.into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with("listen-"))
    }

    #[track_caller]
    fn is_gone(&self) {
        assert_eq!(self.namespaces(), Vec::<String>::new());
        assert_eq!(self.processes(), Vec::<String>::new());
        for path in
            [format!("/run/cordon-lab/{}", self.id), format!("/run/cordon-lab/{}.json", self.id)]
        {
            assert!(!Path::new(&path).exists(), "{path} is still there");
        }
    }
}

fn blocked<'v>(played: &'v Value, point: &str) -> Vec<&'v str> {
    let rows = played["blocked"].as_array().unwrap().iter();
    rows.filter(|row| row["point"] == point).filter_map(|row| row["rule"].as_str()).collect()
}

#[test]
fn the_clinic_stands_is_attacked_and_leaves_nothing_behind() {
    if !ready() {
        return;
    }
    let lab = Lab::new("clinic");
    let built = lab.run(&["up", &clinic(), "--kernel-only"], &[]).exits(0).json();
    assert_eq!((&built["devices"], &built["points"]), (&40.into(), &5.into()));
    let twice = lab.run(&["up", &clinic(), "--kernel-only"], &[]).exits(78);
    assert!(twice.out.contains("stands already"), "{twice:?}");

    let normal = lab.play("normal", &["--seconds", "5"]);
    let said = normal["sent"].as_array().unwrap();
    let has = |what: &str| {
        said.iter().any(|sent| {
            sent["what"] == what
                && sent["count"].as_u64() > Some(0)
                && sent["answered"] == sent["count"]
        })
    };
    for what in [
        "hl7.oru-r01 with hl7-engine",
        "hl7.oru-r40 with alarm-desk",
        "hl7.rgv-o15 with hl7-engine",
        "http.post with nurse-desk",
        "dicom.c-store with image-archive",
        "ntp.query with time",
    ] {
        assert!(has(what), "{what}: {said:#?}");
    }

    let pump = ["--megabytes", "4", "--megabits-per-second", "80"];
    let pump = lab.play("pump-exfiltration", &pump);
    assert!(pump["sent"][0]["bytes"].as_u64() >= Some(4_000_000), "{pump:#}");
    assert_eq!(pump["intruded"], Value::Array(Vec::new()));
    assert!(blocked(&pump, "gw-suite").contains(&"inet cordon_policy denied"), "{pump:#}");
    assert!(pump["blocked_after_ms"].as_u64().is_some(), "{pump:#}");

    let laptop = lab.play("hvac-laptop", &[]);
    let rules = blocked(&laptop, "gw-suite");
    assert!(rules.contains(&"inet cordon_policy spoofed"), "{laptop:#}");
    assert!(rules.contains(&"arp cordon_bind spoofed"), "{laptop:#}");
    assert!(laptop["sent"].as_array().unwrap().iter().all(|sent| sent["answered"] == 0));

    let spoof = lab.play("arp-spoof", &[]);
    assert!(blocked(&spoof, "gw-suite").contains(&"arp cordon_bind spoofed"), "{spoof:#}");

    let push = lab.play("policy-push", &["--seconds", "4"]);
    let probes = push["probes"].as_array().unwrap();
    assert!(!probes.is_empty() && probes.iter().all(|probe| probe["lost"] == 0), "{push:#}");

    let status = lab.run(&["status"], &[]).exits(0).json();
    assert_eq!(status["labs"][0]["complete"], true);
    lab.run(&["down"], &[]).exits(0);
    lab.is_gone();
}

#[test]
fn a_lab_whose_builder_was_killed_is_removed_all_the_same() {
    if !ready() {
        return;
    }
    // Killed when the first namespace is there, and when the first service listens.
    let stages: [(&str, Stage); 2] =
        [("crasha", |lab| !lab.namespaces().is_empty()), ("crashb", |lab| lab.listens())];
    for (name, is_reached) in stages {
        let lab = Lab::new(name);
        let mut builder = lab.up().spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while !is_reached(&lab) {
            assert!(Instant::now() < end, "nothing is built");
            assert!(builder.try_wait().unwrap().is_none(), "it was built before it was killed");
        }
        builder.kill().unwrap();
        builder.wait().unwrap();
        let status = lab.run(&["status"], &[]).exits(0).json();
        assert_eq!(status["labs"][0]["complete"], false);
        lab.run(&["run", "normal"], &[]).exits(78);
        lab.run(&["down"], &[]).exits(0);
        lab.is_gone();
    }
}

#[test]
fn nobody_but_root_builds_a_lab() {
    let bench = Bench::new();
    // `nobody` may not be able to run a program below somebody's home; then there is no answer.
    let setpriv = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let mut command = Command::new("setpriv");
    command.args(setpriv).arg(env!("CARGO_BIN_EXE_cordon")).args(["lab", "up", &clinic()]);
    let Ok(output) = command.current_dir(&bench.dir).output() else {
        return say(
            "SKIPPED, NOTHING WAS TESTED: `setpriv` is missing (Debian package util-linux)",
        );
    };
    let said = String::from_utf8(output.stderr).unwrap();
    if output.status.code() == Some(78) {
        assert!(said.contains("those need root"), "{said}");
    } else {
        say(&format!("SKIPPED, NOTHING WAS TESTED: {said}"));
    }
}
