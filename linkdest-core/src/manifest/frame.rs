//! Blocks as they stand in the file: packed rows, then what is not worth packing.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};

/// No block unpacks to more than this.
pub(super) const LARGEST: u32 = 8 << 20;
/// A block unpacks to this many times its stored size at most, so that a small file cannot ask for much memory.
const DENSEST: usize = 4;

/// The checksum of blocks, header and tail.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// Says whether bytes have this checksum. A fuzzer cannot guess it, so that any will do for one.
pub(super) fn has_checksum(bytes: &[u8], expected: u64) -> bool {
    cfg!(fuzzing) || checksum(bytes) == expected
}

/// Where a block is and what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct BlockInfo {
    pub offset: u64,
    /// The bytes of packed rows.
    pub packed: u32,
    /// The bytes behind them: hashes, and zeros where the rows are packed all too densely.
    pub plain: u32,
    /// The bytes of the rows.
    pub raw: u32,
    pub checksum: u64,
}

impl BlockInfo {
    pub fn stored(&self) -> u64 {
        u64::from(self.packed) + u64::from(self.plain)
    }

    pub fn is_plausible(&self) -> bool {
        self.raw <= LARGEST && u64::from(self.raw) <= self.stored().saturating_mul(DENSEST as u64)
    }
}

/// Packs blocks, in space that is used again.
pub(super) struct Packer {
    table: CompressTable,
    stored: Vec<u8>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packer").field("stored", &self.stored.len()).finish_non_exhaustive()
    }
}

impl Default for Packer {
    fn default() -> Self {
        Self { table: CompressTable::large(), stored: Vec::new() }
    }
}

impl Packer {
    /// Packs a block. What is returned says everything but where it is.
    pub fn pack(&mut self, raw: &[u8], plain: &[u8]) -> std::io::Result<(BlockInfo, &[u8])> {
        let length = |bytes: usize| u32::try_from(bytes).map_err(std::io::Error::other);
        self.stored.clear();
        self.stored.resize(get_maximum_output_size(raw.len()), 0);
        let packed = compress_into_with_table(raw, &mut self.stored, &mut self.table)
            .map_err(std::io::Error::other)?;
        self.stored.truncate(packed);
        self.stored.extend_from_slice(plain);
        let least = raw.len().div_ceil(DENSEST);
        if self.stored.len() < least {
            self.stored.resize(least, 0);
        }
        let info = BlockInfo {
            offset: 0,
            packed: length(packed)?,
            plain: length(self.stored.len() - packed)?,
            raw: length(raw.len())?,
            checksum: checksum(&self.stored),
        };
        Ok((info, &self.stored))
    }
}

/// Unpacks the rows of a block; `None` if they are damaged.
pub(super) fn unpack(packed: &[u8], raw: u32) -> Option<Vec<u8>> {
    let mut rows = vec![0; raw as usize];
    let length = decompress_into(packed, &mut rows).ok()?;
    (length == rows.len()).then_some(rows)
}
