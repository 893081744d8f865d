//! What Windows has, by path. Written from the documentation of its calls; the project's tests have not run on it.

#![expect(clippy::disallowed_methods, reason = "calls by path are what this backend is made of")]

pub(in crate::os) mod child;
pub(crate) mod errno;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::entry::{FileId, Kind, Metadata, Timestamp};

/// What this backend cannot do at all, in words for the operator.
pub(crate) const LACKS: &[&str] = &[
    "entries are reached by their paths here: a directory that somebody swaps for a symlink in the very moment of a call \
     is followed; let nobody write to source and repository meanwhile whom you do not trust",
    "owners, access control lists, attributes (hidden, system, compressed, encrypted), alternate data streams and holes are \
     not kept on this system; that a file is read-only is in the manifest alone",
    "free space cannot be told on this system: no reserve is kept",
    "a power cut just after a run may undo it: there is no call that waits for a whole file system",
];

const FILE_READ_ATTRIBUTES: u32 = 0x0080;
/// Directories can be opened at all.
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// Symlinks and junctions themselves, not where they lead.
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// A write returns when it is on disk: nothing else waits for that.
const FILE_FLAG_WRITE_THROUGH: u32 = 0x8000_0000;

/// Users have no numbers.
pub(crate) fn effective_ids() -> (u32, u32) {
    (0, 0)
}

/// Handles are not scarce; directories keep none.
pub(crate) fn open_file_limit() -> usize {
    8192
}

/// The name of this machine.
pub(crate) fn host_name() -> String {
    std::env::var_os("COMPUTERNAME").map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// One name, that leads nowhere else: no separator, no drive or stream, and text.
pub(super) fn component(name: &[u8]) -> io::Result<&OsStr> {
    let refused = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    let text = std::str::from_utf8(name).map_err(|_| refused("a name that is no text"))?;
    if text.is_empty() || text.contains(['/', '\\', ':']) {
        return Err(refused("a name that Windows does not take"));
    }
    Ok(OsStr::new(text))
}

pub(super) fn unsupported() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

/// Looks at a path, not through a symlink or junction in its place.
pub(super) fn stat(path: &Path) -> io::Result<Metadata> {
    let itself = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    stat_file(&fs::OpenOptions::new().access_mode(FILE_READ_ATTRIBUTES).custom_flags(itself).open(path)?)
}

pub(super) fn stat_file(file: &fs::File) -> io::Result<Metadata> {
    let (stat, found) = (file.metadata()?, winapi_util::file::information(file)?);
    if found.file_index() == 0 {
        // All files would be one.
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this file system does not number its files"));
    }
    let kind = kind(stat.file_type()).ok_or_else(|| io::Error::other("an entry of unknown kind"))?;
    let mode = match (kind, stat.permissions().readonly()) {
        (Kind::Directory, _) => 0o755,
        (_, true) => 0o444,
        (_, false) => 0o644,
    };
    Ok(Metadata {
        kind,
        mode,
        uid: 0,
        gid: 0,
        size: stat.len(),
        allocated: stat.len(),
        mtime: stat.modified()?.into(),
        // There is one, which std does not tell.
        ctime: None,
        btime: stat.created().ok().map(Timestamp::from),
        nlink: found.number_of_links(),
        id: FileId { device: found.volume_serial_number(), inode: found.file_index() },
        rdev: 0,
        mount: Some(found.volume_serial_number()),
    })
}

/// Junctions count as symlinks, as for `std`.
pub(super) fn kind(file_type: fs::FileType) -> Option<Kind> {
    match file_type {
        one if one.is_symlink() => Some(Kind::Symlink),
        one if one.is_dir() => Some(Kind::Directory),
        one if one.is_file() => Some(Kind::File),
        _ => None,
    }
}

/// Opens for reading, never through a symlink. Other reparse points (deduplicated and compressed files, those that are in
/// the cloud) must be followed: what they are themselves is not the content.
pub(super) fn open_file(path: &Path) -> io::Result<fs::File> {
    let itself = stat(path)?;
    if itself.kind == Kind::Symlink {
        return Err(errno::symlink());
    }
    let file = fs::File::open(path)?;
    if stat_file(&file)?.id == itself.id {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::StaleNetworkFileHandle,
            "it was replaced by something else meanwhile",
        ))
    }
}

pub(super) fn open_followed(path: &Path) -> io::Result<fs::File> {
    fs::File::open(path)
}

/// How files are made: for writing and reading back, never through a symlink.
pub(super) fn narrow_file() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_WRITE_THROUGH);
    options
}

pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Removes the name of anything but a directory; symlinks and junctions that lead to one are removed as such.
pub(super) fn remove_name(path: &Path) -> io::Result<()> {
    use std::os::windows::fs::FileTypeExt as _;
    if fs::symlink_metadata(path)?.file_type().is_symlink_dir() {
        fs::remove_dir(path)
    } else {
        fs::remove_file(path)
    }
}

/// Gives a file one more name. The documentation of CreateHardLink does not say whether that of a symlink leads to the
/// symlink or to what it leads to: symlinks get none, and are made anew.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(from)?.is_symlink() {
        return Err(unsupported());
    }
    fs::hard_link(from, to)
}

/// A symlink is made for what it leads to now; one that leads nowhere is one to a file.
pub(super) fn make_symlink(target: &[u8], path: &Path) -> io::Result<()> {
    let text = std::str::from_utf8(target)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a target that is no text"))?;
    let target = OsStr::new(text);
    let leads_to = path.parent().unwrap_or(path).join(target);
    if leads_to.is_dir() {
        std::os::windows::fs::symlink_dir(target, path)
    } else {
        std::os::windows::fs::symlink_file(target, path)
    }
}

pub(super) fn make_node(_: &Path, _: Kind, _: u64) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn set_owner(_: &Path, _: u32, _: u32) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn set_file_owner(_: &fs::File, _: u32, _: u32) -> io::Result<()> {
    Err(unsupported())
}

/// There are no modes, and the read-only attribute belongs to all names of a file: it is never set. The probe reads
/// that back.
pub(super) fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// As [`set_mode`].
pub(super) fn set_file_mode(_: &fs::File, _: u32) -> io::Result<()> {
    Ok(())
}

pub(super) fn read_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

pub(super) fn write_at(file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    file.seek_write(bytes, offset)
}

pub(super) fn next_data(_: &fs::File, _: u64) -> io::Result<Option<u64>> {
    Err(io::ErrorKind::InvalidInput.into())
}

pub(super) fn next_hole(_: &fs::File, _: u64) -> io::Result<u64> {
    Err(io::ErrorKind::InvalidInput.into())
}

/// Files are written through; names are in the journal of the file system, in their order.
pub(super) fn sync_file_system(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A directory cannot be flushed.
pub(super) fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn space(_: &Path) -> io::Result<(u64, u64)> {
    Err(unsupported())
}

/// There are no such bits.
pub(super) fn is_nosuid(_: &Path) -> io::Result<bool> {
    Ok(true)
}

/// The serial number that a volume got when it was formatted.
pub(super) fn file_system(path: &Path) -> io::Result<(String, String)> {
    match stat(path)?.id.device {
        0 => Err(unsupported()),
        serial => Ok(("volume".to_owned(), format!("{serial:016x}"))),
    }
}
