//! The bytes of a manifest.

use super::error::ManifestError;
use crate::os::File;

#[derive(Debug)]
pub(super) enum Input {
    /// A file, and its length when it was opened.
    File(File, u64),
    Memory(Vec<u8>),
}

impl Input {
    pub fn len(&self) -> u64 {
        match self {
            Self::File(_, length) => *length,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Reads bytes; that they lie within the input is checked before space is made for them.
    pub fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, ManifestError> {
        let beyond =
            || ManifestError::damaged(format!("{length} bytes at offset {offset} lie beyond the end"));
        let end = offset.checked_add(length).filter(|end| *end <= self.len()).ok_or_else(beyond)?;
        let (start, end) = (usize::try_from(offset), usize::try_from(end));
        let (Ok(start), Ok(end)) = (start, end) else { return Err(beyond()) };
        match self {
            Self::File(file, _) => {
                let mut bytes = vec![0; end - start];
                if file.read_at(&mut bytes, offset)? == bytes.len() { Ok(bytes) } else { Err(beyond()) }
            }
            Self::Memory(bytes) => Ok(bytes.get(start..end).ok_or_else(beyond)?.to_vec()),
        }
    }
}
