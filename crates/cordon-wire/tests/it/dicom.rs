//! DICOM as its users see it: vectors of another implementation, and the tables of the standard.

use std::path::Path;

use cordon_wire::dicom::{
    Acceptance, Associate, COMMAND_MAX, Command, CommandField, ElementValue, Encoding, Event,
    IdentifierReader, Proposal, Query, QueryLevel, Reader, Uid, abort, associate_accept,
    associate_reject, associate_request, command_set, presentation_data, release_reply,
    release_request,
};
use cordon_wire::{Fault, Unit};
use proptest::prelude::*;

use super::torture;

mod faults;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// Reads a file of vectors: for each PDU whether the requestor sends it, and its bytes.
fn vector(name: &str) -> Vec<(bool, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dicom");
    let text = std::fs::read_to_string(folder.join(format!("{name}.hex"))).expect("a vector");
    let line = |line: &str| {
        let (way, hex) = line.split_at(2);
        let digits: Vec<u8> =
            hex.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
        let bytes = digits.chunks(2).map(|pair| pair.iter().fold(0, |sum, d| sum * 16 + d));
        (way == "> ", bytes.collect())
    };
    text.lines().map(line).collect()
}

const NAMES: [&str; 17] = [
    "echo",
    "store",
    "store_in_pieces",
    "worklist",
    "worklist_explicit",
    "worklist_everybody",
    "study_by_patient",
    "study_everybody",
    "move",
    "get",
    "mpps",
    "commitment",
    "commitment_result",
    "normalized",
    "rejected",
    "contexts_ten",
    "contexts_all",
];

fn stream(name: &str, is_requestor: bool) -> Vec<u8> {
    let pdus = vector(name);
    pdus.into_iter().filter(|(way, _)| *way == is_requestor).flat_map(|(_, pdu)| pdu).collect()
}

/// Joins pieces of one fragment, and of what is not read, as they come.
#[derive(Default)]
struct Joined {
    out: Vec<String>,
    head: String,
    pieces: Vec<u8>,
    bytes: usize,
    is_open: bool,
}

impl Joined {
    fn flush(&mut self) {
        if self.is_open {
            self.out.push(format!("{} {:?} of {}", self.head, self.pieces, self.bytes));
        }
        (self.is_open, self.bytes) = (false, 0);
        self.pieces.clear();
    }

    fn unit(&mut self, unit: Unit<'_, Event<'_>>) {
        let (head, is_start, bytes) = match unit.value {
            Ok(Event::Fragment(piece)) => {
                let head = format!(
                    "fragment {} {} {} {}",
                    piece.context_id, piece.is_command, piece.is_last, piece.length
                );
                (head, piece.is_start, piece.bytes)
            }
            Ok(Event::Unread) => ("unread".to_owned(), self.head != "unread", unit.bytes),
            ref value => {
                self.flush();
                self.head.clear();
                self.out.push(format!("{} {value:?} of {}", unit.at, unit.bytes.len()));
                return;
            }
        };
        if is_start {
            self.flush();
            self.head = head;
            self.is_open = true;
        }
        self.bytes += unit.bytes.len();
        self.pieces.extend_from_slice(bytes);
    }
}

