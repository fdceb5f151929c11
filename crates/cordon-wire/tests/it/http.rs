//! Tests of `http`.

use cordon_wire::http::{Coding, Head, Part, Reader, refuse};
use cordon_wire::{Fault, Side, Unit};
use proptest::prelude::*;

use crate::torture;

/// Runs a reader; pieces of a body are joined, since they come as they arrive.
fn units(side: Side, asked: &[&str], pieces: &[&[u8]]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut body: Option<(&str, usize)> = None;
    let mut end = 0;
    let mut each = |unit: Unit<'_, Part<'_>>| {
        assert_eq!(unit.at, end, "units follow each other");
        end += u64::try_from(unit.bytes.len()).unwrap();
        let name = match &unit.value {
            Ok(Part::Body(content)) => {
                assert_eq!(content.0, unit.bytes);
                Some("body")
            }
            Ok(Part::Opaque(_)) => Some("opaque"),
            Ok(Part::Head(_) | Part::Framing) | Err(_) => None,
        };
        match (&mut body, name) {
            (Some((open, length)), Some(name)) if *open == name => *length += unit.bytes.len(),
            (_, Some(name)) => body = Some((name, unit.bytes.len())),
            (_, None) => {
                if let Some((name, length)) = body.take() {
                    lines.push(format!("{name}: {length}"));
                }
                let bytes = unit.bytes.len();
                match unit.value {
                    Ok(Part::Head(head)) => lines.push(format!("{head:?}: {bytes}")),
                    Ok(Part::Framing) => lines.push(format!("framing: {bytes}")),
                    Ok(Part::Body(_) | Part::Opaque(_)) => {}
                    Err(fault) => lines.push(format!("{fault:?}: {bytes}")),
                }
            }
        }
    };
    let mut reader = Reader::new(side);
    for method in asked {
        assert!(reader.expect(method));
    }
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    if let Some((name, length)) = body {
        lines.push(format!("{name}: {length}"));
    }
    lines
}

fn short(side: Side, asked: &[&str], text: &str) -> Vec<String> {
    let shorter = |line: String| match line.split_once(" {") {
        Some(("Head", rest)) => {
            let first = rest.split(',').next().unwrap_or_default().trim().to_owned();
            first.replace("method: ", "").replace("status: ", "").replace('"', "")
        }
        _ => line,
    };
    units(side, asked, &[text.as_bytes()]).into_iter().map(shorter).collect()
}

fn request(text: &str, expected: &[&str]) {
    assert_eq!(short(Side::Request, &[], text), expected, "{text}");
}

fn response(asked: &[&str], text: &str, expected: &[&str]) {
    assert_eq!(short(Side::Response, asked, text), expected, "{asked:?} {text}");
}

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn requests_end_where_their_heads_say() {
    request(GET, &["GET"]);
    request(&format!("{GET}{GET}"), &["GET", "GET"]);
    request(&format!("\r\n\r\n{GET}"), &["GET"]);
    request("GET /a HTTP/1.0\r\n\r\n", &["GET"]);
    let post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    request(&format!("{post}{GET}"), &["POST", "body: 5", "GET"]);
    request(&post.replace("5\r", "5, 5\r"), &["POST", "body: 5"]);
    request(&format!("{}{GET}", post.replace("5\r", "0\r").replace("hello", "")), &["POST", "GET"]);
    let put = "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n\
               5\r\nhello\r\nA;name=\"v\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
    let expected = [
        "PUT",
        "framing: 3",
        "body: 5",
        "framing: 2",
        "framing: 12",
        "body: 10",
        "framing: 2",
        "framing: 3",
        "framing: 8",
        "GET",
    ];
    request(&format!("{put}{GET}"), &expected);
    request(
        &format!("{}{GET}", put.replace("X: y\r\n", "")).replace("gzip, ", ""),
        &[
            "PUT",
            "framing: 3",
            "body: 5",
            "framing: 2",
            "framing: 12",
            "body: 10",
            "framing: 2",
            "framing: 3",
            "framing: 2",
            "GET",
        ],
    );
    let connect = "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n";
    request(&format!("{connect}anything"), &["CONNECT", "opaque: 8"]);
}

