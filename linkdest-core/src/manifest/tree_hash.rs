//! The hash of a directory with all that is in it, by which differences are found without looking at what is equal.
//!
//! It is taken of what tells entries apart in a comparison, and of nothing else: not of inodes, change times, or where
//! an inode came from. `docs/manifest-format.md` has the bytes.

use super::bytes::{put, put_bytes, put_time};
use super::hash::ContentHash;
use super::record::Entry;
use crate::entry::Kind;

/// Hashes one directory after the other, in space that is used again.
#[derive(Debug, Default)]
pub(super) struct TreeHasher {
    bytes: Vec<u8>,
}

impl TreeHasher {
    /// Hashes a directory with these entries, in the order of their names; `None` where not all of them can be compared
    /// by what is recorded.
    pub fn hash<'a>(&mut self, entries: impl Iterator<Item = Entry<'a>>) -> Option<ContentHash> {
        self.bytes.clear();
        for entry in entries {
            self.add(&entry)?;
        }
        Some(ContentHash::of(&self.bytes))
    }

    /// Says whether two entries are the same in a hash.
    pub fn are_alike(&mut self, one: &Entry<'_>, other: &Entry<'_>) -> bool {
        self.bytes.clear();
        let Some(()) = self.add(one) else { return false };
        let end = self.bytes.len();
        let added = self.add(other);
        added.is_some() && self.bytes.get(..end) == self.bytes.get(end..)
    }

    fn add(&mut self, entry: &Entry<'_>) -> Option<()> {
        let (metadata, out) = (&entry.metadata, &mut self.bytes);
        put_bytes(out, entry.name);
        out.extend_from_slice(&[metadata.kind as u8, u8::from(entry.is_expunged())]);
        // The mode of a symlink means nothing.
        put(out, if metadata.kind == Kind::Symlink { 0 } else { u64::from(metadata.mode) });
        put(out, u64::from(metadata.uid));
        put(out, u64::from(metadata.gid));
        put(out, metadata.rdev);
        put_time(out, metadata.mtime);
        put_bytes(out, entry.xattrs.as_bytes());
        match metadata.kind {
            // Which names are one inode is told by other names too, which may be anywhere.
            kind if kind != Kind::Directory && metadata.nlink > 1 => return None,
            Kind::File => {
                put(out, metadata.size);
                if metadata.size > 0 {
                    out.extend_from_slice(&entry.content?.0);
                }
            }
            Kind::Directory => {
                out.push(u8::from(entry.child.is_some()));
                if entry.child.is_some() {
                    out.extend_from_slice(&entry.tree?.0);
                }
            }
            Kind::Symlink => put_bytes(out, entry.target),
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Metadata, Timestamp};
    use crate::manifest::{EncodedXattrs, EntryFlags, Locator, Origin};

    fn file() -> Entry<'static> {
        let metadata = Metadata { nlink: 1, ..Metadata::file(5, Timestamp { seconds: 1, nanos: 2 }) };
        Entry { name: b"a", metadata, content: Some(ContentHash([1; 32])), ..Entry::NONE }
    }

    fn hash(entry: Entry<'_>) -> Option<ContentHash> {
        TreeHasher::default().hash([entry].into_iter())
    }

    fn of_kind(kind: Kind) -> Entry<'static> {
        let mut entry = Entry { content: None, ..file() };
        entry.metadata.kind = kind;
        entry
    }

    /// What of an entry is changed like this; whether the hash is another one then, `None` if there is none.
    type Case = (fn(&mut Entry<'static>), Option<bool>);

    #[test]
    fn it_is_of_what_is_compared() {
        let cases: &[Case] = &[
            (|_| {}, Some(false)),
            (|entry| entry.name = b"b", Some(true)),
            (|entry| entry.metadata.mtime.nanos += 1, Some(true)),
            (|entry| entry.metadata.mtime.seconds += 1, Some(true)),
            (|entry| entry.metadata.mode = 0o600, Some(true)),
            (|entry| entry.metadata.uid += 1, Some(true)),
            (|entry| entry.metadata.gid += 1, Some(true)),
            (|entry| entry.metadata.rdev = 7, Some(true)),
            (|entry| entry.metadata.size += 1, Some(true)),
            (|entry| entry.content = Some(ContentHash([2; 32])), Some(true)),
            (|entry| entry.flags = EntryFlags::EXPUNGED, Some(true)),
            (|entry| entry.flags = EntryFlags::RACY, Some(false)),
            (|entry| entry.metadata.ctime = Some(Timestamp::default()), Some(false)),
            (|entry| entry.metadata.id.inode = 9, Some(false)),
            (|entry| entry.repository_inode = 9, Some(false)),
            (|entry| entry.origin = Origin::Same { reference: 0 }, Some(false)),
            (|entry| entry.content = None, None),
            (|entry| entry.metadata.nlink = 2, None),
        ];
        for (number, (change, expected)) in cases.iter().enumerate() {
            let mut entry = file();
            change(&mut entry);
            assert_eq!(hash(entry).map(|other| Some(other) != hash(file())), *expected, "{number}");
        }
        let xattrs = EncodedXattrs::new([(&b"user.a"[..], &b"1"[..])]);
        assert_ne!(hash(Entry { xattrs: xattrs.as_ref(), ..file() }), hash(file()));
    }

    #[test]
    fn kinds_differ_and_only_some_of_them_need_a_hash() {
        let kinds =
            [Kind::Symlink, Kind::Fifo, Kind::Socket, Kind::BlockDevice, Kind::CharDevice, Kind::Directory];
        let hashes: std::collections::HashSet<_> = kinds.map(|kind| hash(of_kind(kind)).unwrap()).into();
        assert_eq!(hashes.len(), kinds.len());
        let link = |target, mode| {
            let mut link = Entry { target, ..of_kind(Kind::Symlink) };
            link.metadata.mode = mode;
            hash(link)
        };
        assert!(link(b"a", 0o777) == link(b"a", 0) && link(b"a", 0) != link(b"b", 0));
        let mut empty = of_kind(Kind::File);
        assert_eq!(hash(empty), None);
        empty.metadata.size = 0;
        assert!(hash(empty).is_some());
    }

    #[test]
    fn a_directory_has_that_of_what_is_in_it() {
        let at = |slot, tree| {
            let child = Some(Locator { block: 3, slot });
            hash(Entry { child, tree, ..of_kind(Kind::Directory) })
        };
        let (one, other) = (Some(ContentHash([1; 32])), Some(ContentHash([2; 32])));
        assert_eq!(at(1, one), at(2, one));
        assert_ne!(at(1, one), at(1, other));
        assert_ne!(at(1, one), hash(of_kind(Kind::Directory)));
        assert_eq!(at(1, None), None);
        assert_eq!(TreeHasher::default().hash(std::iter::empty()), Some(ContentHash::OF_NOTHING));
    }
}
