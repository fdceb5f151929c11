//! Real syslog receivers over TLS on the loopback, which are stopped and killed meanwhile.
//!
//! rsyslog comes from its Debian package; syslog-ng, which cannot be installed beside it, lies
//! unpacked in `target/peers/syslog-ng` (`cargo xtask test` puts it there).

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cordon_model::event::EventId;

use crate::bench::{Bench, deduplicate, until, write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsyslog,
    SyslogNg,
}

/// A receiver and its files.
struct Receiver {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

fn unpacked() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers/syslog-ng")
}

fn program(kind: Kind) -> Option<PathBuf> {
    let path = match kind {
        Kind::Rsyslog => PathBuf::from("/usr/sbin/rsyslogd"),
        Kind::SyslogNg => unpacked().join("usr/sbin/syslog-ng"),
    };
    path.is_file().then_some(path)
}

fn openssl(folder: &Path, args: &[&str]) {
    let output = Command::new("openssl").args(args).current_dir(folder).output();
    let output = output.expect("this test needs openssl: install the Debian package openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes an authority, the certificate of the receiver and ours.
fn certify(folder: &Path) {
    let authority = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                     -subj /CN=test-authority -keyout ca.key -out ca.pem";
    openssl(folder, &authority.split_whitespace().collect::<Vec<_>>());
    for (name, extension) in [
        ("server", "subjectAltName=DNS:siem.hospital.example"),
        ("client", "subjectAltName=DNS:cordon.hospital.example"),
    ] {
        let request = format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} \
             -keyout {name}.key -out {name}.csr"
        );
        openssl(folder, &request.split_whitespace().collect::<Vec<_>>());
        fs::write(folder.join("extensions"), extension).unwrap();
        let sign = format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile extensions -out {name}.pem"
        );
        openssl(folder, &sign.split_whitespace().collect::<Vec<_>>());
    }
}

fn rsyslog(folder: &str, port: u16) -> String {
    format!(
        r#"global(workDirectory="{folder}" maxMessageSize="64k"
  DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="{folder}/ca.pem"
  DefaultNetstreamDriverCertFile="{folder}/server.pem"
  DefaultNetstreamDriverKeyFile="{folder}/server.key")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1"
  StreamDriver.AuthMode="x509/certvalid")
template(name="message" type="string" string="%msg%\n")
ruleset(name="all") {{ action(type="omfile" file="{folder}/received" template="message") }}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all")
"#
    )
}

fn syslog_ng(folder: &str, port: u16) -> String {
    format!(
        r#"@version: 3.38
options {{ stats-freq(0); keep-hostname(yes); use-dns(no); log-msg-size(65536); }};
source s {{ syslog(ip("127.0.0.1") port({port}) transport("tls") max-connections(20)
  tls(key-file("{folder}/server.key") cert-file("{folder}/server.pem")
    ca-file("{folder}/ca.pem") peer-verify(required-trusted))); }};
destination d {{ file("{folder}/received" template("${{MSG}}\n")); }};
log {{ source(s); destination(d); }};
"#
    )
}

impl Receiver {
    fn new(kind: Kind, folder: PathBuf) -> Self {
        certify(&folder);
        // Whoever takes the port between here and the start makes the test fail, not pass.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.to_str().unwrap();
        let text = match kind {
            Kind::Rsyslog => rsyslog(path, port),
            Kind::SyslogNg => syslog_ng(path, port),
        };
        fs::write(folder.join("receiver.conf"), text).unwrap();
        Self { kind, folder, port, child: None }
    }

