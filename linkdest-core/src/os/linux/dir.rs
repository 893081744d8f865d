//! An open directory: a value that names are looked up in, one at a time.

use std::ffi::{CStr, CString};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RenameFlags, StatVfsMountFlags, Uid};
use rustix::io::Errno;

use super::{File, list, stat};
use crate::entry::{Kind, Metadata, Timestamp};
use crate::os::calls::{Call, pass};
use crate::os::errno::is_any;
use crate::os::{Listing, XattrReach, file_system_name};

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir(OwnedFd);

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A FIFO put in a file's place must not block, a terminal must not become ours.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC)
    .union(OFlags::RDONLY);
const NARROW_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

impl Dir {
    /// Opens a path that the operator gave: the one place where symlinks are followed.
    pub fn open_operator_path(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        pass(Call::Open, b"", || rustix::fs::open(path, flags, Mode::empty())).map(Self)
    }

    /// Makes the directory that the operator named, private to its owner.
    pub fn make_operator_path(path: &Path) -> io::Result<()> {
        pass(Call::MakeDir, b"", || rustix::fs::mkdir(path, Mode::RWXU))
    }

    /// Removes an empty directory that the operator named.
    pub fn remove_operator_path(path: &Path) -> io::Result<()> {
        pass(Call::Unlink, b"", || rustix::fs::rmdir(path))
    }

    /// Opens a sub-directory for reading.
    pub fn open_dir(&self, name: &CStr) -> io::Result<Self> {
        self.open(name, DIRECTORY | OFlags::RDONLY)
    }

    /// Opens a sub-directory only to reach what is in it: needs search permission alone.
    pub fn open_dir_search(&self, name: &CStr) -> io::Result<Self> {
        self.open(name, DIRECTORY | OFlags::PATH)
    }

    /// Opens the parent, only to reach what is in it. Whoever asks checks that it is the right one.
    pub fn open_parent_search(&self) -> io::Result<Self> {
        self.open_dir_search(c"..")
    }

    fn open(&self, name: &CStr, flags: OFlags) -> io::Result<Self> {
        pass(Call::Open, name.to_bytes(), || rustix::fs::openat(&self.0, name, flags, Mode::empty()))
            .map(Self)
    }

    /// Opens a file for reading. What it is must be looked at afterwards.
    pub fn open_file(&self, name: &CStr) -> io::Result<File> {
        pass(Call::Open, name.to_bytes(), || rustix::fs::openat(&self.0, name, FILE, Mode::empty())).map(File)
    }

    /// Makes a file that nobody else may open, for writing and reading back; an existing name is an error.
    pub fn create_file(&self, name: &CStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        pass(Call::Create, name.to_bytes(), || rustix::fs::openat(&self.0, name, flags, NARROW_FILE))
            .map(File)
    }

    /// Opens a file of our own records for writing, making it if need be.
    pub fn open_or_create_file(&self, name: &CStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        pass(Call::Create, name.to_bytes(), || rustix::fs::openat(&self.0, name, flags, NARROW_FILE))
            .map(File)
    }

    /// Makes a file for writing and reading back that has no name once it is open: nothing of it can stay behind.
    pub fn create_nameless(&self, name: &CStr) -> io::Result<File> {
        let file = self.open_or_create_file(name)?;
        self.unlink(name)?;
        Ok(file)
    }

