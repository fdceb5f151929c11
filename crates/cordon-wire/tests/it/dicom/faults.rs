//! What breaks the standard, and what the reader does then.

use super::*;

/// Gives the faults, and the number of bytes in units.
fn faults(stream: &[u8]) -> (Vec<Fault>, usize, bool) {
    let mut faults = Vec::new();
    let mut bytes = 0;
    let mut reader = Reader::new();
    reader.feed(stream, &mut |unit| {
        bytes += unit.bytes.len();
        faults.extend(unit.value.err());
    });
    (faults, bytes, reader.is_lost())
}

fn echo() -> Vec<u8> {
    let mut set = Vec::new();
    let class = Uid::read(b"1.2.840.10008.1.1").unwrap();
    command_set(
        &mut set,
        0x30,
        false,
        &[(2, ElementValue::Uid(class)), (0x110, ElementValue::Number(1))],
    );
    set
}

fn pdu(kind: u8, length: u32, body: &[u8]) -> Vec<u8> {
    [[kind, 0].as_slice(), &length.to_be_bytes(), body].concat()
}

fn pdv(length: u32, body: &[u8]) -> Vec<u8> {
    [length.to_be_bytes().as_slice(), body].concat()
}

fn pdata(body: &[u8]) -> Vec<u8> {
    pdu(4, u32::try_from(body.len()).unwrap(), body)
}

#[test]
fn after_a_fault_in_a_pdu_the_next_one_is_read() {
    let malformed = |at, rule| Fault::Malformed { at, rule };
    let pdv_rule = "DICOM PS3.8 §9.3.5.1";
    let set = echo();
    let two = [&pdv(4, &[1, 0]), [0, 0].as_slice()].concat();
    let cases: Vec<(&str, Vec<u8>, Fault)> = vec![
        ("an empty P-DATA", pdata(&[]), malformed(2, "DICOM PS3.8 §9.3.5")),
        ("a short P-DATA", pdata(&[0; 5]), malformed(2, "DICOM PS3.8 §9.3.5")),
        ("a value of length 0", pdata(&pdv(0, &[1, 3])), malformed(6, pdv_rule)),
        ("a value of length 1", pdata(&pdv(1, &[1, 3])), malformed(6, pdv_rule)),
        ("a value over the end", pdata(&pdv(3, &[1, 3])), malformed(6, pdv_rule)),
        ("a value of 4 GiB", pdata(&pdv(u32::MAX, &[1, 3])), malformed(6, pdv_rule)),
        ("an even context", pdata(&pdv(2, &[2, 3])), malformed(10, pdv_rule)),
        ("a data set first", pdata(&two), malformed(10, "DICOM PS3.8 §E.1")),
        ("a long A-RELEASE-RQ", pdu(5, 5, &[0; 5]), malformed(2, "DICOM PS3.8 §9.3.6")),
        ("a short A-RELEASE-RP", pdu(6, 3, &[0; 3]), malformed(2, "DICOM PS3.8 §9.3.7")),
        ("a short A-ABORT", pdu(7, 0, &[]), malformed(2, "DICOM PS3.8 §9.3.8")),
        ("a service of nobody", pdu(7, 4, &[0, 0, 1, 0]), malformed(8, "DICOM PS3.8 §9.3.8")),
        ("a result 3", pdu(3, 4, &[0, 3, 1, 1]), malformed(7, "DICOM PS3.8 §9.3.4")),
        ("an A-ASSOCIATE-RQ of nothing", pdu(1, 0, &[]), malformed(6, "DICOM PS3.8 §9.3.2")),
        (
            "an A-ASSOCIATE-AC that is too long",
            pdu(2, 65_537, &[0; 65_537]),
            Fault::OverLimit { at: 2, limit: cordon_wire::dicom::ASSOCIATE_MAX },
        ),
        (
            "a command that is too long",
            pdata(&pdv(65_539, &[&[1, 3], [0; 65_537].as_slice()].concat())),
            Fault::OverLimit { at: 6, limit: COMMAND_MAX },
        ),
    ];
    for (name, bytes, fault) in cases {
        let mut stream = bytes.clone();
        presentation_data(&mut stream, &[(1, true, true, &set)]);
        release_request(&mut stream);
        let mut last = Vec::new();
        let mut seen = Vec::new();
        let mut reader = Reader::new();
        reader.feed(&stream, &mut |unit| match unit.value {
            Err(fault) => seen.push(fault),
            Ok(Event::Command { command, .. }) => last.push(command.name()),
            Ok(Event::ReleaseRq) => last.push("A-RELEASE-RQ"),
            Ok(_) => {}
        });
        assert_eq!(seen, [fault], "{name}");
        assert_eq!(last, ["C-ECHO-RQ", "A-RELEASE-RQ"], "{name}");
        assert!(reader.is_between_pdus(), "{name}");
        assert_eq!(run(&stream.chunks(1).collect::<Vec<_>>()), run(&[&stream]), "{name}");
    }
}

