//! From staging to snapshot on a server: manifest and run record flushed, then the tree renamed into place.

use std::io;

use super::RemoteRepository;
use super::files::if_there;
use super::trees::{ServerDir, seconds_of};
use crate::entry::{Kind, Timestamp};
use crate::error::{Error, Problem, Result};
use crate::monitor::StopFlag;
use crate::os::File;
use crate::repository::{MOST_LEFTOVERS, RunRecord, SnapshotName};
use crate::sftp::Attributes;

/// The staging directory of one replica.
pub(crate) struct Growing {
    pub name: SnapshotName,
    /// Below `.linkdest`.
    below: String,
}

/// So much of a manifest is sent at once.
const PART: usize = 256 << 10;

impl RemoteRepository {
    /// What tells whether the server was restarted; empty where it does not say.
    pub(crate) fn boot_id(&self) -> String {
        let read = self.read_small(b"/proc/sys/kernel/random/boot_id").ok().flatten().unwrap_or_default();
        let text = String::from_utf8_lossy(read.trim_ascii()).into_owned();
        let is_one = text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        if is_one { text } else { String::new() }
    }

    /// The bytes that can still be written there, where the server tells.
    pub(crate) fn available(&self) -> Option<u64> {
        self.client.room(&self.at("")).wait().ok().map(|room| room.available)
    }

    /// Makes the staging directory of a replica. What a killed run left under that name is set aside. The lock is held.
    pub(crate) fn stage_as(&self, name: &SnapshotName) -> Result<Growing> {
        let below = format!("staging/{name}");
        let failed = |operation| {
            let place = self.own_path(&below);
            move |error| Error::io(operation, place, error)
        };
        self.make_if_absent(&self.own("staging")).map_err(failed("make directory"))?;
        let path = self.own(&below);
        if self.kind_of(&path).map_err(failed("stat"))?.is_some() {
            let mut aside = None;
            for number in 1..=MOST_LEFTOVERS {
                let to = self.own(&format!("{below}.{number}"));
                if self.kind_of(&to).map_err(failed("stat"))?.is_none() {
                    aside = Some(to);
                    break;
                }
            }
            let aside = aside.ok_or_else(|| {
                let message = format!("{MOST_LEFTOVERS} runs were killed while they made it");
                failed("set aside")(io::Error::other(message))
            })?;
            self.client.rename_new(&path, &aside).wait().map_err(failed("rename"))?;
        }
        self.client.make_dir(&path, 0o700).wait().map_err(failed("make directory"))?;
        Ok(Growing { name: name.clone(), below })
    }

    /// Writes down what is known of the run so far.
    pub(crate) fn write_staged_record(&self, growing: &Growing, record: &RunRecord) -> Result<()> {
        let below = format!("{}/run.toml", growing.below);
        let written = self.write_small(&self.own(&below), record.to_toml().as_bytes());
        written.map_err(|error| Error::io("write", self.own_path(&below), error))
    }

    /// Makes the root of the tree, private.
    pub(crate) fn make_tree(&self, growing: &Growing) -> Result<ServerDir> {
        let below = format!("{}/tree", growing.below);
        let path = self.own(&below);
        let made = self.client.make_dir(&path, 0o700).wait();
        made.map_err(|error| Error::io("make directory", self.own_path(&below), error))?;
        Ok(ServerDir(path))
    }

    /// The staging directory itself.
    pub(crate) fn staging_path(&self, growing: &Growing) -> Vec<u8> {
        self.own(&growing.below)
    }

    /// Publishes: the manifest and the run record, flushed where the server can, then the tree, renamed to a name that
    /// nothing has (the commit point). Returns what could not be tidied up afterwards.
    ///
    /// # Errors
    /// Nothing is published then.
    pub(crate) fn publish(
        &self,
        growing: &Growing,
        manifest: &File,
        record: &RunRecord,
        root_mtime: Timestamp,
        stop: &StopFlag,
    ) -> Result<Vec<Problem>> {
        let name = &growing.name;
        let own = |below: String| (self.own(&below), self.own_path(&below));
        let (placed, placed_path) = own(format!("manifests/{name}.ldm"));
        let (run, run_path) = own(format!("runs/{name}.toml"));
        for directory in ["manifests", "runs"] {
            let made = self.make_if_absent(&self.own(directory));
            made.map_err(|error| Error::io("make directory", self.own_path(directory), error))?;
        }
        let sent =
            self.send(manifest, &growing.below).and_then(|from| self.client.rename(&from, &placed).wait());
        sent.map_err(|error| Error::io("write", placed_path, error))?;
        let withdraw = |error| {
            let _ = self.client.remove(&run).wait();
            let _ = self.client.remove(&placed).wait();
            error
        };
        let written = self.write_small(&run, record.to_toml().as_bytes());
        written.map_err(|error| withdraw(Error::io("write", run_path, error)))?;
        let (tree, to) = (self.own(&format!("{}/tree", growing.below)), self.at(name.as_str()));
        let published = self.rename_tree(&tree, &to);
        published.map_err(|error| withdraw(Error::io("publish", self.address.join(name.as_str()), error)))?;
        let mut problems = Vec::new();
        let finished = self.finish_root(&to, record, root_mtime);
        let place = || self.address.join(name.as_str());
        problems.extend(
            finished
                .err()
                .map(|error| Problem::housekeeping(&Error::io("set attributes of", place(), error))),
        );
        let dropped = self.persistently(|| self.drop_staged(name.as_str(), stop));
        problems.extend(dropped.err().as_ref().map(Problem::housekeeping));
        Ok(problems)
    }

