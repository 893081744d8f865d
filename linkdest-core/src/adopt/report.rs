//! What adopting came to.

use std::time::Duration;

use crate::entry::Timestamp;
use crate::error::Problem;
use crate::path::RelPath;
use crate::repository::SnapshotName;

/// A tool that makes snapshots as directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tool {
    /// A script around `rsync --link-dest`, or anything else that names directories by date.
    RsyncScript,
    /// rsnapshot: `daily.0`, `daily.1` ...
    Rsnapshot,
    /// rsync-time-backup: `backup.marker`, `2026-11-22-132200`.
    RsyncTimeBackup,
    /// Back In Time: `backintime/HOST/USER/PROFILE/20261122-132200-123/backup`.
    BackInTime,
    /// Timeshift: `timeshift/snapshots/2026-11-22_13-22-00/localhost`.
    Timeshift,
}

impl Tool {
    /// The name of the tool.
    ///
    /// ```
    /// assert_eq!(linkdest_core::Tool::BackInTime.as_str(), "Back In Time");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RsyncScript => "rsync script",
            Self::Rsnapshot => "rsnapshot",
            Self::RsyncTimeBackup => "rsync-time-backup",
            Self::BackInTime => "Back In Time",
            Self::Timeshift => "Timeshift",
        }
    }
}

/// One snapshot that was adopted, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    pub(super) snapshot: SnapshotName,
    pub(super) tree: RelPath,
    pub(super) tool: Tool,
    pub(super) started: Timestamp,
    pub(super) sequence: u64,
}

impl Adoption {
    /// The name that it has in the repository.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// Where its tree is, below the repository.
    #[must_use]
    pub fn tree(&self) -> &RelPath {
        &self.tree
    }

    /// The tool that made it.
    #[must_use]
    pub fn tool(&self) -> Tool {
        self.tool
    }

    /// When it was made, by the tool's own mark.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// The number of the run that it comes after, 0 before the first; see [`RunRecord::sequence`](crate::RunRecord::sequence).
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// A directory that looks like a snapshot, and is not adopted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    pub(super) path: RelPath,
    pub(super) reason: String,
}

impl PassedOver {
    /// Where it is, below the repository.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// Why it is not adopted.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What adopting came to.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let repo = dir.path();
/// std::fs::create_dir_all(repo.join("backup-20240601-020000/home"))?;
/// std::fs::create_dir_all(repo.join("backup-20240602-020000"))?;
/// use linkdest_core::{Adopter, Silent};
/// let report = Adopter::new(repo).dry_run(true).run(&Silent)?;
/// assert_eq!(report.adoptions()[0].tree().as_bytes(), b"backup-20240601-020000");
/// assert_eq!(report.passed_over()[0].reason(), "is empty");
/// assert!(report.is_dry_run() && report.is_new() && !repo.join(".linkdest").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AdoptReport {
    pub(super) adoptions: Vec<Adoption>,
    pub(super) passed_over: Vec<PassedOver>,
    pub(super) known: usize,
    pub(super) new: bool,
    pub(super) files_read: u64,
    pub(super) bytes_read: u64,
    pub(super) problems: Vec<Problem>,
    pub(super) problem_count: u64,
    pub(super) dry_run: bool,
    pub(super) duration: Duration,
}

impl AdoptReport {
    /// The snapshots that were adopted, or would be, the oldest first.
    #[must_use]
    pub fn adoptions(&self) -> &[Adoption] {
        &self.adoptions
    }

    /// What looks like a snapshot, and was not adopted.
    #[must_use]
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// The number of snapshots that had been adopted before.
    #[must_use]
    pub fn known(&self) -> usize {
        self.known
    }

    /// Whether the directory became a repository by it, or would.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.new
    }

    /// The files whose content was read, an inode once.
    #[must_use]
    pub fn files_read(&self) -> u64 {
        self.files_read
    }

    /// The bytes of content that were read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The first 1,000 entries and snapshots that could not be read; [`problem_count`](Self::problem_count) has the
    /// number of all.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The number of all entries and snapshots that could not be read.
    #[must_use]
    pub fn problem_count(&self) -> u64 {
        self.problem_count
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }
}
