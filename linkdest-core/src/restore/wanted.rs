//! What an entry should be: as the manifest has it, or the tree where there is none.

use std::ffi::{CStr, CString};
use std::sync::OnceLock;

use super::node::c_string;
use crate::entry::{Kind, Metadata};
use crate::manifest::{ContentHash, EncodedXattrs, Entry, Locator};
use crate::os::Xattrs;

/// An entry as it should be.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its name in the snapshot.
    pub name: CString,
    /// Its name in the target where that is another one.
    pub renamed: Option<CString>,
    pub metadata: Metadata,
    /// Of a symlink, where it leads; unknown without a record.
    pub target: Option<CString>,
    /// `None`: those that the tree has.
    pub xattrs: Option<EncodedXattrs>,
    /// Those that can be set here, once that was asked.
    pub settable: OnceLock<Xattrs>,
    pub content: Option<ContentHash>,
    /// What the names of one inode have in common, where there may be several.
    pub group: Option<GroupKey>,
    /// Of a directory: where its entries are recorded.
    pub record: Option<Locator>,
}

/// The inode of the source, or of the repository where the source's is not known.
pub(super) type GroupKey = (u64, u64);

impl Wanted {
    pub fn recorded(entry: &Entry<'_>) -> Self {
        let mut xattrs = EncodedXattrs::default();
        xattrs.set(entry.xattrs);
        let metadata = entry.metadata;
        let linked = metadata.nlink > 1 && metadata.kind != Kind::Directory;
        let inode = if metadata.id.device == 0 || metadata.id.inode == 0 {
            (0, entry.repository_inode)
        } else {
            (metadata.id.device, metadata.id.inode)
        };
        Self {
            name: c_string(entry.name),
            renamed: None,
            metadata,
            target: (metadata.kind == Kind::Symlink).then(|| c_string(entry.target)),
            xattrs: Some(xattrs),
            settable: OnceLock::new(),
            content: entry.content,
            group: (linked && inode.1 != 0).then_some(inode),
            record: entry.child,
        }
    }

    /// In a tree, names of other snapshots count as links too.
    pub fn on_disk(name: &CStr, metadata: Metadata) -> Self {
        let linked = metadata.nlink > 1 && metadata.kind != Kind::Directory;
        Self {
            name: name.to_owned(),
            renamed: None,
            metadata,
            target: None,
            xattrs: None,
            settable: OnceLock::new(),
            content: None,
            group: linked.then_some((metadata.id.device, metadata.id.inode)),
            record: None,
        }
    }

    /// Its name in the target.
    pub fn to(&self) -> &CStr {
        self.renamed.as_deref().unwrap_or(&self.name)
    }

    pub fn is_recorded(&self) -> bool {
        self.xattrs.is_some()
    }

    /// How many names it has, where that is known.
    pub fn names(&self) -> Option<u64> {
        self.is_recorded().then_some(self.metadata.nlink)
    }
}
