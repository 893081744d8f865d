//! Everything by path, on what any system with hard links has: `std::fs`, `walkdir`, `filetime`, `tempfile`.
//!
//! A directory is a path without symlinks and the inode that it led to when it was opened. Each use looks first whether
//! it still does, so that a directory that was moved or replaced is an error. Between that look and the call there is a
//! moment in which somebody may still swap it: that is what [`LACKS`] tells of, and why Linux has another backend.
//! Paths are as long as the system takes them; Windows gets them in the form that may be long.

mod dir;
mod file;
#[cfg(not(target_os = "linux"))]
pub(super) mod no_xattr;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;

pub(crate) use dir::Dir;
pub(crate) use file::File;
#[cfg(windows)]
pub(super) use system::child;
#[cfg(windows)]
pub(crate) use system::errno;
pub(crate) use system::{LACKS, effective_ids, host_name, open_file_limit};

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::path::Path;

use crate::entry::Timestamp;

/// Says that what every run needs is there.
pub(crate) fn ready() -> Result<(), (&'static str, &'static Path, io::Error)> {
    Ok(())
}

/// What tells one boot of this machine from the next; empty where the system does not say.
#[expect(clippy::disallowed_methods, reason = "a file of the kernel's")]
pub(crate) fn boot_id() -> String {
    let id = std::fs::read("/proc/sys/kernel/random/boot_id");
    id.map(|id| String::from_utf8_lossy(&id).trim().to_owned()).unwrap_or_default()
}

/// Random bytes as hexadecimal digits: the standard library's hash keys, which come from the system.
pub(crate) fn random_id() -> io::Result<String> {
    let half = || RandomState::new().build_hasher().finish();
    Ok(format!("{:016x}{:016x}", half(), half()))
}

fn file_time(time: Timestamp) -> filetime::FileTime {
    filetime::FileTime::from_unix_time(time.seconds, time.nanos)
}
