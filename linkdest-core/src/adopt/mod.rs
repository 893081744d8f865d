//! Taking over snapshots that other tools made, where they are.
//!
//! A tool is recognised by how it names its directories; nothing in them is changed. Each gets a run record, which has its
//! name here and its path below the repository, and a manifest.

mod candidate;
mod date;
mod dated;
mod nested;
mod plan;
mod recognise;
mod report;
mod rotated;
mod run;

pub use report::{AdoptReport, Adoption, PassedOver, Tool};

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Result;
use crate::monitor::{Monitor, StopFlag};

/// Takes over, in place, a directory with the snapshots of another tool.
///
/// Known are dated directories as rsync scripts make them, rsnapshot, rsync-time-backup, Back In Time and Timeshift. The
/// directory becomes a repository if it is none. Each snapshot gets a name from the tool's own mark, and stays where it
/// is; of its files each inode is read once. The next snapshot links to the newest of them. From then on the tool must not
/// rotate or delete there any more.
///
/// It can be stopped and run again: it goes on, and finds nothing new when it is done.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let repo = dir.path().join("backups");
/// for day in ["2024-06-01", "2024-06-02"] {
///     std::fs::create_dir_all(repo.join(day))?;
///     std::fs::write(repo.join(day).join("file"), "hello")?;
/// }
/// use linkdest_core::{Adopter, Repository, Silent, Tool};
/// let report = Adopter::new(&repo).run(&Silent)?;
/// assert_eq!(report.adoptions().len(), 2);
/// assert_eq!((report.adoptions()[0].tool(), report.bytes_read()), (Tool::RsyncScript, 10));
/// let snapshots = Repository::open(&repo)?.snapshots()?;
/// assert_eq!(snapshots[1].path(), repo.join("2024-06-02"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Adopter {
    repository: PathBuf,
    dry_run: bool,
    threads: Option<NonZeroUsize>,
    lock_wait: Duration,
    stop: StopFlag,
}

impl Adopter {
    /// Names the directory.
    #[must_use]
    pub fn new(repository: impl AsRef<Path>) -> Self {
        Self {
            repository: repository.as_ref().to_owned(),
            dry_run: false,
            threads: None,
            lock_wait: Duration::ZERO,
            stop: StopFlag::default(),
        }
    }

    /// Writes nothing, and says what would be adopted. Unset: adopts it.
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

    /// Sets the flag that stops it from outside: what was adopted by then stays. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Adopts what is there.
    ///
    /// # Errors
    /// [`NotARepository`](crate::ErrorKind::NotARepository) if the directory is none, and no snapshots of a known tool are
    /// in it; [`NoHardLinks`](crate::ErrorKind::NoHardLinks); [`Locked`](crate::ErrorKind::Locked); when the directory
    /// cannot be read or written, or it was stopped. Files that cannot be read are problems in the report.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<AdoptReport> {
        run::run(self, monitor)
    }
}
