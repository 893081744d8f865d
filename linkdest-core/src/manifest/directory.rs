//! Directories and entries that were found.

use std::sync::Arc;

use super::block::{Block, Part};
use super::codec;
use super::record::{Entry, Locator, Place};
use crate::path::RelPath;

/// One directory of a manifest, with all of its entries in the order of their names.
#[derive(Debug, Clone)]
pub struct Directory {
    path: RelPath,
    /// Each with the index of its first entry.
    parts: Vec<(usize, Locator, Arc<Block>)>,
    len: usize,
}

impl Directory {
    pub(super) fn new(path: RelPath) -> Self {
        Self { path, parts: Vec::new(), len: 0 }
    }

    pub(super) fn push(&mut self, at: Locator, block: Arc<Block>) {
        let count = block.part(at.slot).map_or(0, |part| block.len(part));
        self.parts.push((self.len, at, block));
        self.len += count;
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

    /// The entry with this index, if there are so many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Entry<'_>> {
        let (block, part, index, _) = self.locate(index)?;
        block.entry(part, index)
    }

    /// Where the entry with this index is, if there are so many.
    #[must_use]
    pub fn place(&self, index: usize) -> Option<Place> {
        let (_, _, index, directory) = self.locate(index)?;
        Some(Place { directory, index: u32::try_from(index).ok()? })
    }

    fn locate(&self, index: usize) -> Option<(&Block, &Part, usize, Locator)> {
        let after = self.parts.partition_point(|(first, _, _)| *first <= index);
        let (first, at, block) = self.parts.get(after.checked_sub(1)?)?;
        (index < self.len).then_some((block, block.part(at.slot)?, index - first, *at))
    }

    /// Finds the entry of this name.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<Entry<'_>> {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.get(middle)?;
            match entry.name.cmp(name) {
                std::cmp::Ordering::Equal => return Some(entry),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The entries in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.len).filter_map(|index| self.get(index))
    }
}

/// One entry that was found in a manifest, with all that it needs.
#[derive(Debug, Clone)]
pub struct Found {
    path: RelPath,
    home: Home,
}

#[derive(Debug, Clone)]
enum Home {
    Root(Arc<[u8]>),
    Block(Arc<Block>, Place),
}

impl Found {
    pub(super) fn root(encoded: Arc<[u8]>) -> Self {
        Self { path: RelPath::root(), home: Home::Root(encoded) }
    }

    /// Takes the entry out of its block; `None` if there is no such entry.
    pub(super) fn in_block(block: Arc<Block>, place: Place) -> Option<Self> {
        let part = block.part(place.directory.slot)?;
        let name = block.entry(part, place.index as usize)?.name;
        let path = RelPath::from_names([block.path(part), name].into_iter().filter(|part| !part.is_empty()));
        Some(Self { path, home: Home::Block(block, place) })
    }

    /// The entry.
    #[must_use]
    pub fn entry(&self) -> Entry<'_> {
        let entry = match &self.home {
            Home::Root(encoded) => codec::decode(encoded),
            Home::Block(block, place) => {
                block.part(place.directory.slot).and_then(|part| block.entry(part, place.index as usize))
            }
        };
        // It was looked at when this was made.
        entry.unwrap_or(Entry::NONE)
    }

    /// The path of the entry below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// Where the entry is; `None` for the root.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self.home {
            Home::Root(_) => None,
            Home::Block(_, place) => Some(place),
        }
    }
}
