//! A target on a server.

use std::cell::{RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::server::Server;
use super::store::{Forgotten, Left, Store, Target};
use crate::abroad::{Desk, Growing, RemoteLock, RemoteRepository, ServerDir};
use crate::entry::{Kind, Timestamp};
use crate::error::{Error, Problem, Result};
use crate::manifest::{Header, Manifest, ManifestWriter};
use crate::monitor::{Monitor, StopFlag};
use crate::os::File;
use crate::repository::{
    Capabilities, Damage, Identity, RunRecord, Snapshot, SnapshotName, manifest_error, plan_retention,
};
use crate::retention::KeepRules;

/// A repository on a server, and the desk here at which manifests for it are written.
pub(super) struct There {
    repository: RemoteRepository,
    desk: Desk,
    /// The manifest that was sent last: the next snapshot is read beside it.
    sent: RefCell<Option<(SnapshotName, File)>>,
    /// What was found out over the connection that holds.
    found: RefCell<Found>,
}

/// What does not change while a connection holds; `revivals` says which that is.
#[derive(Default)]
struct Found {
    revivals: u32,
    boot: Option<String>,
    /// What can be stored there, and who owns what is made.
    probed: Option<(Capabilities, (u32, u32))>,
}

impl There {
    pub fn new(repository: RemoteRepository) -> Result<Self> {
        repository.check_server()?;
        let (sent, found) = (RefCell::default(), RefCell::default());
        Ok(Self { repository, desk: Desk::new()?, sent, found })
    }

    /// What is known by now of this connection.
    fn found(&self) -> RefMut<'_, Found> {
        let mut found = self.found.borrow_mut();
        let revivals = self.repository.client.revivals();
        if found.revivals != revivals {
            *found = Found { revivals, ..Found::default() };
        }
        found
    }

    /// Removes what killed runs left.
    fn drop_left(&self, is_one: impl Fn(&crate::abroad::Left) -> bool, stop: &StopFlag) -> Result<()> {
        self.repository.persistently(|| {
            let left = self.repository.leftovers()?.into_iter().filter(&is_one);
            self.repository.remove_leftovers(&left.collect::<Vec<_>>(), stop)
        })
    }
}

impl Store for There {
    fn path(&self) -> &Path {
        self.repository.address()
    }

    fn id(&self) -> &str {
        self.repository.id()
    }

    fn snapshots(&self) -> Result<Vec<Snapshot>> {
        self.repository.snapshots()
    }

    fn kind_at(&self, name: &SnapshotName) -> Result<Option<Kind>> {
        self.repository.kind_at(name)
    }

    fn has_snapshot(&self, name: &SnapshotName) -> Result<bool> {
        self.repository.has_snapshot(name)
    }

    fn manifest(&self, name: &SnapshotName) -> Result<Option<Manifest>> {
        let sent = self.sent.borrow_mut().take_if(|(sent, _)| *sent == *name);
        match sent {
            Some((_, file)) => {
                let opened = Manifest::open(file);
                opened.map(Some).map_err(|error| manifest_error(self.manifest_path(name), error))
            }
            None => self.repository.manifest(name),
        }
    }

    fn manifest_path(&self, name: &SnapshotName) -> PathBuf {
        self.repository.manifest_path(name)
    }

    fn damages(&self) -> Result<Vec<Damage>> {
        self.repository.damages()
    }

    fn add_damages(&self, damages: &[Damage]) -> Result<()> {
        self.repository.add_damages(damages)
    }

    fn available(&self) -> Option<u64> {
        self.repository.available()
    }
}

/// A replica that grows on a server.
pub(super) struct GrowingThere {
    growing: Growing,
    /// Its manifest, opened twice for reading.
    manifest: Option<[File; 2]>,
}

impl Target for There {
    type Dir = ServerDir;
    type Far<'t> = Server<'t>;
    type Lock<'t> = RemoteLock<'t>;
    type Growing = GrowingThere;

