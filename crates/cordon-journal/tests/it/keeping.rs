//! Retention, holds and replicas.

use std::fs;

use cordon_journal::replica::{ReplicaError, replicate};
use cordon_journal::retention::{self, RetentionError};
use cordon_journal::verify::{Options, verify_stream};
use cordon_journal::{layout, segment};
use cordon_model::event::{Actor, Person};
use cordon_model::note::{Signer, Verifier};
use cordon_model::{BadgeId, Label, WallMs};

use crate::stage::{Folder, SECRET, TestClock, flow, lines, open};

const DAY_MS: u64 = 86_400_000;

fn somebody() -> Actor {
    let badge = BadgeId::new("B-9").unwrap();
    Actor::Person(Person { badge, role: Label::new("legal").unwrap() })
}

fn keys() -> Vec<Verifier> {
    let name = |stream| format!("h/gw-1/{stream}");
    let streams = ["evidence", "traffic", "detail"];
    streams.map(|stream| Signer::new(&name(stream), SECRET).verifier()).to_vec()
}

#[test]
fn what_is_over_goes_record_first_and_the_rest_continues() {
    let (folder, clock) = (Folder::new("expire"), TestClock::new());
    let journal = open(folder.path(), &clock);
    for number in 0..1_000 {
        journal.record(&flow(number)).unwrap();
        clock.pass(3_600_000);
    }
    let stream = folder.path().join("traffic");
    let before = layout::segments(&stream).unwrap();
    let now = WallMs(clock.moment().wall.0 + 390 * DAY_MS);
    clock.set_wall(now.0);
    let due = retention::due(folder.path(), now).unwrap();
    let expired = retention::expire(&journal, now).unwrap();
    assert_eq!(due, expired);
    let [due] = expired.as_slice() else { panic!("{expired:?}") };
    assert!(due.segments.len() > 1 && due.segments.len() < before.len() - 1);
    let after = layout::segments(&stream).unwrap();
    assert_eq!(after, before[due.segments.len()..]);
    assert_eq!(after[0], due.last + 1);
    let said = lines(&folder.path().join("evidence")).iter().any(|line| {
        let last = due.last;
        line.contains(&format!("\"expire\":{{\"first\":0,\"last\":{last},\"stream\":\"traffic\"}}"))
    });
    assert!(said);
    assert_eq!(retention::expire(&journal, now).unwrap(), []);
    journal.record(&flow(5_000)).unwrap();
    journal.close().unwrap();
    let journal = open(folder.path(), &clock);
    journal.record(&flow(5_001)).unwrap();
}

#[test]
fn a_spool_that_is_full_sheds_its_oldest_traffic_and_no_evidence() {
    let (folder, clock) = (Folder::new("shed"), TestClock::new());
    let journal = open(folder.path(), &clock);
    for number in 0..1_000 {
        journal.record(&flow(number)).unwrap();
    }
    let bytes = |stream: &str| -> u64 {
        let folder = folder.path().join(stream);
        let firsts = layout::segments(&folder).unwrap().into_iter();
        firsts.map(|f| fs::metadata(folder.join(segment::file_name(f))).unwrap().len()).sum()
    };
    let all = || ["evidence", "traffic", "detail"].map(bytes).into_iter().sum::<u64>();
    let before = layout::segments(&folder.path().join("traffic")).unwrap();
    assert_eq!(retention::shed(&journal, u64::MAX).unwrap(), []);
    let room = all() - bytes("traffic") / 2;
    let evidence = bytes("evidence");
    let shed = retention::shed(&journal, room).unwrap();
    let [due] = shed.as_slice() else { panic!("{shed:?}") };
    assert!(all() <= room && bytes("evidence") >= evidence);
    let after = layout::segments(&folder.path().join("traffic")).unwrap();
    assert_eq!(after, before[due.segments.len()..]);
    // What is being written stays, however little room there is.
    retention::shed(&journal, 0).unwrap();
    assert_eq!(layout::segments(&folder.path().join("traffic")).unwrap().len(), 1);
    journal.close().unwrap();
    let journal = open(folder.path(), &clock);
    journal.record(&flow(5_001)).unwrap();
}