    /// How the extended attributes of a name, or of the directory itself, are reached: they have no calls of the form
    /// (directory, name) before Linux 6.13, and the kernel's own links to open descriptors stand in.
    pub(in crate::os) fn xattr_reach<'a>(
        &'a self,
        name: Option<&'a CStr>,
        path: &'a mut Vec<u8>,
    ) -> io::Result<XattrReach<'a>> {
        path.clear();
        write!(path, "/proc/self/fd/{}", self.0.as_raw_fd())?;
        let Some(name) = name else {
            path.push(0);
            return Ok(XattrReach::Link(CStr::from_bytes_with_nul(path).map_err(io::Error::other)?));
        };
        path.push(b'/');
        path.extend_from_slice(name.to_bytes_with_nul());
        let path = CStr::from_bytes_with_nul(path).map_err(io::Error::other)?;
        Ok(XattrReach::Path(path, name.to_bytes()))
    }

    pub fn stat(&self) -> io::Result<Metadata> {
        stat::of(self.as_fd())
    }

    pub fn stat_at(&self, name: &CStr) -> io::Result<Metadata> {
        stat::at(self.as_fd(), name)
    }

    /// Looks at a name; `None` if there is nothing of that name.
    pub fn stat_if_there(&self, name: &CStr) -> io::Result<Option<Metadata>> {
        match self.stat_at(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// Reads all names into `listing`. What was read before an error stays there. A directory is listed once per
    /// opening: the kernel remembers where it got to.
    pub fn list(&self, listing: &mut Listing) -> io::Result<()> {
        list::read(self.as_fd(), listing)
    }

    /// Makes a sub-directory that nobody else may enter.
    pub fn make_dir(&self, name: &CStr) -> io::Result<()> {
        pass(Call::MakeDir, name.to_bytes(), || rustix::fs::mkdirat(&self.0, name, Mode::RWXU))
    }

    /// Gives the inode of `name` here one more name in `to`, symlinks themselves included.
    pub fn link(&self, name: &CStr, to: &Self, to_name: &CStr) -> io::Result<()> {
        pass(Call::Link, to_name.to_bytes(), || {
            rustix::fs::linkat(&self.0, name, &to.0, to_name, AtFlags::empty())
        })
    }

    pub fn make_symlink(&self, target: &CStr, name: &CStr) -> io::Result<()> {
        pass(Call::Symlink, name.to_bytes(), || rustix::fs::symlinkat(target, &self.0, name))
    }

    pub fn read_link(&self, name: &CStr) -> io::Result<CString> {
        pass(Call::ReadLink, name.to_bytes(), || {
            rustix::fs::readlinkat(&self.0, name, Vec::with_capacity(256))
        })
    }

    /// Makes a FIFO, socket or device node that nobody else may open.
    pub fn make_node(&self, name: &CStr, kind: Kind, device: u64) -> io::Result<()> {
        let kind = match kind {
            Kind::Fifo => FileType::Fifo,
            Kind::Socket => FileType::Socket,
            Kind::BlockDevice => FileType::BlockDevice,
            Kind::CharDevice => FileType::CharacterDevice,
            Kind::File | Kind::Directory | Kind::Symlink => return Err(io::ErrorKind::InvalidInput.into()),
        };
        pass(Call::MakeNode, name.to_bytes(), || {
            rustix::fs::mknodat(&self.0, name, kind, NARROW_FILE, device)
        })
    }

    pub fn unlink(&self, name: &CStr) -> io::Result<()> {
        pass(Call::Unlink, name.to_bytes(), || rustix::fs::unlinkat(&self.0, name, AtFlags::empty()))
    }

    pub fn remove_dir(&self, name: &CStr) -> io::Result<()> {
        pass(Call::Unlink, name.to_bytes(), || rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR))
    }

    /// Renames, replacing what has the new name.
    pub fn rename(&self, name: &CStr, to: &Self, to_name: &CStr) -> io::Result<()> {
        pass(Call::Rename, to_name.to_bytes(), || rustix::fs::renameat(&self.0, name, &to.0, to_name))
    }

    /// Renames; an existing new name is an error.
    pub fn rename_new(&self, name: &CStr, to: &Self, to_name: &CStr) -> io::Result<()> {
        let flags = RenameFlags::NOREPLACE;
        let renamed = pass(Call::Rename, to_name.to_bytes(), || {
            rustix::fs::renameat_with(&self.0, name, &to.0, to_name, flags)
        });
        match renamed {
            // The kernel or the file system does not know the flag. The repository's lock is held, so that
            // looking first is as good.
            Err(error) if is_any(&error, &[Errno::INVAL, Errno::NOSYS]) => match to.stat_if_there(to_name)? {
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
                None => self.rename(name, to, to_name),
            },
            renamed => renamed,
        }
    }

    pub fn set_owner_at(&self, name: &CStr, uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        pass(Call::SetOwner, name.to_bytes(), || rustix::fs::chownat(&self.0, name, uid, gid, flags))
    }

    /// Sets the mode of an entry that cannot be opened, through a descriptor that only stands for it.
    pub fn set_mode_at(&self, name: &CStr, mode: u32) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let entry =
            pass(Call::Open, name.to_bytes(), || rustix::fs::openat(&self.0, name, flags, Mode::empty()))?;
        // A symlink has no mode, and the path below would lead through it.
        if stat::of(entry.as_fd())?.kind == Kind::Symlink {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let path = proc_path(entry.as_fd());
        pass(Call::SetMode, name.to_bytes(), || rustix::fs::chmod(&*path, Mode::from_raw_mode(mode)))
    }

    pub fn set_mtime_at(&self, name: &CStr, mtime: Timestamp) -> io::Result<()> {
        let (times, flags) = (super::file::only_mtime(mtime), AtFlags::SYMLINK_NOFOLLOW);
        pass(Call::SetTimes, name.to_bytes(), || rustix::fs::utimensat(&self.0, name, &times, flags))
    }

    pub fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        pass(Call::SetOwner, b"", || rustix::fs::fchown(&self.0, uid, gid))
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        pass(Call::SetMode, b"", || rustix::fs::fchmod(&self.0, Mode::from_raw_mode(mode)))
    }

    /// Sets the mode of a directory that is open for searching only.
    pub fn set_mode_search(&self, mode: u32) -> io::Result<()> {
        let path = proc_path(self.as_fd());
        pass(Call::SetMode, b"", || rustix::fs::chmod(&*path, Mode::from_raw_mode(mode)))
    }

    pub fn set_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        pass(Call::SetTimes, b"", || rustix::fs::futimens(&self.0, &super::file::only_mtime(mtime)))
    }

    /// Waits until everything written to this file system is on disk, and reports what failed since it was opened.
    pub fn sync_file_system(&self) -> io::Result<()> {
        pass(Call::SyncFs, b"", || rustix::fs::syncfs(&self.0))
    }

    pub fn sync(&self) -> io::Result<()> {
        pass(Call::Sync, b"", || rustix::fs::fsync(&self.0))
    }

    /// The bytes that this user may still write to the file system.
    pub fn available(&self) -> io::Result<u64> {
        self.space().map(|(_, available)| available)
    }

    /// The bytes that the file system has, and those that this user may still write to it.
    pub fn space(&self) -> io::Result<(u64, u64)> {
        let stat = pass(Call::StatFs, b"", || rustix::fs::fstatvfs(&self.0))?;
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Ok((bytes(stat.f_blocks), bytes(stat.f_bavail)))
    }

    /// Whether programs on the file system get no rights by their setuid and setgid bits.
    pub fn is_nosuid(&self) -> io::Result<bool> {
        let stat = pass(Call::StatFs, b"", || rustix::fs::fstatvfs(&self.0))?;
        Ok(stat.f_flag.contains(StatVfsMountFlags::NOSUID))
    }

    /// The file system that the directory is on: its type, and what tells it from others of that type, the same after
    /// a restart (ext4, btrfs and tmpfs derive it from their UUID).
    pub fn file_system(&self) -> io::Result<(String, String)> {
        let kind = pass(Call::StatFs, b"", || rustix::fs::fstatfs(&self.0))?.f_type;
        let id = pass(Call::StatFs, b"", || rustix::fs::fstatvfs(&self.0))?.f_fsid;
        // FUSE and some network file systems tell nothing.
        if id == 0 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok((file_system_name(kind & 0xffff_ffff), format!("{id:016x}")))
    }
}

fn proc_path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
