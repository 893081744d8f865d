//! What goes wrong in a run, sorted: what ends it, what only spoils one entry, what is worth a notice.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::engine::Engine;
use super::node::Node;
use crate::counts::Counter;
use crate::entry::{FileId, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::manifest::ManifestError;
use crate::monitor::{Event, Notice};
use crate::os::{Listing, errno};
use crate::path::{Escaped, RelPath};
use crate::repository::record::{PROBLEM_PATHS_KEPT, PROBLEMS_KEPT};
use crate::source::Source;

/// Of a name that nothing is like in case, so many others are looked at.
const NAMES_LOOKED_AT: usize = 10_000;

fn folded(name: &CStr) -> String {
    name.to_string_lossy().to_lowercase()
}

/// Two names of one directory that are one name in the repository: the first is saved, the second is not.
fn collision(path: RelPath, operation: &str, other: Option<&CStr>) -> Problem {
    let other = other.map_or_else(
        || "another name of this directory".to_owned(),
        |other| format!("{:?}", Escaped(other.to_bytes()).to_string()),
    );
    let message = format!(
        "{other} already stands for this one in the repository (case, Unicode form): this one is not saved, rename one \
         of them"
    );
    Problem::new(path, ProblemKind::Collision, operation, message)
}

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
        let problem = match error.kind() {
            io::ErrorKind::AlreadyExists => collision(path, operation, None),
            _ => Problem::io(path, ProblemKind::NotStored, operation, &error),
        };
        self.problem(worker, problem);
        Ok(())
    }

    /// Sorts an error of making a name in the repository, as [`repository_problem`](Self::repository_problem) does. Of a
    /// name that is taken there it is said which name of the source has it.
    pub fn placing_problem(
        &self,
        worker: usize,
        (node, name): (&Arc<Node<S>>, &CStr),
        operation: &'static str,
        error: io::Error,
    ) -> Result<()> {
        let path = node.path_of(name);
        if error.kind() != io::ErrorKind::AlreadyExists {
            return self.repository_problem(worker, path, operation, error);
        }
        let other = self.namesake(node, name);
        self.problem(worker, collision(path, operation, other.as_deref()));
        Ok(())
    }

    /// The name of the source that is the same as `name` in the repository, and was there first.
    fn namesake(&self, node: &Arc<Node<S>>, name: &CStr) -> Option<CString> {
        let handles = self.handles(node).ok()?;
        let staged = handles.staged.as_ref()?;
        let taken = staged.stat_at(name).ok()?.id;
        let mut listing = Listing::default();
        let listed = self.plan.source.open_dir(&handles.source, c".").ok()?.dir;
        self.plan.source.list(&listed, &mut listing).ok()?;
        let folded = folded(name);
        let names =
            || listing.entries().iter().map(|entry| listing.name(*entry)).filter(|other| *other != name);
        let is_it = |other: &&CStr| staged.stat_at(other).is_ok_and(|stat| stat.id == taken);
        let alike = names().filter(|other| self::folded(other) == folded).find(is_it);
        alike.or_else(|| names().take(NAMES_LOOKED_AT).find(is_it)).map(CStr::to_owned)
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
