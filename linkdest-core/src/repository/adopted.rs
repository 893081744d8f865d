//! Where the tree of an adopted snapshot is, as its run record tells it.

use serde::{Deserialize, Serialize};

use super::SnapshotName;
use super::record::{bytes_of, parse_rfc3339, text_of};
use crate::entry::{Metadata, Timestamp};
use crate::path::RelPath;

/// The tree of a snapshot that another tool made: it stays where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AdoptedTree {
    /// The path below the repository.
    pub tree: RelPath,
    /// The inode of its root when it was adopted.
    pub inode: u64,
    /// The modification time of its root then.
    pub mtime: Timestamp,
}

impl AdoptedTree {
    /// Says whether a directory at the path is still the tree that was adopted. A tool that goes on rotating puts another
    /// one there; a copy of the repository has other inodes, and a user may touch a directory, but not both at once.
    pub fn is(&self, root: &Metadata) -> bool {
        self.inode == root.id.inode || self.mtime == root.mtime
    }
}

/// Says whether a path can be that of an adopted tree: not linkdest's own records, nor within a snapshot of its own.
pub(crate) fn is_adoptable(tree: &RelPath) -> bool {
    let first = tree.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default();
    let own = std::str::from_utf8(first).is_ok_and(|first| first.parse::<SnapshotName>().is_ok());
    !(own || matches!(first, b"" | b".linkdest" | b"latest"))
}

/// The tree as it stands in the run record.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct WrittenTree {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    adopted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tree: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tree_b64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tree_inode: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tree_mtime: Option<String>,
}

impl WrittenTree {
    pub fn of(adopted: Option<&AdoptedTree>) -> Self {
        let Some(adopted) = adopted else { return Self::default() };
        let (tree, tree_b64) = text_of(adopted.tree.as_bytes());
        Self {
            adopted: true,
            tree: Some(tree),
            tree_b64,
            tree_inode: Some(adopted.inode),
            tree_mtime: Some(adopted.mtime.to_string()),
        }
    }

    /// Takes the tree, which anybody who can write the record may have changed.
    pub fn read(self) -> Result<Option<AdoptedTree>, &'static str> {
        if !self.adopted {
            return Ok(None);
        }
        let path = self.tree.and_then(|tree| bytes_of(tree, self.tree_b64)).and_then(RelPath::new);
        let tree = path.filter(is_adoptable).ok_or("tree is not the path of an adopted tree")?;
        let inode = self.tree_inode.ok_or("tree_inode is missing")?;
        let mtime = self.tree_mtime.as_deref().and_then(parse_rfc3339).ok_or("tree_mtime is not a time")?;
        Ok(Some(AdoptedTree { tree, inode, mtime }))
    }
}
