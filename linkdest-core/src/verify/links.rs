//! Hard-link groups of one snapshot: names that shared an inode still do, and no others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::entry::Metadata;
use crate::inodes::InodeSet;
use crate::manifest::{Entry, EntryFlags};

/// What was met of one snapshot so far.
///
/// The recorded inode is a claim that holds until a repository is copied. Names whose claim holds prove each other; only
/// the others are kept one by one.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Inodes of this snapshot.
    met: InodeSet,
    /// Inodes of groups whose claim holds.
    claimed: InodeSet,
    /// What a group's claim is on disk, where that is something else.
    moved: Mutex<HashMap<u64, u64>>,
}

impl Links {
    /// Takes a name that is no directory; says what is wrong with its links.
    pub fn meet(&self, record: &Entry<'_>, disk: &Metadata) -> Option<&'static str> {
        let first = disk.nlink == 1 || self.met.insert(disk.id);
        if record.metadata.nlink <= 1 {
            let bound = !record.flags.contains(EntryFlags::CARRIED_FORWARD) && record.metadata.nlink == 1;
            return (bound && !first).then_some("it shares its inode with another name, which it did not");
        }
        let claim = record.repository_inode;
        if claim == 0 {
            return None;
        }
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let claim_id = crate::entry::FileId { inode: claim, ..disk.id };
        let split = if claim == disk.id.inode {
            self.claimed.insert(claim_id);
            moved.contains_key(&claim)
        } else {
            self.claimed.contains(claim_id) || *moved.entry(claim).or_insert(disk.id.inode) != disk.id.inode
        };
        split.then_some("it does not share its inode with its other names any more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{FileId, Timestamp};

    #[test]
    fn groups_that_were_split_or_joined_are_found() {
        // Each name: the recorded links and inode, and the inode on disk.
        for (names, wrong) in [
            (&[(1, 5, 5), (1, 6, 6)][..], &[false, false][..]),
            (&[(1, 5, 5), (1, 6, 5)], &[false, true]),
            (&[(2, 5, 5), (2, 5, 5)], &[false, false]),
            (&[(2, 5, 5), (2, 5, 6)], &[false, true]),
            (&[(2, 5, 6), (2, 5, 5)], &[false, true]),
            (&[(2, 5, 8), (2, 5, 8)], &[false, false]),
            (&[(2, 5, 8), (2, 5, 9)], &[false, true]),
            (&[(2, 0, 8), (2, 0, 9)], &[false, false]),
            (&[(0, 0, 8), (0, 0, 8)], &[false, false]),
        ] {
            let links = Links::default();
            let found: Vec<bool> = names
                .iter()
                .map(|(nlink, claim, inode)| {
                    let mut metadata = Metadata::file(1, Timestamp::default());
                    metadata.nlink = *nlink;
                    let record = Entry { metadata, repository_inode: *claim, ..Entry::NONE };
                    let id = FileId { device: 1, inode: *inode };
                    links.meet(&record, &Metadata { id, nlink: 3, ..metadata }).is_some()
                })
                .collect();
            assert_eq!(found, wrong, "{names:?}");
        }
    }
}
