//! What differs between two records of one entry.

use super::change::Aspects;
use crate::entry::Kind;
use crate::error::Result;
use crate::history::tree::{Tree, same_bytes};
use crate::manifest::Entry;
use crate::path::RelPath;

/// What two records of the same kind of entry tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compared {
    pub aspects: Aspects,
    /// Nothing recorded says whether the bytes are the same.
    pub unsure: bool,
}

/// Compares what the source had: where the inode in the repository kept older attributes, the records have the true
/// ones.
pub(super) fn compare(before: &Entry<'_>, after: &Entry<'_>) -> Compared {
    let (a, b) = (&before.metadata, &after.metadata);
    let same_content = same_content(before, after);
    let mut aspects = Aspects::default();
    aspects.insert_if(same_content == Some(false), Aspects::CONTENT);
    aspects.insert_if(a.mtime != b.mtime, Aspects::TIME);
    // The mode of a symlink means nothing.
    aspects.insert_if(a.mode != b.mode && a.kind != Kind::Symlink, Aspects::MODE);
    aspects.insert_if((a.uid, a.gid) != (b.uid, b.gid), Aspects::OWNER);
    aspects.insert_if(before.xattrs != after.xattrs, Aspects::XATTRS);
    aspects.insert_if(a.rdev != b.rdev, Aspects::DEVICE);
    Compared { aspects, unsure: same_content.is_none() }
}

/// Says whether the content is the same; `None` if the records do not tell.
fn same_content(before: &Entry<'_>, after: &Entry<'_>) -> Option<bool> {
    if after.metadata.kind != Kind::File {
        return Some(before.target == after.target);
    }
    if before.metadata.size != after.metadata.size {
        return Some(false);
    }
    if let (Some(a), Some(b)) = (before.content, after.content) {
        return Some(a == b);
    }
    // Nothing writes to an inode of a snapshot.
    let same_inode = before.repository_inode != 0 && before.repository_inode == after.repository_inode;
    (same_inode || after.metadata.size == 0).then_some(true)
}

impl Compared {
    /// Reads the files where the records do not tell.
    pub fn settle(
        mut self,
        before: &mut Tree,
        from: &RelPath,
        after: &mut Tree,
        to: &RelPath,
    ) -> Result<Aspects> {
        if self.unsure {
            let same = same_bytes(&before.open_file(from)?, &after.open_file(to)?);
            let same = same.map_err(|error| after.failed("read", to, error))?;
            self.aspects.insert_if(!same, Aspects::CONTENT);
        }
        Ok(self.aspects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Metadata, Timestamp};
    use crate::manifest::{ContentHash, EntryFlags, Origin, RecordedXattrs};

    type Case = (fn(&mut Entry<'static>), Option<Aspects>);

    /// What differs if an entry was changed like this; `None`: nobody knows.
    const CASES: &[Case] = &[
        (|_| {}, Some(Aspects::NONE)),
        (|entry| entry.metadata.mtime.nanos += 1, Some(Aspects::TIME)),
        (|entry| entry.metadata.mode = 0o600, Some(Aspects::MODE)),
        (|entry| entry.metadata.gid = 1, Some(Aspects::OWNER)),
        (|entry| entry.metadata.size += 1, Some(Aspects::CONTENT)),
        (|entry| entry.metadata.nlink += 1, Some(Aspects::NONE)),
        (|entry| entry.metadata.ctime = None, Some(Aspects::NONE)),
        (|entry| entry.content = Some(ContentHash([1; 32])), Some(Aspects::CONTENT)),
        (|entry| entry.repository_inode = 9, Some(Aspects::NONE)),
        (|entry| entry.content = None, Some(Aspects::NONE)),
        (|entry| (entry.content, entry.repository_inode) = (None, 9), None),
        (|entry| (entry.content, entry.repository_inode) = (None, 0), None),
    ];

    #[test]
    fn one_thing_at_a_time() {
        let entry = Entry {
            name: b"a",
            metadata: Metadata::file(5, Timestamp::default()),
            repository_inode: 7,
            origin: Origin::Fresh,
            target: b"",
            xattrs: RecordedXattrs::NONE,
            content: Some(ContentHash([0; 32])),
            flags: EntryFlags::default(),
            child: None,
            tree: None,
        };
        for (number, (change, expected)) in CASES.iter().enumerate() {
            let mut other = entry;
            change(&mut other);
            let compared = compare(&entry, &other);
            assert_eq!((!compared.unsure).then_some(compared.aspects), *expected, "{number}");
        }
    }
}
