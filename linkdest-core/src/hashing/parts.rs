//! Hashing that keeps what stands for each part of the content, so that a later version need not be compared with this
//! one: parts with the same value are the same.

use blake3::Hasher;

use super::tree::{Value, hasher_at, value, whole};
use crate::manifest::ContentHash;

/// The length of each part but the last, in bytes. A power of two, so that each is a whole subtree of BLAKE3.
pub(crate) const PART: u64 = 256 << 10;

/// A hasher of content from some multiple of [`PART`] on.
pub(super) struct PartsHasher {
    hasher: Hasher,
    /// Where the part begins that is being hashed, and how much of it has come.
    start: u64,
    filled: u64,
    values: Vec<Value>,
}

impl PartsHasher {
    pub fn at(offset: u64) -> Self {
        Self { hasher: hasher_at(offset), start: offset, filled: 0, values: Vec::new() }
    }

    /// Takes the bytes that come next.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // The last part is left open: if it is the only one, it is no subtree but the root.
            if self.filled == PART {
                self.close();
            }
            let room = usize::try_from(PART - self.filled).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.hasher.update(now);
            self.filled += now.len() as u64;
            bytes = later;
        }
    }

    /// Takes a part as a whole, and returns what stands for it; `None`, and takes nothing, if that is none.
    pub fn part(&mut self, bytes: &[u8]) -> Option<Value> {
        if bytes.len() as u64 != PART || !self.filled.is_multiple_of(PART) {
            return None;
        }
        if self.filled == PART {
            self.close();
        }
        self.hasher.update(bytes);
        self.filled = PART;
        Some(value(&self.hasher))
    }

    fn close(&mut self) {
        self.values.push(value(&self.hasher));
        self.start += PART;
        self.hasher = hasher_at(self.start);
        self.filled = 0;
    }

    /// What stands for the parts; there are more of them elsewhere.
    pub fn values(mut self) -> Vec<Value> {
        if self.filled > 0 {
            self.close();
        }
        self.values
    }

    /// The hash of everything, from the first byte on, and what stands for its parts, if there are several.
    pub fn finish(self) -> Option<(ContentHash, Vec<Value>)> {
        if self.values.is_empty() {
            return Some((ContentHash(*self.hasher.finalize().as_bytes()), Vec::new()));
        }
        let values = self.values();
        whole(&values).map(|hash| (hash, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hash_as_the_whole_does() {
        let part = usize::try_from(PART).unwrap();
        let bytes: Vec<u8> = (0..=250).flat_map(|byte| [byte; 1000]).cycle().take(5 * part + 7).collect();
        for length in [0, 1, part - 1, part, part + 1, 2 * part, 3 * part - 1, 4 * part, bytes.len()] {
            let expected = ContentHash(*blake3::hash(&bytes[..length]).as_bytes());
            for step in [part, 1 << 20, 1000] {
                let mut hasher = PartsHasher::at(0);
                bytes[..length].chunks(step).for_each(|bytes| hasher.update(bytes));
                let (hash, values) = hasher.finish().unwrap();
                assert_eq!(hash, expected, "{length} {step}");
                assert_eq!(values.len(), if length > part { length.div_ceil(part) } else { 0 });
            }
        }
    }

    #[test]
    fn equal_parts_have_equal_values_at_their_place_alone() {
        let part = usize::try_from(PART).unwrap();
        let (same, other) = (vec![1; part], vec![2; part]);
        let values = |parts: &[&[u8]]| {
            let mut hasher = PartsHasher::at(0);
            parts.iter().map(|part| hasher.part(part).unwrap()).collect::<Vec<_>>()
        };
        let (one, two) = (values(&[&same, &other, &same]), values(&[&same, &same, &same]));
        assert_eq!((one[0], one[2]), (two[0], two[2]));
        assert_ne!(one[1], two[1]);
        assert_ne!(two[0], two[1]);
        assert!(PartsHasher::at(0).part(&same[1..]).is_none());
        let mut begun = PartsHasher::at(0);
        begun.update(&same[..5]);
        assert!(begun.part(&same).is_none());
    }
}
