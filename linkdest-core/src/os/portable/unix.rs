//! What Unix systems have in common, by path: std's own calls, and those of rustix that are everywhere.

#![expect(clippy::disallowed_methods, reason = "calls by path are what this backend is made of")]

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _,
};
use std::path::Path;

use rustix::fs::{OFlags, StatVfsMountFlags};
use rustix::io::Errno;
use rustix::process::Resource;

use crate::entry::{FileId, Kind, Metadata, Timestamp};
#[cfg(any(target_os = "freebsd", target_os = "dragonfly", target_os = "netbsd"))]
use crate::os::errno::is_any;
use crate::os::native::OsStrExt as _;

/// What this backend cannot do at all, in words for the operator.
pub(crate) const LACKS: &[&str] = &[
    "entries are reached by their paths here: a directory that somebody swaps for a symlink in the very moment of a call \
     is followed; let nobody write to source and repository meanwhile whom you do not trust",
    #[cfg(not(target_os = "linux"))]
    "extended attributes, ACLs, file flags and holes are not read or kept on this system",
    #[cfg(not(target_os = "linux"))]
    "a power cut just after a run may undo parts of it: what files have in them is on disk then, but there is no call \
     that waits for all names; `verify` tells",
];

/// The effective user and group.
pub(crate) fn effective_ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// How many descriptors this process may have open (RLIMIT_NOFILE, soft).
pub(crate) fn open_file_limit() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1 << 20)
}

/// The name of this machine.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// One name, that leads nowhere else.
pub(super) fn component(name: &[u8]) -> io::Result<&OsStr> {
    if name.is_empty() || name.contains(&b'/') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(OsStr::from_bytes(name))
}

pub(super) fn unsupported() -> io::Error {
    Errno::OPNOTSUPP.into()
}

/// Looks at a path, not through a symlink in its place.
pub(super) fn stat(path: &Path) -> io::Result<Metadata> {
    metadata(&fs::symlink_metadata(path)?)
}

pub(super) fn stat_file(file: &fs::File) -> io::Result<Metadata> {
    metadata(&file.metadata()?)
}

fn metadata(stat: &fs::Metadata) -> io::Result<Metadata> {
    let kind = Kind::from_mode(stat.mode()).ok_or_else(|| io::Error::other("an entry of unknown kind"))?;
    let time = |seconds, nanos| Timestamp { seconds, nanos: u32::try_from(nanos).unwrap_or_default() };
    Ok(Metadata {
        kind,
        mode: stat.mode() & 0o7777,
        uid: stat.uid(),
        gid: stat.gid(),
        size: stat.size(),
        allocated: stat.blocks().saturating_mul(512),
        mtime: time(stat.mtime(), stat.mtime_nsec()),
        ctime: Some(time(stat.ctime(), stat.ctime_nsec())),
        btime: stat.created().ok().map(Timestamp::from),
        nlink: stat.nlink(),
        id: FileId { device: stat.dev(), inode: stat.ino() },
        rdev: stat.rdev(),
        // Mounts have no numbers everywhere; devices stand in.
        mount: Some(stat.dev()),
    })
}

pub(super) fn kind(file_type: fs::FileType) -> Option<Kind> {
    match file_type {
        one if one.is_file() => Some(Kind::File),
        one if one.is_dir() => Some(Kind::Directory),
        one if one.is_symlink() => Some(Kind::Symlink),
        one if one.is_fifo() => Some(Kind::Fifo),
        one if one.is_socket() => Some(Kind::Socket),
        one if one.is_block_device() => Some(Kind::BlockDevice),
        one if one.is_char_device() => Some(Kind::CharDevice),
        _ => None,
    }
}

fn flags(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or_default()
}

/// Opens for reading, never through a symlink. A FIFO in a file's place must not block, a terminal must not become ours.
pub(super) fn open_file(path: &Path) -> io::Result<fs::File> {
    let careful = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
    let opened = fs::OpenOptions::new().read(true).custom_flags(flags(careful)).open(path);
    // These have a number of their own for a symlink where none may be followed.
    #[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
    let opened =
        opened.map_err(|error| if is_any(&error, &[Errno::MLINK]) { Errno::LOOP.into() } else { error });
    #[cfg(target_os = "netbsd")]
    let opened =
        opened.map_err(|error| if is_any(&error, &[Errno::FTYPE]) { Errno::LOOP.into() } else { error });
    opened
}

/// Opens for reading, through symlinks as well, without waiting.
pub(super) fn open_followed(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).custom_flags(flags(OFlags::NONBLOCK.union(OFlags::NOCTTY))).open(path)
}

