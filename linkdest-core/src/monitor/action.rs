//! What is done with an entry, and why.

use std::fmt;

/// What is done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It becomes a hard link.
    Link,
    /// It becomes a new file with copied content.
    Copy,
    /// It becomes a new file that shares its blocks with another.
    Clone,
    /// It is made anew: a directory, symlink, FIFO, socket or device.
    Create,
    /// Only its attributes are set.
    Attributes,
    /// It is removed.
    Delete,
}

impl Action {
    /// The word for the action in JSON: `link`, `copy`, `clone` or `create`, and `attributes` or `delete` of a restore.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Copy => "copy",
            Self::Clone => "clone",
            Self::Create => "create",
            Self::Attributes => "attributes",
            Self::Delete => "delete",
        }
    }
}

/// Why an entry is linked, copied or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// No reference has it.
    New,
    /// It is a directory; directories are never shared.
    Directory,
    /// Size, times and attributes are those of the reference.
    Unchanged,
    /// The bytes were compared and are those of the reference.
    SameBytes,
    /// The reference has it under another path.
    Moved,
    /// It could not be read; the reference has an earlier version.
    CarriedForward,
    /// The reference has something of another kind there.
    KindChanged,
    /// The size, or the target of a symlink, differs.
    SizeChanged,
    /// The modification time differs.
    TimeChanged,
    /// Size and time are equal, but the bytes are not.
    BytesChanged,
    /// Only attributes differ (mode, owner, extended attributes).
    AttributesChanged,
    /// Another name of the same inode is in the snapshot already.
    HardLink,
    /// The reference stands for another inode of the source already.
    ReferenceTaken,
    /// The reference has as many names as the file system allows.
    LinkLimit,
    /// The system refuses another link to the reference.
    LinkRefused,
    /// What is restored over has names that do not belong to it.
    OtherNames,
    /// Everything is to be written anew.
    Always,
    /// The snapshot does not have it.
    Extra,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Directory => "directory",
            Self::Unchanged => "unchanged",
            Self::SameBytes => "same bytes",
            Self::Moved => "renamed or moved",
            Self::CarriedForward => "unreadable, carried forward",
            Self::KindChanged => "kind changed",
            Self::SizeChanged => "size or target changed",
            Self::TimeChanged => "modification time changed",
            Self::BytesChanged => "bytes changed",
            Self::AttributesChanged => "attributes changed",
            Self::HardLink => "hard link of another entry",
            Self::ReferenceTaken => "reference stands for another file",
            Self::LinkLimit => "link limit reached",
            Self::LinkRefused => "link refused",
            Self::OtherNames => "has names elsewhere",
            Self::Always => "always overwritten",
            Self::Extra => "not in the snapshot",
        })
    }
}
