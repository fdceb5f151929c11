//! `journal`, and what the other commands record in one.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bench::{Bench, copy_dir, fields, testdata};

/// A log of a pump that asks the record, writes to nowhere and raises an alarm.
pub(crate) const FLOWS: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n\
    #unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\t\
    proto\tservice\torig_bytes\tresp_bytes\torig_l2_addr\n\
    #types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tcount\tcount\tstring\n\
    1793520001.5\tC1\t192.168.21.11\t40001\t192.168.50.10\t8443\ttcp\t-\t2048\t64\t-\n\
    1793520002.5\tC2\t192.168.21.11\t40002\t198.51.100.45\t8080\ttcp\t-\t2048\t64\t-\n\
    1793520003.5\tC3\t192.168.21.11\t40003\t192.168.50.12\t6661\ttcp\t-\t2048\t64\t-\n";

/// A copy of the clinic and a journal of what it decided: three decisions, eight messages.
pub(crate) fn kept() -> Bench {
    let bench = Bench::new();
    bench.copy("clinic", "clinic");
    bench.write("conn.log", FLOWS);
    let replay = ["replay", "clinic", "--flows", "conn.log", "--journal", "j"];
    bench.run(replay).exits(1).warns("recorded 3 events in j").warns("a key for the journal was");
    let capture = testdata("inspect/clinic.pcap");
    let inspect = ["inspect", &capture, "--hospital", "clinic", "--journal", "j", "--stats"];
    bench.run(inspect).exits(1).warns("recorded 8 events in j");
    bench
}

