//! Programs that others wrote, speaking through the whole daemon.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use cordon_model::event::{MessageVerdict, Retention};
use cordon_model::{DeviceState, What};

use super::hospital::{
    ACTORS, Actor, BACNET, BAS, CONTROLLER, EHR, MONITOR, NTP, OUTSIDE, PACS, PORTAL, PUMP,
    SCANNER, SPEED, STATION, WAVES,
};
use super::stage::{PATIENCE, Stage, pause, ready, text, until};

/// Debian's, for it is the one that has the packages.
const PYTHON: &str = "/usr/bin/python3";
const MODBUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/wire/modbus.py");
const HL7: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/wire/alarms.py");

const BACNET_PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/wire/bacnet.py");
/// Where `cargo xtask test` puts the package of Python.
const WHEELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers/bacpypes3");

/// Says whether Debian's python has a module, and says loudly where not.
fn has_module(module: &str, package: &str) -> bool {
    let path = format!("/usr/lib/python3/dist-packages/{module}/__init__.py");
    let is_there = Path::new(&path).is_file();
    if !is_there {
        eprintln!("SKIPPED, NOTHING WAS TESTED: `{module}` is missing (Debian package {package})");
    }
    is_there
}

/// Waits until something listens at the services.
fn until_listening(stage: &Stage, port: u16) {
    until("the peer", || {
        stage.says("srv", "ss -Hltn").contains(&format!(":{port} ")).then_some(())
    });
}

/// Counts what the journal says of a device's messages: operation, verdict.
fn judged(stage: &Stage, actor: Actor) -> BTreeMap<(String, MessageVerdict), usize> {
    let mut counts = BTreeMap::new();
    for event in stage.records(Retention::Traffic) {
        let What::Message(message) = event.what else { continue };
        if message.device.as_ref().is_some_and(|id| id.as_str() == actor.id) {
            let operation = message.operation.map(|it| it.name().to_owned()).unwrap_or_default();
            *counts.entry((operation, message.verdict)).or_default() += 1;
        }
    }
    counts
}

fn until_judged(stage: &Stage, actor: Actor, operation: &str, verdict: MessageVerdict) {
    let key = (operation.to_owned(), verdict);
    let what = format!("a record of {operation}");
    let start = Instant::now();
    while !judged(stage, actor).contains_key(&key) {
        assert!(start.elapsed() < PATIENCE, "{what}: {:?}", judged(stage, actor));
        pause(50);
    }
}

#[test]
fn dcmtk_echoes_and_stores_and_its_move_to_a_stranger_is_refused() {
    if !ready(&[("storescp", "dcmtk"), ("dump2dcm", "dcmtk")]) {
        return;
    }
    let Some(mut stage) = Stage::new() else { return };
    let image = "(0008,0016) UI [1.2.840.10008.5.1.4.1.1.2]\n(0008,0018) UI [1.2.826.0.1.1]\n\
        (0008,0060) CS [CT]\n(0010,0020) LO [T1]\n(0020,000d) UI [1.2.826.0.1.2]\n\
        (0020,000e) UI [1.2.826.0.1.3]\n";
    fs::write(stage.path("image.dump"), image).unwrap();
    fs::create_dir(stage.path("archive")).unwrap();
    stage.says(SCANNER.place, "dump2dcm image.dump image.dcm 2>&1");
    // Without a look at who the peer is in a name service, which is not here.
    let archive = format!("storescp -v -dhl -aet PACS -od archive {}", PACS.port());
    stage.stay("srv", &archive, "pacs.txt");
    until_listening(&stage, PACS.port());
    let at = format!("{} {}", PACS.ip(), PACS.port());
    stage.says(SCANNER.place, &format!("echoscu -aet CT02 -aec PACS {at}"));
    stage.says(SCANNER.place, &format!("storescu -aet CT02 -aec PACS {at} image.dcm"));
    assert_eq!(fs::read_dir(stage.path("archive")).unwrap().count(), 1);
    // Under another's title, and to another's.
    for titles in ["-aet OTHER -aec PACS", "-aet CT02 -aec FOREIGN"] {
        let refused = stage.run(SCANNER.place, &format!("echoscu -v {titles} {at} 2>&1"));
        let said = text(&refused.stdout);
        assert!(!refused.status.success() && said.contains("Rejected"), "{titles}: {said}");
    }
    let key = "-S -k 0008,0052=STUDY -k 0020,000D=1.2.826.0.1.2";
    let moved = format!("movescu -v -aet CT02 -aec PACS -aem FOREIGN {key} {at} 2>&1");
    let moved = stage.run(SCANNER.place, &moved);
    let said = text(&moved.stdout);
    assert!(!moved.status.success() && said.contains("Association Rejected"), "{said}");
    // Three associations that were not let begin.
    until_judged(&stage, SCANNER, "", MessageVerdict::Block);
    until("the third", || (judged(&stage, SCANNER).values().sum::<usize>() == 3).then_some(()));
    let log = fs::read_to_string(stage.path("pacs.txt")).unwrap();
    assert_eq!(log.matches("Association Acknowledged").count(), 2, "{log}");
    stage.says(SCANNER.place, &format!("echoscu -aet CT02 -aec PACS {at}"));
}

