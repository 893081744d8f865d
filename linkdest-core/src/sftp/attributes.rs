//! What a server tells of an entry, and what it is asked to set.

use super::wire::Input;
use crate::entry::Kind;

/// Attributes as SFTP 3 has them. What is `None` was not told, or is not to be set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// In bytes.
    pub size: Option<u64>,
    /// User and group, by number.
    pub owner: Option<(u32, u32)>,
    /// As `st_mode` has it, with the kind of the entry.
    pub mode: Option<u32>,
    /// When it was last read and last changed, in seconds since 1970.
    pub times: Option<(u32, u32)>,
}

const SIZE: u32 = 1;
const OWNER: u32 = 2;
const MODE: u32 = 4;
const TIMES: u32 = 8;
const EXTENDED: u32 = 0x8000_0000;

impl Attributes {
    /// The kind, where the mode has it.
    pub fn kind(&self) -> Option<Kind> {
        self.mode.and_then(Kind::from_mode)
    }

    /// Reads attributes; `None` if they are cut short, or have parts that SFTP 3 does not know.
    pub(super) fn read(input: &mut Input<'_>) -> Option<Self> {
        let flags = input.number()?;
        if flags & !(SIZE | OWNER | MODE | TIMES | EXTENDED) != 0 {
            return None;
        }
        let mut read = Self::default();
        if flags & SIZE != 0 {
            read.size = Some(input.long()?);
        }
        if flags & OWNER != 0 {
            read.owner = Some((input.number()?, input.number()?));
        }
        if flags & MODE != 0 {
            read.mode = Some(input.number()?);
        }
        if flags & TIMES != 0 {
            read.times = Some((input.number()?, input.number()?));
        }
        if flags & EXTENDED != 0 {
            for _ in 0..input.number()? {
                input.string()?;
                input.string()?;
            }
        }
        Some(read)
    }

    /// The bytes of a request that sets them.
    pub(super) fn encoded(&self) -> Vec<u8> {
        let flag = |there: bool, flag: u32| if there { flag } else { 0 };
        let flags = flag(self.size.is_some(), SIZE)
            | flag(self.owner.is_some(), OWNER)
            | flag(self.mode.is_some(), MODE)
            | flag(self.times.is_some(), TIMES);
        let mut out = flags.to_be_bytes().to_vec();
        out.extend(self.size.iter().flat_map(|size| size.to_be_bytes()));
        let pairs = |pair: Option<(u32, u32)>| pair.into_iter().flat_map(|(a, b)| [a, b]);
        let numbers = pairs(self.owner).chain(self.mode).chain(pairs(self.times));
        out.extend(numbers.flat_map(u32::to_be_bytes));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let whole = Attributes {
            size: Some(1 << 40),
            owner: Some((1, 2)),
            mode: Some(0o100_644),
            times: Some((3, 4)),
        };
        for attributes in [
            whole,
            Attributes::default(),
            Attributes { size: None, ..whole },
            Attributes { owner: None, times: None, ..whole },
        ] {
            let bytes = attributes.encoded();
            let mut input = Input(&bytes);
            assert_eq!(Attributes::read(&mut input), Some(attributes));
            assert!(input.is_empty());
            for length in 0..bytes.len() {
                assert_eq!(Attributes::read(&mut Input(bytes.get(..length).unwrap())), None);
            }
        }
    }

    #[test]
    fn extended_attributes_are_passed_over_and_unknown_ones_refused() {
        let one = b"\x80\0\0\0\0\0\0\x01\0\0\0\x01a\0\0\0\x02bc";
        let endless = b"\x80\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0";
        for (bytes, expected) in [
            (&one[..], Some(Attributes::default())),
            (endless, None),
            (b"\0\0\x01\0", None),
            (b"\0\0\0\x10", None),
        ] {
            assert_eq!(Attributes::read(&mut Input(bytes)), expected, "{bytes:?}");
        }
    }
}
