//! A snapshot that is read: its manifest, and its tree where that does not tell.

use std::path::PathBuf;
use std::sync::Arc;

use super::tree::Tree;
use crate::error::{Error, ErrorKind, Result};
use crate::manifest::{BlockCache, Directory, Found, Locator, Manifest, ManifestError, Place};
use crate::path::RelPath;
use crate::repository::{Repository, SnapshotName, manifest_error};

/// The memory for what was read of a manifest: everything is looked at once, in about the order in which it was written.
const CACHE: usize = 1 << 20;

/// A snapshot with a manifest.
#[derive(Debug)]
pub(super) struct Side {
    pub manifest: Arc<Manifest>,
    pub tree: Tree,
    cache: BlockCache,
    /// Where the manifest is, for messages.
    path: PathBuf,
}

impl Side {
    /// Opens a snapshot that must have a manifest.
    pub fn open(repository: &Repository, name: &SnapshotName) -> Result<Self> {
        Self::open_if_recorded(repository, name)?.ok_or_else(|| {
            let path = repository.tree_path(name);
            Error::new(ErrorKind::MissingManifest, path, "it has no manifest; `linkdest reindex` makes one")
        })
    }

    /// Opens a snapshot; `None` if it has no manifest.
    pub fn open_if_recorded(repository: &Repository, name: &SnapshotName) -> Result<Option<Self>> {
        let tree = Tree::open(repository, name)?;
        let path = repository.manifest_path(name);
        let manifest = repository.manifest(name)?;
        Ok(manifest.map(|manifest| Self {
            manifest: manifest.into(),
            tree,
            cache: BlockCache::holding(CACHE),
            path,
        }))
    }

    /// The same snapshot for another thread.
    pub fn another(&self) -> Result<Self> {
        let (manifest, tree) = (Arc::clone(&self.manifest), self.tree.another()?);
        Ok(Self { manifest, tree, cache: BlockCache::holding(CACHE), path: self.path.clone() })
    }

    /// Reads a directory.
    pub fn directory(&mut self, at: Locator) -> Result<Directory> {
        self.manifest.directory(at, &mut self.cache).map_err(|error| manifest_error(&self.path, error))
    }

    /// Reads an entry.
    pub fn entry_at(&mut self, at: Place) -> Result<Found> {
        self.manifest.entry_at(at, &mut self.cache).map_err(|error| self.failed(error))
    }

    /// Finds an entry by its path.
    pub fn find(&mut self, path: &RelPath) -> Result<Option<Found>> {
        self.manifest.find(path.as_bytes(), &mut self.cache).map_err(|error| self.failed(error))
    }

    pub fn failed(&self, error: ManifestError) -> Error {
        manifest_error(&self.path, error)
    }
}
