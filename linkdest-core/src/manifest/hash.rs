//! The hash of a file's content.

use std::fmt;
use std::str::FromStr;

/// The BLAKE3 hash of a file's content.
///
/// ```
/// use linkdest_core::ContentHash;
/// let hash = ContentHash([0xab; 32]);
/// assert_eq!(hash.to_string(), "ab".repeat(32));
/// assert_eq!("ab".repeat(32).parse::<ContentHash>().unwrap(), hash);
/// assert!("ab".parse::<ContentHash>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of no bytes at all, which every empty file has.
    pub const OF_NOTHING: Self = Self([
        0xaf, 0x13, 0x49, 0xb9, 0xf5, 0xf9, 0xa1, 0xa6, 0xa0, 0x40, 0x4d, 0xea, 0x36, 0xdc, 0xc9, 0x49, 0x9b,
        0xcb, 0x25, 0xc9, 0xad, 0xc1, 0x12, 0xb7, 0xcc, 0x9a, 0x93, 0xca, 0xe4, 0x1f, 0x32, 0x62,
    ]);

    /// Hashes bytes that are at hand.
    ///
    /// ```
    /// use linkdest_core::ContentHash;
    /// assert_eq!(ContentHash::of(b""), ContentHash::OF_NOTHING);
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text is not a content hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hexadecimal digits")]
pub struct InvalidContentHash;

impl FromStr for ContentHash {
    type Err = InvalidContentHash;

    fn from_str(text: &str) -> Result<Self, InvalidContentHash> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || pairs.len() != 32 {
            return Err(InvalidContentHash);
        }
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(hash))
    }
}

fn digit(byte: u8) -> Result<u8, InvalidContentHash> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(InvalidContentHash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_64_digits_are_a_hash() {
        for (text, good) in [
            ("0".repeat(64), true),
            ("aF".repeat(32), true),
            ("0".repeat(63), false),
            ("0".repeat(65), false),
            ("0".repeat(66), false),
            ("g".repeat(64), false),
            (" ".repeat(64), false),
            (String::new(), false),
        ] {
            assert_eq!(text.parse::<ContentHash>().is_ok(), good, "{text}");
        }
    }
}
