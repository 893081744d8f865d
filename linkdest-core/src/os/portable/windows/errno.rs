//! What error codes mean here (winerror.h).

use std::io;

const TOO_MANY_OPEN_FILES: i32 = 4;
const ACCESS_DENIED: i32 = 5;
const NOT_ENOUGH_MEMORY: i32 = 8;
const OUTOFMEMORY: i32 = 14;
const NOT_SAME_DEVICE: i32 = 17;
const WRITE_PROTECT: i32 = 19;
const CRC: i32 = 23;
const FILE_NOT_FOUND: i32 = 2;
const HANDLE_DISK_FULL: i32 = 39;
const DISK_FULL: i32 = 112;
const DIRECTORY: i32 = 267;
const STOPPED_ON_SYMLINK: i32 = 681;
const IO_DEVICE: i32 = 1117;
const TOO_MANY_LINKS: i32 = 1142;
const DISK_QUOTA_EXCEEDED: i32 = 1295;
const PRIVILEGE_NOT_HELD: i32 = 1314;

fn is_any(error: &io::Error, codes: &[i32]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// This process or machine is out of handles or memory: every further call may fail like that.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    is_any(error, &[TOO_MANY_OPEN_FILES, NOT_ENOUGH_MEMORY, OUTOFMEMORY])
}

/// The file system that is written to is full, over quota, read-only or failing: nothing more can be saved.
pub(crate) fn is_target_failing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StorageFull
        || is_exhausted(error)
        || is_any(error, &[DISK_FULL, HANDLE_DISK_FULL, DISK_QUOTA_EXCEEDED, WRITE_PROTECT, CRC, IO_DEVICE])
}

/// A symlink is where none may be followed.
pub(crate) fn is_symlink(error: &io::Error) -> bool {
    is_any(error, &[STOPPED_ON_SYMLINK])
}

/// There is nothing of that name, or nothing that a name can be looked up in.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || is_any(error, &[DIRECTORY, STOPPED_ON_SYMLINK])
}

/// The inode has as many names as the file system allows: 1,024 on NTFS.
pub(crate) fn is_link_limit(error: &io::Error) -> bool {
    is_any(error, &[TOO_MANY_LINKS])
}

/// Blocks are never shared.
pub(crate) fn is_never_clonable(_: &io::Error) -> bool {
    true
}

/// One attribute is more than the file system has room for.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    is_any(error, &[DISK_FULL, HANDLE_DISK_FULL])
}

/// The file system, or the system, does not do this, or not for this user.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
    ) || is_any(error, &[PRIVILEGE_NOT_HELD, NOT_SAME_DEVICE])
}

/// What a system says where there is nothing of a name.
pub(crate) fn absent() -> io::Error {
    io::Error::from_raw_os_error(FILE_NOT_FOUND)
}

/// What a system says where a directory should be.
pub(in crate::os::portable) fn not_a_directory() -> io::Error {
    io::Error::from_raw_os_error(DIRECTORY)
}

/// What is said where a symlink is in a file's place.
pub(in crate::os::portable) fn symlink() -> io::Error {
    io::Error::from_raw_os_error(STOPPED_ON_SYMLINK)
}

/// What a system says where this user may not.
pub(crate) fn denied() -> io::Error {
    io::Error::from_raw_os_error(ACCESS_DENIED)
}
