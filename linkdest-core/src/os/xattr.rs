//! Extended attributes of open files, and of entries that are not opened.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::calls::{Call, pass};
use super::errno::is_any;
use super::{Dir, File};

/// Names and values, sorted by name. ACLs are among them, as the kernel shows them.
pub(crate) type Xattrs = Vec<(CString, Vec<u8>)>;

/// Where attributes are read or written.
#[derive(Clone, Copy)]
pub(crate) enum XattrPlace<'a> {
    /// An open file.
    File(&'a File),
    /// An open directory itself, also one open for searching only.
    Dir(&'a Dir),
    /// A name in a directory: never followed, not opened.
    At(&'a Dir, &'a CStr),
}

/// Space for paths, lists and values, reused from entry to entry.
#[derive(Debug, Default)]
pub(crate) struct XattrBuffer {
    path: Vec<u8>,
    list: Vec<u8>,
    value: Vec<u8>,
}

/// The kernel's own limit for a list and for a value (xattr(7)).
const LIMIT: usize = 64 << 10;
/// The kernel allocates and clears as much as it is offered, so that most calls offer little.
const USUAL: usize = 512;

/// Calls with a small buffer, and again with the largest one where that was too small.
fn growing(buffer: &mut Vec<u8>, mut call: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
    buffer.resize(buffer.len().max(USUAL), 0);
    match call(buffer.get_mut(..USUAL).unwrap_or_default()) {
        Err(error) if is_any(&error, &[Errno::RANGE]) => {
            buffer.resize(LIMIT, 0);
            call(buffer)
        }
        length => length,
    }
}

impl XattrBuffer {
    /// Lists the names, each with its closing NUL. A file system without attributes has none.
    pub fn list(&mut self, place: XattrPlace<'_>) -> io::Result<&[u8]> {
        let reach = path_of(place, &mut self.path)?;
        let length = growing(&mut self.list, |list| match reach {
            XattrReach::Fd(fd) => pass(Call::ListXattr, b"", || rustix::fs::flistxattr(fd, &mut *list)),
            XattrReach::Path(path, name) => {
                pass(Call::ListXattr, name, || rustix::fs::llistxattr(path, &mut *list))
            }
            XattrReach::Link(path) => pass(Call::ListXattr, b"", || rustix::fs::listxattr(path, &mut *list)),
        });
        match length {
            Err(error) if is_any(&error, &[Errno::OPNOTSUPP, Errno::NOSYS]) => Ok(&[]),
            length => Ok(self.list.get(..length?).unwrap_or_default()),
        }
    }

    /// Reads one value; `None` if there is no such attribute.
    pub fn get(&mut self, place: XattrPlace<'_>, attribute: &CStr) -> io::Result<Option<&[u8]>> {
        let reach = path_of(place, &mut self.path)?;
        let length = growing(&mut self.value, |value| match reach {
            XattrReach::Fd(fd) => {
                pass(Call::GetXattr, b"", || rustix::fs::fgetxattr(fd, attribute, &mut *value))
            }
            XattrReach::Path(path, name) => {
                pass(Call::GetXattr, name, || rustix::fs::lgetxattr(path, attribute, &mut *value))
            }
            XattrReach::Link(path) => {
                pass(Call::GetXattr, b"", || rustix::fs::getxattr(path, attribute, &mut *value))
            }
        });
        match length {
            Err(error) if is_any(&error, &[Errno::NODATA]) => Ok(None),
            length => Ok(self.value.get(..length?)),
        }
    }

    pub fn set(&mut self, place: XattrPlace<'_>, attribute: &CStr, value: &[u8]) -> io::Result<()> {
        let flags = XattrFlags::empty();
        match path_of(place, &mut self.path)? {
            XattrReach::Fd(fd) => {
                pass(Call::SetXattr, b"", || rustix::fs::fsetxattr(fd, attribute, value, flags))
            }
            XattrReach::Path(path, name) => {
                pass(Call::SetXattr, name, || rustix::fs::lsetxattr(path, attribute, value, flags))
            }
            XattrReach::Link(path) => {
                pass(Call::SetXattr, b"", || rustix::fs::setxattr(path, attribute, value, flags))
            }
        }
    }

    /// Removes one attribute; that it is not there, or cannot be, is fine.
    pub fn remove(&mut self, place: XattrPlace<'_>, attribute: &CStr) -> io::Result<()> {
        let removed = match path_of(place, &mut self.path)? {
            XattrReach::Fd(fd) => pass(Call::RemoveXattr, b"", || rustix::fs::fremovexattr(fd, attribute)),
            XattrReach::Path(path, name) => {
                pass(Call::RemoveXattr, name, || rustix::fs::lremovexattr(path, attribute))
            }
            XattrReach::Link(path) => {
                pass(Call::RemoveXattr, b"", || rustix::fs::removexattr(path, attribute))
            }
        };
        match removed {
            Err(error) if is_any(&error, &[Errno::NODATA, Errno::OPNOTSUPP]) => Ok(()),
            removed => removed,
        }
    }
}

/// How a call gets to an entry.
#[derive(Clone, Copy)]
pub(super) enum XattrReach<'a> {
    Fd(BorrowedFd<'a>),
    /// A path whose last component is the entry's name, not to be followed.
    Path(&'a CStr, &'a [u8]),
    /// A path whose last component is the kernel's own link to an open directory.
    #[cfg_attr(linkdest_portable, expect(dead_code, reason = "paths lead there themselves"))]
    Link(&'a CStr),
}

fn path_of<'a>(place: XattrPlace<'a>, path: &'a mut Vec<u8>) -> io::Result<XattrReach<'a>> {
    match place {
        XattrPlace::File(file) => Ok(XattrReach::Fd(file.as_fd())),
        XattrPlace::Dir(dir) => dir.xattr_reach(None, path),
        XattrPlace::At(dir, name) => dir.xattr_reach(Some(name), path),
    }
}
