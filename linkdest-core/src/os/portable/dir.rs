//! A directory that was opened: its path, and which inode that led to.

#![expect(clippy::disallowed_methods, reason = "calls by path are what this backend is made of")]

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{File, file_time, system};
use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::os::calls::{Call, pass};
use crate::os::native::OsStrExt as _;
use crate::os::{Listing, errno};

/// A directory that was opened.
#[derive(Debug)]
pub(crate) struct Dir {
    /// Absolute and without symlinks when it was opened.
    path: PathBuf,
    id: FileId,
}

/// The error for a path that leads elsewhere by now, or nowhere.
fn replaced() -> io::Error {
    io::Error::new(
        io::ErrorKind::StaleNetworkFileHandle,
        "a directory was moved, removed or replaced meanwhile",
    )
}

/// Which directory a path leads to, not through a symlink in its place.
fn directory_id(path: &Path) -> io::Result<FileId> {
    let stat = system::stat(path)?;
    if stat.kind == Kind::Directory { Ok(stat.id) } else { Err(errno::not_a_directory()) }
}

impl Dir {
    /// Opens a path that the operator gave: the one place where symlinks are followed.
    pub fn open_operator_path(path: &Path) -> io::Result<Self> {
        let path = pass(Call::Open, b"", || fs::canonicalize(path))?;
        let id = directory_id(&path)?;
        let dir = Self { path, id };
        dir.can_be_listed(b"")?;
        Ok(dir)
    }

    /// Makes the directory that the operator named, private to its owner.
    pub fn make_operator_path(path: &Path) -> io::Result<()> {
        pass(Call::MakeDir, b"", || system::make_dir(path))
    }

    /// Removes an empty directory that the operator named.
    pub fn remove_operator_path(path: &Path) -> io::Result<()> {
        pass(Call::Unlink, b"", || fs::remove_dir(path))
    }

    fn can_be_listed(&self, name: &[u8]) -> io::Result<()> {
        pass(Call::Open, name, || fs::read_dir(&self.path)).map(drop)
    }

    /// Opens a sub-directory for reading.
    pub fn open_dir(&self, name: &CStr) -> io::Result<Self> {
        let dir = self.open_dir_search(name)?;
        dir.can_be_listed(name.to_bytes())?;
        Ok(dir)
    }

    /// Opens a sub-directory only to reach what is in it: needs search permission alone.
    pub fn open_dir_search(&self, name: &CStr) -> io::Result<Self> {
        let path = self.path_of(name)?;
        let id = self.still_here(pass(Call::Open, name.to_bytes(), || directory_id(&path)))?;
        Ok(Self { path, id })
    }

    /// Opens the parent, only to reach what is in it. Whoever asks checks that it is the right one.
    pub fn open_parent_search(&self) -> io::Result<Self> {
        self.open_dir_search(c"..")
    }

    /// The path that a name in this directory has.
    fn path_of(&self, name: &CStr) -> io::Result<PathBuf> {
        Ok(match name.to_bytes() {
            b"." => self.path.clone(),
            b".." => self.path.parent().unwrap_or(&self.path).to_owned(),
            bytes => self.path.join(system::component(bytes)?),
        })
    }

    /// The path that a name has, to look at it, after looking that this is still the directory that was opened. Where
    /// the path of that leads nowhere, nothing in it is there either: a directory that was moved cannot be told from one
    /// that was removed.
    fn at(&self, name: &CStr) -> io::Result<PathBuf> {
        self.stat()?;
        self.path_of(name)
    }

    /// The path that a name has, to change something there. That the directory is gone does not say that this was done.
    fn place(&self, name: &CStr) -> io::Result<PathBuf> {
        self.check()?;
        self.path_of(name)
    }

    fn check(&self) -> io::Result<()> {
        self.stat().map(drop).map_err(|error| if errno::is_absent(&error) { replaced() } else { error })
    }

    /// What a call found by path, if this is still the directory that was opened: in another one neither that there is
    /// something of a name nor that there is nothing says anything.
    fn still_here<T>(&self, found: io::Result<T>) -> io::Result<T> {
        if found.as_ref().err().is_none_or(errno::is_absent) {
            self.stat()?;
        }
        found
    }

