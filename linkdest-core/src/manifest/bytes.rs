//! Numbers and texts as bytes.

use crate::entry::Timestamp;

/// Appends a number, seven bits a byte, lowest first; all bytes but the last have the high bit.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

#[inline]
fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Appends a number that may be negative: 0, -1, 1, -2 ... are 0, 1, 2, 3 ...
#[inline]
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, zigzag(value));
}

/// How many bytes [`put`] appends.
#[inline]
pub(super) fn length(value: u64) -> u32 {
    (63 - (value | 1).leading_zeros()) / 7 + 1
}

/// How many bytes [`put_signed`] appends.
#[inline]
pub(super) fn signed_length(value: i64) -> u32 {
    length(zigzag(value))
}

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Appends a length and that many bytes.
#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a time: seconds, nanoseconds.
pub(super) fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    put_signed(out, time.seconds);
    put(out, u64::from(time.nanos));
}

/// Bytes that are read from front to back; everything is `None` where they end too early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// A number as [`put`] writes it; one that is written longer than need be is none.
    #[inline]
    pub fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        self.long_number(u64::from(first & 0x7f))
    }

    fn long_number(&mut self, mut value: u64) -> Option<u64> {
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return (byte != 0).then_some(value);
            }
        }
        None
    }

    #[inline]
    pub fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.number()?).ok()
    }

    #[inline]
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    #[inline]
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    #[inline]
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.small()?;
        self.take(length)
    }

    pub fn text(&mut self) -> Option<String> {
        Some(std::str::from_utf8(self.bytes()?).ok()?.to_owned())
    }

    pub fn time(&mut self) -> Option<Timestamp> {
        let (seconds, nanos) = (self.signed()?, self.small()?);
        (nanos < 1_000_000_000).then_some(Timestamp { seconds, nanos })
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let near = |value: u64| [value.wrapping_sub(1), value, value.wrapping_add(1)];
        for value in (0..64).flat_map(|bit| near(1 << bit)) {
            let mut out = Vec::new();
            put(&mut out, value);
            assert_eq!(out.len(), length(value) as usize);
            put_signed(&mut out, value.cast_signed());
            assert_eq!(out.len(), (length(value) + signed_length(value.cast_signed())) as usize);
            let mut cursor = Cursor::new(&out);
            assert_eq!(cursor.number(), Some(value));
            assert_eq!(cursor.signed(), Some(value.cast_signed()));
            assert!(cursor.is_at_end());
        }
    }

    #[test]
    fn each_number_has_one_form() {
        for bytes in [
            &b""[..],
            b"\x80",
            b"\x80\x00",
            b"\xff\x80\x00",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00",
        ] {
            assert_eq!(Cursor::new(bytes).number(), None, "{bytes:?}");
        }
        assert_eq!(Cursor::new(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").number(), Some(u64::MAX));
    }
}
