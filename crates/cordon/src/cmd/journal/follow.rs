//! `cordon journal follow`: records as they are written.

use std::io::{self, Write as _};
use std::time::Duration;

use serde_json::json;

use super::{filter, show};
use crate::cli::Follow;
use crate::ledger::Ledger;
use crate::outcome::{Failure, Outcome};

/// How late a record may be seen.
const PAUSE: Duration = Duration::from_millis(100);

/// Ends when nobody reads any more, or by a signal.
pub(super) fn run(args: &Follow, json: bool) -> Result<Outcome, Failure> {
    let ledger = Ledger::open(&args.dir)?;
    let mut walk = ledger.walk(filter(&args.selection)?)?;
    if !args.all {
        walk.skip_to_end()?;
    }
    let mut out = io::stdout().lock();
    loop {
        match walk.next()? {
            Some(stored) => {
                let written = show::write(&mut out, &stored, json).and_then(|()| out.flush());
                let is_over = written.is_err();
                show::finish(written)?;
                if is_over {
                    return Ok(Outcome::done(String::new(), json!({})));
                }
            }
            None => std::thread::park_timeout(PAUSE),
        }
    }
}
