//! Nothing of a patient is written anywhere: not in a journal, not by an exporter, not on a screen.
//!
//! Captures that bear a mark wherever a patient may be named go through every inspector into a
//! journal, and from there into every format; then every file and every output is searched for it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::bench::{Bench, testdata};

/// The mark of the capture that is made here, and that of the one in `testdata`.
const MARKS: [&str; 2] = ["ZZPATIENTZZ", "XPATIENTX"];

/// A capture that is put together frame by frame: Ethernet, IPv4, TCP or UDP.
struct Capture {
    bytes: Vec<u8>,
    frames: u32,
}

impl Capture {
    fn new() -> Self {
        // libpcap: little endian, version 2.4, Ethernet.
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(262_144u32.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        Self { bytes, frames: 0 }
    }

    fn packet(&mut self, protocol: u8, from: [u8; 4], to: [u8; 4], body: &[u8]) {
        let length = u16::try_from(20 + body.len()).unwrap();
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        frame.extend(length.to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
        frame.extend(Ipv4Addr::from(from).octets());
        frame.extend(Ipv4Addr::from(to).octets());
        frame.extend(body);
        self.frames += 1;
        self.bytes.extend(1_793_520_000u32.to_le_bytes());
        self.bytes.extend((self.frames * 1_000).to_le_bytes());
        let length = u32::try_from(frame.len()).unwrap();
        self.bytes.extend([length.to_le_bytes(), length.to_le_bytes()].concat());
        self.bytes.extend(frame);
    }

    /// A connection on which the client says some texts.
    fn tcp(&mut self, ports: (u16, u16), texts: &[Vec<u8>]) {
        let (client, server) = ([192, 168, 21, 11], [192, 168, 50, 11]);
        let segment = |from: u16, to: u16, seq: u32, ack: u32, flags: u8, text: &[u8]| {
            let mut body = [from.to_be_bytes(), to.to_be_bytes()].concat();
            body.extend([seq.to_be_bytes(), ack.to_be_bytes()].concat());
            body.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            body.extend(text);
            body
        };
        self.packet(6, client, server, &segment(ports.0, ports.1, 99, 0, 0x02, &[]));
        self.packet(6, server, client, &segment(ports.1, ports.0, 499, 100, 0x12, &[]));
        let mut seq = 100;
        for text in texts {
            self.packet(6, client, server, &segment(ports.0, ports.1, seq, 500, 0x18, text));
            seq += u32::try_from(text.len()).unwrap();
        }
        self.packet(6, client, server, &segment(ports.0, ports.1, seq, 500, 0x11, &[]));
    }

    fn udp(&mut self, port: u16, text: &[u8]) {
        let mut body = [port.to_be_bytes(), port.to_be_bytes()].concat();
        body.extend(u16::try_from(8 + text.len()).unwrap().to_be_bytes());
        body.extend([0, 0]);
        body.extend(text);
        self.packet(17, [192, 168, 21, 11], [192, 168, 50, 11], &body);
    }
}

/// A message of HL7 with the mark in every field that may name a patient.
fn hl7(kind: &str, name: &str) -> Vec<u8> {
    let mark = MARKS[0];
    let text = format!(
        "MSH|^~\\&|{name}|{name}|HIS|{name}|20261101080000||{kind}|{name}|P|2.6\r\
         PID|1||{mark}^^^H^MR||{mark}^{mark}||19700101|F|||{mark}^^{mark}||{mark}\r\
         PV1|1|I|{mark}^2^3||||{mark}^{mark}\r\
         OBR|1|{mark}|{mark}|{mark}\r\
         OBX|1|TX|{mark}^{mark}||{mark}||||||F|||||{mark}\rZZZ|{mark}\r"
    );
    [&[0x0b], text.as_bytes(), &[0x1c, 0x0d]].concat()
}

/// A store of DICOM: an association that is asked for in the name of a patient, and a data set.
fn dicom(name: &str) -> Vec<Vec<u8>> {
    let (mark, name) = (MARKS[0].as_bytes(), name.as_bytes());
    let mut titles = Vec::new();
    for title in [name, name] {
        let mut padded = title.to_vec();
        padded.resize(16, b' ');
        titles.extend(padded);
    }
    let mut body = vec![0, 1, 0, 0];
    body.extend(titles);
    body.extend([0; 32]);
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    let mut context = vec![1, 0, 0, 0];
    context.extend(item(0x30, b"1.2.840.10008.5.1.4.1.1.2"));
    context.extend(item(0x40, b"1.2.840.10008.1.2"));
    body.extend(item(0x20, &context));
    let length = item(0x51, &16_384u32.to_be_bytes());
    body.extend(item(0x50, &[length, item(0x52, name), item(0x55, name)].concat()));
    let mut set = Vec::new();
    for (group, element) in [(0x0010u16, 0x0010u16), (0x0010, 0x0020), (0x0010, 0x4000)] {
        set.extend([group.to_le_bytes(), element.to_le_bytes()].concat());
        set.extend(u32::try_from(mark.len()).unwrap().to_le_bytes());
        set.extend(mark);
    }
    let mut value = u32::try_from(set.len() + 2).unwrap().to_be_bytes().to_vec();
    value.extend([1, 2]);
    value.extend(set);
    vec![pdu(1, &body), pdu(4, &value)]
}

fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[kind, 0], length.as_slice(), value].concat()
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 0], length.as_slice(), body].concat()
}

