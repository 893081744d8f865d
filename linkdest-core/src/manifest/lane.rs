//! Where one worker writes directories.

use std::io;

use super::base::Base;
use super::directory::Directory;
use super::draft::DirectoryDraft;
use super::frame::Packer;
use super::hash::ContentHash;
use super::part::{CHAIN, Head, Length, PATH_LIMIT, is_path, shared};
use super::record::{Locator, Place, Subtree};
use super::runs::LaneKeys;
use super::tree_hash::TreeHasher;
use super::writer::ManifestWriter;

/// Where one worker writes directories: its own block, filled until it is large enough.
#[derive(Debug)]
pub(crate) struct Lane {
    number: u32,
    filling: Filling,
    packer: Packer,
    hasher: TreeHasher,
    /// The rows of the part that is being written.
    part: Vec<u8>,
    pub(super) keys: LaneKeys,
}

/// The block that is being filled.
#[derive(Debug, Default)]
struct Filling {
    block: Option<u32>,
    rows: Vec<u8>,
    hashes: Vec<u8>,
    parts: u32,
    /// The path of the last part.
    path: Vec<u8>,
}

impl Lane {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            filling: Filling::default(),
            packer: Packer::default(),
            hasher: TreeHasher::default(),
            part: Vec::new(),
            keys: LaneKeys::default(),
        }
    }

    /// Writes one directory whose sub-directories were all written before, and empties the draft. `earlier` is what it may
    /// still be, with its hash.
    ///
    /// # Errors
    /// What cannot be written; a path of more than [`PATH_LIMIT`] bytes, names that no directory has, entries that
    /// are far too large.
    pub fn write(
        &mut self,
        writer: &ManifestWriter,
        path: &[u8],
        draft: &mut DirectoryDraft,
        earlier: Option<(Directory, ContentHash)>,
    ) -> io::Result<Subtree> {
        if !is_path(path, 0) {
            let what =
                format!("a manifest holds no path with more than {PATH_LIMIT} bytes, or with bad names");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        draft.sort()?;
        let known = earlier.filter(|(earlier, _)| draft.is_as(earlier, &mut self.hasher));
        let hash = known.map(|(_, hash)| hash).or_else(|| self.hasher.hash(draft.entries()));
        let mut next = None;
        let mut end = draft.len();
        loop {
            let start = self.part_start(writer, draft, end);
            let at = self.write_part(writer, path, draft, start..end, next)?;
            if start == 0 {
                draft.clear();
                return Ok(Subtree { at, hash });
            }
            (next, end) = (Some(at), start);
        }
    }

    /// Where the last part of the entries before `end` begins.
    fn part_start(&self, writer: &ManifestWriter, draft: &DirectoryDraft, end: usize) -> usize {
        let limits = &writer.limits;
        let mut bytes = 0;
        let fits = |index: &usize| {
            bytes += draft.row_length(*index);
            end - index <= limits.part_entries && (bytes <= limits.part_bytes || end - index == 1)
        };
        end - (0..end).rev().take_while(fits).count()
    }

    fn write_part(
        &mut self,
        writer: &ManifestWriter,
        path: &[u8],
        draft: &DirectoryDraft,
        entries: std::ops::Range<usize>,
        next: Option<Locator>,
    ) -> io::Result<Locator> {
        let block = match self.filling.block {
            Some(block) => block,
            None => writer.reserve_block()?,
        };
        self.filling.block = Some(block);
        let at = Locator { block, slot: self.filling.parts };
        let count = u32::try_from(entries.len()).map_err(io::Error::other)?;
        let known = if at.slot.is_multiple_of(CHAIN) { 0 } else { shared(&self.filling.path, path) };
        let suffix = path.get(known..).unwrap_or_default();
        let base = Base { block, ..draft.suitable_base() };
        let Self { part, filling: Filling { rows, hashes, .. }, .. } = self;
        let (continues, hashes_before) = (entries.start > 0, hashes.len());
        part.clear();
        draft.write_rows(entries, &base, part, hashes, |index, identity| {
            for (section, key) in identity.keys(Place { directory: at, index }).into_iter().flatten() {
                self.keys.push(section, key);
            }
        });
        let length = Length {
            bytes: u32::try_from(part.len()).map_err(io::Error::other)?,
            hashes: u32::try_from((hashes.len() - hashes_before) / size_of::<ContentHash>())
                .map_err(io::Error::other)?,
        };
        let length = Some(length);
        Head { base, next, continues, entries: count, shared: known, suffix, length }.encode(rows);
        rows.extend_from_slice(part);
        self.filling.parts += 1;
        self.filling.path.truncate(known);
        self.filling.path.extend_from_slice(suffix);
        self.tidy(writer)?;
        Ok(at)
    }

    /// Writes what has become large.
    fn tidy(&mut self, writer: &ManifestWriter) -> io::Result<()> {
        if self.filling.rows.len() + self.filling.hashes.len() >= writer.limits.block {
            self.flush(writer)?;
        }
        if self.keys.size() >= writer.limits.keys {
            self.keys.spill(&writer.scratch, self.number)?;
        }
        Ok(())
    }

    /// Brings what is still in memory in order, so that ending the manifest is left with less to do.
    pub fn prepare(&mut self) {
        self.keys.sort();
    }

    /// Writes the block as it is.
    pub(super) fn flush(&mut self, writer: &ManifestWriter) -> io::Result<()> {
        let Some(block) = self.filling.block.take() else { return Ok(()) };
        let filling = &mut self.filling;
        let (info, stored) = self.packer.pack(&filling.rows, &filling.hashes)?;
        filling.rows.clear();
        filling.hashes.clear();
        filling.parts = 0;
        writer.write_block(block, info, stored)
    }
}
