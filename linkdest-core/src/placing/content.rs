//! Content on its way from one file to another: the bytes with their hash, holes kept.

use std::io;

use crate::entry::Metadata;
use crate::hashing::ContentHasher;
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::os::File;
use crate::source::SourceFile;

/// Why content did not arrive.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// Of the file that is copied.
    Source(io::Error),
    /// Of the file that is written, or compared with.
    Target(io::Error),
    /// The run was told to stop.
    Stopped,
}

/// One read and one write are this large at most.
pub(super) const CHUNK: u64 = 1 << 20;
/// Longer files get their length first: XFS then allocates no more than is written, and holes need no writes.
const LENGTH_FIRST: u64 = 64 << 10;
/// Nothing honest says that it is empty and goes on for longer than this.
const UNSIZED_LIMIT: u64 = 64 << 20;

/// Content on its way.
struct Copying<'c, F> {
    from: &'c F,
    to: &'c File,
    buffer: &'c mut Vec<u8>,
    hasher: ContentHasher,
    stop: &'c StopFlag,
}

/// Copies what the file held when `metadata` was taken; returns the bytes written, holes left out, and the hash of the
/// whole.
///
/// No more than `metadata.size` is copied, so that a growing file comes to an end. Whether it changed meanwhile is the
/// caller's to find out.
pub(crate) fn copy<F: SourceFile>(
    from: &F,
    metadata: &Metadata,
    to: &File,
    buffer: &mut Vec<u8>,
    stop: &StopFlag,
) -> Result<(u64, Option<ContentHash>), CopyError> {
    let hasher = ContentHasher::for_size(metadata.size);
    let (written, hasher) = copy_hashed(from, metadata, to, buffer, hasher, stop)?;
    Ok((written, hasher.finish()))
}

/// Copies as [`copy`] does, and returns the hasher that was handed over, which took everything.
pub(crate) fn copy_hashed<F: SourceFile>(
    from: &F,
    metadata: &Metadata,
    to: &File,
    buffer: &mut Vec<u8>,
    hasher: ContentHasher,
    stop: &StopFlag,
) -> Result<(u64, ContentHasher), CopyError> {
    let size = metadata.size;
    let mut copying = Copying { from, to, buffer, hasher, stop };
    if size == 0 {
        let copied = copying.unsized_file()?;
        return Ok((copied, copying.hasher));
    }
    if size > LENGTH_FIRST {
        to.set_len(size).map_err(CopyError::Target)?;
    }
    let written = match from.local() {
        Some(local) if metadata.allocated < size => copying.extents(local, size)?,
        _ => {
            let copied = copying.range(0, size)?;
            // Some files say more than they have; nothing is added to what was read.
            if copied < size {
                to.set_len(copied).map_err(CopyError::Target)?;
            }
            copied
        }
    };
    Ok((written, copying.hasher))
}

impl<F: SourceFile> Copying<'_, F> {
    /// Copies a file that says it is empty: files of the kernel say so and are not.
    fn unsized_file(&mut self) -> Result<u64, CopyError> {
        let copied = self.range(0, UNSIZED_LIMIT)?;
        let more = copied == UNSIZED_LIMIT
            && self.from.read_at(chunk(self.buffer, 1), copied).map_err(CopyError::Source)? > 0;
        if more {
            let message = "says that it is empty, and is over 64 MiB";
            return Err(CopyError::Source(io::Error::new(io::ErrorKind::FileTooLarge, message)));
        }
        Ok(copied)
    }

    /// Copies the extents that hold data, and leaves the holes between them.
    fn extents(&mut self, local: &File, size: u64) -> Result<u64, CopyError> {
        self.to.set_len(size).map_err(CopyError::Target)?;
        let (mut offset, mut written) = (0, 0);
        while offset < size {
            let start = match local.next_data(offset) {
                Ok(Some(start)) if start < size => start,
                Ok(_) => break,
                // A file system that cannot tell holes: everything is data.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    return Ok(written + self.range(offset, size)?);
                }
                Err(error) => return Err(CopyError::Source(error)),
            };
            self.hasher.hole(start - offset);
            let end = local.next_hole(start).map_err(CopyError::Source)?.clamp(start + 1, size);
            written += self.range(start, end)?;
            offset = end;
        }
        self.hasher.hole(size.saturating_sub(offset));
        Ok(written)
    }

    /// Copies `start..end`, or as much of it as there is.
    fn range(&mut self, start: u64, end: u64) -> Result<u64, CopyError> {
        let mut offset = start;
        while offset < end {
            if self.stop.is_stopped() {
                return Err(CopyError::Stopped);
            }
            let chunk = chunk(self.buffer, end - offset);
            let read = self.from.read_at(chunk, offset).map_err(CopyError::Source)?;
            let (bytes, short) = (chunk.get(..read).unwrap_or_default(), read < chunk.len());
            self.to.write_all_at(bytes, offset).map_err(CopyError::Target)?;
            self.hasher.data(self.buffer, read);
            offset += read as u64;
            if short {
                break;
            }
        }
        Ok(offset - start)
    }
}

/// The part of the buffer that the next read may fill.
pub(super) fn chunk(buffer: &mut Vec<u8>, left: u64) -> &mut [u8] {
    let length = usize::try_from(left.min(CHUNK)).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    buffer.get_mut(..length).unwrap_or_default()
}

/// What came of comparing the bytes of two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    /// They are the same, and this is their hash, if they have one.
    Same(Option<ContentHash>),
    Different,
}

/// Compares the bytes of a file with those of a reference, both of the size that `metadata` says.
/// Holes are not read.
pub(crate) fn same_bytes<F: SourceFile>(
    source: &F,
    reference: &File,
    metadata: &Metadata,
    buffers: &mut (Vec<u8>, Vec<u8>),
    stop: &StopFlag,
) -> Result<Compared, CopyError> {
    let sparse = metadata.allocated < metadata.size;
    let mut hasher = ContentHasher::for_size(metadata.size);
    let mut offset = 0;
    while offset < metadata.size {
        if stop.is_stopped() {
            return Err(CopyError::Stopped);
        }
        if let (true, Some(local)) = (sparse, source.local()) {
            match next_data_of_either(local, reference, offset) {
                Some(start) if start < metadata.size => {
                    hasher.hole(start - offset);
                    offset = start;
                }
                _ => {
                    hasher.hole(metadata.size - offset);
                    break;
                }
            }
        }
        let ours = chunk(&mut buffers.0, metadata.size - offset);
        let theirs = chunk(&mut buffers.1, metadata.size - offset);
        let read = source.read_at(ours, offset).map_err(CopyError::Source)?;
        let other = reference.read_at(theirs, offset).map_err(CopyError::Target)?;
        if read != other || ours.get(..read) != theirs.get(..other) || read < ours.len() {
            return Ok(Compared::Different);
        }
        hasher.data(&mut buffers.0, read);
        offset += read as u64;
    }
    Ok(Compared::Same(hasher.finish()))
}

/// Where data begins next in one of the two; `None` if only holes follow in both. Unknown counts as data.
fn next_data_of_either(a: &File, b: &File, offset: u64) -> Option<u64> {
    match (a.next_data(offset), b.next_data(offset)) {
        (Ok(None), Ok(None)) => None,
        (Ok(Some(a)), Ok(Some(b))) => Some(a.min(b)),
        (Ok(Some(start)), Ok(None)) | (Ok(None), Ok(Some(start))) => Some(start),
        _ => Some(offset),
    }
}
