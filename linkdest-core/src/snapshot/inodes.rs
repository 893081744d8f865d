//! The inodes of references that were given to an entry of this run already.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::entry::FileId;

/// How many inode numbers one block covers: a cache line of bits.
const BLOCK_BITS: u64 = 512;
const SHARDS: usize = 16;

type Block = [u64; 8];

/// A set of inodes, small because inode numbers lie close together: about a bit each where they are dense.
#[derive(Debug, Default)]
pub(crate) struct InodeSet {
    shards: [Mutex<HashMap<(u64, u64), Block>>; SHARDS],
}

impl InodeSet {
    /// Adds an inode; says whether it is new.
    pub fn insert(&self, id: FileId) -> bool {
        let block = id.inode / BLOCK_BITS;
        let bit = id.inode % BLOCK_BITS;
        let shard = usize::try_from(block).unwrap_or_default() % SHARDS;
        let Some(shard) = self.shards.get(shard) else { return true };
        let mut blocks = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let words = blocks.entry((id.device, block)).or_default();
        let Some(word) = words.get_mut(usize::try_from(bit / 64).unwrap_or_default()) else { return true };
        let mask = 1_u64 << (bit % 64);
        let new = *word & mask == 0;
        *word |= mask;
        new
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
                prop_assert_eq!(set.insert(id), plain.insert(id));
            }
        }
    }
}
