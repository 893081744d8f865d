//! Deleting snapshots: gone in an instant under the lock, removed outside of it.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::{Repository, Snapshot, SnapshotName};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::monitor::StopFlag;
use crate::path::Escaped;

/// How snapshots are removed: see [`Repository::delete`] and [`Repository::forget`].
#[derive(Debug, Clone, Default)]
pub struct Removal {
    pub(crate) lock_wait: Duration,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) stop: StopFlag,
}

impl Removal {
    /// Sets how long the lock is waited for; not at all if this is not called.
    #[must_use]
    pub fn lock_wait(self, lock_wait: Duration) -> Self {
        Self { lock_wait, ..self }
    }

    /// Sets the number of threads that remove; the cores, and 8 at most, if this is not called.
    #[must_use]
    pub fn threads(self, threads: NonZeroUsize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Sets the flag that stops it. What is deleted by then is deleted; the next command goes on with the removal.
    #[must_use]
    pub fn stop(self, stop: StopFlag) -> Self {
        Self { stop, ..self }
    }
}

/// What was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    pub(crate) snapshots: Vec<SnapshotName>,
    pub(crate) problems: Vec<Problem>,
}

impl Deleted {
    /// The snapshots that are no more.
    #[must_use]
    pub fn snapshots(&self) -> &[SnapshotName] {
        &self.snapshots
    }

    /// What could not be tidied up, so that its space is not free yet. The next run tries again.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.snapshots.extend(more.snapshots);
        self.problems.extend(more.problems);
    }
}

impl Repository {
    /// Deletes snapshots: all of them, or none if one of them is protected. Other snapshots are not touched.
    ///
    /// Returns when their space is free; the repository's lock is held only for an instant before.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{ErrorKind, Repository, Silent, Snapshotter};
    /// for _ in 0..2 {
    ///     Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// }
    /// let repository = Repository::open(&repo)?;
    /// let [older, newer] = &repository.snapshots()?[..] else { panic!() };
    /// assert_eq!(repository.delete(&[older.name().clone()])?.snapshots(), [older.name().clone()]);
    /// assert!(!older.path().exists());
    /// // The last one stays.
    /// let refused = repository.delete(&[newer.name().clone()]).unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Protected);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchSnapshot`]; [`ErrorKind::Protected`] if one is pinned, or no good one would be left;
    /// [`ErrorKind::Locked`]; [`ErrorKind::Interrupted`] before anything was deleted; or when one cannot be moved away.
    pub fn delete(&self, names: &[SnapshotName]) -> Result<Deleted> {
        self.delete_with(names, &Removal::default())
    }

    /// Deletes snapshots as [`delete`](Self::delete) does, in the way that is asked for.
    ///
    /// # Errors
    /// As `delete`.
    pub fn delete_with(&self, names: &[SnapshotName], how: &Removal) -> Result<Deleted> {
        self.remove_some(how, &|snapshots| {
            self.check_deletion(snapshots, names)?;
            Ok(names.to_vec())
        })
    }

    /// Says whether [`delete`](Self::delete) would delete these; nothing is written.
    ///
    /// # Errors
    /// As `delete`.
    pub fn check_delete(&self, names: &[SnapshotName]) -> Result<()> {
        self.check_deletion(&self.snapshots()?, names)
    }

    fn check_deletion(&self, snapshots: &[Snapshot], names: &[SnapshotName]) -> Result<()> {
        let refused =
            |name: &SnapshotName, why: &str| Err(Error::new(ErrorKind::Protected, self.tree_path(name), why));
        for name in names {
            match snapshots.iter().find(|snapshot| snapshot.name() == name) {
                None => {
                    let message = format!("there is no snapshot {}", Escaped(name.as_str().as_bytes()));
                    return Err(Error::new(ErrorKind::NoSuchSnapshot, &self.path, message));
                }
                Some(snapshot) if snapshot.is_pinned() => {
                    return refused(name, "is pinned; `unpin` it first");
                }
                Some(_) => {}
            }
        }
        let stays = |snapshot: &&Snapshot| snapshot.is_good() && !names.contains(snapshot.name());
        match (names.last(), snapshots.iter().find(stays)) {
            (Some(last), None) => refused(last, "no good snapshot would be left"),
            _ => Ok(()),
        }
    }

    /// Deletes what is chosen under the lock, when nothing changes any more, and removes it outside of the lock.
    pub(crate) fn remove_some(
        &self,
        how: &Removal,
        choose: &dyn Fn(&[Snapshot]) -> Result<Vec<SnapshotName>>,
    ) -> Result<Deleted> {
        let lock = self.lock(how.lock_wait, &how.stop)?;
        self.repair()?;
        let mut deleted = Deleted::default();
        let snapshots = self.snapshots()?;
        let going = choose(&snapshots)?;
        let stays = snapshots.iter().rev().find(|one| !going.contains(one.name()));
        // `latest` is never to point at nothing. Where it cannot be moved, the disk is full: deleting helps, and the
        // repair below tells.
        let _ = self.point_latest_at(stays);
        for name in going {
            if !deleted.snapshots.contains(&name) {
                self.move_to_trash(&name).inspect_err(|_| drop(self.repair_latest()))?;
                deleted.snapshots.push(name);
            }
        }
        // What is known of them, and where `latest` points.
        if !deleted.snapshots.is_empty() {
            self.repair()?;
        }
        drop(lock);
        let emptied = self.empty_trash(how.threads, true, &how.stop);
        deleted.problems.extend(emptied.err().as_ref().map(Problem::housekeeping));
        Ok(deleted)
    }
}