/// A write returns when it is on disk, where no call waits for a whole file system: sync(2) of POSIX may return before. A
/// file that has its size and time but not its content would be linked to ever after.
#[cfg(not(target_os = "linux"))]
const WRITTEN_THROUGH: OFlags = OFlags::SYNC;
#[cfg(target_os = "linux")]
const WRITTEN_THROUGH: OFlags = OFlags::empty();

/// How files are made: for writing and reading back, for nobody else, never through a symlink.
pub(super) fn narrow_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(flags(OFlags::NOFOLLOW.union(WRITTEN_THROUGH)));
    options
}

pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Removes the name of anything but a directory.
pub(super) fn remove_name(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Gives an inode one more name; symlinks are not followed (linkat(2) without flags).
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)
}

pub(super) fn make_symlink(target: &[u8], path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(OsStr::from_bytes(target), path)
}

#[cfg(not(target_vendor = "apple"))]
pub(super) fn make_node(path: &Path, kind: Kind, device: u64) -> io::Result<()> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let kind = match kind {
        Kind::Fifo => FileType::Fifo,
        Kind::Socket => FileType::Socket,
        Kind::BlockDevice => FileType::BlockDevice,
        Kind::CharDevice => FileType::CharacterDevice,
        Kind::File | Kind::Directory | Kind::Symlink => return Err(io::ErrorKind::InvalidInput.into()),
    };
    Ok(mknodat(CWD, path, kind, Mode::RUSR.union(Mode::WUSR), device)?)
}

#[cfg(target_vendor = "apple")]
pub(super) fn make_node(_: &Path, _: Kind, _: u64) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn set_owner(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(uid), Some(gid))
}

pub(super) fn set_file_owner(file: &fs::File, uid: u32, gid: u32) -> io::Result<()> {
    std::os::unix::fs::fchown(file, Some(uid), Some(gid))
}

pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

pub(super) fn set_file_mode(file: &fs::File, mode: u32) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(mode))
}

pub(super) fn read_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

pub(super) fn write_at(file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.write_at(bytes, offset)
}

/// Linux alone is believed where data is. On macOS SEEK_DATA leads past data that lies at the offset itself, and APFS may
/// tell of holes where data is (<https://bugs.gnu.org/51857>, <https://bugs.gnu.org/61386>); FreeBSD before 14 is no
/// better. What is taken for a hole is not read, so that a wrong one loses data.
#[cfg(target_os = "linux")]
pub(super) fn next_data(file: &fs::File, offset: u64) -> io::Result<Option<u64>> {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(offset)) {
        Err(Errno::NXIO) => Ok(None),
        found => Ok(Some(found?)),
    }
}

#[cfg(target_os = "linux")]
pub(super) fn next_hole(file: &fs::File, offset: u64) -> io::Result<u64> {
    Ok(rustix::fs::seek(file, rustix::fs::SeekFrom::Hole(offset))?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn next_data(_: &fs::File, _: u64) -> io::Result<Option<u64>> {
    Err(Errno::INVAL.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn next_hole(_: &fs::File, _: u64) -> io::Result<u64> {
    Err(Errno::INVAL.into())
}

/// One file system where there is a call for that, else all of them; there sync(2) may return before every name is
/// written, and the flush of one directory after it waits for what the disk has in its cache.
pub(super) fn sync_file_system(path: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(fs::File::open(path)?)?;
    #[cfg(not(target_os = "linux"))]
    {
        rustix::fs::sync();
        sync_dir(path)?;
    }
    Ok(())
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

pub(super) fn space(path: &Path) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok((bytes(stat.f_blocks), bytes(stat.f_bavail)))
}

pub(super) fn is_nosuid(path: &Path) -> io::Result<bool> {
    Ok(rustix::fs::statvfs(path)?.f_flag.contains(StatVfsMountFlags::NOSUID))
}

/// The number that the system gives to a file system; not every system gives the same after a restart.
pub(super) fn file_system(path: &Path) -> io::Result<(String, String)> {
    match rustix::fs::statvfs(path)?.f_fsid {
        // FUSE and some network file systems tell nothing.
        0 => Err(unsupported()),
        id => Ok((file_system_kind(path)?, format!("{id:016x}"))),
    }
}

#[cfg(target_os = "linux")]
fn file_system_kind(path: &Path) -> io::Result<String> {
    Ok(crate::os::file_system_name(rustix::fs::statfs(path)?.f_type & 0xffff_ffff))
}

/// Their types have numbers or names that differ from system to system.
#[cfg(not(target_os = "linux"))]
fn file_system_kind(_: &Path) -> io::Result<String> {
    Ok("statvfs".to_owned())
}
