//! What the repository must be able to do that replicas are brought to: here, and on a server.

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::far::Far;
use crate::descent::Enter;
use crate::entry::{Kind, Timestamp};
use crate::error::{Error, Problem, Result};
use crate::manifest::{Header, Manifest, ManifestWriter};
use crate::monitor::{Monitor, StopFlag};
use crate::repository::{Damage, Identity, RunRecord, Snapshot, SnapshotName};
use crate::retention::KeepRules;

/// What is asked of it about what it has.
pub(super) trait Store {
    /// How messages name it.
    fn path(&self) -> &Path;
    fn id(&self) -> &str;
    fn snapshots(&self) -> Result<Vec<Snapshot>>;
    /// What has the name of a snapshot.
    fn kind_at(&self, name: &SnapshotName) -> Result<Option<Kind>>;
    fn has_snapshot(&self, name: &SnapshotName) -> Result<bool>;
    fn manifest(&self, name: &SnapshotName) -> Result<Option<Manifest>>;
    fn manifest_path(&self, name: &SnapshotName) -> PathBuf;
    fn damages(&self) -> Result<Vec<Damage>>;
    /// Writes down what arrived damaged.
    fn add_damages(&self, damages: &[Damage]) -> Result<()>;
    /// The bytes that can still be written, where that is told.
    fn available(&self) -> Option<u64>;
}

/// Removed snapshots, and what could not be tidied up.
pub(super) type Forgotten = (Vec<SnapshotName>, Vec<Problem>);

/// What killed runs left of a replica: the root of its tree, and whether what was written is surely there.
pub(super) type Left<D> = Vec<(D, bool)>;

/// The whole way of a replica, from staging to publishing.
pub(super) trait Target: Store {
    /// A directory in it.
    type Dir: Enter;
    type Far<'t>: Far<Dir = Self::Dir>
    where
        Self: 't;
    /// The lock, held until dropped.
    type Lock<'t>
    where
        Self: 't;
    /// The staging directory of one replica.
    type Growing;

    fn lock(&self, patience: Duration, stop: &StopFlag) -> Result<Self::Lock<'_>>;
    /// Makes a lost connection anew after this error; says whether what failed can be begun again.
    fn revive(&self, _error: &Error) -> bool {
        false
    }
    /// Tells what was odd about it.
    fn tell_odd(&self, _monitor: &dyn Monitor) {}
    /// Repairs what killed runs left half done. The lock is held.
    fn repair(&self) -> Result<()>;
    /// What tells that the machine was not restarted meanwhile; empty if nothing does.
    fn boot_id(&self) -> String;
    /// Whether a published replica is on disk for good.
    fn is_flushed(&self) -> bool;
    fn stage(&self, name: &SnapshotName) -> Result<Self::Growing>;
    fn write_record(&self, growing: &Self::Growing, record: &RunRecord) -> Result<()>;
    /// Makes the root of the tree, and finds out what can be stored in it.
    fn make_tree<'t>(&'t self, growing: &Self::Growing) -> Result<(Self::Far<'t>, Self::Dir)>;
    fn begin_manifest(&self, growing: &mut Self::Growing, header: &Header) -> Result<ManifestWriter>;
    fn leftovers_of(&self, identity: &Identity) -> Result<Left<Self::Dir>>;
    /// Makes it visible; returns what could not be tidied up.
    fn publish(
        &self,
        growing: Self::Growing,
        record: RunRecord,
        root_mtime: Timestamp,
        stop: &StopFlag,
    ) -> Result<Vec<Problem>>;
    fn repair_latest(&self) -> Result<()>;
    fn drop_leftovers_of(&self, identity: &Identity, stop: &StopFlag) -> Result<()>;
    fn drop_staged(&self, name: &SnapshotName, stop: &StopFlag) -> Result<()>;
    /// Removes what killed runs left of replicas; what snapshots left stays for the next one.
    fn remove_replicas_left(&self, stop: &StopFlag) -> Result<()>;
    /// Pins; says whether it was not pinned before.
    fn set_pin(&self, name: &SnapshotName) -> Result<bool>;
    fn drop_pin(&self, name: &SnapshotName) -> Result<()>;
    fn empty_trash(&self, stop: &StopFlag) -> Result<()>;
    fn forget(&self, keep: &KeepRules, patience: Duration, stop: &StopFlag) -> Result<Forgotten>;
}

/// The name of a snapshot as the kernel takes it.
pub(super) fn c_name(name: &SnapshotName) -> Result<CString> {
    crate::os::c_name(name.as_str()).map_err(|error| Error::io("name", name.as_str(), error))
}
