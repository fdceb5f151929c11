use super::*;

#[test]
fn values_of_parameters_escape_three_signs_and_no_more() {
    let mut out = String::new();
    parameter("a", r#"x"y\z]=["#, &mut out);
    assert_eq!(out, r#" a="x\"y\\z\]=[""#);
}

#[test]
fn a_host_name_is_printable_and_has_at_most_255_letters() {
    assert_eq!(host_name("gw-b2-017"), "gw-b2-017");
    assert_eq!(host_name("a b\né"), "ab");
    assert_eq!(host_name(""), "-");
    assert_eq!(host_name(&"x".repeat(300)).len(), 255);
}

#[test]
fn frames_count_octets() {
    let message = Message { is_whole: true, text: "<110>1 é".to_owned() };
    assert_eq!(message.framed(), "9 <110>1 é".as_bytes());
}

#[test]
fn graver_is_a_lower_number_and_the_two_lowest_are_left_out() {
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    assert_eq!(all.map(severity_number), [6, 5, 4, 3, 2]);
}

#[test]
fn bodies_have_names_that_read_back() {
    for body in Body::ALL {
        assert_eq!(Body::from_name(body.name()), Some(body));
    }
    assert_eq!(Body::from_name("xml"), None);
}
