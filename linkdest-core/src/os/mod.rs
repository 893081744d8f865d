//! The only room that talks to the kernel, and that knows the platform.
//!
//! Everything is (open directory, one name, no-follow); names are NUL-terminated bytes as the kernel gave them. The same
//! operations have two implementations behind the same opaque handles:
//!
//! - `linux`: handles are descriptors. A path of several components is handed over in two cases only: the operator's own
//!   paths ([`Dir::open_operator_path`]), and `/proc/self/fd/N[/NAME]` for what has no call of its own
//!   (extended attributes of entries that are not opened, the mode of special files).
//! - `portable`: a directory is a path and the inode that it led to, looked at again with each use. Compiled where the
//!   system is not Linux, and there under `--cfg linkdest_portable`, so that the tests run against it.
//!
//! Every call passes [`calls::pass`].

pub mod calls;
mod listing;
pub(crate) mod native;

#[cfg(unix)]
mod child;
#[cfg(unix)]
pub(crate) mod errno;

#[cfg(all(target_os = "linux", not(linkdest_portable)))]
mod linux;
#[cfg(all(target_os = "linux", not(linkdest_portable)))]
use linux as backend;

#[cfg(any(not(target_os = "linux"), linkdest_portable))]
mod portable;
#[cfg(any(not(target_os = "linux"), linkdest_portable))]
use portable as backend;

#[cfg(target_os = "linux")]
mod xattr;
#[cfg(not(target_os = "linux"))]
use portable::no_xattr as xattr;

#[cfg(windows)]
use portable::child;
#[cfg(windows)]
pub(crate) use portable::errno;

pub(crate) use backend::{
    Dir, File, LACKS, boot_id, effective_ids, host_name, open_file_limit, random_id, ready,
};
pub(crate) use child::{Child, Piped, is_program};
pub(crate) use listing::{Listed, Listing, prefix};
#[cfg(target_os = "linux")]
use xattr::XattrReach;
pub(crate) use xattr::{XattrBuffer, XattrPlace, Xattrs};

#[cfg(all(test, unix))]
mod tests;

/// A name of our own making, for the kernel.
///
/// # Errors
/// Names with NUL bytes, which no file system has.
pub(crate) fn c_name(name: &str) -> std::io::Result<std::ffi::CString> {
    Ok(std::ffi::CString::new(name)?)
}

/// What a file system is called, by its number in statfs(2).
#[cfg(target_os = "linux")]
fn file_system_name(number: impl TryInto<u64>) -> String {
    match number.try_into().unwrap_or_default() {
        0xef53 => "ext4".to_owned(),
        0x5846_5342 => "xfs".to_owned(),
        0x9123_683e => "btrfs".to_owned(),
        0x0102_1994 => "tmpfs".to_owned(),
        0x794c_7630 => "overlay".to_owned(),
        other => format!("{other:#x}"),
    }
}

/// Says whether what was written down in a boot of this name was written in this one. Where boots have no names it is
/// taken for another.
pub(crate) fn is_this_boot(recorded: &str) -> bool {
    !recorded.is_empty() && recorded == boot_id()
}
