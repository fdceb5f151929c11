//! Tests of the connection, segment by segment.

use super::*;

/// Writes each event on a line.
fn line(event: &Event<'_, u32>) -> String {
    let who = |side: Side| match side {
        Side::Client => "c",
        Side::Server => "s",
    };
    match event {
        Event::Data { from, at, bytes, mark } => {
            format!("{} {at} {} @{mark}", who(*from), String::from_utf8_lossy(bytes))
        }
        Event::Gap { from, at, bytes, why } => format!("{} {at} gap {bytes} {why:?}", who(*from)),
        Event::Conflict { from, mark } => format!("{} conflict @{mark}", who(*from)),
        Event::Late { from, bytes, mark } => format!("{} late {bytes} @{mark}", who(*from)),
        Event::End { from, mark } => format!("{} end @{mark}", who(*from)),
        Event::Reset { from, mark } => format!("{} reset @{mark}", who(*from)),
    }
}

/// Reads a segment: `c S 99`, `s SA 499 100`, `c 100+abc`, `c 103+de 500`, `c F 105`.
fn segment(text: &str, mark: u32) -> (Segment<'_, u32>, bool) {
    let mut words = text.split(' ').peekable();
    let from = if words.next() == Some("c") { Side::Client } else { Side::Server };
    let flags = words.next_if(|word| word.chars().all(|c| c.is_ascii_uppercase())).unwrap_or("");
    let (seq, data) = words
        .peek()
        .and_then(|word| word.split_once('+'))
        .unwrap_or_else(|| (words.peek().copied().unwrap_or("0"), ""));
    let (data, cut) = data.split_once('~').unwrap_or((data, "0"));
    let _ = words.next();
    let segment = Segment {
        from,
        seq: seq.parse().unwrap_or(0),
        ack: words.next().and_then(|ack| ack.parse().ok()),
        syn: flags.contains('S'),
        fin: flags.contains('F'),
        rst: flags.contains('R'),
        payload: data.as_bytes(),
        cut_bytes: cut.parse().unwrap_or(0),
        mark,
    };
    (segment, flags.contains('S'))
}

/// Runs segments, numbered from 1, through a connection.
fn run(segments: &[&str]) -> Vec<String> {
    let mut connection = Connection::default();
    let mut lines = Vec::new();
    for (text, mark) in segments.iter().zip(1..) {
        let (segment, _) = segment(text, mark);
        connection.segment(&segment, &mut |event| lines.push(line(&event)));
    }
    connection.finish(&mut |event| lines.push(format!("{} fin", line(&event))));
    assert_eq!(connection.held_bytes(), 0);
    lines
}

#[track_caller]
fn check(segments: &[&str], expected: &[&str]) {
    assert_eq!(run(segments), expected, "{segments:?}");
}

const OPEN: [&str; 3] = ["c S 99", "s S 499 100", "c 100 500"];

fn opened<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    OPEN.iter().chain(rest).copied().collect()
}

#[test]
fn hands_out_what_comes_in_order_and_both_ends() {
    check(
        &opened(&["c 100+abc 500", "s 500+xy 103", "c F 103 502", "s F 502 104", "c 104 503"]),
        &["c 0 abc @4", "s 0 xy @5", "c end @6", "s end @7"],
    );
}

#[test]
fn waits_for_what_comes_out_of_order_and_forgets_what_comes_twice() {
    check(
        &opened(&["c 103+def", "c 100+abc", "c 103+def", "c 106+ghi", "c 100+abcdefghi"]),
        &["c 0 abc @5", "c 3 def @5", "c 6 ghi @7"],
    );
}

#[test]
fn the_first_word_holds_and_a_second_one_shows() {
    check(
        &opened(&["c 103+def", "c 102+cXXf", "c 100+ab"]),
        &["c conflict @5", "c 0 ab @6", "c 2 c @6", "c 3 def @6"],
    );
    check(&opened(&["c 100+abc", "c 100+aXc"]), &["c 0 abc @4", "c conflict @5"]);
    check(
        &opened(&["c 101+b", "c 103+d", "c 100+abcde"]),
        &["c 0 a @6", "c 1 b @6", "c 2 c @6", "c 3 d @6", "c 4 e @6"],
    );
}

#[test]
fn gives_up_what_was_acknowledged_and_never_came() {
    // The request 103+def is lost; its answer waits for it as long as it may come.
    check(
        &opened(&[
            "c 100+abc",
            "s 500+x 103",
            "s 501+y 106",
            "c 106+ghi 502",
            "s 502+z 109",
            "c 109 503",
        ]),
        &["c 0 abc @4", "s 0 x @5", "c 3 gap 3 Acknowledged", "s 1 y @6", "c 6 ghi @7", "s 2 z @8"],
    );
    check(&opened(&["s 500 103"]), &["c 0 gap 3 Acknowledged fin"]);
    check(&opened(&["c 103+def"]), &["c 0 gap 3 Unfilled fin", "c 3 def @4 fin"]);
}

