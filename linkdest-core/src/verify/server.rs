//! Checking snapshots on a server, from here: names, kinds, sizes and times, and if that is asked for, contents.
//!
//! Inodes are not told: what shares one is known from the records alone. Owners, modes and extended attributes are left to
//! a check where the repository lies.

use std::time::Instant;

use super::VerifyReport;
use super::there::Checking;
use crate::abroad::RemoteRepository;
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::{Monitor, StopFlag};
use crate::repository::{Snapshot, SnapshotName};

/// Checks snapshots on a server: see [`RemoteRepository::verify`].
#[derive(Debug)]
pub struct RemoteVerifier<'r> {
    pub(super) repository: &'r RemoteRepository,
    snapshots: Vec<SnapshotName>,
    pub(super) content: bool,
    pub(super) stop: StopFlag,
}

impl RemoteRepository {
    /// Asks for snapshots to be checked against what was written down of them: the manifests, then of each entry its
    /// name, kind, size and modification time to the second, and where symlinks lead.
    #[must_use]
    pub fn verify(&self) -> RemoteVerifier<'_> {
        RemoteVerifier { repository: self, snapshots: Vec::new(), content: false, stop: StopFlag::default() }
    }
}

impl RemoteVerifier<'_> {
    /// Adds a snapshot to those that are checked. Unset: all of them.
    #[must_use]
    pub fn snapshot(mut self, name: SnapshotName) -> Self {
        self.snapshots.push(name);
        self
    }

    /// Reads all content as well, which all goes over the network. A file of which the records say that it is that of an
    /// earlier snapshot under check is read there alone. Unset: nothing is read.
    #[must_use]
    pub fn content(mut self, content: bool) -> Self {
        self.content = content;
        self
    }

    /// Sets the flag that stops the check from outside. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Checks. What is found damaged is written down there, so that no replica links to it.
    ///
    /// # Errors
    /// [`Connection`](crate::ErrorKind::Connection); [`Interrupted`](crate::ErrorKind::Interrupted) when it was stopped;
    /// [`NoSuchSnapshot`](crate::ErrorKind::NoSuchSnapshot).
    pub fn run(&self, monitor: &dyn Monitor) -> Result<VerifyReport> {
        let begun = Instant::now();
        let all = self.repository.snapshots()?;
        for name in &self.snapshots {
            if !all.iter().any(|one| one.name() == name) {
                let message = format!("there is no snapshot {name}");
                return Err(Error::new(ErrorKind::NoSuchSnapshot, self.repository.address(), message));
            }
        }
        let is_asked = |one: &&Snapshot| self.snapshots.is_empty() || self.snapshots.contains(one.name());
        let mut checking = Checking::new(self, monitor);
        for snapshot in all.iter().filter(is_asked) {
            checking.snapshot(snapshot)?;
        }
        self.repository.tell_revival(monitor);
        checking.finish(begun)
    }
}
