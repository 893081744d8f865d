//! A block of directories that was loaded. Directories in it are checked before they are looked at, so that looking at
//! them cannot fail.

use std::sync::OnceLock;

use super::base::Base;
use super::bytes::Cursor;
use super::codec::{self, Row};
use super::hash::ContentHash;
use super::keys::{Identity, Key, Section};
use super::part::{CHAIN, Head, Length, is_name, is_path};
use super::record::{Entry, Locator, Place};

#[derive(Debug)]
pub(super) struct Block {
    number: u32,
    rows: Vec<u8>,
    hashes: Vec<u8>,
    parts: Vec<PartAt>,
}

/// Where a part is.
#[derive(Debug)]
struct PartAt {
    /// Where its head begins.
    start: u32,
    /// Where its rows begin and end, and how many hashes come before theirs and the next ones'.
    rows: (RowAt, RowAt),
    /// Its entries, once somebody asked for them; `None` if they are damaged.
    entries: OnceLock<Option<Box<[RowAt]>>>,
}

/// Where an entry begins, and how many hashes come before its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RowAt {
    start: u32,
    hash: u32,
}

impl Block {
    /// Takes a block apart; `None` if it is damaged. What is in a part whose length is told is looked at when it is
    /// needed: see [`is_sound`](Self::is_sound).
    pub fn parse(number: u32, rows: Vec<u8>, hashes: Vec<u8>) -> Option<Self> {
        let (mut parts, mut path, mut at) = (Vec::new(), Vec::new(), RowAt { start: 0, hash: 0 });
        while (at.start as usize) < rows.len() {
            let start = at.start;
            let mut cursor = Cursor::new(rows.get(start as usize..)?);
            let head = Head::decode(&mut cursor, number)?;
            if head.shared > path.len() || (head.shared > 0 && parts.len().is_multiple_of(CHAIN as usize)) {
                return None;
            }
            path.truncate(head.shared);
            path.extend_from_slice(head.suffix);
            let is_needless = head.entries == 0 && (head.continues || head.next.is_some());
            if !is_path(&path, head.shared) || is_needless {
                return None;
            }
            at.start = u32::try_from(rows.len() - cursor.rest().len()).ok()?;
            let (entries, end) = match head.length {
                Some(Length { bytes, hashes }) => {
                    let end =
                        RowAt { start: at.start.checked_add(bytes)?, hash: at.hash.checked_add(hashes)? };
                    (OnceLock::new(), end)
                }
                None => entries_of(&rows, &head, at).map(|(read, end)| (OnceLock::from(Some(read)), end))?,
            };
            parts.push(PartAt { start, rows: (at, end), entries });
            at = end;
        }
        let padding = hashes.get((at.hash as usize).checked_mul(32)?..)?;
        let is_whole = at.start as usize == rows.len() && !parts.is_empty();
        (is_whole && padding.iter().all(|&byte| byte == 0)).then(|| {
            parts.shrink_to_fit();
            Self { number, rows, hashes, parts }
        })
    }

    /// Says whether the entries of a part are what they must be: whoever asks for them has to ask this before. There are
    /// none where they are not.
    pub fn is_sound(&self, slot: u32) -> bool {
        self.parts.get(slot as usize).is_some_and(|part| self.read(slot, part).is_some())
    }

    fn read<'b>(&'b self, slot: u32, part: &'b PartAt) -> Option<&'b [RowAt]> {
        let read = || {
            let (start, told) = part.rows;
            let (entries, end) = entries_of(&self.rows, &self.head(slot)?, start)?;
            (end == told).then_some(entries)
        };
        part.entries.get_or_init(read).as_deref()
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    /// The number of parts.
    pub fn parts(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// The head of a part.
    pub fn head(&self, slot: u32) -> Option<Head<'_>> {
        let start = self.parts.get(slot as usize)?.start;
        Head::decode(&mut Cursor::new(self.rows.get(start as usize..)?), self.number)
    }

    /// The path of the directory that a part belongs to.
    pub fn path(&self, slot: u32) -> Vec<u8> {
        let length = self.head(slot).map_or(0, |head| head.shared + head.suffix.len());
        let (mut path, mut wanted) = (vec![0; length], length);
        for head in (0..=slot).rev().map_while(|slot| self.head(slot)) {
            if head.shared < wanted {
                let piece = path.get_mut(head.shared..wanted).unwrap_or_default();
                piece.iter_mut().zip(head.suffix).for_each(|(to, from)| *to = *from);
                wanted = head.shared;
            }
            if wanted == 0 {
                break;
            }
        }
        path
    }

    fn rows_of(&self, slot: u32) -> &[RowAt] {
        self.parts.get(slot as usize).and_then(|part| self.read(slot, part)).unwrap_or_default()
    }

    /// The number of entries in a part.
    pub fn len(&self, slot: u32) -> usize {
        self.rows_of(slot).len()
    }

    /// An entry of a part whose base is at hand.
    #[inline]
    pub fn entry(&self, slot: u32, base: &Base, index: usize) -> Option<Entry<'_>> {
        self.entry_from(self.rows_of(slot).get(index)?, base)
    }

