//! A target on a file system of this machine: open directories, one name a call.

use std::ffi::{CStr, CString};
use std::io;

use super::far::{Far, Filled, Stamping, Stamps};
use crate::entry::{Kind, Metadata};
use crate::hashing::{Hashed, hash};
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::os::{Dir, File, XattrBuffer, XattrPlace, Xattrs, errno};
use crate::placing::{CopyError, copy, stamp_dir, stamp_file, stamp_name};
use crate::policy::attributes::Reach;
use crate::repository::{Repository, SnapshotName};
use crate::source::{SourceFile, read_xattrs};

/// A directory tree of this machine.
pub(super) struct Local<'l> {
    repository: &'l Repository,
    reach: Reach,
    /// Blocks cannot be shared with the repository that is read.
    unclonable: bool,
    buffer: Vec<u8>,
    xattrs: XattrBuffer,
}

impl<'l> Local<'l> {
    pub fn new(repository: &'l Repository, reach: Reach) -> Self {
        Self {
            repository,
            reach,
            unclonable: !reach.reflink,
            buffer: Vec::new(),
            xattrs: XattrBuffer::default(),
        }
    }

    /// Shares the blocks of a file, if that can be done.
    fn clone<S: SourceFile>(&mut self, file: &File, from: &S) -> Result<bool, CopyError> {
        let Some(local) = from.local().filter(|_| !self.unclonable) else { return Ok(false) };
        match file.clone_from(local) {
            Ok(()) => Ok(true),
            Err(error) if errno::is_target_failing(&error) && !errno::is_exhausted(&error) => {
                Err(CopyError::Target(error))
            }
            Err(error) => {
                self.unclonable = errno::is_never_clonable(&error);
                Ok(false)
            }
        }
    }
}

impl Far for Local<'_> {
    type Dir = Dir;
    type File = File;

    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn tree(&self, snapshot: &SnapshotName) -> io::Result<Dir> {
        self.repository.open_tree(snapshot)
    }

    fn make_dir(&self, dir: &Dir, name: &CStr) -> io::Result<()> {
        dir.make_dir(name)
    }

    fn link(&self, from: &Dir, from_name: &CStr, to: &Dir, name: &CStr) -> io::Result<()> {
        from.link(from_name, to, name)
    }

    fn make_symlink(&self, target: &CStr, dir: &Dir, name: &CStr) -> io::Result<()> {
        dir.make_symlink(target, name)
    }

    fn make_node(&self, dir: &Dir, name: &CStr, kind: Kind, device: u64) -> io::Result<()> {
        dir.make_node(name, kind, device)
    }

    fn create(&self, dir: &Dir, name: &CStr) -> io::Result<File> {
        dir.create_file(name)
    }

    fn fill<S: SourceFile>(
        &mut self,
        file: &File,
        from: &S,
        metadata: &Metadata,
        stop: &StopFlag,
    ) -> Result<Filled, CopyError> {
        if metadata.size > 0 && self.clone(file, from)? {
            // The bytes did not pass by.
            let hash = match hash(file, metadata, &mut self.buffer, stop) {
                Ok(Hashed::As(hash)) => Some(hash),
                Ok(Hashed::Unhashable | Hashed::Short) => None,
                Err(_) if stop.is_stopped() => return Err(CopyError::Stopped),
                Err(error) => return Err(CopyError::Target(error)),
            };
            return Ok(Filled { cloned: true, written: 0, hash });
        }
        let (written, hash) = copy(from, metadata, file, &mut self.buffer, stop)?;
        Ok(Filled { cloned: false, written, hash })
    }

    fn inode(&self, file: &File) -> u64 {
        file.stat().map_or(0, |stat| stat.id.inode)
    }

    fn stamp_file(&mut self, file: File, stamps: &Stamps) -> Stamping {
        let refused = stamp_file(&file, &stamps.metadata, &stamps.xattrs, &self.reach, &mut self.xattrs);
        Stamping::done(refused)
    }

    fn stamp_name(&mut self, dir: &Dir, name: &CStr, stamps: &Stamps) -> Stamping {
        let (metadata, xattrs) = (&stamps.metadata, &stamps.xattrs);
        Stamping::done(stamp_name(dir, name, metadata, xattrs, &self.reach, &mut self.xattrs))
    }

    fn stamp_dir(&mut self, dir: &Dir, stamps: &Stamps) -> io::Result<Stamping> {
        // It was open for searching only.
        let dir = dir.open_dir(c".")?;
        let refused = stamp_dir(&dir, &stamps.metadata, &stamps.xattrs, &self.reach, &mut self.xattrs);
        Ok(Stamping::done(refused))
    }

    fn read_link(&self, dir: &Dir, name: &CStr) -> io::Result<CString> {
        dir.read_link(name)
    }

    fn xattrs(&mut self, dir: &Dir, name: &CStr) -> io::Result<Xattrs> {
        Ok(read_xattrs(XattrPlace::At(dir, name), &self.reach, &mut self.xattrs)?.kept)
    }

    fn look(&self, dir: &Dir, name: &CStr) -> io::Result<Option<Metadata>> {
        dir.stat_if_there(name)
    }

    fn remove(&self, dir: &Dir, name: &CStr) -> io::Result<()> {
        dir.unlink(name)
    }

    fn hash(
        &mut self,
        dir: &Dir,
        name: &CStr,
        metadata: &Metadata,
        stop: &StopFlag,
    ) -> io::Result<Option<ContentHash>> {
        let file = dir.open_file(name)?;
        if file.stat()?.id != metadata.id {
            return Ok(None);
        }
        match hash(&file, metadata, &mut self.buffer, stop)? {
            Hashed::As(hash) => Ok(Some(hash)),
            Hashed::Unhashable | Hashed::Short => Ok(None),
        }
    }
}