    /// Opens a file for reading. What it is must be looked at afterwards.
    pub fn open_file(&self, name: &CStr) -> io::Result<File> {
        let path = self.path_of(name)?;
        self.still_here(pass(Call::Open, name.to_bytes(), || system::open_file(&path))).map(File)
    }

    /// Makes a file that nobody else may open, for writing and reading back; an existing name is an error.
    pub fn create_file(&self, name: &CStr) -> io::Result<File> {
        let path = self.place(name)?;
        let mut options = system::narrow_file();
        options.create_new(true);
        pass(Call::Create, name.to_bytes(), || options.open(&path)).map(File)
    }

    /// Opens a file of our own records for writing, making it if need be.
    pub fn open_or_create_file(&self, name: &CStr) -> io::Result<File> {
        let path = self.place(name)?;
        let mut options = system::narrow_file();
        options.create(true);
        pass(Call::Create, name.to_bytes(), || options.open(&path)).map(File)
    }

    /// Makes a file for writing and reading back that has no name once it is open: nothing of it can stay behind.
    pub fn create_nameless(&self, _: &CStr) -> io::Result<File> {
        self.check()?;
        pass(Call::Create, b"", || tempfile::tempfile_in(&self.path)).map(File)
    }

    pub fn stat(&self) -> io::Result<Metadata> {
        let stat = pass(Call::Stat, b"", || system::stat(&self.path))?;
        if stat.id == self.id && stat.kind == Kind::Directory { Ok(stat) } else { Err(replaced()) }
    }

    pub fn stat_at(&self, name: &CStr) -> io::Result<Metadata> {
        let path = self.at(name)?;
        pass(Call::Stat, name.to_bytes(), || system::stat(&path))
    }

