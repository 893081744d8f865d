//! From staging to snapshot: durable first, then visible, in one step.

use std::ffi::CStr;
use std::io;
use std::path::Path;

use super::removal::remove_tree;
use super::staging::{Staging, TREE};
use super::{LATEST, Repository, RunRecord, STAGING, Snapshot, SnapshotName};
use crate::entry::{Kind, Timestamp};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::monitor::StopFlag;
use crate::os::{Dir, c_name};

/// A finished snapshot that can be published: the only thing that can.
#[derive(Debug)]
pub(crate) struct Sealed {
    staging: Staging,
    record: RunRecord,
    root_mtime: Timestamp,
    with_latest: bool,
}

impl Staging {
    /// Declares the tree finished: every directory has its last attributes, and the record tells the whole run.
    pub fn seal(self, record: RunRecord, root_mtime: Timestamp, with_latest: bool) -> Sealed {
        Sealed { staging: self, record, root_mtime, with_latest }
    }
}

impl Repository {
    /// Publishes: flush, rename without replacing (the commit point), flush the name, move `latest`.
    ///
    /// Returns what could not be tidied up afterwards: the snapshot is published all the same.
    ///
    /// # Errors
    /// Nothing is published then. An error of a flush is final: it is not tried again.
    pub(crate) fn publish(&self, sealed: Sealed) -> Result<Vec<Problem>> {
        let Sealed { staging, record, root_mtime, with_latest } = sealed;
        let path = self.path.join(staging.name.as_str());
        let name = c_name(staging.name.as_str()).map_err(|error| Error::io("name", &path, error))?;
        staging.place_manifest(self)?;
        let written = self.write_run(&record);
        if let Err(error) = written {
            let _ = self.drop_manifest(&staging.name);
            return Err(error);
        }
        if let Err((operation, error)) = self.commit(&staging.dir, &name, &record, root_mtime) {
            let _ = self.drop_manifest(&staging.name);
            let _ = self.drop_run(&staging.name);
            if operation.starts_with("flush") {
                // The kernel takes pages that it could not write for clean: nothing may be linked to them.
                let _ = staging.forget();
            }
            return Err(Error::io(operation, path, error));
        }
        let mut problems = Vec::new();
        if with_latest && let Err(error) = self.swap_latest(&name) {
            problems.push(Problem::housekeeping(&Error::io("move", self.path.join("latest"), error)));
        }
        let place = self.control_path(Path::new("staging").join(staging.name.as_str()));
        let removed = self
            .control_dir(STAGING)
            .and_then(|all| remove_tree(&all, &name).map_err(|error| Error::io("remove", place, error)));
        problems.extend(removed.err().as_ref().map(Problem::housekeeping));
        Ok(problems)
    }

    /// Makes a finished tree durable and visible, or neither.
    fn commit(
        &self,
        staging: &Dir,
        name: &CStr,
        record: &RunRecord,
        root_mtime: Timestamp,
    ) -> std::result::Result<(), (&'static str, io::Error)> {
        if record.synced {
            // This descriptor was opened before the first write, so that no write error escapes it.
            self.root.sync_file_system().map_err(|error| ("flush", error))?;
        }
        staging.rename_new(TREE, &self.root, name).map_err(|error| ("publish", error))?;
        let finished =
            self.finish_root(name, record, root_mtime).map_err(|error| ("set attributes of", error));
        let flushed = finished.and_then(|()| {
            if record.synced {
                self.root.sync().map_err(|error| ("flush the name of", error))
            } else {
                Ok(())
            }
        });
        flushed.inspect_err(|_| {
            // Not durable is not published. The way back needs a root that may be written.
            let _ = self.root.open_dir_search(name).and_then(|tree| tree.set_mode_search(0o700));
            let _ = self.root.rename_new(name, staging, TREE);
        })
    }

    /// The rename changes `..`, so that a root which its owner may not write gets its mode only now.
    fn finish_root(&self, name: &CStr, record: &RunRecord, mtime: Timestamp) -> io::Result<()> {
        let tree = self.root.open_dir_search(name)?;
        if tree.stat()?.mtime != mtime {
            // Some file systems count the change of `..` as a modification.
            let _ = self.root.set_mtime_at(name, mtime);
        }
        record.root_mode.map_or(Ok(()), |mode| tree.set_mode_search(mode))
    }

