//! statx(2) into [`Metadata`].

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Statx, StatxFlags, StatxTimestamp, makedev};

use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::os::calls::{Call, pass};

/// What is asked for: all of it is at hand in any local inode.
const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME).union(StatxFlags::MNT_ID);

/// Looks at `name` in `dir`, never through it.
pub(super) fn at(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<Metadata> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    pass(Call::Stat, name.to_bytes(), || {
        rustix::fs::statx(dir, name, flags, WANTED).map(|stat| metadata(&stat))
    })?
}

/// Looks at what is open.
pub(super) fn of(fd: BorrowedFd<'_>) -> io::Result<Metadata> {
    let flags = AtFlags::EMPTY_PATH;
    pass(Call::Stat, b"", || rustix::fs::statx(fd, c"", flags, WANTED).map(|stat| metadata(&stat)))?
}

fn metadata(stat: &Statx) -> io::Result<Metadata> {
    let known = StatxFlags::from_bits_retain(stat.stx_mask);
    let mode = u32::from(stat.stx_mode);
    let kind = Kind::from_mode(mode).ok_or_else(|| io::Error::other("an entry of unknown kind"))?;
    Ok(Metadata {
        kind,
        mode: mode & 0o7777,
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        size: stat.stx_size,
        allocated: stat.stx_blocks.saturating_mul(512),
        mtime: timestamp(stat.stx_mtime),
        ctime: known.contains(StatxFlags::CTIME).then(|| timestamp(stat.stx_ctime)),
        btime: known.contains(StatxFlags::BTIME).then(|| timestamp(stat.stx_btime)),
        nlink: u64::from(stat.stx_nlink),
        id: FileId { device: makedev(stat.stx_dev_major, stat.stx_dev_minor), inode: stat.stx_ino },
        rdev: makedev(stat.stx_rdev_major, stat.stx_rdev_minor),
        mount: known.contains(StatxFlags::MNT_ID).then_some(stat.stx_mnt_id),
    })
}

fn timestamp(time: StatxTimestamp) -> Timestamp {
    Timestamp { seconds: time.tv_sec, nanos: time.tv_nsec }
}
