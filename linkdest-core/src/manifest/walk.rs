//! All directories in the order of their paths.

use super::cache::BlockCache;
use super::directory::Directory;
use super::error::ManifestError;
use super::reader::Manifest;
use super::record::Locator;

/// All directories of a manifest: depth first, names in the order of their bytes. See [`Manifest::walk`].
///
/// Only where it is in each directory above is kept, not the directories. After an error it ends.
#[derive(Debug)]
pub struct Walk<'a> {
    manifest: &'a Manifest,
    cache: BlockCache,
    /// The root, before the walk has begun.
    root: Option<Locator>,
    /// From the root down to the directory that was returned last.
    levels: Vec<Level>,
    /// Its path.
    path: Vec<u8>,
}

/// A directory whose sub-directories are walked.
#[derive(Debug)]
struct Level {
    /// The part that was got to, and the index in it.
    part: Locator,
    index: u32,
    /// How long its path is.
    path: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(manifest: &'a Manifest) -> Self {
        let (cache, root) = (BlockCache::default(), manifest.root().child);
        Self { manifest, cache, root, levels: Vec::new(), path: Vec::new() }
    }

    fn step(&mut self) -> Result<Option<Directory>, ManifestError> {
        if let Some(root) = self.root.take() {
            return self.enter(root).map(Some);
        }
        while let Some(level) = self.levels.last_mut() {
            let block = self.manifest.block(level.part.block, &mut self.cache)?;
            if let Some((index, name, child)) = block.next_child(level.part.slot, level.index) {
                level.index = index + 1;
                self.path.truncate(level.path);
                if level.path > 0 {
                    self.path.push(b'/');
                }
                self.path.extend_from_slice(name);
                return self.enter(child).map(Some);
            }
            match self.manifest.next_part(&block, level.part.slot, &mut self.cache)? {
                Some((next, slot)) => {
                    (level.part, level.index) = (Locator { block: next.number(), slot }, 0);
                }
                None => drop(self.levels.pop()),
            }
        }
        Ok(None)
    }

    fn enter(&mut self, at: Locator) -> Result<Directory, ManifestError> {
        self.levels.push(Level { part: at, index: 0, path: self.path.len() });
        self.manifest.directory_of(at, &self.path, &mut self.cache)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Directory, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.levels.clear();
        }
        step.transpose()
    }
}
