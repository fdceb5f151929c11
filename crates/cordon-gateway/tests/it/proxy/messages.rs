use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use cordon_core::inspect::{Reason, Verdict, Way};
use cordon_gateway::proxy::{Counts, Seen};
use cordon_model::{Operation, Protocol, Tier};

use super::bundles::{acknowledgment, alarm, order};
use super::stage::{DEVICE, Stage, comes, ends, passes};

#[test]
fn an_alarm_and_its_answer_pass_and_the_service_sees_the_device() {
    let stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let mut device = stage.open();
    let (mut service, seen_as) = stage.accept();
    assert_eq!(seen_as, DEVICE);
    for number in 0..10 {
        let id = format!("A{number}");
        passes(&mut device, &mut service, &alarm(&id));
        passes(&mut service, &mut device, &acknowledgment(&id));
    }
    drop(device);
    assert!(ends(&mut service));
    drop(service);
    let mut messages = Vec::new();
    let counts: Counts = stage.proxy.until(|seen| match seen {
        Seen::Message { judgement, way, bytes, .. } => {
            messages.push((*way, judgement.verdict, judgement.operation, *bytes));
            None
        }
        Seen::Closed { counts, party, .. } => {
            assert_eq!(party.device().unwrap().id.as_str(), "PUMP-0001");
            assert_eq!(party.rules(Some(Operation::Hl7OruR40)).len(), 1);
            Some(*counts)
        }
        _ => None,
    });
    assert_eq!(messages.len(), 20);
    let alarms = messages.iter().filter(|message| message.0 == Way::FromDevice);
    assert!(alarms.clone().all(|message| message.2 == Some(Operation::Hl7OruR40)));
    assert_eq!((counts.blocked, counts.passed + counts.flagged), (0, 20));
    assert_eq!(counts.bytes_from_device, 10 * u64::try_from(alarm("A0").len()).unwrap());
}

#[test]
fn an_order_of_a_device_is_rejected_to_it_and_the_next_alarm_passes() {
    let stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    device.write_all(&order("O1")).unwrap();
    let reasons = stage.proxy.until(|seen| match seen {
        Seen::Message { judgement, is_enforced: true, .. } => {
            assert_eq!((judgement.verdict, judgement.page), (Verdict::Block, true));
            Some(judgement.reasons)
        }
        _ => None,
    });
    assert!(reasons.contains(Reason::CommandFromDevice));
    passes(&mut device, &mut service, &alarm("A1"));
    let mut answer = [0; 400];
    let count = device.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]);
    assert!(answer.contains("MSA|AR|O1"), "{answer:?}");
}

#[test]
fn a_request_that_is_not_listed_is_refused_and_the_connection_ends() {
    let stage = Stage::with(
        Tier::Green,
        Protocol::Http,
        |plan| plan.operations = vec![Operation::HttpGet],
        |_| {},
    );
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    passes(&mut device, &mut service, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    passes(&mut service, &mut device, reply);
    device.write_all(b"DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").unwrap();
    let mut answer = Vec::new();
    device.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 403 "), "{:?}", String::from_utf8_lossy(&answer));
    assert!(ends(&mut service));
    drop(device);
    assert_eq!(stage.proxy.ended(), "blocked");
}

#[test]
fn a_connection_that_carries_more_than_its_envelope_ends_and_a_lifeline_does_not() {
    const MAX: u64 = 4_000;
    for (is_lifeline, protocol) in [(false, Protocol::Http), (true, Protocol::Hl7)] {
        let stage = Stage::with(
            Tier::Orange,
            protocol,
            |plan| {
                plan.is_lifeline = is_lifeline;
                plan.envelope.bytes_per_connection_max = Some(MAX);
            },
            |_| {},
        );
        let mut device = stage.open();
        let (mut service, _) = stage.accept();
        if is_lifeline {
            for number in 0..40 {
                passes(&mut device, &mut service, &alarm(&format!("A{number}")));
            }
            continue;
        }
        let head = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
        passes(&mut device, &mut service, head);
        // The other side may be gone before all is written.
        let _ = device.write_all(&[b'x'; 100_000]);
        let mut arrived = Vec::new();
        let _ = service.read_to_end(&mut arrived);
        assert!(u64::try_from(arrived.len()).unwrap() <= MAX, "{}", arrived.len());
        let reasons = stage.proxy.until(|seen| match seen {
            Seen::Message { judgement, .. } if judgement.verdict == Verdict::Block => {
                Some(judgement.reasons)
            }
            _ => None,
        });
        assert!(reasons.contains(Reason::OverLimit));
        assert_eq!(stage.proxy.ended(), "envelope");
    }
}

#[test]
fn bodies_pass_in_the_pieces_in_which_they_come() {
    let stage = Stage::new(Tier::Green, Protocol::Http);
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    let head = b"POST /w HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    passes(&mut device, &mut service, head);
    for piece in ["abc", "def", "ghi"] {
        passes(&mut device, &mut service, piece.as_bytes());
    }
}

#[test]
fn a_side_that_says_nothing_more_still_hears_the_other() {
    let stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    passes(&mut device, &mut service, &alarm("A1"));
    device.shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    service.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    passes(&mut service, &mut device, &acknowledgment("A1"));
    drop(service);
    assert!(ends(&mut device));
    assert_eq!(stage.proxy.ended(), "done");
}

#[test]
fn what_a_device_said_before_it_broke_off_still_arrives() {
    let stage = Stage::new(Tier::Orange, Protocol::Hl7);
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    passes(&mut device, &mut service, &alarm("A1"));
    device.write_all(&alarm("A2")).unwrap();
    socket2::SockRef::from(&device).set_linger(Some(Duration::ZERO)).unwrap();
    comes(&mut service, &alarm("A2"));
    drop(device);
    assert!(ends(&mut service));
    assert_eq!(stage.proxy.ended(), "broken");
}

#[test]
fn who_reads_nothing_makes_the_other_side_wait_and_loses_nothing() {
    let stage = Stage::new(Tier::Green, Protocol::Opaque);
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    device.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let block: Vec<u8> = (0..65_536_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let mut written = 0;
    while written < 256 << 20 {
        match device.write(&block[written % block.len()..]) {
            Ok(count) => written += count,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
                break;
            }
        }
    }
    assert!(written < 64 << 20, "nobody makes it wait: {written}");
    device.shutdown(Shutdown::Write).unwrap();
    let mut read = 0;
    let mut room = vec![0; 1 << 20];
    loop {
        let count = service.read(&mut room).unwrap();
        if count == 0 {
            break;
        }
        for (at, byte) in room[..count].iter().enumerate() {
            assert_eq!(*byte, block[(read + at) % block.len()]);
        }
        read += count;
    }
    assert_eq!(read, written);
}

#[test]
fn messages_pass_when_nobody_takes_what_is_told_and_that_is_counted() {
    let stage =
        Stage::with(Tier::Orange, Protocol::Hl7, |_| {}, |options| options.limits.seen_max = 1);
    let mut device = stage.open();
    let (mut service, _) = stage.accept();
    for number in 0..50 {
        passes(&mut device, &mut service, &alarm(&format!("A{number}")));
    }
    drop((device, service));
    let (mut told, mut missed) = (0, 0);
    stage.proxy.until(|seen| {
        match seen {
            Seen::Message { .. } => told += 1,
            Seen::Missed(lost) => {
                let messages = lost.messages;
                missed += messages.passed + messages.flagged + messages.blocked;
            }
            _ => {}
        }
        (told + missed == 50).then_some(())
    });
    assert!(missed > 0);
}