/// Reads a stream in pieces; checks that the units are the stream, unless the reader is lost.
fn run(pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = Reader::new();
    let mut joined = Joined::default();
    let mut passed = Vec::new();
    let mut each = |unit: Unit<'_, Event<'_>>| {
        assert_eq!(unit.at, u64::try_from(passed.len()).unwrap(), "no gap and no overlap");
        passed.extend_from_slice(unit.bytes);
        joined.unit(unit);
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    let is_lost = reader.is_lost();
    reader.finish(&mut each);
    let whole = pieces.concat();
    assert!(whole.starts_with(&passed));
    assert!(is_lost || passed == whole, "{} of {}", passed.len(), whole.len());
    joined.flush();
    joined.out
}

/// Gives a short name of each event but of pieces.
fn names(stream: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    Reader::new().feed(stream, &mut |unit| {
        names.push(match unit.value.expect("no fault") {
            Event::AssociateRq(_) => "A-ASSOCIATE-RQ".to_owned(),
            Event::AssociateAc(_) => "A-ASSOCIATE-AC".to_owned(),
            Event::AssociateRj(reject) => {
                format!("A-ASSOCIATE-RJ {} {} {}", reject.result, reject.source, reject.reason)
            }
            Event::ReleaseRq => "A-RELEASE-RQ".to_owned(),
            Event::ReleaseRp => "A-RELEASE-RP".to_owned(),
            Event::Abort(abort) => format!("A-ABORT {} {}", abort.source, abort.reason),
            Event::Command { context_id, command } => format!("{} on {context_id}", command.name()),
            Event::DatasetEnd { bytes, .. } => format!("data {bytes}"),
            Event::PData(_) | Event::Fragment(_) => return,
            Event::Unread => "unread".to_owned(),
        });
    });
    names
}

#[test]
fn every_pdu_and_command_of_another_implementation_is_named() {
    let check = |name: &str, is_requestor: bool, expected: &[&str]| {
        assert_eq!(names(&stream(name, is_requestor)), expected, "{name} {is_requestor}");
    };
    let (rq, ac) = ("A-ASSOCIATE-RQ", "A-ASSOCIATE-AC");
    let (bye, end) = ("A-RELEASE-RQ", "A-RELEASE-RP");
    check("echo", true, &[rq, "C-ECHO-RQ on 1", bye]);
    check("echo", false, &[ac, "C-ECHO-RSP on 1", end]);
    check("store", true, &[rq, "C-STORE-RQ on 3", "data 678", bye]);
    check("store", false, &[ac, "C-STORE-RSP on 3", end]);
    check("store_in_pieces", true, &[rq, "C-STORE-RQ on 3", "data 678", bye]);
    check("worklist", true, &[rq, "C-FIND-RQ on 1", "data 70", "C-CANCEL-RQ on 1", bye]);
    check("worklist", false, &[ac, "C-FIND-RSP on 1", "data 26", "C-FIND-RSP on 1", end]);
    check("move", true, &[rq, "C-MOVE-RQ on 5", "data 28", bye]);
    check("move", false, &[ac, "C-MOVE-RSP on 5", "C-MOVE-RSP on 5", end]);
    check("get", true, &[rq, "C-GET-RQ on 1", "data 28", "C-STORE-RSP on 3", bye]);
    check("get", false, &[ac, "C-STORE-RQ on 3", "data 70", "C-GET-RSP on 1", end]);
    let both = ["N-CREATE-RQ on 1", "data 20", "N-SET-RQ on 1", "data 18"];
    check("mpps", true, &[&[rq], both.as_slice(), &[bye]].concat());
    check("mpps", false, &[ac, "N-CREATE-RSP on 1", "N-SET-RSP on 1", end]);
    check("commitment", true, &[rq, "N-ACTION-RQ on 1", "data 14", bye]);
    check("commitment", false, &[ac, "N-ACTION-RSP on 1", end]);
    check("commitment_result", true, &[rq, "N-EVENT-REPORT-RQ on 1", "data 14", bye]);
    check("commitment_result", false, &[ac, "N-EVENT-REPORT-RSP on 1", end]);
    check("normalized", true, &[rq, "N-GET-RQ on 1", "N-DELETE-RQ on 1", "A-ABORT 0 0"]);
    check("normalized", false, &[ac, "N-GET-RSP on 1", "N-DELETE-RSP on 1"]);
    check("rejected", true, &[rq]);
    check("rejected", false, &["A-ASSOCIATE-RJ 1 1 3"]);
}

#[test]
fn an_association_says_who_and_what() {
    let pdus = vector("rejected");
    let request = Associate::read(&pdus[0].1).unwrap();
    assert_eq!(request.called.as_str(), Some("PACS"));
    assert_eq!(request.calling.as_str(), Some("CT1"));
    assert_eq!(request.version, 1);
    assert_eq!(request.application_context.as_str(), "1.2.840.10008.3.1.1.1");
    assert_eq!(request.user.max_length, Some(16_382));
    assert_eq!(request.user.implementation_version, Some(b"PYNETDICOM_304".as_slice()));
    assert_eq!(request.user.async_window, Some((5, 1)));
    assert!(request.user.is_extended);
    assert_eq!(request.user.identity_kind, Some(2));
    let text = format!("{request:?}");
    assert!(!text.contains("passcode") && !text.contains("radiographer"), "{text}");

    let pdus = vector("get");
    let request = Associate::read(&pdus[0].1).unwrap();
    let roles: Vec<_> = request.role_selections().collect();
    assert_eq!(roles.len(), 1);
    assert_eq!((roles[0].sop_class.as_str(), roles[0].is_user), (CT, false));
    assert!(roles[0].is_provider);
    let contexts: Vec<_> = request.contexts().collect();
    assert_eq!(contexts[1].abstract_syntax.unwrap().as_str(), CT);
    let transfers: Vec<_> = contexts[1].transfer_syntaxes().map(Uid::as_str).collect();
    assert_eq!(transfers, [IMPLICIT, EXPLICIT]);

    let pdus = vector("contexts_all");
    let request = Associate::read(&pdus[0].1).unwrap();
    let accept = Associate::read(&pdus[1].1).unwrap();
    let ids: Vec<u8> = (1..=255).step_by(2).collect();
    assert_eq!(request.contexts().map(|context| context.id).collect::<Vec<_>>(), ids);
    let expected: Vec<_> = ids.iter().map(|id| Some(if id % 4 == 3 { 3 } else { 0 })).collect();
    assert_eq!(accept.contexts().map(|context| context.result).collect::<Vec<_>>(), expected);
}

#[test]
fn a_command_says_what_it_is_about() {
    let bytes = stream("move", true);
    let mut seen = 0;
    Reader::new().feed(&bytes, &mut |unit| {
        if let Ok(Event::Command { context_id, command }) = unit.value {
            seen += 1;
            assert_eq!(context_id, 5);
            assert_eq!(command.field, CommandField::CMove);
            assert_eq!(command.message_id, Some(9));
            assert_eq!(command.priority, Some(0));
            assert!(command.has_dataset && !command.is_response);
            assert_eq!(command.move_destination.unwrap().as_str(), Some("CT1"));
            assert_eq!(
                command.sop_class().unwrap().name(),
                Some("Study Root Query/Retrieve - MOVE")
            );
        }
    });
    Reader::new().feed(&stream("move", false), &mut |unit| {
        if let Ok(Event::Command { command, .. }) = unit.value {
            seen += 1;
            assert_eq!(command.responded_to, Some(9));
            assert_eq!(command.is_pending(), command.sub_operations.remaining == Some(1));
        }
    });
    assert_eq!(seen, 3);
}

#[test]
fn a_query_says_which_keys_are_restricted_and_never_a_value() {
    let check = |name: &str, encoding: Encoding, expected: Query| {
        let bytes = stream(name, true);
        for size in [1, 3, bytes.len()] {
            let mut identifier = IdentifierReader::new(encoding);
            let mut reader = Reader::new();
            let mut query = None;
            for piece in bytes.chunks(size) {
                reader.feed(piece, &mut |unit| match unit.value {
                    Ok(Event::Fragment(piece)) if !piece.is_command => identifier.feed(piece.bytes),
                    Ok(Event::DatasetEnd { .. }) => query = Some(identifier.finish()),
                    _ => {}
                });
            }
            assert_eq!(query, Some(expected), "{name} in pieces of {size}");
            assert!(!format!("{identifier:?}").contains("DOE"));
        }
    };
    let whole = Query { is_whole: true, ..Query::default() };
    let by_date = Query { scheduled_date: true, ..whole };
    let study = Query { level: Some(QueryLevel::Study), ..whole };
    check("worklist", Encoding::Implicit, by_date);
    check("worklist_explicit", Encoding::Explicit, by_date);
    check("worklist_everybody", Encoding::Explicit, whole);
    check("study_by_patient", Encoding::Implicit, Query { patient_name: true, ..study });
    check("study_everybody", Encoding::Implicit, study);
    check("move", Encoding::Implicit, Query { study: true, ..study });
    assert!(whole.is_universal() && study.is_universal() && !by_date.is_universal());
}

#[test]
fn nothing_is_minded_by_a_reader() {
    // The large ones take minutes when every bit of them is flipped; a part of each will do.
    let small = NAMES.iter().filter(|name| !name.starts_with("contexts"));
    let mut vectors: Vec<Vec<u8>> = Vec::new();
    for name in small {
        vectors.extend([stream(name, true), stream(name, false)]);
    }
    torture::streams(&vectors, &run);
    for name in ["contexts_ten", "contexts_all"] {
        for is_requestor in [true, false] {
            let bytes = stream(name, is_requestor);
            let whole = run(&[&bytes]);
            for size in [1, 13, 1_460] {
                assert_eq!(run(&bytes.chunks(size).collect::<Vec<_>>()), whole, "{name} {size}");
            }
        }
    }
}

#[test]
fn refusals_are_read_back() {
    let mut out = Vec::new();
    associate_reject(&mut out, 1, 1, 7);
    abort(&mut out, 2, 2);
    release_request(&mut out);
    release_reply(&mut out);
    let expected = ["A-ASSOCIATE-RJ 1 1 7", "A-ABORT 2 2", "A-RELEASE-RQ", "A-RELEASE-RP"];
    assert_eq!(names(&out), expected);
}

fn title() -> impl Strategy<Value = String> {
    "[A-Z0-9_]{1,16}"
}

fn uid() -> impl Strategy<Value = String> {
    "[1-2](\\.(0|[1-9][0-9]{0,5})){1,8}"
}

proptest! {
    #[test]
    fn an_association_reads_back(
        called in title(),
        calling in title(),
        classes in prop::collection::vec((uid(), prop::collection::vec(uid(), 1..4)), 1..20),
        max_length: u32,
        is_provider: bool,
    ) {
        let transfers: Vec<Vec<&str>> =
            classes.iter().map(|(_, all)| all.iter().map(String::as_str).collect()).collect();
        let contexts: Vec<(u8, &str, &[&str])> = (1_u8..)
            .step_by(2)
            .zip(classes.iter().zip(&transfers))
            .map(|(id, ((class, _), all))| (id, class.as_str(), all.as_slice()))
            .collect();
        let roles = [(classes[0].0.as_str(), true, is_provider)];
        let mut out = Vec::new();
        associate_request(
            &mut out,
            &Proposal { called: &called, calling: &calling, contexts: &contexts, max_length, roles: &roles },
        );
        let read = Associate::read(&out).unwrap();
        prop_assert_eq!(read.called.as_str(), Some(called.as_str()));
        prop_assert_eq!(read.calling.as_str(), Some(calling.as_str()));
        prop_assert_eq!(read.user.max_length, Some(max_length));
        let back: Vec<_> = read
            .contexts()
            .map(|c| {
                let all: Vec<_> = c.transfer_syntaxes().map(Uid::as_str).collect();
                (c.id, c.abstract_syntax.unwrap().as_str(), all)
            })
            .collect();
        let expected: Vec<_> = contexts.iter().map(|(id, a, t)| (*id, *a, t.to_vec())).collect();
        prop_assert_eq!(back, expected);
        let role = read.role_selections().next().unwrap();
        prop_assert_eq!((role.is_user, role.is_provider), (true, is_provider));

        let answers: Vec<(u8, u8, &str)> =
            contexts.iter().map(|(id, _, t)| (*id, id % 5, t[0])).collect();
        out.clear();
        associate_accept(
            &mut out,
            &Acceptance { called: &called, calling: &calling, contexts: &answers, max_length, roles: &roles },
        );
        let read = Associate::read(&out).unwrap();
        for (context, (id, result, transfer)) in read.contexts().zip(&answers) {
            prop_assert_eq!((context.id, context.result), (*id, Some(*result)));
            let first = context.transfer_syntaxes().next().map(Uid::as_str);
            prop_assert_eq!(first, (*result == 0).then_some(*transfer));
        }
    }

    #[test]
    fn a_command_reads_back_however_it_is_fragmented(
        class in uid(),
        instance in uid(),
        destination in title(),
        id: u16,
        has_dataset: bool,
        fragment in 1_usize..100,
        field in prop::sample::select(vec![1_u16, 0x10, 0x20, 0x21, 0x30, 0x100, 0x140]),
    ) {
        let mut set = Vec::new();
        command_set(&mut set, field, has_dataset, &[
            (0x1000, ElementValue::Uid(Uid::read(instance.as_bytes()).unwrap())),
            (0x0002, ElementValue::Uid(Uid::read(class.as_bytes()).unwrap())),
            (0x0110, ElementValue::Number(id)),
            (0x0600, ElementValue::Title(&destination)),
            (0x1002, ElementValue::Number(3)),
        ]);
        let expected = Command::read(&set).unwrap();
        prop_assert_eq!(expected.code(), field);
        prop_assert_eq!(expected.message_id, Some(id));
        prop_assert_eq!(expected.sop_class().unwrap().as_str(), &class);
        prop_assert_eq!(expected.affected_instance.unwrap().as_str(), &instance);
        prop_assert_eq!(expected.move_destination.unwrap().as_str(), Some(destination.as_str()));
        prop_assert_eq!(expected.has_dataset, has_dataset);
        let pieces: Vec<&[u8]> = set.chunks(fragment).collect();
        let mut out = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            presentation_data(&mut out, &[(7, true, at + 1 == pieces.len(), piece)]);
        }
        let mut seen = 0;
        Reader::new().feed(&out, &mut |unit| {
            if let Event::Command { context_id, command } = unit.value.unwrap() {
                assert_eq!((context_id, command), (7, expected));
                seen += 1;
            }
        });
        prop_assert_eq!(seen, 1);
    }

    #[test]
    fn any_bytes_are_read_the_same_however_they_are_split(
        bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 3, 4, 6, 7, 255]), 0..200),
        size in 1_usize..20,
    ) {
        prop_assert_eq!(run(&bytes.chunks(size).collect::<Vec<_>>()), run(&[&bytes]));
    }

    #[test]
    fn any_identifier_is_read_the_same_however_it_is_split(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        size in 1_usize..20,
    ) {
        for encoding in [Encoding::Implicit, Encoding::Explicit] {
            let (mut whole, mut split) = (IdentifierReader::new(encoding), IdentifierReader::new(encoding));
            whole.feed(&bytes);
            bytes.chunks(size).for_each(|piece| split.feed(piece));
            prop_assert_eq!(whole.finish(), split.finish());
        }
    }
}
