//! The progress bar: on standard error, on a terminal only.

use std::time::Instant;

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use linkdest_core::Counts;

/// A line that shows how far the run is. It hides itself where standard error is no terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    begun: Instant,
}

impl Bar {
    /// Makes the bar; nothing is drawn before there are figures.
    pub fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_style(ProgressStyle::default_spinner());
        Self { bar, begun: Instant::now() }
    }

    /// Shows the figures as they stand.
    pub fn show(&self, counts: &Counts) {
        if self.bar.is_hidden() {
            return;
        }
        let rate = counts.entries as f64 / self.begun.elapsed().as_secs_f64().max(0.1);
        let bytes = ByteSize(counts.bytes).display().iec();
        self.bar.set_message(format!("{} entries, {bytes}, {rate:.0} entries/s", counts.entries));
        self.bar.tick();
    }

    /// Says that the walk is done.
    pub fn show_publishing(&self) {
        self.bar.set_message("writing to disk and publishing");
        self.bar.tick();
    }

    /// Takes the bar off the terminal while something else is written there.
    pub fn aside(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Takes the bar off the terminal for good.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
