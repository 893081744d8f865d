//! Reading the tree that is backed up.
//!
//! The pipeline sees this contract alone: directories are opaque handles, and stats and contents are asked for as
//! batches of names of one directory that may be answered in any order, so that a source at the far end of a network
//! can have many requests on their way at once.

mod local;
mod sftp;

pub(crate) use local::{LocalSource, read_rule_file, read_xattrs};
pub(crate) use sftp::SftpSource;

use std::ffi::{CStr, CString};
use std::io;

use crate::entry::{FileId, Metadata};
use crate::manifest::FileSystemId;
use crate::os::{Listing, XattrBuffer, Xattrs};
use crate::policy::attributes::Reach;

/// A directory of the source, opened.
pub(crate) struct Opened<D> {
    /// The handle that names in it are asked for by.
    pub dir: D,
    /// What the directory is, asked of the handle itself.
    pub metadata: Metadata,
    /// Why it cannot be listed, where it can only be looked at.
    pub unlistable: Option<io::Error>,
}

/// Extended attributes as far as a run can store them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownXattrs {
    /// Those that are kept on disk, sorted by name.
    pub kept: Xattrs,
    /// Those that cannot be set here, as far as they can be read: the manifest keeps them.
    pub beyond: Xattrs,
    /// The kinds of those that cannot be set here.
    pub out_of_reach: Vec<&'static str>,
}

impl KnownXattrs {
    /// All of them, for the manifest.
    pub fn all(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.kept.iter().chain(&self.beyond).map(|(name, value)| (name.to_bytes(), value.as_slice()))
    }
}

/// A rule file in a directory of the source: hostile input.
pub(crate) enum RuleFile {
    Absent,
    Content(Vec<u8>),
    /// It is not read, for this reason.
    Refused(&'static str),
}

/// A tree that can be read.
pub(crate) trait Source: Sync {
    /// A directory; dropping it closes it.
    type Dir: Send + Sync;
    /// A file that is being read.
    type File: SourceFile;

    /// Says whether the tree is on this machine.
    fn is_here(&self) -> bool {
        true
    }

    /// How many threads suit it, where that is not the number of cores.
    fn threads(&self) -> Option<usize> {
        None
    }

    /// By how many seconds the clock that its times are of may be slow, where that is known.
    fn lag(&self) -> Option<i64> {
        None
    }

    /// What is to be said of how it was read, once.
    fn remark(&self) -> Option<&'static str> {
        None
    }

    /// What of that which a run can store this source can tell.
    fn limit(&self, reach: Reach) -> Reach {
        reach
    }

    /// Opens the root.
    fn open_root(&self) -> io::Result<Opened<Self::Dir>>;

    /// Opens a sub-directory by name, never through a symlink.
    fn open_dir(&self, parent: &Self::Dir, name: &CStr) -> io::Result<Opened<Self::Dir>>;

    /// Opens the root in order to look at names in it: it is not listed.
    fn enter_root(&self) -> io::Result<Self::Dir> {
        self.open_root().map(|opened| opened.dir)
    }

    /// Opens a sub-directory in order to look at names in it: it is not listed.
    fn enter_dir(&self, parent: &Self::Dir, name: &CStr) -> io::Result<Self::Dir> {
        self.open_dir(parent, name).map(|opened| opened.dir)
    }

    /// Opens the parent of an open directory again, if it is still the one with that identity.
    fn reopen_parent(&self, child: &Self::Dir, id: FileId) -> io::Result<Self::Dir>;

    /// Opens a sub-directory again, if it is still the one with that identity.
    fn reopen(&self, parent: &Self::Dir, name: &CStr, id: FileId) -> io::Result<Self::Dir>;

    /// Tells which file system a directory is on, the same after a restart.
    fn file_system(&self, dir: &Self::Dir) -> io::Result<FileSystemId>;

    /// Lists a directory. What was read before an error stays in the listing.
    fn list(&self, dir: &Self::Dir, listing: &mut Listing) -> io::Result<()>;

    /// Says whether a directory that was opened just now has nothing in it.
    fn is_empty(&self, dir: &Self::Dir) -> io::Result<bool> {
        let mut listing = Listing::default();
        self.list(dir, &mut listing).map(|()| listing.entries().is_empty())
    }

    /// Looks at many names of one directory; each is answered once, in any order, by its index.
    fn stat(&self, dir: &Self::Dir, names: &[&CStr], answer: &mut dyn FnMut(usize, io::Result<Metadata>));

    /// Opens many regular files of one directory for reading; each is answered once, in any order, by its index.
    ///
    /// Each comes with what it was looked at as, and is answered with what it was before anything was read of it. A file
    /// that is no longer that inode is an error of kind `StaleNetworkFileHandle`.
    fn contents(
        &self,
        dir: &Self::Dir,
        wanted: &[(&CStr, &Metadata)],
        answer: &mut dyn FnMut(usize, io::Result<(Self::File, Metadata)>),
    );

    /// Reads a small regular file, never through a symlink.
    fn rule_file(&self, dir: &Self::Dir, name: &CStr) -> io::Result<RuleFile>;

    /// Reads the target of a symlink.
    fn target(&self, dir: &Self::Dir, name: &CStr) -> io::Result<CString>;

    /// Reads the extended attributes of a name, or of the directory itself.
    fn xattrs(
        &self,
        dir: &Self::Dir,
        name: Option<&CStr>,
        reach: &Reach,
        buffer: &mut XattrBuffer,
    ) -> io::Result<KnownXattrs>;
}

/// A file of a source that is being read.
pub(crate) trait SourceFile {
    /// What the open file is now.
    fn stat(&self) -> io::Result<Metadata>;

    /// Its extended attributes.
    fn xattrs(&self, reach: &Reach, buffer: &mut XattrBuffer) -> io::Result<KnownXattrs>;

    /// The file as the kernel knows it, for clones and holes; `None` where it is somewhere else.
    fn local(&self) -> Option<&crate::os::File>;

    /// Reads at `offset` until the buffer is full or the file ends; returns the bytes read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}
