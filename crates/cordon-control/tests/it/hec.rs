//! The HTTP Event Collector, played by a server that behaves badly in every way it may.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use cordon_control::export::delivery::Alarm;
use cordon_control::export::status::Phase;
use cordon_model::event::EventId;

use crate::bench::{Bench, deduplicate, until, write};

/// What it does with a request for events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Take,
    Busy,
    /// It closes before it has read all.
    Hang,
    /// It takes all and closes without an answer.
    Mute,
    /// It takes all and never acknowledges.
    Forget,
    Refuse,
}

#[derive(Default)]
struct Collector {
    acts: Vec<Act>,
    events: Vec<u64>,
    unacknowledged: BTreeMap<u64, (u32, Vec<u64>)>,
    acks: u64,
    requests: usize,
    polls: u32,
    channels: BTreeSet<String>,
}

const POISON: [u64; 3] = [5, 6, 40];

fn read(stream: &TcpStream) -> Option<(String, BTreeMap<String, String>, BufReader<&TcpStream>)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    Some((first, headers, reader))
}

fn answer(stream: &mut TcpStream, status: u16, body: &str) {
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

impl Collector {
    fn serve(&mut self, mut stream: TcpStream, is_acknowledged: bool) -> Option<()> {
        let (first, headers, mut reader) = read(&stream)?;
        assert_eq!(headers["authorization"], "Splunk 0f00-secret");
        self.channels.insert(headers["x-splunk-request-channel"].clone());
        let length: usize = headers["content-length"].parse().unwrap();
        let act = if first.contains("/ack") { Act::Take } else { self.next() };
        if act == Act::Hang {
            let mut some = vec![0; length / 2];
            reader.read_exact(&mut some).ok()?;
            return None;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).unwrap();
        if first.starts_with("POST /services/collector/ack?channel=") {
            let acks = self.acknowledge(&body);
            answer(&mut stream, 200, &acks);
            return Some(());
        }
        assert!(first.starts_with("POST /services/collector/event "));
        match act {
            Act::Busy => answer(&mut stream, 503, "{\"text\":\"Server is busy\",\"code\":9}"),
            Act::Refuse => answer(&mut stream, 403, "{\"text\":\"Invalid token\",\"code\":4}"),
            Act::Take | Act::Hang | Act::Mute | Act::Forget => {
                let seq = |line: &str| -> u64 {
                    let value: serde_json::Value = serde_json::from_str(line).unwrap();
                    value["event"]["seq"].as_u64().unwrap()
                };
                let events: Vec<u64> = body.lines().map(seq).collect();
                if events.iter().any(|event| POISON.contains(event)) {
                    answer(&mut stream, 400, "{\"text\":\"Invalid data format\",\"code\":6}");
                } else if is_acknowledged {
                    let ack = self.acks;
                    self.acks += 1;
                    if act != Act::Forget {
                        // After the third time it is asked.
                        self.unacknowledged.insert(ack, (self.polls + 3, events));
                    }
                    let text = format!("{{\"text\":\"Success\",\"code\":0,\"ackId\":{ack}}}");
                    answer(&mut stream, 200, &text);
                } else {
                    self.events.extend(events);
                    if act != Act::Mute {
                        answer(&mut stream, 200, "{\"text\":\"Success\",\"code\":0}");
                    }
                }
            }
        }
        Some(())
    }

    fn next(&mut self) -> Act {
        self.requests += 1;
        self.acts.pop().unwrap_or(Act::Take)
    }

    fn acknowledge(&mut self, body: &str) -> String {
        self.polls += 1;
        let asked: serde_json::Value = serde_json::from_str(body).unwrap();
        let mut acks = serde_json::Map::new();
        for id in asked["acks"].as_array().unwrap() {
            let id = id.as_u64().unwrap();
            let is_due = self.unacknowledged.get(&id).is_some_and(|(at, _)| self.polls >= *at);
            if is_due {
                self.events.extend(self.unacknowledged.remove(&id).unwrap().1);
            }
            acks.insert(id.to_string(), is_due.into());
        }
        serde_json::json!({ "acks": acks }).to_string()
    }
}

/// Runs a collector on the loopback while something happens.
fn with_collector<T>(
    acts: &[Act],
    is_acknowledged: bool,
    test: impl FnOnce(u16, &Mutex<Collector>) -> T,
) -> T {
    struct Ended(Arc<AtomicBool>, u16);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
            let _ = TcpStream::connect(("127.0.0.1", self.1));
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let acts = acts.iter().rev().copied().collect();
    let collector = Mutex::new(Collector { acts, ..Collector::default() });
    let is_over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let ended = Ended(Arc::clone(&is_over), port);
        scope.spawn(|| {
            for stream in listener.incoming() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                collector.lock().unwrap().serve(stream.unwrap(), is_acknowledged);
            }
        });
        let result = test(port, &collector);
        drop(ended);
        result
    })
}

