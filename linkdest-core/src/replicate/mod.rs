//! Bringing the snapshots of a repository to another one, with everything that they share.
//!
//! A snapshot is read from its manifest, beside that of an earlier one that the target has: what is the same inode in
//! both is linked there, the rest is sent and compared with its recorded hash on the way. A first walk over the
//! manifests finds what belongs together (`plan`); the second places it (`walk`).

mod ahead;
mod begun;
mod beside;
mod choose;
mod content;
mod earlier;
mod entry;
mod far;
mod here;
mod leftover;
mod listing;
mod local;
mod plan;
mod publish;
mod recorded;
mod report;
mod run;
mod same;
mod server;
mod special;
mod store;
mod there;
mod throttle;
mod tree;
mod walk;
mod watch;

pub use report::{Replica, ReplicaState, ReplicateReport};

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Result;
use crate::monitor::{Monitor, StopFlag};
use crate::repository::SnapshotName;
use crate::retention::KeepRules;
use crate::sftp::Ssh;

/// Brings the snapshots of a repository to another one, the oldest first.
///
/// The target is a repository like any other: its snapshots have the names, run records and order that they have in the
/// first, and share inodes exactly as there, as long as its file system takes that many links. The first repository is only
/// read. What is sent is compared with the recorded hash; content that is not what was saved is a problem of the kind
/// [`Damaged`](crate::ProblemKind::Damaged), is kept as it is, and nothing is linked to it.
///
/// It can be stopped, or killed, and run again: it goes on. Where the target has all snapshots, nothing is sent.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo, second) = (dir.path().join("source"), dir.path().join("repo"), dir.path().join("second"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("f"), "hello")?;
/// use linkdest_core::{ReplicaState, Replicator, Repository, Silent, Snapshotter};
/// for _ in 0..2 {
///     Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// }
/// let report = Replicator::new(&repo, &second).init(true).run(&Silent)?;
/// assert_eq!((report.counts().files_copied, report.counts().files_linked), (1, 1));
/// let names = |repo| -> linkdest_core::Result<Vec<String>> {
///     Ok(Repository::open(repo)?.snapshots()?.iter().map(|one| one.name().to_string()).collect())
/// };
/// assert_eq!(names(&repo)?, names(&second)?);
/// let report = Replicator::new(&repo, &second).run(&Silent)?;
/// assert!(report.replicas().iter().all(|one| one.state() == ReplicaState::Present));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Replicator {
    repository: PathBuf,
    target: PathBuf,
    init: bool,
    snapshots: Vec<SnapshotName>,
    keep: KeepRules,
    bandwidth: Option<u64>,
    dry_run: bool,
    lock_wait: Duration,
    stop: StopFlag,
    ssh: Ssh,
}

impl Replicator {
    /// Names the repository that is read, and the one that is written to: a directory, or `sftp://[USER@]HOST[:PORT]/PATH`.
    #[must_use]
    pub fn new(repository: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        Self {
            repository: repository.as_ref().to_owned(),
            target: target.as_ref().to_owned(),
            init: false,
            snapshots: Vec::new(),
            keep: KeepRules::default(),
            bandwidth: None,
            dry_run: false,
            lock_wait: Duration::ZERO,
            stop: StopFlag::default(),
            ssh: Ssh::default(),
        }
    }

    /// Says how a target on a server, `sftp://...`, is reached. Unset: by `ssh`.
    #[must_use]
    pub fn ssh(mut self, ssh: Ssh) -> Self {
        self.ssh = ssh;
        self
    }

    /// Makes the target a repository if it is none. Unset: that is an error.
    #[must_use]
    pub fn init(mut self, init: bool) -> Self {
        self.init = init;
        self
    }

    /// Brings this snapshot; repeatable. Unset: all of them.
    #[must_use]
    pub fn snapshot(mut self, name: SnapshotName) -> Self {
        self.snapshots.push(name);
        self
    }

    /// Brings only what these rules would keep of the target's snapshots and the new ones together, and forgets there what
    /// they do not keep. Unset: everything is brought and stays.
    #[must_use]
    pub fn keep(mut self, rules: KeepRules) -> Self {
        self.keep = rules;
        self
    }

    /// Sends no more than so many bytes of content in a second, on average. Unset: as fast as it goes.
    #[must_use]
    pub fn bandwidth(mut self, bytes: u64) -> Self {
        self.bandwidth = Some(bytes);
        self
    }

    /// Writes nothing, and says what would be sent. Unset: does it.
    #[must_use]
    pub fn dry_run(mut self, dry: bool) -> Self {
        self.dry_run = dry;
        self
    }

    /// Sets how long to wait for the target's lock. Unset: not at all.
    #[must_use]
    pub fn lock_wait(mut self, patience: Duration) -> Self {
        self.lock_wait = patience;
        self
    }

    /// Sets the flag that stops it from outside: what was published by then stays. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Brings the snapshots.
    ///
    /// # Errors
    /// [`NotARepository`](crate::ErrorKind::NotARepository) if one of the two is none;
    /// [`SourceIsRepository`](crate::ErrorKind::SourceIsRepository) if they are the same, or one lies in the other;
    /// [`NoSuchSnapshot`](crate::ErrorKind::NoSuchSnapshot); [`Locked`](crate::ErrorKind::Locked);
    /// [`Connection`](crate::ErrorKind::Connection), [`NoHardLinks`](crate::ErrorKind::NoHardLinks); a target that cannot be
    /// written to; when it was stopped. A snapshot that cannot be brought is a problem in the report.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<ReplicateReport> {
        run::run(self, monitor)
    }
}
