//! What replicating came to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::counts::Counts;
use crate::error::Problem;
use crate::repository::{SnapshotName, Status};

/// What became of one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplicaState {
    /// The target had it already.
    Present,
    /// It was brought, or would be in a dry run.
    Sent,
    /// The keep rules do not keep it, so that it was not brought.
    NotKept,
    /// It could not be brought; a problem says why.
    Failed,
}

impl ReplicaState {
    /// The word for it in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::ReplicaState::NotKept.as_str(), "not_kept");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Sent => "sent",
            Self::NotKept => "not_kept",
            Self::Failed => "failed",
        }
    }
}

/// One snapshot of the repository that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    pub(super) snapshot: SnapshotName,
    pub(super) state: ReplicaState,
    pub(super) counts: Counts,
}

impl Replica {
    /// Its name, the same in both repositories.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// What became of it.
    #[must_use]
    pub fn state(&self) -> ReplicaState {
        self.state
    }

    /// What was done for it: files copied or cloned were sent, those linked the target had.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// What replicating came to: see [`Replicator`](crate::Replicator).
#[derive(Debug)]
pub struct ReplicateReport {
    pub(super) target: PathBuf,
    pub(super) replicas: Vec<Replica>,
    pub(super) removed: Vec<SnapshotName>,
    pub(super) counts: Counts,
    pub(super) problems: Vec<Problem>,
    pub(super) dry_run: bool,
    pub(super) duration: Duration,
}

impl ReplicateReport {
    /// The repository that was written to.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// What became of each snapshot that was asked for, the oldest run first.
    #[must_use]
    pub fn replicas(&self) -> &[Replica] {
        &self.replicas
    }

    /// What the keep rules removed at the target, or would remove.
    #[must_use]
    pub fn removed(&self) -> &[SnapshotName] {
        &self.removed
    }

    /// The figures of all snapshots that were brought, added up.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The first 1,000 problems; [`Counts::problems`] has the number of all. Paths begin with the snapshot's name.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether everything was brought as it is.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.counts.problems == 0 { Status::Complete } else { Status::Problems }
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
