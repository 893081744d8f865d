//! The tree operations on a server. Links of one directory are on their way together; what is linked from is listed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;

use super::far::{Far, Filled, Stamps};
use super::same::Expected;
use crate::abroad::{RemoteFile, RemoteRepository, ServerDir, metadata_of, seconds_of};
use crate::entry::{Kind, Metadata};
use crate::error::Error;
use crate::hashing::{ContentHasher, Hashed, hash};
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::os::{Xattrs, errno};
use crate::placing::{CopyError, Refused};
use crate::policy::attributes::Reach;
use crate::repository::SnapshotName;
use crate::sftp::{Asked, Attributes, Writing};
use crate::source::SourceFile;

/// So many links are on their way before the first one is waited for.
const LINKS: usize = 256;
/// So much of a file is read at once.
const PART: usize = 256 << 10;
/// Where less than this is free, a refused write is a full disk: SFTP 3 does not say.
const FULL: u64 = 1 << 20;

/// What is told of the names of one directory.
type Listed = HashMap<Vec<u8>, Attributes>;

/// A directory tree on a server.
pub(super) struct Server<'t> {
    repository: &'t RemoteRepository,
    reach: Reach,
    buffer: Vec<u8>,
    /// The directory that was listed last.
    listed: RefCell<(Vec<u8>, Listed)>,
    /// Links that were asked for, by the new path.
    begun: RefCell<HashMap<Vec<u8>, Asked<()>>>,
}

/// A file that is being sent.
pub(super) type Sending<'t> = RefCell<Writing<'t>>;

impl<'t> Server<'t> {
    pub fn new(repository: &'t RemoteRepository, reach: Reach) -> Self {
        let (listed, begun) = (RefCell::default(), RefCell::default());
        Self { repository, reach, buffer: Vec::new(), listed, begun }
    }

    fn client(&self) -> &'t crate::sftp::Client {
        &self.repository.client
    }

    /// Makes way for something that is no link: a link that was begun for it is taken back.
    fn make_way(&self, path: &[u8]) -> io::Result<()> {
        let Some(asked) = self.begun.borrow_mut().remove(path) else { return Ok(()) };
        if asked.wait().is_ok() { self.client().remove(path).wait() } else { Ok(()) }
    }

    /// The error of a write: without a number, but a full disk can be told.
    fn unwritten(&self, error: io::Error) -> CopyError {
        let is_full =
            Error::within(&error).is_none() && self.repository.available().is_some_and(|bytes| bytes < FULL);
        CopyError::Target(if is_full { io::ErrorKind::StorageFull.into() } else { error })
    }

    /// What is to be set besides the owner, and what cannot be.
    fn attributes(&self, metadata: &Metadata) -> (Attributes, Option<Refused>) {
        let times = seconds_of(metadata.mtime).map(|seconds| (seconds, seconds));
        let mode = (self.reach.mode && metadata.kind != Kind::Symlink).then_some(metadata.mode);
        let error = || io::Error::other("SFTP has times from 1970 to 2106 alone");
        let refused = times.is_none().then(|| Refused { operation: "set times", error: error() });
        (Attributes { mode, times, ..Attributes::default() }, refused)
    }

    fn owner(&self, metadata: &Metadata) -> Option<Attributes> {
        let owner = (metadata.uid, metadata.gid);
        let is_other = self.reach.owner && owner != self.reach.born;
        is_other.then(|| Attributes { owner: Some(owner), ..Attributes::default() })
    }

    /// Sets attributes by `set`, the owner first: a change of owner takes bits of the mode away.
    fn stamp(&self, metadata: &Metadata, set: impl Fn(&Attributes) -> Asked<()>) -> Vec<Refused> {
        let (last, refused) = self.attributes(metadata);
        let owner = self.owner(metadata).map(|owner| set(&owner));
        let last = set(&last);
        let mut all: Vec<Refused> = refused.into_iter().collect();
        let mut note = |operation, asked: Asked<()>| {
            if let Err(error) = asked.wait() {
                all.push(Refused { operation, error });
            }
        };
        if let Some(owner) = owner {
            note("set owner", owner);
        }
        note("set mode and times", last);
        all
    }

    /// Sends the bytes, and hashes them on the way.
    fn send<S: SourceFile>(
        &mut self,
        writing: &mut Writing<'t>,
        from: &S,
        metadata: &Metadata,
        stop: &StopFlag,
    ) -> Result<Filled, CopyError> {
        let mut hasher = ContentHasher::for_size(metadata.size);
        let may_have_holes = metadata.allocated < metadata.size;
        let (mut offset, mut written, mut ends_in_hole) = (0, 0, false);
        while offset < metadata.size {
            if stop.is_stopped() {
                return Err(CopyError::Stopped);
            }
            let wanted = usize::try_from(metadata.size - offset).unwrap_or(PART).min(PART);
            self.buffer.resize(wanted, 0);
            let read = from.read_at(&mut self.buffer, offset).map_err(CopyError::Source)?;
            if read == 0 {
                break;
            }
            let bytes = self.buffer.get(..read).unwrap_or_default();
            ends_in_hole = may_have_holes && bytes.iter().all(|byte| *byte == 0);
            if ends_in_hole {
                writing.skip(read as u64);
            } else {
                writing.write(bytes).map_err(|error| self.unwritten(error))?;
                written += read as u64;
            }
            hasher.data(&mut self.buffer, read);
            offset += read as u64;
        }
        writing.settle().map_err(|error| self.unwritten(error))?;
        if ends_in_hole {
            let size = Attributes { size: Some(offset), ..Attributes::default() };
            let sized = self.client().set_open(writing.handle(), &size).wait();
            sized.map_err(|error| self.unwritten(error))?;
        }
        Ok(Filled { cloned: false, written, hash: hasher.finish() })
    }
}

