//! A block of directories that was loaded: everything in it was checked, so that looking at it cannot fail.

use super::base::Base;
use super::bytes::Cursor;
use super::codec::{self, Row};
use super::hash::ContentHash;
use super::keys::{Identity, Key, Section};
use super::part::{CHAIN, Head, is_name, is_path};
use super::record::{Entry, Locator, Place};

#[derive(Debug)]
pub(super) struct Block {
    number: u32,
    rows: Vec<u8>,
    hashes: Vec<u8>,
    parts: Vec<PartAt>,
    /// Of all parts, one after the other.
    entries: Vec<RowAt>,
}

/// Where a part begins: in the rows, and among the entries.
#[derive(Debug, Clone, Copy)]
struct PartAt {
    start: u32,
    first: u32,
}

/// Where an entry begins, and how many hashes come before its own.
#[derive(Debug, Clone, Copy)]
struct RowAt {
    start: u32,
    hash: u32,
}

impl Block {
    /// Takes a block apart; `None` if it is damaged.
    pub fn parse(number: u32, rows: Vec<u8>, hashes: Vec<u8>) -> Option<Self> {
        let (mut parts, mut entries) = (Vec::new(), Vec::new());
        let (mut cursor, mut path, mut hash) = (Cursor::new(&rows), Vec::new(), 0);
        let at = |cursor: &Cursor<'_>| u32::try_from(rows.len() - cursor.rest().len()).ok();
        while !cursor.is_at_end() {
            parts.push(PartAt { start: at(&cursor)?, first: u32::try_from(entries.len()).ok()? });
            let head = Head::decode(&mut cursor, number)?;
            if head.shared > path.len()
                || (head.shared > 0 && (parts.len() - 1).is_multiple_of(CHAIN as usize))
            {
                return None;
            }
            path.truncate(head.shared);
            path.extend_from_slice(head.suffix);
            let is_needless = head.entries == 0 && (head.continues || head.next.is_some());
            if !is_path(&path, head.shared) || is_needless {
                return None;
            }
            let mut last: &[u8] = b"";
            for _ in 0..head.entries {
                entries.push(RowAt { start: at(&cursor)?, hash });
                let Row { entry, is_hashed } = codec::decode(&mut cursor, &head.base)?;
                if entry.name <= last || !is_name(entry.name) {
                    return None;
                }
                last = entry.name;
                hash += u32::from(is_hashed);
            }
        }
        let padding = hashes.get((hash as usize).checked_mul(32)?..)?;
        if padding.iter().any(|&byte| byte != 0) || parts.is_empty() {
            return None;
        }
        parts.shrink_to_fit();
        entries.shrink_to_fit();
        Some(Self { number, rows, hashes, parts, entries })
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
        let slot = slot as usize;
        let first = self.parts.get(slot).map_or(self.entries.len(), |part| part.first as usize);
        let end = self.parts.get(slot + 1).map_or(self.entries.len(), |part| part.first as usize);
        self.entries.get(first..end).unwrap_or_default()
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
        let Row { mut entry, is_hashed } = codec::decode(&mut cursor, base)?;
        if is_hashed {
            let start = at.hash as usize * 32;
            entry.content = Some(ContentHash(*self.hashes.get(start..)?.first_chunk()?));
        }
        Some(entry)
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

    /// The memory that the block takes up.
    pub fn size(&self) -> usize {
        size_of::<Self>()
            + self.rows.capacity()
            + self.hashes.capacity()
            + self.parts.capacity() * size_of::<PartAt>()
            + self.entries.capacity() * size_of::<RowAt>()
    }
}