    /// Looks at a name; `None` if there is nothing of that name.
    pub fn stat_if_there(&self, name: &CStr) -> io::Result<Option<Metadata>> {
        let path = self.place(name)?;
        match pass(Call::Stat, name.to_bytes(), || system::stat(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// Reads all names into `listing`. What was read before an error stays there.
    pub fn list(&self, listing: &mut Listing) -> io::Result<()> {
        listing.clear();
        pass(Call::List, b"", || io::Result::Ok(()))?;
        let walk =
            walkdir::WalkDir::new(&self.path).follow_root_links(false).min_depth(1).max_depth(1).into_iter();
        for entry in walk {
            let entry = entry
                .map_err(|error| error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into()))?;
            let name = CString::new(entry.file_name().as_bytes())?;
            listing.push(&name, system::kind(entry.file_type()))?;
        }
        self.stat().map(drop)
    }

    /// Makes a sub-directory that nobody else may enter.
    pub fn make_dir(&self, name: &CStr) -> io::Result<()> {
        let path = self.place(name)?;
        pass(Call::MakeDir, name.to_bytes(), || system::make_dir(&path))
    }

    /// Gives the inode of `name` here one more name in `to`, symlinks themselves included.
    pub fn link(&self, name: &CStr, to: &Self, to_name: &CStr) -> io::Result<()> {
        let (from, path) = (self.place(name)?, to.place(to_name)?);
        pass(Call::Link, to_name.to_bytes(), || system::link(&from, &path))
    }

    pub fn make_symlink(&self, target: &CStr, name: &CStr) -> io::Result<()> {
        let path = self.place(name)?;
        pass(Call::Symlink, name.to_bytes(), || system::make_symlink(target.to_bytes(), &path))
    }

    pub fn read_link(&self, name: &CStr) -> io::Result<CString> {
        let path = self.at(name)?;
        let target = pass(Call::ReadLink, name.to_bytes(), || fs::read_link(&path))?;
        Ok(CString::new(target.as_os_str().as_bytes())?)
    }

    /// Makes a FIFO, socket or device node that nobody else may open.
    pub fn make_node(&self, name: &CStr, kind: Kind, device: u64) -> io::Result<()> {
        let path = self.place(name)?;
        pass(Call::MakeNode, name.to_bytes(), || system::make_node(&path, kind, device))
    }

    pub fn unlink(&self, name: &CStr) -> io::Result<()> {
        let path = self.place(name)?;
        pass(Call::Unlink, name.to_bytes(), || system::remove_name(&path))
    }

    pub fn remove_dir(&self, name: &CStr) -> io::Result<()> {
        let path = self.place(name)?;
        pass(Call::Unlink, name.to_bytes(), || fs::remove_dir(&path))
    }

    /// Renames, replacing what has the new name.
    pub fn rename(&self, name: &CStr, to: &Self, to_name: &CStr) -> io::Result<()> {
        let (from, path) = (self.place(name)?, to.place(to_name)?);
        pass(Call::Rename, to_name.to_bytes(), || fs::rename(&from, &path))
    }

    /// Renames; an existing new name is an error. No portable call does that in one step: the repository's lock, or a
    /// name that nobody else has, makes looking first as good.
    pub fn rename_new(&self, name: &CStr, to: &Self, to_name: &CStr) -> io::Result<()> {
        match to.stat_if_there(to_name)? {
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            None => self.rename(name, to, to_name),
        }
    }

    pub fn set_owner_at(&self, name: &CStr, uid: u32, gid: u32) -> io::Result<()> {
        let path = self.place(name)?;
        pass(Call::SetOwner, name.to_bytes(), || system::set_owner(&path, uid, gid))
    }

    /// Sets the mode of an entry that is not opened, and no symlink.
    pub fn set_mode_at(&self, name: &CStr, mode: u32) -> io::Result<()> {
        let path = self.place(name)?;
        if system::stat(&path)?.kind == Kind::Symlink {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        pass(Call::SetMode, name.to_bytes(), || system::set_mode(&path, mode))
    }

    pub fn set_mtime_at(&self, name: &CStr, mtime: Timestamp) -> io::Result<()> {
        let path = self.place(name)?;
        pass(Call::SetTimes, name.to_bytes(), || {
            // The access time stays as it is.
            let accessed = filetime::FileTime::from_last_access_time(&fs::symlink_metadata(&path)?);
            filetime::set_symlink_file_times(&path, accessed, file_time(mtime))
        })
    }

    pub fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        self.set_owner_at(c".", uid, gid)
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.set_mode_at(c".", mode)
    }

    /// Sets the mode of a directory that is open for searching only.
    pub fn set_mode_search(&self, mode: u32) -> io::Result<()> {
        self.set_mode(mode)
    }

    pub fn set_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        self.set_mtime_at(c".", mtime)
    }

    /// Waits until everything written to this file system is on disk, as far as the system has a call for that.
    pub fn sync_file_system(&self) -> io::Result<()> {
        self.check()?;
        pass(Call::SyncFs, b"", || system::sync_file_system(&self.path))
    }

    pub fn sync(&self) -> io::Result<()> {
        self.check()?;
        pass(Call::Sync, b"", || system::sync_dir(&self.path))
    }

    /// The bytes that this user may still write to the file system.
    pub fn available(&self) -> io::Result<u64> {
        self.space().map(|(_, available)| available)
    }

    /// The bytes that the file system has, and those that this user may still write to it.
    pub fn space(&self) -> io::Result<(u64, u64)> {
        pass(Call::StatFs, b"", || system::space(&self.path))
    }

    /// Whether programs on the file system get no rights by their setuid and setgid bits.
    pub fn is_nosuid(&self) -> io::Result<bool> {
        pass(Call::StatFs, b"", || system::is_nosuid(&self.path))
    }

    /// The file system that the directory is on: its type, and what tells it from others of that type.
    pub fn file_system(&self) -> io::Result<(String, String)> {
        pass(Call::StatFs, b"", || system::file_system(&self.path))
    }

    /// How the extended attributes of a name, or of the directory itself, are reached.
    #[cfg(target_os = "linux")]
    pub(in crate::os) fn xattr_reach<'a>(
        &'a self,
        name: Option<&'a CStr>,
        path: &'a mut Vec<u8>,
    ) -> io::Result<crate::os::XattrReach<'a>> {
        let name = name.unwrap_or(c".");
        path.clear();
        path.extend_from_slice(self.at(name)?.as_os_str().as_bytes());
        path.push(0);
        let path = CStr::from_bytes_with_nul(path).map_err(io::Error::other)?;
        Ok(crate::os::XattrReach::Path(path, name.to_bytes()))
    }
}
