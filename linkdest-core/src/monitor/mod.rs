//! What a run tells while it goes on: events, counters, and the flag that stops it.

mod action;
mod notice;

pub use action::{Action, Reason};
pub use notice::Notice;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::counts::Counts;
use crate::error::Problem;
use crate::finding::Finding;
use crate::path::RelPath;
use crate::step::Fact;

/// Watches a run.
///
/// Events come from the run's own threads as things happen; [`progress`](Monitor::progress) is called on the thread
/// that called the run, at most ten times a second and at least once before the snapshot is published.
///
/// ```
/// use linkdest_core::{Collecting, Event, Monitor, Notice, RelPath};
/// let monitor = Collecting::default();
/// monitor.event(&Event::Notice(Notice::Vanished(RelPath::new("a").unwrap())));
/// assert_eq!(monitor.notices().len(), 1);
/// assert!(monitor.problems().is_empty());
/// ```
pub trait Monitor: Sync {
    /// Takes one event. Does nothing unless overridden.
    fn event(&self, event: &Event) {
        let _ = event;
    }

    /// Takes the figures as they stand. Does nothing unless overridden.
    fn progress(&self, progress: &Progress) {
        let _ = progress;
    }

    /// Says whether [`Event::Entry`] is wanted for every entry; it costs a path each. A dry run always sends them.
    fn wants_entries(&self) -> bool {
        false
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The snapshot got its name and its references; the walk begins.
    Started {
        /// The name of the snapshot that is being made; `None` in a dry run.
        snapshot: Option<String>,
        /// The reference that comes first, if there is any.
        reference: Option<String>,
    },
    /// An entry could not be saved as asked.
    Problem(Problem),
    /// Something worth saying that is no problem.
    Notice(Notice),
    /// A check found a difference.
    Finding(Finding),
    /// A run by profile got further.
    Fact(Fact),
    /// What was done with an entry, or would be done in a dry run.
    Entry {
        /// The path below the source.
        path: RelPath,
        /// What is done.
        action: Action,
        /// Why.
        reason: Reason,
    },
    /// An entry takes part; told when only that is asked.
    Selected {
        /// The path below the source.
        path: RelPath,
        /// Whether it is a directory.
        directory: bool,
    },
    /// The walk is done; from here on the run can no longer be stopped.
    Publishing,
}

/// The figures of a run as they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// What was done so far.
    pub counts: Counts,
    /// How many entries the previous snapshot of this source has; `None` for the first.
    pub expected: Option<u64>,
}

impl Progress {
    /// How far the run is, from 0 to 1, by what the previous snapshot had; below 1 until it is done.
    ///
    /// ```
    /// assert_eq!(linkdest_core::Progress::default().fraction(), None);
    /// ```
    #[must_use]
    pub fn fraction(&self) -> Option<f64> {
        let expected = self.expected.filter(|expected| *expected > 0)?;
        Some((self.counts.entries as f64 / expected as f64).min(0.99))
    }

    /// How long the rest will take, if it goes on as it did for `elapsed`.
    #[must_use]
    pub fn remaining(&self, elapsed: std::time::Duration) -> Option<std::time::Duration> {
        let fraction = self.fraction().filter(|fraction| *fraction > 0.0)?;
        Some(elapsed.mul_f64((1.0 - fraction) / fraction))
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Monitor for Silent {}

/// Keeps every event, for tests and for callers that want to look at the end.
#[derive(Debug, Default)]
pub struct Collecting {
    events: Mutex<Vec<Event>>,
    progress_calls: Mutex<u64>,
}

impl Collecting {
    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The problems among them.
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |event| if let Event::Problem(problem) = event { Some(problem) } else { None };
        self.events().into_iter().filter_map(problem).collect()
    }

    /// The notices among them.
    pub fn notices(&self) -> Vec<Notice> {
        let notice = |event| if let Event::Notice(notice) = event { Some(notice) } else { None };
        self.events().into_iter().filter_map(notice).collect()
    }

    /// What a check found.
    pub fn findings(&self) -> Vec<Finding> {
        let finding = |event| if let Event::Finding(finding) = event { Some(finding) } else { None };
        self.events().into_iter().filter_map(finding).collect()
    }

    /// What was done, or planned, for each entry.
    pub fn entries(&self) -> Vec<(RelPath, Action, Reason)> {
        let entry = |event| match event {
            Event::Entry { path, action, reason } => Some((path, action, reason)),
            _ => None,
        };
        self.events().into_iter().filter_map(entry).collect()
    }

    /// How often progress was reported.
    pub fn progress_calls(&self) -> u64 {
        *self.progress_calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Monitor for Collecting {
    fn event(&self, event: &Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }

    fn progress(&self, _: &Progress) {
        *self.progress_calls.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn wants_entries(&self) -> bool {
        true
    }
}

/// Stops a run from outside: no new entry is begun, nothing is published. Clones share one flag.
///
/// ```
/// use linkdest_core::StopFlag;
/// let flag = StopFlag::default();
/// let seen = flag.clone();
/// flag.stop();
/// assert!(seen.is_stopped());
/// ```
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks the run to stop. Safe to call from a signal handler's thread.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Says whether somebody asked.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
