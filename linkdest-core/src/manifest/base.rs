//! What the entries of a directory have in common, so that each is told by its difference.

use super::bytes::{Cursor, put, put_signed};
use crate::entry::{Metadata, Timestamp};

/// Mode, user and group.
pub(super) type Attributes = (u32, u32, u32);

/// How many sets of attributes a directory names for its entries.
pub(super) const COMMON: usize = 3;

/// What the numbers of an entry are told against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Base {
    /// The block that the entry is in.
    pub block: u32,
    pub device: u64,
    pub inode: u64,
    pub repository_inode: u64,
    pub ctime: Timestamp,
    /// Seconds.
    pub mtime: i64,
    /// The most common first; how many there are.
    pub attributes: [Attributes; COMMON],
    pub known: usize,
}

impl Base {
    /// What is expected of the entries in a directory before any of them is known.
    pub fn of(directory: &Metadata) -> Self {
        let (uid, gid) = (directory.uid, directory.gid);
        Self {
            block: 0,
            device: directory.id.device,
            inode: directory.id.inode,
            repository_inode: 0,
            ctime: directory.ctime.unwrap_or(directory.mtime),
            mtime: directory.mtime.seconds,
            attributes: [(0o644, uid, gid), (0o755, uid, gid), (0o777, uid, gid)],
            known: COMMON,
        }
    }

    /// What repository inodes are told against: 0 stands for none, so that the least one is 1.
    #[inline]
    pub fn least_repository_inode(&self) -> u64 {
        self.repository_inode.max(1)
    }

    /// Says whether a repository inode can be told: the number just below the least one would read as none.
    #[inline]
    pub fn can_tell(&self, repository_inode: u64) -> bool {
        repository_inode == 0 || repository_inode != self.least_repository_inode() - 1
    }

    pub fn attributes(&self) -> &[Attributes] {
        self.attributes.get(..self.known).unwrap_or_default()
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.device);
        put(out, self.known as u64);
        for (mode, uid, gid) in self.attributes() {
            put(out, u64::from(*mode));
            put(out, u64::from(*uid));
            put(out, u64::from(*gid));
        }
        put_signed(out, self.ctime.seconds);
        put(out, u64::from(self.ctime.nanos));
        put_signed(out, self.mtime.wrapping_sub(self.ctime.seconds));
        put(out, self.inode);
        put(out, self.repository_inode);
    }

    pub fn decode(cursor: &mut Cursor<'_>, block: u32) -> Option<Self> {
        let device = cursor.number()?;
        let known = cursor.small().filter(|known| *known <= COMMON)?;
        let mut attributes = [(0, 0, 0); COMMON];
        for one in attributes.iter_mut().take(known) {
            *one = (cursor.small()?, cursor.small()?, cursor.small()?);
        }
        let ctime = cursor.time()?;
        let mtime = cursor.signed()?.wrapping_add(ctime.seconds);
        let (inode, repository_inode) = (cursor.number()?, cursor.number()?);
        Some(Self { block, device, inode, repository_inode, ctime, mtime, attributes, known })
    }
}

/// Looks at the entries of a directory one after the other, for a good base.
#[derive(Debug, Default)]
pub(super) struct Survey {
    device: Vote<u64>,
    inode: Option<u64>,
    repository_inode: Option<u64>,
    ctime: Vote<i64>,
    /// The least of those in the winning second.
    ctime_nanos: u32,
    mtime: Vote<i64>,
    attributes: [(Attributes, u32); 4],
    seen: usize,
}

impl Survey {
    pub fn add(&mut self, metadata: &Metadata, repository_inode: u64) {
        self.device.add(metadata.id.device);
        least(&mut self.inode, metadata.id.inode);
        least(&mut self.repository_inode, repository_inode);
        self.mtime.add(metadata.mtime.seconds);
        if let Some(ctime) = metadata.ctime {
            let is_new = self.ctime.add(ctime.seconds);
            if is_new || (self.ctime.value == ctime.seconds && ctime.nanos < self.ctime_nanos) {
                self.ctime_nanos = ctime.nanos;
            }
        }
        self.count((metadata.mode, metadata.uid, metadata.gid));
    }

    fn count(&mut self, attributes: Attributes) {
        let known = self.attributes.get_mut(..self.seen).unwrap_or_default();
        if let Some((_, count)) = known.iter_mut().find(|(known, _)| *known == attributes) {
            *count += 1;
        } else if let Some(free) = self.attributes.get_mut(self.seen) {
            *free = (attributes, 1);
            self.seen += 1;
        }
    }

    /// Says whether all numbers can be told as being above those of a base.
    pub fn is_above(&self, base: &Base) -> bool {
        let above = |least: Option<u64>, base: u64| least.is_none_or(|least| least >= base);
        above(self.inode, base.inode) && above(self.repository_inode, base.repository_inode)
    }

    pub fn base(&self) -> Base {
        let mut ranked = self.attributes;
        ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut attributes = [(0, 0, 0); COMMON];
        for (to, (from, _)) in attributes.iter_mut().zip(ranked) {
            *to = from;
        }
        Base {
            block: 0,
            device: self.device.value,
            inode: self.inode.unwrap_or_default(),
            repository_inode: self.repository_inode.unwrap_or_default(),
            ctime: Timestamp { seconds: self.ctime.value, nanos: self.ctime_nanos },
            mtime: self.mtime.value,
            attributes,
            known: self.seen.min(COMMON),
        }
    }
}

/// Keeps the least number but 0, which stands for unknown.
fn least(of: &mut Option<u64>, number: u64) {
    if number != 0 && of.is_none_or(|least| number < least) {
        *of = Some(number);
    }
}

/// Finds the value that more than half of all have, if there is one, else some value.
#[derive(Debug, Default)]
struct Vote<T> {
    value: T,
    lead: u32,
}

impl<T: PartialEq> Vote<T> {
    /// Says whether the value changed.
    fn add(&mut self, value: T) -> bool {
        if self.value == value && self.lead > 0 {
            self.lead = self.lead.saturating_add(1);
        } else if self.lead == 0 {
            *self = Self { value, lead: 1 };
            return true;
        } else {
            self.lead -= 1;
        }
        false
    }
}
