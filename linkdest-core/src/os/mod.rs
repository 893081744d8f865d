//! The only room that talks to the kernel.
//!
//! Everything is (open directory, one name, no-follow); names are NUL-terminated bytes as the kernel gave them.
//! A path of several components is handed over in two cases only: the operator's own paths
//! ([`Dir::open_operator_path`]), and `/proc/self/fd/N[/NAME]` for what has no call of its own
//! (extended attributes of entries that are not opened, the mode of special files).
//! Every call passes [`calls::pass`].

pub mod calls;
mod child;
mod dir;
pub(crate) mod errno;
mod file;
mod listing;
mod process;
mod stat;
mod xattr;

pub(crate) use child::{Child, Piped, is_program};
pub(crate) use dir::Dir;
pub(crate) use file::File;
pub(crate) use listing::{Listed, Listing, prefix};
pub(crate) use process::{boot_id, effective_ids, host_name, open_file_limit, random_id};
pub(crate) use xattr::{XattrBuffer, XattrPlace, Xattrs};

/// A name of our own making, for the kernel.
///
/// # Errors
/// Names with NUL bytes, which no file system has.
pub(crate) fn c_name(name: &str) -> std::io::Result<std::ffi::CString> {
    Ok(std::ffi::CString::new(name)?)
}
