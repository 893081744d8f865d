//! Removal of trees of any depth.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode};
use rustix::io::Errno;

use crate::descent::Descent;
use crate::difference::escaped;

/// What the owner of a directory needs to empty it.
const ALL_FOR_OWNER: u32 = 0o700;

/// Removes a tree of any depth, or a single entry; a symlink is not followed.
///
/// Directories that forbid it are given the permissions first. It goes on after an error.
///
/// # Errors
///
/// Returns the first error, with the path it concerns.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let stat = rustix::fs::lstat(path)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(rustix::fs::unlink(path)?);
    }
    open_up(rustix::fs::CWD, path)?;
    let mut removal = Removal { at: Descent::open(path)?, pending: Vec::new(), first_error: None };
    removal.empty();
    let removed = rustix::fs::rmdir(path);
    match removal.first_error {
        Some(error) => Err(error),
        None => Ok(removed?),
    }
}

struct Removal {
    at: Descent,
    /// For each directory from the root to here, the sub-directories yet to be removed.
    pending: Vec<Vec<Vec<u8>>>,
    first_error: Option<io::Error>,
}

impl Removal {
    fn empty(&mut self) {
        self.visit_directory();
        while let Some(names) = self.pending.last_mut() {
            match names.pop() {
                Some(name) => self.descend(&name),
                None => {
                    self.pending.pop();
                    if !self.pending.is_empty() && !self.ascend() {
                        return;
                    }
                }
            }
        }
    }

    fn descend(&mut self, name: &[u8]) {
        let entered = open_up(self.at.here(), name).and_then(|()| self.at.enter(name));
        match entered {
            Ok(()) => self.visit_directory(),
            Err(error) => self.keep(name, &error),
        }
    }

    /// Leaves an emptied directory and removes it; false when there is no way back.
    fn ascend(&mut self) -> bool {
        match self.at.leave() {
            Ok(name) => {
                if let Err(error) = rustix::fs::unlinkat(self.at.here(), name.as_slice(), AtFlags::REMOVEDIR)
                {
                    self.keep(&name, &error.into());
                }
                true
            }
            Err(error) => {
                self.keep(b"..", &error);
                false
            }
        }
    }

    /// Removes everything in the directory just entered but its sub-directories.
    fn visit_directory(&mut self) {
        let names = self.at.names().unwrap_or_else(|error| {
            self.keep(b"", &error);
            Vec::new()
        });
        let mut directories = Vec::new();
        for (name, kind) in names {
            match self.remove_unless_directory(&name, kind) {
                Ok(true) => {}
                Ok(false) => directories.push(name),
                Err(error) => self.keep(&name, &error.into()),
            }
        }
        self.pending.push(directories);
    }

    fn remove_unless_directory(&self, name: &[u8], kind: FileType) -> rustix::io::Result<bool> {
        if kind == FileType::Directory {
            return Ok(false);
        }
        match rustix::fs::unlinkat(self.at.here(), name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            // A file system that does not tell kinds in its listings.
            Err(Errno::ISDIR) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn keep(&mut self, name: &[u8], error: &io::Error) {
        let path = escaped(&self.at.path_of(name));
        self.first_error.get_or_insert_with(|| io::Error::new(error.kind(), format!("{path}: {error}")));
    }
}

/// Gives the owner of a directory all permissions, where they are missing.
fn open_up<P: rustix::path::Arg + Copy>(parent: BorrowedFd<'_>, name: P) -> io::Result<()> {
    let mode = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode & 0o7777;
    if mode & ALL_FOR_OWNER != ALL_FOR_OWNER {
        // Not ours to change perhaps, and yet ours to remove: the removal itself will tell.
        let _ =
            rustix::fs::chmodat(parent, name, Mode::from_raw_mode(mode | ALL_FOR_OWNER), AtFlags::empty());
    }
    Ok(())
}
