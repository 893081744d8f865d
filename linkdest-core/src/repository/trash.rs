//! Where snapshots go that are deleted: renamed in an instant, removed later, outside the lock.

use std::ffi::CStr;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::clearing::{clear, names};
use super::tree::Whereabouts;
use super::{Repository, SnapshotName};
use crate::error::{Error, Result};
use crate::monitor::StopFlag;
use crate::os::{Dir, File, c_name, random_id};

const TRASH: &CStr = c"trash";
const TRASH_LOCK: &CStr = c"trash.lock";
const RETRY: Duration = Duration::from_millis(20);

/// Renames something into the trash.
fn throw(dir: &Dir, from: &CStr, trash: &Dir, label: &SnapshotName) -> io::Result<()> {
    let to = random_id().and_then(|id| c_name(&format!("{label}.{id}")))?;
    let refused = match dir.rename_new(from, trash, &to) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => error,
        renamed => return renamed,
    };
    // The rename changes `..`: who may not write a directory may not move it. Should the move fail, or the process be
    // killed, the run record has the mode that `repair` gives back to the root of a tree.
    let Ok(moved) = dir.open_dir_search(from) else { return Err(refused) };
    let mode = moved.stat()?.mode;
    moved.set_mode_search(mode | 0o700)?;
    dir.rename_new(from, trash, &to).inspect_err(|_| drop(moved.set_mode_search(mode)))
}

/// The lock of whoever empties the trash, held until dropped.
struct TrashLock(File);

impl Drop for TrashLock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Repository {
    /// Moves a snapshot into the trash: it is whole until then, and none after. The lock is held.
    pub(super) fn move_to_trash(&self, name: &SnapshotName) -> Result<()> {
        let failed = |error| Error::io("move into the trash", self.tree_path(name), error);
        let trash = self.control_dir(TRASH)?;
        let Whereabouts { parent, name: from } = self.find_tree(name).map_err(failed)?;
        throw(&parent, &from, &trash, name).map_err(failed)
    }

    /// Moves an entry of a snapshot's tree into the trash. The lock is held.
    pub(super) fn move_entry_to_trash(&self, dir: &Dir, entry: &CStr, name: &SnapshotName) -> Result<()> {
        let thrown = throw(dir, entry, &self.control_dir(TRASH)?, name);
        thrown.map_err(|error| Error::io("move into the trash from", self.tree_path(name), error))
    }

    /// Removes what is in the trash. The repository's lock need not be held: cleaners have one of their own.
    ///
    /// Whoever put something there waits for another cleaner, who may have looked before that; others do not.
    pub(crate) fn empty_trash(
        &self,
        threads: Option<NonZeroUsize>,
        wait: bool,
        stop: &StopFlag,
    ) -> Result<()> {
        let failed = |operation| move |error| Error::io(operation, self.trash_path(), error);
        let trash = match self.control.open_dir(TRASH) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            trash => trash.map_err(failed("open"))?,
        };
        if names(&trash).map_err(failed("list"))?.is_empty() {
            return Ok(());
        }
        let Some(_lock) = self.lock_trash(wait, stop)? else { return Ok(()) };
        // What is gone must stay gone before its parts go.
        self.root.sync().and_then(|()| trash.sync()).map_err(failed("flush"))?;
        clear(&trash, threads, stop).map_err(failed("empty"))
    }

    fn lock_trash(&self, wait: bool, stop: &StopFlag) -> Result<Option<TrashLock>> {
        let failed = |operation| move |error| Error::io(operation, self.control_path("trash.lock"), error);
        let file = self.control.open_or_create_file(TRASH_LOCK).map_err(failed("open"))?;
        while !file.try_lock().map_err(failed("lock"))? {
            if !wait || stop.is_stopped() {
                return Ok(None);
            }
            std::thread::sleep(RETRY);
        }
        Ok(Some(TrashLock(file)))
    }

    fn trash_path(&self) -> PathBuf {
        self.control_path("trash")
    }
}