#[test]
fn responses_end_where_their_requests_and_heads_say() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    response(&[], &format!("{ok}abc{ok}abc"), &["200", "body: 3", "200", "body: 3"]);
    response(&["HEAD", "GET"], &format!("{ok}{ok}abc"), &["200", "200", "body: 3"]);
    let head = "HTTP/1.1 100 Continue\r\n\r\n";
    response(&["HEAD"], &format!("{head}{ok}"), &["100", "200"]);
    response(&["GET"], "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", &["204"]);
    response(&["GET"], "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", &["304"]);
    response(&["GET"], "HTTP/1.1 200 OK\r\n\r\nabc", &["200", "body: 3"]);
    response(&["CONNECT"], "HTTP/1.1 200 OK\r\n\r\nabc", &["200", "opaque: 3"]);
    response(
        &["CONNECT"],
        &format!("HTTP/1.1 405 No\r\n{ok}").replace("\nHTTP/1.1 200 OK\r", ""),
        &["405", "Incomplete { need: 3 }: 0"],
    );
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\u{1}";
    response(&["GET"], upgrade, &["101", "opaque: 1"]);
    let gzip = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc";
    response(&["GET"], gzip, &["200", "body: 3"]);
}

#[test]
fn a_client_cannot_declare_what_follows_to_be_another_protocol() {
    let upgrade = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    request(&format!("{upgrade}{GET}"), &["GET", "GET"]);
    let mut reader = Reader::new(Side::Request);
    let mut found = Vec::new();
    reader.feed(upgrade.as_bytes(), &mut |_| {});
    reader.switch_protocol();
    reader.feed(b"\x00\x01", &mut |unit| found.push(matches!(unit.value, Ok(Part::Opaque(_)))));
    assert_eq!(found, [true]);
}

fn refused(side: Side, text: &str, section: &str) {
    let mut faults = Vec::new();
    let mut reader = Reader::new(side);
    reader.feed(text.as_bytes(), &mut |unit| faults.extend(unit.value.err()));
    reader.feed(GET.as_bytes(), &mut |_| panic!("nothing comes after a fault"));
    reader.finish(&mut |_| panic!("nothing comes after a fault"));
    assert!(reader.is_lost(), "{text}");
    let [Fault::Malformed { rule, .. }] = faults.as_slice() else { panic!("{text}: {faults:?}") };
    assert_eq!(*rule, section, "{text}");
}

#[test]
fn what_can_be_framed_in_two_ways_is_refused() {
    let head = |fields: &str| format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    let chunks = |body: &str| format!("{}{body}", head("Transfer-Encoding: chunked\r\n"));
    let cases = [
        (head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "RFC 9112 §6.3"),
        (head("Content-Length: 5\r\nContent-Length: 6\r\n"), "RFC 9112 §6.3"),
        (head("Content-Length: 5, 6\r\n"), "RFC 9112 §6.3"),
        (head("Content-Length: +5\r\n"), "RFC 9110 §8.6"),
        (head("Content-Length: 0x5\r\n"), "RFC 9110 §8.6"),
        (head("Content-Length: \r\n"), "RFC 9110 §8.6"),
        (head("Content-Length: 99999999999999999999\r\n"), "RFC 9110 §8.6"),
        (head("Transfer-Encoding: xchunked\r\n"), "RFC 9112 §6.3"),
        (head("Transfer-Encoding: gzip\r\n"), "RFC 9112 §6.3"),
        (head("Transfer-Encoding: chunked, gzip\r\n"), "RFC 9112 §6.1"),
        (head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "RFC 9112 §6.1"),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), "RFC 9112 §6.1"),
        (head("X: a\r\n b\r\n"), "RFC 9112 §5.2"),
        (head("Content-Length : 5\r\n"), "RFC 9112 §5"),
        (head("X: a\nContent-Length: 5\r\n"), "RFC 9112 §2.2"),
        (head("Host: other\r\n"), "RFC 9112 §3.2"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "RFC 9112 §3.2"),
        ("GET / HTTP/3.7\r\nHost: h\r\n\r\n".to_owned(), "RFC 9112 §2.3"),
        ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n".to_owned(), "RFC 9112 §3"),
        (chunks("5 5\r\nhello\r\n"), "RFC 9112 §7.1"),
        (chunks("\r\n"), "RFC 9112 §7.1"),
        (chunks("-1\r\n"), "RFC 9112 §7.1"),
        (chunks("00000000000000001\r\n"), "RFC 9112 §7.1"),
        (chunks("5\nhello\r\n"), "RFC 9112 §7.1"),
        (chunks("5;a\rb\r\n"), "RFC 9112 §7.1"),
        (chunks("5\r\nhello0\r\n"), "RFC 9112 §7.1"),
        (chunks("0\r\nX: y\r\n z\r\n\r\n"), "RFC 9112 §5.2"),
        (chunks("0\r\nX y\r\n\r\n"), "RFC 9112 §5"),
    ];
    for (text, section) in &cases {
        refused(Side::Request, text, section);
    }
    let both = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    refused(Side::Response, both, "RFC 9112 §6.3");
    refused(Side::Response, "HTTP/1.1 2000 OK\r\n\r\n", "RFC 9112 §4");
}