#[test]
fn a_type_of_pdu_that_there_is_not_makes_the_reader_lost() {
    for first in [0_u8, 8, b'G', 0x0B, 0x16] {
        let mut stream = Vec::new();
        release_request(&mut stream);
        stream.push(first);
        release_request(&mut stream);
        let (seen, _, is_lost) = faults(&stream);
        assert_eq!(seen, [Fault::Malformed { at: 0, rule: "DICOM PS3.8 §9.3.1" }]);
        assert!(is_lost);
    }
}

#[test]
fn a_length_of_4_gib_costs_nothing() {
    let mut reader = Reader::new();
    let head = [pdu(4, u32::MAX, &[]), pdv(u32::MAX - 4, &[1, 0])].concat();
    let mut set = Vec::new();
    let class = Uid::read(CT.as_bytes()).unwrap();
    command_set(
        &mut set,
        1,
        true,
        &[
            (2, ElementValue::Uid(class)),
            (0x110, ElementValue::Number(1)),
            (0x1000, ElementValue::Uid(class)),
        ],
    );
    let mut start = Vec::new();
    presentation_data(&mut start, &[(1, true, true, &set)]);
    start.extend_from_slice(&head);
    let mut bytes = 0;
    let piece = vec![0; 65_536];
    let mut each = |unit: Unit<'_, Event<'_>>| {
        assert!(unit.value.is_ok());
        bytes += unit.bytes.len();
    };
    reader.feed(&start, &mut each);
    for _ in 0..100 {
        reader.feed(&piece, &mut each);
    }
    reader.finish(&mut |unit| {
        assert_eq!(unit.value, Err(Fault::Incomplete { need: 4_288_413_689 }));
        assert!(unit.bytes.is_empty());
    });
    assert_eq!(bytes, start.len() + 100 * piece.len());
}

#[test]
fn a_stream_that_ends_within_a_pdu_says_how_much_is_missing() {
    let check = |bytes: &[u8], expected: Option<usize>| {
        let mut reader = Reader::new();
        reader.feed(bytes, &mut |_| {});
        let mut need = None;
        reader.finish(&mut |unit| match unit.value {
            Err(Fault::Incomplete { need: bytes }) => need = Some(bytes),
            value => panic!("{value:?}"),
        });
        assert_eq!(need, expected, "{bytes:?}");
    };
    check(&[], None);
    check(&[5], Some(5));
    check(&pdu(5, 4, &[0]), Some(3));
    check(&pdu(4, 12, &[0, 0]), Some(4));
    check(&pdu(4, 12, &pdv(8, &[1, 3])), Some(6));
    check(&pdu(5, 4, &[0; 4]), None);
    check(&pdu(9, 4, &[0; 4]), None);
}