/// Makes a capture.
/// # Shape
/// `name`: what stands where machines and messages are named, which commands print and no journal
/// takes over.
fn capture(name: &str) -> Vec<u8> {
    let mark = MARKS[0];
    let mut capture = Capture::new();
    for (number, kind) in ["ORU^R01", "ADT^A01", "ORU^R40", "RGV^O15"].iter().enumerate() {
        capture.tcp((41_000 + u16::try_from(number).unwrap(), 6_661), &[hl7(kind, name)]);
    }
    // Cut off within, wrong from the beginning on, and with the mark as its type.
    capture.tcp((41_010, 6_661), &[hl7("ORU^R01", name)[..120].to_vec()]);
    capture.tcp((41_011, 6_661), &[format!("{mark}{mark}{mark}").into_bytes()]);
    capture.tcp((41_012, 6_661), &[hl7(name, name), hl7(&format!("{name}^{name}"), name)]);
    capture.tcp((41_020, 104), &dicom(name));
    let body = format!("{{\"name\":\"{mark}\"}}");
    let head = format!(
        "POST /patients/{mark}?mrn={mark} HTTP/1.1\r\nHost: {mark}\r\nX-Patient: {mark}\r\n\
         {mark}: 1\r\nAuthorization: Bearer {mark}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    capture.tcp((41_030, 8_443), &[head.clone().into_bytes()]);
    capture.tcp((41_031, 80), &[head.into_bytes()]);
    capture.tcp((41_032, 80), &[format!("{name} / HTTP/1.1\r\n{mark}\r\n\r\n").into_bytes()]);
    // Modbus: write multiple registers, file record and a function that nobody knows.
    for function in [0x10u8, 0x15, 0x65] {
        let mut unit = vec![1, function, 0, 1, 0, 6, 12];
        unit.extend(mark.as_bytes());
        unit.push(b'Z');
        let mut adu = vec![0, 1, 0, 0];
        adu.extend(u16::try_from(unit.len()).unwrap().to_be_bytes());
        adu.extend(unit);
        capture.tcp((41_040 + u16::from(function), 502), &[adu]);
    }
    // BACnet: a text message, an object name to look for, and nonsense.
    for (service, lead) in [(5u8, &[0x0c, 2, 0, 0, 1][..]), (7, &[])] {
        let mut apdu = vec![1, 0, 0x10, service];
        apdu.extend(lead);
        apdu.extend([0x3d, 12, 0]);
        apdu.extend(mark.as_bytes());
        let length = u16::try_from(apdu.len() + 4).unwrap().to_be_bytes();
        capture.udp(47_808, &[&[0x81, 0x0a], length.as_slice(), &apdu].concat());
    }
    capture.udp(47_808, mark.as_bytes());
    capture.tcp((41_050, 9_999), &[format!("{mark}\n").into_bytes()]);
    capture.bytes
}

fn count(bytes: &[u8], mark: &str) -> usize {
    bytes.windows(mark.len()).filter(|window| *window == mark.as_bytes()).count()
}

/// Demands that no file below a folder bears a mark; gives how many were searched.
fn search(folder: &Path, captures: &[PathBuf]) -> usize {
    let mut searched = 0;
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            searched += search(&path, captures);
        } else if !captures.contains(&path) {
            let bytes = fs::read(&path).unwrap();
            for mark in MARKS {
                assert_eq!(count(&bytes, mark), 0, "{mark} in {}", path.display());
            }
            searched += 1;
        }
    }
    searched
}

