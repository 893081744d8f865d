//! What tests, benchmarks and fuzz targets need beside the public interface; no part of it.

use std::io;
use std::path::Path;

use super::draft::DirectoryDraft;
use super::error::ManifestError;
use super::hash::ContentHash;
use super::header::{FileSystemId, Header, Totals};
use super::keys::Section;
use super::lane::Lane;
use super::reader::Manifest;
use super::record::{Entry, Subtree};
use super::writer::ManifestWriter;
use crate::entry::{Metadata, Timestamp};
use crate::os::{Dir, File, c_name};

pub use super::writer::Limits;

/// Opens a manifest that is in memory.
///
/// # Errors
/// Anything that is not a manifest.
pub fn read(bytes: Vec<u8>) -> Result<Manifest, ManifestError> {
    Manifest::from_bytes(bytes)
}

/// Opens a manifest in a file.
///
/// # Errors
/// Anything that is not a manifest.
pub fn open(path: &Path) -> Result<Manifest, ManifestError> {
    Manifest::open(File::open_operator_path(path)?)
}

/// Writes a manifest on one thread, through any number of lanes.
#[derive(Debug)]
pub struct Scribe {
    writer: ManifestWriter,
    lanes: Vec<Lane>,
}

impl Scribe {
    /// Starts a manifest in a new file.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn create(
        directory: &Path,
        name: &str,
        header: &Header,
        lanes: usize,
        limits: Limits,
    ) -> io::Result<Self> {
        let directory = Dir::open_operator_path(directory)?;
        let file = directory.create_file(&c_name(name)?)?;
        let writer = ManifestWriter::create_with(file, directory, header, limits)?;
        let lanes = (0..lanes).map(|_| writer.lane()).collect();
        Ok(Self { writer, lanes })
    }

    /// Writes a directory.
    ///
    /// # Errors
    /// What the file system or the format refuses, and a lane that there is not.
    pub fn directory<'a>(
        &mut self,
        lane: usize,
        path: &[u8],
        metadata: &Metadata,
        entries: impl IntoIterator<Item = Entry<'a>>,
    ) -> io::Result<Subtree> {
        let mut draft = DirectoryDraft::new(metadata);
        entries.into_iter().for_each(|entry| draft.push(&entry));
        let lane = self.lanes.get_mut(lane).ok_or(io::ErrorKind::InvalidInput)?;
        lane.write(&self.writer, path, &mut draft, None)
    }

    /// Ends the manifest.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn finish(
        self,
        root: &Entry<'_>,
        devices: &[FileSystemId],
        totals: Totals,
        ended: Timestamp,
    ) -> io::Result<ContentHash> {
        self.writer.finish(self.lanes, root, devices, totals, ended)
    }
}

/// How many bytes of a manifest are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Header, tail and footer.
    pub frame: u64,
    /// The blocks of directories.
    pub directories: u64,
    /// What those unpack to, hashes included.
    pub unpacked: u64,
    /// The keys of inodes.
    pub inodes: u64,
    /// The keys of content.
    pub content: u64,
}

/// Says how many bytes of a manifest are what.
#[must_use]
pub fn sizes(manifest: &Manifest) -> Sizes {
    let tail = &manifest.tail;
    let stored = |from: usize, count: usize| -> u64 {
        tail.blocks.iter().skip(from).take(count).map(super::frame::BlockInfo::stored).sum()
    };
    let section =
        |section| tail.section(section).map_or(0, |(blocks, first)| stored(first, blocks.first.len()));
    let count = tail.directory_blocks();
    let unpacked = tail.blocks.iter().take(count).map(|block| u64::from(block.raw) + u64::from(block.plain));
    Sizes {
        frame: manifest.length() - stored(0, tail.blocks.len()),
        directories: stored(0, count),
        unpacked: unpacked.sum(),
        inodes: section(Section::Inodes),
        content: section(Section::Content),
    }
}
