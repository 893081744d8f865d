//! BLAKE3 of content that passes by, or that is read for it.

mod beside;
mod parts;
mod tree;

use std::io;

use beside::Beside;
pub(crate) use parts::PART;
use parts::PartsHasher;
pub(crate) use tree::{Value, joined, whole};

use crate::entry::Metadata;
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::source::SourceFile;

/// So many bytes of holes are hashed as zeros; beyond, a file of a terabyte without data would cost minutes, and has no
/// hash.
pub(crate) const HOLES_HASHED: u64 = 16 << 30;
/// One read is this large at most.
const CHUNK: usize = 1 << 20;

/// Files from this size on are hashed in a thread of their own, while they are read and written.
const BESIDE_LEAST: u64 = 16 << 20;

/// What stands for the parts is kept of files of this size,
pub(crate) const PARTS_LEAST: u64 = 32 << 20;
/// and up to this one: 32 MiB of memory.
pub(crate) const PARTS_MOST: u64 = 256 << 30;

/// Hashes content as it passes by, from the first byte to the last.
pub(crate) struct ContentHasher {
    place: Place,
    holes: u64,
}

/// Where the hashing is done.
enum Place {
    Here(Box<blake3::Hasher>),
    /// Part by part.
    Parts(Box<PartsHasher>),
    Beside(Beside),
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self { place: Place::Here(Box::default()), holes: 0 }
    }
}

impl ContentHasher {
    /// A hasher for a file of so many bytes.
    pub fn for_size(size: u64) -> Self {
        let beside = if size >= BESIDE_LEAST { Beside::start(None) } else { None };
        beside.map_or_else(Self::default, |beside| Self { place: Place::Beside(beside), holes: 0 })
    }

    /// A hasher for a file of so many bytes that keeps what stands for its parts, if it is large enough to have some.
    pub fn for_parts(size: u64) -> Self {
        if !(PARTS_LEAST..=PARTS_MOST).contains(&size) {
            return Self::for_size(size);
        }
        let here = || Place::Parts(Box::new(PartsHasher::at(0)));
        let beside = Beside::start(Some(PartsHasher::at(0)));
        Self { place: beside.map_or_else(here, Place::Beside), holes: 0 }
    }

    /// A hasher for what is in a file from a multiple of [`PART`] on.
    pub fn from_part(offset: u64) -> Self {
        Self { place: Place::Parts(Box::new(PartsHasher::at(offset))), holes: 0 }
    }

    /// What stands for the parts that were hashed, which [`whole`] takes; `None` if too much of them lay in holes.
    pub fn into_parts(self) -> Option<Vec<Value>> {
        match self.place {
            Place::Parts(hasher) if self.holes <= HOLES_HASHED => Some(hasher.values()),
            _ => None,
        }
    }

    /// Takes the part that comes next, and returns what stands for it; `None`, and takes nothing, where parts are not
    /// kept, or it is none.
    pub fn part(&mut self, bytes: &[u8]) -> Option<Value> {
        match &mut self.place {
            Place::Parts(hasher) if self.holes <= HOLES_HASHED => hasher.part(bytes),
            _ => None,
        }
    }

    /// Takes the bytes that come next: the first `length` of the buffer, which then holds anything.
    pub fn data(&mut self, buffer: &mut Vec<u8>, length: usize) {
        if self.holes > HOLES_HASHED {
            return;
        }
        match &mut self.place {
            Place::Here(hasher) => {
                hasher.update(buffer.get(..length).unwrap_or_default());
            }
            Place::Parts(hasher) => hasher.update(buffer.get(..length).unwrap_or_default()),
            Place::Beside(beside) => beside.data(buffer, length),
        }
    }

    /// Takes a hole that comes next: zeros.
    pub fn hole(&mut self, length: u64) {
        self.holes = self.holes.saturating_add(length);
        if self.holes > HOLES_HASHED {
            return;
        }
        match &mut self.place {
            Place::Here(hasher) => zeros(length, |zeros| {
                hasher.update(zeros);
            }),
            Place::Parts(hasher) => zeros(length, |zeros| hasher.update(zeros)),
            Place::Beside(beside) => beside.zeros(length),
        }
    }

    /// The hash of everything; `None` if too much of it lay in holes.
    pub fn finish(self) -> Option<ContentHash> {
        self.finish_parts().map(|(hash, _)| hash)
    }

    /// The hash of everything, and what stands for its parts, where they were kept and there are several.
    pub fn finish_parts(self) -> Option<(ContentHash, Vec<Value>)> {
        if self.holes > HOLES_HASHED {
            return None;
        }
        match self.place {
            Place::Here(hasher) => Some((ContentHash(*hasher.finalize().as_bytes()), Vec::new())),
            Place::Parts(hasher) => hasher.finish(),
            Place::Beside(beside) => beside.finish(),
        }
    }
}

/// Hands over so many zeros.
fn zeros(length: u64, mut take: impl FnMut(&[u8])) {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let mut left = length;
    while left > 0 {
        let part = usize::try_from(left.min(ZEROS.len() as u64)).unwrap_or_default();
        take(ZEROS.get(..part).unwrap_or_default());
        left -= part as u64;
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
    let mut hasher = ContentHasher::for_size(size);
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
        if read < length {
            return Ok(Hashed::Short);
        }
        hasher.data(buffer, length);
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
            for size in [0, BESIDE_LEAST] {
                let (mut with, mut plain) = (ContentHasher::for_size(size), blake3::Hasher::new());
                with.data(&mut vec![7; before + 1], before);
                with.hole(hole as u64);
                with.data(&mut vec![9; after], after);
                plain.update(&vec![7; before]).update(&vec![0; hole]).update(&vec![9; after]);
                assert_eq!(with.finish(), Some(ContentHash(*plain.finalize().as_bytes())));
            }
        }
    }

    #[test]
    fn a_thread_beside_hashes_the_same_bytes() {
        let mut beside = ContentHasher::for_size(BESIDE_LEAST);
        let mut plain = blake3::Hasher::new();
        let mut buffer = Vec::new();
        for number in 0..100_u8 {
            // Every buffer that comes back holds old bytes.
            buffer.resize(5000, 0);
            buffer.fill(number);
            plain.update(&buffer);
            beside.data(&mut buffer, 5000);
        }
        assert_eq!(beside.finish(), Some(ContentHash(*plain.finalize().as_bytes())));
    }

    #[test]
    fn a_terabyte_of_nothing_has_no_hash() {
        for size in [0, BESIDE_LEAST] {
            let mut hasher = ContentHasher::for_size(size);
            hasher.hole(1 << 40);
            assert!(hasher.finish().is_none());
        }
    }
}
