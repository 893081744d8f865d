//! The end of the file: what can be known only when everything is written, and the footer of fixed size.

use super::bytes::{Cursor, put, put_bytes, put_time};
use super::codec;
use super::error::ManifestError;
use super::header::{FileSystemId, Totals};
use crate::entry::Timestamp;

pub(super) const MAGIC: &[u8; 8] = b"\x89LDM\r\n\x1a\n";
pub(super) const END_MAGIC: &[u8; 8] = b"LDM-end\n";
pub(super) const VERSION: u32 = 1;
const LZ4: u32 = 1;
pub(super) const FOOTER: usize = 48;
/// No block is larger than this before it is compressed.
pub(super) const LARGEST_BLOCK: u32 = 8 << 20;

/// The checksum of blocks, header and tail.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// Where a block is and what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockInfo {
    pub offset: u64,
    pub stored: u32,
    pub raw: u32,
    pub checksum: u64,
}

#[derive(Debug)]
pub(super) struct Tail {
    pub blocks: Vec<BlockInfo>,
    pub devices: Vec<FileSystemId>,
    pub totals: Totals,
    pub ended: Timestamp,
    /// The encoded root.
    pub root: Vec<u8>,
}

impl Tail {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.blocks.len() as u64);
        for block in &self.blocks {
            put(&mut out, block.offset);
            put(&mut out, u64::from(block.stored));
            put(&mut out, u64::from(block.raw));
            out.extend_from_slice(&block.checksum.to_le_bytes());
        }
        put(&mut out, self.devices.len() as u64);
        for device in &self.devices {
            device.encode(&mut out);
        }
        self.totals.encode(&mut out);
        put_time(&mut out, self.ended);
        put_bytes(&mut out, &self.root);
        out
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut cursor = Cursor::new(bytes);
        Self::read(&mut cursor)
            .filter(|_| cursor.is_at_end())
            .ok_or_else(|| ManifestError::damaged("the tail does not decode"))
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let blocks = {
            let count: usize = cursor.small()?;
            (0..count).map(|_| block(cursor)).collect::<Option<_>>()?
        };
        let devices = {
            let count: usize = cursor.small()?;
            (0..count).map(|_| FileSystemId::decode(cursor)).collect::<Option<_>>()?
        };
        let (totals, ended) = (Totals::decode(cursor)?, cursor.time()?);
        let root = cursor.bytes()?.to_vec();
        codec::decode(&root)?;
        Some(Self { blocks, devices, totals, ended, root })
    }
}

fn block(cursor: &mut Cursor<'_>) -> Option<BlockInfo> {
    let (offset, stored, raw) = (cursor.number()?, cursor.small()?, cursor.small()?);
    (raw <= LARGEST_BLOCK).then_some(BlockInfo { offset, stored, raw, checksum: cursor.u64()? })
}

/// Where the tail is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Footer {
    pub tail_offset: u64,
    pub tail_length: u64,
    pub tail_checksum: u64,
}

impl Footer {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER);
        for number in [self.tail_offset, self.tail_length, self.tail_checksum] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&LZ4.to_le_bytes());
        out.extend_from_slice(&checksum(&out).to_le_bytes());
        out.extend_from_slice(END_MAGIC);
        out
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let damaged =
            || ManifestError::damaged("the footer is not that of a manifest: cut off, or no manifest");
        let mut cursor = Cursor::new(bytes);
        let footer = Self::read(&mut cursor).ok_or_else(damaged)?;
        let (version, codec) = (cursor.u32().ok_or_else(damaged)?, cursor.u32().ok_or_else(damaged)?);
        let sum = checksum(bytes.get(..32).ok_or_else(damaged)?);
        if cursor.u64() != Some(sum) || cursor.rest() != END_MAGIC {
            return Err(damaged());
        }
        match (version, codec) {
            (VERSION, LZ4) => Ok(footer),
            (VERSION, _) => Err(ManifestError::damaged(format!("unknown codec {codec}"))),
            _ => Err(ManifestError::Newer(version)),
        }
    }

    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        Some(Self { tail_offset: cursor.u64()?, tail_length: cursor.u64()?, tail_checksum: cursor.u64()? })
    }
}
