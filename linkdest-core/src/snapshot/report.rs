//! What a run came to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::counts::Counts;
use crate::error::Problem;
use crate::repository::{SnapshotName, Status};

/// The result of a run that published a snapshot, or of a dry run.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("a"), "hello")?;
/// use linkdest_core::{Silent, Snapshotter, Status};
/// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// assert_eq!(report.status(), Status::Complete);
/// assert_eq!((report.counts().files_copied, report.counts().bytes_copied), (1, 5));
/// assert_eq!(std::fs::read(report.path().unwrap().join("a"))?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SnapshotReport {
    pub(super) snapshot: Option<SnapshotName>,
    pub(super) path: Option<PathBuf>,
    pub(super) counts: Counts,
    pub(super) problems: Vec<Problem>,
    pub(super) suspect: Vec<String>,
    pub(super) duration: Duration,
}

impl SnapshotReport {
    /// The name of the snapshot; `None` after a dry run.
    #[must_use]
    pub fn snapshot(&self) -> Option<&SnapshotName> {
        self.snapshot.as_ref()
    }

    /// Where the snapshot is; `None` after a dry run.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether everything was saved as asked.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.counts.problems == 0 { Status::Complete } else { Status::Problems }
    }

    /// What was done.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The first 1,000 problems; [`Counts::problems`] has the number of all.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Why the snapshot may not be what it should be; nothing, most often. A suspect snapshot is whole, and later ones
    /// link to it, but it is never the reason that others are forgotten, and what comes after it is suspect too, until
    /// [`Repository::accept`](crate::Repository::accept) clears it.
    #[must_use]
    pub fn suspect(&self) -> &[String] {
        &self.suspect
    }

    /// Whether there is such a reason.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        !self.suspect.is_empty()
    }

    /// How long the run took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Says whether nothing was written.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.snapshot.is_none()
    }
}
