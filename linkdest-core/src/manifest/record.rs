//! One entry as a manifest knows it, and where it is.

use super::flags::EntryFlags;
use super::hash::ContentHash;
use super::xattrs::RecordedXattrs;
use crate::entry::{FileId, Kind, Metadata, Timestamp};

/// Where the inode in the repository came from: a kind of link that survives copying the repository.
///
/// ```
/// use linkdest_core::Origin;
/// let moved = Origin::Elsewhere { reference: 0, path: b"old/name" };
/// assert!(moved != Origin::Same { reference: 0 });
/// assert_eq!(Origin::default(), Origin::Fresh);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin<'a> {
    /// It was made in this run.
    #[default]
    Fresh,
    /// It is another name of an inode that was placed in this run.
    Group,
    /// It was linked to the same path of a reference.
    Same {
        /// The reference's number in [`Header::references`](super::Header::references).
        reference: u32,
    },
    /// It was linked to another path of a reference: a rename, or equal content.
    Elsewhere {
        /// The reference's number in [`Header::references`](super::Header::references).
        reference: u32,
        /// The path there.
        path: &'a [u8],
    },
}

/// Where the record of a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locator {
    /// The number of the block.
    pub(crate) block: u32,
    /// The number of the directory's part in its block.
    pub(crate) slot: u32,
}

/// A directory that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    /// Where its record is.
    pub at: Locator,
    /// The hash of all that is in it: see [`Entry::tree`].
    pub hash: Option<ContentHash>,
}

/// Where one entry is: a part of a directory, and the index in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub(crate) directory: Locator,
    pub(crate) index: u32,
}

/// One entry, borrowed from a block of a manifest or from the caller.
///
/// ```
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifest/golden-v1.ldm"));
/// # let manifest = linkdest_core::manifest_workbench::read(bytes.to_vec())?;
/// # let mut cache = linkdest_core::BlockCache::default();
/// use linkdest_core::{ContentHash, Kind, Origin};
/// let found = manifest.find(b"kinds/file empty", &mut cache)?.unwrap();
/// let entry = found.entry();
/// assert_eq!((entry.metadata.kind, entry.content), (Kind::File, Some(ContentHash::OF_NOTHING)));
/// assert_eq!(entry.origin, Origin::Same { reference: 0 });
/// assert!(entry.flags.is_empty() && entry.xattrs.is_empty() && entry.child.is_none());
/// # Ok::<(), linkdest_core::ManifestError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name in its directory; empty for the root.
    pub name: &'a [u8],
    /// What a stat of the source told. The device is a number of the manifest's own: 0 if unknown, else one more than
    /// the index in [`Manifest::devices`](super::Manifest::devices). The mount is not kept.
    pub metadata: Metadata,
    /// The inode in the repository when the manifest was written, 0 if unknown; a claim, never a proof.
    pub repository_inode: u64,
    /// Where the inode in the repository came from.
    pub origin: Origin<'a>,
    /// Of a symlink its target, else empty.
    pub target: &'a [u8],
    /// The extended attributes.
    pub xattrs: RecordedXattrs<'a>,
    /// The hash of a regular file's content, where it is known.
    pub content: Option<ContentHash>,
    /// What is special about the record.
    pub flags: EntryFlags,
    /// Of a directory: where its own entries are.
    pub child: Option<Locator>,
    /// Of a directory: the hash of all that is in it, at any depth, as far as [`diff`](crate::Repository::diff) tells
    /// things apart. Where it is the same in two manifests, nothing differs; `None` says nothing.
    pub tree: Option<ContentHash>,
}

impl Entry<'_> {
    /// The same entry with what was written of the directory that it is.
    #[must_use]
    pub fn with_subtree(self, subtree: Option<Subtree>) -> Self {
        Self {
            child: subtree.map(|subtree| subtree.at),
            tree: subtree.and_then(|subtree| subtree.hash),
            ..self
        }
    }

    /// Where the entries of the directory are, and their hash.
    #[must_use]
    pub fn subtree(&self) -> Option<Subtree> {
        self.child.map(|at| Subtree { at, hash: self.tree })
    }

    /// What stands in where an entry cannot be missing.
    pub(crate) const NONE: Entry<'static> = Entry {
        name: b"",
        metadata: Metadata {
            kind: Kind::File,
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            allocated: 0,
            mtime: Timestamp { seconds: 0, nanos: 0 },
            ctime: None,
            btime: None,
            nlink: 0,
            id: FileId { device: 0, inode: 0 },
            rdev: 0,
            mount: None,
        },
        repository_inode: 0,
        origin: Origin::Fresh,
        target: b"",
        xattrs: RecordedXattrs::NONE,
        content: None,
        flags: EntryFlags::from_bits(0),
        child: None,
        tree: None,
    };
}