#[test]
fn pymodbus_reads_and_writes_within_its_range_and_is_answered_with_exceptions_beyond_it() {
    if !has_module("pymodbus", "python3-pymodbus, python3-serial-asyncio") {
        return;
    }
    let Some(mut stage) = Stage::new() else { return };
    let at = format!("{} {}", BAS.ip(), BAS.port());
    stage.stay("srv", &format!("{PYTHON} {MODBUS} serve {at}"), "bas.txt");
    until_listening(&stage, BAS.port());
    let said = stage.says(CONTROLLER.place, &format!("{PYTHON} {MODBUS} client {at} 2>&1"));
    let answers: BTreeMap<&str, &str> =
        said.lines().filter_map(|line| line.split_once(' ')).collect();
    let expected = [
        ("read", "215 215 215 215 215 215 215 215 215 215"),
        ("write", "done"),
        // Illegal data value, illegal data address, illegal function (Modbus APv1.1b3 §7).
        ("write-out-of-range", "exception 3"),
        ("write-elsewhere", "exception 2"),
        ("read-elsewhere", "exception 2"),
        ("coil", "exception 2"),
        ("diagnostics", "exception 1"),
        // What was refused changed nothing.
        ("read-again", "220 215"),
    ];
    for (name, answer) in expected {
        assert_eq!(answers.get(name), Some(&answer), "{name}\n{said}");
    }
    until_judged(&stage, CONTROLLER, "modbus.diagnostics", MessageVerdict::Block);
}

#[test]
fn python_hl7_is_acknowledged_for_alarms_and_rejected_for_orders() {
    if !has_module("hl7", "python3-hl7") {
        return;
    }
    let Some(stage) = Stage::new() else { return };
    let client = format!("{PYTHON} {HL7} {} {}", STATION.ip(), STATION.port());
    let said = stage.says(PUMP.place, &format!("{client} 2>&1"));
    let expected = "ORU^R40 AA\nORU^R01 AA\nRGV^O15 AR\nORU^R40 AA\n";
    assert_eq!(said, expected, "through the proxy");
    let heard = stage.services.heard();
    assert!(!text(&heard).contains("RGV^O15"), "the order did not arrive");
    until_judged(&stage, PUMP, "hl7.rgv-o15", MessageVerdict::Block);
    // A RED device's lifeline is forwarded and looked at on a copy: what should not be is told.
    let said = stage.says(MONITOR.place, &format!("{client} 2>&1"));
    assert_eq!(said.lines().filter(|line| line.ends_with("AA")).count(), 4, "{said}");
}

#[test]
fn curl_makes_a_hundred_calls_a_minute_and_is_then_told_when_to_come_again() {
    if !ready(&[("curl", "curl")]) {
        return;
    }
    let Some(stage) = Stage::new() else { return };
    let url = format!("http://{}/v1/orders", EHR.ip());
    let many = format!("curl -s -o /dev/null -w '%{{http_code}}\\n' '{url}/[1-105]'");
    let said = stage.says(PUMP.place, &many);
    let count = |code: &str| said.lines().filter(|line| *line == code).count();
    assert_eq!((count("200"), count("429")), (100, 5), "{said}");
    let said = stage.says(PUMP.place, &format!("curl -si '{url}'")).to_lowercase();
    let wait = said.lines().find_map(|line| line.strip_prefix("retry-after: "));
    let wait: u32 = wait.unwrap().trim().parse().unwrap();
    assert!((1..=60).contains(&wait), "{said}");
    let refused = stage
        .says(PUMP.place, &format!("curl -s -o /dev/null -w '%{{http_code}}' -X DELETE '{url}'"));
    assert_eq!(refused, "403", "what no list names");
    for _ in 0..120 {
        assert!(stage.alarms(PUMP), "alarms are not counted");
    }
    assert!(stage.calls(SCANNER), "nor is it somebody else's affair");
    until_judged(&stage, PUMP, "http.get", MessageVerdict::Block);
}

