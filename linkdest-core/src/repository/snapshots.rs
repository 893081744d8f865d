//! The snapshots that are there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Repository, RunRecord, SnapshotName, Status};
use crate::entry::Timestamp;
use crate::error::{Error, Result};
use crate::os::Listing;
use crate::path::RelPath;

/// One published snapshot.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// use linkdest_core::{Repository, Silent, Snapshotter, Status};
/// Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// let snapshots = Repository::open(&repo)?.snapshots()?;
/// assert_eq!(snapshots.len(), 1);
/// assert_eq!(snapshots[0].status(), Status::Complete);
/// assert!(snapshots[0].path().is_dir());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Snapshot {
    name: SnapshotName,
    path: PathBuf,
    record: Option<RunRecord>,
    pinned: bool,
}

impl Snapshot {
    /// A snapshot that nothing is known of but its name.
    #[cfg(test)]
    pub(super) fn unrecorded(name: SnapshotName, path: PathBuf) -> Self {
        Self { name, path, record: None, pinned: false }
    }

    /// A snapshot that was found elsewhere.
    pub(crate) fn found(name: SnapshotName, path: PathBuf, record: Option<RunRecord>, pinned: bool) -> Self {
        Self { name, path, record, pinned }
    }

    /// The snapshot's name.
    #[must_use]
    pub fn name(&self) -> &SnapshotName {
        &self.name
    }

    /// Where its tree is: in the repository under the snapshot's name, or where the tool left it that it was adopted from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When its run started; to the second where only the name is left to tell.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.record.as_ref().map_or_else(|| self.name.started(), RunRecord::started)
    }

    /// How its run ended. What has the name of a snapshot is complete, also when its record was lost.
    #[must_use]
    pub fn status(&self) -> Status {
        self.record.as_ref().and_then(RunRecord::status).unwrap_or(Status::Complete)
    }

    /// The path of its tree below the repository.
    pub(crate) fn tree(&self) -> RelPath {
        let adopted = self.record.as_ref().and_then(RunRecord::tree).cloned();
        adopted.unwrap_or_else(|| RelPath::from_names([self.name.as_str().as_bytes()].into_iter()))
    }

    /// What is known of its run, unless that was lost.
    #[must_use]
    pub fn record(&self) -> Option<&RunRecord> {
        self.record.as_ref()
    }

    /// Whether it is kept whatever the keep rules say.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// Whether nobody is sure that it is what it should be: [`RunRecord::suspect`] says why.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.record.as_ref().is_some_and(|record| !record.suspect.is_empty())
    }

    /// Whether another tool made it, and it was adopted.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.record.as_ref().is_some_and(RunRecord::is_adopted)
    }

    /// Whether it can stand for its source: problems are those of single entries. A suspect one cannot, though later ones
    /// link to it all the same.
    pub(crate) fn is_good(&self) -> bool {
        if self.is_suspect() {
            return false;
        }
        match self.status() {
            Status::Complete | Status::Problems => true,
        }
    }

    /// The run's number; 0 where it was lost, so that those come first.
    pub(crate) fn sequence(&self) -> u64 {
        self.record.as_ref().map_or(0, RunRecord::sequence)
    }
}

impl Repository {
    /// Lists the published snapshots, the oldest run first: by sequence, which a clock set back does not confuse.
    ///
    /// # Errors
    /// When the repository cannot be read. A damaged run record is passed over: the snapshot itself is not damaged.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let mut records: BTreeMap<_, _> = self.read_runs()?;
        let pins = self.pins()?;
        let failed = |error| Error::io("list", &self.path, error);
        let mut listing = Listing::default();
        self.root.open_dir(c".").and_then(|root| root.list(&mut listing)).map_err(failed)?;
        let mut snapshots = Vec::new();
        for entry in listing.entries() {
            let text = listing.name(*entry).to_str().unwrap_or_default();
            if let Ok(name) = text.parse::<SnapshotName>()
                && self.has_own_tree(&name)?
            {
                let record = records.remove(&name).and_then(Result::ok);
                let record = record.filter(|record| record.adopted.is_none());
                let (path, pinned) = (self.path.join(name.as_str()), pins.contains(&name));
                snapshots.push(Snapshot { name, path, record, pinned });
            }
        }
        for (name, record) in records {
            if let Ok(record) = record
                && let Some(adopted) = &record.adopted
                && self.has_adopted(adopted)?
            {
                let (path, pinned) = (self.path.join(adopted.tree.as_path()), pins.contains(&name));
                snapshots.push(Snapshot { name, path, record: Some(record), pinned });
            }
        }
        snapshots.sort_by(|a, b| (a.sequence(), &a.name).cmp(&(b.sequence(), &b.name)));
        Ok(snapshots)
    }
}
