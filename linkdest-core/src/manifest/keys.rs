//! What entries are found by beside their paths: sorted lists of keys and places.

use std::cmp::Ordering;

use super::bytes::{Cursor, put, put_signed};
use super::hash::ContentHash;
use super::record::{Entry, Locator, Place};
use crate::entry::{FileId, Kind};

/// A list of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Device number and inode of every entry whose inode is known.
    Inodes,
    /// Size and the beginning of the hash of every regular file that is not empty and has a hash.
    Content,
}

pub(super) const SECTIONS: [Section; 2] = [Section::Inodes, Section::Content];

/// What an entry is looked up by, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// The device number; the size.
    pub major: u64,
    /// The inode; the first five bytes of the hash, the first one highest.
    pub minor: u64,
    pub place: Place,
}

/// The most bytes that a key takes up.
pub(super) const LONGEST: usize = 40;

const NOWHERE: Place = Place { directory: Locator { block: 0, slot: 0 }, index: 0 };

impl Key {
    /// What every list is told against.
    pub const START: Self = Self { major: 0, minor: 0, place: NOWHERE };

    pub fn id(&self) -> (u64, u64) {
        (self.major, self.minor)
    }

    /// Both numbers as one, which is compared at once.
    fn whole(&self) -> u128 {
        u128::from(self.major) << 64 | u128::from(self.minor)
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.whole().cmp(&other.whole()).then_with(|| self.place.cmp(&other.place))
    }
}

impl PartialOrd for Key {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What an entry is looked up by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub id: FileId,
    pub size: u64,
    /// The hash of a regular file.
    pub content: Option<ContentHash>,
}

impl Identity {
    pub fn of(entry: &Entry<'_>) -> Self {
        let content = entry.content.filter(|_| entry.metadata.kind == Kind::File);
        Self { id: entry.metadata.id, size: entry.metadata.size, content }
    }

    /// The keys of an entry that is in this place.
    pub fn keys(&self, place: Place) -> [Option<(Section, Key)>; 2] {
        let inode = Key { major: self.id.device, minor: self.id.inode, place };
        let content = self.content.filter(|_| self.size > 0);
        let content = content.map(|hash| Key { major: self.size, minor: beginning(&hash.0), place });
        let is_known = self.id.inode != 0;
        [is_known.then_some((Section::Inodes, inode)), content.map(|content| (Section::Content, content))]
    }
}

/// The part of a hash that is a key.
pub(super) fn beginning(hash: &[u8; 32]) -> u64 {
    hash.iter().take(5).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

impl Section {
    /// Appends a key, told against the one before it.
    pub fn put(self, out: &mut Vec<u8>, last: &Key, key: &Key) {
        let major = key.major.wrapping_sub(last.major);
        put(out, major);
        match self {
            Self::Inodes if major == 0 => put(out, key.minor.wrapping_sub(last.minor)),
            Self::Inodes => put(out, key.minor),
            Self::Content => out.extend(key.minor.to_be_bytes().iter().skip(3)),
        }
        let difference = |now: u32, before: u32| i64::from(now) - i64::from(before);
        let (now, before) = (key.place.directory, last.place.directory);
        put_signed(out, difference(now.block, before.block));
        put_signed(out, difference(now.slot, before.slot));
        put_signed(out, difference(key.place.index, last.place.index));
    }

    /// Reads a key; `None` if the bytes end or it does not come after the last one.
    #[inline]
    pub fn next(self, cursor: &mut Cursor<'_>, last: &Key) -> Option<Key> {
        let past = cursor.number()?;
        let major = last.major.checked_add(past)?;
        let minor = match self {
            Self::Inodes if past == 0 => last.minor.checked_add(cursor.number()?)?,
            Self::Inodes => cursor.number()?,
            Self::Content => {
                cursor.array::<5>()?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
        };
        let (before, index) = (last.place.directory, last.place.index);
        let mut moved = |from: u32| u32::try_from(i64::from(from).checked_add(cursor.signed()?)?).ok();
        let directory = Locator { block: moved(before.block)?, slot: moved(before.slot)? };
        let key = Key { major, minor, place: Place { directory, index: moved(index)? } };
        (key > *last).then_some(key)
    }
}

/// So many keys stand between two that are looked at first.
const STEP: usize = 32;

/// A block of keys that was loaded: everything in it was checked.
#[derive(Debug)]
pub(super) struct KeyBlock {
    section: Section,
    raw: Vec<u8>,
    /// Every so many keys: the key before, and where in the bytes the next ones are.
    steps: Vec<(Key, u32)>,
}

impl KeyBlock {
    /// Takes a block apart; `None` if it is damaged.
    pub fn parse(section: Section, raw: Vec<u8>) -> Option<Self> {
        let (mut cursor, mut last) = (Cursor::new(&raw), Key::START);
        let (mut steps, mut count) = (Vec::new(), 0_usize);
        while !cursor.is_at_end() {
            if count.is_multiple_of(STEP) {
                steps.push((last, u32::try_from(raw.len() - cursor.rest().len()).ok()?));
            }
            last = section.next(&mut cursor, &last)?;
            count += 1;
        }
        steps.shrink_to_fit();
        (count > 0).then_some(Self { section, raw, steps })
    }

    /// The first key.
    pub fn first(&self) -> Option<(u64, u64)> {
        self.all().next().map(|key| key.id())
    }

    /// All keys.
    pub fn all(&self) -> impl Iterator<Item = Key> {
        self.from(Key::START, 0)
    }

    /// The keys from some key before the first one that is at least `id`.
    pub fn near(&self, id: (u64, u64)) -> impl Iterator<Item = Key> {
        let after = self.steps.partition_point(|(before, _)| before.id() < id);
        let (before, at) =
            after.checked_sub(1).and_then(|step| self.steps.get(step)).copied().unwrap_or((Key::START, 0));
        self.from(before, at as usize)
    }

    fn from(&self, mut last: Key, at: usize) -> impl Iterator<Item = Key> {
        let mut cursor = Cursor::new(self.raw.get(at..).unwrap_or_default());
        std::iter::from_fn(move || {
            last = self.section.next(&mut cursor, &last)?;
            Some(last)
        })
    }

    /// The memory that the block takes up.
    pub fn size(&self) -> usize {
        self.raw.capacity() + self.steps.capacity() * size_of::<(Key, u32)>()
    }
}
