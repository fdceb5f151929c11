use super::Failure;

#[test]
fn every_failure_has_its_exit_code_and_its_word() {
    let report = cordon_model::Report::default();
    for (failure, code, word) in [
        (Failure::Data(report), 65, "data"),
        (Failure::input("x", "y"), 65, "data"),
        (Failure::usage("x", "y"), 64, "usage"),
        (Failure::config("x", "y"), 78, "config"),
        (Failure::Bug("x".to_owned()), 70, "bug"),
    ] {
        assert_eq!(failure.exit() as u8, code);
        assert_eq!(failure.json()["error"], word);
    }
}
