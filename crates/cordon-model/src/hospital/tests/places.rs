//! Places point at the offending text, however the file is written.

use super::*;

const MAC: &str = "00:1b:21:00:00:02";

/// Breaks a MAC address and a port after a file was written in another way.
fn rewritten(rewrite: impl Fn(&str) -> String) -> Vec<String> {
    let mut sources = small();
    edit(&mut sources, "devices.csv", MAC, "no:mac");
    edit(&mut sources, "hospital.toml", "port = 2575", "port = 0");
    for (path, _) in SMALL {
        let text = String::from_utf8(sources.files.get(*path).unwrap().clone()).unwrap();
        sources.insert(path, rewrite(&text));
    }
    said(&sources)
}

const BOTH: [&str; 2] =
    ["malformed-mac devices.csv:3:50 «no:mac»", "malformed-port hospital.toml:106:8 «0»"];

#[test]
fn line_ends_of_windows_do_not_matter() {
    assert_eq!(rewritten(str::to_owned), BOTH);
    assert_eq!(rewritten(|text| text.replace('\n', "\r\n")), BOTH);
}

#[test]
fn a_byte_order_mark_does_not_matter() {
    assert_eq!(rewritten(|text| format!("\u{feff}{text}")), BOTH);
}

#[test]
fn the_first_line_counts_no_byte_order_mark() {
    let mut sources = small();
    edit(&mut sources, "devices.csv", "id,type", "\u{feff}id,typ");
    edit(&mut sources, "hospital.toml", "id = \"small\"", "\u{feff}id = \"sm all\"");
    assert_eq!(
        said(&sources)[1..],
        ["unknown-column devices.csv:1:4 «typ»", "malformed-id hospital.toml:1:6 «\"sm all\"»"]
    );
}

#[test]
fn empty_lines_between_rows_count_as_lines() {
    let mut sources = small();
    edit(&mut sources, "devices.csv", "\nvent-2", "\n\n\r\nvent-2");
    edit(&mut sources, "devices.csv", MAC, "00:1b:21:00:00:11");
    let (_, report) = load(&sources);
    let entries: Vec<_> = report.entries.iter().map(short).collect();
    assert_eq!(entries, ["duplicate-mac devices.csv:6:37 «00:1b:21:00:00:11»"]);
    assert!(report.entries[0].message.ends_with("in line 5"), "{report:?}");
}

#[test]
fn quoted_cells_are_shown_without_their_quotes() {
    let cases = [
        (r#""Märklin, Söhne",V9,V9-002,"#, r#""M, ""S"", T",V9,V9-002,"#, 3, 47),
        (r#""Märklin, Söhne",V9,V9-002,"#, r#"5" tube,V9," V9-002 ","#, 3, 45),
        (r#""Märklin, Söhne",V9,V9-002,"#, "\"Märk\nlin, \r\nSöhne\",V9,V9-002,", 5, 18),
        (r#""Märklin, Söhne",V9,V9-002,"#, "\"\",V9,\"\"\"\",", 3, 34),
    ];
    for (from, to, line, column) in cases {
        for (cell, shift) in [("no:mac", 0), ("\"no:mac\"", 1), ("  no:mac ", 2)] {
            let mut sources = small();
            edit(&mut sources, "devices.csv", from, to);
            edit(&mut sources, "devices.csv", MAC, cell);
            let expected = format!("malformed-mac devices.csv:{line}:{} «no:mac»", column + shift);
            assert_eq!(said(&sources), [expected], "{to} {cell}");
        }
    }
}

#[test]
fn another_encoding_is_shown_where_it_begins() {
    let mut sources = small();
    let latin: Vec<u8> = small().files["hospital.toml"].clone();
    let at = latin.windows(3).position(|w| w == "Lö".as_bytes()).unwrap() + 1;
    let latin = [&latin[..at], b"\xf6", &latin[at + 2..]].concat();
    sources.insert("hospital.toml", latin.clone());
    sources.insert("policies/care.cedar", b"\xff\xfe@\0i\0".as_slice());
    let expected = [
        "wrong-encoding hospital.toml:2:19 «\u{fffd}»",
        "wrong-encoding policies/care.cedar:1:1 «\u{fffd}»",
    ];
    assert_eq!(said(&sources), expected);
    sources.insert("hospital.toml", [b"\xef\xbb\xbf".as_slice(), &latin].concat());
    assert_eq!(said(&sources), expected);
}

#[test]
fn a_line_too_long_to_show_is_not_copied() {
    let mut sources = small();
    let long = format!("port = 0 #{}", "ö".repeat(Place::TEXT_BYTES_MAX));
    edit(&mut sources, "hospital.toml", "port = 2575", &long);
    let (_, report) = load(&sources);
    let place = &report.entries[0].place;
    assert_eq!((place.line, place.column, place.length), (106, 8, 1));
    assert_eq!(place.text, "");
}
