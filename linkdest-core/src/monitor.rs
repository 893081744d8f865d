//! What a run tells while it goes on: events, counters, and the flag that stops it.

use std::fmt;
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

/// Something worth saying that is no problem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The repository lies in the source; it was left out.
    RepositorySkipped(RelPath),
    /// A mount point, left empty because the run stays on one file system.
    MountSkipped(RelPath),
    /// An entry was listed, but gone when it was to be saved.
    Vanished(RelPath),
    /// All modification times moved by the same number of quarter hours: contents that are proven equal keep their
    /// links, and the manifest has the new times.
    TimesShifted {
        /// By how many seconds.
        seconds: i64,
    },
    /// Something that the server of the source does not tell, or tells of everything alike, and what follows from that.
    SourceOdd(&'static str),
    /// What a dry run would copy does not fit into the repository. All in bytes.
    TooLittleSpace {
        /// What would be copied.
        needed: u64,
        /// What is available.
        available: u64,
        /// What must stay free of that.
        reserve: u64,
    },
    /// A snapshot has no manifest, so that there is nothing to check it against.
    NoManifest(String),
    /// A snapshot was removed while it was being checked.
    SnapshotRemoved(String),
    /// A check goes on that was stopped; it had begun at this time.
    Resumed(crate::entry::Timestamp),
    /// There is no stopped check to go on with: a new one begins.
    NothingToResume,
    /// Attributes that a restore could not set.
    NotRestored {
        /// Which attributes: `owners`, `trusted attributes` ...
        what: &'static str,
        /// How many entries should have them.
        entries: u64,
    },
    /// Attributes that this run cannot set here; the manifest keeps them, the snapshot does not.
    OutOfReach {
        /// Which attributes: `owners`, `trusted attributes` ...
        what: &'static str,
        /// How many entries have them.
        entries: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RepositorySkipped(path) => write!(f, "{path}: skipped, it is the repository"),
            Self::MountSkipped(path) => write!(f, "{path}: left empty, it is on another file system"),
            Self::Vanished(path) => write!(f, "{path}: vanished before it was saved"),
            Self::TimesShifted { seconds } => {
                let (sign, minutes) = (if *seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
                let (hours, minutes) = (minutes / 60, minutes % 60);
                write!(
                    f,
                    "all modification times moved by {sign}{hours}:{minutes:02} h; links are kept where the content is the same"
                )
            }
            Self::SourceOdd(what) => f.write_str(what),
            Self::TooLittleSpace { needed, available, reserve } => write!(
                f,
                "too little space in the repository: {needed} bytes would be copied, {available} are available, and \
                 {reserve} must stay free"
            ),
            Self::NoManifest(snapshot) => {
                write!(f, "{snapshot}: has no manifest and was not checked; `reindex` makes one")
            }
            Self::SnapshotRemoved(snapshot) => write!(f, "{snapshot}: removed while it was being checked"),
            Self::Resumed(started) => write!(f, "going on with the check that began at {started}"),
            Self::NothingToResume => {
                f.write_str("there is no stopped check to go on with; this is a new one")
            }
            Self::NotRestored { what, entries } => {
                let entries = format_args!("{entries} {}", if *entries == 1 { "entry" } else { "entries" });
                write!(
                    f,
                    "{what} of {entries} were not restored: this user or this file system cannot set them"
                )
            }
            Self::OutOfReach { what, entries } => {
                let entries = format_args!("{entries} {}", if *entries == 1 { "entry" } else { "entries" });
                write!(
                    f,
                    "{what} of {entries} are in the manifest alone: this user or this file system cannot set them"
                )
            }
        }
    }
}

/// What is done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It becomes a hard link.
    Link,
    /// It becomes a new file with copied content.
    Copy,
    /// It becomes a new file that shares its blocks with another.
    Clone,
    /// It is made anew: a directory, symlink, FIFO, socket or device.
    Create,
    /// Only its attributes are set.
    Attributes,
    /// It is removed.
    Delete,
}

impl Action {
    /// The word for the action in JSON: `link`, `copy`, `clone` or `create`, and `attributes` or `delete` of a restore.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Copy => "copy",
            Self::Clone => "clone",
            Self::Create => "create",
            Self::Attributes => "attributes",
            Self::Delete => "delete",
        }
    }
}

/// Why an entry is linked, copied or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// No reference has it.
    New,
    /// It is a directory; directories are never shared.
    Directory,
    /// Size, times and attributes are those of the reference.
    Unchanged,
    /// The bytes were compared and are those of the reference.
    SameBytes,
    /// The reference has it under another path.
    Moved,
    /// It could not be read; the reference has an earlier version.
    CarriedForward,
    /// The reference has something of another kind there.
    KindChanged,
    /// The size, or the target of a symlink, differs.
    SizeChanged,
    /// The modification time differs.
    TimeChanged,
    /// Size and time are equal, but the bytes are not.
    BytesChanged,
    /// Only attributes differ (mode, owner, extended attributes).
    AttributesChanged,
    /// Another name of the same inode is in the snapshot already.
    HardLink,
    /// The reference stands for another inode of the source already.
    ReferenceTaken,
    /// The reference has as many names as the file system allows.
    LinkLimit,
    /// The system refuses another link to the reference.
    LinkRefused,
    /// What is restored over has names that do not belong to it.
    OtherNames,
    /// Everything is to be written anew.
    Always,
    /// The snapshot does not have it.
    Extra,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Directory => "directory",
            Self::Unchanged => "unchanged",
            Self::SameBytes => "same bytes",
            Self::Moved => "renamed or moved",
            Self::CarriedForward => "unreadable, carried forward",
            Self::KindChanged => "kind changed",
            Self::SizeChanged => "size or target changed",
            Self::TimeChanged => "modification time changed",
            Self::BytesChanged => "bytes changed",
            Self::AttributesChanged => "attributes changed",
            Self::HardLink => "hard link of another entry",
            Self::ReferenceTaken => "reference stands for another file",
            Self::LinkLimit => "link limit reached",
            Self::LinkRefused => "link refused",
            Self::OtherNames => "has names elsewhere",
            Self::Always => "always overwritten",
            Self::Extra => "not in the snapshot",
        })
    }
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
