use super::*;

fn check(escape: fn(&str, &mut String), text: &str, expected: &str) {
    let mut out = String::new();
    escape(text, &mut out);
    assert_eq!(out, expected, "{text}");
}

#[test]
fn headers_escape_pipes_and_backslashes_and_have_no_line_end() {
    check(escape_header, r"detected a | in a \", r"detected a \| in a \\");
    check(escape_header, "a=b", "a=b");
    check(escape_header, "a\r\nb", "a  b");
}

#[test]
fn values_escape_equal_signs_backslashes_and_line_ends() {
    check(escape_value, r"a=b\c", r"a\=b\\c");
    check(escape_value, "a|b", "a|b");
    check(escape_value, "a\r\nb", r"a\r\nb");
}

#[test]
fn a_long_list_ends_with_a_plus_sign_and_a_short_one_stays() {
    assert_eq!(shortened("a,b"), "a,b");
    let long = vec!["unlisted-destination"; 100].join(",");
    let short = shortened(&long);
    assert!(short.len() <= LIST_BYTES_MAX && short.ends_with("unlisted-destination,+"));
}

#[test]
fn severities_keep_their_order() {
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    assert_eq!(all.map(number), [1, 3, 5, 8, 10]);
}
