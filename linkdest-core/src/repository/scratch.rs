//! A place for a manifest that is made anew, out of everybody's sight. What a killed process leaves there goes with the
//! leftovers of killed runs.

use std::ffi::CStr;
use std::path::Path;

use super::removal::remove_tree;
use super::{MANIFESTS, Repository, STAGING, SnapshotName, manifest_error};
use crate::error::{Error, Result};
use crate::manifest::{Header, Manifest, ManifestWriter};
use crate::os::{Dir, effective_ids};

const SCRATCH: &CStr = c"reindex";
const GROWING: &CStr = c"manifest.ldm";

/// The directory in which one manifest is made.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: Dir,
}

impl Repository {
    /// Makes an empty scratch directory. The lock is held.
    pub(crate) fn scratch(&self) -> Result<Scratch> {
        let failed = |error| Error::io("write", self.control_path("staging/reindex"), error);
        let staging = self.control_dir(STAGING)?;
        remove_tree(&staging, SCRATCH).map_err(failed)?;
        staging.make_dir(SCRATCH).map_err(failed)?;
        Ok(Scratch { dir: staging.open_dir(SCRATCH).map_err(failed)? })
    }

    /// Puts a finished manifest into the place of the one that the snapshot has, in one step and for good, and its
    /// digest into the run record.
    pub(crate) fn adopt_manifest(&self, scratch: Scratch, name: &SnapshotName) -> Result<()> {
        let failed = |error| Error::io("write", self.manifest_path(name), error);
        let file = scratch.dir.open_file(GROWING).map_err(failed)?;
        // Who owns it is who wrote the snapshot, which tells what could be stored.
        if let Some(owner) = self.manifest_owner(name)? {
            let now = file.stat().map_err(failed)?;
            if owner != now.uid && effective_ids().0 == 0 {
                file.set_owner(owner, now.gid).map_err(failed)?;
            }
        }
        file.sync().map_err(failed)?;
        let manifest =
            Manifest::open(file).map_err(|error| manifest_error(self.manifest_path(name), error))?;
        self.place_manifest(&scratch.dir, GROWING, name)?;
        self.control_dir(MANIFESTS)?.sync().map_err(failed)?;
        self.note_digest(name, &manifest)?;
        drop(scratch);
        remove_tree(&self.control_dir(STAGING)?, SCRATCH).map_err(failed)
    }

    /// Makes the run record tell the digest of the manifest that the snapshot has.
    pub(crate) fn note_digest(&self, name: &SnapshotName, manifest: &Manifest) -> Result<()> {
        self.update_run(name, |record| record.manifest = Some(manifest.digest().to_string()))
    }

    /// Reads all of a manifest and checks it.
    pub(crate) fn check_manifest(&self, name: &SnapshotName, manifest: &Manifest) -> Result<()> {
        manifest.check().map_err(|error| manifest_error(self.manifest_path(name), error))
    }
}

impl Scratch {
    /// Begins the manifest.
    pub fn begin_manifest(&self, header: &Header, path: &Path) -> Result<ManifestWriter> {
        let failed = |error| Error::io("write the manifest of", path, error);
        let file = self.dir.create_file(GROWING).map_err(failed)?;
        ManifestWriter::create(file, self.dir.open_dir(c".").map_err(failed)?, header).map_err(failed)
    }
}
