//! Extended attributes as they stand in a manifest.

use super::bytes::{Cursor, put, put_bytes};
use super::hash::ContentHash;

/// Values up to this length are kept whole, longer ones as digests.
const WHOLE: usize = 16 << 10;
/// An entry keeps this many bytes of values whole; the others become digests, whatever their length.
const WHOLE_TOGETHER: usize = 512 << 10;

/// One value of an extended attribute.
///
/// ```
/// use linkdest_core::{ContentHash, EncodedXattrs, XattrValue};
/// let long = vec![7; 20_000];
/// let encoded = EncodedXattrs::new([(&b"user.long"[..], &long[..])]);
/// let (_, value) = encoded.as_ref().iter().next().unwrap();
/// assert_eq!(value, XattrValue::Digest { length: 20_000, hash: ContentHash::of(&long) });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XattrValue<'a> {
    /// The value itself.
    Whole(&'a [u8]),
    /// What is known of a long value.
    Digest {
        /// Its length in bytes.
        length: u64,
        /// Its BLAKE3 hash.
        hash: ContentHash,
    },
}

/// The extended attributes of one entry, as they stand in a manifest: iterates by name.
///
/// ```
/// use linkdest_core::{EncodedXattrs, RecordedXattrs, XattrValue};
/// let encoded = EncodedXattrs::new([(&b"user.b"[..], &b"2"[..]), (b"user.a", b"1")]);
/// let all: Vec<_> = encoded.as_ref().into_iter().collect();
/// assert_eq!(all, [(&b"user.a"[..], XattrValue::Whole(b"1")), (b"user.b", XattrValue::Whole(b"2"))]);
/// assert!(RecordedXattrs::NONE.is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordedXattrs<'a>(&'a [u8]);

impl<'a> RecordedXattrs<'a> {
    /// No attributes.
    pub const NONE: RecordedXattrs<'static> = RecordedXattrs(&[]);

    /// Says whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes, sorted by name.
    #[must_use]
    pub fn iter(&self) -> XattrIter<'a> {
        XattrIter(Cursor::new(self.0))
    }

    /// Takes encoded bytes if they are what [`EncodedXattrs`] makes.
    pub(super) fn checked(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let mut last: Option<&[u8]> = None;
        while !cursor.is_at_end() {
            let (name, _) = one(&mut cursor)?;
            if name.is_empty() || last.is_some_and(|last| last >= name) {
                return None;
            }
            last = Some(name);
        }
        Some(Self(bytes))
    }

    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> IntoIterator for RecordedXattrs<'a> {
    type Item = (&'a [u8], XattrValue<'a>);
    type IntoIter = XattrIter<'a>;

    fn into_iter(self) -> XattrIter<'a> {
        self.iter()
    }
}

/// Extended attributes, one after the other: see [`RecordedXattrs::iter`].
#[derive(Debug, Clone)]
pub struct XattrIter<'a>(Cursor<'a>);

impl<'a> Iterator for XattrIter<'a> {
    type Item = (&'a [u8], XattrValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        one(&mut self.0)
    }
}

/// A name; twice the length and 1 for a digest; the value or its hash.
fn one<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], XattrValue<'a>)> {
    let name = cursor.bytes()?;
    let form = cursor.number()?;
    let length = form >> 1;
    let value = if form & 1 == 0 {
        XattrValue::Whole(cursor.take(usize::try_from(length).ok()?)?)
    } else {
        XattrValue::Digest { length, hash: ContentHash(cursor.array()?) }
    };
    Some((name, value))
}

/// Extended attributes in the form in which a manifest keeps them.
///
/// Values of more than 16 KiB, and all further ones after 512 KiB of values, are kept as digests.
///
/// ```
/// use linkdest_core::EncodedXattrs;
/// let mut encoded = EncodedXattrs::default();
/// encoded.refill([(&b"user.a"[..], &b"1"[..])]);
/// assert_eq!(encoded, EncodedXattrs::new([(&b"user.a"[..], &b"1"[..])]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedXattrs(Vec<u8>);

impl EncodedXattrs {
    /// Encodes attributes given as names and values, in any order.
    pub fn new<'a>(attributes: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut encoded = Self::default();
        encoded.refill(attributes);
        encoded
    }

    /// Takes over attributes that stand in a manifest.
    pub fn set(&mut self, recorded: RecordedXattrs<'_>) {
        self.0.clear();
        self.0.extend_from_slice(recorded.as_bytes());
    }

    /// Forgets all attributes.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Encodes other attributes into the same space.
    pub fn refill<'a>(&mut self, attributes: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) {
        // No file system has an attribute without a name.
        let mut sorted: Vec<_> = attributes.into_iter().filter(|(name, _)| !name.is_empty()).collect();
        sorted.sort_unstable();
        sorted.dedup_by_key(|(name, _)| *name);
        self.0.clear();
        let mut together = 0;
        for (name, value) in sorted {
            put_bytes(&mut self.0, name);
            if value.len() > WHOLE || together + value.len() > WHOLE_TOGETHER {
                put(&mut self.0, (value.len() as u64) << 1 | 1);
                self.0.extend_from_slice(&ContentHash::of(value).0);
            } else {
                together += value.len();
                put(&mut self.0, (value.len() as u64) << 1);
                self.0.extend_from_slice(value);
            }
        }
    }

    /// The attributes as an [`Entry`](super::Entry) has them.
    #[must_use]
    pub fn as_ref(&self) -> RecordedXattrs<'_> {
        RecordedXattrs(&self.0)
    }
}
