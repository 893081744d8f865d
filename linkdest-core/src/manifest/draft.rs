//! The entries of one directory while it is worked on.

use std::io;

use super::base::{Base, Survey};
use super::bytes::Cursor;
use super::codec;
use super::part::is_name;
use super::record::Entry;
use crate::entry::Metadata;

/// An entry takes up no more than this.
const ENTRY_LIMIT: usize = 3 << 20;

/// The entries of one directory while it is worked on, in any order.
///
/// Of two entries with one name the one that was pushed last counts.
#[derive(Debug)]
pub(crate) struct DirectoryDraft {
    base: Base,
    survey: Survey,
    /// Rows with their hashes, told against `base`.
    arena: Vec<u8>,
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The first bytes of the name, so that most names are compared without being looked up.
    prefix: u64,
    start: usize,
    length: usize,
}

impl DirectoryDraft {
    /// Starts a draft for the directory with this metadata.
    pub fn new(base: &Metadata) -> Self {
        Self { base: Base::of(base), survey: Survey::default(), arena: Vec::new(), slots: Vec::new() }
    }

    pub fn push(&mut self, entry: &Entry<'_>) {
        let mut prefix = [0; 8];
        prefix.iter_mut().zip(entry.name).for_each(|(to, from)| *to = *from);
        self.survey.add(&entry.metadata, entry.repository_inode);
        let start = self.arena.len();
        codec::encode_alone(entry, &self.base, &mut self.arena);
        let length = self.arena.len() - start;
        self.slots.push(Slot { prefix: u64::from_be_bytes(prefix), start, length });
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The base that suits the entries.
    pub(super) fn suitable_base(&self) -> Base {
        self.survey.base()
    }

    /// Brings the entries in the order of their names and drops those that others stand in for.
    ///
    /// # Errors
    /// Names that no directory has, and entries that are far too large.
    pub(super) fn sort(&mut self) -> io::Result<()> {
        let Self { arena, slots, .. } = self;
        if slots.iter().any(|slot| slot.length > ENTRY_LIMIT) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an entry is too large for a manifest"));
        }
        let name = |slot: &Slot| name_at(arena, slot.start);
        slots.sort_unstable_by(|one, other| {
            one.prefix
                .cmp(&other.prefix)
                .then_with(|| name(one).cmp(name(other)))
                .then(other.start.cmp(&one.start))
        });
        slots.dedup_by(|later, first| first.prefix == later.prefix && name(first) == name(later));
        if slots.iter().all(|slot| is_name(name(slot))) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "an entry has a name that no directory can hold"))
    }

    /// The entry with this index, after sorting.
    pub(super) fn get(&self, index: usize) -> Option<Entry<'_>> {
        let mut cursor = Cursor::new(self.arena.get(self.slots.get(index)?.start..)?);
        codec::decode_alone(&mut cursor, &self.base)
    }

    /// How many bytes the entry with this index takes up in the draft.
    pub(super) fn row_length(&self, index: usize) -> usize {
        self.slots.get(index).map_or(0, |slot| slot.length)
    }

    /// Leaves the draft empty, with its space.
    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.slots.clear();
        self.survey = Survey::default();
    }
}

fn name_at(arena: &[u8], start: usize) -> &[u8] {
    arena.get(start..).and_then(|row| Cursor::new(row).bytes()).unwrap_or_default()
}
