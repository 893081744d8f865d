//! Putting back what a snapshot has: what can be asked for, and the run itself.
//!
//! The unit of work is a directory, as in a snapshot: a worker opens it in the target, compares each entry with what
//! the manifest says (or the tree, where there is none), and places what differs. The snapshot's tree is opened only
//! where something must be read. A directory is stamped when its last child is done.

mod attributes;
mod decide;
mod directories;
mod engine;
mod extras;
mod files;
mod groups;
mod markers;
mod node;
mod place;
mod reach;
mod report;
mod run;
mod saved;
mod snapshot;
mod unsaved;
mod wanted;
mod worker;

pub use report::{RestoreCounts, RestoreReport};

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use saved::From;

use crate::abroad::RemoteRepository;
use crate::error::Result;
use crate::monitor::{Monitor, StopFlag};
use crate::path::RelPath;
use crate::repository::{Repository, SnapshotName};

/// What becomes of entries that the target has already.
///
/// ```
/// assert_eq!(linkdest_core::Overwrite::default(), linkdest_core::Overwrite::IfChanged);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Overwrite {
    /// What differs in kind, size, modification time or attributes is replaced.
    #[default]
    IfChanged,
    /// Everything is written anew.
    Always,
    /// What is there stays as it is; only what is missing is made.
    Never,
}

impl Repository {
    /// Asks for a snapshot, or what it has at a path, to be put back: `target` becomes what is at the path. The
    /// contents of a directory go into `target`, which is made if it is missing; anything else is written as `target`.
    ///
    /// See [`Restorer`] for what can be set before it is [`run`](Restorer::run).
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir_all(source.join("d"))?;
    /// # std::fs::write(source.join("d/f"), "hello")?;
    /// use linkdest_core::{RelPath, Repository, Silent, Snapshotter, Status};
    /// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let repository = Repository::open(&repo)?;
    /// let path = RelPath::new("d").unwrap();
    /// let target = dir.path().join("back");
    /// let report = repository.restore(report.snapshot().unwrap(), &path, &target).run(&Silent)?;
    /// assert_eq!((report.status(), report.counts().files_copied), (Status::Complete, 1));
    /// assert_eq!(std::fs::read(target.join("f"))?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn restore(&self, snapshot: &SnapshotName, path: &RelPath, target: impl AsRef<Path>) -> Restorer<'_> {
        Restorer::new(From::Here(self), snapshot, path, target.as_ref())
    }
}

impl RemoteRepository {
    /// Asks for a snapshot, or what it has at a path, to be put back, as [`Repository::restore`] does. The snapshot must
    /// have its manifest. Long extended attributes cannot be read from a server: each is a problem.
    #[must_use]
    pub fn restore(&self, snapshot: &SnapshotName, path: &RelPath, target: impl AsRef<Path>) -> Restorer<'_> {
        Restorer::new(From::There(self), snapshot, path, target.as_ref())
    }
}

/// Puts back what a snapshot has: see [`Repository::restore`].
///
/// Only what differs is written. A new file gets its name when it is complete, under a name of its own before; no
/// inode that is there already is written to, except that attributes alone are set on a file with one name, and on
/// directories. Nothing in the target is followed: a symlink, hard link, FIFO or device in the place of an entry is
/// replaced. Nothing restored shares an inode with the snapshot. A directory with something in it gives way to an
/// entry of another kind only with [`delete`](Self::delete).
///
/// Owners, modes, times and extended attributes are those that the manifest has, also where the snapshot could not
/// store them. Contents are hashed as they are read: one that is not what was saved is a problem of the kind
/// [`Damaged`](crate::ProblemKind::Damaged), and is restored as it is.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("f"), "hello")?;
/// use linkdest_core::{Overwrite, RelPath, Repository, Silent, Snapshotter};
/// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// std::fs::write(source.join("f"), "spoilt")?;
/// std::fs::write(source.join("new"), "new")?;
/// let repository = Repository::open(&repo)?;
/// let restorer = repository.restore(report.snapshot().unwrap(), &RelPath::root(), &source).delete(true);
/// let report = restorer.run(&Silent)?;
/// assert_eq!((report.counts().files_copied, report.counts().deleted), (1, 1));
/// assert_eq!(std::fs::read(source.join("f"))?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Restorer<'r> {
    repository: From<'r>,
    snapshot: SnapshotName,
    path: RelPath,
    target: PathBuf,
    overwrite: Overwrite,
    checksum: bool,
    delete: bool,
    dry_run: bool,
    threads: Option<NonZeroUsize>,
    stop: StopFlag,
}

impl<'r> Restorer<'r> {
    fn new(repository: From<'r>, snapshot: &SnapshotName, path: &RelPath, target: &Path) -> Self {
        Self {
            repository,
            snapshot: snapshot.clone(),
            path: path.clone(),
            target: target.to_owned(),
            overwrite: Overwrite::default(),
            checksum: false,
            delete: false,
            dry_run: false,
            threads: None,
            stop: StopFlag::default(),
        }
    }
}

impl Restorer<'_> {
    /// Sets what becomes of entries that the target has already. Unset: [`Overwrite::IfChanged`].
    #[must_use]
    pub fn overwrite(mut self, overwrite: Overwrite) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Compares contents instead of modification times. Unset: equal size and time are equal content.
    #[must_use]
    pub fn checksum(mut self, checksum: bool) -> Self {
        self.checksum = checksum;
        self
    }

    /// Removes what the snapshot does not have, and directories that are in the way. What is on another file system,
    /// and the repository, stay. Unset: extra entries stay.
    #[must_use]
    pub fn delete(mut self, delete: bool) -> Self {
        self.delete = delete;
        self
    }

    /// Writes nothing, and tells for each entry that differs what would be done. Unset: does it.
    #[must_use]
    pub fn dry_run(mut self, dry: bool) -> Self {
        self.dry_run = dry;
        self
    }

    /// Sets the number of threads. Unset: one for each core.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets the flag that stops the run from outside. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Puts it back.
    ///
    /// # Errors
    /// [`NoSuchPath`](crate::ErrorKind::NoSuchPath); a target that cannot be used or written to; when it was stopped.
    /// Entries that could not be restored as they were are in the report instead.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<RestoreReport> {
        run::run(self, monitor)
    }
}