#[test]
fn openssl_sees_the_services_own_certificate_for_a_device_that_speaks_tls_is_not_intercepted() {
    if !ready(&[("openssl", "openssl")]) {
        return;
    }
    let Some(mut stage) = Stage::new() else { return };
    stage.says(
        "srv",
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
         -subj /CN=portal.clinic -addext subjectAltName=DNS:portal.clinic \
         -keyout key.pem -out own.pem 2>&1",
    );
    let serve = format!("openssl s_server -accept {PORTAL} -key key.pem -cert own.pem -www");
    stage.stay("srv", &serve, "portal.txt");
    until_listening(&stage, PORTAL.port());
    let said = stage.says(
        PUMP.place,
        &format!(
            "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect {PORTAL} -ign_eof \
             -servername portal.clinic -verify_hostname portal.clinic -CAfile own.pem \
             -verify_return_error -showcerts 2>&1"
        ),
    );
    assert!(said.contains("Verify return code: 0"), "{said}");
    let own = fs::read_to_string(stage.path("own.pem")).unwrap();
    let middle = own.lines().nth(2).unwrap();
    assert!(said.contains(middle), "it is the service's own");
    assert!(said.contains("HTTP/1.0 200"), "{said}");
    let outside = stage.run(
        CONTROLLER.place,
        &format!("timeout 3 openssl s_client -connect {PORTAL} </dev/null 2>&1"),
    );
    assert!(!outside.status.success(), "only those whose list names it");
}

#[test]
fn nmap_finds_what_a_device_may_reach_and_nothing_else() {
    if !ready(&[("nmap", "nmap")]) {
        return;
    }
    let Some(stage) = Stage::new() else { return };
    let open = |actor: Actor, how: &str, targets: &str| -> Vec<String> {
        let timing = "-n -Pn -T5 --max-retries 1 --max-rtt-timeout 150ms --host-timeout 20s";
        let said = stage.says(actor.place, &format!("nmap {timing} {how} {targets} -oG -"));
        let lines = said.lines().filter(|line| line.starts_with("Host: "));
        let mut found: Vec<String> = lines
            .filter_map(|line| line.split_once("Ports: "))
            .flat_map(|(host, ports)| {
                let host = host.split(' ').nth(1).unwrap_or_default().to_owned();
                let ports = ports.split(", ").filter(|one| one.contains("/open/"));
                let port = move |one: &str| {
                    format!("{host}:{}", one.split('/').next().unwrap_or_default())
                };
                ports.map(port).collect::<Vec<_>>()
            })
            .collect();
        found.sort_unstable();
        found
    };
    let tcp = "-sS -p 22,80,104,443,502,2575,5201,7000,8080,11112,15001";
    let services = "10.9.0.5-10 10.9.0.12 198.51.100.45";
    assert_eq!(open(CONTROLLER, tcp, services), ["10.9.0.10:5201", "10.9.0.6:80", "10.9.0.9:502"]);
    assert_eq!(open(MONITOR, tcp, services), ["10.9.0.10:5201", "10.9.0.5:2575", "10.9.0.6:80"]);
    let nothing: [&str; 0] = [];
    let others = "10.1.0.1 10.1.0.11-15";
    assert_eq!(open(CONTROLLER, tcp, others), nothing, "devices and the gateway");
    // Ports that answer are `open`; those that say nothing are `open|filtered`.
    let udp = "-sU -p 53,67,123,161,3000,4000,47808";
    assert_eq!(open(CONTROLLER, udp, "10.9.0.5 10.9.0.7 10.9.0.10 10.1.0.1"), nothing);
    stage.until_finding("the scan", |it| {
        it.rule.as_str() == "unlisted-destination"
            && it.device.as_ref().is_some_and(|id| id.as_str() == CONTROLLER.id)
    });
    assert!(stage.changes().iter().all(|it| it.to != DeviceState::Isolated));
    assert!(stage.pings(MONITOR, NTP) && stage.pings(MONITOR, WAVES), "others notice nothing");
}

#[test]
fn iperf3_measures_through_a_flow_that_is_listed_and_through_no_other() {
    if !ready(&[("iperf3", "iperf3")]) {
        return;
    }
    let Some(mut stage) = Stage::new() else { return };
    let (at, port) = (SPEED.ip(), SPEED.port());
    stage.stay("srv", &format!("iperf3 -s -B {at} -p {port}"), "speed.txt");
    until_listening(&stage, port);
    let said = stage.says(PUMP.place, &format!("iperf3 -c {at} -p {port} -t 1 -J"));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let bits = said.pointer("/end/sum_received/bits_per_second").unwrap().as_f64().unwrap();
    eprintln!("iperf3: {:.1} Gbit/s through the kernel's rules", bits / 1e9);
    assert!(bits > 1e6);
    for actor in ACTORS.iter().filter(|actor| actor.id != PUMP.id) {
        let tried = format!("timeout 2 iperf3 -c {at} -p {port} -t 1");
        assert!(!stage.run(actor.place, &tried).status.success(), "{}", actor.id);
    }
}