#[test]
fn heads_have_bounds() {
    let over = |text: String| {
        let mut found = None;
        Reader::new(Side::Request).feed(text.as_bytes(), &mut |unit| found = unit.value.err());
        match found {
            Some(Fault::OverLimit { limit, .. }) => limit.max,
            None
            | Some(
                Fault::Incomplete { .. } | Fault::Malformed { .. } | Fault::Unsupported { .. },
            ) => 0,
        }
    };
    let head = |fields: &str| format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
    assert_eq!(over(head(&"A: b\r\n".repeat(99))), 0);
    assert_eq!(over(head(&"A: b\r\n".repeat(100))), 100);
    let fill = 16 * 1024 - head("X: \r\n").len();
    assert_eq!(over(head(&format!("X: {}\r\n", "x".repeat(fill)))), 0);
    assert_eq!(over(head(&format!("X: {}\r\n", "x".repeat(fill + 1)))), 16 * 1024);
    assert_eq!(over("G".repeat(40_000)), 16 * 1024);
    let chunked = head("Transfer-Encoding: chunked\r\n");
    assert_eq!(over(format!("{chunked}5;{}", "x".repeat(300))), 256);
    let mut found = None;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    Reader::new(Side::Request).feed(preface, &mut |unit| found = unit.value.err());
    assert_eq!(found, Some(Fault::Unsupported { at: 0, what: "HTTP/2" }));
    let mut reader = Reader::new(Side::Response);
    assert!((0..32).all(|_| reader.expect("GET")));
    assert!(!reader.expect("GET"));
}

#[test]
fn a_head_says_who_asks_whom_for_how_much() {
    let text = "POST /patients/4711?name=Doe HTTP/1.1\r\nHost: api.example\r\nuser-agent:  pump/2.1 \r\n\
                Content-Length: 12\r\nX-Id: 4711\r\n\r\n";
    let head = Head::read(text.as_bytes(), Side::Request).unwrap();
    assert_eq!(head.method(), Some("POST"));
    assert_eq!(head.target(), Some("/patients/4711?name=Doe"));
    assert_eq!(head.host(), Some(b"api.example".as_slice()));
    assert_eq!(head.user_agent(), Some(b"pump/2.1".as_slice()));
    assert_eq!((head.content_length(), head.coding()), (Some(12), None));
    assert_eq!((head.minor_version(), head.status()), (1, None));
    assert_eq!(head.field("x-id"), Some(b"4711".as_slice()));
    assert_eq!(head.fields().count(), 4);
    let printed = format!("{head:?} {:?}", head.start());
    assert!(!printed.contains("4711") && !printed.contains("Doe"), "{printed}");
    let text = "HTTP/1.0 404 Not Found\r\n\r\n";
    let head = Head::read(text.as_bytes(), Side::Response).unwrap();
    assert_eq!((head.status(), head.method(), head.minor_version()), (Some(404), None, 0));
    let text = "HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let head = Head::read(text.as_bytes(), Side::Response).unwrap();
    assert_eq!(head.coding(), Some(Coding::Chunked));
    assert!(Head::read(b"GET / HTTP/1.1\r\nHost: h\r\n", Side::Request).is_err());
}

