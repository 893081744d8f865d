//! Checking snapshots against what was written down of them.
//!
//! First the manifest itself; then each entry of the tree against its record; then the content of each inode, read once
//! whatever the number of snapshots and paths that share it. What belongs to an inode is told once, with all of its
//! names; that takes another walk over the trees, which is made only when something was found.

mod compare;
mod links;
mod names;
mod noting;
mod pending;
mod report;
mod run;
mod sample;
mod server;
mod state;
mod there;
mod tree;

pub use report::VerifyReport;
pub use sample::{InvalidSample, Sample};
pub use server::RemoteVerifier;

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::error::Result;
use crate::monitor::{Monitor, StopFlag};
use crate::repository::{Repository, SnapshotName};

/// Checks the snapshots of a repository.
///
/// Setters say what is asked for; [`run`](Self::run) does it. It takes no lock while it reads. What is found damaged is
/// written down under the lock, so that the next run of any policy takes those files from the source again.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("a"), "hello")?;
/// use linkdest_core::{Cause, FindingKind, Repository, Silent, Snapshotter, Verifier};
/// let snapshotter = Snapshotter::new(&source, &repo).init(true);
/// let first = snapshotter.run(&Silent)?;
/// let second = snapshotter.run(&Silent)?;
/// let repository = Repository::open(&repo)?;
/// let report = Verifier::new(&repository).run(&Silent)?;
/// assert!(report.findings().is_empty());
/// assert_eq!((report.entries(), report.bytes_read()), (2, 5));
///
/// std::fs::write(first.path().unwrap().join("a"), "hallo")?;
/// let report = Verifier::new(&repository).run(&Silent)?;
/// let finding = &report.findings()[0];
/// assert_eq!((finding.kind(), finding.cause()), (FindingKind::Content, Some(Cause::Tampering)));
/// assert_eq!(finding.shared()[0].snapshot, second.snapshot().unwrap().as_str());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Verifier<'r> {
    repository: &'r Repository,
    snapshots: Vec<SnapshotName>,
    sample: Option<Sample>,
    resume: bool,
    threads: Option<NonZeroUsize>,
    lock_wait: Duration,
    stop: StopFlag,
}

impl<'r> Verifier<'r> {
    /// Names the repository.
    #[must_use]
    pub fn new(repository: &'r Repository) -> Self {
        Self {
            repository,
            snapshots: Vec::new(),
            sample: None,
            resume: false,
            threads: None,
            lock_wait: Duration::ZERO,
            stop: StopFlag::default(),
        }
    }

    /// Adds a snapshot to those that are checked. Unset: all of them.
    #[must_use]
    pub fn snapshot(mut self, name: SnapshotName) -> Self {
        self.snapshots.push(name);
        self
    }

    /// Reads the content of a part of the inodes only, another part each time: see [`Sample`]. Everything else is
    /// checked for all entries. Unset: all content is read.
    #[must_use]
    pub fn sample(mut self, sample: Sample) -> Self {
        self.sample = Some(sample);
        self
    }

    /// Goes on with a check that was stopped: what it found sound is not read again, and its sample and snapshots are
    /// taken over. Unset: begins anew.
    #[must_use]
    pub fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Sets the number of threads. Unset: one for each core.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets how long to wait for the lock when damage is to be written down. Unset: not at all.
    #[must_use]
    pub fn lock_wait(mut self, patience: Duration) -> Self {
        self.lock_wait = patience;
        self
    }

    /// Sets the flag that stops the check from outside. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Checks.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) when it was stopped: what was found until then was told
    /// to the monitor, and [`resume`](Self::resume) goes on. [`ErrorKind::NoSuchSnapshot`](crate::ErrorKind::NoSuchSnapshot).
    pub fn run(&self, monitor: &dyn Monitor) -> Result<VerifyReport> {
        run::run(self, monitor)
    }
}
