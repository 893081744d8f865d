//! Where the tree of an adopted snapshot is, as its run record tells it.

use serde::{Deserialize, Serialize};

use super::SnapshotName;
use super::written::{bytes_of, parse_rfc3339, text_of};
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
    /// The inode of the directory of linkdest's own records then: another one tells of a copy of the repository.
    pub records: Option<u64>,
}

impl AdoptedTree {
    /// Says whether a directory at the path is still the tree that was adopted: a tool that goes on rotating puts another
    /// one there, often with the same time. A user may touch a directory; a copy of the repository has other inodes, and
    /// the times. `records` is the inode that linkdest's own records are in now.
    pub fn is(&self, root: &Metadata, records: u64) -> bool {
        self.inode == root.id.inode || (self.mtime == root.mtime && self.records != Some(records))
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records_inode: Option<u64>,
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
            records_inode: adopted.records,
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
        Ok(Some(AdoptedTree { tree, inode, mtime, records: self.records_inode }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::RunRecord;

    const RECORD: &str = r#"
        format = 1
        snapshot = "2026-11-22T132200Z"
        sequence = 0
        source = ""
        host = ""
        policy = ""
        started = "2026-11-22T13:22:00Z"
        boot_id = ""
        synced = true
        adopted = true
        tree = "TREE"
        tree_inode = 7
        tree_mtime = "1969-12-31T23:59:59.000000001Z"
    "#;

    #[test]
    fn trees_come_back_as_written() {
        let good = RunRecord::parse(RECORD).unwrap();
        let mtime = Timestamp { seconds: -1, nanos: 1 };
        for path in [&b"daily.0"[..], b"a/\xff/b", b"2026-11-22", b"latest-1/x"] {
            let tree = RelPath::new(path).unwrap();
            for records in [None, Some(9)] {
                let adopted = Some(AdoptedTree { tree: tree.clone(), inode: 7, mtime, records });
                let record = RunRecord { adopted, ..good.clone() };
                assert_eq!(RunRecord::parse(&record.to_toml()).unwrap(), record);
            }
        }
        assert!(!RunRecord::parse(&RECORD.replace("adopted = true", "")).unwrap().is_adopted());
    }

    #[test]
    fn a_tree_is_below_the_repository_and_nowhere_else() {
        let bad =
            ["", ".", "..", "/etc", "a/../b", "../x", "a//b", ".linkdest", ".linkdest/trash/x", "latest"];
        for path in bad.into_iter().chain(["2026-11-22T132200Z", "2026-11-22T132200Z/home"]) {
            let error = RunRecord::parse(&RECORD.replace("\"TREE\"", &format!("{path:?}"))).unwrap_err();
            assert!(error.to_string().contains("tree"), "{path}: {error}");
        }
        for key in ["tree =", "tree_inode =", "tree_mtime ="] {
            let lines: Vec<_> = RECORD.lines().filter(|line| !line.trim().starts_with(key)).collect();
            assert!(RunRecord::parse(&lines.join("\n")).unwrap_err().to_string().contains("tree"), "{key}");
        }
    }
}
