//! A block that was loaded: everything in it was checked.

use std::ops::Range;

use super::bytes::Cursor;
use super::codec;
use super::record::{Entry, Locator};

#[derive(Debug)]
pub(super) struct Block {
    raw: Vec<u8>,
    parts: Vec<Part>,
    /// Where the entries are, of all parts one after the other.
    entries: Vec<Range<u32>>,
}

/// One directory, or a part of a very large one.
#[derive(Debug)]
pub(super) struct Part {
    path: Range<usize>,
    pub next: Option<Locator>,
    entries: Range<usize>,
}

impl Block {
    /// Takes a block apart; `None` if it is damaged.
    pub fn parse(raw: Vec<u8>) -> Option<Self> {
        let mut block = Self { raw: Vec::new(), parts: Vec::new(), entries: Vec::new() };
        let mut cursor = Cursor::new(&raw);
        while !cursor.is_at_end() {
            let part = block.part_from(&mut cursor, raw.len())?;
            block.parts.push(part);
        }
        block.raw = raw;
        Some(block)
    }

    fn part_from(&mut self, cursor: &mut Cursor<'_>, total: usize) -> Option<Part> {
        let length = cursor.small::<usize>()?;
        let start = total - cursor.rest().len();
        let path = cursor.take(length)?;
        crate::path::RelPath::new(path)?;
        let next = codec::locator(cursor)?;
        let count: usize = cursor.small()?;
        let first = self.entries.len();
        let mut last: &[u8] = b"";
        for _ in 0..count {
            let bytes = cursor.bytes()?;
            let end = u32::try_from(total - cursor.rest().len()).ok()?;
            self.entries.push(end - u32::try_from(bytes.len()).ok()?..end);
            let entry = codec::decode(bytes)?;
            if entry.name <= last {
                return None;
            }
            last = entry.name;
        }
        Some(Part { path: start..start + length, next, entries: first..self.entries.len() })
    }

    pub fn part(&self, slot: u32) -> Option<&Part> {
        self.parts.get(slot as usize)
    }

    pub fn path(&self, part: &Part) -> &[u8] {
        self.raw.get(part.path.clone()).unwrap_or_default()
    }

    pub fn entry(&self, part: &Part, index: usize) -> Option<Entry<'_>> {
        let entries = self.entries.get(part.entries.clone())?;
        let Range { start, end } = entries.get(index)?.clone();
        codec::decode(self.raw.get(start as usize..end as usize)?)
    }

    pub fn len(&self, part: &Part) -> usize {
        part.entries.len()
    }

    /// The memory that the block takes up.
    pub fn size(&self) -> usize {
        self.raw.len() + self.parts.len() * size_of::<Part>() + self.entries.len() * size_of::<Range<u32>>()
    }
}