#[test]
fn fragments_of_two_messages_do_not_mix() {
    let set = echo();
    let (front, back) = set.split_at(20);
    let mut stream = Vec::new();
    presentation_data(&mut stream, &[(1, true, false, front)]);
    presentation_data(&mut stream, &[(3, true, true, back)]);
    presentation_data(&mut stream, &[(1, true, true, &set)]);
    let (seen, bytes, _) = faults(&stream);
    assert_eq!(seen, [Fault::Malformed { at: 10, rule: "DICOM PS3.8 §E.1" }]);
    assert_eq!(bytes, stream.len());
}

#[test]
fn a_command_set_stays_in_its_bound_over_many_fragments() {
    let mut stream = Vec::new();
    for _ in 0..5 {
        presentation_data(&mut stream, &[(1, true, false, &[0; 16_384])]);
    }
    let (seen, ..) = faults(&stream);
    assert_eq!(seen, [Fault::OverLimit { at: 6, limit: COMMAND_MAX }]);
}

#[test]
fn a_command_set_that_breaks_its_rules_is_refused() {
    let check = |name: &str, change: &dyn Fn(&mut Vec<u8>), at: usize, rule: &'static str| {
        let mut set = echo();
        change(&mut set);
        assert_eq!(Command::read(&set), Err(Fault::Malformed { at, rule }), "{name}");
    };
    let length = |set: &mut Vec<u8>| {
        let left = u32::try_from(set.len() - 12).unwrap();
        set[8..12].copy_from_slice(&left.to_le_bytes());
    };
    let (group, element) = ("DICOM PS3.7 §6.3.1", "DICOM PS3.7 §E.1");
    assert!(Command::read(&echo()).is_ok());
    check("empty", &Vec::clear, 0, group);
    check("a wrong group length", &|set| set[8] += 1, 0, group);
    check("no group length", &|set| drop(set.drain(..12)), 0, group);
    check("another group", &|set| set[12] = 8, 12, group);
    check("a value over the end", &|set| set[62] = 200, 68, group);
    check("a wrong order", &|set| set[41] = 0, 38, group);
    check(
        "a number of four bytes",
        &|set| {
            set.splice(52..56, [4, 0, 0, 0]);
            set.splice(56..56, [0, 0]);
            length(set);
        },
        48,
        element,
    );
    check("a class that is no UID", &|set| set[21] = b'x', 12, "DICOM PS3.5 §9.1");
    check(
        "no message id",
        &|set| {
            set.drain(48..58);
            length(set);
        },
        58,
        "DICOM PS3.7 §9.3.5",
    );
    check(
        "no data-set type",
        &|set| {
            set.truncate(set.len() - 10);
            length(set);
        },
        58,
        element,
    );
    check(
        "an odd length",
        &|set| {
            set[16] -= 1;
            set.remove(20);
            length(set);
        },
        12,
        "DICOM PS3.5 §7.1.1",
    );
}

fn request(items: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    body.extend_from_slice(b"PACS            CT1             ");
    body.extend_from_slice(&[0; 32]);
    for (kind, item) in items {
        body.extend_from_slice(&[*kind, 0]);
        body.extend_from_slice(&u16::try_from(item.len()).unwrap().to_be_bytes());
        body.extend_from_slice(item);
    }
    pdu(1, u32::try_from(body.len()).unwrap(), &body)
}

fn context(id: u8) -> Vec<u8> {
    let mut context = vec![id, 0, 0, 0, 0x30, 0, 0, 5];
    context.extend_from_slice(b"1.2.3");
    context.extend_from_slice(&[0x40, 0, 0, 6]);
    context.extend_from_slice(b"1.2.4\0");
    context
}

