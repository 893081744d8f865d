//! Directories side by side, and what is done to each of them.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::sync::Arc;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, RawDir, Statx, StatxFlags, Timespec, Timestamps, Uid,
};

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What is asked of an entry.
const WANTED: StatxFlags = StatxFlags::BASIC_STATS;

/// The same directory in the source, in the reference if there is one, and in what is made.
pub(super) struct Sides {
    pub(super) source: OwnedFd,
    pub(super) reference: Option<OwnedFd>,
    pub(super) target: OwnedFd,
}

impl Sides {
    fn below(&self, name: &CStr) -> io::Result<Self> {
        let open = |side: &OwnedFd| rustix::fs::openat(side, name, DIRECTORY, Mode::empty());
        let reference = self.reference.as_ref().map(open).transpose()?;
        Ok(Self { source: open(&self.source)?, reference, target: open(&self.target)? })
    }
}

/// A directory to work off; the target's exists already.
pub(super) enum Task {
    /// The roots.
    Root(Sides),
    /// One in directories that are open, with what the source's is like.
    Below(Arc<Sides>, CString, Box<Statx>),
}

impl Task {
    /// Opens the roots and makes that of the target.
    pub(super) fn root(source: &Path, reference: Option<&Path>, target: &Path) -> io::Result<Self> {
        let open =
            |path: &Path| rustix::fs::openat(CWD, path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        rustix::fs::mkdir(target, Mode::RWXU)?;
        let reference = reference.map(open).transpose()?;
        Ok(Self::Root(Sides { source: open(source)?, reference, target: open(target)? }))
    }

    /// Opens all sides and tells what the source's is like.
    pub(super) fn open(self) -> io::Result<(Arc<Sides>, Box<Statx>)> {
        match self {
            Self::Root(sides) => {
                let stat = rustix::fs::statx(&sides.source, c"", AtFlags::EMPTY_PATH, WANTED)?;
                Ok((Arc::new(sides), Box::new(stat)))
            }
            Self::Below(parent, name, stat) => Ok((Arc::new(parent.below(&name)?), stat)),
        }
    }
}

/// Calls `each` for every name in a directory.
pub(super) fn list(
    directory: BorrowedFd<'_>,
    buffer: &mut [MaybeUninit<u8>],
    mut each: impl FnMut(&CStr) -> io::Result<()>,
) -> io::Result<()> {
    let mut entries = RawDir::new(directory, buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            each(name)?;
        }
    }
    Ok(())
}

/// Looks at an entry.
pub(super) fn look(directory: &OwnedFd, name: &CStr) -> io::Result<Statx> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    Ok(rustix::fs::statx(directory, name, flags, WANTED)?)
}

/// What kind of entry it is.
pub(super) fn kind(stat: &Statx) -> FileType {
    FileType::from_raw_mode(stat.stx_mode.into())
}

/// Makes a sub-directory in the target and leaves the rest of it for later.
pub(super) fn begin(sides: &Arc<Sides>, name: &CStr, stat: Statx) -> io::Result<Task> {
    rustix::fs::mkdirat(&sides.target, name, Mode::RWXU)?;
    Ok(Task::Below(Arc::clone(sides), name.to_owned(), Box::new(stat)))
}

/// Gives what is open the owner, the mode and the times of an entry of the source.
pub(super) fn stamp(made: impl AsFd, stat: &Statx) -> io::Result<()> {
    let made = made.as_fd();
    let (user, group) = owner(stat);
    rustix::fs::fchown(made, user, group)?;
    rustix::fs::fchmod(made, Mode::from_raw_mode(stat.stx_mode.into()))?;
    Ok(rustix::fs::futimens(made, &times(stat))?)
}

/// The owner of an entry.
pub(super) fn owner(stat: &Statx) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(stat.stx_uid)), Some(Gid::from_raw(stat.stx_gid)))
}

/// The times of an entry: that of its last change, twice.
pub(super) fn times(stat: &Statx) -> Timestamps {
    let time = Timespec { tv_sec: stat.stx_mtime.tv_sec, tv_nsec: stat.stx_mtime.tv_nsec.into() };
    Timestamps { last_access: time, last_modification: time }
}
