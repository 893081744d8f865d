//! The description of an entry to be made.

/// The time of everything that is given no other.
pub(crate) const DEFAULT_TIME: (i64, u32) = (1_500_000_000, 123_456_789);

/// What an entry is and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file with these bytes.
    File(Vec<u8>),
    /// A regular file of a size with stretches of bytes at offsets, and holes between them.
    Sparse(u64, Vec<(u64, Vec<u8>)>),
    /// A symlink to this target.
    Symlink(Vec<u8>),
    /// A named pipe.
    Fifo,
    /// A bound socket.
    Socket,
    /// A character device of these numbers.
    CharacterDevice(u32, u32),
    /// A block device of these numbers.
    BlockDevice(u32, u32),
    /// A further name for the entry at this path; it takes no attributes.
    HardLink(Vec<u8>),
}

/// An entry to be made, with all its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path below the root, of any length; the directories on the way come first.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// The permission bits, `07777`; of no use for symlinks.
    pub mode: u32,
    /// The owning user and group, if not whoever makes it.
    pub owner: Option<(u32, u32)>,
    /// The modification time: whole seconds, and nanoseconds beyond them.
    pub mtime: (i64, u32),
    /// The extended attributes, names and values.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// Describes an entry with mode 0755 (directories) or 0644 and a fixed time.
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>, kind: EntryKind) -> Self {
        let mode = if kind == EntryKind::Directory { 0o755 } else { 0o644 };
        let path = path.as_ref().to_vec();
        Self { path, kind, mode, owner: None, mtime: DEFAULT_TIME, xattrs: Vec::new() }
    }

    /// Describes a directory.
    #[must_use]
    pub fn directory(path: impl AsRef<[u8]>) -> Self {
        Self::new(path, EntryKind::Directory)
    }

    /// Describes a regular file.
    #[must_use]
    pub fn file(path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(path, EntryKind::File(bytes.as_ref().to_vec()))
    }

    /// Describes a symlink.
    #[must_use]
    pub fn symlink(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self::new(path, EntryKind::Symlink(target.as_ref().to_vec()))
    }

    /// Describes a further name for the entry at `existing`.
    #[must_use]
    pub fn hard_link(path: impl AsRef<[u8]>, existing: impl AsRef<[u8]>) -> Self {
        Self::new(path, EntryKind::HardLink(existing.as_ref().to_vec()))
    }

    /// Sets the permission bits.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the owning user and group.
    #[must_use]
    pub fn owner(mut self, user: u32, group: u32) -> Self {
        self.owner = Some((user, group));
        self
    }

    /// Sets the modification time.
    #[must_use]
    pub fn mtime(mut self, seconds: i64, nanoseconds: u32) -> Self {
        self.mtime = (seconds, nanoseconds);
        self
    }

    /// Adds an extended attribute.
    #[must_use]
    pub fn xattr(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.xattrs.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }
}
