//! Making manifests anew from the trees: of snapshots whose manifest was lost or damaged, or that rsync made.
//!
//! A tree tells less than a run knew: the inodes and change times of the source are unknown, and attributes that the run
//! could not store here are lost. Contents, and which snapshots share which inode, are all there.

mod hashes;
mod indexing;
mod report;
mod run;
mod survey;
mod write;

pub use report::{ReindexReport, Reindexed};

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::error::Result;
use crate::monitor::{Monitor, StopFlag};
use crate::repository::{Repository, SnapshotName};

/// Makes manifests anew from the trees of snapshots.
///
/// Setters say what is asked for; [`run`](Self::run) does it, under the lock. Each inode is read once, whatever the
/// number of snapshots that share it.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("a"), "hello")?;
/// use linkdest_core::{Reindexer, Repository, Silent, Snapshotter};
/// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// let name = report.snapshot().unwrap();
/// std::fs::remove_file(repo.join(format!(".linkdest/manifests/{name}.ldm")))?;
///
/// let repository = Repository::open(&repo)?;
/// let report = Reindexer::new(&repository).run(&Silent)?;
/// assert_eq!((report.snapshots().len(), report.bytes_read()), (1, 5));
/// assert_eq!(repository.manifest(name)?.unwrap().totals().entries, 1);
/// assert_eq!(Reindexer::new(&repository).run(&Silent)?.snapshots().len(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reindexer<'r> {
    repository: &'r Repository,
    snapshots: Vec<SnapshotName>,
    all: bool,
    trust: bool,
    dry_run: bool,
    threads: Option<NonZeroUsize>,
    lock_wait: Duration,
    stop: StopFlag,
}

impl<'r> Reindexer<'r> {
    /// Names the repository.
    #[must_use]
    pub fn new(repository: &'r Repository) -> Self {
        Self {
            repository,
            snapshots: Vec::new(),
            all: false,
            trust: false,
            dry_run: false,
            threads: None,
            lock_wait: Duration::ZERO,
            stop: StopFlag::default(),
        }
    }

    /// Adds a snapshot to those whose manifest is made anew, whatever it is like. Unset: those whose manifest is missing
    /// or damaged.
    #[must_use]
    pub fn snapshot(mut self, name: SnapshotName) -> Self {
        self.snapshots.push(name);
        self
    }

    /// Makes all manifests anew. What only a sound manifest knew is lost. Unset: see [`snapshot`](Self::snapshot).
    #[must_use]
    pub fn all(mut self, all: bool) -> Self {
        self.all = all;
        self
    }

    /// Takes hashes from the sound manifests of other snapshots, unread, where inode, size and modification time are as
    /// recorded there. Unset: every inode is read, so that damage does not become the truth unseen.
    #[must_use]
    pub fn trust(mut self, trust: bool) -> Self {
        self.trust = trust;
        self
    }

    /// Writes nothing, and says which manifests would be made. Unset: makes them.
    #[must_use]
    pub fn dry_run(mut self, dry: bool) -> Self {
        self.dry_run = dry;
        self
    }

    /// Sets the number of threads that read. Unset: one for each core.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets how long to wait for another run to end. Unset: not at all.
    #[must_use]
    pub fn lock_wait(mut self, patience: Duration) -> Self {
        self.lock_wait = patience;
        self
    }

    /// Sets the flag that stops it from outside: the manifests that are done stay. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Makes the manifests.
    ///
    /// # Errors
    /// When the lock is held by another run, the repository cannot be written, or it was stopped. A snapshot that
    /// cannot be read is a problem in the report, and keeps the manifest that it has.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<ReindexReport> {
        run::run(self, monitor)
    }

    /// Makes the manifests for somebody who holds the lock.
    pub(crate) fn run_locked(&self, monitor: &dyn Monitor) -> Result<ReindexReport> {
        run::index(self, monitor)
    }
}
