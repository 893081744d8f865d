//! Writing a manifest, by any number of workers at a time.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::base::Base;
use super::bytes::put_bytes;
use super::codec;
use super::frame::{BlockInfo, Packer, checksum};
use super::hash::ContentHash;
use super::header::{FileSystemId, Header, LIST_LIMIT, Totals};
use super::keys::{Key, SECTIONS, Section};
use super::lane::Lane;
use super::record::Entry;
use super::runs::{LaneKeys, merge};
use super::tail::{Footer, KeyBlocks, MAGIC, Tail, digest};
use crate::entry::Timestamp;
use crate::os::{Dir, File};

/// When what is in memory goes to the file.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A block is written when it has this many bytes.
    pub block: usize,
    /// So many entries of one directory stand together at most.
    pub part_entries: usize,
    /// And so many bytes of them.
    pub part_bytes: usize,
    /// A lane keeps so many bytes of keys in memory.
    pub keys: usize,
    /// A block of keys has about this many bytes: it is read for a single lookup.
    pub key_block: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { block: 64 << 10, part_entries: 8192, part_bytes: 1 << 20, keys: 4 << 20, key_block: 16 << 10 }
    }
}

/// Writes a manifest; shared by all workers, each of which has a [`Lane`].
#[derive(Debug)]
pub(crate) struct ManifestWriter {
    file: File,
    pub(super) scratch: Dir,
    pub(super) limits: Limits,
    header: Vec<u8>,
    lanes: AtomicU32,
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
        Self::create_with(file, scratch, header, Limits::default())
    }

    pub(super) fn create_with(file: File, scratch: Dir, header: &Header, limits: Limits) -> io::Result<Self> {
        short_enough("references", header.references.len())?;
        let mut body = Vec::new();
        header.encode(&mut body);
        let mut bytes = MAGIC.to_vec();
        put_bytes(&mut bytes, &body);
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        file.write_all_at(&bytes, 0)?;
        let layout = Mutex::new(Layout { end: bytes.len() as u64, blocks: Vec::new() });
        Ok(Self { file, scratch, limits, header: bytes, lanes: AtomicU32::new(0), layout })
    }

    /// Makes a lane for one worker.
    pub fn lane(&self) -> Lane {
        Lane::new(self.lanes.fetch_add(1, Ordering::Relaxed))
    }

    /// Ends all lanes and the file; returns the digest of the whole manifest.
    ///
    /// # Errors
    /// What cannot be written; a lane that has blocks and is not among `lanes`.
    pub fn finish(
        self,
        mut lanes: Vec<Lane>,
        root: &Entry<'_>,
        devices: &[FileSystemId],
        totals: Totals,
        ended: Timestamp,
    ) -> io::Result<ContentHash> {
        short_enough("file systems", devices.len())?;
        for lane in &mut lanes {
            lane.flush(&self)?;
        }
        let mut keys: Vec<LaneKeys> = lanes.into_iter().map(|lane| lane.keys).collect();
        let mut sections = Vec::new();
        for section in SECTIONS {
            sections.push(self.write_section(section, &mut keys)?);
        }
        drop(keys);
        let Layout { end, blocks } = &*self.layout();
        let blocks: Option<Vec<BlockInfo>> = blocks.iter().copied().collect();
        let blocks = blocks.ok_or_else(|| io::Error::other("a lane of the manifest was lost"))?;
        let mut encoded = Vec::new();
        codec::encode_alone(root, &Base::default(), &mut encoded);
        let devices = devices.to_vec();
        let tail = Tail { blocks, sections, devices, totals, ended, root: encoded };
        let tail = tail.encode(self.header.len() as u64);
        let footer =
            Footer { tail_offset: *end, tail_length: tail.len() as u64, tail_checksum: checksum(&tail) };
        self.file.write_all_at(&tail, *end)?;
        self.file.write_all_at(&footer.encode(), *end + tail.len() as u64)?;
        Ok(digest(&self.header, &tail))
    }

    fn write_section(&self, section: Section, lanes: &mut [LaneKeys]) -> io::Result<KeyBlocks> {
        let mut blocks = KeyBlocks::default();
        let (mut packer, mut raw, mut last) = (Packer::default(), Vec::new(), Key::START);
        let mut write = |raw: &mut Vec<u8>| {
            let number = self.reserve_block()?;
            let (info, stored) = packer.pack(raw, b"")?;
            raw.clear();
            self.write_block(number, info, stored)
        };
        merge(lanes, section, |key| {
            if raw.is_empty() {
                last = Key::START;
                blocks.first.push(key.id());
            }
            section.put(&mut raw, &last, key);
            last = *key;
            blocks.keys += 1;
            if raw.len() >= self.limits.key_block { write(&mut raw) } else { Ok(()) }
        })?;
        if !raw.is_empty() {
            write(&mut raw)?;
        }
        Ok(blocks)
    }

    fn layout(&self) -> MutexGuard<'_, Layout> {
        self.layout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next number for a block that will be written.
    pub(super) fn reserve_block(&self) -> io::Result<u32> {
        let mut layout = self.layout();
        let number = u32::try_from(layout.blocks.len()).map_err(io::Error::other)?;
        layout.blocks.push(None);
        Ok(number)
    }

    pub(super) fn write_block(&self, number: u32, mut info: BlockInfo, stored: &[u8]) -> io::Result<()> {
        {
            let mut layout = self.layout();
            info.offset = layout.end;
            layout.end += info.stored();
            if let Some(block) = layout.blocks.get_mut(number as usize) {
                *block = Some(info);
            }
        }
        self.file.write_all_at(stored, info.offset)
    }
}

fn short_enough(what: &str, length: usize) -> io::Result<()> {
    if length <= LIST_LIMIT {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("a manifest holds at most {LIST_LIMIT} {what}")))
}
