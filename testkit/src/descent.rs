//! Going down into a tree and up again while holding only two descriptors.

use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

/// The device and inode number that tell one entry from another.
pub(crate) type Identity = (u64, u64);

/// A place in a tree that moves one name at a time.
///
/// It goes up by `..`, checked against the directory it came from, so the number of open
/// descriptors does not grow with the depth.
pub(crate) struct Descent {
    root: OwnedFd,
    here: OwnedFd,
    /// The directories from the root to here: who they are and how long their paths are.
    levels: Vec<(Identity, usize)>,
    path: Vec<u8>,
}

impl Descent {
    /// Opens the root of a tree; a symlink at the very end of `path` is followed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let here = open_directory(rustix::fs::CWD, path, OFlags::empty())?;
        let root = rustix::io::fcntl_dupfd_cloexec(&here, 0)?;
        let levels = vec![(identity(&here)?, 0)];
        Ok(Self { root, here, levels, path: Vec::new() })
    }

    /// Returns the directory this is in.
    pub(crate) fn here(&self) -> BorrowedFd<'_> {
        self.here.as_fd()
    }

    /// Returns the path below the root, which may be longer than any call would take.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Returns the path below the root of an entry in this directory.
    pub(crate) fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path.clone();
        append(&mut path, name);
        path
    }

    /// Goes into the sub-directory `name`.
    pub(crate) fn enter(&mut self, name: &[u8]) -> io::Result<()> {
        let next = open_directory(&self.here, name, OFlags::NOFOLLOW)?;
        let next_identity = identity(&next)?;
        append(&mut self.path, name);
        self.levels.push((next_identity, self.path.len()));
        self.here = next;
        Ok(())
    }

    /// Goes up to the directory this one was entered from, and returns the name it left.
    pub(crate) fn leave(&mut self) -> io::Result<Vec<u8>> {
        self.levels.pop();
        let &(parent, length) = self.levels.last().expect("the root is never left");
        let start = if length == 0 { 0 } else { length + 1 };
        let name = self.path[start..].to_vec();
        self.path.truncate(length);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.here = match rustix::fs::openat(&self.here, "..", flags, Mode::empty()) {
            Ok(above) if identity(&above)? == parent => above,
            // Not searchable, or moved: go down once more from the root.
            _ => self.reopened(parent)?,
        };
        Ok(name)
    }

    /// Opens the directory at the present path by walking from the root.
    fn reopened(&self, expected: Identity) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)?;
        for name in self.path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            at = rustix::fs::openat(&at, name, flags, Mode::empty())?;
        }
        if identity(&at)? != expected {
            return Err(io::Error::other("a directory was replaced during the walk"));
        }
        Ok(at)
    }

    /// Returns the names in this directory, sorted; only right after it was entered.
    pub(crate) fn names(&self) -> io::Result<Vec<(Vec<u8>, FileType)>> {
        let mut buffer = vec![MaybeUninit::uninit(); 64 * 1024];
        let mut entries = RawDir::new(&self.here, &mut buffer);
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            // A descriptor that was opened with O_PATH only, for want of permission.
            let entry = entry.map_err(|error| if error == Errno::BADF { Errno::ACCESS } else { error })?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push((name.to_vec(), entry.file_type()));
            }
        }
        names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(names)
    }
}

fn append(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

/// Opens a directory for reading, or with `O_PATH` when it may not be read.
fn open_directory<P: rustix::path::Arg + Copy>(
    parent: impl AsFd,
    name: P,
    extra: OFlags,
) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | extra;
    match rustix::fs::openat(&parent, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => Ok(rustix::fs::openat(&parent, name, flags | OFlags::PATH, Mode::empty())?),
        other => Ok(other?),
    }
}

fn identity(directory: impl AsFd) -> io::Result<Identity> {
    let stat = rustix::fs::fstat(directory)?;
    Ok((stat.st_dev as u64, stat.st_ino as u64))
}
