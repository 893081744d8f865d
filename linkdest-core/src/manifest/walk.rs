//! All directories in the order of their paths.

use super::cache::BlockCache;
use super::directory::Directory;
use super::error::ManifestError;
use super::reader::Manifest;
use super::record::Locator;

/// All directories of a manifest: depth first, names in the order of their bytes. See [`Manifest::walk`].
///
/// After an error it ends.
#[derive(Debug)]
pub struct Walk<'a> {
    manifest: &'a Manifest,
    cache: BlockCache,
    /// What is still to be read, the next one last.
    waiting: Vec<Locator>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(manifest: &'a Manifest) -> Self {
        let waiting = manifest.root().child.into_iter().collect();
        Self { manifest, cache: BlockCache::default(), waiting }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Directory, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.waiting.pop()?;
        let directory = match self.manifest.directory(at, &mut self.cache) {
            Ok(directory) => directory,
            Err(error) => {
                self.waiting.clear();
                return Some(Err(error));
            }
        };
        let first = self.waiting.len();
        self.waiting.extend(directory.entries().filter_map(|entry| entry.child));
        if let Some(new) = self.waiting.get_mut(first..) {
            new.reverse();
        }
        Some(Ok(directory))
    }
}
