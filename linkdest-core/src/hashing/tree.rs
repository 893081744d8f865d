//! The hash of a file whose parts are hashed apart: BLAKE3 is a tree, and each part a subtree of it (section 2.1 of the
//! BLAKE3 paper).

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};

use crate::manifest::ContentHash;

/// What stands for a part in the tree.
pub(crate) type Value = ChainingValue;

/// A hasher for the part that begins there, at a multiple of the length of parts, which is a power of two.
pub(super) fn hasher_at(offset: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset);
    hasher
}

pub(super) fn value(hasher: &Hasher) -> Value {
    hasher.finalize_non_root()
}

/// The hash of the whole, which has two parts at least.
pub(crate) fn whole(parts: &[Value]) -> Option<ContentHash> {
    let (left, right) = parts.split_at_checked(left_of(parts.len()))?;
    let hash = merge_subtrees_root(&joined(left)?, &joined(right)?, Mode::Hash);
    Some(ContentHash(*hash.as_bytes()))
}

/// The value of parts that are a subtree together.
pub(crate) fn joined(parts: &[Value]) -> Option<Value> {
    if let [one] = parts {
        return Some(*one);
    }
    let (left, right) = parts.split_at_checked(left_of(parts.len()))?;
    Some(merge_subtrees_non_root(&joined(left)?, &joined(right)?, Mode::Hash))
}

/// How many of so many parts are in the left subtree: the largest power of two below.
fn left_of(parts: usize) -> usize {
    parts.div_ceil(2).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_left_subtree_is_the_largest_power_of_two_below() {
        for (parts, left) in [(2, 1), (3, 2), (4, 2), (5, 4), (6, 4), (8, 4), (9, 8), (17, 16)] {
            assert_eq!(left_of(parts), left, "{parts}");
        }
    }

    #[test]
    fn nothing_is_no_tree() {
        assert_eq!(whole(&[]), None);
        assert_eq!(whole(&[value(hasher_at(0).update(b"one"))]), None);
    }
}