impl<'t> Far for Server<'t> {
    type Dir = ServerDir;
    type File = Sending<'t>;

    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn tree(&self, snapshot: &SnapshotName) -> io::Result<ServerDir> {
        Ok(self.repository.tree(snapshot))
    }

    fn can_make(&self, kind: Kind) -> bool {
        !matches!(kind, Kind::Fifo | Kind::Socket)
    }

    fn look_ahead(&self, dir: &ServerDir) -> usize {
        let told = self.repository.list_dir(dir).unwrap_or_default();
        *self.listed.borrow_mut() = (dir.0.clone(), told.into_iter().collect());
        LINKS
    }

    fn begin_link(&self, expected: &Expected, from: &ServerDir, to: &ServerDir, name: &CStr) {
        if let Ok(Some(_)) = expected.look(self, from, name) {
            let path = to.child(name);
            let asked = self.client().link(&from.child(name), &path);
            self.begun.borrow_mut().insert(path, asked);
        }
    }

    fn make_dir(&self, dir: &ServerDir, name: &CStr) -> io::Result<()> {
        self.client().make_dir(&dir.child(name), 0o700).wait()
    }

    fn link(&self, from: &ServerDir, from_name: &CStr, to: &ServerDir, name: &CStr) -> io::Result<()> {
        let path = to.child(name);
        // What was begun leads to the same inode: only names that no other way leads to are begun.
        let begun = self.begun.borrow_mut().remove(&path);
        begun.unwrap_or_else(|| self.client().link(&from.child(from_name), &path)).wait()
    }

    fn make_symlink(&self, target: &CStr, dir: &ServerDir, name: &CStr) -> io::Result<()> {
        let path = dir.child(name);
        self.make_way(&path)?;
        self.client().make_symlink(target.to_bytes(), &path).wait()
    }

    fn make_node(&self, _: &ServerDir, _: &CStr, _: Kind, _: u64) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "SFTP cannot make it"))
    }

    fn create(&self, dir: &ServerDir, name: &CStr) -> io::Result<Sending<'t>> {
        let path = dir.child(name);
        self.make_way(&path)?;
        Ok(RefCell::new(self.client().writing(self.client().create(&path, 0o600).wait()?)))
    }

    fn fill<S: SourceFile>(
        &mut self,
        file: &Sending<'t>,
        from: &S,
        metadata: &Metadata,
        stop: &StopFlag,
    ) -> Result<Filled, CopyError> {
        let mut writing = file.borrow_mut();
        let filled = self.send(&mut writing, from, metadata, stop);
        if filled.is_err() {
            drop(self.client().close(writing.handle()));
        }
        filled
    }

    fn inode(&self, _: &Sending<'t>) -> u64 {
        0
    }

    fn stamp_file(&mut self, file: &Sending<'t>, stamps: &Stamps) -> Vec<Refused> {
        let writing = file.borrow();
        let handle = writing.handle();
        let refused = self.stamp(&stamps.metadata, |attributes| self.client().set_open(handle, attributes));
        // All was written: what closing could still say is that of a server that keeps nothing.
        drop(self.client().close(handle));
        refused
    }

    fn stamp_name(&mut self, dir: &ServerDir, name: &CStr, stamps: &Stamps) -> Vec<Refused> {
        let path = dir.child(name);
        if !self.client().extensions().lsetstat {
            let error = io::Error::new(io::ErrorKind::Unsupported, "the server has no lsetstat@openssh.com");
            return vec![Refused { operation: "set times", error }];
        }
        self.stamp(&stamps.metadata, |attributes| self.client().set_link(&path, attributes))
    }

    fn stamp_dir(&mut self, dir: &ServerDir, stamps: &Stamps) -> io::Result<Vec<Refused>> {
        Ok(self.stamp(&stamps.metadata, |attributes| self.client().set(&dir.0, attributes)))
    }

    fn read_link(&self, dir: &ServerDir, name: &CStr) -> io::Result<CString> {
        Ok(CString::new(self.client().read_link(&dir.child(name)).wait()?)?)
    }

    fn xattrs(&mut self, _: &ServerDir, _: &CStr) -> io::Result<Xattrs> {
        Ok(Xattrs::new())
    }

    fn look(&self, dir: &ServerDir, name: &CStr) -> io::Result<Option<Metadata>> {
        let listed = self.listed.borrow();
        if listed.0 == dir.0
            && let Some(found) = listed.1.get(name.to_bytes()).and_then(metadata_of)
        {
            return Ok(Some(found));
        }
        match self.client().lstat(&dir.child(name)).wait() {
            Err(error) if errno::is_absent(&error) => Ok(None),
            told => Ok(metadata_of(&told?)),
        }
    }

    fn remove(&self, dir: &ServerDir, name: &CStr) -> io::Result<()> {
        self.client().remove(&dir.child(name)).wait()
    }

    fn hash(
        &mut self,
        dir: &ServerDir,
        name: &CStr,
        metadata: &Metadata,
        stop: &StopFlag,
    ) -> io::Result<Option<ContentHash>> {
        let (file, found) = RemoteFile::open(&self.repository.client, dir.child(name))?;
        if found.size != metadata.size {
            return Ok(None);
        }
        match hash(&file, metadata, &mut self.buffer, stop)? {
            Hashed::As(hash) => Ok(Some(hash)),
            Hashed::Unhashable | Hashed::Short => Ok(None),
        }
    }
}
