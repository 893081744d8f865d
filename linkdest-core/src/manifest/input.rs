//! The bytes of a manifest.

use std::io;

use super::error::ManifestError;
use crate::os::File;

/// Bytes that are somewhere else.
pub(crate) trait ReadAt: Send + Sync + std::fmt::Debug {
    /// Reads at `offset` until the buffer is full or the bytes end; returns how many were read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

#[derive(Debug)]
pub(super) enum Input {
    /// A file, and its length when it was opened.
    File(File, u64),
    Memory(Vec<u8>),
    /// The same of a file on a server.
    Remote(Box<dyn ReadAt>, u64),
}

impl Input {
    pub fn len(&self) -> u64 {
        match self {
            Self::File(_, length) | Self::Remote(_, length) => *length,
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
        let whole = |bytes: Vec<u8>, read: usize| if read == bytes.len() { Ok(bytes) } else { Err(beyond()) };
        match self {
            Self::File(file, _) => {
                let mut bytes = vec![0; end - start];
                let read = file.read_at(&mut bytes, offset)?;
                whole(bytes, read)
            }
            Self::Remote(file, _) => {
                // That there are so many is the word of a server.
                let mut bytes = Vec::new();
                while bytes.len() < end - start {
                    let had = bytes.len();
                    bytes.resize((had + STEP).min(end - start), 0);
                    let (_, to) = bytes.split_at_mut(had);
                    let wanted = to.len();
                    if file.read_at(to, offset + had as u64)? < wanted {
                        return Err(beyond());
                    }
                }
                Ok(bytes)
            }
            Self::Memory(bytes) => Ok(bytes.get(start..end).ok_or_else(beyond)?.to_vec()),
        }
    }
}

/// Space is made for so much at a time of what a server says that it has.
const STEP: usize = 1 << 20;
