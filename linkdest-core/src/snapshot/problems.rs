//! What goes wrong in a run, sorted: what ends it, what only spoils one entry, what is worth a notice.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::engine::Engine;
use crate::counts::Counter;
use crate::entry::{FileId, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::manifest::ManifestError;
use crate::monitor::{Event, Notice};
use crate::os::errno;
use crate::path::RelPath;
use crate::repository::record::{PROBLEM_PATHS_KEPT, PROBLEMS_KEPT};
use crate::source::Source;

impl<S: Source> Engine<'_, S> {
    /// Records a problem: it is counted, told, and kept for the report.
    pub fn problem(&self, worker: usize, problem: Problem) {
        self.counters.add(worker, Counter::Problems, 1);
        self.plan.monitor.event(&Event::Problem(problem.clone()));
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let size: usize = problems.iter().map(|kept| kept.path().as_bytes().len()).sum();
        if problems.len() < PROBLEMS_KEPT && size < PROBLEM_PATHS_KEPT {
            problems.push(problem);
        }
    }

    pub fn notice(&self, notice: Notice) {
        self.plan.monitor.event(&Event::Notice(notice));
    }

    /// Counts an entry with attributes that this run cannot set here.
    pub fn count_out_of_reach(&self, what: &'static str) {
        *self.out_of_reach.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    /// Sorts an error of the repository: some end the run, the others are the entry's problem.
    ///
    /// # Errors
    /// Those after which nothing more can be written at all.
    pub fn repository_problem(
        &self,
        worker: usize,
        path: RelPath,
        operation: &'static str,
        error: io::Error,
    ) -> Result<()> {
        if errno::is_target_failing(&error) {
            return Err(self.repository_error(operation, error));
        }
        let kind = match error.kind() {
            io::ErrorKind::AlreadyExists => ProblemKind::Collision,
            _ => ProblemKind::NotStored,
        };
        let problem = match kind {
            ProblemKind::Collision => Problem::new(
                path,
                kind,
                operation,
                "another name of this directory already stands for this one in the repository (case, Unicode form)",
            ),
            _ => Problem::io(path, kind, operation, &error),
        };
        self.problem(worker, problem);
        Ok(())
    }

    /// The error that ends the run because the repository failed.
    pub fn repository_error(&self, operation: &'static str, error: io::Error) -> Error {
        Error::io(operation, self.plan.repository, error)
    }

    /// Sorts an error of the source: gone is a notice, everything else a problem.
    ///
    /// # Errors
    /// Those that say that this process is out of something, or the source out of reach: going on would lose entry after
    /// entry.
    pub fn source_problem(
        &self,
        worker: usize,
        path: RelPath,
        operation: &'static str,
        error: &io::Error,
    ) -> Result<()> {
        if let Some(error) = Error::within(error) {
            return Err(error);
        }
        if errno::is_exhausted(error) {
            let error = io::Error::from_raw_os_error(error.raw_os_error().unwrap_or_default());
            return Err(Error::io(operation, path.as_path(), error));
        }
        match error.kind() {
            io::ErrorKind::NotFound => {
                self.counters.add(worker, Counter::Vanished, 1);
                self.notice(Notice::Vanished(path));
            }
            io::ErrorKind::StaleNetworkFileHandle | io::ErrorKind::NotADirectory => {
                self.problem(worker, Problem::io(path, ProblemKind::Changed, operation, error));
            }
            _ if errno::is_symlink(error) => self.problem(
                worker,
                Problem::new(path, ProblemKind::Changed, operation, "a symlink took its place meanwhile"),
            ),
            _ => self.problem(worker, Problem::io(path, ProblemKind::Unreadable, operation, error)),
        }
        Ok(())
    }

    /// Goes on without the first reference's manifest, and says so once.
    pub fn manifest_damaged(&self, worker: usize, error: &ManifestError) {
        if !self.manifest_lost.swap(true, Ordering::Relaxed) {
            let label = self.plan.references.first().map_or("", |reference| &reference.label);
            let message = format!("the manifest of {label}: {error}; `reindex` makes it anew");
            let problem = Problem::new(RelPath::root(), ProblemKind::ReferenceUnreadable, "read", message);
            self.problem(worker, problem);
        }
    }

    /// Notes that a reference's content is not what it was when it was saved.
    pub fn damaged_reference(&self, worker: usize, reference: usize, path: RelPath, id: FileId) {
        let label = self.plan.references.get(reference).map_or("", |reference| &reference.label);
        let message = format!("its content in {label} is damaged; it was taken from the source");
        self.problem(worker, Problem::new(path.clone(), ProblemKind::ReferenceUnreadable, "verify", message));
        self.damages.lock().unwrap_or_else(PoisonError::into_inner).push((reference, path, id));
        self.any_damage.store(true, Ordering::Relaxed);
    }

    /// Says whether an inode of the repository was found damaged, before or in this run.
    pub fn is_damaged(&self, disk: &Metadata) -> bool {
        let known = || self.damages.lock().unwrap_or_else(PoisonError::into_inner);
        self.plan.damaged.contains(&disk.id.inode)
            || (self.any_damage.load(Ordering::Relaxed) && known().iter().any(|(_, _, id)| *id == disk.id))
    }
}