#[test]
fn an_answer_that_was_recorded_first_still_comes_second() {
    check(&opened(&["s 500+ok 103", "c 100+abc 500"]), &["c 0 abc @5", "s 0 ok @5"]);
    check(&["s S 499 100", "c S 99", "c 100+abc 500"], &["c 0 abc @3"]);
    check(&["c S 99", "s 500+ok 100", "s S 499 100"], &["s 0 ok @3"]);
}

#[test]
fn bytes_that_come_after_they_were_given_up_are_late() {
    check(
        &opened(&["s 500 103", "s 500 103", "s 500 103", "s 500 103", "c 100+abc"]),
        &["c 0 gap 3 Acknowledged", "c late 3 @8"],
    );
}

#[test]
fn begins_in_the_middle() {
    check(
        &["s 777+xy 5", "c 5+abc 779", "c 8+d 779", "s 779+z 9"],
        &["s 0 xy @1", "c 0 abc @2", "c 3 d @3", "s 2 z @4"],
    );
    check(&["c 5+abc", "c 2+xyz"], &["c 0 abc @1", "c late 3 @2"]);
}

#[test]
fn takes_data_with_the_first_segment_and_with_the_last() {
    check(&["c S 99+ab", "c F 102+c"], &["c 0 ab @1", "c 2 c @2", "c end @2"]);
    check(&["c S 99+ab", "c F 102+c", "c 103+more"], &["c 0 ab @1", "c 2 c @2", "c end @2"]);
}

#[test]
fn the_numbers_begin_again() {
    check(
        &["c S 4294967293", "c 4294967294+abc", "c 3+f", "c 1+de"],
        &["c 0 abc @2", "c 3 de @4", "c 5 f @4"],
    );
}

#[test]
fn keeping_alive_and_probing_are_not_data() {
    check(
        &opened(&["c 100+abc", "c 102 500", "c 102+? 500", "s 500 103", "c 103+d", "c 103+de"]),
        &["c 0 abc @4", "c 3 d @8", "c 4 e @9"],
    );
}

#[test]
fn what_the_recording_cut_off_is_a_gap() {
    check(
        &opened(&["c 100+abc~4 500", "c 107+h", "c 100+abc~4 500"]),
        &["c 0 abc @4", "c 3 gap 4 CutOff", "c 7 h @5"],
    );
}

#[test]
fn a_reset_hands_out_what_is_kept_and_ends_the_connection() {
    check(
        &opened(&["c 103+def", "s R 500 100"]),
        &["c 0 gap 3 Unfilled", "c 3 def @4", "s reset @5"],
    );
    check(&opened(&["s R 3000000000"]), &[]);
}

#[test]
fn another_connection_between_the_same_ports_is_told_apart() {
    let mut connection = Connection::default();
    for (text, mark) in OPEN.iter().zip(1..) {
        assert!(!connection.is_another(&segment(text, mark).0));
        connection.segment(&segment(text, mark).0, &mut |_| {});
    }
    assert!(!connection.is_another(&segment("c S 99", 4).0), "sent again");
    assert!(connection.is_another(&segment("c S 70000", 4).0));
    assert!(connection.is_another(&segment("c S 3000000000", 4).0));
    assert!(!connection.is_another(&segment("c 100+x", 4).0));
}

#[test]
fn strangers_change_nothing_until_there_are_too_many() {
    let mut segments = opened(&["c 100+abc"]);
    segments.extend(std::iter::repeat_n("c 2000000000+zz", 17));
    segments.extend(["c 2000000002+y", "c 103+never"]);
    check(&segments, &["c 0 abc @4", "c 3 gap 0 Elsewhere", "c 3 zz @21", "c 5 y @22"]);
}

#[test]
fn what_is_kept_has_a_bound() {
    let mut connection = Connection::<u32>::default();
    let open = segment("c S 99", 1).0;
    connection.segment(&open, &mut |_| {});
    let payload = vec![b'x'; 1_000];
    let (mut gaps, mut held_max) = (Vec::new(), 0);
    for number in 0..3_000_u32 {
        // Every second segment is missing.
        let seq = 1_100 + number * 2_000;
        let piece = Segment { seq, payload: &payload, syn: false, ..open };
        connection.segment(&piece, &mut |event| {
            if let Event::Gap { bytes, why, .. } = event {
                gaps.push((bytes, why));
            }
        });
        held_max = held_max.max(connection.held_bytes());
    }
    assert!(held_max <= HELD_BYTES.max, "{held_max}");
    assert!(gaps.len() > 1_900 && gaps.iter().all(|gap| *gap == (1_000, Loss::OverLimit)));
    connection.let_go(&mut |_| {});
    assert_eq!(connection.held_bytes(), 0);
}

#[test]
fn nothing_comes_after_the_end_even_when_it_came_before() {
    assert_eq!(
        run(&["c S 99", "c 104+efgh", "c F 102+c", "c 100+ab"]),
        ["c 0 ab @4", "c 2 c @4", "c end @4"],
    );
    assert_eq!(
        run(&["c S 99", "c 101+bcd", "c F 102", "c 100+a"]),
        ["c 0 a @4", "c 1 b @4", "c end @4"]
    );
}