#[test]
fn a_refusal_is_a_response_that_can_be_read() {
    for (status, retry, expected) in
        [(403, None, 403), (429, Some(17), 429), (400, None, 400), (7, None, 403)]
    {
        let mut out = Vec::new();
        refuse(status, retry, &mut out);
        let mut parts = Vec::new();
        let mut reader = Reader::new(Side::Response);
        reader.feed(&out, &mut |unit| match unit.value.unwrap() {
            Part::Head(head) => {
                assert_eq!(head.status(), Some(expected));
                assert_eq!(head.field("connection"), Some(b"close".as_slice()));
                assert_eq!(
                    head.field("content-type"),
                    Some(b"application/problem+json".as_slice())
                );
                let after = head.field("retry-after").map(<[u8]>::to_vec);
                assert_eq!(after, retry.map(|s: u32| s.to_string().into_bytes()));
                parts.push(head.content_length().unwrap());
            }
            Part::Body(content) => parts.push(u64::try_from(content.0.len()).unwrap()),
            Part::Framing | Part::Opaque(_) => panic!("neither"),
        });
        reader.finish(&mut |_| panic!("it is complete"));
        let [said, found] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!(said, found);
    }
}

#[test]
fn no_stream_maltreated_stops_a_reader() {
    let chunked = "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\nhello\r\nA;x\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
    let post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let requests = [GET, chunked, post].map(|text| text.as_bytes().to_vec());
    torture::streams(&requests, &|pieces| units(Side::Request, &[], pieces));
    let requests = [format!("{GET}{chunked}{post}{GET}").into_bytes()];
    torture::streams(&requests, &|pieces| units(Side::Request, &[], pieces));
    let responses = [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 204 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n\r\nabc",
    ]
    .map(|text| text.as_bytes().to_vec());
    torture::streams(&responses, &|pieces| units(Side::Response, &["GET", "HEAD"], pieces));
}

proptest! {
    #[test]
    fn any_bytes_are_read_the_same_in_any_pieces(
        parts in prop::collection::vec(
            prop_oneof![
                Just("GET / HTTP/1.1\r\n"), Just("Host: h\r\n"), Just("\r\n"), Just("\n"),
                Just("Content-Length: 4\r\n"), Just("Transfer-Encoding: chunked\r\n"),
                Just("3\r\nabc\r\n"), Just("0\r\n"), Just("abcd"), Just(" "), Just(":"), Just("\u{0}"),
            ],
            0..24,
        ),
        size in 1_usize..30,
    ) {
        let text = parts.concat();
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
        let whole = units(Side::Request, &[], &[text.as_bytes()]);
        prop_assert_eq!(units(Side::Request, &[], &pieces), whole);
        let response = text.replace("GET / HTTP/1.1", "HTTP/1.1 200 OK");
        let pieces: Vec<&[u8]> = response.as_bytes().chunks(size).collect();
        let whole = units(Side::Response, &["GET"], &[response.as_bytes()]);
        prop_assert_eq!(units(Side::Response, &["GET"], &pieces), whole);
    }

    #[test]
    fn any_body_comes_out_whole(chunks in prop::collection::vec(1_usize..70, 0..12), size in 1_usize..50) {
        let mut text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
        for chunk in &chunks {
            text.push_str(&format!("{chunk:x}\r\n{}\r\n", "b".repeat(*chunk)));
        }
        text.push_str("0\r\n\r\n");
        let mut body = 0;
        let mut reader = Reader::new(Side::Request);
        for piece in text.as_bytes().chunks(size) {
            reader.feed(piece, &mut |unit| if let Ok(Part::Body(content)) = unit.value {
                body += content.0.len();
            });
        }
        reader.finish(&mut |_| panic!("it is complete"));
        prop_assert_eq!(body, chunks.iter().sum::<usize>());
    }
}
