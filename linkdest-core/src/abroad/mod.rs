//! A repository at the far end of an SFTP connection: the same directories and records as on a disk here.
//!
//! A directory there is a path below the root, and going into one costs nothing. Nothing keeps a server from following a
//! symlink that somebody put into the place of a directory. Inodes are not told: records say 0 for them. What was written
//! is flushed file by file at most (`fsync@openssh.com`), so that its snapshots count as written without a flush.

mod desk;
mod files;
mod leftovers;
mod lock;
mod open;
mod publish;
mod reading;
mod records;
mod removal;
mod trees;

pub(crate) use desk::Desk;
pub(crate) use leftovers::Left;
pub(crate) use lock::RemoteLock;
pub(crate) use publish::Growing;
pub(crate) use reading::RemoteFile;
pub(crate) use trees::{ServerDir, metadata_of, seconds_of};

use crate::native::OsStrExt as _;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::monitor::{Event, Monitor, Notice};
use crate::path::{Escaped, RelPath};
use crate::repository::{Capabilities, Settings, Snapshot, pick};
use crate::sftp::{Address, Client};

/// A repository on a server, reached by SFTP.
///
/// It can be listed, [checked](Self::verify), [restored from](Self::restore), and be the target of a
/// [`Replicator`](crate::Replicator). Everything else is done where it lies.
///
/// ```no_run
/// use linkdest_core::{RemoteRepository, Ssh, StopFlag};
/// let repository = RemoteRepository::open("sftp://nas/backup/laptop", &Ssh::default(), &StopFlag::default())?;
/// for snapshot in repository.snapshots()? {
///     println!("{}", snapshot.name());
/// }
/// # Ok::<(), linkdest_core::Error>(())
/// ```
pub struct RemoteRepository {
    pub(crate) client: Arc<Client>,
    /// The absolute path on the server.
    root: Vec<u8>,
    /// The address in its one form, for people.
    address: PathBuf,
    settings: Settings,
}

impl std::fmt::Debug for RemoteRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteRepository").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RemoteRepository {
    /// Says whether a path is the address of something on a server: `sftp://...`.
    ///
    /// ```
    /// use linkdest_core::RemoteRepository;
    /// assert!(RemoteRepository::is_address("sftp://nas/backup") && !RemoteRepository::is_address("/mnt/backup"));
    /// ```
    pub fn is_address(path: impl AsRef<Path>) -> bool {
        Address::is_one(path.as_ref())
    }

    /// Does what may be done twice, once more where the connection was lost and made anew.
    pub(crate) fn persistently<T>(&self, mut act: impl FnMut() -> Result<T>) -> Result<T> {
        loop {
            match act() {
                Err(error) if self.client.revive_after(&error) => {}
                done => return done,
            }
        }
    }

    /// Tells whether the connection was lost and made anew.
    pub(crate) fn tell_revival(&self, monitor: &dyn Monitor) {
        if self.client.revivals() > 0 {
            monitor.event(&Event::Notice(Notice::Reconnected));
        }
    }

    /// The address of the repository, in its one form.
    #[must_use]
    pub fn address(&self) -> &Path {
        &self.address
    }

    /// The repository's own name for itself: see [`Repository::id`](crate::Repository::id).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// What was found out when it was made: see [`Repository::capabilities`](crate::Repository::capabilities).
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    /// Finds the snapshot that a text stands for: its name, the beginning of that, `latest`, `latest~N`, or a date.
    ///
    /// # Errors
    /// [`NoSuchSnapshot`](crate::ErrorKind::NoSuchSnapshot) if there is none, or more than one; or when the repository
    /// cannot be read.
    pub fn resolve(&self, text: &str) -> Result<Snapshot> {
        pick(&self.address, self.snapshots()?, text)
    }

    /// Finds what `SNAPSHOT[:PATH]` stands for: a snapshot as [`resolve`](Self::resolve) does, and a path in it, the root
    /// if there is none.
    ///
    /// # Errors
    /// As `resolve`; [`NoSuchPath`](crate::ErrorKind::NoSuchPath) for a path that leads out of the snapshot.
    pub fn resolve_path(&self, text: impl AsRef<OsStr>) -> Result<(Snapshot, RelPath)> {
        let bytes = text.as_ref().as_bytes();
        let (name, path) = match bytes.iter().position(|&byte| byte == b':') {
            Some(colon) => {
                (bytes.get(..colon).unwrap_or_default(), bytes.get(colon + 1..).unwrap_or_default())
            }
            None => (bytes, &b""[..]),
        };
        let snapshot = self.resolve(&String::from_utf8_lossy(name))?;
        let path = RelPath::from_typed(path).ok_or_else(|| {
            let message = format!("{} leads out of the snapshot", Escaped(path));
            Error::new(ErrorKind::NoSuchPath, &self.address, message)
        })?;
        Ok((snapshot, path))
    }
}
