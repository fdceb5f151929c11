//! `wire`: what it costs to read a message and to judge it.
//!
//! Every message is fed to a whole [`Conversation`], as a gateway does: framed, read, checked,
//! judged. Peers only read it.

use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use cordon_core::inspect::conversation::Conversation;
use cordon_core::inspect::modbus as judge_modbus;
use cordon_core::inspect::{DeviceIdentity, Memory, PeerIdentity, Salt, Subject, Way};
use cordon_model::fleet::{Inspection, ModbusRules, ModbusTable, WriteRange};
use cordon_model::{Direction, Mono, Now, OperationSet, Protocol, Tier, Wall};
use cordon_wire::{dicom, hl7, modbus};
use serde::Deserialize;

use crate::clock::{batches, quantile};
use crate::figure::{Figures, Target};
use crate::run::{Args, repository};

mod memory;
pub mod sample;

const GROUP: &str = "wire";
/// Messages in one batch: long against the clock, short against a time slice.
const BATCH: usize = 64;
/// 2026-11-24T12:00:00Z, the time in the HL7 sample.
const NOON_S: u64 = 1_795_521_600;

/// What messages are judged against: a YELLOW device that may do all that its protocol can.
#[derive(Debug)]
pub struct Bundle {
    rules: Inspection,
    salt: Salt,
}

impl Default for Bundle {
    fn default() -> Self {
        let range = |from, to, min, max| WriteRange {
            table: ModbusTable::HoldingRegisters,
            from,
            to,
            min,
            max,
        };
        let modbus = ModbusRules {
            writes: vec![range(1000, 1000, 0, 7), range(1001, 1002, 50, 400)],
            ..ModbusRules::default()
        };
        let rules = Inspection { modbus: Some(modbus), ..Inspection::default() };
        Self { rules, salt: Salt([7; 32]) }
    }
}

impl Bundle {
    /// Gives whose messages are judged.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            tier: Tier::Yellow,
            opened: Direction::Out,
            permitted: OperationSet::all(),
            lifelines: OperationSet::default(),
            identity: DeviceIdentity {
                hl7_application: Some("BENCH_MONITOR"),
                hl7_facility: Some("WARD_3"),
                ..DeviceIdentity::default()
            },
            peer: PeerIdentity::default(),
            rules: &self.rules,
            api_rate_per_minute: None,
            patient: None,
            salt: &self.salt,
        }
    }
}

/// Feeds messages to one conversation, a millisecond apart.
#[derive(Debug)]
pub struct Wire<'b> {
    subject: Subject<'b>,
    memory: Memory,
    conversation: Conversation,
    protocol: Protocol,
    now: Now,
    /// How many messages came out.
    pub records: usize,
    /// How many of them did not simply pass.
    pub remarked: usize,
}

impl<'b> Wire<'b> {
    /// Begins a conversation.
    #[must_use]
    pub fn new(protocol: Protocol, bundle: &'b Bundle) -> Self {
        Self {
            subject: bundle.subject(),
            memory: Memory::default(),
            conversation: Conversation::new(protocol, Direction::Out),
            protocol,
            now: Now { mono: Mono(0), wall: Wall(NOON_S) },
            records: 0,
            remarked: 0,
        }
    }

    /// Passes bytes in.
    pub fn feed(&mut self, way: Way, bytes: &[u8]) {
        self.now.mono.0 += 1_000_000;
        let (records, remarked) = (&mut self.records, &mut self.remarked);
        let mut each = |record: cordon_core::inspect::conversation::Record<'_>| {
            *records += 1;
            *remarked += usize::from(!record.judgement.reasons.is_empty());
            black_box(&record);
        };
        let (now, subject, memory) = (self.now, &self.subject, &mut self.memory);
        if self.protocol == Protocol::Bacnet {
            self.conversation.datagram(now, way, bytes, subject, memory, &mut each);
        } else {
            self.conversation.feed(now, way, bytes, subject, memory, &mut each);
        }
    }
}

/// Messages of one kind, and what one of them may cost at most.
struct Case {
    name: &'static str,
    protocol: Protocol,
    /// What comes before, once.
    before: Vec<(Way, Vec<u8>)>,
    messages: Vec<(Way, Vec<u8>)>,
    goal_ns: Option<f64>,
}

