//! What all workers of a restore share.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::groups::Groups;
use super::markers::Markers;
use super::node::Job;
use super::saved::SavedDir;
use super::unsaved::Unsaved;
use super::{Overwrite, RestoreCounts, Restorer};
use crate::entry::FileId;
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::manifest::Manifest;
use crate::monitor::{Action, Event, Monitor, Notice, Reason};
use crate::os::{c_name, errno};
use crate::path::RelPath;
use crate::policy::attributes::Reach;
use crate::repository::record::{PROBLEM_PATHS_KEPT, PROBLEMS_KEPT};
use crate::snapshot::Queue;

/// What was asked for, and what was found out before the walk.
pub(super) struct Plan<'p> {
    pub asked: &'p Restorer<'p>,
    pub monitor: &'p dyn Monitor,
    pub manifest: Option<Manifest>,
    /// The directory of the snapshot that the root of the walk stands for, and its path there.
    pub snapshot: SavedDir,
    pub base: RelPath,
    /// The repository, if it is on this machine: it is in nobody's way.
    pub repository: Option<FileId>,
    /// What is not removed as extra.
    pub unsaved: Unsaved,
    pub reach: Reach,
    pub user: u32,
    /// The target is a directory, not a single entry.
    pub is_directory: bool,
    /// What names in the making begin with.
    pub prefix: String,
    /// So many directories may be open.
    pub budget: usize,
}

/// Shared by all workers.
pub(super) struct Engine<'p> {
    pub plan: Plan<'p>,
    pub queue: Queue<Job>,
    pub groups: Groups,
    pub markers: Markers,
    pub counts: Mutex<RestoreCounts>,
    pub problems: Mutex<Vec<Problem>>,
    /// Directories that are open.
    pub open: AtomicUsize,
    /// Files were found to share no blocks with the snapshot.
    pub unclonable: AtomicBool,
    out_of_reach: Mutex<BTreeMap<&'static str, u64>>,
    failure: Mutex<Option<Error>>,
    made: AtomicU64,
}

impl<'p> Engine<'p> {
    pub fn new(plan: Plan<'p>, queue: Queue<Job>) -> Self {
        Self {
            plan,
            queue,
            groups: Groups::default(),
            markers: Markers::default(),
            counts: Mutex::default(),
            problems: Mutex::default(),
            open: AtomicUsize::new(0),
            unclonable: AtomicBool::new(false),
            out_of_reach: Mutex::default(),
            failure: Mutex::default(),
            made: AtomicU64::new(0),
        }
    }

    pub fn is_dry(&self) -> bool {
        self.plan.asked.dry_run
    }

    pub fn overwrites(&self) -> Overwrite {
        self.plan.asked.overwrite
    }

    /// A name that nothing has; see [`fresh_name`](Self::fresh_name).
    pub fn next_name(&self) -> io::Result<CString> {
        c_name(&format!("{}{:x}", self.plan.prefix, self.made.fetch_add(1, Ordering::Relaxed)))
    }

    /// The path in the snapshot of what lies at a path below the root of the walk.
    pub fn full(&self, path: &RelPath) -> RelPath {
        let names = [self.plan.base.as_bytes(), path.as_bytes()];
        RelPath::from_names(names.into_iter().filter(|part| !part.is_empty()))
    }

    /// Tells what is done with an entry, if anybody wants to know.
    pub fn tell(&self, path: impl FnOnce() -> RelPath, action: Action, reason: Reason) {
        if self.is_dry() || self.plan.monitor.wants_entries() {
            self.plan.monitor.event(&Event::Entry { path: self.full(&path()), action, reason });
        }
    }

    /// Records a problem; its path is below the root of the walk.
    pub fn problem(&self, path: &RelPath, kind: ProblemKind, operation: &str, message: impl Into<String>) {
        self.add_problem(Problem::new(self.full(path), kind, operation, message));
    }

    pub fn add_problem(&self, problem: Problem) {
        self.plan.monitor.event(&Event::Problem(problem.clone()));
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).problems += 1;
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let size: usize = problems.iter().map(|kept| kept.path().as_bytes().len()).sum();
        if problems.len() < PROBLEMS_KEPT && size < PROBLEM_PATHS_KEPT {
            problems.push(problem);
        }
    }

    /// Sorts an error of the target: some end the run, the others are the entry's problem.
    pub fn target_problem(&self, path: &RelPath, operation: &'static str, error: io::Error) -> Result<()> {
        if errno::is_target_failing(&error) {
            let at = self.plan.asked.target.join(path.as_path());
            return Err(Error::io(operation, at, error));
        }
        let kind = match error.kind() {
            io::ErrorKind::AlreadyExists => ProblemKind::Collision,
            _ => ProblemKind::NotStored,
        };
        self.add_problem(Problem::io(self.full(path), kind, operation, &error));
        Ok(())
    }

    /// Takes an error of the snapshot as the entry's problem, unless this process is out of something.
    pub fn snapshot_problem(&self, path: &RelPath, operation: &'static str, error: io::Error) -> Result<()> {
        if errno::is_exhausted(&error) || Error::within(&error).is_some() {
            return Err(Error::io(operation, self.snapshot_path(path), error));
        }
        self.add_problem(Problem::io(self.full(path), ProblemKind::Unreadable, operation, &error));
        Ok(())
    }

    fn snapshot_path(&self, path: &RelPath) -> std::path::PathBuf {
        let asked = self.plan.asked;
        asked.repository.tree_path(&asked.snapshot).join(self.full(path).as_path())
    }

    /// Counts an entry with attributes that cannot be set here.
    pub fn count_out_of_reach(&self, what: &'static str) {
        *self.out_of_reach.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    pub fn tell_out_of_reach(&self) {
        let counted = std::mem::take(&mut *self.out_of_reach.lock().unwrap_or_else(PoisonError::into_inner));
        for (what, entries) in counted {
            self.plan.monitor.event(&Event::Notice(Notice::NotRestored { what, entries }));
        }
    }

    pub fn check_stop(&self) -> Result<()> {
        if self.plan.asked.stop.is_stopped() {
            return Err(Error::stopped("stopped; what was restored so far stays"));
        }
        Ok(())
    }

    /// Ends the run for all.
    pub fn fail(&self, error: Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.queue.close();
    }

    pub fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub fn take_failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
