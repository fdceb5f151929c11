//! Laws of the formats that are lines of text, over events like the stored ones.

use cordon_control::export::format::syslog::{self, Body};
use cordon_control::export::format::{atna, cef, hec, jsonl, leef};
use cordon_model::event::{Event, EventId};
use proptest::prelude::*;
use serde_json::Value;

use super::samples;

/// Splits at a separator that no `\` stands before.
fn split(text: &str, separator: char, most: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_escaped = false;
    for c in text.chars() {
        if c == separator && !is_escaped && parts.len() < most {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts
}

proptest! {
    #![proptest_config(samples::cases(256))]

    #[test]
    fn jsonl_reads_back_to_the_event(event in samples::varied()) {
        let line = samples::record(7, &event, jsonl::line);
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(serde_json::from_value::<Event>(value["event"].clone()).unwrap(), event);
        prop_assert!(value["id"].as_str().unwrap().parse::<EventId>().is_ok());
    }

    #[test]
    fn hec_is_one_object_with_seconds_and_flat_fields(event in samples::varied()) {
        let line = samples::record(7, &event, |item| hec::line(item, None));
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert!(!line.contains('\n'));
        let time = format!("{{\"time\":{}.{:03},", event.at.0 / 1_000, event.at.0 % 1_000);
        prop_assert!(line.starts_with(&time));
        prop_assert!(value["fields"].as_object().unwrap().values().all(Value::is_string));
        prop_assert!(value["event"]["uid"].as_str().unwrap().parse::<EventId>().is_ok());
        prop_assert!(value["sourcetype"].as_str().unwrap().starts_with("cordon:"));
        let record = serde_json::from_value::<Event>(value["event"]["record"].clone()).unwrap();
        prop_assert_eq!(record, event);
    }

    #[test]
    fn cef_has_seven_fields_of_header_and_pairs(event in samples::varied()) {
        let line = samples::record(7, &event, cef::line);
        prop_assert!(line.len() < cef::BYTES_MAX && !line.contains('\n'), "{}", line.len());
        let fields = split(&line, '|', 8);
        prop_assert_eq!(fields.len(), 8);
        prop_assert_eq!(&fields[0], "CEF:0");
        prop_assert!(fields[6].parse::<u8>().unwrap() <= 10);
        let keys = split(&fields[7], '=', usize::MAX);
        prop_assert!(keys.len() > 5);
        prop_assert!(line.contains(" externalId=gw-b2-017/"));
    }

    #[test]
    fn leef_has_five_fields_of_header_and_pairs(event in samples::varied()) {
        let line = samples::record(7, &event, leef::line);
        prop_assert!(line.len() < leef::BYTES_MAX && !line.contains('\n'), "{}", line.len());
        let fields: Vec<&str> = line.splitn(7, '|').collect();
        prop_assert_eq!((fields[0], fields[5]), ("LEEF:2.0", "x09"));
        for pair in fields[6].split('\t') {
            prop_assert!(pair.split_once('=').is_some_and(|(key, value)| {
                !value.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric())
            }), "{}", pair);
        }
        prop_assert!(fields[6].contains("uid=gw-b2-017/"));
    }

    #[test]
    fn syslog_messages_have_the_form_of_rfc_5424_and_the_size_that_was_asked(
        event in samples::varied(),
        bytes_max in 0usize..20_000,
    ) {
        for body in Body::ALL {
            let message = samples::record(7, &event, |item| syslog::message(item, body, bytes_max));
            let Some(message) = message else {
                prop_assert_eq!(body, Body::Atna);
                continue;
            };
            let limit = match body {
                Body::Atna => atna::BYTES_MAX,
                Body::Cef | Body::Json | Body::Leef => bytes_max.max(syslog::BYTES_MIN),
            };
            prop_assert!(message.text.len() <= limit);
            check_syslog(&message.text)?;
            prop_assert_eq!(!message.is_whole, message.text.contains(" whole=\"false\" bytes=\""));
            let framed = String::from_utf8(message.framed()).unwrap();
            let (length, rest) = framed.split_once(' ').unwrap();
            prop_assert_eq!(length.parse::<usize>().unwrap(), rest.len());
        }
    }
}

/// RFC 5424 §6, read by hand.
fn check_syslog(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(text.is_ascii() && !text.contains(['\n', '\0']));
    let mut head = text.splitn(7, ' ');
    let pri = head.next().unwrap().strip_prefix('<').unwrap().strip_suffix(">1").unwrap();
    prop_assert!(pri.parse::<u8>().unwrap() <= 191);
    let time = head.next().unwrap();
    prop_assert!(time == "-" || (time.len() == 24 && time.ends_with('Z')));
    prop_assert_eq!(head.next(), Some("gw-b2-017"));
    prop_assert_eq!((head.next(), head.next()), (Some("cordon"), Some("-")));
    prop_assert!(head.next().is_some_and(|msgid| msgid.len() <= 32));
    let structured = head.next().unwrap();
    let parts = split(structured.strip_prefix('[').unwrap(), ']', 2);
    prop_assert!(parts.len() == 2 && (parts[1].is_empty() || parts[1].starts_with(' ')));
    let quotes = split(&parts[0], '"', usize::MAX).len();
    prop_assert!(quotes % 2 == 1 && quotes > 4);
    prop_assert!(parts[0].starts_with("cordon@32473 uid=\"gw-b2-017/"));
    Ok(())
}

#[test]
fn a_message_that_is_too_long_says_so_and_carries_cef() {
    let line = samples::lines().into_iter().find(|line| line.contains("\"message\"")).unwrap();
    let mut event: Event = serde_json::from_str(&line).unwrap();
    let cordon_model::What::Message(it) = &mut event.what else { panic!("no message") };
    let reason = it.reasons.first().unwrap().clone();
    it.reasons = vec![reason; 600];
    samples::record(7, &event, |item| {
        let whole = syslog::message(item, Body::Json, 100_000).unwrap();
        assert!(whole.is_whole && whole.text.len() > syslog::BYTES_MAX);
        let short = syslog::message(item, Body::Json, syslog::BYTES_MAX).unwrap();
        assert!(!short.is_whole && short.text.len() <= syslog::BYTES_MAX);
        for part in ["whole=\"false\"", "body=\"json\"", "] CEF:0|Cordon|", ",+ "] {
            assert!(short.text.contains(part), "{part}: {}", short.text);
        }
    });
}
