//! Content on its way from a source to staging: shared blocks where the file system can, else the bytes, holes kept.

use std::io;

use crate::entry::Metadata;
use crate::monitor::StopFlag;
use crate::os::File;
use crate::source::SourceFile;

/// Why content did not arrive.
#[derive(Debug)]
pub(super) enum CopyError {
    Source(io::Error),
    Repository(io::Error),
    /// The run was told to stop.
    Stopped,
}

/// One read and one write are this large at most.
const CHUNK: u64 = 1 << 20;
/// Longer files get their length first: XFS then allocates no more than is written, and holes need no writes.
const LENGTH_FIRST: u64 = 64 << 10;
/// Nothing honest says that it is empty and goes on for longer than this.
const UNSIZED_LIMIT: u64 = 64 << 20;

/// Copies what the file held when `metadata` was taken; returns the bytes written, holes left out.
///
/// No more than `metadata.size` is copied, so that a growing file comes to an end. Whether it changed meanwhile is the
/// caller's to find out.
pub(super) fn copy<F: SourceFile>(
    from: &F,
    metadata: &Metadata,
    to: &File,
    buffer: &mut Vec<u8>,
    stop: &StopFlag,
) -> Result<u64, CopyError> {
    let size = metadata.size;
    if size == 0 {
        let copied = copy_range(from, 0, UNSIZED_LIMIT, to, buffer, stop)?;
        let more =
            copied == UNSIZED_LIMIT && from.read_at(chunk(buffer, 1), copied).map_err(CopyError::Source)? > 0;
        let endless =
            || io::Error::new(io::ErrorKind::FileTooLarge, "says that it is empty, and is over 64 MiB");
        return if more { Err(CopyError::Source(endless())) } else { Ok(copied) };
    }
    if size > LENGTH_FIRST {
        to.set_len(size).map_err(CopyError::Repository)?;
    }
    match from.local() {
        Some(local) if metadata.allocated < size => copy_extents(from, local, size, to, buffer, stop),
        _ => {
            let copied = copy_range(from, 0, size, to, buffer, stop)?;
            // Some files say more than they have; nothing is added to what was read.
            if copied < size {
                to.set_len(copied).map_err(CopyError::Repository)?;
            }
            Ok(copied)
        }
    }
}

/// Copies the extents that hold data, and leaves the holes between them.
fn copy_extents<F: SourceFile>(
    from: &F,
    local: &File,
    size: u64,
    to: &File,
    buffer: &mut Vec<u8>,
    stop: &StopFlag,
) -> Result<u64, CopyError> {
    to.set_len(size).map_err(CopyError::Repository)?;
    let (mut offset, mut written) = (0, 0);
    while offset < size {
        let start = match local.next_data(offset) {
            Ok(Some(start)) if start < size => start,
            Ok(_) => break,
            // A file system that cannot tell holes: everything is data.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Ok(written + copy_range(from, offset, size, to, buffer, stop)?);
            }
            Err(error) => return Err(CopyError::Source(error)),
        };
        let end = local.next_hole(start).map_err(CopyError::Source)?.clamp(start + 1, size);
        written += copy_range(from, start, end, to, buffer, stop)?;
        offset = end;
    }
    Ok(written)
}

/// Copies `start..end`, or as much of it as there is.
fn copy_range<F: SourceFile>(
    from: &F,
    start: u64,
    end: u64,
    to: &File,
    buffer: &mut Vec<u8>,
    stop: &StopFlag,
) -> Result<u64, CopyError> {
    let mut offset = start;
    while offset < end {
        if stop.is_stopped() {
            return Err(CopyError::Stopped);
        }
        let chunk = chunk(buffer, end - offset);
        let read = from.read_at(chunk, offset).map_err(CopyError::Source)?;
        let (bytes, short) = (chunk.get(..read).unwrap_or_default(), read < chunk.len());
        to.write_all_at(bytes, offset).map_err(CopyError::Repository)?;
        offset += read as u64;
        if short {
            break;
        }
    }
    Ok(offset - start)
}

/// The part of the buffer that the next read may fill.
fn chunk(buffer: &mut Vec<u8>, left: u64) -> &mut [u8] {
    let length = usize::try_from(left.min(CHUNK)).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    buffer.get_mut(..length).unwrap_or_default()
}

/// Compares the bytes of a file with those of a reference, both of `size` bytes; holes are not read.
pub(super) fn same_bytes<F: SourceFile>(
    source: &F,
    reference: &File,
    metadata: &Metadata,
    buffers: &mut (Vec<u8>, Vec<u8>),
    stop: &StopFlag,
) -> Result<bool, CopyError> {
    let sparse = metadata.allocated < metadata.size;
    let mut offset = 0;
    while offset < metadata.size {
        if stop.is_stopped() {
            return Err(CopyError::Stopped);
        }
        if let (true, Some(local)) = (sparse, source.local()) {
            match next_data_of_either(local, reference, offset) {
                Some(start) if start < metadata.size => offset = start,
                _ => return Ok(true),
            }
        }
        let ours = chunk(&mut buffers.0, metadata.size - offset);
        let theirs = chunk(&mut buffers.1, metadata.size - offset);
        let read = source.read_at(ours, offset).map_err(CopyError::Source)?;
        let other = reference.read_at(theirs, offset).map_err(CopyError::Repository)?;
        if read != other || ours.get(..read) != theirs.get(..other) || read < ours.len() {
            return Ok(false);
        }
        offset += read as u64;
    }
    Ok(true)
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
