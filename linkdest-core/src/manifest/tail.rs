//! The end of the file: what is known only when everything else is written, and the footer of fixed size.

use super::base::Base;
use super::bytes::{Cursor, put, put_bytes, put_signed, put_time};
use super::codec;
use super::error::ManifestError;
use super::frame::{BlockInfo, checksum, has_checksum};
use super::hash::ContentHash;
use super::header::{FileSystemId, LIST_LIMIT, Totals};
use super::keys::{SECTIONS, Section};
use crate::entry::Timestamp;

pub(super) const MAGIC: &[u8; 8] = b"\x89LDM\r\n\x1a\n";
const END_MAGIC: &[u8; 8] = b"LDM end\n";
const VERSION: u32 = 1;
/// LZ4 blocks.
const CODEC: u8 = 1;
pub(super) const FOOTER: usize = 48;

/// The hash of header and tail, and so of everything: the tail has the checksums of the blocks.
pub(super) fn digest(header: &[u8], tail: &[u8]) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header).update(tail);
    ContentHash(*hasher.finalize().as_bytes())
}

#[derive(Debug)]
pub(super) struct Tail {
    /// Those of directories first, then those of each section.
    pub blocks: Vec<BlockInfo>,
    /// As many as there are sections.
    pub sections: Vec<KeyBlocks>,
    pub devices: Vec<FileSystemId>,
    pub totals: Totals,
    pub ended: Timestamp,
    /// The row of the root.
    pub root: Vec<u8>,
}

/// The blocks of one section.
#[derive(Debug, Default)]
pub(super) struct KeyBlocks {
    /// How many keys there are in all.
    pub keys: u64,
    /// The first key of each block.
    pub first: Vec<(u64, u64)>,
}

