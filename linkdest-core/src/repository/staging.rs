//! Where a snapshot grows before it is published, and what killed runs left there.

use std::ffi::{CStr, CString};
use std::path::Path;

use super::init::refuse_umask;
use super::probe::{Probed, drop_inherited_acls, probe};
use super::removal::remove_tree;
use super::{RECORD_LIMIT, Repository, RunRecord, STAGING, SnapshotName, read_record};
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::os::{Dir, Listing, c_name};

pub(super) const TREE: &CStr = c"tree";
const RUN: &CStr = c"run.toml";

/// The staging directory of one run.
#[derive(Debug)]
pub(crate) struct Staging {
    pub(super) name: SnapshotName,
    pub(super) dir: Dir,
}

/// What a killed run left: its tree is a further reference until the next snapshot is published.
#[derive(Debug)]
pub(crate) struct Leftover {
    pub name: CString,
    pub tree: Option<Dir>,
    pub record: Option<RunRecord>,
}

impl Repository {
    /// Finds a free name for a run that starts now, and makes its staging directory. The lock is held.
    pub(crate) fn stage(&self, started: Timestamp) -> Result<Staging> {
        let staging = self.control_dir(STAGING)?;
        let unusable = |_| Error::option("the system clock says a year outside of 0 to 9999");
        let mut name = SnapshotName::at(started).map_err(unusable)?;
        loop {
            let failed = |operation: &'static str| {
                let path = self.control_path(Path::new("staging").join(name.as_str()));
                move |error| Error::io(operation, path, error)
            };
            let c = c_name(name.as_str()).map_err(failed("name"))?;
            if !self.is_taken(&name)? {
                staging.make_dir(&c).map_err(failed("make directory"))?;
                let dir = staging.open_dir(&c).map_err(failed("open"))?;
                return Ok(Staging { name, dir });
            }
            name = name.next().ok_or_else(|| {
                Error::new(ErrorKind::Io, &self.path, "99 snapshots were made within this second")
            })?;
        }
    }

    /// Says whether a snapshot, a run or anything else has that name.
    pub(crate) fn is_taken(&self, name: &SnapshotName) -> Result<bool> {
        let failed = |error| Error::io("stat", self.path.join(name.as_str()), error);
        let c = c_name(name.as_str()).map_err(failed)?;
        let staged = match self.control.open_dir_search(STAGING) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            staging => staging.and_then(|staging| staging.stat_if_there(&c)).map_err(failed)?,
        };
        let there = self.root.stat_if_there(&c).map_err(failed)?;
        Ok(staged.is_some() || there.is_some() || self.run_of(name).is_some())
    }

    /// What killed runs left, the newest first.
    pub(crate) fn leftovers(&self) -> Result<Vec<Leftover>> {
        let failed = |error| Error::io("list", self.control_path("staging"), error);
        let staging = match self.control.open_dir(STAGING) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            staging => staging.map_err(failed)?,
        };
        let mut listing = Listing::default();
        staging.list(&mut listing).map_err(failed)?;
        let mut leftovers: Vec<Leftover> = listing
            .entries()
            .iter()
            .map(|entry| {
                let name = listing.name(*entry).to_owned();
                let dir = staging.open_dir(&name).ok();
                let record = dir.as_ref().and_then(|dir| read_record(dir, RUN).ok().flatten());
                let record = record.and_then(|text| RunRecord::parse(&text).ok());
                Leftover { tree: dir.and_then(|dir| dir.open_dir_search(TREE).ok()), record, name }
            })
            .collect();
        leftovers.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(leftovers)
    }

    /// Removes what killed runs left.
    pub(crate) fn remove_leftovers(&self, leftovers: Vec<Leftover>) -> Result<()> {
        let staging = self.control_dir(STAGING)?;
        for Leftover { name, tree, .. } in leftovers {
            drop(tree);
            let path = self.control_path(Path::new("staging").join(&*name.to_string_lossy()));
            remove_tree(&staging, &name).map_err(|error| Error::io("remove", path, error))?;
        }
        Ok(())
    }
}

impl Staging {
    /// The name that the snapshot will have.
    pub fn name(&self) -> &SnapshotName {
        &self.name
    }

    /// Makes the root of the tree, private and without anything inherited, and finds out what can be stored in it.
    pub fn make_tree(&self, path: &Path) -> Result<(Dir, Probed)> {
        let failed = |operation| move |error| Error::io(operation, path, error);
        // The bits that a parent hands down (setgid, default ACLs) end here.
        self.dir.set_mode(0o700).map_err(failed("set mode"))?;
        drop_inherited_acls(&self.dir).map_err(failed("remove inherited ACLs"))?;
        let probed = probe(&self.dir).map_err(failed("probe"))?;
        self.dir.make_dir(TREE).map_err(failed("make directory"))?;
        let tree = self.dir.open_dir(TREE).map_err(failed("open"))?;
        refuse_umask(probed.capabilities.modes, tree.stat().map_err(failed("stat"))?.mode)?;
        Ok((tree, probed))
    }

    /// Opens the staging directory once more.
    pub fn reopen(&self) -> std::io::Result<Dir> {
        self.dir.open_dir(c".")
    }

    /// Drops what is known of the run, so that its tree is no reference for the next.
    pub fn forget(&self) -> std::io::Result<()> {
        self.dir.unlink(RUN)
    }

    /// Writes down what is known of the run so far.
    pub fn write_record(&self, record: &RunRecord, path: &Path) -> Result<()> {
        let text = record.to_toml();
        debug_assert!(text.len() < RECORD_LIMIT);
        super::write_record(&self.dir, RUN, &text).map_err(|error| Error::io("write", path, error))
    }
}
