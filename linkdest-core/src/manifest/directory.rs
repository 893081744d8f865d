//! Directories and entries that were found.

use std::sync::Arc;

use super::base::Base;
use super::block::Block;
use super::bytes::Cursor;
use super::codec;
use super::record::{Entry, Locator, Place};
use crate::path::RelPath;

/// One directory of a manifest, with all of its entries in the order of their names.
///
/// ```
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifest/golden-v1.ldm"));
/// # let manifest = linkdest_core::manifest_workbench::read(bytes.to_vec())?;
/// let mut cache = linkdest_core::BlockCache::default();
/// let directory = manifest.directory(manifest.root().child.unwrap(), &mut cache)?;
/// let names: Vec<&[u8]> = directory.entries().map(|entry| entry.name).collect();
/// assert_eq!(names, [&b"deep"[..], b"forms", b"kinds", b"large"]);
/// assert_eq!(directory.find(b"large"), directory.get(3));
/// # Ok::<(), linkdest_core::ManifestError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Directory {
    path: RelPath,
    /// That of the first part, which is nearly always the only one.
    base: Base,
    parts: Vec<Part>,
    len: usize,
}

#[derive(Debug, Clone)]
struct Part {
    /// The index of its first entry.
    first: usize,
    slot: u32,
    block: Arc<Block>,
}

impl Part {
    /// The row of the entry with this index in the directory, and the hash beside it.
    fn row(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.block.whole_row(self.slot, index - self.first)
    }
}

impl Directory {
    pub(super) fn new(path: RelPath, base: Base) -> Self {
        Self { path, base, parts: Vec::with_capacity(1), len: 0 }
    }

    /// What the entries of the first part are told against.
    pub(super) fn base(&self) -> Base {
        self.base
    }

    /// Adds the part that comes next.
    pub(super) fn push(&mut self, slot: u32, block: Arc<Block>) {
        let first = self.len;
        self.len += block.len(slot);
        self.parts.push(Part { first, slot, block });
    }

    /// The path below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// How many entries the directory has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Says whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn part_of(&self, index: usize) -> Option<&Part> {
        match self.parts.as_slice() {
            [only] => Some(only),
            parts => parts.get(parts.partition_point(|part| part.first <= index).checked_sub(1)?),
        }
    }

    /// The entry with this index, if there are so many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Entry<'_>> {
        let Part { first, slot, block } = self.part_of(index)?;
        let base = if *first == 0 { self.base } else { block.head(*slot)?.base };
        block.entry(*slot, &base, index - first)
    }

    /// Where the entry with this index is, if there are so many.
    #[must_use]
    pub fn place(&self, index: usize) -> Option<Place> {
        let Part { first, slot, block } = self.part_of(index)?;
        let directory = Locator { block: block.number(), slot: *slot };
        (index < self.len).then_some(Place { directory, index: u32::try_from(index - first).ok()? })
    }

    /// Says whether all entries are told against this, but for the block.
    pub(super) fn is_told_against(&self, base: &Base) -> bool {
        self.parts.len() == 1 && Base { block: 0, ..self.base } == Base { block: 0, ..*base }
    }

    /// The row of an entry, and the hash beside it.
    pub(super) fn row(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.part_of(index)?.row(index)
    }

    /// How many entries from these two on are alike: nothing but where their inodes came from may differ. Entries that are
    /// not met may be alike too.
    pub(crate) fn count_alike(&self, start: usize, other: &Self, others: usize) -> usize {
        let (Some(mine), Some(theirs)) = (self.part_of(start), other.part_of(others)) else { return 0 };
        let base = |part: &Part| Some(Base { block: 0, ..part.block.head(part.slot)?.base });
        if base(mine) != base(theirs) {
            return 0;
        }
        let are_alike = |past: &usize| match (mine.row(start + past), theirs.row(others + past)) {
            (Some((one, hash)), Some((other, its))) => hash == its && codec::are_alike(one, other),
            _ => false,
        };
        (0..).take_while(are_alike).count()
    }

    /// Finds the entry of this name.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<Entry<'_>> {
        self.get(self.position(name)?)
    }

    /// Finds the entry of this name, looking first at the one that comes after what was found last: asked for names in
    /// their order, that is all that is looked at.
    pub(crate) fn find_next(&self, name: &[u8], next: &mut usize) -> Option<Entry<'_>> {
        let guessed = self.part_of(*next).filter(|part| {
            part.block.name(part.slot, *next - part.first).is_some_and(|guessed| guessed == name)
        });
        let index = if guessed.is_some() { *next } else { self.position(name)? };
        *next = index + 1;
        self.get(index)
    }

    /// Finds the index of the entry of this name.
    #[must_use]
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        let starts_after = |part: &Part| part.block.bounds(part.slot).is_none_or(|(first, _)| first > name);
        let after = self.parts.partition_point(|part| !starts_after(part));
        let Part { first, slot, block } = self.parts.get(after.checked_sub(1)?)?;
        Some(first + block.find(*slot, name)?)
    }

    /// The entries in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.parts.iter().flat_map(|part| part.block.entries(part.slot))
    }
}

/// One entry that was found in a manifest, with all that it needs.
///
/// ```
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifest/golden-v1.ldm"));
/// # let manifest = linkdest_core::manifest_workbench::read(bytes.to_vec())?;
/// let mut cache = linkdest_core::BlockCache::default();
/// let place = manifest.by_inode(1, 13, &mut cache)?[0];
/// let found = manifest.entry_at(place, &mut cache)?;
/// assert_eq!((found.entry().name, found.path().as_bytes()), (&b"deepest"[..], &b"deep/deeper/deepest"[..]));
/// # Ok::<(), linkdest_core::ManifestError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Found(Home);

#[derive(Debug, Clone)]
enum Home {
    /// The row of the root.
    Root(Arc<[u8]>),
    Block(Arc<Block>, Base, Place),
}

impl Found {
    pub(super) fn root(row: Arc<[u8]>) -> Self {
        Self(Home::Root(row))
    }

    /// Takes the entry out of its block; `None` if there is no such entry.
    pub(super) fn in_block(block: Arc<Block>, place: Place) -> Option<Self> {
        let slot = place.directory.slot;
        let base = block.head(slot)?.base;
        let is_there = (place.index as usize) < block.len(slot);
        is_there.then_some(Self(Home::Block(block, base, place)))
    }

    /// The entry.
    #[must_use]
    pub fn entry(&self) -> Entry<'_> {
        let entry = match &self.0 {
            Home::Root(row) => codec::decode_alone(&mut Cursor::new(row), &Base::default()),
            Home::Block(block, base, place) => block.entry(place.directory.slot, base, place.index as usize),
        };
        // There is one: that was checked when the block was loaded.
        entry.unwrap_or(Entry::NONE)
    }

    /// The path of the entry below the source.
    #[must_use]
    pub fn path(&self) -> RelPath {
        match &self.0 {
            Home::Root(_) => RelPath::root(),
            Home::Block(block, _, place) => {
                let directory = block.path(place.directory.slot);
                let names = [&directory[..], self.entry().name];
                RelPath::from_names(names.into_iter().filter(|name| !name.is_empty()))
            }
        }
    }

    /// Where the entry is; `None` for the root.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self.0 {
            Home::Root(_) => None,
            Home::Block(_, _, place) => Some(place),
        }
    }
}
