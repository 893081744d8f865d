//! Accepting a suspect snapshot: somebody looked, and it is what it should be.

use std::time::Duration;

use super::{Repository, SnapshotName};
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::StopFlag;

impl Repository {
    /// Accepts a suspect snapshot: it counts like any other from now on, and what comes after it is compared with it.
    /// Says whether it was suspect.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{Repository, Silent, Snapshotter};
    /// let make = |from: u32| (from..from + 1000).try_for_each(|name| std::fs::write(source.join(name.to_string()), ""));
    /// make(0)?;
    /// Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// // Other files, all of them.
    /// std::fs::remove_dir_all(&source)?;
    /// std::fs::create_dir(&source)?;
    /// make(5000)?;
    /// let report = Snapshotter::new(&source, &repo).mass_change(Some(50)).run(&Silent)?;
    /// # // Equal content is found again wherever it is; nothing has any here.
    /// assert!(report.is_suspect());
    /// let repository = Repository::open(&repo)?;
    /// let name = report.snapshot().unwrap();
    /// assert!(repository.resolve("latest")?.is_suspect());
    /// assert!(repository.accept(name)?);
    /// assert!(!repository.resolve("latest")?.is_suspect() && !repository.accept(name)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchSnapshot`]; [`ErrorKind::Locked`]; or when the run record cannot be read or written.
    pub fn accept(&self, name: &SnapshotName) -> Result<bool> {
        self.accept_with(name, Duration::ZERO, &StopFlag::default())
    }

    /// Accepts as [`accept`](Self::accept) does, waiting so long for the lock.
    ///
    /// # Errors
    /// As [`accept`](Self::accept); [`ErrorKind::Interrupted`] if it was told to stop while it waited.
    pub fn accept_with(&self, name: &SnapshotName, lock_wait: Duration, stop: &StopFlag) -> Result<bool> {
        let _lock = self.lock(lock_wait, stop)?;
        if !self.has_snapshot(name)? {
            let path = self.path.join(name.as_str());
            return Err(Error::new(ErrorKind::NoSuchSnapshot, path, "no such snapshot"));
        }
        let Some(record) = self.read_runs()?.remove(name) else { return Ok(false) };
        let mut record = record?;
        if record.suspect.is_empty() {
            return Ok(false);
        }
        record.suspect.clear();
        self.rewrite_run(&record)?;
        Ok(true)
    }
}