    fn lock(&self, patience: Duration, stop: &StopFlag) -> Result<RemoteLock<'_>> {
        self.repository.persistently(|| self.repository.lock(patience, stop))
    }

    fn revive(&self, error: &Error) -> bool {
        self.repository.client.revive_after(error)
    }

    fn tell_odd(&self, monitor: &dyn Monitor) {
        self.repository.tell_revival(monitor);
    }

    fn repair(&self) -> Result<()> {
        self.repository.persistently(|| self.repository.repair())
    }

    fn boot_id(&self) -> String {
        self.found().boot.get_or_insert_with(|| self.repository.boot_id()).clone()
    }

    fn is_flushed(&self) -> bool {
        false
    }

    fn stage(&self, name: &SnapshotName) -> Result<GrowingThere> {
        Ok(GrowingThere { growing: self.repository.stage_as(name)?, manifest: None })
    }

    fn write_record(&self, growing: &GrowingThere, record: &RunRecord) -> Result<()> {
        self.repository.write_staged_record(&growing.growing, record)
    }

    fn make_tree<'t>(&'t self, growing: &GrowingThere) -> Result<(Server<'t>, ServerDir)> {
        let known = self.found().probed;
        let (capabilities, born) = match known {
            Some(known) => known,
            None => {
                let probed = self.repository.probe(&self.repository.staging_path(&growing.growing))?;
                *self.found().probed.insert(probed)
            }
        };
        let tree = self.repository.make_tree(&growing.growing)?;
        Ok((Server::new(&self.repository, capabilities.reach(born)), tree))
    }

    fn begin_manifest(&self, growing: &mut GrowingThere, header: &Header) -> Result<ManifestWriter> {
        let (writer, readers) = self.desk.begin(header)?;
        growing.manifest = Some(readers);
        Ok(writer)
    }

    fn leftovers_of(&self, identity: &Identity) -> Result<Left<ServerDir>> {
        let boot = self.boot_id();
        let left = self.repository.leftovers()?.into_iter().filter(|left| left.is_of(identity));
        Ok(left.map(|left| (left.tree.clone(), left.is_of_boot(&boot))).collect())
    }

    fn publish(
        &self,
        growing: GrowingThere,
        record: RunRecord,
        root_mtime: Timestamp,
        stop: &StopFlag,
    ) -> Result<Vec<Problem>> {
        let GrowingThere { growing, manifest } = growing;
        let unwritten = || Error::io("write", self.path(), std::io::Error::other("there is no manifest"));
        let [first, second] = manifest.ok_or_else(unwritten)?;
        let problems = self.repository.publish(&growing, &first, &record, root_mtime, stop)?;
        *self.sent.borrow_mut() = Some((growing.name, second));
        Ok(problems)
    }

    fn repair_latest(&self) -> Result<()> {
        self.repository.persistently(|| self.repository.repair_latest())
    }

    fn drop_leftovers_of(&self, identity: &Identity, stop: &StopFlag) -> Result<()> {
        self.drop_left(|left| left.is_of(identity), stop)
    }

    fn drop_staged(&self, name: &SnapshotName, stop: &StopFlag) -> Result<()> {
        self.repository.persistently(|| self.repository.drop_staged(name.as_str(), stop))
    }

    fn remove_replicas_left(&self, stop: &StopFlag) -> Result<()> {
        self.drop_left(crate::abroad::Left::is_of_replica, stop)
    }

    fn set_pin(&self, name: &SnapshotName) -> Result<bool> {
        self.repository.set_pin(name)
    }

    fn drop_pin(&self, name: &SnapshotName) -> Result<()> {
        self.repository.drop_pin(name)
    }

    fn empty_trash(&self, stop: &StopFlag) -> Result<()> {
        self.repository.persistently(|| self.repository.empty_trash(stop))
    }

    fn forget(&self, keep: &KeepRules, patience: Duration, stop: &StopFlag) -> Result<Forgotten> {
        let _lock = self.repository.lock(patience, stop)?;
        let removed = plan_retention(self.repository.snapshots()?, keep)?.removed();
        Ok((self.repository.remove(&removed, stop)?, Vec::new()))
    }
}
