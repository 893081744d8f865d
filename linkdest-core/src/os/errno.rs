//! What error numbers mean here.

use std::io;

use rustix::io::Errno;

pub(super) fn is_any(error: &io::Error, numbers: &[Errno]) -> bool {
    numbers.iter().any(|number| error.raw_os_error() == Some(number.raw_os_error()))
}

/// This process or machine is out of descriptors or memory: every further call may fail like that.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    is_any(error, &[Errno::MFILE, Errno::NFILE, Errno::NOMEM])
}

/// The file system that is written to is full, over quota, read-only or failing: nothing more can be saved.
pub(crate) fn is_target_failing(error: &io::Error) -> bool {
    // Not the kernel alone says that there is no room.
    error.kind() == io::ErrorKind::StorageFull
        || is_exhausted(error)
        || is_any(error, &[Errno::NOSPC, Errno::DQUOT, Errno::ROFS, Errno::IO])
}

/// A symlink is where none may be followed.
pub(crate) fn is_symlink(error: &io::Error) -> bool {
    is_any(error, &[Errno::LOOP])
}

/// There is nothing of that name, or nothing that a name can be looked up in.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    is_any(error, &[Errno::NOENT, Errno::NOTDIR, Errno::LOOP])
}

/// The inode has as many names as the file system allows.
pub(crate) fn is_link_limit(error: &io::Error) -> bool {
    is_any(error, &[Errno::MLINK])
}

/// Blocks can never be shared between these two file systems.
pub(crate) fn is_never_clonable(error: &io::Error) -> bool {
    is_any(error, &[Errno::XDEV, Errno::OPNOTSUPP, Errno::NOTTY, Errno::NOSYS])
}

/// One attribute is more than the file system has room for; on others the same number means a full disk.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    is_any(error, &[Errno::NOSPC])
}

/// The file system, or the system, does not do this, or not for this user.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    is_any(
        error,
        &[
            Errno::PERM,
            Errno::ACCESS,
            Errno::OPNOTSUPP,
            Errno::NOSYS,
            Errno::INVAL,
            Errno::NOTTY,
            Errno::XDEV,
        ],
    )
}

/// What a system says where there is nothing of a name.
pub(crate) fn absent() -> io::Error {
    Errno::NOENT.into()
}

/// What a system says where a directory should be.
#[cfg(any(not(target_os = "linux"), linkdest_portable))]
pub(super) fn not_a_directory() -> io::Error {
    Errno::NOTDIR.into()
}

/// What a system says where this user may not.
pub(crate) fn denied() -> io::Error {
    Errno::ACCESS.into()
}