    fn start(&mut self) {
        let path = |name: &str| self.folder.join(name).to_str().unwrap().to_owned();
        let mut command = Command::new(program(self.kind).unwrap());
        match self.kind {
            Kind::Rsyslog => {
                let args = ["-n", "-f", &path("receiver.conf"), "-i", &path("pid")];
                command.args(args);
            }
            Kind::SyslogNg => {
                let root = unpacked();
                let library = |part: &str| root.join(part).to_str().unwrap().to_owned();
                // Beside its own library there is one folder, of modules, named by the version.
                let folders = fs::read_dir(root.join("usr/lib/syslog-ng")).unwrap();
                let modules = folders.map(|entry| entry.unwrap().path());
                let modules = modules.into_iter().find(|path| path.is_dir()).unwrap();
                let paths = [
                    library("usr/lib/syslog-ng"),
                    modules.to_str().unwrap().to_owned(),
                    library("usr/lib/x86_64-linux-gnu"),
                    library("lib/x86_64-linux-gnu"),
                ];
                command
                    .env("LD_LIBRARY_PATH", paths.join(":"))
                    .arg(format!("--module-path={}", paths[1]))
                    .args(["--foreground", "--no-caps", "--stderr"])
                    .args(["-f", &path("receiver.conf"), "-p", &path("pid")])
                    .args(["-R", &path("persist"), "-c", &path("control")]);
            }
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(path("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    fn end(&mut self, signal: &str) {
        let mut child = self.child.take().unwrap();
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        child.wait().unwrap();
    }

    fn received(&self) -> Vec<u64> {
        let text = fs::read(self.folder.join("received")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let seq = |line: &str| {
            let number = line.split_once("uid=gw-1/traffic/")?.1;
            number.strip_suffix(" end")?.parse().ok()
        };
        text.lines().filter_map(seq).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn words(id: &EventId) -> Option<String> {
    let filler = "x".repeat(300);
    Some(format!("<110>1 2026-01-01T00:00:00.000Z gw-1 cordon - - - {filler} uid={id} end"))
}

fn target(port: u16) -> String {
    format!(
        "[exporter.syslog]\naddress = \"127.0.0.1:{port}\"\nformat = \"json\"\nserver-name = \
         \"siem.hospital.example\"\nca-file = \"ca.pem\"\ncertificate-file = \
         \"client.pem\"\nkey-file = \"client.key\"\nsettle-s = 1\ntimeout-s = 5\n"
    )
}

fn delivers_through_restarts(kind: Kind) {
    if program(kind).is_none() {
        eprintln!("SKIPPED: {kind:?} is not here; `cargo xtask test` installs it");
        return;
    }
    let bench = Bench::new(&format!("{kind:?}"));
    let mut receiver = Receiver::new(kind, bench.folder.clone());
    let exporter = bench.exporter(&target(receiver.port));
    let journal = bench.journal();
    let mut total = 0;
    let mut more = |count: u64| {
        (0..count / 10).for_each(|_| write(&journal, 10));
        total += count;
        total
    };
    receiver.start();
    let run = bench.run(&exporter, &words, || {
        let count = more(200);
        until("the first settle", || bench.place() == count);
        // Closing in order and opening anew sends nothing twice.
        assert_eq!(receiver.received(), (0..count).collect::<Vec<_>>());
        more(100);
        until("some more came", || receiver.received().len() > 220);
        receiver.end("-TERM");
        more(100);
        receiver.start();
        until("it goes on", || receiver.received().contains(&350));
        more(100);
        receiver.end("-KILL");
        more(100);
        receiver.start();
        until("it goes on again", || receiver.received().contains(&550));
    });
    run.unwrap();
    // We too are started anew, from what had settled, and the receiver is killed in the middle.
    assert!(bench.place() < 600);
    let run = bench.run(&exporter, &words, || {
        more(100);
        until("something came", || receiver.received().contains(&610));
        receiver.end("-KILL");
        receiver.start();
        let count = more(100);
        until("everything settles", || bench.place() == count);
    });
    run.unwrap();
    receiver.end("-TERM");
    let received = receiver.received();
    assert_eq!(deduplicate(received.iter().copied()), (0..800).collect::<Vec<_>>());
    let copies = received.len() - 800;
    eprintln!("{kind:?}: 800 records, {copies} copies");
    assert!(bench.status().dead_letters == 0);
}

#[test]
fn rsyslog_gets_everything_through_restarts_of_both() {
    delivers_through_restarts(Kind::Rsyslog);
}

#[test]
fn syslog_ng_gets_everything_through_restarts_of_both() {
    delivers_through_restarts(Kind::SyslogNg);
}

#[test]
fn a_receiver_with_another_name_gets_nothing() {
    for kind in [Kind::Rsyslog, Kind::SyslogNg] {
        if program(kind).is_none() {
            eprintln!("SKIPPED: {kind:?} is not here; `cargo xtask test` installs it");
            continue;
        }
        let bench = Bench::new(&format!("{kind:?}-name"));
        let mut receiver = Receiver::new(kind, bench.folder.clone());
        let text = target(receiver.port).replace("siem.hospital", "other.hospital");
        let exporter = bench.exporter(&text);
        write(&bench.journal(), 10);
        receiver.start();
        let run = bench.run(&exporter, &words, || {
            let label = || bench.status().last_error;
            until("it refuses", || label().as_deref() == Some("their-certificate"));
        });
        run.unwrap();
        receiver.end("-TERM");
        assert!(receiver.received().is_empty() && bench.place() == 0);
    }
}
