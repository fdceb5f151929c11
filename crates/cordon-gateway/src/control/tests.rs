#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::json;

use super::{Asked, Request, listen, request};

fn listening() -> (tempfile::TempDir, PathBuf, Receiver<Asked>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/control.sock");
    let (to, asked) = sync_channel(8);
    listen(&path, to, |asked| asked).unwrap();
    (folder, path, asked)
}

#[test]
fn a_request_is_answered_and_nonsense_is_named() {
    let (_folder, path, asked) = listening();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::thread::spawn(move || {
        for one in asked {
            assert_eq!(one.request, Request::Status);
            one.answer(json!({ "ok": true }));
        }
    });
    assert_eq!(request(&path, &Request::Status).unwrap(), json!({ "ok": true }));
    let mut socket = UnixStream::connect(&path).unwrap();
    socket.write_all(b"{\"verb\":\"contain\"}\nnonsense\n{\"verb\":\"status\"}\n").unwrap();
    let mut lines = BufReader::new(socket).lines();
    assert!(lines.next().unwrap().unwrap().contains("missing field"));
    assert!(lines.next().unwrap().unwrap().contains("no request"));
    assert!(lines.next().unwrap().unwrap().contains("\"ok\":true"));
}

#[test]
fn a_second_process_does_not_take_the_socket_away() {
    let (_folder, path, _asked) = listening();
    let (to, _) = sync_channel::<Asked>(1);
    assert!(listen(&path, to, |asked| asked).is_err());
}
