//! Where a snapshot is restored from: a repository of this machine, or one on a server.

use std::ffi::{CStr, CString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::abroad::{RemoteFile, RemoteRepository, ServerDir, metadata_of};
use crate::entry::{FileId, Metadata};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Manifest;
use crate::monitor::Monitor;
use crate::os::{Dir, File, Listing, XattrBuffer, errno};
use crate::path::RelPath;
use crate::policy::attributes::Reach;
use crate::repository::{Repository, Snapshot, SnapshotName};
use crate::sftp::Client;
use crate::source::{KnownXattrs, SourceFile};

/// So many files are read from a server at once, where nothing else was asked for.
const THREADS: usize = 16;

/// The repository that is restored from.
#[derive(Debug, Clone, Copy)]
pub(super) enum From<'r> {
    Here(&'r Repository),
    There(&'r RemoteRepository),
}

impl From<'_> {
    pub fn path(&self) -> &Path {
        match self {
            Self::Here(repository) => repository.path(),
            Self::There(repository) => repository.address(),
        }
    }

    /// Tells what was odd about it.
    pub fn tell_odd(&self, monitor: &dyn Monitor) {
        if let Self::There(repository) = self {
            repository.tell_revival(monitor);
        }
    }

    /// How many threads suit it, where that is not the number of cores.
    pub fn threads(&self) -> Option<usize> {
        matches!(self, Self::There(_)).then_some(THREADS)
    }

    /// The inode that nothing is restored into; `None` if it is not on this machine.
    pub fn own_inode(&self) -> Result<Option<FileId>> {
        match self {
            Self::Here(repository) => {
                let stat = repository.root.stat();
                stat.map(|stat| Some(stat.id)).map_err(|error| Error::io("open", repository.path(), error))
            }
            Self::There(_) => Ok(None),
        }
    }

    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        match self {
            Self::Here(repository) => repository.snapshots(),
            Self::There(repository) => repository.snapshots(),
        }
    }

    pub fn tree_path(&self, name: &SnapshotName) -> PathBuf {
        match self {
            Self::Here(repository) => repository.tree_path(name),
            Self::There(repository) => repository.address().join(name.as_str()),
        }
    }

    pub fn manifest_path(&self, name: &SnapshotName) -> PathBuf {
        match self {
            Self::Here(repository) => repository.manifest_path(name),
            Self::There(repository) => repository.manifest_path(name),
        }
    }

    /// The manifest. Without it nothing is restored from a server: the tree does not tell enough there.
    pub fn manifest(&self, name: &SnapshotName) -> Result<Option<Manifest>> {
        match self {
            Self::Here(repository) => repository.manifest(name),
            Self::There(repository) => match repository.manifest(name)? {
                Some(manifest) => Ok(Some(manifest)),
                None => {
                    let message =
                        "the snapshot has no manifest; `reindex` makes one, where the repository lies";
                    Err(Error::new(ErrorKind::MissingManifest, self.manifest_path(name), message))
                }
            },
        }
    }

    /// Whether the tree stands in for a manifest that is damaged.
    pub fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }

    pub fn open_tree(&self, name: &SnapshotName) -> io::Result<SavedDir> {
        match self {
            Self::Here(repository) => repository.open_tree(name).map(SavedDir::Here),
            Self::There(repository) => {
                let all = repository.snapshots().map_err(io::Error::from)?;
                let found = all.iter().find(|one| one.name() == name).ok_or(io::ErrorKind::NotFound)?;
                Ok(SavedDir::There(Arc::clone(&repository.client), repository.tree_of(found)))
            }
        }
    }

    pub fn no_such_path(&self, name: &SnapshotName, path: &RelPath) -> Error {
        match self {
            Self::Here(repository) => repository.no_such_path(name, path),
            Self::There(repository) => {
                let place = repository.address().join(name.as_str());
                Error::new(ErrorKind::NoSuchPath, place, format!("the snapshot has no {path}"))
            }
        }
    }
}

/// A directory of a snapshot.
pub(super) enum SavedDir {
    Here(Dir),
    There(Arc<Client>, ServerDir),
}

/// A file of a snapshot.
pub(super) enum SavedFile {
    Here(File),
    There(Box<RemoteFile>),
}

impl SavedDir {
    pub fn open_dir_search(&self, name: &CStr) -> io::Result<Self> {
        match self {
            Self::Here(dir) => dir.open_dir_search(name).map(Self::Here),
            Self::There(client, dir) => Ok(Self::There(Arc::clone(client), ServerDir(dir.child(name)))),
        }
    }

    pub fn open_file(&self, name: &CStr) -> io::Result<SavedFile> {
        match self {
            Self::Here(dir) => dir.open_file(name).map(SavedFile::Here),
            Self::There(client, dir) => {
                RemoteFile::open(client, dir.child(name)).map(|(file, _)| SavedFile::There(Box::new(file)))
            }
        }
    }

    pub fn stat_at(&self, name: &CStr) -> io::Result<Metadata> {
        match self {
            Self::Here(dir) => dir.stat_at(name),
            Self::There(client, dir) => {
                let path = dir.child(name);
                let told = client.persistently(|| client.lstat(&path).wait())?;
                metadata_of(&told).ok_or_else(|| io::ErrorKind::Unsupported.into())
            }
        }
    }

    pub fn stat_if_there(&self, name: &CStr) -> io::Result<Option<Metadata>> {
        match self {
            Self::Here(dir) => dir.stat_if_there(name),
            Self::There(..) => match self.stat_at(name) {
                Err(error) if errno::is_absent(&error) => Ok(None),
                found => found.map(Some),
            },
        }
    }

    pub fn read_link(&self, name: &CStr) -> io::Result<CString> {
        match self {
            Self::Here(dir) => dir.read_link(name),
            Self::There(client, dir) => {
                let path = dir.child(name);
                Ok(CString::new(client.persistently(|| client.read_link(&path).wait())?)?)
            }
        }
    }

    pub fn list(&self, listing: &mut Listing) -> io::Result<()> {
        self.here()?.open_dir(c".")?.list(listing)
    }

    /// The directory, if it is on this machine: a server does not tell everything.
    pub fn here(&self) -> io::Result<&Dir> {
        match self {
            Self::Here(dir) => Ok(dir),
            Self::There(..) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "this cannot be read from a server"))
            }
        }
    }
}

impl SourceFile for SavedFile {
    fn stat(&self) -> io::Result<Metadata> {
        match self {
            Self::Here(file) => file.stat(),
            Self::There(file) => file.stat(),
        }
    }

    fn xattrs(&self, reach: &Reach, buffer: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        match self {
            Self::Here(file) => SourceFile::xattrs(file, reach, buffer),
            Self::There(file) => file.xattrs(reach, buffer),
        }
    }

    fn local(&self) -> Option<&File> {
        match self {
            Self::Here(file) => Some(file),
            Self::There(_) => None,
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Self::Here(file) => file.read_at(buffer, offset),
            Self::There(file) => file.read_at(buffer, offset),
        }
    }
}
