//! What the walks over the trees share.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::hashes::Hashes;
use crate::counts::Counts;
use crate::entry::Metadata;
use crate::error::{Error, Problem, ProblemKind};
use crate::monitor::{Event, Monitor, Progress, StopFlag};
use crate::os::errno;
use crate::path::RelPath;
use crate::repository::SnapshotName;

/// So many problems are in the report; all are told.
const KEPT: usize = 1000;

/// What was done so far, of all snapshots.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub entries: AtomicU64,
    pub files: AtomicU64,
    pub bytes: AtomicU64,
    problems: Mutex<(u64, Vec<Problem>)>,
}

impl Done {
    /// Tells a problem and keeps it for the report.
    pub fn problem(&self, problem: Problem, monitor: &dyn Monitor) {
        monitor.event(&Event::Problem(problem.clone()));
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        problems.0 += 1;
        if problems.1.len() < KEPT {
            problems.1.push(problem);
        }
    }

    pub fn problem_count(&self) -> u64 {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    pub fn take_problems(&self) -> Vec<Problem> {
        std::mem::take(&mut self.problems.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    pub fn tell_progress(&self, monitor: &dyn Monitor) {
        let counts = Counts {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            problems: self.problem_count(),
            ..Counts::default()
        };
        monitor.progress(&Progress { counts, expected: None });
    }
}

/// One snapshot that is being indexed.
pub(super) struct Indexing<'i> {
    pub name: &'i SnapshotName,
    /// Where it is, for messages.
    pub place: PathBuf,
    /// The root of its tree.
    pub root: Metadata,
    pub hashes: &'i Hashes,
    pub bytes: &'i AtomicU64,
    pub done: &'i Done,
    pub threads: usize,
    pub monitor: &'i dyn Monitor,
    pub stop: &'i StopFlag,
}

impl Indexing<'_> {
    /// The error of a tree that cannot be indexed as a whole.
    pub fn failed(&self, operation: &'static str, path: &RelPath, error: io::Error) -> Error {
        Error::io(operation, self.place.join(path.as_path()), error)
    }

    /// Says whether an entry is what was mounted over one of the tree, by the mount, or by the device where the kernel
    /// does not tell. Below one mount there may be several devices: subvolumes.
    pub fn is_mounted(&self, entry: &Metadata) -> bool {
        match self.root.mount.zip(entry.mount) {
            Some((root, mount)) => root != mount,
            None => self.root.id.device != entry.id.device,
        }
    }

    /// The error of a tree of which something cannot be seen.
    pub fn hidden(&self, path: &RelPath) -> Error {
        let message = "something else is mounted here, which hides what the snapshot has: unmount it first";
        self.failed("index", path, io::Error::new(io::ErrorKind::ResourceBusy, message))
    }

    /// Tells that a file has no hash because it cannot be read.
    pub fn unreadable(&self, path: &RelPath, error: &io::Error) {
        let names = [self.name.as_str().as_bytes(), path.as_bytes()].into_iter();
        let path = RelPath::from_names(names.filter(|name| !name.is_empty()));
        self.done.problem(Problem::io(path, ProblemKind::Unreadable, "read", error), self.monitor);
    }

    pub fn count_entry(&self) {
        self.done.entries.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count_file(&self) {
        self.done.files.fetch_add(1, Ordering::Relaxed);
    }
}

/// Says whether an error ends the whole work: nothing more can be written, or this process is out of something.
pub(super) fn is_fatal(error: &Error) -> bool {
    error.kind() == crate::error::ErrorKind::Interrupted
        || error.operation().starts_with("write")
        || error.io_error().is_some_and(errno::is_exhausted)
}
