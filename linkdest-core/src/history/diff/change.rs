//! One change.

use crate::entry::Kind;
use crate::path::RelPath;

/// What became of an entry.
///
/// ```
/// assert_eq!(linkdest_core::ChangeKind::Renamed.as_str(), "renamed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// It is no longer there.
    Removed,
    /// The bytes of a file or the target of a symlink differ; attributes may too.
    Content,
    /// Only attributes differ.
    Attributes,
    /// It had another path before; content and attributes may differ too.
    Renamed,
    /// It was something else before: a file is a directory now.
    Type,
    /// It was [expunged](crate::Repository::expunge) from one of the two snapshots, and is in the other one:
    /// [`Change::before`] and [`Change::after`] tell in which.
    Expunged,
}

impl ChangeKind {
    /// The word for the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Content => "content",
            Self::Attributes => "attributes",
            Self::Renamed => "renamed",
            Self::Type => "type",
            Self::Expunged => "expunged",
        }
    }
}

/// What about an entry differs: a set.
///
/// ```
/// use linkdest_core::Aspects;
/// let both = Aspects::TIME.union(Aspects::MODE);
/// assert!(both.contains(Aspects::MODE) && !both.contains(Aspects::OWNER));
/// assert_eq!(both.words().collect::<Vec<_>>(), ["time", "mode"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Aspects(u8);

impl Aspects {
    /// The bytes of a file, or the target of a symlink.
    pub const CONTENT: Self = Self(1);
    /// The modification time.
    pub const TIME: Self = Self(1 << 1);
    /// The permission bits.
    pub const MODE: Self = Self(1 << 2);
    /// The owner or the group.
    pub const OWNER: Self = Self(1 << 3);
    /// Extended attributes, ACLs among them.
    pub const XATTRS: Self = Self(1 << 4);
    /// What device a device node stands for.
    pub const DEVICE: Self = Self(1 << 5);
    /// Which of the paths that both snapshots have are names of one inode.
    pub const LINKS: Self = Self(1 << 6);

    pub(super) const NONE: Self = Self(0);

    const WORDS: [(Self, &'static str); 7] = [
        (Self::CONTENT, "content"),
        (Self::TIME, "time"),
        (Self::MODE, "mode"),
        (Self::OWNER, "owner"),
        (Self::XATTRS, "xattrs"),
        (Self::DEVICE, "device"),
        (Self::LINKS, "links"),
    ];

    /// Says whether all of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says whether nothing differs.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// A word for each.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS.into_iter().filter(move |(aspect, _)| self.contains(*aspect)).map(|(_, word)| word)
    }

    pub(super) fn insert_if(&mut self, differs: bool, other: Self) {
        if differs {
            self.0 |= other.0;
        }
    }
}

/// One change from a snapshot to another.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// use linkdest_core::{Aspects, ChangeKind, Kind, Repository, Silent, Snapshotter};
/// std::fs::write(source.join("a"), "text")?;
/// let before = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// std::fs::write(source.join("a"), "other text")?;
/// let after = Snapshotter::new(&source, &repo).run(&Silent)?;
/// let repository = Repository::open(&repo)?;
/// let change = repository.diff(before.snapshot().unwrap(), after.snapshot().unwrap())?.next().unwrap()?;
/// assert_eq!((change.path().as_bytes(), change.kind()), (&b"a"[..], ChangeKind::Content));
/// assert_eq!((change.before(), change.after()), (Some(Kind::File), Some(Kind::File)));
/// assert!(change.aspects().contains(Aspects::CONTENT.union(Aspects::TIME)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    kind: ChangeKind,
    pub(super) aspects: Aspects,
    pub(super) path: RelPath,
    pub(super) from: Option<RelPath>,
    pub(super) before: Option<Kind>,
    pub(super) after: Option<Kind>,
}

impl Change {
    pub(super) fn new(kind: ChangeKind, aspects: Aspects) -> Self {
        Self { kind, aspects, path: RelPath::root(), from: None, before: None, after: None }
    }

    /// The path below the source: that in the later snapshot, unless the entry was removed.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// What became of the entry.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }

    /// Of a renamed entry: its path in the earlier snapshot.
    #[must_use]
    pub fn from(&self) -> Option<&RelPath> {
        self.from.as_ref()
    }

    /// What differs, where the entry is in both snapshots as the same kind.
    #[must_use]
    pub fn aspects(&self) -> Aspects {
        self.aspects
    }

    /// The kind of the entry in the earlier snapshot.
    #[must_use]
    pub fn before(&self) -> Option<Kind> {
        self.before
    }

    /// The kind of the entry in the later snapshot.
    #[must_use]
    pub fn after(&self) -> Option<Kind> {
        self.after
    }
}