#[test]
fn arping_is_answered_for_the_gateway_and_never_under_anothers_name() {
    if !ready(&[("arping", "arping")]) {
        return;
    }
    let Some(stage) = Stage::new() else { return };
    stage.says(CONTROLLER.place, "arping -c 1 -W 1 -i eth0 10.1.0.1");
    for claimed in [PUMP.ip(), MONITOR.ip()] {
        let tried = format!("arping -c 2 -W 0.3 -i eth0 -S {claimed} 10.1.0.1");
        assert!(!stage.run(CONTROLLER.place, &tried).status.success(), "as {claimed}");
        // Unasked, to everybody.
        stage.run(
            CONTROLLER.place,
            &format!("arping -c 2 -W 0.1 -U -i eth0 -S {claimed} {claimed}"),
        );
    }
    let finding = stage.until_finding("the finding", |it| it.rule.as_str() == "arp-spoof");
    assert_eq!(finding.switch_port.unwrap().as_str(), "port4");
    assert!(stage.alarms(PUMP) && stage.alarms(MONITOR));
    assert!(!stage.opens(CONTROLLER, OUTSIDE));
}

#[test]
fn bacnet_is_read_through_the_proxy_and_what_is_not_listed_is_refused_in_bacnet() {
    let Some(stage) = Stage::new() else { return };
    let service = stage.within("srv", || std::net::UdpSocket::bind(BACNET).unwrap());
    let device = stage.socket(CONTROLLER, BACNET);
    service.set_read_timeout(Some(std::time::Duration::from_secs(2))).unwrap();
    let mut room = [0; 99];
    // ReadProperty of present-value, and its answer (ASHRAE 135-2020 §15.5).
    let read = [0x81, 10, 0, 17, 1, 4, 0, 5, 1, 12, 12, 0, 0, 0, 1, 0x19, 0x55];
    let mut answer = vec![0x81, 10, 0, 23, 1, 0, 0x30, 1, 12, 12, 0, 0, 0, 1];
    answer.extend([0x19, 0x55, 0x3e, 0x44, 0x42, 0x90, 0, 0, 0x3f]);
    device.send_to(&read, BACNET).unwrap();
    let (count, from) = service.recv_from(&mut room).unwrap();
    assert_eq!((&room[..count], from.ip()), (&read[..], CONTROLLER.ip().into()));
    service.send_to(&answer, from).unwrap();
    let (count, from) = device.recv_from(&mut room).unwrap();
    assert_eq!((&room[..count], from), (answer.as_slice(), BACNET));
    // ReinitializeDevice, coldstart (§16.4): refused, under the service's address.
    let restart = [0x81, 10, 0, 12, 1, 4, 0, 5, 2, 20, 0x09, 0x00];
    device.send_to(&restart, BACNET).unwrap();
    let (count, from) = device.recv_from(&mut room).unwrap();
    let kind = room[..count].get(6).map(|byte| byte >> 4);
    // An error, a reject or an abort.
    assert!(matches!(kind, Some(5..=7)), "{:02x?}", &room[..count]);
    assert_eq!((room[7], from), (2, BACNET), "for this request");
    service.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    assert!(service.recv_from(&mut room).is_err(), "it did not arrive");
    until_judged(&stage, CONTROLLER, "bacnet.reinitialize-device", MessageVerdict::Block);
}

#[test]
fn bacpypes3_reads_and_is_refused_in_bacnet_when_it_writes_or_restarts() {
    let wheel = fs::read_dir(WHEELS).into_iter().flatten().flatten().map(|it| it.path());
    let Some(wheel) = wheel.into_iter().find(|path| path.extension().is_some_and(|it| it == "whl"))
    else {
        eprintln!("SKIPPED, NOTHING WAS TESTED: bacpypes3 is not in `{WHEELS}`");
        return;
    };
    let Some(mut stage) = Stage::new() else { return };
    let python = format!("env PYTHONPATH={} {PYTHON} {BACNET_PEER}", wheel.display());
    stage.stay("srv", &format!("{python} serve {}/24", BACNET.ip()), "bacnet.txt");
    until("the peer", || stage.says("srv", "ss -Hlun").contains(":47808 ").then_some(()));
    let client = format!("{python} client {}/24 {}", CONTROLLER.ip(), BACNET.ip());
    let said = stage.says(CONTROLLER.place, &format!("{client} 2>&1"));
    eprintln!("{}", said.trim().replace('\n', " / "));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines[0], lines[3]), ("read 21.5", "read-again 21.5"), "{said}");
    for refused in &lines[1..3] {
        assert!(refused.contains(" refused "), "{said}");
    }
    until_judged(&stage, CONTROLLER, "bacnet.write-property", MessageVerdict::Block);
}
