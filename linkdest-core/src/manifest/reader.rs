//! Reading a manifest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::base::Base;
use super::block::Block;
use super::bytes::Cursor;
use super::cache::{BlockCache, Loaded};
use super::codec;
use super::directory::Directory;
use super::error::ManifestError;
use super::frame::{has_checksum, unpack};
use super::hash::ContentHash;
use super::header::{FileSystemId, Header, Totals};
use super::input::{Input, ReadAt};
use super::keys::{KeyBlock, SECTIONS, Section};
use super::record::{Entry, Locator};
use super::tail::{FOOTER, Footer, MAGIC, Tail, digest};
use super::walk::Walk;
use crate::entry::Timestamp;
use crate::os::File;
use crate::path::RelPath;

/// A manifest that is read: entries by path, by inode and by content, or all of them in order.
///
/// Reading needs a [`BlockCache`], of which each worker has its own. Everything is checked when it is loaded; memory
/// is bounded by the cache and by the largest directory.
///
/// ```
/// # let bytes = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifest/golden-v1.ldm"));
/// # let manifest = linkdest_core::manifest_workbench::read(bytes.to_vec())?;
/// use linkdest_core::BlockCache;
/// let mut cache = BlockCache::default();
/// let found = manifest.find(b"deep/deeper/deepest", &mut cache)?.unwrap();
/// let id = found.entry().metadata.id;
/// assert_eq!(manifest.devices()[usize::try_from(id.device).unwrap() - 1].kind, "ext4");
/// assert_eq!(manifest.by_inode(id.device, id.inode, &mut cache)?, [found.place().unwrap()]);
/// assert_eq!(manifest.header().references.len(), 2);
/// # Ok::<(), linkdest_core::ManifestError>(())
/// ```
#[derive(Debug)]
pub struct Manifest {
    input: Input,
    /// Tells manifests apart in a cache.
    number: u64,
    header: Header,
    pub(super) tail: Tail,
    pub(super) root: Arc<[u8]>,
    digest: ContentHash,
}

