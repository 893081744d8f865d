//! BLAKE3 of content that passes by, or that is read for it.

use std::io;

use crate::entry::Metadata;
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::source::SourceFile;

/// So many bytes of holes are hashed as zeros; beyond, a file of a terabyte without data would cost minutes, and has no
/// hash.
const HOLES_HASHED: u64 = 16 << 30;
/// One read is this large at most.
const CHUNK: usize = 1 << 20;

/// Hashes content as it passes by, from the first byte to the last.
#[derive(Default)]
pub(crate) struct ContentHasher {
    hasher: blake3::Hasher,
    holes: u64,
}

impl ContentHasher {
    /// Takes the bytes that come next.
    pub fn data(&mut self, bytes: &[u8]) {
        if self.holes <= HOLES_HASHED {
            self.hasher.update(bytes);
        }
    }

    /// Takes a hole that comes next: zeros.
    pub fn hole(&mut self, length: u64) {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        self.holes = self.holes.saturating_add(length);
        if self.holes > HOLES_HASHED {
            return;
        }
        let mut left = length;
        while left > 0 {
            let part = usize::try_from(left.min(ZEROS.len() as u64)).unwrap_or_default();
            self.hasher.update(ZEROS.get(..part).unwrap_or_default());
            left -= part as u64;
        }
    }

    /// The hash of everything; `None` if too much of it lay in holes.
    pub fn finish(self) -> Option<ContentHash> {
        (self.holes <= HOLES_HASHED).then(|| ContentHash(*self.hasher.finalize().as_bytes()))
    }
}

/// What came of reading a file for its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hashed {
    /// All of its bytes were read.
    As(ContentHash),
    /// Too much of it lies in holes.
    Unhashable,
    /// It has fewer bytes than its size said.
    Short,
}

/// Reads and hashes a file of the size that `metadata` says; holes are not read.
///
/// # Errors
/// When it cannot be read; of kind `Interrupted` when the run was stopped.
pub(crate) fn hash<F: SourceFile>(
    file: &F,
    metadata: &Metadata,
    buffer: &mut Vec<u8>,
    stop: &StopFlag,
) -> io::Result<Hashed> {
    let (size, sparse) = (metadata.size, metadata.allocated < metadata.size);
    let mut hasher = ContentHasher::default();
    let mut offset = 0;
    while offset < size {
        if stop.is_stopped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if let (true, Some(local)) = (sparse, file.local()) {
            // A file system that cannot tell holes: everything is data.
            let data = local.next_data(offset).unwrap_or(Some(offset)).unwrap_or(size).clamp(offset, size);
            hasher.hole(data - offset);
            offset = data;
            if hasher.holes > HOLES_HASHED {
                return Ok(Hashed::Unhashable);
            }
        }
        let length = usize::try_from(size - offset).unwrap_or(CHUNK).min(CHUNK);
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        let part = buffer.get_mut(..length).unwrap_or_default();
        let read = file.read_at(part, offset)?;
        hasher.data(part);
        if read < length {
            return Ok(Hashed::Short);
        }
        offset += read as u64;
    }
    Ok(hasher.finish().map_or(Hashed::Unhashable, Hashed::As))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_zeros() {
        for (before, hole, after) in [(0, 1, 0), (5, 70_000, 9), (0, 200_000, 1), (3, 0, 3)] {
            let (mut with, mut plain) = (ContentHasher::default(), ContentHasher::default());
            with.data(&vec![7; before]);
            with.hole(hole as u64);
            with.data(&vec![9; after]);
            plain.data(&vec![7; before]);
            plain.data(&vec![0; hole]);
            plain.data(&vec![9; after]);
            assert_eq!(with.finish(), plain.finish());
        }
    }

    #[test]
    fn a_terabyte_of_nothing_has_no_hash() {
        let mut hasher = ContentHasher::default();
        hasher.hole(1 << 40);
        assert!(hasher.finish().is_none());
    }
}