fn cases() -> Vec<Case> {
    let text = String::from_utf8_lossy(&sample::oru_r01()).into_owned();
    let framed = |number: usize| {
        let text = text.replace("000001", &format!("{number:06}"));
        (Way::FromDevice, [b"\x0b", text.as_bytes(), b"\x1c\r"].concat())
    };
    let ask = |way, number: usize, adu: &[u8]| {
        let [_, low] = u16::try_from(number % 8).unwrap_or(0).to_be_bytes();
        let mut adu = adu.to_vec();
        adu.splice(..2, [0, low]);
        (way, adu)
    };
    let exchange = |number| {
        [
            ask(Way::FromDevice, number, &sample::MODBUS_WRITE),
            ask(Way::ToDevice, number, &sample::MODBUS_WRITTEN),
        ]
    };
    let once = |message| vec![(Way::FromDevice, message)];
    vec![
        Case {
            name: "HL7 ORU^R01, 12 OBX: framed, read, judged",
            protocol: Protocol::Hl7,
            before: Vec::new(),
            messages: (0..2_048).map(framed).collect(),
            goal_ns: Some(2_000.0),
        },
        Case {
            name: "DICOM P-DATA-TF of 16 KiB: read, judged, cut through",
            protocol: Protocol::Dicom,
            before: sample::association(),
            messages: once(sample::p_data()),
            goal_ns: Some(200.0),
        },
        Case {
            name: "Modbus write and its answer: each framed, read, paired, judged",
            protocol: Protocol::Modbus,
            before: Vec::new(),
            messages: (0..2_048).flat_map(exchange).collect(),
            goal_ns: None,
        },
        Case {
            name: "BACnet ReadProperty: read, judged",
            protocol: Protocol::Bacnet,
            before: Vec::new(),
            messages: once(sample::BACNET_READ.to_vec()),
            goal_ns: Some(300.0),
        },
    ]
}

/// Measures.
/// # Errors
/// When a message is not read as what it is, or a peer cannot be run.
pub fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let rate = memory::read_rate(args.rounds());
    figures.add(GROUP, "memory, one core reads", "GB/s", &rate, None);
    let bundle = Bundle::default();
    for case in cases() {
        let mut p50 = Vec::new();
        for _ in 0..args.rounds() {
            p50.push(one(args, &case, &bundle)?);
        }
        figures.add(GROUP, case.name, "ns", &p50, case.goal_ns.map(Target::AtMost));
        let bytes: usize = case.messages.iter().map(|(_, message)| message.len()).sum();
        let bytes = bytes as f64 / case.messages.len() as f64;
        let share: Vec<f64> =
            p50.iter().zip(&rate).map(|(ns, rate)| bytes / ns / rate * 100.0).collect();
        let name = format!("  {bytes:.0} B a message, share of the memory's rate");
        figures.add(GROUP, name, "%", &share, None);
    }
    parts(args, &bundle, figures)?;
    rust_peers(args, figures)?;
    python_peers(args, figures)
}

/// Times one round of a case.
/// # Units
/// Nanoseconds for one message, the median of batches.
fn one(args: &Args, case: &Case, bundle: &Bundle) -> anyhow::Result<f64> {
    let mut wire = Wire::new(case.protocol, bundle);
    for (way, message) in &case.before {
        wire.feed(*way, message);
    }
    wire.records = 0;
    wire.remarked = 0;
    let count = if args.quick { 4_096 } else { 65_536 };
    let messages: Vec<_> = case.messages.iter().cycle().take(count).collect();
    let taken = batches(&messages, BATCH, |(way, message)| wire.feed(*way, message));
    anyhow::ensure!(wire.records >= count, "{}: {} records", case.name, wire.records);
    Ok(quantile(&taken, 500))
}

