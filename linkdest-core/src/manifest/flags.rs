//! What is special about a record.

/// A set of flags of one entry.
///
/// ```
/// use linkdest_core::EntryFlags;
/// let mut flags = EntryFlags::RACY;
/// flags.insert(EntryFlags::NOT_STORED);
/// assert!(flags.contains(EntryFlags::RACY) && !flags.contains(EntryFlags::CARRIED_FORWARD));
/// assert_eq!(EntryFlags::from_bits(flags.bits()), flags);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EntryFlags(u8);

impl EntryFlags {
    /// The entry was changed so shortly before it was read that its times may not tell of a later change.
    pub const RACY: Self = Self(1);
    /// The file changed each time that it was read.
    pub const CHANGED_WHILE_READ: Self = Self(1 << 1);
    /// The entry could not be read, and an earlier version of it was kept.
    pub const CARRIED_FORWARD: Self = Self(1 << 2);
    /// Some attribute could not be stored in the repository.
    pub const NOT_STORED: Self = Self(1 << 3);
    /// The inode in the snapshot kept older attributes or times; the manifest has the true ones.
    pub const RECORDED_ONLY: Self = Self(1 << 4);
    /// The entry was removed from the snapshot later: see [`Repository::expunge`](crate::Repository::expunge). Only its
    /// name and kind are left.
    pub const EXPUNGED: Self = Self(1 << 5);

    /// Takes a set from the byte that [`bits`](Self::bits) gave; flags that are not known here are kept.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The set as a byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Says whether all flags of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds the flags of `other`.
    pub const fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The flags of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says whether no flag is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}
