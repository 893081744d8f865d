//! The inodes of references that were given to an entry of this run already.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::entry::FileId;

/// How many inode numbers one block covers: a cache line of bits.
const BLOCK_BITS: u64 = 512;
const SHARDS: usize = 16;

type Block = [u64; 8];

/// Where an inode is in the set.
struct Bit {
    shard: usize,
    block: (u64, u64),
    word: usize,
    mask: u64,
}

impl Bit {
    fn of(id: FileId) -> Self {
        let block = id.inode / BLOCK_BITS;
        let bit = id.inode % BLOCK_BITS;
        Self {
            shard: usize::try_from(block).unwrap_or_default() % SHARDS,
            block: (id.device, block),
            word: usize::try_from(bit / 64).unwrap_or_default(),
            mask: 1 << (bit % 64),
        }
    }
}

/// A set of inodes, small because inode numbers lie close together: about a bit each where they are dense.
#[derive(Debug, Default)]
pub(crate) struct InodeSet {
    shards: [Mutex<HashMap<(u64, u64), Block>>; SHARDS],
}

impl InodeSet {
    /// Adds an inode; says whether it is new.
    pub fn insert(&self, id: FileId) -> bool {
        let Bit { shard, block, word, mask } = Bit::of(id);
        let Some(shard) = self.shards.get(shard) else { return true };
        let mut blocks = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let words = blocks.entry(block).or_default();
        let Some(word) = words.get_mut(word) else { return true };
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    /// Says whether an inode was added.
    pub fn contains(&self, id: FileId) -> bool {
        let Bit { shard, block, word, mask } = Bit::of(id);
        let Some(shard) = self.shards.get(shard) else { return false };
        let blocks = shard.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.get(&block).and_then(|words| words.get(word)).is_some_and(|word| *word & mask != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(ids in proptest::collection::vec((0_u64..2, 0_u64..5000), 0..400)) {
            let set = InodeSet::default();
            let mut plain = HashSet::new();
            for (device, inode) in ids {
                let id = FileId { device, inode: inode * 37 };
                prop_assert_eq!(set.contains(id), plain.contains(&id));
                prop_assert_eq!(set.insert(id), plain.insert(id));
            }
        }
    }
}
