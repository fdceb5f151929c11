//! Progress of long work, on standard error, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far long work has come; silent when nobody looks.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    pub(crate) fn new(shown: bool) -> Self {
        Self { shown }
    }

    /// Starts a bar; it appears only if the work takes longer than a moment.
    pub(crate) fn bar(&self, length: u64, what: &'static str) -> ProgressBar {
        if !self.shown {
            return ProgressBar::hidden();
        }
        let bar =
            ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(500));
        bar
    }

    /// Says that something goes on; it appears only if that takes longer than a second.
    pub(crate) fn spinner(&self, what: &'static str) -> ProgressBar {
        if !self.shown {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        spinner.set_message(what);
        spinner.enable_steady_tick(Duration::from_secs(1));
        spinner
    }
}
