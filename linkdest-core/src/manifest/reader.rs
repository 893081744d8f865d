//! Reading a manifest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::block::Block;
use super::bytes::Cursor;
use super::cache::BlockCache;
use super::codec;
use super::directory::{Directory, Found};
use super::error::ManifestError;
use super::hash::ContentHash;
use super::header::{FileSystemId, Header, Totals};
use super::record::{Entry, Locator, Place};
use super::tail::{FOOTER, Footer, MAGIC, Tail, checksum};
use super::walk::Walk;
use crate::entry::Timestamp;
use crate::os::File;
use crate::path::RelPath;

/// A manifest that is read: entries by path, by inode and by content, or all of them in order.
#[derive(Debug)]
pub struct Manifest {
    bytes: Bytes,
    /// Tells manifests apart in a cache.
    number: u64,
    header: Header,
    tail: Tail,
    root: Arc<[u8]>,
    digest: ContentHash,
}

#[derive(Debug)]
enum Bytes {
    File(File, u64),
    Memory(Vec<u8>),
}

impl Bytes {
    fn len(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, ManifestError> {
        let end = offset.checked_add(length).filter(|end| *end <= self.len());
        let (Some(end), Ok(length)) = (end, usize::try_from(length)) else {
            return Err(ManifestError::damaged(format!(
                "{length} bytes at offset {offset} lie beyond the end"
            )));
        };
        match self {
            Self::File(file, _) => {
                let mut bytes = vec![0; length];
                if file.read_at(&mut bytes, offset)? != length {
                    return Err(ManifestError::damaged("the file became shorter"));
                }
                Ok(bytes)
            }
            Self::Memory(bytes) => {
                let (start, end) = (usize::try_from(offset), usize::try_from(end));
                let range = start.ok().zip(end.ok()).and_then(|(start, end)| bytes.get(start..end));
                Ok(range.unwrap_or_default().to_vec())
            }
        }
    }
}

static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl Manifest {
    /// Opens a manifest.
    pub(crate) fn open(file: File) -> Result<Self, ManifestError> {
        let length = file.stat()?.size;
        Self::read(Bytes::File(file, length))
    }

    /// Opens a manifest that is in memory.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Self, ManifestError> {
        Self::read(Bytes::Memory(bytes))
    }

