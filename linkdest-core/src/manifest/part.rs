//! The head of a directory in a block, and paths.

use super::base::Base;
use super::bytes::{Cursor, put, put_bytes};
use super::codec::{locator, put_locator};
use super::record::Locator;

/// The longest path of a directory that a manifest can hold, in bytes.
pub(crate) const PATH_LIMIT: usize = 256 << 10;

/// The paths of this many directories in a row may build on each other.
pub(super) const CHAIN: u32 = 16;

const HAS_NEXT: u8 = 1;
const CONTINUES: u8 = 1 << 1;
const HAS_LENGTH: u8 = 1 << 2;

/// What stands before the rows of a directory, or of one part of a very large one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub base: Base,
    /// The part with the names that come after those of this one.
    pub next: Option<Locator>,
    /// Whether it is such a part itself.
    pub continues: bool,
    /// How many entries there are.
    pub entries: u32,
    /// How much of the path of the directory before it in the block is the beginning of its path.
    pub shared: usize,
    /// The end of its path.
    pub suffix: &'a [u8],
    /// What the rows take up; not told in blocks of older manifests.
    pub length: Option<Length>,
}

/// What the rows of a part take up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    pub bytes: u32,
    /// How many have a hash beside them.
    pub hashes: u32,
}

impl<'a> Head<'a> {
    pub fn encode(&self, out: &mut Vec<u8>) {
        let flag = |is_set, bit| if is_set { bit } else { 0 };
        let length = flag(self.length.is_some(), HAS_LENGTH);
        out.push(flag(self.next.is_some(), HAS_NEXT) | flag(self.continues, CONTINUES) | length);
        self.base.encode(out);
        put(out, u64::from(self.entries));
        put(out, self.shared as u64);
        put_bytes(out, self.suffix);
        if let Some(next) = self.next {
            put_locator(out, self.base.block, next);
        }
        if let Some(Length { bytes, hashes }) = self.length {
            put(out, u64::from(bytes));
            put(out, u64::from(hashes));
        }
    }

    pub fn decode(cursor: &mut Cursor<'a>, block: u32) -> Option<Self> {
        let marks = cursor.byte().filter(|marks| marks & !(HAS_NEXT | CONTINUES | HAS_LENGTH) == 0)?;
        Some(Self {
            base: Base::decode(cursor, block)?,
            entries: cursor.small()?,
            shared: cursor.small()?,
            suffix: cursor.bytes()?,
            next: if marks & HAS_NEXT == 0 { None } else { Some(locator(cursor, block)?) },
            continues: marks & CONTINUES != 0,
            length: match marks & HAS_LENGTH {
                0 => None,
                _ => Some(Length { bytes: cursor.small()?, hashes: cursor.small()? }),
            },
        })
    }
}

/// Says whether a name can stand in a directory.
pub(super) fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && name.iter().all(|&byte| byte != 0 && byte != b'/')
}

/// Says whether bytes are the path of a directory, of which the first `known` were looked at before.
pub(super) fn is_path(path: &[u8], known: usize) -> bool {
    let before = path.get(..known).unwrap_or_default();
    let start = before.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let rest = path.get(start..).unwrap_or_default();
    path.len() <= PATH_LIMIT && (path.is_empty() || rest.split(|&byte| byte == b'/').all(is_name))
}

/// How many bytes are the same at the beginning of both.
pub(super) fn shared(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clean_paths_are_taken() {
        for (path, known, good) in [
            (&b""[..], 0, true),
            (b"a", 0, true),
            (b"a/b", 2, true),
            (b"a/b", 1, true),
            (b"a/b", 3, true),
            (b"a/..", 2, false),
            (b"a/..", 3, false),
            (b"a//", 2, false),
            (b"a/", 1, false),
            (b"a/", 2, false),
            (b"/a", 0, false),
            (b"a\0", 1, false),
            (b"a.", 1, true),
            (b"..", 1, false),
        ] {
            assert_eq!(is_path(path, known), good, "{path:?} {known}");
        }
    }
}