impl Tail {
    /// Encodes the tail; `start` is where the blocks begin.
    pub fn encode(&self, start: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.blocks.len() as u64);
        let mut end = start;
        for block in &self.blocks {
            put_signed(&mut out, block.offset.wrapping_sub(end).cast_signed());
            for number in [block.packed, block.plain, block.raw] {
                put(&mut out, u64::from(number));
            }
            out.extend_from_slice(&block.checksum.to_le_bytes());
            end = block.offset.wrapping_add(block.stored());
        }
        for section in &self.sections {
            put(&mut out, section.keys);
            put(&mut out, section.first.len() as u64);
            for (major, minor) in &section.first {
                put(&mut out, *major);
                put(&mut out, *minor);
            }
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

    /// Decodes a tail; the blocks lie between `start` and `end`.
    pub fn decode(bytes: &[u8], start: u64, end: u64) -> Result<Self, ManifestError> {
        let mut cursor = Cursor::new(bytes);
        let tail = Self::read(&mut cursor, start)
            .filter(|_| cursor.is_at_end())
            .ok_or_else(|| ManifestError::damaged("the tail does not decode"))?;
        if !tail.is_tiled(start, end) {
            return Err(ManifestError::damaged("the blocks do not lie one behind the other"));
        }
        Ok(tail)
    }

    fn read(cursor: &mut Cursor<'_>, start: u64) -> Option<Self> {
        let blocks = read_blocks(cursor, start)?;
        let sections: Vec<KeyBlocks> =
            SECTIONS.iter().map(|_| KeyBlocks::read(cursor, blocks.len())).collect::<Option<_>>()?;
        let of_keys: usize = sections.iter().map(|section| section.first.len()).sum();
        blocks.len().checked_sub(of_keys)?;
        let devices = {
            let count: usize = cursor.small().filter(|count| *count <= LIST_LIMIT)?;
            (0..count).map(|_| FileSystemId::decode(cursor)).collect::<Option<_>>()?
        };
        let (totals, ended) = (Totals::decode(cursor)?, cursor.time()?);
        let root = cursor.bytes()?.to_vec();
        let mut row = Cursor::new(&root);
        let entry = codec::decode_alone(&mut row, &Base::default())?;
        let is_root = entry.name.is_empty() && row.is_at_end();
        is_root.then_some(Self { blocks, sections, devices, totals, ended, root })
    }

    /// Says whether the blocks fill everything between `start` and `end`, and none lies on another.
    fn is_tiled(&self, start: u64, end: u64) -> bool {
        let mut spans: Vec<(u64, u64)> =
            self.blocks.iter().map(|block| (block.offset, block.stored())).collect();
        spans.sort_unstable();
        let after = spans.iter().try_fold(
            start,
            |at, (offset, length)| {
                if *offset == at { at.checked_add(*length) } else { None }
            },
        );
        after == Some(end)
    }

    /// The number of blocks with directories.
    pub fn directory_blocks(&self) -> usize {
        let of_keys: usize = self.sections.iter().map(|section| section.first.len()).sum();
        self.blocks.len() - of_keys
    }

    /// A section, and the number of its first block.
    pub fn section(&self, wanted: Section) -> Option<(&KeyBlocks, usize)> {
        let mut first = self.directory_blocks();
        for (section, blocks) in SECTIONS.iter().zip(&self.sections) {
            if *section == wanted {
                return Some((blocks, first));
            }
            first += blocks.first.len();
        }
        None
    }
}

/// A list of at most `count` items, each of which takes up at least `least` of the bytes that are there.
fn list<T>(cursor: &Cursor<'_>, count: usize, least: usize) -> Option<Vec<T>> {
    (count <= cursor.rest().len() / least).then(|| Vec::with_capacity(count))
}

fn read_blocks(cursor: &mut Cursor<'_>, start: u64) -> Option<Vec<BlockInfo>> {
    let count: usize = cursor.small()?;
    let mut blocks = list(cursor, count, 12)?;
    let mut end = start;
    for _ in 0..count {
        let offset = end.checked_add_signed(cursor.signed()?)?;
        let (packed, plain, raw) = (cursor.small()?, cursor.small()?, cursor.small()?);
        let block = BlockInfo { offset, packed, plain, raw, checksum: cursor.u64()? };
        end = offset.checked_add(block.stored())?;
        if !block.is_plausible() {
            return None;
        }
        blocks.push(block);
    }
    Some(blocks)
}

impl KeyBlocks {
    fn read(cursor: &mut Cursor<'_>, most: usize) -> Option<Self> {
        let keys = cursor.number()?;
        let count: usize = cursor.small().filter(|count| *count <= most)?;
        let mut first = list(cursor, count, 2)?;
        for _ in 0..count {
            first.push((cursor.number()?, cursor.number()?));
        }
        first.is_sorted().then_some(Self { keys, first })
    }
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
        out.extend_from_slice(&[CODEC, 0, 0, 0]);
        out.extend_from_slice(&checksum(&out).to_le_bytes());
        out.extend_from_slice(END_MAGIC);
        out
    }

    pub fn decode(bytes: &[u8; FOOTER]) -> Result<Self, ManifestError> {
        let damaged =
            || ManifestError::damaged("it does not end like a manifest: it was cut off, or is none");
        let (covered, sum) = bytes.split_first_chunk::<32>().ok_or_else(damaged)?;
        let (sum, magic) = sum.split_first_chunk().ok_or_else(damaged)?;
        if !has_checksum(covered, u64::from_le_bytes(*sum)) || magic != END_MAGIC {
            return Err(damaged());
        }
        let mut cursor = Cursor::new(covered);
        let mut number = || cursor.u64().ok_or_else(damaged);
        let footer = Self { tail_offset: number()?, tail_length: number()?, tail_checksum: number()? };
        let version = cursor.u32().ok_or_else(damaged)?;
        match (version, cursor.rest()) {
            (VERSION, [CODEC, 0, 0, 0]) => Ok(footer),
            (VERSION, codec) => Err(ManifestError::damaged(format!("unknown packing {codec:?}"))),
            _ => Err(ManifestError::Newer(version)),
        }
    }
}
