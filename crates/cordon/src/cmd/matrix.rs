//! `cordon matrix`: what every device type may do; with `--verify`, that all forms of policy agree.

use std::fmt::Write as _;

use cordon_policy::{compile, matrix, verify};
use serde_json::json;

use super::check::thousands;
use crate::cli::Matrix;
use crate::directory;
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

pub(crate) fn run(args: &Matrix, progress: &Progress) -> Result<Outcome, Failure> {
    let read = directory::evaluate(&args.dir, progress)?;
    let mut text = matrix::text(&read.hospital, &read.engine);
    if !args.verify {
        let lines: Vec<&str> = text.lines().collect();
        let json = json!({ "text": lines });
        return Ok(Outcome::done(text, json));
    }
    let compiled = compile::compile(&read.hospital, &read.book, &read.engine);
    let classes = read.engine.class_count();
    let bar = progress.bar(u64::try_from(classes).unwrap_or(0), "comparing cells");
    let tally = verify::verify(
        &read.hospital,
        &read.book,
        &read.engine,
        &compiled,
        args.every,
        &mut || bar.inc(1),
    );
    bar.finish_and_clear();
    let _ = writeln!(
        text,
        "Cedar, the table, the bundles and the kernel sets were compared:\n  \
         {} cells of table and bundle, {} of bundle and kernel, {} of Cedar and table, {} disagree",
        thousands(tally.bundle_cells),
        thousands(tally.kernel_cells),
        thousands(tally.cedar_cells),
        tally.disagreements.len()
    );
    for line in tally.disagreements.iter().take(20) {
        let _ = writeln!(text, "  {line}");
    }
    let found = !tally.disagreements.is_empty();
    Ok(Outcome::done(text, json!(tally)).finding_if(found))
}
