//! A directory of this machine where manifests are made on their way to a server.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::manifest::{Header, ManifestWriter};
use crate::os::{Dir, File, random_id};

/// A private directory among the temporary ones. Nothing in it has a name once it is open, so that a killed run leaves
/// it empty.
#[derive(Debug)]
pub(crate) struct Desk {
    path: PathBuf,
    dir: Dir,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = Dir::remove_operator_path(&self.path);
    }
}

impl Desk {
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir();
        let failed = |error| Error::io("make a directory in", &path, error);
        let own = path.join(format!("linkdest-{}", random_id().map_err(failed)?));
        let made = Dir::make_operator_path(&own).and_then(|()| Dir::open_operator_path(&own));
        Ok(Self { dir: made.map_err(failed)?, path: own })
    }

    /// Begins a manifest, which can be read twice once it is finished.
    pub fn begin(&self, header: &Header) -> Result<(ManifestWriter, [File; 2])> {
        let failed = |error| Error::io("write a manifest in", &self.path, error);
        let name = c"manifest.ldm";
        let file = self.dir.create_file(name).map_err(failed)?;
        let opened = self.dir.open_file(name).and_then(|one| Ok([one, self.dir.open_file(name)?]));
        let removed = self.dir.unlink(name);
        let readers = opened.and_then(|readers| removed.map(|()| readers)).map_err(failed)?;
        let scratch = self.dir.open_dir(c".").map_err(failed)?;
        Ok((ManifestWriter::create(file, scratch, header).map_err(failed)?, readers))
    }
}
