//! Snapshots that are kept whatever happens: an empty file for each in `.linkdest/pins/`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Repository, SnapshotName};
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::StopFlag;
use crate::os::{Listing, c_name};

const PINS: &std::ffi::CStr = c"pins";

impl Repository {
    /// Pins a snapshot: neither `delete` nor `forget` removes it. Says whether it was not pinned before.
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
    /// let name = repository.resolve("latest~1")?.name().clone();
    /// assert!(repository.pin(&name)? && repository.resolve("latest~1")?.is_pinned());
    /// assert_eq!(repository.delete(&[name.clone()]).unwrap_err().kind(), ErrorKind::Protected);
    /// assert!(repository.unpin(&name)? && repository.delete(&[name]).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchSnapshot`]; [`ErrorKind::Locked`]; or when the pin cannot be written.
    pub fn pin(&self, name: &SnapshotName) -> Result<bool> {
        self.pin_with(name, true, Duration::ZERO, &StopFlag::default())
    }

    /// Takes the pin of a snapshot away. Says whether it was pinned.
    ///
    /// # Errors
    /// As [`pin`](Self::pin).
    pub fn unpin(&self, name: &SnapshotName) -> Result<bool> {
        self.pin_with(name, false, Duration::ZERO, &StopFlag::default())
    }

    /// Pins or unpins, waiting so long for the lock.
    ///
    /// # Errors
    /// As [`pin`](Self::pin); [`ErrorKind::Interrupted`] if it was told to stop while it waited.
    pub fn pin_with(
        &self,
        name: &SnapshotName,
        pinned: bool,
        lock_wait: Duration,
        stop: &StopFlag,
    ) -> Result<bool> {
        let _lock = self.lock(lock_wait, stop)?;
        if !self.has_snapshot(name)? {
            return Err(Error::new(
                ErrorKind::NoSuchSnapshot,
                self.path.join(name.as_str()),
                "no such snapshot",
            ));
        }
        if pinned { self.set_pin(name) } else { self.drop_pin(name) }
    }

    /// Pins a snapshot that is there. The lock is held.
    pub(crate) fn set_pin(&self, name: &SnapshotName) -> Result<bool> {
        let failed = |error| Error::io("write", self.pin_path(name), error);
        let pins = self.control_dir(PINS)?;
        match c_name(name.as_str()).and_then(|name| pins.create_file(&name)) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            made => made.and_then(|_| pins.sync()).map(|()| true).map_err(failed),
        }
    }

    /// Drops the pin of a snapshot; says whether there was one.
    pub(crate) fn drop_pin(&self, name: &SnapshotName) -> Result<bool> {
        let failed = |error| Error::io("remove", self.pin_path(name), error);
        match self.control_dir(PINS).map(|pins| c_name(name.as_str()).and_then(|name| pins.unlink(&name)))? {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            dropped => dropped.map(|()| true).map_err(failed),
        }
    }

    /// The names of pinned snapshots, also of those that are no more.
    pub(super) fn pins(&self) -> Result<BTreeSet<SnapshotName>> {
        let failed = |error| Error::io("list", self.control_path("pins"), error);
        let pins = match self.control.open_dir(PINS) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            pins => pins.map_err(failed)?,
        };
        let mut listing = Listing::default();
        pins.list(&mut listing).map_err(failed)?;
        let name = |entry: &crate::os::Listed| listing.name(*entry).to_str().ok()?.parse().ok();
        Ok(listing.entries().iter().filter_map(name).collect())
    }

    fn pin_path(&self, name: &SnapshotName) -> PathBuf {
        self.control_path(Path::new("pins").join(name.as_str()))
    }
}
