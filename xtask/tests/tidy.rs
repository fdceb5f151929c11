//! The repository keeps its own rules.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

#[test]
fn the_repository_is_tidy() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").output().unwrap();
    let places = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "\n{places}{}", String::from_utf8_lossy(&output.stderr));
}
