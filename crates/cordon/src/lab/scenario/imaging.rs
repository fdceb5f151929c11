//! Scenarios of imaging: an archive is asked to send what it has to somebody else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use cordon_model::Protocol;

use super::attack::{not_in_kernels, speaker};
use super::{Play, Sent};
use crate::lab::machine::{find, reap};
use crate::lab::stage::ELSEWHERE;
use crate::outcome::Failure;

/// How long the client may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The study that everybody of a lab sends.
const STUDY: &str = "0020,000D=1.2.826.0.1.3680043.10.1338.2";

/// An imaging device asks the archive to send its images to another application entity.
pub(super) fn move_away(play: &mut Play<'_>) -> Result<(), Failure> {
    let missing = || Failure::config("`movescu` is missing", "apt-get install dcmtk");
    let program = find("movescu").ok_or_else(missing)?;
    let (seat, talk) = speaker(play, Protocol::Dicom)?;
    let standing = play.standing;
    let records = standing.work().join("records");
    let log = records.join(format!("archive-{}.log", talk.service));
    let log_out = records.join(format!("archive-{}.jsonl", talk.service));
    let said = || {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        read(&log) + &read(&log_out)
    };
    let moves = |text: &str| text.lines().filter(|line| is_move(line)).count();
    let before = moves(&said());
    let path = records.join("dicom-move.log");
    let file = || fs::File::create(&path).map_err(|error| Failure::path(&path, &error));
    let (own, other) = (seat.ae_title.as_deref(), talk.ae_title.as_deref());
    let mut command = standing.command(&seat.place, &program);
    command
        .args(["--verbose", "--study", "-to", "3", "-ta", "10", "-td", "10", "+P", "11113"])
        .args(["-aet", own.unwrap_or("LAB"), "-aec", other.unwrap_or("ANY-SCP")])
        .args(["-aem", ELSEWHERE, "-k", "0008,0052=STUDY", "-k", STUDY])
        .args([talk.peer.to_string(), talk.port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file()?);
    let start = std::time::Instant::now();
    let mut child = command.spawn().map_err(|error| {
        Failure::config(format!("`movescu` in {}: {error}", seat.place), "build the lab anew")
    })?;
    let has_ended = reap(&mut child, PATIENCE);
    let is_done = child.wait().is_ok_and(|status| status.success());
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let told = fs::read_to_string(&path).unwrap_or_default();
    let answer = told.lines().rev().find(|line| is_answer(line)).unwrap_or("no answer");
    play.played.sent.push(Sent {
        device: seat.id.clone(),
        what: format!("C-MOVE to {}, towards {ELSEWHERE}", talk.service),
        count: 1,
        bytes: 0,
        answered: u64::from(is_done),
        elapsed_ms,
    });
    play.played.notes.push(format!("movescu: {}", answer.trim()));
    let reached = moves(&said()).saturating_sub(before);
    if reached > 0 {
        play.played.findings.push(format!("{} was asked to move images", talk.service));
    }
    if is_done {
        play.played.findings.push("movescu says that the images were moved".to_owned());
    }
    if !has_ended || !told.lines().any(is_answer) {
        let finding = "movescu was not refused in the words of its protocol".to_owned();
        play.played.findings.push(finding);
    }
    not_in_kernels(play);
    Ok(())
}

/// Says whether a line of dcmqrscp's log tells of a request to move.
fn is_move(line: &str) -> bool {
    line.contains("Move SCP") || line.contains("C-Move") || line.contains("C-MOVE")
}

/// Says whether a line of movescu's log tells how it was answered.
/// # Source
/// DICOM PS3.8 §9.3.4, §9.3.8; PS3.7 §9.3.4.2.
fn is_answer(line: &str) -> bool {
    ["Rejected", "Abort", "Refused", "No Acceptable", "Failed", "Status"]
        .iter()
        .any(|word| line.contains(word))
}
