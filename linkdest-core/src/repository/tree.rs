//! Where the trees of snapshots are: below the name of the snapshot, or where the tool left them that made them.

use std::ffi::{CStr, CString};
use std::io;
use std::path::PathBuf;

use super::adopted::AdoptedTree;
use super::{Repository, RunRecord, SnapshotName};
use crate::counts::Counts;
use crate::entry::Kind;
use crate::error::{Error, Result};
use crate::manifest::Totals;
use crate::os::{Dir, c_name, errno};
use crate::path::RelPath;

/// The directory that a tree is in, and its name there.
pub(super) struct Whereabouts {
    pub parent: Dir,
    pub name: CString,
}

impl Repository {
    /// Opens the tree of a snapshot, to reach what is in it.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no such snapshot.
    pub(crate) fn open_tree(&self, name: &SnapshotName) -> io::Result<Dir> {
        let own = c_name(name.as_str())?;
        let absent = match self.root.open_dir_search(&own) {
            Err(error) if errno::is_absent(&error) => error,
            opened => return opened,
        };
        let Some(adopted) = self.adopted_tree(name) else { return Err(absent) };
        Ok(self.open_adopted(&adopted)?.ok_or(io::ErrorKind::NotFound)?.1)
    }

    /// Opens the tree that a record tells of; `None` if it is no longer there.
    pub(super) fn open_adopted(&self, adopted: &AdoptedTree) -> io::Result<Option<(Whereabouts, Dir)>> {
        let opened = self.whereabouts(&adopted.tree).and_then(|at| {
            let tree = at.parent.open_dir_search(&at.name)?;
            let known = adopted.is(&tree.stat()?, self.control.stat()?.id.inode);
            Ok(known.then_some((at, tree)))
        });
        match opened {
            // Of a name that is too long there is nothing.
            Err(error) if errno::is_absent(&error) || error.kind() == io::ErrorKind::InvalidFilename => {
                Ok(None)
            }
            opened => opened,
        }
    }

    /// Goes down to a path below the repository, one name at a time and through no symlink.
    fn whereabouts(&self, path: &RelPath) -> io::Result<Whereabouts> {
        let mut names: Vec<&[u8]> = path.as_bytes().split(|&byte| byte == b'/').collect();
        let name = CString::new(names.pop().unwrap_or_default())?;
        let mut parent = self.root.open_dir_search(c".")?;
        for name in names {
            parent = parent.open_dir_search(&CString::new(name)?)?;
        }
        Ok(Whereabouts { parent, name })
    }

    /// Finds the directory that the tree of a snapshot is in.
    pub(super) fn find_tree(&self, name: &SnapshotName) -> io::Result<Whereabouts> {
        let own = c_name(name.as_str())?;
        if self.root.stat_if_there(&own)?.is_some_and(|stat| stat.kind == Kind::Directory) {
            return Ok(Whereabouts { parent: self.root.open_dir_search(c".")?, name: own });
        }
        let adopted = self.adopted_tree(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.open_adopted(&adopted)?.ok_or(io::ErrorKind::NotFound)?.0)
    }

    /// Where the tree of a snapshot is.
    pub(crate) fn tree_path(&self, name: &SnapshotName) -> PathBuf {
        let there = |name: &CStr| self.root.stat_if_there(name).is_ok_and(|stat| stat.is_some());
        let adopted = match c_name(name.as_str()) {
            Ok(own) if !there(&own) => self.adopted_tree(name),
            _ => None,
        };
        match adopted {
            Some(adopted) => self.path.join(adopted.tree.as_path()),
            None => self.path.join(name.as_str()),
        }
    }

    /// Says whether there is a snapshot of that name.
    pub(crate) fn has_snapshot(&self, name: &SnapshotName) -> Result<bool> {
        if self.has_own_tree(name)? {
            return Ok(true);
        }
        let Some(adopted) = self.adopted_tree(name) else { return Ok(false) };
        self.has_adopted(&adopted)
    }

    pub(super) fn has_own_tree(&self, name: &SnapshotName) -> Result<bool> {
        let failed = |error| Error::io("stat", self.path.join(name.as_str()), error);
        let stat = self.root.stat_if_there(&c_name(name.as_str()).map_err(failed)?).map_err(failed)?;
        Ok(stat.is_some_and(|stat| stat.kind == Kind::Directory))
    }

    /// Says whether an adopted tree is there, as far as this user can see: one that is out of reach is no reason to have no
    /// snapshots at all, nor to forget it.
    pub(super) fn has_adopted(&self, adopted: &AdoptedTree) -> Result<bool> {
        match self.open_adopted(adopted) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(true),
            opened => opened
                .map(|there| there.is_some())
                .map_err(|error| Error::io("open", self.path.join(adopted.tree.as_path()), error)),
        }
    }

    /// Adds the figures of an adopted snapshot to its record: nobody counted when it was made. `new` are the bytes of
    /// inodes that older snapshots do not have.
    pub(crate) fn count_adopted(&self, name: &SnapshotName, totals: &Totals, new: u64) -> Result<()> {
        let Some(Ok(mut record)) = self.run_of(name) else { return Ok(()) };
        if !record.is_adopted() {
            return Ok(());
        }
        record.counts = Counts {
            entries: totals.entries,
            directories: totals.directories,
            bytes: totals.bytes,
            bytes_copied: new,
            bytes_shared: totals.bytes.saturating_sub(new),
            problems: record.counts.problems,
            ..Counts::default()
        };
        self.write_run(&record)
    }

    /// The inode of the directory that linkdest's own records are in.
    pub(crate) fn records_inode(&self) -> Result<u64> {
        let failed = |error| Error::io("stat", self.control_path(""), error);
        self.control.stat().map(|stat| stat.id.inode).map_err(failed)
    }

    fn adopted_tree(&self, name: &SnapshotName) -> Option<AdoptedTree> {
        self.run_of(name).and_then(Result::ok).and_then(|record: RunRecord| record.adopted)
    }
}
