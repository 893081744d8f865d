//! An open file.

use std::fs;
use std::io::{self, Read as _};

use super::{file_time, system};
use crate::entry::{Kind, Metadata, Timestamp};
use crate::os::calls::{Call, pass};

/// An open file. What is written to is also read back, to hash what was copied.
#[derive(Debug)]
pub(crate) struct File(pub(super) fs::File);

#[cfg(unix)]
impl std::os::fd::AsFd for File {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl File {
    /// Opens a file that the operator named: symlinks are followed, and it may be a pipe.
    #[expect(clippy::disallowed_methods, reason = "the operator's own path")]
    pub fn open_operator_path(path: &std::path::Path) -> io::Result<Self> {
        pass(Call::Open, b"", || fs::File::open(path)).map(Self)
    }

    /// Opens a regular file that the operator named: symlinks are followed, anything else is refused at once.
    pub fn open_regular_operator_path(path: &std::path::Path) -> io::Result<Self> {
        let file = pass(Call::Open, b"", || system::open_followed(path)).map(Self)?;
        if file.stat()?.kind == Kind::File {
            Ok(file)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
    }

    pub fn stat(&self) -> io::Result<Metadata> {
        pass(Call::Stat, b"", || system::stat_file(&self.0))
    }

    /// Reads a stream to its end.
    ///
    /// # Errors
    /// More than `limit` bytes are an error of kind `FileTooLarge`.
    pub fn read_stream(&self, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = (limit as u64).saturating_add(1);
        pass(Call::Read, b"", || (&self.0).take(most).read_to_end(&mut bytes))?;
        if bytes.len() > limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// Reads at `offset` until the buffer is full or the file ends; returns the bytes read.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match pass(Call::Read, b"", || system::read_at(&self.0, rest, offset + filled as u64))? {
                0 => break,
                n => filled += n,
            }
        }
        Ok(filled)
    }

    pub fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match pass(Call::Write, b"", || system::write_at(&self.0, bytes, offset))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                n => {
                    bytes = bytes.get(n..).unwrap_or_default();
                    offset += n as u64;
                }
            }
        }
        Ok(())
    }

    /// Waits until the content is on disk.
    pub fn sync(&self) -> io::Result<()> {
        pass(Call::Sync, b"", || self.0.sync_all())
    }

    pub fn set_len(&self, length: u64) -> io::Result<()> {
        pass(Call::SetLen, b"", || self.0.set_len(length))
    }

    /// The next offset with data at or after `offset`; `None` if only a hole follows.
    ///
    /// # Errors
    /// Kind `InvalidInput` where holes cannot be told: all is data then.
    pub fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        pass(Call::Seek, b"", || system::next_data(&self.0, offset))
    }

    /// The next offset in a hole at or after `offset`; the end of the file counts as one.
    pub fn next_hole(&self, offset: u64) -> io::Result<u64> {
        pass(Call::Seek, b"", || system::next_hole(&self.0, offset))
    }

    /// No portable call makes files share blocks.
    pub fn clone_from(&self, _: &Self) -> io::Result<()> {
        pass(Call::Clone, b"", || Err(system::unsupported()))
    }

    /// No portable call makes files share blocks.
    pub fn share_range(&self, _: &Self, _: u64, _: u64) -> io::Result<()> {
        pass(Call::CopyRange, b"", || Err(system::unsupported()))
    }

    pub fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        pass(Call::SetOwner, b"", || system::set_file_owner(&self.0, uid, gid))
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        pass(Call::SetMode, b"", || system::set_file_mode(&self.0, mode))
    }

    pub fn set_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        // The access time stays as it is: it says nothing of what was saved.
        pass(Call::SetTimes, b"", || filetime::set_file_handle_times(&self.0, None, Some(file_time(mtime))))
    }

    /// Takes the exclusive lock of the whole file if it is free; says whether it was. It ends with the process.
    pub fn try_lock(&self) -> io::Result<bool> {
        pass(Call::Lock, b"", || match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error),
        })
    }

    /// Gives the lock back.
    pub fn unlock(&self) -> io::Result<()> {
        pass(Call::Lock, b"", || self.0.unlock())
    }

    /// Reads a whole small file.
    ///
    /// # Errors
    /// A file of more than `limit` bytes is an error of kind `FileTooLarge`.
    pub fn read_small(&self, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 4096];
        let mut length = 0;
        loop {
            let rest = bytes.get_mut(length..).unwrap_or_default();
            let (wanted, read) = (rest.len(), self.read_at(rest, length as u64)?);
            length += read;
            if length > limit {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("larger than {limit} bytes"),
                ));
            }
            if read < wanted {
                bytes.truncate(length);
                return Ok(bytes);
            }
            bytes.resize(bytes.len() * 2, 0);
        }
    }
}