fn words(id: &EventId) -> Option<String> {
    Some(format!("{{\"event\":{{\"uid\":\"{id}\",\"seq\":{}}}}}", id.seq))
}

fn target(bench: &Bench, port: u16, is_acknowledged: bool) -> String {
    std::fs::write(bench.path("token"), "0f00-secret\n").unwrap();
    format!(
        "[exporter.hec]\nurl = \"http://127.0.0.1:{port}\"\ntoken-file = \"token\"\nacknowledge = {is_acknowledged}\ntimeout-s = 5\n"
    )
}

fn expected(count: u64) -> Vec<u64> {
    (0..count).filter(|seq| !POISON.contains(seq)).collect()
}

fn dead(bench: &Bench) -> Vec<String> {
    let text = std::fs::read_to_string(bench.path("state/it/dead-letters.jsonl")).unwrap();
    let letter = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["reason"], "bad-record");
        value["uid"].as_str().unwrap().to_owned()
    };
    text.lines().map(letter).collect()
}

#[test]
fn a_collector_that_is_busy_breaks_off_and_is_picky_gets_everything_in_order() {
    let bench = Bench::new("hec");
    let acts = [Act::Busy, Act::Hang, Act::Take, Act::Mute, Act::Busy, Act::Busy, Act::Hang];
    with_collector(&acts, false, |port, collector| {
        let exporter = bench.exporter(&target(&bench, port, false));
        let journal = bench.journal();
        write(&journal, 60);
        let deliver = |count| {
            bench.run(&exporter, &words, || {
                until("everything is delivered", || bench.place() == count);
            })
        };
        deliver(60).unwrap();
        // The next start goes on from the place that was kept.
        write(&journal, 60);
        collector.lock().unwrap().acts = vec![Act::Mute, Act::Take, Act::Hang];
        deliver(120).unwrap();
        let collector = collector.lock().unwrap();
        assert_eq!(deduplicate(collector.events.iter().copied()), expected(120));
        assert!(collector.events.len() > expected(120).len(), "what was mute came twice");
        assert_eq!(collector.channels.len(), 1);
    });
    assert_eq!(dead(&bench), POISON.map(|seq| format!("gw-1/traffic/{seq}")));
    let status = bench.status();
    assert_eq!((status.dead_letters, status.phase), (3, Phase::Stopped));
    assert_eq!((status.behind_records(), status.lost_records()), (0, 0));
}

#[test]
fn acknowledgements_that_come_late_or_never_lose_nothing() {
    let bench = Bench::new("hec-ack");
    let acts = [Act::Take, Act::Forget, Act::Take, Act::Busy, Act::Forget];
    with_collector(&acts, true, |port, collector| {
        let mut exporter = bench.exporter(&target(&bench, port, true));
        exporter.limits.ack_ms = 400;
        let journal = bench.journal();
        write(&journal, 80);
        let run = bench.run(&exporter, &words, || {
            until("everything is acknowledged", || {
                let acknowledged = collector.lock().unwrap().events.len() as u64;
                assert!(bench.place() <= acknowledged + 3, "a place ahead of its records");
                bench.place() == 80
            });
        });
        run.unwrap();
        let collector = collector.lock().unwrap();
        let all: BTreeSet<u64> = collector.events.iter().copied().collect();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), expected(80));
    });
    assert_eq!(dead(&bench).len(), 3);
}

#[test]
fn a_refused_token_is_an_alarm_and_not_a_dead_letter() {
    let bench = Bench::new("hec-token");
    with_collector(&[Act::Refuse; 4], false, |port, collector| {
        let exporter = bench.exporter(&target(&bench, port, false));
        let journal = bench.journal();
        write(&journal, 5);
        let run = bench.run(&exporter, &words, || {
            until("it was refused", || collector.lock().unwrap().requests >= 4);
            until("it goes on", || bench.place() == 5);
        });
        run.unwrap();
        assert_eq!(collector.lock().unwrap().events, [0, 1, 2, 3, 4]);
    });
    assert!(!bench.path("state/it/dead-letters.jsonl").exists());
    let alarms = bench.alarms.lock().unwrap();
    assert_eq!(*alarms, [(Alarm::Refused, true), (Alarm::Refused, false)]);
}