/// Times parts by themselves.
fn parts(args: &Args, bundle: &Bundle, figures: &mut Figures) -> anyhow::Result<()> {
    let message = sample::oru_r01();
    let mut add = |name: &str, goal: Option<f64>, ask: &mut dyn FnMut()| {
        let times = vec![(); if args.quick { 4_096 } else { 65_536 }];
        let mut p50 = Vec::new();
        for _ in 0..args.rounds() {
            p50.push(quantile(&batches(&times, BATCH, |()| ask()), 500));
        }
        figures.add(GROUP, name, "ns", &p50, goal.map(Target::AtMost));
    };
    let read = hl7::Message::parse(&message).context("the HL7 sample")?;
    anyhow::ensure!(read.observation_count() == 12, "the HL7 sample has twelve observations");
    add("HL7 ORU^R01: read alone", None, &mut || {
        black_box(hl7::Message::parse(black_box(&message)).is_ok());
    });
    let associate = sample::associate_rq();
    let body = associate.get(6..).unwrap_or_default();
    let contexts = dicom::Associate::read(&associate).or_else(|_| dicom::Associate::read(body));
    let contexts = contexts.context("the DICOM sample")?.contexts().count();
    anyhow::ensure!(contexts == 10, "the DICOM sample has ten contexts: {contexts}");
    add("DICOM A-ASSOCIATE-RQ, 10 contexts: read", Some(1_000.0), &mut || {
        let mut reader = dicom::Reader::new();
        reader.feed(black_box(&associate), &mut |unit| {
            black_box(unit.value.is_ok());
        });
    });
    let read = |bytes| modbus::Adu::read(bytes).context("the Modbus sample").map(|(adu, _)| adu);
    let (asked, answer) = (read(&sample::MODBUS_WRITE)?, read(&sample::MODBUS_WRITTEN)?);
    let (subject, mut memory) = (bundle.subject(), Memory::default());
    let (mut flow, mut now) = (judge_modbus::Flow::default(), Now::default());
    let mut turn = false;
    add("Modbus PDU: read, held to register ranges, paired, judged", Some(50.0), &mut || {
        turn = !turn;
        now.mono.0 += 1_000_000;
        let (way, adu) = if turn { (Way::FromDevice, &asked) } else { (Way::ToDevice, &answer) };
        let adu = black_box(Ok(adu));
        let _verdict =
            black_box(judge_modbus::judge(&mut flow, &mut memory, now, way, adu, &subject));
    });
    Ok(())
}

/// Times peers written in Rust; they read and do not judge.
fn rust_peers(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let text = String::from_utf8(sample::oru_r01())?;
    let (associate, data) = (sample::associate_rq(), sample::p_data());
    anyhow::ensure!(hl7_parser::Message::parse(&text).is_ok(), "hl7-parser reads the sample");
    let pdu = |bytes: &[u8]| dicom_ul::pdu::read_pdu(bytes, 131_072, true);
    anyhow::ensure!(matches!(pdu(&associate), Ok(Some(_))), "dicom-ul reads the association");
    anyhow::ensure!(matches!(pdu(&data), Ok(Some(_))), "dicom-ul reads the data");
    let mut add = |name: &str, ask: &mut dyn FnMut()| {
        let times = vec![(); if args.quick { 512 } else { 8_192 }];
        let mut p50 = Vec::new();
        for _ in 0..args.rounds() {
            p50.push(quantile(&batches(&times, 16, |()| ask()), 500));
        }
        figures.add(GROUP, format!("peer {name}"), "ns", &p50, None);
    };
    add("hl7-parser 0.3: HL7 ORU^R01", &mut || {
        black_box(hl7_parser::Message::parse(black_box(&text)).is_ok());
    });
    add("dicom-ul 0.10: A-ASSOCIATE-RQ, 10 contexts", &mut || {
        black_box(pdu(black_box(&associate)).is_ok());
    });
    add("dicom-ul 0.10: P-DATA-TF of 16 KiB", &mut || {
        black_box(pdu(black_box(&data)).is_ok());
    });
    let mut answer = Vec::new();
    add("rmodbus 0.13: Modbus write, read only", &mut || {
        let proto = rmodbus::ModbusProto::TcpUdp;
        let request = black_box(&sample::MODBUS_WRITE);
        let mut frame = rmodbus::server::ModbusFrame::new(1, request, proto, &mut answer);
        black_box(frame.parse().is_ok());
    });
    Ok(())
}

/// What the script of the Python peers prints for each.
#[derive(Debug, Deserialize)]
struct Peer {
    peer: String,
    what: String,
    ns: Vec<f64>,
}

/// Times peers written in Python, those that are installed.
fn python_peers(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let script = repository().join("bench/peers/wire.py");
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut child = Command::new(python)
        .arg(script)
        .arg(args.rounds().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("python3 cannot be started")?;
    let messages = [
        ("oru-r01", sample::oru_r01()),
        ("associate-rq", sample::associate_rq()),
        ("modbus-write", sample::MODBUS_WRITE.to_vec()),
        ("bacnet-read", sample::BACNET_READ.to_vec()),
    ];
    let mut input = child.stdin.take().context("no standard input")?;
    for (name, bytes) in messages {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(input, "{name} {digits}")?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "the Python peers: {}", output.status);
    for line in String::from_utf8(output.stdout)?.lines() {
        let Peer { peer, what, ns } = serde_json::from_str(line)?;
        figures.add(GROUP, format!("peer {peer}: {what}"), "ns", &ns, None);
    }
    Ok(())
}
