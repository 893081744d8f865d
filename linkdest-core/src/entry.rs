//! What is known of one entry: its kind, its times, its identity.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The kind of an entry.
///
/// ```
/// use linkdest_core::Kind;
/// assert_eq!(Kind::from_mode(0o100644), Some(Kind::File));
/// assert_eq!(Kind::Symlink.to_string(), "symlink");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A Unix socket.
    Socket,
    /// A block device node.
    BlockDevice,
    /// A character device node.
    CharDevice,
}

impl Kind {
    /// Reads the kind from the type bits of a `st_mode` (inode(7)); `None` if they name no known kind.
    #[must_use]
    pub fn from_mode(mode: u32) -> Option<Self> {
        match mode & 0o170_000 {
            0o100_000 => Some(Self::File),
            0o040_000 => Some(Self::Directory),
            0o120_000 => Some(Self::Symlink),
            0o010_000 => Some(Self::Fifo),
            0o140_000 => Some(Self::Socket),
            0o060_000 => Some(Self::BlockDevice),
            0o020_000 => Some(Self::CharDevice),
            _ => None,
        }
    }
}

impl Kind {
    /// The kind that is shown as this word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::File,
            Self::Directory,
            Self::Symlink,
            Self::Fifo,
            Self::Socket,
            Self::BlockDevice,
            Self::CharDevice,
        ];
        all.into_iter().find(|kind| kind.to_string() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Fifo => "FIFO",
            Self::Socket => "socket",
            Self::BlockDevice => "block device",
            Self::CharDevice => "character device",
        })
    }
}

/// A point in time as a file system stores it: seconds since 1970 (negative before) and nanoseconds.
///
/// ```
/// use linkdest_core::Timestamp;
/// let a = Timestamp { seconds: -1, nanos: 999_999_999 };
/// let b = Timestamp { seconds: 0, nanos: 0 };
/// assert!(a < b);
/// assert!(a.same_tick(b, 1_000_000_000) == false);
/// assert!(b.same_tick(Timestamp { seconds: 0, nanos: 99 }, 100));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub seconds: i64,
    /// Nanoseconds past that second, below 1,000,000,000.
    pub nanos: u32,
}

impl Timestamp {
    /// Reads the system clock.
    #[must_use]
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// Says whether two times are the same when both are cut down to `granularity` nanoseconds.
    ///
    /// File systems cut, they do not round: NTFS keeps 100 ns, others whole seconds.
    #[must_use]
    pub fn same_tick(self, other: Self, granularity: u32) -> bool {
        self == other || (granularity > 1 && self.cut(granularity) == other.cut(granularity))
    }

    /// Moves the time back by whole seconds, saturating.
    #[must_use]
    pub fn minus_seconds(self, seconds: i64) -> Self {
        Self { seconds: self.seconds.saturating_sub(seconds), nanos: self.nanos }
    }

    fn cut(self, granularity: u32) -> i128 {
        let nanos = i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos);
        nanos.div_euclid(i128::from(granularity.max(1)))
    }
}

impl fmt::Display for Timestamp {
    /// Writes the time in UTC as RFC 3339, to the nanosecond where it has any.
    ///
    /// ```
    /// let time = linkdest_core::Timestamp { seconds: 1, nanos: 500_000_000 };
    /// assert_eq!(time.to_string(), "1970-01-01T00:00:01.5Z");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i32::try_from(self.nanos).unwrap_or_default();
        match jiff::Timestamp::new(self.seconds, nanos) {
            Ok(time) => write!(f, "{time}"),
            // Beyond the year 9999: no calendar says it.
            Err(_) => write!(f, "@{}.{:09}", self.seconds, self.nanos),
        }
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanos: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Self { seconds: -seconds, nanos: 0 },
                    nanos => Self { seconds: -seconds - 1, nanos: 1_000_000_000 - nanos },
                }
            }
        }
    }
}

impl From<Timestamp> for SystemTime {
    /// Converts, cutting off at the ends of what [`SystemTime`] can hold.
    fn from(time: Timestamp) -> Self {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let base =
            if time.seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
        base.and_then(|base| base.checked_add(Duration::from_nanos(u64::from(time.nanos))))
            .unwrap_or(UNIX_EPOCH)
    }
}

/// What makes an inode itself while a system is up: device and inode number.
///
/// Good within one boot only: device numbers are given out anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileId {
    /// The device number, major and minor packed as `st_dev`.
    pub device: u64,
    /// The inode number.
    pub inode: u64,
}

/// What a stat tells of an entry. Times are in nanoseconds, sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The kind of the entry.
    pub kind: Kind,
    /// The permission bits with setuid, setgid and sticky: `0o7777` at most.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The size in bytes; of a symlink, the length of its target.
    pub size: u64,
    /// The bytes allocated on disk, holes left out.
    pub allocated: u64,
    /// When the content was last changed.
    pub mtime: Timestamp,
    /// When the inode was last changed; `None` where the file system keeps no such time.
    pub ctime: Option<Timestamp>,
    /// When the inode was made, where the file system says so.
    pub btime: Option<Timestamp>,
    /// The number of names that the inode has.
    pub nlink: u64,
    /// Which inode this is.
    pub id: FileId,
    /// The device that a device node stands for, packed as `st_rdev`; 0 for other kinds.
    pub rdev: u64,
    /// The mount that the entry was seen through, where the kernel says so.
    pub mount: Option<u64>,
}

impl Metadata {
    /// Makes the metadata of an ordinary file, for policies to be tried out on.
    ///
    /// ```
    /// use linkdest_core::{Kind, Metadata, Timestamp};
    /// let file = Metadata::file(5, Timestamp { seconds: 1, nanos: 0 });
    /// assert_eq!((file.kind, file.size, file.mode), (Kind::File, 5, 0o644));
    /// ```
    #[must_use]
    pub fn file(size: u64, mtime: Timestamp) -> Self {
        Self {
            kind: Kind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size,
            allocated: size,
            mtime,
            ctime: Some(mtime),
            btime: None,
            nlink: 1,
            id: FileId::default(),
            rdev: 0,
            mount: None,
        }
    }

    /// Says whether the inode still has the content stamps it had: size, mtime and ctime.
    #[must_use]
    pub fn same_stamps(&self, other: &Self) -> bool {
        self.size == other.size && self.mtime == other.mtime && self.ctime == other.ctime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_survive_the_round_trip() {
        for (seconds, nanos) in
            [(0, 0), (-1, 0), (-1, 1), (-2, 999_999_999), (4_102_444_800, 5), (1, 999_999_999)]
        {
            let time = Timestamp { seconds, nanos };
            assert_eq!(Timestamp::from(SystemTime::from(time)), time);
        }
    }

    #[test]
    fn ticks_are_cut_downwards_also_before_1970() {
        let tick = |seconds, nanos| Timestamp { seconds, nanos };
        for (a, b, granularity, same) in [
            (tick(5, 1), tick(5, 2), 1, false),
            (tick(5, 100), tick(5, 199), 100, true),
            (tick(5, 99), tick(5, 100), 100, false),
            (tick(-1, 999_999_999), tick(0, 0), 1_000_000_000, false),
            (tick(-1, 1), tick(-1, 0), 1_000_000_000, true),
            (tick(4, 0), tick(5, 0), 2_000_000_000, true),
            (tick(5, 0), tick(6, 0), 2_000_000_000, false),
        ] {
            assert_eq!(a.same_tick(b, granularity), same, "{a:?} {b:?} {granularity}");
        }
    }
}
