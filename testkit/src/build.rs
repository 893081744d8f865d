//! Trees made from a table of entries.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};

use crate::attributes::Attributes;
use crate::difference::escaped;
use crate::entry::{DEFAULT_TIME, Entry, EntryKind};

/// Something that a file system would not take.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The path below the root.
    pub path: Vec<u8>,
    /// What was wanted.
    pub feature: String,
    /// The error, or what came of it instead.
    pub error: String,
}

// Failed assertions show this, and a path in numbers helps nobody.
impl fmt::Debug for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", escaped(&self.path), self.feature, self.error)
    }
}

/// Makes all entries below `root`, and `root` itself if need be; returns what was refused.
///
/// Attributes are set when everything exists, children first, so directories get the times and
/// permissions they are to have, and the root the same time always. Two builds are equal.
///
/// # Panics
///
/// If `root` cannot be made or opened.
#[must_use]
pub fn build(root: &Path, entries: &[Entry]) -> Vec<Refusal> {
    if !root.exists() {
        rustix::fs::mkdir(root, Mode::from_raw_mode(0o755)).expect("the root can be made");
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(root, flags, Mode::empty()).expect("the root can be opened");
    let mut build = Build { root: directory, refusals: Vec::new() };
    let mut absent = BTreeSet::new();
    for entry in entries {
        if let Err(error) = build.make(entry) {
            build.refuse(entry, kind_text(&entry.kind), &error);
            absent.insert(&entry.path);
        }
    }
    for entry in entries.iter().rev().filter(|entry| !absent.contains(&entry.path)) {
        if !matches!(entry.kind, EntryKind::HardLink(_)) {
            build.set_attributes(entry);
        }
    }
    rustix::fs::futimens(&build.root, &timestamps(DEFAULT_TIME)).expect("the time of the root can be set");
    build.refusals
}

struct Build {
    root: OwnedFd,
    refusals: Vec<Refusal>,
}

impl Build {
    fn refuse(&mut self, entry: &Entry, feature: impl Into<String>, error: &dyn fmt::Display) {
        let refusal = Refusal { path: entry.path.clone(), feature: feature.into(), error: error.to_string() };
        self.refusals.push(refusal);
    }

    /// Opens the directory an entry lies in and returns it with the entry's own name.
    fn parent_of<'a>(&self, path: &'a [u8]) -> io::Result<(OwnedFd, &'a [u8])> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at = rustix::io::fcntl_dupfd_cloexec(&self.root, 0)?;
        let mut rest = path;
        while let Some(slash) = rest.iter().position(|&byte| byte == b'/') {
            at = rustix::fs::openat(&at, &rest[..slash], flags, Mode::empty())?;
            rest = &rest[slash + 1..];
        }
        Ok((at, rest))
    }

    fn make(&self, entry: &Entry) -> io::Result<()> {
        let (parent, name) = self.parent_of(&entry.path)?;
        let node = |kind, device| {
            rustix::fs::mknodat(&parent, name, kind, Mode::from_raw_mode(0o600), device)
                .map_err(io::Error::from)
        };
        match &entry.kind {
            EntryKind::Directory => Ok(rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o700))?),
            EntryKind::File(bytes) => make_file(&parent, name, |file| (&*file).write_all(bytes)),
            EntryKind::Sparse(size, pieces) => make_file(&parent, name, |file| {
                file.set_len(*size)?;
                pieces.iter().try_for_each(|(offset, bytes)| file.write_all_at(bytes, *offset))
            }),
            EntryKind::Symlink(target) => Ok(rustix::fs::symlinkat(target.as_slice(), &parent, name)?),
            EntryKind::Fifo => node(FileType::Fifo, 0),
            // The socket is closed again; its name stays.
            EntryKind::Socket => UnixListener::bind(proc_path(&parent, name)).map(drop),
            EntryKind::CharacterDevice(major, minor) => {
                node(FileType::CharacterDevice, rustix::fs::makedev(*major, *minor))
            }
            EntryKind::BlockDevice(major, minor) => {
                node(FileType::BlockDevice, rustix::fs::makedev(*major, *minor))
            }
            EntryKind::HardLink(existing) => {
                let (from, old_name) = self.parent_of(existing)?;
                Ok(rustix::fs::linkat(&from, old_name, &parent, name, AtFlags::empty())?)
            }
        }
    }

    /// Sets owner, extended attributes, mode and time: each may undo the ones after it.
    fn set_attributes(&mut self, entry: &Entry) {
        let (parent, name) = match self.parent_of(&entry.path) {
            Ok(found) => found,
            Err(error) => return self.refuse(entry, "attributes", &error),
        };
        let nofollow = AtFlags::SYMLINK_NOFOLLOW;
        if let Some((user, group)) = entry.owner {
            let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
            if let Err(error) = rustix::fs::chownat(&parent, name, user, group, nofollow) {
                self.refuse(entry, "owner", &error);
            }
        }
        for (xattr, value) in &entry.xattrs {
            let path = proc_path(&parent, name);
            if let Err(error) = rustix::fs::lsetxattr(path, xattr.as_slice(), value, XattrFlags::empty()) {
                self.refuse(entry, format!("xattr {}", escaped(xattr)), &error);
            }
        }
        if !matches!(entry.kind, EntryKind::Symlink(_)) {
            let mode = Mode::from_raw_mode(entry.mode);
            if let Err(error) = rustix::fs::chmodat(&parent, name, mode, AtFlags::empty()) {
                self.refuse(entry, "mode", &error);
            }
        }
        if let Err(error) = rustix::fs::utimensat(&parent, name, &timestamps(entry.mtime), nofollow) {
            self.refuse(entry, "time", &error);
        }
        self.check(entry, &parent, name);
    }

    /// Tells what the file system took without an error and yet did not keep.
    fn check(&mut self, entry: &Entry, parent: &OwnedFd, name: &[u8]) {
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
        let stat = match stat.map(Attributes::from) {
            Ok(stat) => stat,
            Err(error) => return self.refuse(entry, "attributes", &error),
        };
        if stat.mode != entry.mode && stat.kind != FileType::Symlink {
            self.refuse(entry, format!("mode {:04o}", entry.mode), &format!("became {:04o}", stat.mode));
        }
        if stat.mtime != entry.mtime {
            self.refuse(entry, format!("time {:?}", entry.mtime), &format!("became {:?}", stat.mtime));
        }
        let owner = (stat.uid, stat.gid);
        if entry.owner.is_some_and(|wanted| wanted != owner) {
            self.refuse(entry, format!("owner {:?}", entry.owner), &format!("became {owner:?}"));
        }
    }
}

/// Makes a file and fills it; what cannot be filled is removed again.
fn make_file(parent: &OwnedFd, name: &[u8], fill: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o600))?);
    fill(&file).inspect_err(|_| {
        let _ = rustix::fs::unlinkat(parent, name, AtFlags::empty());
    })
}

fn proc_path(parent: impl AsFd, name: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let directory = PathBuf::from(format!("/proc/self/fd/{}", parent.as_fd().as_raw_fd()));
    directory.join(std::ffi::OsStr::from_bytes(name))
}

/// Returns both times of an entry, set to one value.
pub(crate) fn timestamps((seconds, nanoseconds): (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
    Timestamps { last_access: time, last_modification: time }
}

fn kind_text(kind: &EntryKind) -> String {
    let text = match kind {
        EntryKind::Directory => "a directory",
        EntryKind::File(_) => "a file",
        EntryKind::Sparse(..) => "a file with holes",
        EntryKind::Symlink(_) => "a symlink",
        EntryKind::Fifo => "a FIFO",
        EntryKind::Socket => "a socket",
        EntryKind::CharacterDevice(..) => "a character device",
        EntryKind::BlockDevice(..) => "a block device",
        EntryKind::HardLink(_) => "a hard link",
    };
    text.to_owned()
}
