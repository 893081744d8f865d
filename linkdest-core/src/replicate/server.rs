//! The tree operations on a server: what can be asked before its turn is on its way by then.

use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::io;

use super::begun::Begun;
use super::far::{Far, Filled, Stamping, Stamps};
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

/// So much of a file is read at once.
const PART: usize = 256 << 10;
/// Where less than this is free, a refused write is a full disk: SFTP 3 does not say.
const FULL: u64 = 1 << 20;

/// A directory tree on a server.
pub(super) struct Server<'t> {
    repository: &'t RemoteRepository,
    reach: Reach,
    buffer: Vec<u8>,
    begun: Begun<'t>,
}

/// A file that is being sent.
pub(super) type Sending<'t> = RefCell<Writing<'t>>;

impl<'t> Server<'t> {
    pub fn new(repository: &'t RemoteRepository, reach: Reach) -> Self {
        Self { repository, reach, buffer: Vec::new(), begun: Begun::new(&repository.client) }
    }

    fn client(&self) -> &'t crate::sftp::Client {
        &self.repository.client
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
    fn stamp(&self, metadata: &Metadata, set: impl Fn(&Attributes) -> Asked<()>) -> Stamping {
        let (last, refused) = self.attributes(metadata);
        let owner = self.owner(metadata).map(|owner| ("set owner", set(&owner)));
        let asked = owner.into_iter().chain([("set mode and times", set(&last))]).collect();
        Stamping { written: Vec::new(), refused: refused.into_iter().collect(), asked }
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
        // The times must not come behind a part that is refused, unless the size tells of it.
        if ends_in_hole || writing.parts() > 1 {
            writing.settle().map_err(|error| self.unwritten(error))?;
        }
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

    fn tells_inodes(&self) -> bool {
        false
    }

    fn ahead(&self) -> usize {
        self.begun.most_open()
    }

    fn has_room(&self) -> bool {
        self.begun.has_room()
    }

    fn begin_dir(&self, dir: &ServerDir, name: &CStr) {
        self.begun.begin_dir(dir.child(name));
    }

    fn begin_list(&self, dir: &ServerDir) {
        self.begun.begin_list(dir.0.clone());
    }

    fn is_listed(&self, dir: &ServerDir, wait: bool) -> bool {
        self.begun.is_listed(&dir.0, wait)
    }

    fn leave(&self, dir: &ServerDir) {
        self.begun.leave(&dir.0);
    }

    fn begin_link(
        &self,
        check: Option<&Expected>,
        (from, other): (&ServerDir, &CStr),
        (to, name): (&ServerDir, &CStr),
    ) {
        let path = from.child(other);
        if let Some(expected) = check {
            let told = self.begun.told(&from.0, other.to_bytes()).flatten();
            if !told.is_some_and(|told| expected.is_told_by(&self.reach, &told)) {
                return;
            }
            if expected.is_symlink() {
                self.begun.begin_read_link(path.clone());
            }
        }
        self.begun.begin_link(path, to.child(name));
    }

    fn begin_file(&self, dir: &ServerDir, name: &CStr) {
        self.begun.begin_file(dir.child(name));
    }

    fn begin_symlink(&self, target: &CStr, dir: &ServerDir, name: &CStr) {
        self.begun.begin_symlink(target.to_bytes(), dir.child(name));
    }

    fn take_back(&self, dir: &ServerDir, name: &CStr) -> io::Result<()> {
        self.begun.take_back(&dir.child(name))
    }

    fn forget_below(&self, dir: &ServerDir, name: &CStr) {
        self.begun.forget_below(&dir.child(name));
    }

    fn make_dir(&self, dir: &ServerDir, name: &CStr) -> io::Result<()> {
        self.begun.make_dir(&dir.child(name))
    }

    fn link(&self, from: &ServerDir, from_name: &CStr, to: &ServerDir, name: &CStr) -> io::Result<()> {
        self.begun.link(&from.child(from_name), &to.child(name))
    }

    fn make_symlink(&self, target: &CStr, dir: &ServerDir, name: &CStr) -> io::Result<()> {
        self.begun.make_symlink(target.to_bytes(), &dir.child(name))
    }

    fn make_node(&self, _: &ServerDir, _: &CStr, _: Kind, _: u64) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "SFTP cannot make it"))
    }

    fn create(&self, dir: &ServerDir, name: &CStr) -> io::Result<Sending<'t>> {
        Ok(RefCell::new(self.client().writing(self.begun.create(&dir.child(name))?)))
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

    fn stamp_file(&mut self, file: Sending<'t>, stamps: &Stamps) -> Stamping {
        let mut writing = file.into_inner();
        let written = writing.take_under_way();
        let handle = writing.handle();
        let stamping = self.stamp(&stamps.metadata, |attributes| self.client().set_open(handle, attributes));
        // What closing could still say is that of a server that keeps nothing.
        drop(self.client().close(handle));
        Stamping { written, ..stamping }
    }

    fn stamp_name(&mut self, dir: &ServerDir, name: &CStr, stamps: &Stamps) -> Stamping {
        let path = dir.child(name);
        if !self.client().extensions().lsetstat {
            let error = io::Error::new(io::ErrorKind::Unsupported, "the server has no lsetstat@openssh.com");
            return Stamping::done(vec![Refused { operation: "set times", error }]);
        }
        self.stamp(&stamps.metadata, |attributes| self.client().set_link(&path, attributes))
    }

    fn stamp_dir(&mut self, dir: &ServerDir, stamps: &Stamps) -> io::Result<Stamping> {
        Ok(self.stamp(&stamps.metadata, |attributes| self.client().set(&dir.0, attributes)))
    }

    fn read_link(&self, dir: &ServerDir, name: &CStr) -> io::Result<CString> {
        Ok(CString::new(self.begun.read_link(&dir.child(name))?)?)
    }

    fn xattrs(&mut self, _: &ServerDir, _: &CStr) -> io::Result<Xattrs> {
        Ok(Xattrs::new())
    }

    fn look(&self, dir: &ServerDir, name: &CStr) -> io::Result<Option<Metadata>> {
        if let Some(found) = self.begun.told(&dir.0, name.to_bytes()) {
            return Ok(found);
        }
        let path = dir.child(name);
        match self.client().persistently(|| self.client().lstat(&path).wait()) {
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
