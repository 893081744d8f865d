//! What is new in snapshots, and where: told by their manifests.

use std::collections::HashSet;

use super::grown::{GrownDirectory, Tally};
use crate::entry::{FileId, Kind};
use crate::error::{Error, Result};
use crate::inodes::InodeSet;
use crate::manifest::{Directory, Entry, Header, Manifest, Origin};
use crate::monitor::StopFlag;
use crate::repository::{Group, Repository, Snapshot, SnapshotName, SourceName};

/// Where one source grew: see [`Report::growth`](super::Report::growth).
///
/// A file is new in a snapshot if no older snapshot that is there shares it. It counts with its size, also where it shares
/// blocks with an earlier version.
#[derive(Debug, Clone)]
pub struct Growth {
    source: SourceName,
    since: Option<SnapshotName>,
    snapshots: usize,
    untold: Vec<SnapshotName>,
    root: GrownDirectory,
}

impl Growth {
    /// The source.
    #[must_use]
    pub fn source(&self) -> &SourceName {
        &self.source
    }

    /// The snapshot since which it is told: the oldest one. `None` if there is no other: then it is that one's content.
    #[must_use]
    pub fn since(&self) -> Option<&SnapshotName> {
        self.since.as_ref()
    }

    /// How many snapshots it is told of.
    #[must_use]
    pub fn snapshots(&self) -> usize {
        self.snapshots
    }

    /// The snapshots whose manifest is missing or damaged, so that what is new in them is not known.
    #[must_use]
    pub fn untold(&self) -> &[SnapshotName] {
        &self.untold
    }

    /// The root of the source.
    #[must_use]
    pub fn root(&self) -> &GrownDirectory {
        &self.root
    }
}

/// One source while it is added up.
struct Sum {
    growth: Growth,
    tally: Tally,
}

pub(super) fn growth(
    repository: &Repository,
    snapshots: &[Snapshot],
    groups: &[Group],
    stop: &StopFlag,
) -> Result<Vec<Growth>> {
    let mut sums: Vec<Sum> = groups.iter().map(sum).collect();
    let owner = |name: &SnapshotName| {
        groups.iter().position(|group| group.decisions().iter().any(|one| one.snapshot().name() == name))
    };
    let mut reader = Reader { older: HashSet::new(), met: InodeSet::default(), stop };
    for snapshot in snapshots {
        let name = snapshot.name();
        let Some(sum) = owner(name).and_then(|index| sums.get_mut(index)) else { continue };
        let counts = sum.growth.since.as_ref() != Some(name);
        let told = match repository.manifest(name) {
            Ok(Some(manifest)) => reader.read(&manifest, counts.then_some(&mut sum.tally))?,
            Ok(None) | Err(_) => false,
        };
        sum.growth.snapshots += usize::from(counts && told);
        if !told {
            sum.growth.untold.push(name.clone());
        }
        reader.older.insert(name.as_str().to_owned());
    }
    Ok(sums.into_iter().map(|Sum { growth, tally }| Growth { root: tally.tree(), ..growth }).collect())
}

/// What is new begins with the second snapshot of a source.
fn sum(group: &Group) -> Sum {
    let oldest = group.decisions().first().filter(|_| group.decisions().len() > 1);
    let growth = Growth {
        source: group.source().clone(),
        since: oldest.map(|one| one.snapshot().name().clone()),
        snapshots: 0,
        untold: Vec::new(),
        root: GrownDirectory::default(),
    };
    Sum { growth, tally: Tally::default() }
}

/// Reads manifests, the oldest first.
struct Reader<'s> {
    /// The names of the snapshots that were read.
    older: HashSet<String>,
    /// The inodes that they have in the repository.
    met: InodeSet,
    stop: &'s StopFlag,
}

impl Reader<'_> {
    /// Adds what is new in a snapshot to `tally`; says whether all of its manifest could be read.
    fn read(&self, manifest: &Manifest, mut tally: Option<&mut Tally>) -> Result<bool> {
        for directory in manifest.walk() {
            if self.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            let Ok(directory) = directory else { return Ok(false) };
            let (bytes, files) = self.new_in(&directory, manifest.header());
            if let (Some(tally), true) = (&mut tally, files > 0) {
                tally.add(directory.path().as_bytes(), bytes, files);
            }
        }
        Ok(true)
    }

    fn new_in(&self, directory: &Directory, header: &Header) -> (u64, u64) {
        let (mut bytes, mut files) = (0_u64, 0);
        for entry in directory.entries().filter(|entry| entry.metadata.kind == Kind::File) {
            if self.is_new(&entry, header) {
                bytes = bytes.saturating_add(entry.metadata.size);
                files += 1;
            }
        }
        (bytes, files)
    }

    /// Says whether no older snapshot has the inode: it was made in that run, or linked from what is gone by now.
    fn is_new(&self, entry: &Entry<'_>, header: &Header) -> bool {
        if entry.origin == Origin::Group {
            return false;
        }
        let id = FileId { device: 0, inode: entry.repository_inode };
        let is_first = entry.repository_inode == 0 || self.met.insert(id);
        let (Origin::Same { reference } | Origin::Elsewhere { reference, .. }) = entry.origin else {
            return !entry.is_expunged();
        };
        let reference = usize::try_from(reference).ok().and_then(|index| header.references.get(index));
        let is_there = reference.is_some_and(|name| self.older.contains(name));
        !is_there && is_first && entry.repository_inode != 0
    }
}
