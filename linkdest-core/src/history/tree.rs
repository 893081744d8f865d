//! The tree of a snapshot on disk, for what no manifest tells.

use std::ffi::{CStr, CString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::entry::{Kind, Metadata};
use crate::error::{Error, Result};
use crate::os::{Dir, File};
use crate::path::RelPath;
use crate::repository::{Repository, SnapshotName};

/// The tree of one snapshot.
#[derive(Debug)]
pub(super) struct Tree {
    root: Dir,
    path: PathBuf,
    /// The directory that was opened last: most questions are about entries side by side.
    last: Option<(RelPath, Arc<Dir>)>,
}

impl Tree {
    pub fn open(repository: &Repository, name: &SnapshotName) -> Result<Self> {
        let path = repository.tree_path(name);
        let root = repository.open_tree(name);
        match root {
            Ok(root) => Ok(Self { root, path, last: None }),
            Err(error) => Err(Error::io("open", path, error)),
        }
    }

    /// The same tree for another thread.
    pub fn another(&self) -> Result<Self> {
        let root =
            self.root.open_dir_search(c".").map_err(|error| Error::io("open", self.path.clone(), error))?;
        Ok(Self { root, path: self.path.clone(), last: None })
    }

    /// The error for an entry.
    pub fn failed(&self, operation: &'static str, path: &RelPath, error: io::Error) -> Error {
        Error::io(operation, self.path.join(path.as_path()), error)
    }

    /// Opens a regular file.
    pub fn open_file(&mut self, path: &RelPath) -> Result<File> {
        let opened = self.reach(path).and_then(|(dir, name)| {
            let file = dir.open_file(&name)?;
            if file.stat()?.kind == Kind::File { Ok(file) } else { Err(io::ErrorKind::InvalidData.into()) }
        });
        opened.map_err(|error| self.failed("open", path, error))
    }

    /// Does something with an entry, by the directory that it is in and its name there.
    pub fn at<T>(
        &mut self,
        path: &RelPath,
        operation: &'static str,
        act: impl FnOnce(&Dir, &CStr) -> io::Result<T>,
    ) -> Result<T> {
        let done = self.reach(path).and_then(|(dir, name)| act(&dir, &name));
        done.map_err(|error| self.failed(operation, path, error))
    }

    /// Looks at an entry; `None` if there is none.
    pub fn stat(&mut self, path: &RelPath) -> Result<Option<Metadata>> {
        match self.reach(path).and_then(|(dir, name)| dir.stat_at(&name)) {
            Err(error) if crate::os::errno::is_absent(&error) => Ok(None),
            found => found.map(Some).map_err(|error| self.failed("stat", path, error)),
        }
    }

    /// Opens the directory that an entry is in; of the root that is itself, under the name `.`.
    fn reach(&mut self, path: &RelPath) -> io::Result<(Arc<Dir>, CString)> {
        let (parent, name) = split(path);
        let name = CString::new(name)?;
        if let Some((last, dir)) = &self.last
            && last.as_bytes() == parent
        {
            return Ok((Arc::clone(dir), name));
        }
        let dir = Arc::new(open_below(&self.root, parent)?);
        self.last = RelPath::new(parent).map(|parent| (parent, Arc::clone(&dir)));
        Ok((dir, name))
    }
}

/// Takes the last name off a path; the root is `.` in itself.
pub(super) fn split(path: &RelPath) -> (&[u8], &[u8]) {
    let bytes = path.as_bytes();
    match bytes.iter().rposition(|&byte| byte == b'/') {
        _ if bytes.is_empty() => (b"", b"."),
        Some(slash) => (bytes.get(..slash).unwrap_or_default(), bytes.get(slash + 1..).unwrap_or_default()),
        None => (b"", bytes),
    }
}

/// Opens a directory to reach what is in it, one name at a time.
pub(super) fn open_below(root: &Dir, path: &[u8]) -> io::Result<Dir> {
    let mut dir = root.open_dir_search(c".")?;
    for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
        dir = dir.open_dir_search(&CString::new(part)?)?;
    }
    Ok(dir)
}

/// Reads the target of a symlink.
pub(super) fn read_link(dir: &Dir, name: &CStr) -> io::Result<Vec<u8>> {
    dir.read_link(name).map(CString::into_bytes)
}

const CHUNK: usize = 256 << 10;

/// Says whether two files have the same bytes; holes are not read.
pub(super) fn same_bytes(a: &File, b: &File) -> io::Result<bool> {
    let size = a.stat()?.size;
    if b.stat()?.size != size {
        return Ok(false);
    }
    let (mut ours, mut theirs) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut offset = 0;
    while offset < size {
        // A file system that cannot tell holes: everything is data.
        let data = |file: &File| file.next_data(offset).map_or(offset, |data| data.unwrap_or(size));
        offset = data(a).min(data(b));
        let length = usize::try_from(size.saturating_sub(offset)).unwrap_or(CHUNK).min(CHUNK);
        let (ours, theirs) = (part(&mut ours, length), part(&mut theirs, length));
        if a.read_at(ours, offset)? != length || b.read_at(theirs, offset)? != length || ours != theirs {
            return Ok(false);
        }
        offset += length as u64;
    }
    Ok(true)
}

fn part(buffer: &mut [u8], length: usize) -> &mut [u8] {
    buffer.get_mut(..length).unwrap_or_default()
}
