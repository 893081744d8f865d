//! Writing a manifest, by any number of workers at a time.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bytes::{put, put_bytes};
use super::codec;
use super::draft::DirectoryDraft;
use super::hash::ContentHash;
use super::header::{FileSystemId, Header, Totals};
use super::record::{Entry, Locator};
use super::tail::{BlockInfo, Footer, MAGIC, Tail, checksum};
use crate::entry::Timestamp;
use crate::os::{Dir, File};

/// A block is written when it has this many bytes.
const BLOCK: usize = 64 << 10;
/// So many entries, or bytes, of one directory stand together at most.
const PART_ENTRIES: usize = 8192;
const PART_BYTES: usize = 1 << 20;

/// Writes a manifest; shared by all workers, each of which has a [`Lane`].
#[derive(Debug)]
pub(crate) struct ManifestWriter {
    file: File,
    _scratch: Dir,
    header: Vec<u8>,
    layout: Mutex<Layout>,
}

#[derive(Debug)]
struct Layout {
    end: u64,
    /// By number; `None` while a lane still fills it.
    blocks: Vec<Option<BlockInfo>>,
}

impl ManifestWriter {
    /// Starts a manifest in an empty file that is open for writing. `scratch` takes what does not fit into memory.
    pub fn create(file: File, scratch: Dir, header: &Header) -> io::Result<Self> {
        let mut body = Vec::new();
        header.encode(&mut body);
        let mut bytes = MAGIC.to_vec();
        put_bytes(&mut bytes, &body);
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        file.write_all_at(&bytes, 0)?;
        let layout = Mutex::new(Layout { end: bytes.len() as u64, blocks: Vec::new() });
        Ok(Self { file, _scratch: scratch, header: bytes, layout })
    }

    /// Makes a lane for one worker.
    pub fn lane(&self) -> Lane {
        Lane { block: None, raw: Vec::new(), parts: 0 }
    }

    /// Ends all lanes and the file; returns the digest of the whole manifest.
    pub fn finish(
        self,
        lanes: Vec<Lane>,
        root: &Entry<'_>,
        devices: &[FileSystemId],
        totals: Totals,
        ended: Timestamp,
    ) -> io::Result<ContentHash> {
        for mut lane in lanes {
            lane.flush(&self)?;
        }
        let blocks: Option<Vec<BlockInfo>> = self.layout().blocks.iter().copied().collect();
        let blocks = blocks.ok_or_else(|| io::Error::other("a lane of the manifest was lost"))?;
        let mut encoded = Vec::new();
        codec::encode(root, &mut encoded);
        let tail = Tail { blocks, devices: devices.to_vec(), totals, ended, root: encoded }.encode();
        let tail_offset = self.layout().end;
        let footer = Footer { tail_offset, tail_length: tail.len() as u64, tail_checksum: checksum(&tail) };
        self.file.write_all_at(&tail, tail_offset)?;
        self.file.write_all_at(&footer.encode(), tail_offset + tail.len() as u64)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.header).update(&tail);
        Ok(ContentHash(*hasher.finalize().as_bytes()))
    }

    fn layout(&self) -> MutexGuard<'_, Layout> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserve_block(&self) -> io::Result<u32> {
        let mut layout = self.layout();
        let number = u32::try_from(layout.blocks.len()).map_err(io::Error::other)?;
        layout.blocks.push(None);
        Ok(number)
    }

    fn write_block(&self, number: u32, raw: &[u8]) -> io::Result<()> {
        let stored = lz4_flex::block::compress(raw);
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
        let mut info =
            BlockInfo { offset: 0, stored: length(&stored)?, raw: length(raw)?, checksum: checksum(&stored) };
        {
            let mut layout = self.layout();
            info.offset = layout.end;
            layout.end += u64::from(info.stored);
            if let Some(block) = layout.blocks.get_mut(number as usize) {
                *block = Some(info);
            }
        }
        self.file.write_all_at(&stored, info.offset)
    }
}

/// Where one worker writes directories: its own block, filled until it is large enough.
#[derive(Debug)]
pub(crate) struct Lane {
    block: Option<u32>,
    raw: Vec<u8>,
    parts: u32,
}

impl Lane {
    /// Writes one directory whose sub-directories were all written before, and empties the draft.
    pub fn write(
        &mut self,
        writer: &ManifestWriter,
        path: &[u8],
        draft: &mut DirectoryDraft,
    ) -> io::Result<Locator> {
        let entries = draft.take_sorted();
        let mut next = None;
        let mut rest = entries.as_slice();
        loop {
            let mut bytes = 0;
            let count = rest
                .iter()
                .rev()
                .take(PART_ENTRIES)
                .take_while(|entry| {
                    bytes += entry.len();
                    bytes <= PART_BYTES || bytes == entry.len()
                })
                .count();
            let (before, part) = rest.split_at_checked(rest.len() - count).unwrap_or_default();
            let at = self.write_part(writer, path, next, part)?;
            if before.is_empty() {
                return Ok(at);
            }
            (next, rest) = (Some(at), before);
        }
    }

    fn write_part(
        &mut self,
        writer: &ManifestWriter,
        path: &[u8],
        next: Option<Locator>,
        entries: &[Vec<u8>],
    ) -> io::Result<Locator> {
        let block = match self.block {
            Some(block) => block,
            None => writer.reserve_block()?,
        };
        self.block = Some(block);
        put_bytes(&mut self.raw, path);
        codec::put_locator(&mut self.raw, next);
        put(&mut self.raw, entries.len() as u64);
        for entry in entries {
            put_bytes(&mut self.raw, entry);
        }
        let at = Locator { block, slot: self.parts };
        self.parts += 1;
        if self.raw.len() >= BLOCK {
            self.flush(writer)?;
        }
        Ok(at)
    }

    fn flush(&mut self, writer: &ManifestWriter) -> io::Result<()> {
        if let Some(block) = self.block.take() {
            writer.write_block(block, &self.raw)?;
            self.raw.clear();
            self.parts = 0;
        }
        Ok(())
    }
}