#[test]
fn an_association_that_breaks_its_rules_is_refused() {
    let application: (u8, &[u8]) = (0x10, b"1.2.840.10008.3.1.1.1");
    let user: (u8, &[u8]) = (0x50, &[0x51, 0, 0, 4, 0, 0, 0x40, 0]);
    let one = context(1);
    let fine = [application, (0x20, one.as_slice()), user];
    assert!(Associate::read(&request(&fine)).is_ok());
    let unknown = [(0x99, [1].as_slice()), application, (0x20, one.as_slice()), user];
    assert!(Associate::read(&request(&unknown)).is_ok(), "unknown items are ignored");

    let check =
        |name: &str, items: &[(u8, &[u8])], rule: &str| match Associate::read(&request(items)) {
            Err(Fault::Malformed { rule: broken, .. }) => assert_eq!(broken, rule, "{name}"),
            other => panic!("{name}: {other:?}"),
        };
    let rule = "DICOM PS3.8 §9.3.2";
    check("no application context", &[(0x20, &one), user], rule);
    check("two of them", &[application, application, (0x20, &one), user], rule);
    check("no context", &[application, user], rule);
    check("no user information", &[application, (0x20, &one)], rule);
    let context_rule = "DICOM PS3.8 §9.3.2.2";
    let even = context(2);
    check("an even id", &[application, (0x20, &even), user], context_rule);
    check("an id twice", &[application, (0x20, &one), (0x20, &one), user], context_rule);
    check("no syntax", &[application, (0x20, &[1, 0, 0, 0]), user], context_rule);
    check("a context of two bytes", &[application, (0x20, &[1, 0]), user], context_rule);
    let over = [&one[..6], &[0, 200], &one[8..]].concat();
    check("an item over the end", &[application, (0x20, &over), user], context_rule);
    let wrong = one.iter().map(|b| if *b == b'3' { b'x' } else { *b }).collect::<Vec<_>>();
    check("a class that is no UID", &[application, (0x20, &wrong), user], "DICOM PS3.8 §F");
    let sub = |kind: u8, body: &[u8]| {
        let length = u8::try_from(body.len()).unwrap();
        [&[kind, 0, 0, length], body].concat()
    };
    let users: [(&str, Vec<u8>, &str); 8] = [
        ("a short length", sub(0x51, &[0; 3]), "DICOM PS3.8 §D.1"),
        ("a long length", sub(0x51, &[0; 5]), "DICOM PS3.8 §D.1"),
        ("a long version", sub(0x55, &[b'A'; 17]), "DICOM PS3.7 §D.3.3.2"),
        ("a short window", sub(0x53, &[0; 2]), "DICOM PS3.7 §D.3.3.3"),
        ("a role without roles", sub(0x54, &[0, 3, b'1', b'.', b'2']), "DICOM PS3.7 §D.3.3.4"),
        ("a role over the end", sub(0x54, &[0, 9, b'1', b'.', b'2']), "DICOM PS3.7 §D.3.3.4"),
        ("half an identity", sub(0x58, &[2, 0, 0, 9, b'a']), "DICOM PS3.7 §D.3.3.7"),
        ("a sub-item over the end", vec![0x51, 0, 0, 9, 0], rule),
    ];
    for (name, body, broken) in users {
        check(name, &[application, (0x20, &one), (0x50, &body)], broken);
    }
}

#[test]
fn there_are_no_more_than_128_contexts_and_role_selections() {
    let application: (u8, &[u8]) = (0x10, b"1.2.840.10008.3.1.1.1");
    let user: (u8, &[u8]) = (0x50, &[]);
    let contexts: Vec<Vec<u8>> = (0..=128_u8).map(|at| context(at.wrapping_mul(2) | 1)).collect();
    let mut items = vec![application];
    items.extend(contexts.iter().map(|context| (0x20, context.as_slice())));
    items.push(user);
    let fault = Associate::read(&request(&items)).unwrap_err();
    assert!(matches!(fault, Fault::OverLimit { limit, .. } if limit.max == 128), "{fault}");
    items.remove(129);
    assert_eq!(Associate::read(&request(&items)).unwrap().context_count, 128);

    let role = [0x54, 0, 0, 7, 0, 3, b'1', b'.', b'2', 1, 1];
    let roles = role.repeat(129);
    let one = context(1);
    let items = [application, (0x20, one.as_slice()), (0x50, roles.as_slice())];
    let fault = Associate::read(&request(&items)).unwrap_err();
    assert!(matches!(fault, Fault::OverLimit { limit, .. } if limit.max == 128), "{fault}");
}
