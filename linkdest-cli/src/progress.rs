//! How far a run is, on standard error: a bar on a terminal, elsewhere a line a minute.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use linkdest_core::Progress;

use crate::report::table::span;

/// How often the line is drawn, also while figures stand still.
const TICK: Duration = Duration::from_millis(100);

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(60);

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
        // The first figures come a tick after the work began.
        self.bar.set_message(figures(progress, begun.elapsed() + TICK));
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

/// Tells when a line of the log is due.
#[derive(Debug)]
pub struct Minutes {
    begun: Instant,
    next: Duration,
}

impl Minutes {
    /// Begins now; the first line is due in a minute.
    pub fn new() -> Self {
        Self { begun: Instant::now(), next: LINE_EVERY }
    }

    /// The line, if one is due.
    pub fn line(&mut self, progress: &Progress) -> Option<String> {
        self.line_after(self.begun.elapsed(), progress)
    }

    fn line_after(&mut self, elapsed: Duration, progress: &Progress) -> Option<String> {
        if elapsed < self.next {
            return None;
        }
        self.next = elapsed + LINE_EVERY;
        Some(format!("linkdest: {}", figures(progress, elapsed)))
    }
}

/// How far the run is, in one line.
fn figures(progress: &Progress, elapsed: Duration) -> String {
    let counts = &progress.counts;
    let rate = counts.entries as f64 / elapsed.as_secs_f64();
    let bytes = ByteSize(counts.bytes).display().iec();
    let left = |left: Duration| span(left + Duration::from_secs(1));
    let done =
        progress.fraction().zip(progress.remaining(elapsed)).map_or_else(String::new, |(done, remaining)| {
            format!("{:.0} %, {} left, ", done * 100.0, left(remaining))
        });
    format!("{done}{} entries, {bytes}, {rate:.0} entries/s", counts.entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_every_minute() {
        let mut minutes = Minutes::new();
        let lines: Vec<u64> = (0..400)
            .filter(|seconds| {
                minutes.line_after(Duration::from_secs(*seconds), &Progress::default()).is_some()
            })
            .collect();
        assert_eq!(lines, [60, 120, 180, 240, 300, 360]);
        // What was held up is not made up for.
        let mut late = Minutes::new();
        let mut due = |seconds| late.line_after(Duration::from_secs(seconds), &Progress::default()).is_some();
        assert!(!due(59) && due(150) && !due(180) && due(210));
    }
}
