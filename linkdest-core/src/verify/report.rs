//! What a check came to.

use std::time::Duration;

use crate::error::Problem;
use crate::finding::Finding;
use crate::repository::SnapshotName;

/// What a check came to.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use linkdest_core::{Repository, Silent, Verifier};
/// let repository = Repository::init(dir.path().join("repo"))?;
/// let report = Verifier::new(&repository).run(&Silent)?;
/// assert_eq!((report.snapshots().len(), report.finding_count(), report.is_noted()), (0, 0, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct VerifyReport {
    pub(super) snapshots: Vec<SnapshotName>,
    pub(super) without_manifest: Vec<SnapshotName>,
    pub(super) entries: u64,
    pub(super) expunged: u64,
    pub(super) files_read: u64,
    pub(super) bytes_read: u64,
    pub(super) findings: Vec<Finding>,
    pub(super) finding_count: u64,
    pub(super) problems: Vec<Problem>,
    pub(super) problem_count: u64,
    pub(super) resumed: bool,
    pub(super) noted: bool,
    pub(super) duration: Duration,
}

impl VerifyReport {
    /// The snapshots that were checked.
    #[must_use]
    pub fn snapshots(&self) -> &[SnapshotName] {
        &self.snapshots
    }

    /// Those that could not be checked because they have no manifest: `reindex` makes one.
    #[must_use]
    pub fn without_manifest(&self) -> &[SnapshotName] {
        &self.without_manifest
    }

    /// The entries that were compared with their records, those of every snapshot counted.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The entries that are gone because they were [expunged](crate::Repository::expunge), those of every snapshot
    /// counted; a directory with everything in it is one.
    #[must_use]
    pub fn expunged(&self) -> u64 {
        self.expunged
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

    /// The first 1,000 findings; [`finding_count`](Self::finding_count) has the number of all.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The number of all findings.
    #[must_use]
    pub fn finding_count(&self) -> u64 {
        self.finding_count
    }

    /// The first 1,000 entries that could not be checked; [`problem_count`](Self::problem_count) has the number of all.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The number of all entries that could not be checked.
    #[must_use]
    pub fn problem_count(&self) -> u64 {
        self.problem_count
    }

    /// Whether it went on where another check was stopped.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether all damage is written down, so that the next run takes those files from the source. It is not while
    /// another process holds the lock; then check again.
    #[must_use]
    pub fn is_noted(&self) -> bool {
        self.noted
    }

    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }
}