#[test]
fn no_file_and_no_output_bears_a_patients_mark() {
    let bench = Bench::new();
    bench.copy("clinic", "clinic");
    let own = bench.write("own.pcap", capture("NAME"));
    let loud = bench.write("loud.pcap", capture(MARKS[0]));
    let other = bench.write("other.pcap", fs::read(testdata("inspect/patients.pcap")).unwrap());
    // The search would find them: the captures are full of them.
    for (path, mark) in [&own, &other].into_iter().zip(MARKS) {
        let found = count(&fs::read(path).unwrap(), mark);
        assert!(found > 40, "{found} marks in {}", path.display());
    }
    let mut outputs = 0;
    let mut run = |args: &[&str]| {
        let run = bench.run(args);
        for (output, mark) in [&run.out, &run.err].into_iter().flat_map(|o| MARKS.map(|m| (o, m))) {
            assert!(!output.contains(mark), "{args:?}: {output}");
        }
        outputs += 1;
        run
    };
    let mut journals = Vec::new();
    let mut kinds = vec![vec!["--hospital", "clinic"]];
    kinds.extend(["red", "orange", "yellow", "green", "green-ls"].map(|tier| vec!["--tier", tier]));
    let protocols = ["hl7", "dicom", "modbus", "bacnet", "http"];
    kinds.extend(protocols.map(|protocol| vec!["--protocol", protocol]));
    for (number, kind) in kinds.iter().enumerate() {
        let journal = format!("journal-{number}");
        for (file, form) in
            [("own.pcap", "--json"), ("own.pcap", "--stats"), ("other.pcap", "--json")]
        {
            let inspect = ["inspect", file, form, "--journal", &journal];
            run(&[&inspect[..], kind].concat());
        }
        // Whoever puts a patient's name where a machine's belongs sees it on the screen, and there only.
        let inspect = ["inspect", "loud.pcap", "--json", "--journal", &journal];
        assert!(bench.run(inspect.iter().chain(kind)).out.contains("summary"));
        journals.push(journal);
    }
    run(&["replay", "clinic", "--flows", "own.pcap", "--journal", "journal-0"]);
    for journal in &journals {
        let show = run(&["journal", "show", journal]).exits(0);
        assert!(show.out.lines().count() > 20, "{show:#?}");
        run(&["journal", "show", journal, "--json"]).exits(0);
        run(&["journal", "verify", journal, "--deep"]).exits(0);
        for format in ["jsonl", "hec", "ocsf", "cef", "leef", "syslog", "atna", "csv"] {
            let file = format!("{journal}.{format}");
            run(&["journal", "export", journal, "--format", format, "-o", &file]).exits(0);
            assert!(fs::metadata(bench.path(&file)).unwrap().len() > 0, "{file}");
        }
    }
    run(&["journal", "prove", "journal-0", "cordon/traffic/0", "-o", "one.proof"]).exits(0);
    run(&["why", "cordon/traffic/0", "--journal", "journal-0"]).exits(0);
    let mut feed = String::new();
    for format in ["jsonl", "ocsf", "cef"] {
        feed.push_str(&format!(
            "[[exporter]]\nname = \"{format}\"\nstreams = [\"evidence\", \"traffic\"]\n\
             [exporter.file]\npath = \"feed.{format}\"\nformat = \"{format}\"\n"
        ));
    }
    bench.write("feed.toml", feed);
    let export =
        ["export", "run", "--config", "feed.toml", "--journal", "journal-0", "--state", "s"];
    run(&[&export[..], &["--once"]].concat()).exits(0);
    run(&["export", "status", "--state", "s", "--json"]).exits(0);
    assert!(outputs > 100, "{outputs} outputs were searched");
    let searched = search(&bench.dir, &[own, other, loud]);
    assert!(searched > 200, "{searched} files were searched");
}
