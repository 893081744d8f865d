//! Blocks that were looked at lately.

use std::sync::Arc;

use super::block::Block;
use super::error::ManifestError;

const CAPACITY: usize = 4 << 20;

/// The blocks that one worker looked at lately, of any manifests; 4 MiB of them, or the one looked at last.
///
/// ```
/// let cache = linkdest_core::BlockCache::default();
/// assert!(format!("{cache:?}").starts_with("BlockCache"));
/// ```
#[derive(Debug, Default)]
pub struct BlockCache {
    /// The one looked at last comes first.
    blocks: Vec<(u64, u32, Arc<Block>)>,
    size: usize,
}

impl BlockCache {
    pub(super) fn get(
        &mut self,
        manifest: u64,
        number: u32,
        load: impl FnOnce() -> Result<Block, ManifestError>,
    ) -> Result<Arc<Block>, ManifestError> {
        let found = self.blocks.iter().position(|(of, at, _)| (*of, *at) == (manifest, number));
        if let Some(recent) = found.and_then(|index| self.blocks.get_mut(..=index)) {
            recent.rotate_right(1);
        } else {
            let block = Arc::new(load()?);
            self.size += block.size();
            self.blocks.insert(0, (manifest, number, block));
            while self.size > CAPACITY && self.blocks.len() > 1 {
                self.size -= self.blocks.pop().map_or(0, |(_, _, block)| block.size());
            }
        }
        let block = self.blocks.first().map(|(_, _, block)| Arc::clone(block));
        block.ok_or_else(|| ManifestError::damaged("no block"))
    }
}
