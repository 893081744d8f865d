//! Snapshots that the target has: what entries of others can be linked to.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::rc::Rc;

use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BlockCache, Entry, EntryFlags, Manifest};
use crate::repository::{Damage, Repository, Snapshot, SnapshotName, manifest_error};

/// So many manifests of the target are open at a time.
const MOST_OPEN: usize = 4;
/// So many claims of a manifest are looked at to find out whether they hold.
const SAMPLED: usize = 8;

/// A snapshot that the target has.
#[derive(Debug)]
pub(super) struct Earlier {
    pub name: SnapshotName,
    pub manifest: Manifest,
    /// Its records tell the inodes that its tree has: it was not copied with other tools.
    pub holds: bool,
}

/// What the target has of the repository that is read.
pub(super) struct Known<'k> {
    source: &'k Repository,
    target: Option<&'k Repository>,
    /// The places of the source's snapshots in its order.
    order: HashMap<SnapshotName, usize>,
    /// Snapshots at the target that were made in the source, or brought from where it got them.
    there: HashSet<SnapshotName>,
    opened: Vec<Rc<Earlier>>,
    damaged: HashSet<u64>,
    cache: BlockCache,
}

impl<'k> Known<'k> {
    /// Takes what is there before anything is brought. Without a target, which a dry run may not have, there is nothing.
    pub fn new(
        source: &'k Repository,
        ours: &[Snapshot],
        target: Option<(&'k Repository, &[Snapshot])>,
    ) -> Result<Self> {
        let made_in: HashSet<String> = ours
            .iter()
            .map(|one| source.identity(one).repository().to_owned())
            .chain([source.id().to_owned()])
            .collect();
        let mut there = HashSet::new();
        let mut damaged = HashSet::new();
        if let Some((target, theirs)) = target {
            damaged = target.damaged_inodes()?;
            let ours: HashMap<_, _> = ours.iter().map(|one| (one.name(), source.identity(one))).collect();
            for one in theirs {
                let identity = target.identity(one);
                let same = ours.get(one.name()).is_none_or(|our| *our == identity);
                if same && made_in.contains(identity.repository()) {
                    there.insert(one.name().clone());
                }
            }
        }
        let order = ours.iter().enumerate().map(|(place, one)| (one.name().clone(), place)).collect();
        Ok(Self {
            source,
            target: target.map(|(target, _)| target),
            order,
            there,
            opened: Vec::new(),
            damaged,
            cache: BlockCache::default(),
        })
    }

    pub fn has(&self, name: &SnapshotName) -> bool {
        self.there.contains(name)
    }

    /// Counts a snapshot as there that was brought, or would be.
    pub fn add(&mut self, name: SnapshotName) {
        self.there.insert(name);
    }

    /// Notes content that arrived damaged: nothing is linked to it, neither now nor by anybody later.
    pub fn note_damage(&mut self, damage: Damage) -> Result<()> {
        self.damaged.insert(damage.inode());
        self.target.map_or(Ok(()), |target| target.add_damages(&[damage]))
    }

    pub fn is_damaged(&self, inode: u64) -> bool {
        self.damaged.contains(&inode)
    }

    /// The snapshots that both repositories have, those nearest to one of the source's first; of two at one distance the
    /// older.
    pub fn nearest(&self, name: &SnapshotName) -> Vec<SnapshotName> {
        let Some(here) = self.order.get(name) else { return Vec::new() };
        let mut common: Vec<_> = self
            .there
            .iter()
            .filter_map(|other| Some((other, *self.order.get(other)?)))
            .filter(|(_, place)| place != here)
            .collect();
        common.sort_by_key(|(_, place)| (place.abs_diff(*here), *place));
        common.into_iter().map(|(other, _)| other.clone()).collect()
    }

    /// The newest of the older ones that both have; if there is none, the oldest of the newer ones.
    pub fn neighbour(&self, name: &SnapshotName) -> Option<SnapshotName> {
        let here = self.order.get(name)?;
        let nearest = self.nearest(name);
        let older = nearest.iter().find(|other| self.order.get(*other) < Some(here));
        older.or(nearest.first()).cloned()
    }

    /// Whether the target has one that is newer: then even what was new in this one may be shared.
    pub fn has_newer(&self, name: &SnapshotName) -> bool {
        let here = self.order.get(name);
        self.there.iter().any(|other| self.order.get(other) > here)
    }

    /// Opens the manifest that the target has of a snapshot; in a dry run that of the source stands for what would be
    /// brought.
    pub fn open(&mut self, name: &SnapshotName) -> Result<Option<Rc<Earlier>>> {
        if !self.has(name) {
            return Ok(None);
        }
        if let Some(open) = self.opened.iter().find(|open| open.name == *name) {
            return Ok(Some(Rc::clone(open)));
        }
        let theirs = self.target.map(|target| target.manifest(name)).transpose()?.flatten();
        let (manifest, holds) = match (theirs, self.target) {
            (Some(manifest), Some(target)) => {
                let holds = holds(target, name, &manifest);
                (manifest, holds)
            }
            _ => match self.target.filter(|target| target.has_snapshot(name).unwrap_or(true)) {
                Some(target) => return Err(no_manifest(target, name)),
                None => match self.source.manifest(name)? {
                    Some(manifest) => (manifest, true),
                    None => return Ok(None),
                },
            },
        };
        let open = Rc::new(Earlier { name: name.clone(), manifest, holds });
        if self.opened.len() == MOST_OPEN {
            self.opened.remove(0);
        }
        self.opened.push(Rc::clone(&open));
        Ok(Some(open))
    }

    /// The manifest that the source has of a snapshot, if it still has one that can be read.
    pub fn source_manifest(&self, name: &SnapshotName) -> Option<Manifest> {
        self.order.get(name)?;
        self.source.manifest(name).ok().flatten()
    }

    /// Looks an entry up in a snapshot of the target; hands it over if another entry may be linked to it.
    pub fn find<T>(
        &mut self,
        earlier: &Earlier,
        path: &[u8],
        entry: &Entry<'_>,
        take: impl FnOnce(&Entry<'_>) -> T,
    ) -> Result<Option<T>> {
        let found = earlier.manifest.find(path, &mut self.cache);
        let found = found.map_err(|error| self.error(&earlier.name, error))?;
        let Some(found) = found else { return Ok(None) };
        let at = found.entry();
        Ok(self.is_linkable(entry, &at).then(|| take(&at)))
    }

    /// Says whether an entry may be linked to one that the target has, because the records agree on what is in it.
    pub fn is_linkable(&self, entry: &Entry<'_>, at: &Entry<'_>) -> bool {
        !at.is_expunged() && agree(entry, at) && !self.is_damaged(at.repository_inode)
    }

    /// The error of a manifest of the source.
    pub fn source_error(&self, name: &SnapshotName, error: crate::manifest::ManifestError) -> Error {
        manifest_error(self.source.manifest_path(name), error)
    }

    /// The error of a manifest of the target.
    pub fn error(&self, name: &SnapshotName, error: crate::manifest::ManifestError) -> Error {
        let repository = self.target.unwrap_or(self.source);
        manifest_error(repository.manifest_path(name), error)
    }
}

/// Without it nobody knows what can be linked, and everything would be sent again.
fn no_manifest(target: &Repository, name: &SnapshotName) -> Error {
    let message = "the snapshot has no manifest at the target; `reindex` makes one";
    Error::new(ErrorKind::Io, target.tree_path(name), message)
}

/// Says whether two records tell of the same kind and content.
fn agree(a: &Entry<'_>, b: &Entry<'_>) -> bool {
    let (one, other) = (&a.metadata, &b.metadata);
    if one.kind != other.kind {
        return false;
    }
    match one.kind {
        Kind::Directory => false,
        Kind::File => {
            let same = match (a.content, b.content) {
                (Some(a), Some(b)) => a == b,
                _ => one.mtime == other.mtime,
            };
            same && one.size == other.size
        }
        Kind::Symlink => a.target == b.target,
        Kind::BlockDevice | Kind::CharDevice => one.rdev == other.rdev,
        Kind::Fifo | Kind::Socket => true,
    }
}

/// Of an entry that another one is linked to: its inode, and what must be said of the new record.
pub(super) fn linked_flags(entry: &Entry<'_>, at: &Entry<'_>) -> EntryFlags {
    let (one, other) = (&entry.metadata, &at.metadata);
    let same = (one.mode, one.uid, one.gid, one.mtime) == (other.mode, other.uid, other.gid, other.mtime)
        && entry.xattrs == at.xattrs;
    let mut flags = EntryFlags::from_bits(at.flags.bits() & EntryFlags::NOT_STORED.bits());
    if !same || at.flags.contains(EntryFlags::RECORDED_ONLY) {
        flags.insert(EntryFlags::RECORDED_ONLY);
    }
    flags
}

/// Says whether a manifest tells the inodes that its tree has, by a few of them.
fn holds(target: &Repository, name: &SnapshotName, manifest: &Manifest) -> bool {
    let Ok(tree) = target.open_tree(name) else { return false };
    let (mut descent, mut left) = (Descent::new(&tree), SAMPLED);
    for directory in manifest.walk().take(SAMPLED * SAMPLED) {
        let Ok(directory) = directory else { return false };
        for entry in directory.entries().filter(|entry| entry.repository_inode != 0) {
            let Ok(name) = CString::new(entry.name) else { return false };
            match descent.open(directory.path()).and_then(|dir| dir.stat_at(&name)) {
                Ok(stat) if stat.id.inode == entry.repository_inode => left -= 1,
                _ => return false,
            }
            if left == 0 {
                return true;
            }
        }
    }
    true
}
