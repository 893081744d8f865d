//! A snapshot beside the one that most of its entries are linked to, directory by directory.

use std::collections::HashSet;
use std::rc::Rc;

use super::earlier::{Earlier, Known, linked_flags};
use super::plan::{Key, Place, Table, key, may_be_shared};
use super::same::{Content, Expected};
use crate::error::Result;
use crate::manifest::{BlockCache, Directory, Entry, EntryFlags, Locator, Manifest, Origin};
use crate::path::RelPath;
use crate::repository::SnapshotName;

/// The manifests that are read side by side.
pub(super) struct Sides<'s> {
    pub name: &'s SnapshotName,
    pub manifest: &'s Manifest,
    /// What the references of the manifest stand for, where the target has them.
    references: Vec<Option<SnapshotName>>,
    /// The snapshot of the target that is read beside it.
    pub base: Option<Base>,
    /// Inodes of several names that those of the target have no room for: they are made anew.
    pub limited: HashSet<Key>,
    cache: BlockCache,
}

/// A snapshot that the target has.
pub(super) struct Base {
    pub earlier: Rc<Earlier>,
    /// This run brought it.
    pub is_ours: bool,
    /// What the source has of the same one: the inodes there.
    source: Option<Manifest>,
}

/// One directory, and what the others have at its path.
pub(super) struct Here {
    pub directory: Directory,
    pub base: Option<Directory>,
    source: Option<Directory>,
}

/// Where an entry is linked from.
#[derive(Clone)]
pub(super) enum From {
    /// The same path of the base.
    Base,
    /// A path of another snapshot.
    At(Rc<Earlier>, RelPath),
    /// A path of the replica that grows.
    Staged(RelPath),
}

/// What an entry can be linked to.
pub(super) struct Link {
    pub from: From,
    /// What the name there must be; `None` of one that this run made.
    pub expected: Option<Expected>,
    /// This run brought it: nobody had reason to change it since.
    pub is_ours: bool,
    /// The inode of a name that this run made.
    pub inode: u64,
    /// What must be said of it besides what its own record says.
    pub flags: EntryFlags,
}

impl<'s> Sides<'s> {
    /// Chooses what the snapshot is read beside: the reference that it was made with, or a neighbour.
    pub fn new(name: &'s SnapshotName, manifest: &'s Manifest, known: &mut Known<'_>) -> Result<Self> {
        let parse = |label: &String| label.parse().ok().filter(|name| known.has(name));
        let references: Vec<Option<SnapshotName>> = manifest.header().references.iter().map(parse).collect();
        let first = references.first().cloned().flatten();
        let base = match first.or_else(|| known.neighbour(name)) {
            Some(base) => known.open(&base)?.map(|earlier| {
                let source = known.source_manifest(&earlier.name);
                let is_ours = known.is_ours(&earlier.name);
                Base { earlier, is_ours, source }
            }),
            None => None,
        };
        let (limited, cache) = (HashSet::new(), BlockCache::default());
        Ok(Self { name, manifest, references, base, limited, cache })
    }

    /// Reads the root of all of them.
    pub fn root(&mut self, known: &Known<'_>, at: Locator) -> Result<Here> {
        let base = self.base.as_ref().and_then(|base| base.earlier.manifest.root().child);
        let source = self.base.as_ref().and_then(|base| base.source.as_ref()?.root().child);
        self.open(known, at, base, source)
    }

    /// Reads a sub-directory.
    pub fn below(&mut self, known: &Known<'_>, above: &Here, entry: &Entry<'_>, at: Locator) -> Result<Here> {
        let child = |directory: &Option<Directory>| directory.as_ref()?.find(entry.name)?.child;
        self.open(known, at, child(&above.base), child(&above.source))
    }

    fn open(
        &mut self,
        known: &Known<'_>,
        at: Locator,
        base: Option<Locator>,
        source: Option<Locator>,
    ) -> Result<Here> {
        let damaged = |error| known.source_error(self.name, error);
        let directory = self.manifest.directory(at, &mut self.cache).map_err(damaged)?;
        let Some(beside) = &self.base else { return Ok(Here { directory, base: None, source: None }) };
        let earlier = &beside.earlier;
        let base = base.map(|at| earlier.manifest.directory(at, &mut self.cache)).transpose();
        let base = base.map_err(|error| known.error(&earlier.name, error))?;
        // What cannot be read there proves nothing.
        let source = beside.source.as_ref().zip(source);
        let source = source.and_then(|(manifest, at)| manifest.directory(at, &mut self.cache).ok());
        Ok(Here { directory, base, source })
    }

