//! What changed from one snapshot to another, as their manifests tell it.
//!
//! Both manifests are walked side by side, in the order of their names. What differs is kept as two places in them; when
//! all is known, names that went and names that came are matched to renames, and paths are looked up as changes are
//! asked for. So memory grows by some dozen bytes a change, and by the names of files with several links.

mod change;
mod compare;
mod links;
mod merge;
mod renames;
mod shared;

pub use change::{Aspects, Change, ChangeKind};

use super::side::Side;
use super::stopped;
use crate::entry::Kind;
use crate::error::Result;
use crate::monitor::StopFlag;
use crate::repository::{Repository, SnapshotName};
use merge::Difference;

impl Repository {
    /// Tells what changed from snapshot `before` to snapshot `after`, in the order of the paths: an entry, then what is
    /// below it, then the next name.
    ///
    /// Two entries of one path are equal when kind, mode, owner, times, extended attributes, content, target or device,
    /// and the other names of the inode are. An entry that is gone under one path and there under another is one change
    /// of kind [`Renamed`](ChangeKind::Renamed): where the source has the same inode, made at the same time, or the
    /// repository has, or only one file went and only one came with some content. The entries below a renamed directory
    /// are renamed themselves, each with a change of its own, so that nothing is hidden.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{ChangeKind, Repository, Silent, Snapshotter};
    /// std::fs::write(source.join("old name"), "text")?;
    /// let before = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// std::fs::rename(source.join("old name"), source.join("new name"))?;
    /// let after = Snapshotter::new(&source, &repo).run(&Silent)?;
    /// let repository = Repository::open(&repo)?;
    /// let diff = repository.diff(before.snapshot().unwrap(), after.snapshot().unwrap())?;
    /// let changes = diff.collect::<Result<Vec<_>, _>>()?;
    /// // The root has another time now.
    /// assert_eq!((changes[0].path().as_bytes(), changes[0].kind()), (&b""[..], ChangeKind::Attributes));
    /// assert_eq!((changes[1].path().as_bytes(), changes[1].kind()), (&b"new name"[..], ChangeKind::Renamed));
    /// assert_eq!(changes[1].from().unwrap().as_bytes(), b"old name");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::MissingManifest`](crate::ErrorKind::MissingManifest) if one of them has no manifest, and when a
    /// manifest or, where a manifest has no hash, a file cannot be read.
    pub fn diff(&self, before: &SnapshotName, after: &SnapshotName) -> Result<Diff> {
        self.diff_with(before, after, &StopFlag::default())
    }

    /// Tells the same as [`diff`](Self::diff), unless it is stopped from outside: also the changes that are not told yet
    /// are an error then.
    ///
    /// # Errors
    /// As `diff`; [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted).
    pub fn diff_with(&self, before: &SnapshotName, after: &SnapshotName, stop: &StopFlag) -> Result<Diff> {
        let (mut before, mut after) = (Side::open(self, before)?, Side::open(self, after)?);
        let differences = shared::differences(&mut before, &mut after, stop)?;
        Ok(Diff { before, after, differences: differences.into_iter(), stop: stop.clone() })
    }
}

/// The changes from one snapshot to another: see [`Repository::diff`].
///
/// ```
/// fn count(diff: linkdest_core::Diff) -> linkdest_core::Result<usize> {
///     diff.map(|change| change.map(|_| 1)).sum()
/// }
/// ```
#[derive(Debug)]
pub struct Diff {
    before: Side,
    after: Side,
    differences: std::vec::IntoIter<Difference>,
    stop: StopFlag,
}

impl Iterator for Diff {
    type Item = Result<Change>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut difference = self.differences.next()?;
        if self.stop.is_stopped() {
            self.differences = Vec::new().into_iter();
            return Some(Err(stopped()));
        }
        let Self { before, after, .. } = self;
        match difference.told.take() {
            Some(told) => Some(Ok(*told)),
            None => Some(tell(before, after, &difference)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.differences.size_hint()
    }
}

/// Reads what there is to say of a difference.
fn tell(before: &mut Side, after: &mut Side, difference: &Difference) -> Result<Change> {
    let earlier = difference.before.map(|at| before.entry_at(at)).transpose()?;
    let later = difference.after.map(|at| after.entry_at(at)).transpose()?;
    let mut change = Change::new(difference.kind, difference.aspects);
    if earlier.is_none() && later.is_none() {
        // The root, which has no place.
        (change.before, change.after) = (Some(Kind::Directory), Some(Kind::Directory));
    }
    if let Some(found) = &earlier {
        change.before = Some(found.entry().metadata.kind);
        change.path = found.path();
    }
    if let Some(found) = &later {
        change.after = Some(found.entry().metadata.kind);
        change.path = found.path();
    }
    if let (ChangeKind::Renamed, Some(earlier), Some(later)) = (difference.kind, earlier, later) {
        let (from, to) = (earlier.path(), later.path());
        let compared = compare::compare(&earlier.entry(), &later.entry());
        change.aspects = compared.settle(&mut before.tree, &from, &mut after.tree, &to)?;
        change.from = Some(from);
    }
    Ok(change)
}
