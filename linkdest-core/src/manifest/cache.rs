//! Blocks that were looked at lately.

use std::sync::Arc;

use super::block::Block;
use super::error::ManifestError;
use super::keys::KeyBlock;

/// The memory for blocks, unless something else is asked for.
const CAPACITY: usize = 4 << 20;
/// Looking for a block takes longer the more there are.
const MOST: usize = 256;

/// A block in memory.
#[derive(Debug, Clone)]
pub(super) enum Loaded {
    Directories(Arc<Block>),
    Keys(Arc<KeyBlock>),
}

impl Loaded {
    fn size(&self) -> usize {
        match self {
            Self::Directories(block) => block.size(),
            Self::Keys(block) => block.size(),
        }
    }
}

/// The blocks that one worker looked at lately, of any manifests: 4 MiB of them, or only the last one.
///
/// ```
/// let cache = linkdest_core::BlockCache::default();
/// assert_eq!(format!("{cache:?}"), "BlockCache { blocks: 0, size: 0 }");
/// ```
pub struct BlockCache {
    /// The one looked at last comes first.
    blocks: Vec<(u64, u32, Loaded)>,
    size: usize,
    capacity: usize,
}

impl Default for BlockCache {
    fn default() -> Self {
        Self::holding(CAPACITY)
    }
}

impl std::fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockCache").field("blocks", &self.blocks.len()).field("size", &self.size).finish()
    }
}

impl BlockCache {
    /// Makes a cache for so many bytes of blocks.
    pub(crate) fn holding(capacity: usize) -> Self {
        Self { blocks: Vec::new(), size: 0, capacity }
    }

    /// Finds a block of a manifest, or loads it.
    pub(super) fn get(
        &mut self,
        manifest: u64,
        number: u32,
        load: impl FnOnce() -> Result<Loaded, ManifestError>,
    ) -> Result<Loaded, ManifestError> {
        let found = self.blocks.iter().position(|(of, at, _)| (*of, *at) == (manifest, number));
        if let Some(recent) = found.and_then(|index| self.blocks.get_mut(..=index)) {
            recent.rotate_right(1);
            if let Some((_, _, block)) = recent.first() {
                return Ok(block.clone());
            }
        }
        let block = load()?;
        self.size += block.size();
        self.blocks.insert(0, (manifest, number, block.clone()));
        while (self.size > self.capacity || self.blocks.len() > MOST) && self.blocks.len() > 1 {
            self.size -= self.blocks.pop().map_or(0, |(_, _, block)| block.size());
        }
        Ok(block)
    }
}
