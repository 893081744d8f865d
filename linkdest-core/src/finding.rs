//! What a check found: a difference between a snapshot and what was written down of it.

use std::fmt;

use crate::path::RelPath;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FindingKind {
    /// The manifest itself is damaged; the path is that of its file, in the repository.
    Manifest,
    /// A recorded entry is not there.
    Missing,
    /// An entry is there that was not recorded.
    Extra,
    /// An entry is of another kind: a directory where a file was.
    Type,
    /// A file's bytes, or a symlink's target, are not those that were saved, or cannot be read any more.
    Content,
    /// Mode, owner, modification time or extended attributes differ.
    Attributes,
    /// Names that shared an inode do not any more, or share one that did not.
    Links,
}

impl FindingKind {
    /// The word for the kind in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::FindingKind::Missing.as_str(), "missing");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Type => "type",
            Self::Content => "content",
            Self::Attributes => "attributes",
            Self::Links => "links",
        }
    }
}

/// How it came about, as far as the disk can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cause {
    /// The disk or the memory failed: the bytes differ, and size, modification time, attributes and change time say that
    /// nobody wrote.
    Rot,
    /// Somebody wrote: size, modification time, mode or owner differ, or the inode was changed after the last run that
    /// linked to it. (Removing another name of the inode moves that time too: what rotted may then count as written.)
    Tampering,
    /// It is gone.
    Loss,
}

impl Cause {
    /// The word for the cause in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::Cause::Rot.as_str(), "rot");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rot => "rot",
            Self::Tampering => "tampering",
            Self::Loss => "loss",
        }
    }
}

/// One entry of one snapshot.
///
/// ```
/// use linkdest_core::{RelPath, Sighting};
/// let sighting = Sighting { snapshot: "2026-11-22T132200Z".into(), path: RelPath::new("a").unwrap() };
/// assert_eq!(sighting.to_string(), "2026-11-22T132200Z/a");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sighting {
    /// The name of the snapshot.
    pub snapshot: String,
    /// The path in it.
    pub path: RelPath,
}

impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.as_bytes().is_empty() {
            f.write_str(&self.snapshot)
        } else {
            write!(f, "{}/{}", self.snapshot, self.path)
        }
    }
}

/// One difference between a snapshot and what was written down of it.
///
/// ```
/// use linkdest_core::{Cause, Finding, FindingKind, RelPath, Sighting};
/// let at = |snapshot: &str| Sighting { snapshot: snapshot.into(), path: RelPath::new("a").unwrap() };
/// let finding = Finding::new(FindingKind::Content, Some(Cause::Rot), at("2026-11-22T132200Z"), "its bytes differ")
///     .shared_with(vec![at("2026-11-23T132200Z")]);
/// assert_eq!(
///     finding.to_string(),
///     "2026-11-22T132200Z/a: content: rot: its bytes differ; the same file is 2026-11-23T132200Z/a"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    kind: FindingKind,
    cause: Option<Cause>,
    place: Sighting,
    shared: Vec<Sighting>,
    message: String,
}

impl Finding {
    /// Makes a finding from its parts; the message says what was found in words.
    pub fn new(kind: FindingKind, cause: Option<Cause>, place: Sighting, message: impl Into<String>) -> Self {
        Self { kind, cause, place, shared: Vec::new(), message: message.into() }
    }

    /// Names the other entries that are the same inode.
    #[must_use]
    pub fn shared_with(mut self, shared: Vec<Sighting>) -> Self {
        self.shared = shared;
        self
    }

    /// What differs.
    #[must_use]
    pub fn kind(&self) -> FindingKind {
        self.kind
    }

    /// How it came about, as far as the disk can tell.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// Where it was found; of several names in the first snapshot that has them, the first.
    #[must_use]
    pub fn place(&self) -> &Sighting {
        &self.place
    }

    /// All other entries, of any snapshot, that are the same inode and so are damaged like it.
    #[must_use]
    pub fn shared(&self) -> &[Sighting] {
        &self.shared
    }

    /// What was found, in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FindingKind::Manifest => write!(f, "{}: ", self.place.path)?,
            kind => write!(f, "{}: {}: ", self.place, kind.as_str())?,
        }
        if let Some(cause) = self.cause {
            write!(f, "{}: ", cause.as_str())?;
        }
        f.write_str(&self.message)?;
        for (index, other) in self.shared.iter().enumerate() {
            write!(f, "{}{other}", if index == 0 { "; the same file is " } else { ", " })?;
        }
        Ok(())
    }
}
