//! Removing trees on the server: names of one directory at a time, many requests on their way, no recursion.

use std::collections::VecDeque;
use std::io;

use super::RemoteRepository;
use super::files::{if_there, join};
use crate::entry::Kind;
use crate::error::{Error, Result};
use crate::monitor::StopFlag;
use crate::os::random_id;
use crate::repository::SnapshotName;
use crate::sftp::{Asked, Attributes};

/// So many names are removed at once.
const AT_ONCE: usize = 128;

/// A directory that is emptied, and those in it that are still to be removed.
struct Level {
    path: Vec<u8>,
    directories: Vec<Vec<u8>>,
}

impl RemoteRepository {
    /// Removes a tree, or whatever is there; nothing is no error.
    pub(super) fn remove_tree(&self, path: &[u8], stop: &StopFlag) -> io::Result<()> {
        match self.kind_of(path)? {
            None => return Ok(()),
            Some(Kind::Directory) => {}
            Some(_) => return if_there(self.client.remove(path).wait()).map(drop),
        }
        let mut levels = vec![self.empty_of_files(path.to_vec())?];
        while let Some(level) = levels.last_mut() {
            if stop.is_stopped() {
                return Err(Error::interrupted().into());
            }
            match level.directories.pop() {
                Some(below) => {
                    let below = self.empty_of_files(below)?;
                    levels.push(below);
                }
                None => {
                    self.client.remove_dir(&level.path).wait()?;
                    levels.pop();
                }
            }
        }
        Ok(())
    }

    /// Removes all in a directory that is no directory.
    fn empty_of_files(&self, path: Vec<u8>) -> io::Result<Level> {
        // Who may not write a directory may not remove what is in it.
        let open = Attributes { mode: Some(0o700), ..Attributes::default() };
        let opened = self.client.set(&path, &open).wait();
        if let Err(error) = opened
            && Error::within(&error).is_some()
        {
            return Err(error);
        }
        let (mut directories, mut under_way) = (Vec::new(), VecDeque::<Asked<()>>::new());
        for (name, told) in self.list(&path)? {
            let entry = join(&path, &name);
            if told.kind() == Some(Kind::Directory) {
                directories.push(entry);
                continue;
            }
            under_way.push_back(self.client.remove(&entry));
            if under_way.len() >= AT_ONCE
                && let Some(first) = under_way.pop_front()
            {
                if_there(first.wait())?;
            }
        }
        under_way.into_iter().try_for_each(|asked| if_there(asked.wait()).map(drop))?;
        Ok(Level { path, directories })
    }

    /// Removes snapshots: out of sight in one step each, then what they had. The lock is held. Returns those that are
    /// gone, and why the rest is not.
    pub(crate) fn remove(&self, names: &[SnapshotName], stop: &StopFlag) -> Result<Vec<SnapshotName>> {
        let mut gone = Vec::new();
        for name in names {
            if stop.is_stopped() {
                return Err(Error::interrupted());
            }
            self.move_to_trash(name)?;
            gone.push(name.clone());
            for record in
                [format!("runs/{name}.toml"), format!("manifests/{name}.ldm"), format!("pins/{name}")]
            {
                self.drop_own(&record)?;
            }
        }
        self.repair_latest()?;
        self.empty_trash(stop)?;
        Ok(gone)
    }

    fn move_to_trash(&self, name: &SnapshotName) -> Result<()> {
        let failed = |error| Error::io("move into the trash", self.address.join(name.as_str()), error);
        self.make_if_absent(&self.own("trash")).map_err(failed)?;
        let from = self.at(name.as_str());
        let to = self.own(&format!("trash/{name}.{}", random_id().map_err(failed)?));
        if self.client.rename_new(&from, &to).wait().is_ok() {
            return Ok(());
        }
        // Who may not write a directory may not move it.
        let open = Attributes { mode: Some(0o700), ..Attributes::default() };
        self.client.set(&from, &open).wait().map_err(failed)?;
        self.client.rename_new(&from, &to).wait().map_err(failed)
    }

    /// Removes what is in the trash.
    pub(crate) fn empty_trash(&self, stop: &StopFlag) -> Result<()> {
        let trash = self.own("trash");
        let failed = |error| Error::io("empty", self.own_path("trash"), error);
        for (name, _) in self.list(&trash).map_err(failed)? {
            self.remove_tree(&join(&trash, &name), stop).map_err(failed)?;
        }
        Ok(())
    }
}
