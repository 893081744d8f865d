//! The entries of one directory while it is worked on.

use std::io;

use super::base::{Base, Survey};
use super::bytes::Cursor;
use super::codec;
use super::directory::Directory;
use super::hash::ContentHash;
use super::keys::Identity;
use super::part::is_name;
use super::record::{Entry, Origin};
use super::tree_hash::TreeHasher;
use crate::entry::Metadata;
use crate::os::prefix;

/// An entry takes up no more than this.
const ENTRY_LIMIT: usize = 3 << 20;

/// What most entries take up, hash included.
const USUAL_ROW: usize = 80;

const HASH: usize = size_of::<ContentHash>();

/// The entries of one directory while it is worked on, in any order.
///
/// Of two entries with one name the one that was pushed last counts.
#[derive(Debug)]
pub(crate) struct DirectoryDraft {
    base: Base,
    /// The base is that of the same directory in an earlier manifest.
    is_inherited: bool,
    /// How many entries that manifest has as well.
    inherited: usize,
    survey: Survey,
    /// Rows with their hashes, told against `base`.
    arena: Vec<u8>,
    slots: Vec<Slot>,
}

/// The memory of a draft that was written, for the next one.
#[derive(Debug, Default)]
pub(crate) struct DraftSpace {
    arena: Vec<u8>,
    slots: Vec<Slot>,
}

/// The memory of a larger directory goes back to the system.
const SPACE_LIMIT: usize = 1 << 20;

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
        Self {
            base: Base::of(base),
            is_inherited: false,
            inherited: 0,
            survey: Survey::default(),
            arena: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Makes ready for many entries, before the first one: in memory that was used before, and told as the same
    /// directory tells its entries in an earlier manifest, so that rows need not be told anew when they are written.
    pub fn prepare(&mut self, space: DraftSpace, entries: usize, earlier: Option<&Directory>) {
        if !self.slots.is_empty() {
            return;
        }
        let DraftSpace { arena, slots } = space;
        (self.arena, self.slots) = (arena, slots);
        self.clear();
        self.arena.reserve(entries * USUAL_ROW);
        self.slots.reserve(entries);
        if let Some(earlier) = earlier.filter(|earlier| !earlier.is_empty()) {
            self.base = Base { block: 0, ..earlier.base() };
            self.is_inherited = true;
        }
    }

    /// Takes the memory of a draft that was written.
    pub fn take_space(&mut self) -> Option<DraftSpace> {
        let space =
            DraftSpace { arena: std::mem::take(&mut self.arena), slots: std::mem::take(&mut self.slots) };
        (space.arena.capacity() <= SPACE_LIMIT && space.slots.is_empty()).then_some(space)
    }

    pub fn push(&mut self, entry: &Entry<'_>) {
        if !self.base.can_tell(entry.repository_inode) {
            self.leave_inherited_base();
        }
        self.survey.add(&entry.metadata, entry.repository_inode);
        self.inherited += usize::from(entry.origin == Origin::Same { reference: 0 });
        let start = self.arena.len();
        codec::encode_alone(entry, &self.base, &mut self.arena);
        let length = self.arena.len() - start;
        self.slots.push(Slot { prefix: prefix(entry.name), start, length });
    }

    /// Tells all rows anew against a base below any inode.
    fn leave_inherited_base(&mut self) {
        let base = Base { repository_inode: 0, ..self.base };
        let rows = std::mem::take(&mut self.arena);
        self.arena.reserve(rows.capacity());
        for slot in &mut self.slots {
            let row = rows.get(slot.start..slot.start + slot.length).unwrap_or_default();
            slot.start = self.arena.len();
            if let Some(entry) = codec::decode_alone(&mut Cursor::new(row), &self.base) {
                codec::encode_alone(&entry, &base, &mut self.arena);
            }
            slot.length = self.arena.len() - slot.start;
        }
        (self.base, self.is_inherited) = (base, false);
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The base that suits the entries: the one that they are told against already where most are those of then.
    pub(super) fn suitable_base(&self) -> Base {
        let suits = self.is_inherited && self.inherited * 2 >= self.slots.len();
        if suits && self.survey.is_above(&self.base) { self.base } else { self.survey.base() }
    }

    /// Appends the rows of some entries, after sorting, told against `base`, and their hashes; says what each is looked
    /// up by.
    pub(super) fn write_rows(
        &self,
        entries: std::ops::Range<usize>,
        base: &Base,
        rows: &mut Vec<u8>,
        hashes: &mut Vec<u8>,
        mut each: impl FnMut(u32, Identity),
    ) {
        let is_told_alike = Base { block: base.block, ..self.base } == *base;
        let slots = self.slots.get(entries).unwrap_or_default();
        for (index, row) in (0..).zip(slots.iter().filter_map(|slot| self.row(slot))) {
            let known = if is_told_alike { codec::identity(row, base) } else { None };
            if let Some((identity, is_hashed)) = known {
                let (row, hash) = row.split_at(row.len() - if is_hashed { HASH } else { 0 });
                rows.extend_from_slice(row);
                hashes.extend_from_slice(hash);
                each(index, Identity { content: hash.first_chunk().copied().map(ContentHash), ..identity });
            } else if let Some(entry) = codec::decode_alone(&mut Cursor::new(row), &self.base) {
                if let Some(hash) = codec::encode(&entry, base, rows) {
                    hashes.extend_from_slice(&hash.0);
                }
                each(index, Identity::of(&entry));
            }
        }
    }

    /// Says whether it is worth looking whether all is as it was in the earlier manifest.
    pub fn may_be_as_before(&self) -> bool {
        self.is_inherited
    }

    /// Says whether a comparison finds nothing between the entries, after sorting, and those of the same directory earlier;
    /// where that does not show soon, it says no.
    pub(super) fn is_as(&self, earlier: &Directory, hasher: &mut TreeHasher) -> bool {
        if earlier.len() != self.slots.len() || !earlier.is_told_against(&self.base) {
            return false;
        }
        let are_alike = |(index, slot)| {
            let (Some(row), Some((old, hash))) = (self.row(slot), earlier.row(index)) else { return false };
            let same = row.split_at_checked(old.len());
            same.is_some_and(|(row, own)| own == hash && codec::are_alike(row, old)) || {
                let entry = codec::decode_alone(&mut Cursor::new(row), &self.base);
                entry.zip(earlier.get(index)).is_some_and(|(one, other)| hasher.are_alike(&one, &other))
            }
        };
        self.slots.iter().enumerate().all(are_alike)
    }

    /// The entries, after sorting.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let rows = self.slots.iter().filter_map(|slot| self.row(slot));
        rows.filter_map(|row| codec::decode_alone(&mut Cursor::new(row), &self.base))
    }

    fn row(&self, slot: &Slot) -> Option<&[u8]> {
        self.arena.get(slot.start..slot.start + slot.length)
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
        // Names mostly come sorted, the sub-directories after the others: a stable sort merges such runs.
        slots.sort_by(|one, other| {
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

    /// How many bytes the entry with this index takes up in the draft.
    pub(super) fn row_length(&self, index: usize) -> usize {
        self.slots.get(index).map_or(0, |slot| slot.length)
    }

    /// Leaves the draft empty, with its space.
    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.slots.clear();
        self.survey = Survey::default();
        self.inherited = 0;
    }
}

fn name_at(arena: &[u8], start: usize) -> &[u8] {
    arena.get(start..).and_then(|row| Cursor::new(row).bytes()).unwrap_or_default()
}
