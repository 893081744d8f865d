//! What making manifests came to.

use std::time::Duration;

use crate::error::Problem;
use crate::manifest::Totals;
use crate::repository::SnapshotName;

/// One manifest that was made, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    pub(super) snapshot: SnapshotName,
    pub(super) reason: &'static str,
    pub(super) totals: Totals,
}

impl Reindexed {
    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// Why its manifest is made anew: `missing`, `damaged` or `asked for`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// The figures of the snapshot; zero in a dry run.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

/// What making manifests came to.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use linkdest_core::{Reindexer, Repository, Silent};
/// let repository = Repository::init(dir.path().join("repo"))?;
/// let report = Reindexer::new(&repository).dry_run(true).run(&Silent)?;
/// assert!(report.is_dry_run() && report.snapshots().is_empty() && report.problems().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReindexReport {
    pub(super) snapshots: Vec<Reindexed>,
    pub(super) files_read: u64,
    pub(super) bytes_read: u64,
    pub(super) problems: Vec<Problem>,
    pub(super) problem_count: u64,
    pub(super) dry_run: bool,
    pub(super) duration: Duration,
}

impl ReindexReport {
    /// The manifests that were made, or would be, in the order of the runs.
    #[must_use]
    pub fn snapshots(&self) -> &[Reindexed] {
        &self.snapshots
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