/// Gives the only segment of a stream, without the room behind its end.
fn segment(bench: &Bench, stream: &str) -> (std::path::PathBuf, String) {
    let path = bench.path("j").join(stream).join("00000000000000000000.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    (path, text.trim_end_matches('\0').to_owned())
}

#[test]
fn what_commands_do_is_recorded_and_sound() {
    let bench = kept();
    bench.run(["compile", "clinic", "--out", "out", "--without-proof", "--journal", "j"]).exits(0);
    let run = bench.run(["journal", "verify", "j", "--deep"]).exits(0);
    run.says("3 streams, 0 broken").says("11 records signed").says("1 policies are kept");
    let json = bench.run(["journal", "verify", "j", "--json"]).exits(0).json();
    assert_eq!(json["sound"], true);
    assert_eq!(json["streams"].as_array().unwrap().len(), 3);
    let run = bench.run(["journal", "show", "j"]).exits(0);
    let decisions = run.out.lines().filter(|line| line.contains(" decision ")).count();
    let messages = run.out.lines().filter(|line| line.contains(" message ")).count();
    assert_eq!((decisions, messages), (3, 8), "{run:#?}");
    run.says("2026-11-01T08:00:01.500Z  cordon/traffic/0 ").says("identity-mismatch");
    let publish = bench.run(["journal", "show", "j", "--kind", "policy", "--json"]).exits(0);
    let (line, sums) = publish.out.split_once('\n').unwrap();
    let record: Value = serde_json::from_str(line).unwrap();
    let change = &record["record"]["event"]["what"]["policy"];
    assert_eq!((&change["generation"], &change["proof"]), (&1.into(), &"not-run".into()));
    assert!(sums.contains("\"shown\":1"), "{sums}");
}

#[test]
fn verdicts_and_answers_are_the_same_with_a_journal_and_without() {
    let bench = kept();
    let capture = testdata("inspect/clinic.pcap");
    for args in [
        vec!["replay", "clinic", "--flows", "conn.log"],
        vec!["inspect", &capture, "--hospital", "clinic"],
    ] {
        let without = bench.run(&args);
        let with = bench.run(args.iter().chain(&["--journal", "j"]));
        assert_eq!((without.code, without.out), (with.code, with.out));
    }
}

#[test]
fn records_are_found_by_kind_device_point_and_time() {
    let bench = kept();
    let count = |args: &[&str]| {
        let run = bench.run(["journal", "show", "j"].iter().chain(args)).exits(0);
        run.out.lines().count()
    };
    for (args, expected) in [
        (&[][..], 13),
        (&["--stream", "traffic"], 11),
        (&["--kind", "decision"], 3),
        (&["--kind", "decision", "--kind", "journal"], 5),
        (&["--device", "pump-01"], 10),
        (&["--point", "gw-1"], 0),
        (&["--from", "2026-11-01T08:00:02Z", "--to", "2026-11-01T08:00:03Z"], 1),
        (&["--to", "2026-11-01"], 0),
        (&["--last", "2"], 2),
    ] {
        assert_eq!(count(args), expected, "{args:?}");
    }
    bench.run(["journal", "show", "j", "--kind", "gossip"]).exits(64).warns("use one of alarm");
    bench.run(["journal", "show", "j", "--from", "noon"]).exits(64).warns("`noon` is no time");
    let whole = bench.run(["journal", "show", "j", "--event", "cordon/traffic/1"]).exits(0);
    whole.says("\"unlisted-destination\"").says("  hash     ");
    let absent = bench.run(["journal", "show", "j", "--event", "cordon/traffic/99"]).exits(65);
    absent.warns("there is no record cordon/traffic/99: the stream ends before it");
    bench.run(["journal", "show", "j", "--event", "gw-1/traffic/1"]).exits(65).warns("`cordon`");
    bench.run(["journal", "show", "j", "--event", "1"]).exits(64);
    bench.run(["journal", "show", "clinic"]).exits(65).warns("is no journal");
    bench.run(["journal", "show", "absent"]).exits(78);
}

#[test]
fn a_changed_record_is_named_with_its_place() {
    let bench = kept();
    let (path, text) = segment(&bench, "traffic");
    let number =
        text.lines().position(|line| line.contains("198.51.100.45\",\"port\":8080")).unwrap();
    fs::write(
        &path,
        text.replacen("198.51.100.45\",\"port\":8080", "198.51.100.46\",\"port\":8080", 1),
    )
    .unwrap();
    let run = bench.run(["journal", "verify", "j"]).exits(1);
    run.says("BROKEN  j/traffic")
        .says(&format!("j/traffic/00000000000000000000.jsonl:{} (byte ", number + 1))
        .says("record 1)\n    edited: the record was changed after it was written\n    do: ")
        .says("3 streams, 1 broken");
    let json = bench.run(["journal", "verify", "j", "--json"]).exits(1).json();
    let stream = &json["streams"][2];
    assert_eq!(stream["faults"][0]["fault"], "edited");
    assert_eq!(stream["faults"][0]["place"]["record"], 1);
    assert_eq!(fields(&stream["faults"][0]), ["place", "fault", "message", "help"]);
    // Reading on says so, and why does not vouch for it.
    bench.run(["journal", "show", "j"]).exits(65).warns("`cordon journal verify` says");
}

#[test]
fn what_is_cut_off_at_the_end_shows_against_a_head_that_was_kept_elsewhere() {
    let bench = kept();
    fs::copy(bench.path("j/traffic/checkpoint"), bench.path("kept.head")).unwrap();
    copy_dir(&bench.path("j"), &bench.path("copy"));
    let (path, text) = segment(&bench, "traffic");
    // The end of the first run: three records and their head.
    let lines: Vec<&str> = text.lines().collect();
    let head =
        lines.iter().position(|line| line.starts_with("{\"head\"") && line.contains("\\n3\\n"));
    let end = head.unwrap() + 1;
    fs::write(&path, lines[..end].join("\n") + "\n").unwrap();
    let note: Value = serde_json::from_str(lines[end - 1]).unwrap();
    fs::write(bench.path("j/traffic/checkpoint"), note["head"].as_str().unwrap()).unwrap();
    bench.run(["journal", "verify", "j"]).exits(0).warns("shows only against a head or a copy");
    bench.run(["journal", "verify", "j", "--head", "kept.head"]).exits(1).says("truncated");
    bench.run(["journal", "verify", "j", "--against", "copy"]).says("j/traffic");
    bench.run(["journal", "verify", "copy", "--head", "kept.head"]).exits(0).says("1 heads that");
}

#[test]
fn a_strange_key_and_a_missing_one_prove_nothing() {
    let bench = kept();
    bench.run(["journal", "keygen", "--name", "harbour-clinic/cordon/traffic", "--out", "x.key"]);
    let run = bench.run(["journal", "verify", "j/traffic", "--key", "x.pub"]).exits(1);
    run.says("bad-signature");
    bench.run(["journal", "verify", "j", "--key", "absent"]).exits(65);
    fs::rename(bench.path("j/journal.key"), bench.path("moved.key")).unwrap();
    let replay = ["replay", "clinic", "--flows", "conn.log", "--journal", "j"];
    bench.run(replay).exits(78).warns("name the journal's private key by --journal-key");
    bench.run(replay.iter().chain(&["--journal-key", "moved.key"])).exits(1);
    bench.run(replay.iter().chain(&["--journal-key", "x.key"])).exits(65).warns("another key");
    bench.run(replay.iter().chain(&["--journal-key", "moved.key", "--writer", "gw-1"])).exits(64);
    bench.run(["init", "other"]).exits(0);
    let other = ["replay", "other", "--flows", "conn.log", "--journal", "j"];
    bench.run(other.iter().chain(&["--journal-key", "moved.key"])).exits(64).warns("of `harbour-");
}

#[test]
fn a_record_is_proved_to_whoever_has_only_the_public_key() {
    let bench = kept();
    let prove = ["journal", "prove", "j", "cordon/traffic/1", "-o", "one.proof"];
    bench.run(prove).exits(0).says("the proof is in one.proof");
    let elsewhere = Bench::new();
    fs::copy(bench.path("one.proof"), elsewhere.path("one.proof")).unwrap();
    fs::copy(bench.path("j/journal.pub"), elsewhere.path("clinic.pub")).unwrap();
    let check = ["journal", "prove", "--check", "one.proof", "--key", "clinic.pub"];
    let run = elsewhere.run(check).exits(0);
    run.says("proved: it is record 1 of the 11 that harbour-clinic/cordon/traffic signed");
    let json = elsewhere.run(check.iter().chain(&["--json"])).exits(0).json();
    assert_eq!(json["record"]["event"]["what"]["decision"]["answer"]["effect"], "deny");
    let text = fs::read_to_string(elsewhere.path("one.proof")).unwrap();
    elsewhere.write("one.proof", text.replacen("deny", "permit", 1));
    elsewhere.run(check).exits(1).says("NOT PROVED");
    elsewhere.write("one.proof", "hello\n");
    elsewhere.run(check).exits(65);
    // The journal grows, and that it only grew is proved too.
    fs::copy(bench.path("j/traffic/checkpoint"), elsewhere.path("old.head")).unwrap();
    bench.run(["replay", "clinic", "--flows", "conn.log", "--journal", "j"]).exits(1);
    let old = elsewhere.path("old.head").display().to_string();
    let proof = elsewhere.path("grown.proof").display().to_string();
    bench.run(["journal", "prove", "j", "--from-head", &old, "-o", &proof]).exits(0);
    let check = ["journal", "prove", "--check", "grown.proof", "--from-head", "old.head"];
    let run = elsewhere.run(check.iter().chain(&["--key", "clinic.pub"])).exits(0);
    run.says("proved: harbour-clinic/cordon/traffic only grew, from 11 to 14 records");
}

#[test]
fn a_witness_signs_what_continues_and_refuses_a_fork() {
    let bench = kept();
    bench.run(["journal", "keygen", "--name", "pharmacy", "--out", "w.key"]).exits(0);
    let cosign = ["journal", "cosign", "j", "--key", "w.key", "--state", "seen.json"];
    bench.run(cosign).exits(0).says("11 records, seen the first time");
    let own = ["journal", "cosign", "j", "--key", "j/journal.key", "--state", "own.json"];
    bench.run(own).exits(65).warns("is the key that the journal itself is signed with");
    let verify = ["journal", "verify", "j", "--witness", "w.pub"];
    bench.run(verify).exits(0).says("cosigned by pharmacy at ");
    copy_dir(&bench.path("j"), &bench.path("before"));
    bench.run(["replay", "clinic", "--flows", "conn.log", "--journal", "j"]).exits(1);
    bench.run(cosign).exits(0).says("14 records, which continue 11");
    // Somebody goes back to an older copy and writes another history with the stolen key.
    fs::remove_dir_all(bench.path("j")).unwrap();
    copy_dir(&bench.path("before"), &bench.path("j"));
    bench.run(cosign).exits(1).says("REFUSED").says("14 records were seen, 11 are signed now");
    for _ in 0..2 {
        bench.run(["replay", "clinic", "--flows", "conn.log", "--journal", "j"]).exits(1);
    }
    bench.run(cosign).exits(1).says("fork, or records are missing");
}

#[test]
fn events_of_others_are_recorded_and_acknowledged() {
    let bench = Bench::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cordon-model/testdata/stored/v1");
    let events = fs::read_to_string(path.join("events.jsonl")).unwrap();
    let (own, events): (Vec<&str>, Vec<&str>) =
        events.lines().partition(|line| line.contains("\"what\":{\"journal\":"));
    let events = events.join("\n") + "\n";
    let append = ["journal", "append", "j", "--hospital", "h", "--writer", "gw-1", "--ack"];
    bench.feed(&append[..3], &events).exits(64).warns("name the hospital by --hospital");
    let run = bench.feed(&append, &events).exits(0);
    assert_eq!(run.out.lines().count(), events.lines().count());
    run.says("gw-1/traffic/0\n").says("gw-1/evidence/1\n").says("gw-1/detail/0\n");
    bench.run(["journal", "verify", "j", "--deep"]).exits(0);
    let wrong = format!("{}\n{{\"at\":1,\"note\":\"DOE^JANE\"}}\n", events.lines().next().unwrap());
    bench.feed(&append, &wrong).exits(65).warns("event 2 is none");
    // What the writer says of itself decides what a verifier believes; nobody else says it.
    for line in own {
        bench.feed(&append, line).exits(65).warns("only the writer itself says what it did");
    }
    let shown = bench.run(["journal", "show", "j", "--stream", "detail"]).exits(0);
    assert_eq!(shown.out.lines().count(), 1);
}

#[test]
fn records_are_followed_while_they_are_written() {
    let bench = kept();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.args(["journal", "follow", "j", "--json", "--all", "--kind", "decision"]);
    command.current_dir(&bench.dir).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    for seq in 0..3 {
        assert_eq!(next()["id"], format!("cordon/traffic/{seq}"));
    }
    bench.run(["replay", "clinic", "--flows", "conn.log", "--journal", "j"]).exits(1);
    for seq in 11..14 {
        assert_eq!(next()["id"], format!("cordon/traffic/{seq}"));
    }
    drop(lines);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn every_format_has_a_line_for_every_record_it_has_words_for() {
    let bench = kept();
    for (format, lines) in [
        ("jsonl", 13),
        ("hec", 13),
        ("ocsf", 13),
        ("cef", 13),
        ("leef", 13),
        ("syslog", 13),
        ("atna", 2),
        ("csv", 14),
    ] {
        let run = bench.run(["journal", "export", "j", "--format", format]).exits(0);
        assert_eq!(run.out.lines().count(), lines, "{format}: {run:#?}");
        run.warns("exported ");
    }
    let export = ["journal", "export", "j", "--format", "csv", "--kind", "decision", "-o", "d.csv"];
    bench.run(export).exits(0).warns("exported 3 records");
    assert_eq!(fs::read_to_string(bench.path("d.csv")).unwrap().lines().count(), 4);
    let run = bench.run(export.iter().chain(&["--journal-key", "j/journal.key"])).exits(0);
    run.warns("exported 3 records");
    let notes = bench.run(["journal", "show", "j", "--kind", "journal", "--json"]).exits(0);
    notes.says("\"export\":{\"by\":null,\"records\":3,\"to\":\"d.csv\"}");
    let proofs = ["journal", "export", "j", "--format", "jsonl", "--proofs", "--last"];
    let run = bench.run(&proofs[..6]).exits(0);
    let first: Value = serde_json::from_str(run.out.lines().next().unwrap()).unwrap();
    assert!(first["proof"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1\n"));
    bench.run(["journal", "export", "j", "--format", "cef", "--proofs"]).exits(64);
}

#[test]
fn holds_and_copies_are_kept() {
    let bench = kept();
    let who = ["--name", "case-7", "--by", "B-9", "--role", "legal"];
    bench.run(["journal", "hold", "j"].iter().chain(&who)).exits(0).says("holds the journal");
    bench.run(["journal", "hold", "j"].iter().chain(&who)).exits(65).warns("already a hold");
    bench.run(["journal", "release", "j"].iter().chain(&who)).exits(0).says("is released");
    bench.run(["journal", "expire", "j", "--dry-run"]).exits(0).says("nothing is due");
    bench.run(["journal", "expire", "j"]).exits(0);
    bench.run(["journal", "replicate", "j", "copy"]).exits(0).says("traffic: ");
    let names = |journal: &str| {
        let names = fs::read_dir(bench.path(journal).join("policies")).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("copy"), names("j"), "the policies that decided are copied too");
    bench.run(["journal", "hold", "clinic"].iter().chain(&who)).exits(65).warns("is no journal");
}

#[test]
fn an_exporter_delivers_everything_once_it_is_told_to() {
    let bench = kept();
    bench.write(
        "feed.toml",
        "[[exporter]]\nname = \"lake\"\nstreams = [\"evidence\", \"traffic\"]\n\
         [exporter.file]\npath = \"lake.jsonl\"\nformat = \"ocsf\"\n",
    );
    bench.run(["export", "check", "--config", "feed.toml"]).exits(0).says("good  lake: file to");
    let run = ["export", "run", "--config", "feed.toml", "--journal", "j", "--state", "state"];
    bench
        .run(run.iter().chain(&["--once"]))
        .exits(0)
        .says("lake: stopped")
        .says(" 0 records behind");
    assert_eq!(fs::read_to_string(bench.path("lake.jsonl")).unwrap().lines().count(), 13);
    bench.run(["export", "status", "--state", "state"]).exits(0).says("lake: stopped");
    bench.write("bad.toml", "[[exporter]]\nname = \"x\"\n");
    bench.run(["export", "check", "--config", "bad.toml"]).exits(65).warns("exactly one");
}

#[test]
fn programs_get_the_documented_fields() {
    let bench = kept();
    bench.run(["journal", "keygen", "--name", "w", "--out", "w.key"]).exits(0);
    bench.run(["journal", "prove", "j", "cordon/traffic/1", "-o", "p"]).exits(0);
    let replay = ["replay", "clinic", "--flows", "conn.log", "--journal", "j"];
    let cosign = ["journal", "cosign", "j", "--key", "w.key", "--state", "s.json"];
    let check = ["journal", "prove", "--check", "p", "--key", "j/journal.pub"];
    let causes = "because id proof record whole";
    let again = "again agrees answer id policy proof record recorded";
    for (args, code, expected) in [
        (&replay[..], 1, "flows journal totals"),
        (&["journal", "verify", "j"], 0, "policies sound streams"),
        (&["journal", "show", "j", "--event", "cordon/traffic/1"], 0, "hash id record"),
        (&["journal", "export", "j", "--format", "cef", "-o", "x"], 0, "exported left_out"),
        (&["journal", "prove", "j", "cordon/traffic/1"], 0, "id line proof"),
        (&check, 0, "index origin proved record root size"),
        (&cosign, 0, "streams witness"),
        (&["journal", "keygen", "--name", "v", "--out", "v.key"], 0, "key private public"),
        (&["journal", "expire", "j"], 0, "dry_run due"),
        (&["journal", "replicate", "j", "copy"], 0, "copied"),
        (&["why", "cordon/traffic/0", "--journal", "j"], 0, again),
        (&["why", "cordon/evidence/0", "--journal", "j"], 0, causes),
        (&["rerun", "--journal", "j", "--policy", "clinic"], 0, "by changes totals"),
    ] {
        let run = bench.run(args.iter().chain(&["--json"])).exits(code);
        let json = run.json();
        let mut found = fields(&json);
        found.sort_unstable();
        assert_eq!(found.join(" "), expected, "{args:?}");
        assert!(run.err.is_empty(), "{args:?}: {}", run.err);
    }
}

#[test]
fn what_journals_come_to_is_shown_to_prometheus() {
    let bench = kept();
    let run = bench.run(["export", "metrics", "--journal", "j", "--verify"]).exits(0);
    run.says("# TYPE cordon_audit_chain_ok gauge").says("cordon_audit_chain_ok 1");
    let (path, text) = segment(&bench, "traffic");
    fs::write(&path, text.replacen("\"verdict\":\"block\"", "\"verdict\":\"pass\"", 1)).unwrap();
    let run = bench.run(["export", "metrics", "--journal", "j", "--verify"]).exits(0);
    run.says("cordon_audit_chain_ok 0");
}
