#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};

use super::*;

fn sink(settle_bytes: u64) -> (SyslogSink, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let settling = Settling { settle_ms: 100, settle_bytes, timeout_ms: 2_000 };
    (SyslogSink::new(Peer { address, tls: None }, settling), listener)
}

fn at(ms: u64) -> Mono {
    Mono(ms * MS)
}

/// Reads one connection to its end.
fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn counts_octets() {
    let mut out = Vec::new();
    frame(&mut out, "<13>1 ä");
    frame(&mut out, "b\nc");
    assert_eq!(out, "8 <13>1 ä3 b\nc".as_bytes());
}

#[test]
fn settles_when_old_and_read_to_the_end() {
    let (mut sink, listener) = sink(u64::MAX);
    assert_eq!(sink.send(at(0), 1, &["a", "b"]), Sent::Pending);
    let first = std::thread::spawn({
        let stream = listener.accept().unwrap().0;
        move || read_all(stream)
    });
    assert_eq!(sink.poll(at(50)).unwrap(), [0; 0]);
    assert_eq!(sink.send(at(60), 2, &["c"]), Sent::Pending);
    // Old enough: the connection is closed in order, and a new one shows who is there.
    assert_eq!(sink.poll(at(110)).unwrap(), [0; 0]);
    assert_eq!(first.join().unwrap(), "1 a1 b1 c");
    assert_eq!(sink.poll(at(120)).unwrap(), [1]);
    assert_eq!(sink.poll(at(170)).unwrap(), [2]);
}

#[test]
fn settles_when_enough_was_written_behind_it() {
    let (mut sink, listener) = sink(10);
    assert_eq!(sink.send(at(0), 1, &["a"]), Sent::Pending);
    let _open = listener.accept().unwrap();
    assert_eq!(sink.send(at(0), 2, &["0123456789"]), Sent::Pending);
    assert_eq!(sink.poll(at(99)).unwrap(), [0; 0]);
    assert_eq!(sink.poll(at(100)).unwrap(), [1]);
}

#[test]
fn all_that_is_not_settled_is_lost_when_the_receiver_goes() {
    let (mut sink, listener) = sink(u64::MAX);
    assert_eq!(sink.send(at(0), 1, &["a"]), Sent::Pending);
    drop(listener.accept().unwrap());
    let mut gone = Ok(Vec::new());
    // The end of the connection may take a moment to come.
    for _ in 0..1_000_000 {
        gone = sink.poll(at(1));
        if gone.is_err() {
            break;
        }
    }
    assert!(matches!(gone, Err(Fault::Away(_))), "{gone:?}");
    // Also when it had been read: who read it may have died with it.
    assert_eq!(sink.send(at(10), 2, &["a"]), Sent::Pending);
    let reader = std::thread::spawn({
        let stream = listener.accept().unwrap().0;
        move || read_all(stream)
    });
    assert_eq!(sink.poll(at(120)).unwrap(), [0; 0]);
    reader.join().unwrap();
    drop(listener.accept().unwrap());
    drop(listener);
    // Too young to count, however late the end of the connection is seen.
    let fault = (0..1_000_000).find_map(|_| sink.poll(at(105)).err());
    assert!(matches!(fault, Some(Fault::Away(_))), "{fault:?}");
    assert_eq!(sink.send(at(130), 3, &["a"]), Sent::Lost(Fault::Away("unreachable")));
}
