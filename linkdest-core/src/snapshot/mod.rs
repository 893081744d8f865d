//! Taking a snapshot: what can be asked for, and the run itself.

mod budget;
mod carry;
mod carrying;
mod decide;
mod decision;
mod descending;
mod description;
mod engine;
mod explain;
mod filtering;
mod finishing;
mod found;
mod fresh;
mod grouping;
mod groups;
mod guards;
#[cfg(test)]
mod latency;
mod limits;
mod moved;
mod node;
mod opening;
mod packing;
mod place;
mod points;
mod problems;
mod queue;
mod read;
mod recorded;
mod references;
mod relinking;
mod report;
mod resting;
mod rule_reading;
mod run;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make their trees by path")]
mod scale;
mod select;
mod shift;
mod space;
mod stamp;
mod versions;
mod worker;
mod writing_out;

pub use filtering::Filtering;
pub(crate) use found::{absolute, host_of};
pub(crate) use queue::Queue;
pub use report::SnapshotReport;
pub(crate) use run::check_system;
pub use select::Selected;

use groups::HARD_LINKS;
use guards::Guards;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Result;
use crate::monitor::{Monitor, StopFlag};
use crate::policy::{ChangePolicy, Quick};
use crate::sftp::Ssh;

/// Takes snapshots of a source into a repository.
///
/// Setters say what is asked for; [`run`](Self::run) does it, and can be called again for the next snapshot.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// # std::fs::write(source.join("a"), "hello")?;
/// use linkdest_core::{Quick, Silent, Snapshotter};
/// use std::os::unix::fs::MetadataExt as _;
///
/// let snapshotter = Snapshotter::new(&source, &repo).init(true).policy(Quick::default());
/// let first = snapshotter.run(&Silent)?;
/// let second = snapshotter.run(&Silent)?;
/// assert_eq!((first.counts().files_copied, second.counts().files_copied), (1, 0));
/// let inode = |path: &std::path::Path| std::fs::metadata(path.join("a")).map(|file| file.ino());
/// assert_eq!(inode(first.path().unwrap())?, inode(second.path().unwrap())?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Snapshotter {
    source: PathBuf,
    repository: PathBuf,
    policy: Box<dyn ChangePolicy>,
    link_dest: Vec<PathBuf>,
    threads: Option<NonZeroUsize>,
    descriptors: Option<NonZeroUsize>,
    hard_links: usize,
    write_out: Option<u64>,
    filtering: Filtering,
    one_file_system: bool,
    record_attributes: bool,
    trust_shift: bool,
    init: bool,
    dry_run: bool,
    sync: bool,
    lock_wait: Duration,
    guards: Guards,
    stop: StopFlag,
    ssh: Ssh,
    keep_owners: Option<bool>,
    keep_modes: Option<bool>,
}

impl std::fmt::Debug for Snapshotter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshotter")
            .field("source", &self.source)
            .field("repository", &self.repository)
            .field("policy", &self.policy.name())
            .finish_non_exhaustive()
    }
}

impl Snapshotter {
    /// Names the source and the repository. Both paths are the caller's own: symlinks in them are followed.
    ///
    /// A source that begins with `sftp://` is on a server: `sftp://[user@]host[:port]/path`, percent-encoded, where
    /// `/~/` is the home directory there. A directory here of such a name is written with `./` before it.
    pub fn new(source: impl AsRef<Path>, repository: impl AsRef<Path>) -> Self {
        Self {
            source: source.as_ref().to_owned(),
            repository: repository.as_ref().to_owned(),
            policy: Box::new(Quick::default()),
            link_dest: Vec::new(),
            threads: None,
            descriptors: None,
            hard_links: HARD_LINKS,
            write_out: Some(writing_out::EACH),
            filtering: Filtering::new(),
            one_file_system: false,
            record_attributes: false,
            trust_shift: false,
            init: false,
            dry_run: false,
            sync: true,
            lock_wait: Duration::ZERO,
            guards: Guards::default(),
            stop: StopFlag::default(),
            ssh: Ssh::default(),
            keep_owners: None,
            keep_modes: None,
        }
    }

    /// Sets how change is detected. Unset: [`Quick`].
    #[must_use]
    pub fn policy(mut self, policy: impl ChangePolicy + 'static) -> Self {
        self.policy = Box::new(policy);
        self
    }

    /// Sets which entries take part: a [`Filter`](crate::filter::Filter), or a [`Filtering`] with more. Unset: all.
    #[must_use]
    pub fn filter(mut self, filtering: impl Into<Filtering>) -> Self {
        self.filtering = filtering.into();
        self
    }

    /// Adds a directory on the repository's file system that unchanged files may be linked to as well, after the
    /// repository's own snapshots; 20 at most. It may have been made by rsync. Unset: none.
    #[must_use]
    pub fn link_dest(mut self, directory: impl AsRef<Path>) -> Self {
        self.link_dest.push(directory.as_ref().to_owned());
        self
    }

    /// Sets the number of threads. Unset: one for each core; 48 for a source on a server, where most of them wait.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets how many descriptors may be open for directories. Unset: three quarters of the process's limit.
    #[must_use]
    pub fn descriptors(mut self, descriptors: NonZeroUsize) -> Self {
        self.descriptors = Some(descriptors);
        self
    }

