//! Snapshots that the target has: what entries of others can be linked to.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::same::Content;
use super::store::Store;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BlockCache, Entry, EntryFlags, Manifest, ManifestError};
use crate::path::RelPath;
use crate::repository::{Damage, Identity, Repository, Snapshot, SnapshotName, manifest_error};

/// So many manifests of the target are open at a time.
const MOST_OPEN: usize = 4;

/// A snapshot that the target has.
#[derive(Debug)]
pub(super) struct Earlier {
    pub name: SnapshotName,
    pub manifest: Manifest,
}

/// What was found damaged at the target: by inode, or where those are unknown by name.
#[derive(Default)]
struct Damaged {
    inodes: HashSet<u64>,
    places: HashMap<SnapshotName, HashSet<RelPath>>,
}

impl Damaged {
    fn add(&mut self, damage: &Damage) {
        if damage.inode() == 0 {
            self.places.entry(damage.snapshot().clone()).or_default().insert(damage.path().clone());
        } else {
            self.inodes.insert(damage.inode());
        }
    }

    fn remove(&mut self, damage: &Damage) {
        self.inodes.remove(&damage.inode());
        if let Some(places) = self.places.get_mut(damage.snapshot()) {
            places.remove(damage.path());
        }
    }
}

/// What the target has of the repository that is read.
pub(super) struct Known<'k> {
    source: &'k Repository,
    target: Option<&'k dyn Store>,
    /// The places of the source's snapshots in its order.
    order: HashMap<SnapshotName, usize>,
    /// Snapshots at the target that were made in the source, or brought from where it got them.
    there: HashSet<SnapshotName>,
    /// Those of them that this run brought.
    ours: HashSet<SnapshotName>,
    opened: Vec<Rc<Earlier>>,
    damaged: Damaged,
    /// What arrived damaged of the snapshot that is being brought: written down before that is published.
    arrived_damaged: Vec<Damage>,
    cache: BlockCache,
}

impl<'k> Known<'k> {
    /// Takes what is there before anything is brought. Without a target, which a dry run may not have, there is nothing.
    pub fn new(
        source: &'k Repository,
        ours: &[Snapshot],
        target: Option<(&'k dyn Store, &[Snapshot])>,
    ) -> Result<Self> {
        let made_in: HashSet<String> = ours
            .iter()
            .map(|one| Identity::of(one, source.id()).repository().to_owned())
            .chain([source.id().to_owned()])
            .collect();
        let mut there = HashSet::new();
        let mut damaged = Damaged::default();
        if let Some((target, theirs)) = target {
            target.damages()?.iter().for_each(|damage| damaged.add(damage));
            let ours: HashMap<_, _> =
                ours.iter().map(|one| (one.name(), Identity::of(one, source.id()))).collect();
            for one in theirs {
                let identity = Identity::of(one, target.id());
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
            ours: HashSet::new(),
            opened: Vec::new(),
            damaged,
            arrived_damaged: Vec::new(),
            cache: BlockCache::default(),
        })
    }

    pub fn has(&self, name: &SnapshotName) -> bool {
        self.there.contains(name)
    }

    /// Counts a snapshot as there that was brought, or would be.
    pub fn add(&mut self, name: SnapshotName) {
        self.ours.insert(name.clone());
        self.there.insert(name);
    }

    /// Says whether this run brought a snapshot.
    pub fn is_ours(&self, name: &SnapshotName) -> bool {
        self.ours.contains(name)
    }

    /// Notes content that arrived damaged: nothing is linked to it, neither now nor by anybody later. Says whether it is
    /// the first of its snapshot.
    pub fn note_damage(&mut self, damage: Damage) -> bool {
        self.damaged.add(&damage);
        self.arrived_damaged.push(damage);
        self.arrived_damaged.len() == 1
    }

    /// Writes down what arrived damaged of a snapshot that is about to be published.
    pub fn write_damages(&mut self) -> Result<()> {
        let arrived = std::mem::take(&mut self.arrived_damaged);
        self.target.map_or(Ok(()), |target| target.add_damages(&arrived))
    }

    /// Forgets what arrived damaged of a snapshot that is not published: its inodes are given to others.
    pub fn drop_damages(&mut self) {
        for damage in self.arrived_damaged.drain(..) {
            self.damaged.remove(&damage);
        }
    }

    pub fn is_damaged(&self, inode: u64) -> bool {
        self.damaged.inodes.contains(&inode)
    }

    /// The same by its name, where inodes are unknown.
    pub fn is_damaged_at(&self, snapshot: &SnapshotName, path: &RelPath) -> bool {
        let at = |places: &HashSet<RelPath>| places.contains(path);
        self.damaged.places.get(snapshot).is_some_and(at)
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
        if let Some(place) = self.opened.iter().position(|open| open.name == *name) {
            // The one that was asked for last is kept longest.
            let open = self.opened.remove(place);
            self.opened.push(Rc::clone(&open));
            return Ok(Some(open));
        }
        let theirs = self.target.map(|target| target.manifest(name)).transpose()?.flatten();
        let manifest = match theirs {
            Some(manifest) => manifest,
            None => match self.target.filter(|target| target.has_snapshot(name).unwrap_or(true)) {
                Some(target) => return Err(no_manifest(target, name)),
                None => match self.source.manifest(name)? {
                    Some(manifest) => manifest,
                    None => return Ok(None),
                },
            },
        };
        let open = Rc::new(Earlier { name: name.clone(), manifest });
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
        let is_damaged = RelPath::new(path).is_some_and(|path| self.is_damaged_at(&earlier.name, &path));
        Ok((!is_damaged && self.is_linkable(entry, &at)).then(|| take(&at)))
    }

    /// Says whether an entry may be linked to one that the target has, because the records agree on what is in it.
    pub fn is_linkable(&self, entry: &Entry<'_>, at: &Entry<'_>) -> bool {
        !at.is_expunged()
            && Content::of(entry).agrees_with(&Content::of(at))
            && !self.is_damaged(at.repository_inode)
    }

    /// The error of a manifest of the source.
    pub fn source_error(&self, name: &SnapshotName, error: ManifestError) -> Error {
        let path = self.source.manifest_path(name);
        match error {
            // That one manifest cannot be read is no reason to bring nothing.
            ManifestError::Io(error) => Error::io_as(ErrorKind::SourceUnreadable, "read", path, error),
            error => manifest_error(path, error),
        }
    }

    /// The error of a manifest of the target.
    pub fn error(&self, name: &SnapshotName, error: ManifestError) -> Error {
        let path =
            self.target.map_or_else(|| self.source.manifest_path(name), |target| target.manifest_path(name));
        manifest_error(path, error)
    }
}

/// Without it nobody knows what can be linked, and everything would be sent again.
fn no_manifest(target: &dyn Store, name: &SnapshotName) -> Error {
    let message = "the snapshot has no manifest at the target; `reindex` makes one";
    Error::new(ErrorKind::MissingManifest, target.path().join(name.as_str()), message)
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