    /// Renames a tree to a name that nothing has. Where the answer alone was lost, it is found out whether it was done.
    fn rename_tree(&self, tree: &[u8], to: &[u8]) -> io::Result<()> {
        match self.client.rename_new(tree, to).wait() {
            Err(error) if self.client.revive(&error) => {
                let is_done = self.kind_of(tree)?.is_none() && self.kind_of(to)? == Some(Kind::Directory);
                if is_done { Ok(()) } else { Err(error) }
            }
            renamed => renamed,
        }
    }

    /// Sends a finished manifest to a staging directory, and returns where it is.
    fn send(&self, manifest: &File, below: &str) -> io::Result<Vec<u8>> {
        let path = self.own(&format!("{below}/manifest.ldm"));
        let mut writing = self.client.writing(self.client.create(&path, 0o600).wait()?);
        let (mut buffer, mut offset) = (vec![0; PART], 0);
        let sent = loop {
            match manifest.read_at(&mut buffer, offset) {
                Ok(0) => break Ok(()),
                Ok(read) => {
                    offset += read as u64;
                    if let Err(error) = writing.write(buffer.get(..read).unwrap_or_default()) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let finished = writing.finish(&Attributes::default(), self.client.extensions().fsync);
        sent.and(finished).map(|()| path)
    }

    /// The rename changes `..`, so that a root which its owner may not write gets its mode only now.
    fn finish_root(&self, tree: &[u8], record: &RunRecord, mtime: Timestamp) -> io::Result<()> {
        let times = seconds_of(mtime).map(|mtime| (mtime, mtime));
        let attributes = Attributes { mode: record.root_mode, times, ..Attributes::default() };
        self.client.persistently(|| self.client.set(tree, &attributes).wait())
    }

    /// Repairs what a run from elsewhere left that was killed between two steps of publishing, and forgets replicas that
    /// were removed by hand. What else is not in order there is left to runs on the server. The lock is held.
    pub(crate) fn repair(&self) -> Result<()> {
        let trees = self.trees()?;
        let replicas = self
            .records()?
            .into_iter()
            .filter(|(_, record)| record.replica_of().is_some() && !record.is_adopted());
        for (name, record) in replicas {
            if !trees.contains(&name) {
                self.drop_own(&format!("manifests/{name}.ldm"))?;
                self.drop_own(&format!("runs/{name}.toml"))?;
                self.drop_own(&format!("pins/{name}"))?;
            } else if let Some(mode) = record.root_mode {
                self.repair_mode(&name, mode)?;
            }
        }
        self.repair_latest()
    }

    fn repair_mode(&self, name: &SnapshotName, mode: u32) -> Result<()> {
        let failed = |error| Error::io("set mode", self.address.join(name.as_str()), error);
        let path = self.at(name.as_str());
        if self.client.lstat(&path).wait().map_err(failed)?.mode.is_some_and(|now| now & 0o7777 == mode) {
            return Ok(());
        }
        let set = Attributes { mode: Some(mode), ..Attributes::default() };
        self.client.set(&path, &set).wait().map_err(failed)
    }

    /// Points `latest` at the newest snapshot.
    pub(crate) fn repair_latest(&self) -> Result<()> {
        let failed = |error| Error::io("move", self.address.join("latest"), error);
        let Some(newest) = self.snapshots()?.pop() else { return Ok(()) };
        let latest = self.at("latest");
        let wanted = newest.tree();
        let wanted = wanted.as_bytes();
        let points_there = match self.kind_of(&latest).map_err(failed)? {
            Some(Kind::Symlink) => self.client.read_link(&latest).wait().map_err(failed)? == wanted,
            // Not a symlink: nothing to repair.
            Some(_) => true,
            None => false,
        };
        if points_there {
            return Ok(());
        }
        if !self.capabilities().symlinks {
            return Ok(());
        }
        let temporary = self.own("latest.new");
        if_there(self.client.remove(&temporary).wait()).map_err(failed)?;
        self.client.make_symlink(wanted, &temporary).wait().map_err(failed)?;
        self.client.rename(&temporary, &latest).wait().map_err(failed)
    }
}
