//! Sets of inodes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entry::FileId;

/// How many inode numbers one block covers: a cache line of bits.
const BLOCK_BITS: u64 = 512;
const SHARDS: usize = 16;

type Block = [u64; 8];
type Shard = HashMap<(u64, u64), Block>;

/// A set of inodes, small because inode numbers lie close together: about a bit each where they are dense.
#[derive(Debug, Default)]
pub(crate) struct InodeSet {
    shards: [Mutex<Shard>; SHARDS],
}

impl InodeSet {
    /// Adds an inode; says whether it is new.
    pub fn insert(&self, id: FileId) -> bool {
        let Some(mut blocks) = self.shard(id.inode / BLOCK_BITS) else { return true };
        let words = blocks.entry((id.device, id.inode / BLOCK_BITS)).or_default();
        let (index, mask) = bit_of(id);
        let Some(word) = words.get_mut(index) else { return true };
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    /// Says whether an inode is in the set.
    pub fn contains(&self, id: FileId) -> bool {
        let Some(blocks) = self.shard(id.inode / BLOCK_BITS) else { return false };
        let (index, mask) = bit_of(id);
        let word = blocks.get(&(id.device, id.inode / BLOCK_BITS)).and_then(|words| words.get(index));
        word.is_some_and(|word| word & mask != 0)
    }

    /// The inodes of one device as bytes: blocks of a number and 512 bits.
    pub fn to_bytes(&self, device: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for shard in &self.shards {
            let blocks = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for ((_, number), words) in blocks.iter().filter(|((of, _), _)| *of == device) {
                bytes.extend_from_slice(&number.to_le_bytes());
                words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
            }
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` if it is something else.
    pub fn from_bytes(bytes: &[u8], device: u64) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let (blocks, left) = numbers.as_chunks::<9>();
        if !(rest.is_empty() && left.is_empty()) {
            return None;
        }
        let set = Self::default();
        for [number, words @ ..] in blocks {
            let number = u64::from_le_bytes(*number);
            set.shard(number)?.insert((device, number), words.map(u64::from_le_bytes));
        }
        Some(set)
    }

    fn shard(&self, block: u64) -> Option<MutexGuard<'_, Shard>> {
        let shard = self.shards.get(usize::try_from(block).unwrap_or_default() % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The word in its block, and the bit in that.
fn bit_of(id: FileId) -> (usize, u64) {
    let bit = id.inode % BLOCK_BITS;
    (usize::try_from(bit / 64).unwrap_or_default(), 1 << (bit % 64))
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
            let read = InodeSet::from_bytes(&set.to_bytes(1), 7).unwrap();
            for inode in 0..5000 {
                let (then, now) = (FileId { device: 1, inode: inode * 37 }, FileId { device: 7, inode: inode * 37 });
                prop_assert_eq!(plain.contains(&then), read.contains(now));
            }
        }
    }

    #[test]
    fn other_bytes_are_no_set() {
        for (length, good) in [(0, true), (71, false), (72, true), (73, false), (80, false)] {
            assert_eq!(InodeSet::from_bytes(&vec![0; length], 1).is_some(), good, "{length}");
        }
    }
}
