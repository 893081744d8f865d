//! What is known of the snapshots on the server: run records, pins, what arrived damaged.

use std::collections::{BTreeMap, BTreeSet};

use super::RemoteRepository;
use super::files::if_there;
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Result};
use crate::repository::{Damage, RunRecord, Snapshot, SnapshotName, damages_from, damages_to};

impl RemoteRepository {
    /// Lists the published snapshots, the oldest run first.
    ///
    /// # Errors
    /// When the repository cannot be read. A damaged run record is passed over: the snapshot itself is not damaged.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let mut records = self.records()?;
        let pins = self.pins()?;
        let mut snapshots: Vec<Snapshot> = self
            .trees()?
            .into_iter()
            .map(|name| {
                let record = records.remove(&name).filter(|record| record.adopted.is_none());
                let (path, pinned) = (self.address.join(name.as_str()), pins.contains(&name));
                Snapshot::found(name, path, record, pinned)
            })
            .collect();
        for (name, record) in records {
            let tree = record.tree().cloned().filter(|_| record.is_adopted());
            if let Some(tree) = tree
                && self
                    .kind_of(&super::files::join(&self.root, tree.as_bytes()))
                    .map_err(|error| Error::io("stat", self.address.join(tree.as_path()), error))?
                    == Some(Kind::Directory)
            {
                let (path, pinned) = (self.address.join(tree.as_path()), pins.contains(&name));
                snapshots.push(Snapshot::found(name, path, Some(record), pinned));
            }
        }
        snapshots.sort_by(|a, b| (a.sequence(), a.name()).cmp(&(b.sequence(), b.name())));
        Ok(snapshots)
    }

    /// The names of snapshots that have a tree.
    pub(super) fn trees(&self) -> Result<BTreeSet<SnapshotName>> {
        let listed = self.list(&self.root).map_err(|error| Error::io("list", &self.address, error))?;
        let name = |(name, told): &(Vec<u8>, crate::sftp::Attributes)| {
            let is_tree = told.kind() == Some(Kind::Directory);
            std::str::from_utf8(name).ok()?.parse().ok().filter(|_| is_tree)
        };
        Ok(listed.iter().filter_map(name).collect())
    }

    /// The names of snapshots that a directory of ours has a file for.
    pub(super) fn named_in(&self, directory: &str, suffix: &str) -> Result<BTreeSet<SnapshotName>> {
        let failed = |error| Error::io("list", self.own_path(directory), error);
        let listed = self.list(&self.own(directory)).map_err(failed)?;
        let name = |(name, _): &(Vec<u8>, crate::sftp::Attributes)| {
            std::str::from_utf8(name).ok()?.strip_suffix(suffix)?.parse().ok()
        };
        Ok(listed.iter().filter_map(name).collect())
    }

    fn pins(&self) -> Result<BTreeSet<SnapshotName>> {
        self.named_in("pins", "")
    }

    /// The run records that can be read.
    pub(super) fn records(&self) -> Result<BTreeMap<SnapshotName, RunRecord>> {
        let names: Vec<SnapshotName> = self.named_in("runs", ".toml")?.into_iter().collect();
        let paths: Vec<Vec<u8>> = names.iter().map(|name| self.own(&format!("runs/{name}.toml"))).collect();
        let mut records = BTreeMap::new();
        for (name, text) in names.into_iter().zip(self.read_all(&paths)) {
            let text = match text {
                Err(error) if Error::within(&error).is_some() => {
                    return Err(Error::io("read", self.own_path("runs"), error));
                }
                text => text.ok().flatten().and_then(|text| String::from_utf8(text).ok()),
            };
            let record = text.and_then(|text| RunRecord::parse(&text).ok());
            if let Some(record) = record.filter(|record| *record.snapshot() == name) {
                records.insert(name, record);
            }
        }
        Ok(records)
    }

    pub(crate) fn has_snapshot(&self, name: &SnapshotName) -> Result<bool> {
        Ok(self.kind_at(name)? == Some(Kind::Directory))
    }

    /// What has the name of a snapshot.
    pub(crate) fn kind_at(&self, name: &SnapshotName) -> Result<Option<Kind>> {
        let failed = |error| Error::io("stat", self.address.join(name.as_str()), error);
        self.kind_of(&self.at(name.as_str())).map_err(failed)
    }

    /// Pins a snapshot; says whether it was not pinned before. The lock is held.
    pub(crate) fn set_pin(&self, name: &SnapshotName) -> Result<bool> {
        let failed = |error| Error::io("write", self.own_path(&format!("pins/{name}")), error);
        if self.pins()?.contains(name) {
            return Ok(false);
        }
        self.make_if_absent(&self.own("pins")).map_err(failed)?;
        self.write_new(&self.own(&format!("pins/{name}")), b"").map_err(failed)?;
        Ok(true)
    }

    pub(crate) fn drop_pin(&self, name: &SnapshotName) -> Result<()> {
        self.drop_own(&format!("pins/{name}"))
    }

    /// Removes a file of ours, if it is there.
    pub(super) fn drop_own(&self, below: &str) -> Result<()> {
        let removed = if_there(self.client.remove(&self.own(below)).wait());
        removed.map(drop).map_err(|error| Error::io("remove", self.own_path(below), error))
    }

    /// What was found damaged. Of what was brought there the inodes are unknown: 0.
    pub(crate) fn damages(&self) -> Result<Vec<Damage>> {
        let place = self.own_path("damaged.toml");
        let failed = |error| Error::io("read", &place, error);
        let Some(text) = self.read_small(&self.own("damaged.toml")).map_err(failed)? else {
            return Ok(Vec::new());
        };
        let text = String::from_utf8(text)
            .map_err(|_| Error::new(ErrorKind::DamagedRecord, &place, "it is not UTF-8"))?;
        damages_from(&place, &text)
    }

    /// Adds to what was found damaged. The lock is held.
    pub(crate) fn add_damages(&self, more: &[Damage]) -> Result<()> {
        if more.is_empty() {
            return Ok(());
        }
        let place = self.own_path("damaged.toml");
        let text = damages_to(&place, self.damages()?, more)?;
        let failed = |error| Error::io("write", &place, error);
        self.write_small(&self.own("damaged.toml"), text.as_bytes()).map_err(failed)
    }
}
