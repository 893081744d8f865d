//! A place for a manifest that is made anew, out of everybody's sight. What a killed process leaves there goes with the
//! leftovers of killed runs.

use std::ffi::CStr;
use std::path::Path;

use super::removal::remove_tree;
use super::{MANIFESTS, Repository, STAGING, SnapshotName};
use crate::error::{Error, Result};
use crate::manifest::{Header, Manifest, ManifestWriter};
use crate::os::Dir;

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

    /// Puts a finished manifest into the place of the one that the snapshot has, in one step and for good.
    pub(crate) fn adopt_manifest(&self, scratch: Scratch, name: &SnapshotName) -> Result<()> {
        let failed = |error| Error::io("write", self.manifest_path(name), error);
        scratch.dir.open_file(GROWING).and_then(|file| file.sync()).map_err(failed)?;
        self.place_manifest(&scratch.dir, GROWING, name)?;
        self.control_dir(MANIFESTS)?.sync().map_err(failed)?;
        drop(scratch);
        remove_tree(&self.control_dir(STAGING)?, SCRATCH).map_err(failed)
    }

    /// Reads all of a manifest and checks it.
    pub(crate) fn check_manifest(&self, name: &SnapshotName, manifest: &Manifest) -> Result<()> {
        manifest.check().map_err(|error| super::manifests::manifest_error(self.manifest_path(name), error))
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