    /// Sets how many groups of hard links may be kept in memory while names of theirs are still to come; the others wait
    /// in a file without a name in the repository. No more new names than that are held back until one is met that an
    /// earlier snapshot has. Unset: 32,768, about 30 MiB.
    #[must_use]
    pub fn hard_links_in_memory(mut self, groups: usize) -> Self {
        self.hard_links = groups;
        self
    }

    /// Sets after how many copied bytes these are written to disk while more is copied; `None` leaves it to the kernel
    /// and to the end. Unset: 256 MiB. Without [`sync`](Self::sync) it is left to the kernel in any case.
    #[must_use]
    pub fn write_out(mut self, bytes: Option<u64>) -> Self {
        self.write_out = bytes;
        self
    }

    /// Stays on the source's file system: mount points become empty directories. Unset: crosses them.
    #[must_use]
    pub fn one_file_system(mut self, stay: bool) -> Self {
        self.one_file_system = stay;
        self
    }

    /// Keeps the link where only attributes changed (mode, owner, extended attributes), and writes the new ones in the
    /// manifest alone: the snapshot's tree shows the old ones, restoring sets the new ones. For trees whose modes or
    /// owners change often. Unset: a new inode gets them.
    #[must_use]
    pub fn record_attributes(mut self, record: bool) -> Self {
        self.record_attributes = record;
        self
    }

    /// Believes after a sample that contents are unchanged where all modification times moved by the same number of
    /// quarter hours (daylight saving on FAT, a phone). Unset: every such file is read once.
    #[must_use]
    pub fn trust_shift(mut self, trust: bool) -> Self {
        self.trust_shift = trust;
        self
    }

    /// Makes the repository if there is none. Unset: a directory that is no repository is an error, so that an
    /// unmounted disk does not become a full backup onto the wrong one.
    #[must_use]
    pub fn init(mut self, init: bool) -> Self {
        self.init = init;
        self
    }

    /// Writes nothing, and tells for each entry what would be done. Unset: does it.
    #[must_use]
    pub fn dry_run(mut self, dry: bool) -> Self {
        self.dry_run = dry;
        self
    }

    /// Sets whether the snapshot is flushed to disk before it is published. Unset: it is. Without, a crash of the
    /// machine may leave it with missing content; the next run after a crash compares every byte.
    #[must_use]
    pub fn sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Sets how long to wait for another run to end. Unset: not at all.
    #[must_use]
    pub fn lock_wait(mut self, patience: Duration) -> Self {
        self.lock_wait = patience;
        self
    }

    /// Takes a snapshot also where nothing is left of a source that had entries in its newest snapshot. Unset: that is
    /// [`SourceEmpty`](crate::ErrorKind::SourceEmpty), since a disk that is not mounted looks like that.
    #[must_use]
    pub fn allow_empty(mut self, allow: bool) -> Self {
        self.guards.allow_empty = allow;
        self
    }

    /// Sets how many percent of the entries of this source's newest snapshot may be gone or changed, up to 100, before
    /// the new one is [suspect](SnapshotReport::suspect); `None` for any number. Entries that moved count as unchanged;
    /// fewer than 1,000 are never a mass. Unset: 50.
    #[must_use]
    pub fn mass_change(mut self, percent: Option<u8>) -> Self {
        self.guards.mass_change = percent;
        self
    }

    /// Sets the [id](crate::Repository::id) that the repository must have; one with another id, or none at all, is
    /// refused before anything is written, also with [`init`](Self::init). Unset: any will do.
    #[must_use]
    pub fn repository_id(mut self, id: impl Into<String>) -> Self {
        self.guards.repository_id = Some(id.into());
        self
    }

    /// Sets how many bytes stay free on the repository's file system: a run that would copy more ends with
    /// [`NoSpace`](crate::ErrorKind::NoSpace). Unset: a hundredth of the file system, 1 GiB at most.
    #[must_use]
    pub fn reserve(mut self, bytes: u64) -> Self {
        self.guards.reserve = Some(bytes);
        self
    }

    /// Sets how the server of an `sftp://` source is reached. Unset: by `ssh`, with nobody there to be asked anything.
    #[must_use]
    pub fn ssh(mut self, ssh: Ssh) -> Self {
        self.ssh = ssh;
        self
    }

    /// Sets whether the owners that the server of an `sftp://` source tells are kept; where not, what is saved belongs
    /// to this user. Unset: they are, unless it tells none.
    #[must_use]
    pub fn keep_owners(mut self, keep: bool) -> Self {
        self.keep_owners = Some(keep);
        self
    }

    /// Sets whether the modes that the server of an `sftp://` source tells are kept; where not, only their owner may read
    /// what is saved. Unset: they are, unless it tells none, or the same for everything.
    #[must_use]
    pub fn keep_modes(mut self, keep: bool) -> Self {
        self.keep_modes = Some(keep);
        self
    }

    /// Sets the flag that stops the run from outside. Unset: nothing does.
    #[must_use]
    pub fn stop(mut self, stop: StopFlag) -> Self {
        self.stop = stop;
        self
    }

    /// Takes one snapshot.
    ///
    /// # Errors
    /// When nothing was published. Entries that could not be saved as asked are in the report instead.
    pub fn run(&self, monitor: &dyn Monitor) -> Result<SnapshotReport> {
        run::run(self, monitor)
    }
}
