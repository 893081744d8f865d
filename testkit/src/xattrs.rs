//! Extended attributes, read as bytes.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use crate::attributes::Finding;
use crate::difference::{Aspect, escaped};

/// The extended attributes of one entry: names and values.
pub(crate) type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Says by its name whether an attribute counts.
pub(crate) type XattrFilter = Box<dyn Fn(&[u8]) -> bool>;

/// The longest value that is written out in a message.
const SHOWN: usize = 64;

/// Returns whether an attribute belongs to the entry rather than to its file system.
///
/// Left out are `trusted.SGI_ACL_*` (how XFS stores ACLs) and everything in `system.*` but the
/// two POSIX ACLs.
#[must_use]
pub fn is_portable_xattr(name: &[u8]) -> bool {
    let is_acl = name == b"system.posix_acl_access" || name == b"system.posix_acl_default";
    is_acl || !(name.starts_with(b"system.") || name.starts_with(b"trusted.SGI_ACL_"))
}

/// Where to read attributes from.
#[derive(Clone, Copy)]
pub(crate) enum Holder<'a> {
    /// An open file or directory.
    Open(BorrowedFd<'a>),
    /// An open directory that was perhaps opened with `O_PATH`, which takes no such calls.
    Directory(BorrowedFd<'a>),
    /// A name in an open directory, not followed.
    Name(BorrowedFd<'a>, &'a [u8]),
}

impl Holder<'_> {
    /// Reads all attributes whose name `keep` accepts.
    pub(crate) fn xattrs(self, keep: &dyn Fn(&[u8]) -> bool) -> io::Result<Xattrs> {
        let mut xattrs = Xattrs::new();
        for name in self.list()?.split(|&byte| byte == 0).filter(|name| !name.is_empty() && keep(name)) {
            xattrs.insert(name.to_vec(), self.value(name)?);
        }
        Ok(xattrs)
    }

    fn list(self) -> io::Result<Vec<u8>> {
        let proc_path = self.proc_path();
        let listed = grown(|buffer| match self {
            Holder::Open(file) => rustix::fs::flistxattr(file, buffer),
            Holder::Directory(_) => rustix::fs::listxattr(&proc_path, buffer),
            Holder::Name(..) => rustix::fs::llistxattr(&proc_path, buffer),
        });
        match listed {
            Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }

    fn value(self, name: &[u8]) -> io::Result<Vec<u8>> {
        let proc_path = self.proc_path();
        Ok(grown(|buffer| match self {
            Holder::Open(file) => rustix::fs::fgetxattr(file, name, buffer),
            Holder::Directory(_) => rustix::fs::getxattr(&proc_path, name, buffer),
            Holder::Name(..) => rustix::fs::lgetxattr(&proc_path, name, buffer),
        })?)
    }

    /// Returns the path by which the kernel reaches this without another descriptor.
    fn proc_path(self) -> CString {
        let path = match self {
            Holder::Open(_) => Vec::new(),
            Holder::Directory(directory) => format!("/proc/self/fd/{}", directory.as_raw_fd()).into_bytes(),
            Holder::Name(directory, name) => {
                [format!("/proc/self/fd/{}/", directory.as_raw_fd()).as_bytes(), name].concat()
            }
        };
        CString::new(path).expect("a name has no NUL")
    }
}

/// Calls `read` with a larger buffer until the answer fits.
fn grown(mut read: impl FnMut(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut buffer = vec![0; 256];
    loop {
        match read(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            // No list and no value is longer than 64 KiB.
            Err(Errno::RANGE) if buffer.len() < 64 * 1024 => buffer = vec![0; 64 * 1024],
            Err(error) => return Err(error),
        }
    }
}

/// Returns a finding for each attribute that is not the same on both sides.
pub(crate) fn findings(left: &Xattrs, right: &Xattrs) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, value) in left {
        if right.get(name) != Some(value) {
            findings.push((
                Aspect::Xattr(name.clone()),
                value_text(Some(value)),
                value_text(right.get(name)),
            ));
        }
    }
    for (name, value) in right.iter().filter(|(name, _)| !left.contains_key(*name)) {
        findings.push((Aspect::Xattr(name.clone()), value_text(None), value_text(Some(value))));
    }
    findings
}

fn value_text(value: Option<&Vec<u8>>) -> String {
    match value {
        None => "none".to_owned(),
        Some(value) if value.len() > SHOWN => {
            format!("\"{}\"... ({} bytes)", escaped(&value[..SHOWN]), value.len())
        }
        Some(value) => format!("\"{}\"", escaped(value)),
    }
}
