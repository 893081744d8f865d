//! What space snapshots take, and what deleting some of them would free.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::walk::walk;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::Result;
use crate::inodes::InodeSet;
use crate::monitor::StopFlag;
use crate::repository::{Repository, SnapshotName};

/// What one snapshot takes: see [`Repository::usage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotUsage {
    name: SnapshotName,
    bytes: u64,
    new: u64,
    freed: u64,
}

impl SnapshotUsage {
    /// The snapshot.
    #[must_use]
    pub fn name(&self) -> &SnapshotName {
        &self.name
    }

    /// The sum of the sizes of its regular files, an inode once.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes on disk of inodes that no older snapshot has.
    #[must_use]
    pub fn new_bytes(&self) -> u64 {
        self.new
    }

    /// The bytes on disk that would be free if this snapshot alone were deleted.
    #[must_use]
    pub fn freed_bytes(&self) -> u64 {
        self.freed
    }
}

/// What snapshots take: see [`Repository::usage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    snapshots: Vec<SnapshotUsage>,
    freed: u64,
}

impl Usage {
    /// Each snapshot that was asked for, the oldest run first.
    #[must_use]
    pub fn snapshots(&self) -> &[SnapshotUsage] {
        &self.snapshots
    }

    /// The bytes on disk that would be free if all of them, and no other, were deleted.
    #[must_use]
    pub fn freed_bytes(&self) -> u64 {
        self.freed
    }
}

impl Repository {
    /// Tells what snapshots take, and what deleting each, or all of them and no other, would free; of all snapshots if
    /// none is named.
    ///
    /// The trees are walked, those of older snapshots too. Bytes on disk are allocated blocks of files, directories and
    /// whatever else there is, as du(1) counts them; blocks that files share (reflinks) count for each. An inode is freed
    /// when all of its names go, names elsewhere included. Manifests and run records are not counted.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{Repository, Silent, Snapshotter};
    /// std::fs::write(source.join("a"), vec![1; 100_000])?;
    /// Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// Snapshotter::new(&source, &repo).run(&Silent)?;
    /// let usage = Repository::open(&repo)?.usage(&[])?;
    /// let [first, second] = usage.snapshots() else { panic!() };
    /// assert_eq!((first.bytes(), second.bytes()), (100_000, 100_000));
    /// assert!(first.new_bytes() >= 100_000 && second.new_bytes() < 100_000);
    /// // The file has a name in each: only deleting both frees it.
    /// assert!(first.freed_bytes() < 100_000 && usage.freed_bytes() >= 100_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When a snapshot cannot be read as a whole.
    pub fn usage(&self, snapshots: &[SnapshotName]) -> Result<Usage> {
        self.usage_with(snapshots, &StopFlag::default())
    }

    /// Tells the same as [`usage`](Self::usage), unless it is stopped from outside.
    ///
    /// # Errors
    /// As `usage`; [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted).
    pub fn usage_with(&self, snapshots: &[SnapshotName], stop: &StopFlag) -> Result<Usage> {
        let asked = |name: &SnapshotName| snapshots.is_empty() || snapshots.contains(name);
        let all = self.snapshots()?;
        let last = all.iter().rposition(|snapshot| asked(snapshot.name())).map_or(0, |index| index + 1);
        let (older, together) = (InodeSet::default(), Names::default());
        let mut usages = Vec::new();
        for snapshot in all.iter().take(last) {
            let asked = asked(snapshot.name());
            let (alone, sums) = (Names::default(), Mutex::new(Sums::default()));
            walk(self, snapshot.name(), stop, &|entries| {
                let mut new = Sums::default();
                for metadata in entries {
                    let is_new =
                        metadata.nlink == 1 || metadata.kind == Kind::Directory || older.insert(metadata.id);
                    if asked {
                        together.add(metadata, &mut Sums::default());
                        new.new += if is_new { metadata.allocated } else { 0 };
                        alone.add(metadata, &mut new);
                    }
                }
                sums.lock().unwrap_or_else(PoisonError::into_inner).add(&new);
            })?;
            if asked {
                let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner);
                let (name, freed) = (snapshot.name().clone(), alone.freed());
                usages.push(SnapshotUsage { name, bytes: sums.bytes, new: sums.new, freed });
            }
        }
        Ok(Usage { snapshots: usages, freed: together.freed() })
    }

    /// Tells what deleting these snapshots, and no other, would free: as [`usage`](Self::usage) does, but no other tree is
    /// walked.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// use linkdest_core::{Repository, Silent, Snapshotter};
    /// std::fs::write(source.join("a"), vec![1; 100_000])?;
    /// let first = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let second = Snapshotter::new(&source, &repo).run(&Silent)?;
    /// let names = [first.snapshot().unwrap().clone(), second.snapshot().unwrap().clone()];
    /// let repository = Repository::open(&repo)?;
    /// assert!(repository.freed_by(&names[..1])? < 100_000 && repository.freed_by(&names)? >= 100_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When a snapshot cannot be read as a whole.
    pub fn freed_by(&self, snapshots: &[SnapshotName]) -> Result<u64> {
        let together = Names::default();
        for name in snapshots.iter().collect::<std::collections::BTreeSet<_>>() {
            walk(self, name, &StopFlag::default(), &|entries| {
                entries.iter().for_each(|metadata| together.add(metadata, &mut Sums::default()));
            })?;
        }
        Ok(together.freed())
    }
}

#[derive(Debug, Default)]
struct Sums {
    bytes: u64,
    new: u64,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.new += other.new;
    }
}

/// The names that inodes have in some snapshots. Most inodes have one name in each snapshot: those that have more are
/// counted, the others are only known.
#[derive(Debug, Default)]
struct Names {
    met: InodeSet,
    counts: Mutex<HashMap<FileId, u64>>,
    /// The bytes on disk of inodes all of whose names were met.
    freed: AtomicU64,
}

impl Names {
    /// Takes one name of an inode; the size goes into `sums` for the first.
    fn add(&self, metadata: &Metadata, sums: &mut Sums) {
        let single = metadata.kind == Kind::Directory || metadata.nlink == 1;
        if single || self.met.insert(metadata.id) {
            sums.bytes += if metadata.kind == Kind::File { metadata.size } else { 0 };
            if single {
                self.freed.fetch_add(metadata.allocated, Ordering::Relaxed);
            }
            return;
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let names = counts.entry(metadata.id).or_insert(1);
        *names += 1;
        if *names == metadata.nlink {
            counts.remove(&metadata.id);
            self.freed.fetch_add(metadata.allocated, Ordering::Relaxed);
        }
    }

    fn freed(self) -> u64 {
        self.freed.into_inner()
    }
}