    fn swap_latest(&self, name: &CStr) -> io::Result<()> {
        let temporary = c"latest.new";
        match self.control.unlink(temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.control.make_symlink(name, temporary)?;
        self.control.rename(temporary, &self.root, LATEST)
    }

    /// Refuses to begin a run that could not move `latest` at its end.
    pub(crate) fn check_latest(&self) -> Result<()> {
        check_latest(&self.root, &self.path)
    }

    /// Repairs what a run left that was killed between two steps of publishing, and forgets snapshots that were
    /// removed by hand. The lock is held.
    pub(crate) fn repair(&self) -> Result<()> {
        let mut dropped = false;
        for name in self.manifest_names()? {
            if !self.has_snapshot(&name)? {
                dropped |= self.drop_manifest(&name)?;
            }
        }
        for name in self.pins()? {
            if !self.has_snapshot(&name)? {
                self.drop_pin(&name)?;
            }
        }
        for (name, record) in self.read_runs()? {
            if !self.has_own_tree(&name)? && self.repair_adopted(&name, &record)? {
                continue;
            }
            let path = self.path.join(name.as_str());
            let failed = |operation: &'static str| {
                let path = path.clone();
                move |error| Error::io(operation, path, error)
            };
            let c = c_name(name.as_str()).map_err(failed("name"))?;
            match self.root.stat_if_there(&c).map_err(failed("stat"))? {
                None => self.drop_run(&name)?,
                Some(tree) if tree.kind == Kind::Directory => {
                    let mode = record.ok().and_then(|record| record.root_mode);
                    if let Some(mode) = mode.filter(|mode| *mode != tree.mode) {
                        let tree: Dir = self.root.open_dir_search(&c).map_err(failed("open"))?;
                        tree.set_mode_search(mode).map_err(failed("set mode"))?;
                    }
                }
                Some(_) => {}
            }
        }
        // What cannot be finished now must not keep anybody from a backup: it is tried again by the next one.
        let _ = self.finish_expunging(&StopFlag::default());
        let _ = self.forget_damages();
        if dropped {
            let _ = self.forget_part_lists();
        }
        self.repair_latest()
    }

    /// Repairs the mode of an adopted tree; says whether its record must stay.
    fn repair_adopted(&self, name: &SnapshotName, record: &Result<RunRecord>) -> Result<bool> {
        let (adopted, mode) = match record {
            Ok(RunRecord { adopted: Some(adopted), root_mode, .. }) => (adopted, *root_mode),
            Ok(_) => return Ok(false),
            // A record that cannot be read just now may be that of a tree elsewhere.
            Err(error) => return Ok(error.io_error().is_some()),
        };
        let failed = |operation| move |error| Error::io(operation, self.tree_path(name), error);
        let opened = match self.open_adopted(adopted) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(true),
            opened => opened.map_err(failed("open"))?,
        };
        let Some((_, tree)) = opened else { return Ok(false) };
        let now = tree.stat().map_err(failed("stat"))?.mode;
        if let Some(mode) = mode.filter(|mode| *mode != now) {
            tree.set_mode_search(mode).map_err(failed("set mode"))?;
        }
        Ok(true)
    }

    /// Points `latest` at the newest snapshot, where a run was killed before it could.
    pub(crate) fn repair_latest(&self) -> Result<()> {
        self.point_latest_at(self.snapshots()?.last())
    }

    /// Points `latest` at a snapshot, if it does not yet.
    pub(super) fn point_latest_at(&self, newest: Option<&Snapshot>) -> Result<()> {
        let failed = |error| Error::io("move", self.path.join("latest"), error);
        let points_to = match self.root.read_link(LATEST) {
            Ok(target) => Some(target),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            // Not a symlink, or no symlinks here: nothing to repair.
            Err(_) => return Ok(()),
        };
        match newest {
            Some(newest) if self.capabilities().symlinks => {
                let c =
                    std::ffi::CString::new(newest.tree().as_bytes()).map_err(|error| failed(error.into()))?;
                if points_to.as_deref() == Some(&c) { Ok(()) } else { self.swap_latest(&c).map_err(failed) }
            }
            _ => Ok(()),
        }
    }

    /// The inodes that a walk must not enter: the repository itself and its records.
    pub(crate) fn own_inodes(&self) -> Result<Vec<crate::entry::FileId>> {
        let failed = |error| Error::io("stat", &self.path, error);
        let mut own = vec![self.root.stat().map_err(failed)?.id, self.control.stat().map_err(failed)?.id];
        own.extend(self.control.stat_if_there(STAGING).map_err(failed)?.map(|stat| stat.id));
        Ok(own)
    }
}

/// Refuses a directory where something else than a symlink is in the place of `latest`.
pub(crate) fn check_latest(root: &Dir, path: &Path) -> Result<()> {
    let path = path.join("latest");
    match root.stat_if_there(LATEST).map_err(|error| Error::io("stat", &path, error))? {
        Some(stat) if stat.kind != Kind::Symlink => {
            let message = format!(
                "a {} is in the place of the symlink to the newest snapshot; move it away",
                stat.kind
            );
            Err(Error::new(ErrorKind::Io, path, message))
        }
        _ => Ok(()),
    }
}
