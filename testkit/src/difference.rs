//! What differs between two trees.

use std::fmt;

/// The property of an entry that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// The name exists in the left tree only.
    Missing,
    /// The name exists in the right tree only.
    Extra,
    /// The kind of entry: file, directory, symlink and so on.
    Kind,
    /// The permission bits, with set-user-ID, set-group-ID and sticky.
    Mode,
    /// The owning user.
    Owner,
    /// The owning group.
    Group,
    /// The length of a regular file.
    Size,
    /// The modification time.
    Time,
    /// The numbers of a device node.
    Device,
    /// The target of a symlink.
    Target,
    /// The bytes of a regular file.
    Content,
    /// The extended attribute of this name.
    Xattr(Vec<u8>),
    /// Which names share one inode.
    Links,
    /// The allocated space of a regular file.
    Blocks,
    /// The inode itself (only told by an inventory).
    Inode,
    /// Something that could not be read, and so could not be judged.
    Unreadable,
}

impl fmt::Display for Aspect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Aspect::Xattr(name) => write!(out, "xattr {}", escaped(name)),
            Aspect::Missing => out.write_str("missing on the right"),
            Aspect::Extra => out.write_str("extra on the right"),
            other => out.write_str(&format!("{other:?}").to_lowercase()),
        }
    }
}

/// One difference between two trees, or between two states of one tree.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The path below the root; empty for the root itself.
    pub path: Vec<u8>,
    /// What differs.
    pub aspect: Aspect,
    /// The value in the left (earlier) tree, for people to read.
    pub left: String,
    /// The value in the right (later) tree, for people to read.
    pub right: String,
}

// Failed assertions show this, and a path in numbers helps nobody.
impl fmt::Debug for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { ".".to_owned() } else { escaped(&self.path) };
        write!(out, "{path}: {}: left {}, right {}", self.aspect, self.left, self.right)
    }
}

/// Returns bytes as printable ASCII, everything else escaped.
#[must_use]
pub fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// How many differences [`describe`] lists before it only counts.
const LISTED: usize = 20;

/// Returns a readable list of the first differences and the count of the rest.
#[must_use]
pub fn describe(differences: &[Difference]) -> String {
    let mut text = format!("{} difference(s)", differences.len());
    for difference in differences.iter().take(LISTED) {
        text.push_str(&format!("\n  {difference}"));
    }
    if differences.len() > LISTED {
        text.push_str(&format!("\n  ... and {} more", differences.len() - LISTED));
    }
    text
}
