#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn writes_whole_lines_turns_over_and_waits_rather_than_delete() {
    let dir = std::env::temp_dir().join(format!("cordon-file-sink-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join("feed.jsonl");
    // A crash left half a line.
    fs::write(&path, "{\"a\":1}\n{\"b\"").unwrap();
    let limits = FileLimits { rotate_bytes: 24, files_max: 2 };
    let mut sink = FileSink::new(path.clone(), limits);
    let mut send = |text: &str| sink.send(Mono(0), 1, &[text, text]);
    assert_eq!(send("12345"), Sent::Accepted);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n12345\n12345\n");
    assert_eq!(send("a"), Sent::Accepted);
    assert_eq!(send("0123456789012345678901234"), Sent::Accepted, "larger than a file");
    assert_eq!(send("b"), Sent::Accepted);
    assert_eq!(send("0123456789"), Sent::Failed(Fault::Away("files-full")));
    let first = dir.join("feed.jsonl.00000001");
    assert_eq!(fs::read_to_string(&first).unwrap(), "{\"a\":1}\n12345\n12345\na\na\n");
    fs::remove_file(first).unwrap();
    assert_eq!(send("0123456789"), Sent::Accepted);
    fs::remove_dir_all(&dir).unwrap();
    assert_eq!(send("0123456789"), Sent::Failed(Fault::Away("write-failed")));
}
