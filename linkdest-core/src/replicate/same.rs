//! What must be the same for two names to be one file: in their records, and at the target.

use std::ffi::CStr;
use std::io;

use super::far::Far;
use crate::entry::{Kind, Metadata, Timestamp};
use crate::manifest::{ContentHash, Entry, EntryFlags};
use crate::policy::attributes::Reach;

/// What a record says of what is in an entry.
#[derive(Debug, Clone)]
pub(super) struct Content {
    kind: Kind,
    size: u64,
    mtime: Timestamp,
    hash: Option<ContentHash>,
    rdev: u64,
    /// Of a symlink.
    target: Box<[u8]>,
}

impl Content {
    pub fn of(entry: &Entry<'_>) -> Self {
        let Metadata { kind, size, mtime, rdev, .. } = entry.metadata;
        Self { kind, size, mtime, hash: entry.content, rdev, target: entry.target.into() }
    }

    /// Says whether two records tell of the same kind and content.
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.kind == other.kind
            && match self.kind {
                Kind::Directory => false,
                Kind::File => {
                    let same = match (self.hash, other.hash) {
                        (Some(one), Some(other)) => one == other,
                        _ => self.mtime == other.mtime,
                    };
                    same && self.size == other.size
                }
                Kind::Symlink => self.target == other.target,
                Kind::BlockDevice | Kind::CharDevice => self.rdev == other.rdev,
                Kind::Fifo | Kind::Socket => true,
            }
    }
}

/// What a name at the target must be for another one to be linked to it: what its record says.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    metadata: Metadata,
    /// The inode has other attributes than the record tells, which suit another entry or could not be stored.
    is_apart: bool,
    target: Box<[u8]>,
}

impl Expected {
    pub fn of(at: &Entry<'_>) -> Self {
        let apart =
            EntryFlags::RECORDED_ONLY.union(EntryFlags::CARRIED_FORWARD).union(EntryFlags::NOT_STORED);
        let is_apart = at.flags.bits() & apart.bits() != 0;
        Self { metadata: at.metadata, is_apart, target: at.target.into() }
    }

    /// Looks at a name; the inode that it has, if that is what the record says.
    pub fn look<F: Far>(&self, far: &F, dir: &F::Dir, name: &CStr) -> io::Result<Option<u64>> {
        let Some(found) = far.look(dir, name)? else { return Ok(None) };
        let is_same = self.is_told_by(far.reach(), &found)
            && (!self.is_symlink() || *far.read_link(dir, name)?.to_bytes() == *self.target);
        Ok(is_same.then_some(found.id.inode))
    }

    /// Says whether what is told of a name is what the record says. Where a symlink leads is not told.
    pub fn is_told_by(&self, reach: &Reach, found: &Metadata) -> bool {
        let record = &self.metadata;
        let sized = matches!(record.kind, Kind::File | Kind::Symlink);
        let numbered = matches!(record.kind, Kind::BlockDevice | Kind::CharDevice);
        found.kind == record.kind
            && (!sized || found.size == record.size)
            && (!numbered || found.rdev == record.rdev)
            && (self.is_apart || (reach.same_mtime(record, found) && reach.same_stat(record, found)))
    }

    pub fn is_symlink(&self) -> bool {
        self.metadata.kind == Kind::Symlink
    }
}
