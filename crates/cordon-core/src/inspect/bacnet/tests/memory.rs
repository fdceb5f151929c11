//! What is remembered: requests that are open.

use super::*;

#[test]
fn answers_belong_to_what_was_asked() {
    let ack = unicast("30070c 0c00000001 1955 3e 4441ac0000 3f");
    for (asks, answers) in [(IN, OUT), (OUT, IN)] {
        for (answer, is_expected) in [
            (ack.clone(), true),
            (unicast("50070c 9102 9120"), true),
            (unicast("600709"), true),
            (unicast("710704"), true),
            (unicast("20070c"), true),
            (unicast("20070f"), false),
            (unicast("600809"), false),
            (frame(0x0A, "0108 0005 01 07 600709"), false),
            (frame(0x0A, "0120 0005 01 07 ff 600709"), false),
        ] {
            let mut case = Case::new(Tier::Green, &[Operation::BacnetReadProperty]);
            assert_eq!(case.judge(0, asks, &unicast(say::READ)).verdict, Verdict::Pass);
            let judgement = case.judge(1, answers, &answer);
            let expected: &[Reason] = if is_expected { &[] } else { &[Reason::UnexpectedReply] };
            assert_eq!(reasons(&judgement), expected, "{answer:02x?}");
            assert_eq!(judgement.operation, None);
            // Once is enough.
            let again = case.judge(2, answers, &answer);
            assert_eq!(reasons(&again), [Reason::UnexpectedReply]);
        }
    }
}

#[test]
fn a_request_that_is_stopped_or_long_past_has_no_answer() {
    let ack = unicast("20070f");
    let mut case = Case::new(Tier::Green, &[]);
    assert_eq!(case.judge(0, IN, &unicast(say::WRITE)).verdict, Verdict::Block);
    assert_eq!(reasons(&case.judge(1, OUT, &ack)), [Reason::UnexpectedReply]);
    let mut case = Case::new(Tier::Green, &[Operation::BacnetWriteProperty]);
    assert_eq!(case.judge(0, IN, &unicast(say::WRITE)).verdict, Verdict::Pass);
    assert_eq!(reasons(&case.judge(60_000, OUT, &ack)), [Reason::UnexpectedReply]);
}

#[test]
fn requests_from_behind_a_router_are_told_apart() {
    let mut case = Case::new(Tier::Green, &[Operation::BacnetReadProperty]);
    let ask = |mac: u8| frame(0x0A, &format!("010c 0009 01 {mac:02x} {}", say::READ));
    let answer = |mac: u8| frame(0x0A, &format!("0120 0009 01 {mac:02x} ff 600709"));
    assert_eq!(case.judge(0, IN, &ask(1)).verdict, Verdict::Pass);
    assert_eq!(case.judge(0, IN, &ask(2)).verdict, Verdict::Pass);
    assert_eq!(case.judge(1, OUT, &answer(3)).verdict, Verdict::Block);
    assert_eq!(case.judge(1, OUT, &answer(2)).verdict, Verdict::Pass);
    assert_eq!(case.judge(1, OUT, &answer(1)).verdict, Verdict::Pass);
}

#[test]
fn an_answer_in_segments_is_acknowledged_by_who_asked() {
    let mut case = Case::new(Tier::Green, &[Operation::BacnetReadProperty]);
    let first = unicast("3c0700010c 0c020000f5 194c 3e c400000001");
    let last = unicast("380701010c c400000002 3f");
    assert_eq!(case.judge(0, OUT, &first).verdict, Verdict::Block);
    assert_eq!(case.judge(1, IN, &unicast(say::READ)).verdict, Verdict::Pass);
    for (way, bytes) in [
        (OUT, first),
        (IN, unicast("40070001")),
        (OUT, last.clone()),
        (OUT, last.clone()),
        (IN, unicast("40070101")),
    ] {
        assert_eq!(case.judge(2, way, &bytes).verdict, Verdict::Pass, "{bytes:02x?}");
    }
    assert_eq!(case.judge(3, OUT, &unicast("40070101")).verdict, Verdict::Block);
    assert_eq!(case.judge(3, IN, &unicast("700700")).verdict, Verdict::Pass, "who asked gives up");
    assert_eq!(case.judge(3, OUT, &last).verdict, Verdict::Block);
}

#[test]
fn no_more_may_be_open_than_there_is_room_for() {
    let mut case = Case::new(Tier::Green, &[Operation::BacnetReadProperty]);
    let ask = |id: usize| unicast(&format!("0275{id:02x}0c 0c00000001 1955"));
    for id in 0..PENDING_MAX {
        assert_eq!(case.judge(0, IN, &ask(id)).verdict, Verdict::Pass);
    }
    let judgement = case.judge(1, IN, &ask(PENDING_MAX));
    assert_eq!(reasons(&judgement), [Reason::TooManyPending]);
    assert_eq!(judgement.verdict, Verdict::Block);
    assert_eq!(case.judge(1, IN, &ask(3)).verdict, Verdict::Pass, "a repeat");
    assert_eq!(case.judge(1, OUT, &unicast("600309")).verdict, Verdict::Pass);
    assert_eq!(case.judge(1, IN, &ask(PENDING_MAX)).verdict, Verdict::Pass);
    assert_eq!(case.judge(60_001, IN, &ask(200)).verdict, Verdict::Pass);
}
