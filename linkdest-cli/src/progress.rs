//! The progress bar: on standard error, on a terminal only.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use linkdest_core::Progress;

/// How often the line is drawn, also while figures stand still.
const TICK: Duration = Duration::from_millis(100);

/// A line that shows how far the run is. It hides itself where standard error is no terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    /// When the first figures came: waiting for the lock is not work.
    begun: OnceLock<Instant>,
}

impl Bar {
    /// Makes the bar; nothing is drawn before there are figures.
    pub fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_style(ProgressStyle::default_spinner());
        Self { bar, begun: OnceLock::new() }
    }

    /// Shows the figures as they stand.
    pub fn show(&self, progress: &Progress) {
        if self.bar.is_hidden() {
            return;
        }
        let begun = self.begun.get_or_init(|| {
            self.bar.enable_steady_tick(TICK);
            Instant::now()
        });
        let counts = &progress.counts;
        // The first figures come a tick after the work began.
        let elapsed = begun.elapsed() + TICK;
        let rate = counts.entries as f64 / elapsed.as_secs_f64();
        let bytes = ByteSize(counts.bytes).display().iec();
        let done = progress.fraction().zip(progress.remaining(elapsed)).map_or_else(String::new, |(done, left)| {
            format!("{:.0} %, {} s left, ", done * 100.0, left.as_secs() + 1)
        });
        self.bar.set_message(format!("{done}{} entries, {bytes}, {rate:.0} entries/s", counts.entries));
    }

    /// Says that the walk is done.
    pub fn show_publishing(&self) {
        self.bar.set_message("writing to disk and publishing");
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
