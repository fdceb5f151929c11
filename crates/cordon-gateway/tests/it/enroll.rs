//! A point gets a certificate of its own, by hand.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::proxy::certificates::Certificates;

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon-gateway"));
    command.args(["--config", "gateway.toml", "--json"]).args(args);
    command.current_dir(folder).output().unwrap()
}

#[test]
fn a_request_is_answered_and_the_answer_is_taken() {
    let Some(authority) = Certificates::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = "point = \"gw-a-001\"\nbundle = \"none\"\nkey = \"none\"\nstate = \"state\"\n\
                control = \"control.sock\"\njournal = \"journal\"\n";
    std::fs::write(folder.path().join("gateway.toml"), text).unwrap();
    let asked = run(folder.path(), &["enroll"]);
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    let asked: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!((&asked["point"], &asked["new_key"]), (&"gw-a-001".into(), &true.into()));
    let answer = authority.answer(&folder.path().join("state/identity.csr"));
    let (answer, roots) = (answer.display().to_string(), authority.roots().display().to_string());
    let take = ["enroll", "--certificate", &answer, "--authorities", &roots];
    let taken = run(folder.path(), &take);
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    let taken: Value = serde_json::from_slice(&taken.stdout).unwrap();
    assert_eq!(taken["point"], "gw-a-001");
    assert!(taken["until"].as_str().unwrap().starts_with("20"), "{taken}");
    // An authority is none of those that the answer leads to: the roots of somebody else.
    let stranger = Certificates::new().unwrap();
    let roots = stranger.roots().display().to_string();
    let refused =
        run(folder.path(), &["enroll", "--certificate", &answer, "--authorities", &roots]);
    assert_eq!(refused.status.code(), Some(65), "{refused:?}");
    let alone = run(folder.path(), &["enroll", "--certificate", &answer]);
    assert_eq!(alone.status.code(), Some(64), "{alone:?}");
}
