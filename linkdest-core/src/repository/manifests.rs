//! The manifests of published snapshots: one immutable file each.

use std::path::{Path, PathBuf};

use super::staging::Staging;
use super::{MANIFESTS, Repository, SnapshotName};
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{ContentHash, Entry, Header, Manifest, ManifestError, ManifestWriter, write_corrected};
use crate::os::{Dir, Listing, c_name};

const SUFFIX: &str = ".ldm";
/// The manifest of a run while it is being written.
const GROWING: &std::ffi::CStr = c"manifest.ldm";
const CORRECTED: &std::ffi::CStr = c"manifest.new";

/// The error for a manifest at a path.
pub(crate) fn manifest_error(path: impl Into<PathBuf>, error: ManifestError) -> Error {
    match error {
        ManifestError::Io(error) => Error::io("read", path, error),
        newer @ ManifestError::Newer(_) => Error::new(ErrorKind::NewerManifest, path, newer.to_string()),
        other => Error::new(ErrorKind::DamagedManifest, path, other.to_string()),
    }
}

impl Repository {
    /// Where the manifest of a snapshot is.
    pub(crate) fn manifest_path(&self, name: &SnapshotName) -> PathBuf {
        self.control_path(Path::new("manifests").join(format!("{name}{SUFFIX}")))
    }

    /// Opens the manifest of a snapshot; `None` if it has none (it was lost, or rsync made the snapshot).
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
    /// # std::fs::create_dir(&source)?;
    /// # std::fs::write(source.join("a"), "hello")?;
    /// use linkdest_core::{Repository, Silent, Snapshotter};
    /// let report = Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
    /// let manifest = Repository::open(&repo)?.manifest(report.snapshot().unwrap())?.unwrap();
    /// assert_eq!(manifest.totals().entries, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::DamagedManifest`] or [`ErrorKind::NewerManifest`] if it is there and cannot be used; the snapshot itself can be read all the same.
    pub fn manifest(&self, name: &SnapshotName) -> Result<Option<Manifest>> {
        let path = self.manifest_path(name);
        let absent = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let manifests = match self.control.open_dir(MANIFESTS) {
            Err(error) if absent(&error) => return Ok(None),
            manifests => manifests.map_err(|error| Error::io("open", &path, error))?,
        };
        let file = c_name(&format!("{name}{SUFFIX}")).and_then(|file| manifests.open_file(&file));
        let file = match file {
            Err(error) if absent(&error) => return Ok(None),
            file => file.map_err(|error| Error::io("open", &path, error))?,
        };
        let stat = file.stat().map_err(|error| Error::io("stat", &path, error))?;
        if stat.kind != crate::entry::Kind::File {
            return Err(Error::new(ErrorKind::DamagedManifest, path, "not a regular file"));
        }
        let manifest = Manifest::open(file).map_err(|error| manifest_error(&path, error))?;
        if manifest.header().snapshot != name.as_str() {
            let message = format!("is the manifest of {}", manifest.header().snapshot);
            return Err(Error::new(ErrorKind::DamagedManifest, path, message));
        }
        Ok(Some(manifest))
    }

    /// Who wrote the manifest of a snapshot, and with it the snapshot; `None` if it has none.
    pub(crate) fn manifest_owner(&self, name: &SnapshotName) -> Result<Option<u32>> {
        let look = || -> std::io::Result<u32> {
            let manifests = self.control.open_dir_search(MANIFESTS)?;
            Ok(manifests.stat_at(&c_name(&format!("{name}{SUFFIX}"))?)?.uid)
        };
        match look() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            owner => owner.map(Some).map_err(|error| Error::io("stat", self.manifest_path(name), error)),
        }
    }

    /// Moves a finished manifest into its place.
    pub(crate) fn place_manifest(
        &self,
        from: &Dir,
        growing: &std::ffi::CStr,
        name: &SnapshotName,
    ) -> Result<()> {
        let failed = |error| Error::io("write", self.manifest_path(name), error);
        let file = c_name(&format!("{name}{SUFFIX}")).map_err(failed)?;
        from.rename(growing, &self.control_dir(MANIFESTS)?, &file).map_err(failed)
    }

    /// Drops the manifest of a snapshot that is no more, or never was; says whether there was one.
    pub(crate) fn drop_manifest(&self, name: &SnapshotName) -> Result<bool> {
        let failed = |error| Error::io("remove", self.manifest_path(name), error);
        let file = c_name(&format!("{name}{SUFFIX}")).map_err(failed)?;
        match self.control_dir(MANIFESTS)?.unlink(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            dropped => dropped.map(|()| true).map_err(failed),
        }
    }

    /// The names of the snapshots that there are manifests of, in no order.
    pub(crate) fn manifest_names(&self) -> Result<Vec<SnapshotName>> {
        let failed = |error| Error::io("list", self.control_path("manifests"), error);
        let manifests = match self.control.open_dir(MANIFESTS) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            manifests => manifests.map_err(failed)?,
        };
        let mut listing = Listing::default();
        manifests.list(&mut listing).map_err(failed)?;
        let name = |entry: &crate::os::Listed| {
            listing.name(*entry).to_str().ok()?.strip_suffix(SUFFIX)?.parse::<SnapshotName>().ok()
        };
        Ok(listing.entries().iter().filter_map(name).collect())
    }
}

impl Staging {
    /// Begins the manifest of the run.
    pub fn begin_manifest(&self, header: &Header, path: &Path) -> Result<ManifestWriter> {
        let failed = |error| Error::io("write the manifest in", path, error);
        let file = self.dir.create_file(GROWING).map_err(failed)?;
        ManifestWriter::create(file, self.reopen().map_err(failed)?, header).map_err(failed)
    }

    /// Writes the finished manifest once more with some of its records corrected; returns its digest.
    pub fn correct_manifest(
        &self,
        header: &Header,
        path: &Path,
        correct: &dyn Fn(&mut Entry<'_>),
    ) -> Result<ContentHash> {
        let failed = |error| Error::io("write the manifest in", path, error);
        let old = Manifest::open(self.dir.open_file(GROWING).map_err(failed)?);
        let old = old.map_err(|error| manifest_error(path, error))?;
        let file = self.dir.create_file(CORRECTED).map_err(failed)?;
        let writer = ManifestWriter::create(file, self.reopen().map_err(failed)?, header).map_err(failed)?;
        let digest = write_corrected(&old, writer, correct).map_err(|error| manifest_error(path, error))?;
        self.dir.rename(CORRECTED, &self.dir, GROWING).map_err(failed)?;
        Ok(digest)
    }

    /// Moves the finished manifest to where those of published snapshots are.
    pub(super) fn place_manifest(&self, repository: &Repository) -> Result<()> {
        repository.place_manifest(&self.dir, GROWING, &self.name)
    }
}