#[test]
fn nothing_goes_while_somebody_holds_it() {
    let (folder, clock) = (Folder::new("hold"), TestClock::new());
    let journal = open(folder.path(), &clock);
    for number in 0..600 {
        journal.record(&flow(number)).unwrap();
    }
    let name = Label::new("case-1").unwrap();
    retention::hold(&journal, &name, somebody()).unwrap();
    let twice = retention::hold(&journal, &name, somebody());
    assert!(matches!(twice, Err(RetentionError::HoldExists(_))));
    let now = WallMs(clock.moment().wall.0 + 500 * DAY_MS);
    clock.set_wall(now.0);
    let before = layout::segments(&folder.path().join("traffic")).unwrap();
    let error = retention::expire(&journal, now).unwrap_err();
    assert!(matches!(error, RetentionError::Held(held) if held == "case-1"));
    assert_eq!(layout::segments(&folder.path().join("traffic")).unwrap(), before);
    retention::release(&journal, &name, somebody()).unwrap();
    let again = retention::release(&journal, &name, somebody());
    assert!(matches!(again, Err(RetentionError::NoHold(_))));
    assert!(!retention::expire(&journal, now).unwrap().is_empty());
    let text = lines(&folder.path().join("evidence")).join("\n");
    let (hold, release) = (text.find("\"hold\""), text.find("\"release\""));
    assert!(
        hold.unwrap() < release.unwrap() && release.unwrap() < text.find("\"expire\"").unwrap()
    );
}

#[test]
fn replicas_follow_and_refuse_a_past_that_is_not_theirs() {
    let (folder, copy) = (Folder::new("origin"), Folder::new("replica"));
    let clock = TestClock::new();
    let journal = open(folder.path(), &clock);
    let write = |range: std::ops::Range<u64>| {
        for number in range {
            journal.record(&flow(number)).unwrap();
        }
    };
    write(0..700);
    let first = replicate(folder.path(), copy.path(), &keys()).unwrap();
    assert!(first[1].segments > 0);
    write(700..1_500);
    let second = replicate(folder.path(), copy.path(), &keys()).unwrap();
    assert!(second[1].segments > 0 && second[1].size > first[1].size);
    assert_eq!(second[1].size, second[1].live_from);
    assert_eq!(replicate(folder.path(), copy.path(), &keys()).unwrap()[1].segments, 0);
    let report = verify_stream(&copy.path().join("traffic"), &keys(), &Options::default()).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    let sealed = lines(&copy.path().join("traffic"));
    assert_eq!(sealed, lines(&folder.path().join("traffic"))[..sealed.len()]);

    // Another past under the same key: what an insider would make.
    let (other, clock) = (Folder::new("fork"), TestClock::new());
    let journal = open(other.path(), &clock);
    for number in 0..2_000 {
        journal.record(&flow(number + 1)).unwrap();
    }
    let error = replicate(other.path(), copy.path(), &keys()).unwrap_err();
    assert!(matches!(error, ReplicaError::Fork(_) | ReplicaError::Gap { .. }), "{error}");
    assert_eq!(lines(&copy.path().join("traffic")), sealed);
}

#[test]
fn a_replica_takes_nothing_that_is_not_whole() {
    let (folder, copy) = (Folder::new("whole"), Folder::new("copy"));
    let clock = TestClock::new();
    let journal = open(folder.path(), &clock);
    for number in 0..700 {
        journal.record(&flow(number)).unwrap();
    }
    let path = folder.path().join("traffic").join(segment::file_name(0));
    let good = fs::read(&path).unwrap();
    for (name, bad) in [
        ("cut", good[..good.len() - 1].to_vec()),
        (
            "edited",
            String::from_utf8_lossy(&good).replacen("\"packets\":3", "\"packets\":4", 1).into(),
        ),
        ("longer", [good.as_slice(), b"x\n"].concat()),
        ("empty", vec![]),
    ] {
        fs::write(&path, bad).unwrap();
        let error = replicate(folder.path(), copy.path(), &keys()).unwrap_err();
        assert!(matches!(error, ReplicaError::NotSealed(0)), "{name}: {error}");
        assert_eq!(layout::segments(&copy.path().join("traffic")).unwrap(), [0u64; 0]);
    }
    fs::write(&path, good).unwrap();
    replicate(folder.path(), copy.path(), &keys()).unwrap();
}
