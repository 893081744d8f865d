//! A target on a file system of this machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::local::Local;
use super::store::{Forgotten, Left, Store, Target, c_name};
use crate::entry::{Kind, Timestamp};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::manifest::{Header, Manifest, ManifestWriter};
use crate::monitor::StopFlag;
use crate::os::{Dir, boot_id, is_this_boot};
use crate::repository::staging::Leftover;
use crate::repository::{
    Damage, Identity, Lock, Removal, Repository, RunRecord, Snapshot, SnapshotName, Staging,
};
use crate::retention::KeepRules;

impl Store for Repository {
    fn path(&self) -> &Path {
        self.path()
    }

    fn id(&self) -> &str {
        self.id()
    }

    fn snapshots(&self) -> Result<Vec<Snapshot>> {
        self.snapshots()
    }

    fn kind_at(&self, name: &SnapshotName) -> Result<Option<Kind>> {
        let there = self.root.stat_if_there(&c_name(name)?);
        let failed = |error| Error::io("stat", self.path().join(name.as_str()), error);
        Ok(there.map_err(failed)?.map(|there| there.kind))
    }

    fn has_snapshot(&self, name: &SnapshotName) -> Result<bool> {
        self.has_snapshot(name)
    }

    fn manifest(&self, name: &SnapshotName) -> Result<Option<Manifest>> {
        self.manifest(name)
    }

    fn manifest_path(&self, name: &SnapshotName) -> PathBuf {
        self.manifest_path(name)
    }

    fn damages(&self) -> Result<Vec<Damage>> {
        self.damages()
    }

    fn add_damages(&self, damages: &[Damage]) -> Result<()> {
        self.add_damages(damages)
    }

    fn available(&self) -> Option<u64> {
        self.root.available().ok()
    }
}

fn staged_path(repository: &Repository, name: &SnapshotName) -> PathBuf {
    repository.control_path(Path::new("staging").join(name.as_str()))
}

impl Target for Repository {
    type Dir = Dir;
    type Far<'t> = Local<'t>;
    type Lock<'t> = Lock;
    type Growing = Staging;

    fn lock(&self, patience: Duration, stop: &StopFlag) -> Result<Lock> {
        self.need_inode_numbers("replicate: link in")?;
        self.lock(patience, stop)
    }

    fn repair(&self) -> Result<()> {
        self.check_latest()?;
        self.repair()
    }

    fn boot_id(&self) -> String {
        boot_id()
    }

    fn is_flushed(&self) -> bool {
        true
    }

    fn stage(&self, name: &SnapshotName) -> Result<Staging> {
        self.stage_as(name)
    }

    fn write_record(&self, growing: &Staging, record: &RunRecord) -> Result<()> {
        growing.write_record(record, &staged_path(self, growing.name()))
    }

    fn make_tree<'t>(&'t self, growing: &Staging) -> Result<(Local<'t>, Dir)> {
        let (tree, probed) = growing.make_tree(&staged_path(self, growing.name()))?;
        if let Some(error) = probed.link_error {
            let operation = "keep hard links any more: link";
            return Err(Error::io_as(ErrorKind::NoHardLinks, operation, self.path(), error));
        }
        Ok((Local::new(self, probed.capabilities.reach(probed.born)), tree))
    }

    fn begin_manifest(&self, growing: &mut Staging, header: &Header) -> Result<ManifestWriter> {
        growing.begin_manifest(header, &staged_path(self, growing.name()))
    }

    fn leftovers_of(&self, identity: &Identity) -> Result<Left<Dir>> {
        let take = |left: Leftover| {
            let same = left.record.as_ref().is_some_and(|record| is_this_boot(&record.boot_id));
            left.tree.map(|tree| (tree, same))
        };
        Ok(self.leftovers_of(identity)?.into_iter().filter_map(take).collect())
    }

    fn publish(
        &self,
        growing: Staging,
        record: RunRecord,
        root_mtime: Timestamp,
        _: &StopFlag,
    ) -> Result<Vec<Problem>> {
        self.publish(growing.seal(record, root_mtime, false))
    }

    fn repair_latest(&self) -> Result<()> {
        self.repair_latest()
    }

    fn drop_leftovers_of(&self, identity: &Identity, _: &StopFlag) -> Result<()> {
        self.remove_leftovers(self.leftovers_of(identity)?)
    }

    fn drop_staged(&self, name: &SnapshotName, _: &StopFlag) -> Result<()> {
        self.drop_staged(&c_name(name)?)
    }

    fn remove_replicas_left(&self, _: &StopFlag) -> Result<()> {
        // Without a record it helps nobody: somebody was killed while it was made, or removed.
        let is_replica =
            |left: &Leftover| left.record.as_ref().is_none_or(|record| record.replica_of.is_some());
        self.remove_leftovers(self.leftovers()?.into_iter().filter(is_replica).collect())
    }

    fn set_pin(&self, name: &SnapshotName) -> Result<bool> {
        self.set_pin(name)
    }

    fn drop_pin(&self, name: &SnapshotName) -> Result<()> {
        self.drop_pin(name).map(drop)
    }

    fn empty_trash(&self, stop: &StopFlag) -> Result<()> {
        self.empty_trash(None, false, stop)
    }

    fn forget(&self, keep: &KeepRules, patience: Duration, stop: &StopFlag) -> Result<Forgotten> {
        let plan = self.plan_forget(keep)?;
        let how = Removal::default().lock_wait(patience).stop(stop.clone());
        let deleted = self.forget_with(&plan, &how)?;
        Ok((deleted.snapshots().to_vec(), deleted.problems().to_vec()))
    }
}
