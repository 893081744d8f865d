//! What a restore came to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Problem;
use crate::repository::{SnapshotName, Status};

/// What a restore did, in entries and bytes.
///
/// ```
/// let counts = linkdest_core::RestoreCounts::default();
/// assert_eq!((counts.entries, counts.files_copied), (0, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RestoreCounts {
    /// Entries that the snapshot has below the path, the one at the path not.
    pub entries: u64,
    /// Entries that were as they should be.
    pub unchanged: u64,
    /// Entries that were there and were to stay.
    pub kept: u64,
    /// Regular files whose content was copied.
    pub files_copied: u64,
    /// Regular files that share their blocks with the snapshot's (reflink).
    pub files_cloned: u64,
    /// Names that were linked to another name of the same inode.
    pub linked: u64,
    /// Directories that were made.
    pub directories_created: u64,
    /// Symlinks, FIFOs, sockets and devices that were made.
    pub other_created: u64,
    /// Entries of which attributes alone were set.
    pub attributes_set: u64,
    /// Entries that the snapshot does not have, removed with all that was in them.
    pub deleted: u64,
    /// The sum of the sizes of all regular files in bytes, by name.
    pub bytes: u64,
    /// Bytes of content written; holes do not count.
    pub bytes_copied: u64,
    /// Bytes of content shared with the snapshot by clones.
    pub bytes_cloned: u64,
    /// Entries or attributes that could not be restored.
    pub problems: u64,
}

impl RestoreCounts {
    pub(super) fn add(&mut self, other: &Self) {
        self.entries += other.entries;
        self.unchanged += other.unchanged;
        self.kept += other.kept;
        self.files_copied += other.files_copied;
        self.files_cloned += other.files_cloned;
        self.linked += other.linked;
        self.directories_created += other.directories_created;
        self.other_created += other.other_created;
        self.attributes_set += other.attributes_set;
        self.deleted += other.deleted;
        self.bytes += other.bytes;
        self.bytes_copied += other.bytes_copied;
        self.bytes_cloned += other.bytes_cloned;
        self.problems += other.problems;
    }
}

/// The result of a restore, or of a dry run of one.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("f"), "hello")?;
/// use linkdest_core::{RelPath, Repository, Silent, Snapshotter};
/// let snapshot = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// let (repository, name) = (Repository::open(&repo)?, snapshot.snapshot().unwrap());
/// let report = repository.restore(name, &RelPath::root(), dir.path().join("back")).dry_run(true).run(&Silent)?;
/// assert!(report.is_dry_run() && report.problems().is_empty());
/// assert_eq!((report.snapshot(), report.counts().bytes_copied), (name, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RestoreReport {
    pub(super) snapshot: SnapshotName,
    pub(super) target: PathBuf,
    pub(super) counts: RestoreCounts,
    pub(super) problems: Vec<Problem>,
    pub(super) duration: Duration,
    pub(super) dry_run: bool,
}

impl RestoreReport {
    /// The name of the snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &SnapshotName {
        &self.snapshot
    }

    /// What was restored to, as it was given.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Whether everything was restored.
    #[must_use]
    pub fn status(&self) -> Status {
        if self.counts.problems == 0 { Status::Complete } else { Status::Problems }
    }

    /// What was done.
    #[must_use]
    pub fn counts(&self) -> &RestoreCounts {
        &self.counts
    }

    /// The first 1,000 problems; [`RestoreCounts::problems`] has the number of all.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How long the run took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Says whether nothing was written.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }
}