    #[inline]
    fn entry_from(&self, at: &RowAt, base: &Base) -> Option<Entry<'_>> {
        let mut cursor = Cursor::new(self.rows.get(at.start as usize..)?);
        let row = codec::decode(&mut cursor, base)?;
        if !row.is_hashed {
            return Some(row.entry);
        }
        let hash = ContentHash(*self.hashes.get(at.hash as usize * 32..)?.first_chunk()?);
        Some(row.with_hash(Some(hash)))
    }

    /// All entries of a part.
    pub fn entries(&self, slot: u32) -> impl Iterator<Item = Entry<'_>> {
        let base = self.head(slot).map(|head| head.base).unwrap_or_default();
        self.rows_of(slot).iter().filter_map(move |at| self.entry_from(at, &base))
    }

    fn row(&self, at: &RowAt) -> &[u8] {
        self.rows.get(at.start as usize..).unwrap_or_default()
    }

    fn name_at(&self, at: &RowAt) -> &[u8] {
        Cursor::new(self.row(at)).bytes().unwrap_or_default()
    }

    /// The row of an entry and the hash beside it, if there is one.
    pub fn whole_row(&self, slot: u32, index: usize) -> Option<(&[u8], &[u8])> {
        let rows = self.rows_of(slot);
        let (start, next) = (rows.get(index)?, rows.get(index + 1));
        let end = next.or_else(|| self.parts.get(slot as usize).map(|part| &part.rows.1))?;
        let hash = self.hashes.get(start.hash as usize * 32..end.hash as usize * 32)?;
        Some((self.rows.get(start.start as usize..end.start as usize)?, hash))
    }

    /// The name of an entry.
    pub fn name(&self, slot: u32, index: usize) -> Option<&[u8]> {
        self.rows_of(slot).get(index).map(|at| self.name_at(at))
    }

    /// The first and the last name of a part; `None` if it has none.
    pub fn bounds(&self, slot: u32) -> Option<(&[u8], &[u8])> {
        let rows = self.rows_of(slot);
        Some((self.name_at(rows.first()?), self.name_at(rows.last()?)))
    }

    /// Finds a name in a part.
    pub fn find(&self, slot: u32, name: &[u8]) -> Option<usize> {
        self.rows_of(slot).binary_search_by(|at| self.name_at(at).cmp(name)).ok()
    }

    /// The first entry from `index` on that has entries of its own.
    pub fn next_child(&self, slot: u32, index: u32) -> Option<(u32, &[u8], Locator)> {
        let rows = self.rows_of(slot).get(index as usize..)?;
        let past = rows.iter().position(|at| codec::has_child(self.row(at)))?;
        let entry = self.entry_from(rows.get(past)?, &self.head(slot)?.base)?;
        Some((index.checked_add(u32::try_from(past).ok()?)?, entry.name, entry.child?))
    }

    /// What all entries are looked up by.
    pub fn keys(&self) -> impl Iterator<Item = (Section, Key)> {
        (0..self.parts()).flat_map(move |slot| {
            let directory = Locator { block: self.number, slot };
            (0..).zip(self.entries(slot)).flat_map(move |(index, entry)| {
                Identity::of(&entry).keys(Place { directory, index }).into_iter().flatten()
            })
        })
    }

    /// The memory that the block takes up, once everything in it was asked for.
    pub fn size(&self) -> usize {
        // A row that is worth speaking of has twenty bytes and more.
        let entries = self.rows.len() / 20 * size_of::<RowAt>();
        let parts = self.parts.capacity() * size_of::<PartAt>();
        size_of::<Self>() + self.rows.capacity() + self.hashes.capacity() + parts + entries
    }
}

/// Finds the rows of a part, which begin at `at`, and where they end; `None` if they are damaged.
fn entries_of(rows: &[u8], head: &Head<'_>, mut at: RowAt) -> Option<(Box<[RowAt]>, RowAt)> {
    let mut cursor = Cursor::new(rows.get(at.start as usize..)?);
    // So many bytes a row has at least.
    let most = cursor.rest().len() / 4;
    let (mut entries, mut last) = (Vec::with_capacity((head.entries as usize).min(most)), &b""[..]);
    for _ in 0..head.entries {
        entries.push(at);
        let Row { entry, is_hashed } = codec::decode(&mut cursor, &head.base)?;
        if entry.name <= last || !is_name(entry.name) {
            return None;
        }
        last = entry.name;
        at.start = u32::try_from(rows.len() - cursor.rest().len()).ok()?;
        at.hash += u32::from(is_hashed);
    }
    Some((entries.into_boxed_slice(), at))
}