    /// Finds what an entry shares its inode with, of all that the target has.
    pub fn find(
        &self,
        known: &mut Known<'_>,
        table: &Table,
        here: &Here,
        entry: &Entry<'_>,
    ) -> Result<Option<Link>> {
        // The names of an inode stay together: once one of them had to be made anew, the others follow.
        let shared = if may_be_shared(entry) { key(entry) } else { None };
        if let Some(shared) = shared {
            if let Some(Place::Staged { path, inode, flags, content }) = table.get(&shared)
                && content.agrees_with(&Content::of(entry))
            {
                let from = From::Staged(path.clone());
                let (inode, flags) = (*inode, *flags);
                return Ok(Some(Link { from, expected: None, is_ours: true, inode, flags }));
            }
            if self.limited.contains(&shared) {
                return Ok(None);
            }
        }
        if let Some(link) = self.same_path(known, here, entry) {
            return Ok(Some(link));
        }
        if let Some((name, path)) = self.by_origin(here, entry)
            && let Some(link) = self.at(known, &name, path, entry)?
        {
            return Ok(Some(link));
        }
        match key(entry).and_then(|key| table.get(&key)) {
            Some(Place::At(name, path)) => self.at(known, name, path.clone(), entry),
            Some(Place::Staged { .. }) | None => Ok(None),
        }
    }

    /// The base has the same inode at the same path: its record says so, or both records name one inode.
    pub fn same_path(&self, known: &Known<'_>, here: &Here, entry: &Entry<'_>) -> Option<Link> {
        let base = self.base.as_ref()?;
        let at = here.base.as_ref()?.find(entry.name)?;
        let is_told = matches!(entry.origin, Origin::Same { reference }
            if self.reference(reference) == Some(&base.earlier.name));
        let is_same_inode = || {
            let then = here.source.as_ref().and_then(|source| source.find(entry.name));
            entry.repository_inode != 0
                && then.is_some_and(|then| then.repository_inode == entry.repository_inode)
        };
        if !((is_told || is_same_inode()) && known.is_linkable(entry, &at)) {
            return None;
        }
        if known.is_damaged_at(&base.earlier.name, &here.directory.path().child(entry.name)) {
            return None;
        }
        let expected = Some(Expected::of(&at));
        let flags = linked_flags(entry, &at);
        Some(Link { from: From::Base, expected, is_ours: base.is_ours, inode: 0, flags })
    }

    /// Where the entry's own record says that its inode came from, if the target has that.
    fn by_origin(&self, here: &Here, entry: &Entry<'_>) -> Option<(SnapshotName, RelPath)> {
        let (reference, path) = match entry.origin {
            Origin::Same { reference } => (reference, here.directory.path().child(entry.name)),
            Origin::Elsewhere { reference, path } => (reference, RelPath::new(path)?),
            Origin::Fresh | Origin::Group => return None,
        };
        Some((self.reference(reference)?.clone(), path))
    }

    fn reference(&self, number: u32) -> Option<&SnapshotName> {
        self.references.get(usize::try_from(number).ok()?)?.as_ref()
    }

    /// The entry at a path of another snapshot.
    fn at(
        &self,
        known: &mut Known<'_>,
        name: &SnapshotName,
        path: RelPath,
        entry: &Entry<'_>,
    ) -> Result<Option<Link>> {
        let Some(earlier) = known.open(name)? else { return Ok(None) };
        let found =
            known.find(&earlier, path.as_bytes(), entry, |at| (Expected::of(at), linked_flags(entry, at)))?;
        let is_ours = known.is_ours(name);
        Ok(found.map(|(expected, flags)| Link {
            is_ours,
            from: From::At(earlier, path),
            expected: Some(expected),
            inode: 0,
            flags,
        }))
    }
}