static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl Manifest {
    /// Opens a manifest.
    pub(crate) fn open(file: File) -> Result<Self, ManifestError> {
        let length = file.stat()?.size;
        Self::read(Input::File(file, length))
    }

    /// Opens a manifest on a server, which is so long.
    pub(crate) fn open_remote(bytes: Box<dyn ReadAt>, length: u64) -> Result<Self, ManifestError> {
        Self::read(Input::Remote(bytes, length))
    }

    /// Opens a manifest that is in memory.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Self, ManifestError> {
        Self::read(Input::Memory(bytes))
    }

    fn read(input: Input) -> Result<Self, ManifestError> {
        let short = || ManifestError::damaged("it is too short for a manifest");
        let footer_offset = input.len().checked_sub(FOOTER as u64).ok_or_else(short)?;
        let end = input.read(footer_offset, FOOTER as u64)?;
        let footer = Footer::decode(end.first_chunk().ok_or_else(short)?)?;
        if footer.tail_offset.checked_add(footer.tail_length) != Some(footer_offset) {
            return Err(ManifestError::damaged("the tail does not end where the footer begins"));
        }
        let tail_bytes = input.read(footer.tail_offset, footer.tail_length)?;
        if !has_checksum(&tail_bytes, footer.tail_checksum) {
            return Err(ManifestError::damaged("the tail has another checksum"));
        }
        let (header_bytes, header) = read_header(&input)?;
        let tail = Tail::decode(&tail_bytes, header_bytes.len() as u64, footer.tail_offset)?;
        let digest = digest(&header_bytes, &tail_bytes);
        let (number, root) = (NUMBERS.fetch_add(1, Ordering::Relaxed), tail.root.as_slice().into());
        Ok(Self { input, number, header, tail, root, digest })
    }

    /// What was known before the walk.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// When the run ended.
    #[must_use]
    pub fn ended(&self) -> Timestamp {
        self.tail.ended
    }

    /// The figures of the whole snapshot.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.tail.totals
    }

    /// The file systems of the source; an entry's device number is one more than the index here.
    #[must_use]
    pub fn devices(&self) -> &[FileSystemId] {
        &self.tail.devices
    }

    /// The BLAKE3 hash of header and tail, and so of everything: the tail has the checksums of the blocks.
    #[must_use]
    pub fn digest(&self) -> ContentHash {
        self.digest
    }

    /// The root of the source; its name is empty.
    #[must_use]
    pub fn root(&self) -> Entry<'_> {
        codec::decode_alone(&mut Cursor::new(&self.root), &Base::default()).unwrap_or(Entry::NONE)
    }

    /// The length of the file.
    pub(super) fn length(&self) -> u64 {
        self.input.len()
    }

    /// Reads all directories in the order of their paths.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(self)
    }

    /// Reads a directory with all of its entries.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn directory(&self, at: Locator, cache: &mut BlockCache) -> Result<Directory, ManifestError> {
        let block = self.block(at.block, cache)?;
        let path = block.path(at.slot);
        self.directory_in(block, at, &path, cache)
    }

    /// Reads the directory that has to have this path.
    pub(super) fn directory_of(
        &self,
        at: Locator,
        path: &[u8],
        cache: &mut BlockCache,
    ) -> Result<Directory, ManifestError> {
        let (block, _) = self.first_part(at, path, cache)?;
        self.directory_in(block, at, path, cache)
    }

    fn directory_in(
        &self,
        block: Arc<Block>,
        at: Locator,
        path: &[u8],
        cache: &mut BlockCache,
    ) -> Result<Directory, ManifestError> {
        let head = block.head(at.slot).filter(|head| !head.continues && block.is_sound(at.slot));
        let head = head.ok_or_else(|| no_directory(at))?;
        let (base, has_more) = (head.base, head.next.is_some());
        let path = RelPath::from_names([path].into_iter());
        let mut directory = Directory::new(path, base);
        directory.push(at.slot, Arc::clone(&block));
        if has_more {
            self.push_parts(&mut directory, block, at.slot, cache)?;
        }
        Ok(directory)
    }

    /// Adds all parts that come after the first one. A block is kept once, however often the cache forgets it.
    fn push_parts(
        &self,
        directory: &mut Directory,
        mut block: Arc<Block>,
        mut slot: u32,
        cache: &mut BlockCache,
    ) -> Result<(), ManifestError> {
        let mut kept = HashMap::from([(block.number(), Arc::clone(&block))]);
        while let Some((next, at)) =
            self.next_part_among(&block, slot, &mut |number| match kept.get(&number) {
                Some(block) => Ok(Arc::clone(block)),
                None => {
                    let block = self.block(number, cache)?;
                    kept.insert(number, Arc::clone(&block));
                    Ok(block)
                }
            })?
        {
            directory.push(at, Arc::clone(&next));
            (block, slot) = (next, at);
        }
        Ok(())
    }

    /// The first part of a directory that has to have this path.
    ///
    /// A record is reached from its parent's entry only by the path that it tells itself, so that directories cannot
    /// lie in each other in circles, and none is reached twice.
    pub(super) fn first_part(
        &self,
        at: Locator,
        path: &[u8],
        cache: &mut BlockCache,
    ) -> Result<(Arc<Block>, u32), ManifestError> {
        let block = self.block(at.block, cache)?;
        let is_first = block.head(at.slot).is_some_and(|head| !head.continues);
        let is_it = is_first && block.path(at.slot) == path && block.is_sound(at.slot);
        if is_it { Ok((block, at.slot)) } else { Err(no_directory(at)) }
    }

    /// The part that comes after this one.
    pub(super) fn next_part(
        &self,
        block: &Block,
        slot: u32,
        cache: &mut BlockCache,
    ) -> Result<Option<(Arc<Block>, u32)>, ManifestError> {
        self.next_part_among(block, slot, &mut |number| self.block(number, cache))
    }

    /// Its names come after those of this one: so there is an end to it.
    fn next_part_among(
        &self,
        block: &Block,
        slot: u32,
        load: &mut dyn FnMut(u32) -> Result<Arc<Block>, ManifestError>,
    ) -> Result<Option<(Arc<Block>, u32)>, ManifestError> {
        let Some(at) = block.head(slot).and_then(|head| head.next) else { return Ok(None) };
        let next = load(at.block)?;
        let continues = next.head(at.slot).is_some_and(|head| head.continues);
        let bounds = block.bounds(slot).zip(next.bounds(at.slot));
        let is_after = bounds.is_some_and(|((_, last), (first, _))| last < first);
        if continues && is_after && next.path(at.slot) == block.path(slot) {
            Ok(Some((next, at.slot)))
        } else {
            Err(no_directory(at))
        }
    }

    /// A block of directories.
    pub(super) fn block(&self, number: u32, cache: &mut BlockCache) -> Result<Arc<Block>, ManifestError> {
        match self.loaded(number, cache)? {
            Loaded::Directories(block) => Ok(block),
            Loaded::Keys(_) => Err(ManifestError::damaged(format!("block {number}: it has no directories"))),
        }
    }

    pub(super) fn loaded(&self, number: u32, cache: &mut BlockCache) -> Result<Loaded, ManifestError> {
        cache.get(self.number, number, || self.load(number))
    }

    /// Reads a block and checks everything in it.
    pub(super) fn load(&self, number: u32) -> Result<Loaded, ManifestError> {
        let missing = || ManifestError::damaged(format!("block {number}: there is no such block"));
        let info = self.tail.blocks.get(number as usize).ok_or_else(missing)?;
        let damaged =
            |what: &str| ManifestError::damaged(format!("block {number} at offset {}: {what}", info.offset));
        let mut stored = self.input.read(info.offset, info.stored())?;
        if !has_checksum(&stored, info.checksum) {
            return Err(damaged("another checksum"));
        }
        let packed = stored.get(..info.packed as usize).unwrap_or_default();
        let raw = unpack(packed, info.raw).ok_or_else(|| damaged("it does not unpack"))?;
        stored.drain(..packed.len());
        let plain = stored;
        let loaded = match self.section_of(number) {
            None => Block::parse(number, raw, plain).map(Arc::new).map(Loaded::Directories),
            Some((section, first)) => KeyBlock::parse(section, raw)
                .filter(|block| block.first() == Some(first) && plain.iter().all(|&byte| byte == 0))
                .map(Arc::new)
                .map(Loaded::Keys),
        };
        loaded.ok_or_else(|| damaged("it does not decode"))
    }

    /// Of a block of keys: the section, and the first key it has to have.
    fn section_of(&self, number: u32) -> Option<(Section, (u64, u64))> {
        SECTIONS.into_iter().find_map(|section| {
            let (blocks, first) = self.tail.section(section)?;
            let index = (number as usize).checked_sub(first)?;
            Some((section, *blocks.first.get(index)?))
        })
    }
}

fn no_directory(at: Locator) -> ManifestError {
    let Locator { block, slot } = at;
    ManifestError::damaged(format!("block {block}: directory {slot} is not the one that belongs here"))
}

fn read_header(input: &Input) -> Result<(Vec<u8>, Header), ManifestError> {
    let damaged = || ManifestError::damaged("the header does not decode");
    let start = input.read(0, input.len().min(18))?;
    let mut cursor = Cursor::new(&start);
    if cursor.array() != Some(*MAGIC) {
        return Err(ManifestError::damaged("it does not begin like a manifest"));
    }
    let length = cursor.number().ok_or_else(damaged)?;
    let before = start.len() - cursor.rest().len();
    let all = input.read(0, length.checked_add(before as u64 + 8).ok_or_else(damaged)?)?;
    let (covered, sum) = all.split_last_chunk::<8>().ok_or_else(damaged)?;
    if !has_checksum(covered, u64::from_le_bytes(*sum)) {
        return Err(ManifestError::damaged("the header has another checksum"));
    }
    let mut cursor = Cursor::new(covered.get(before..).ok_or_else(damaged)?);
    let header = Header::decode(&mut cursor).filter(|_| cursor.is_at_end()).ok_or_else(damaged)?;
    Ok((all, header))
}