    fn read(bytes: Bytes) -> Result<Self, ManifestError> {
        let footer_offset = bytes
            .len()
            .checked_sub(FOOTER as u64)
            .ok_or_else(|| ManifestError::damaged("the file is too short for a manifest"))?;
        let footer = Footer::decode(&bytes.read(footer_offset, FOOTER as u64)?)?;
        let tail_bytes = bytes.read(footer.tail_offset, footer.tail_length)?;
        if checksum(&tail_bytes) != footer.tail_checksum {
            return Err(ManifestError::damaged("the tail has another checksum"));
        }
        let tail = Tail::decode(&tail_bytes)?;
        let (header_bytes, header) = read_header(&bytes)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&header_bytes).update(&tail_bytes);
        let digest = ContentHash(*hasher.finalize().as_bytes());
        let (number, root) = (NUMBERS.fetch_add(1, Ordering::Relaxed), tail.root.as_slice().into());
        Ok(Self { bytes, number, header, tail, root, digest })
    }

    /// What was known before the walk.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// When the manifest was finished.
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
        codec::decode(&self.root).unwrap_or(Entry::NONE)
    }

    pub(super) fn block(&self, number: u32, cache: &mut BlockCache) -> Result<Arc<Block>, ManifestError> {
        cache.get(self.number, number, || self.load(number))
    }

    fn load(&self, number: u32) -> Result<Block, ManifestError> {
        let damaged = |what: &str| ManifestError::damaged(format!("block {number}: {what}"));
        let info = self.tail.blocks.get(number as usize).ok_or_else(|| damaged("there is no such block"))?;
        let stored = self.bytes.read(info.offset, info.stored.into())?;
        if checksum(&stored) != info.checksum {
            return Err(damaged("another checksum"));
        }
        let raw = lz4_flex::block::decompress(&stored, info.raw as usize)
            .ok()
            .filter(|raw| raw.len() == info.raw as usize)
            .ok_or_else(|| damaged("it does not decompress"))?;
        Block::parse(raw).ok_or_else(|| damaged("it does not decode"))
    }

    /// Reads a directory with all of its parts.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn directory(&self, at: Locator, cache: &mut BlockCache) -> Result<Directory, ManifestError> {
        let missing = || ManifestError::damaged(format!("block {}: no directory {}", at.block, at.slot));
        let block = self.block(at.block, cache)?;
        let path = block.part(at.slot).and_then(|part| RelPath::new(block.path(part))).ok_or_else(missing)?;
        let mut directory = Directory::new(path);
        let mut next = Some(at);
        while let Some(at) = next {
            let block = self.block(at.block, cache)?;
            next = block.part(at.slot).ok_or_else(missing)?.next;
            directory.push(at, block);
        }
        Ok(directory)
    }

    /// Finds an entry by its path below the source; the root is the empty path.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn find(&self, path: &[u8], cache: &mut BlockCache) -> Result<Option<Found>, ManifestError> {
        let mut found = Found::root(Arc::clone(&self.root));
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let Some(child) = found.entry().child else { return Ok(None) };
            let directory = self.directory(child, cache)?;
            let index =
                (0..directory.len()).find(|i| directory.get(*i).is_some_and(|entry| entry.name == name));
            let Some(place) = index.and_then(|index| directory.place(index)) else { return Ok(None) };
            found = self.entry_at(place, cache)?;
        }
        Ok(Some(found))
    }

    /// Where the entries are that had this inode: the device is the manifest's own number.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn by_inode(
        &self,
        device: u64,
        inode: u64,
        cache: &mut BlockCache,
    ) -> Result<Vec<Place>, ManifestError> {
        let _ = cache;
        self.scan(|entry| {
            let id = entry.metadata.id;
            id.inode != 0 && (id.device, id.inode) == (device, inode)
        })
    }

    /// Says whether some regular file has this size; no file of no size is known.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn knows_size(&self, size: u64, cache: &mut BlockCache) -> Result<bool, ManifestError> {
        let _ = cache;
        Ok(!self.scan(|entry| entry.content.is_some() && size > 0 && entry.metadata.size == size)?.is_empty())
    }

    /// Where regular files of this size and content may be; their hash is still to be looked at.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn by_content(
        &self,
        size: u64,
        hash: &ContentHash,
        cache: &mut BlockCache,
    ) -> Result<Vec<Place>, ManifestError> {
        let _ = cache;
        self.scan(|entry| entry.metadata.size == size && entry.content.as_ref() == Some(hash))
    }

    fn scan(&self, wanted: impl Fn(&Entry<'_>) -> bool) -> Result<Vec<Place>, ManifestError> {
        let mut places = Vec::new();
        for directory in self.walk() {
            let directory = directory?;
            let all = directory.entries().enumerate().filter(|(_, entry)| wanted(entry));
            places.extend(all.filter_map(|(index, _)| directory.place(index)));
        }
        Ok(places)
    }

    /// Reads the entry at a place.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn entry_at(&self, place: Place, cache: &mut BlockCache) -> Result<Found, ManifestError> {
        let block = self.block(place.directory.block, cache)?;
        Found::in_block(block, place).ok_or_else(|| ManifestError::damaged("no such entry"))
    }

    /// Reads all directories in the order of their paths.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(self)
    }

    /// Reads everything there is and checks it.
    ///
    /// # Errors
    /// What cannot be read or is damaged.
    pub fn check(&self) -> Result<(), ManifestError> {
        for number in 0..u32::try_from(self.tail.blocks.len()).unwrap_or(u32::MAX) {
            self.load(number)?;
        }
        self.walk().try_for_each(|directory| directory.map(drop))
    }
}

fn read_header(bytes: &Bytes) -> Result<(Vec<u8>, Header), ManifestError> {
    let damaged = || ManifestError::damaged("the header does not decode");
    let start = bytes.read(0, bytes.len().min(18))?;
    let mut cursor = Cursor::new(&start);
    if cursor.array() != Some(*MAGIC) {
        return Err(ManifestError::damaged("it does not begin like a manifest"));
    }
    let length = cursor.number().ok_or_else(damaged)?;
    let before = (start.len() - cursor.rest().len()) as u64;
    let all = bytes.read(0, length.checked_add(before + 8).ok_or_else(damaged)?)?;
    let (covered, sum) = all.split_last_chunk::<8>().ok_or_else(damaged)?;
    let body = usize::try_from(before).ok().and_then(|before| covered.get(before..)).ok_or_else(damaged)?;
    if checksum(covered) != u64::from_le_bytes(*sum) {
        return Err(ManifestError::damaged("the header has another checksum"));
    }
    let mut cursor = Cursor::new(body);
    let header = Header::decode(&mut cursor).filter(|_| cursor.is_at_end()).ok_or_else(damaged)?;
    Ok((all, header))
}
