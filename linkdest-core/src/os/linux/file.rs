//! An open file.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FlockOperation, Gid, Mode, SeekFrom, Timespec, Timestamps, Uid};

use super::stat;
use crate::entry::{Metadata, Timestamp};
use crate::os::calls::{Call, pass};

/// An open file. What is written to is also read back, to hash what was cloned.
#[derive(Debug)]
pub(crate) struct File(pub(super) OwnedFd);

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl File {
    /// Opens a file that the operator named: symlinks are followed, and it may be a pipe.
    pub fn open_operator_path(path: &std::path::Path) -> io::Result<Self> {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
        pass(Call::Open, b"", || rustix::fs::open(path, flags, Mode::empty())).map(Self)
    }

    /// Opens a regular file that the operator named: symlinks are followed, anything else is refused at once.
    pub fn open_regular_operator_path(path: &std::path::Path) -> io::Result<Self> {
        use rustix::fs::OFlags;
        // A FIFO would be waited for, a terminal become ours.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = pass(Call::Open, b"", || rustix::fs::open(path, flags, Mode::empty())).map(Self)?;
        if file.stat()?.kind == crate::entry::Kind::File {
            Ok(file)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
        }
    }

    pub fn stat(&self) -> io::Result<Metadata> {
        stat::of(self.as_fd())
    }

    /// Reads a stream to its end.
    ///
    /// # Errors
    /// More than `limit` bytes are an error of kind `FileTooLarge`.
    pub fn read_stream(&self, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read = pass(Call::Read, b"", || rustix::io::read(&self.0, &mut chunk[..]))?;
            bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
            if bytes.len() > limit {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("larger than {limit} bytes"),
                ));
            }
            if read == 0 {
                return Ok(bytes);
            }
        }
    }

    /// Reads at `offset` until the buffer is full or the file ends; returns the bytes read.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match pass(Call::Read, b"", || rustix::io::pread(&self.0, &mut *rest, offset + filled as u64))? {
                0 => break,
                n => filled += n,
            }
        }
        Ok(filled)
    }

    pub fn write_all_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match pass(Call::Write, b"", || rustix::io::pwrite(&self.0, bytes, offset))? {
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
        pass(Call::Sync, b"", || rustix::fs::fsync(&self.0))
    }

    pub fn set_len(&self, length: u64) -> io::Result<()> {
        pass(Call::SetLen, b"", || rustix::fs::ftruncate(&self.0, length))
    }

    /// The next offset with data at or after `offset`; `None` if only a hole follows.
    pub fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        match pass(Call::Seek, b"", || rustix::fs::seek(&self.0, SeekFrom::Data(offset))) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => Ok(None),
            found => found.map(Some),
        }
    }

    /// The next offset in a hole at or after `offset`; the end of the file counts as one.
    pub fn next_hole(&self, offset: u64) -> io::Result<u64> {
        pass(Call::Seek, b"", || rustix::fs::seek(&self.0, SeekFrom::Hole(offset)))
    }

    /// Makes this file share all blocks of `from` (FICLONE); both must be on one file system that can.
    pub fn clone_from(&self, from: &Self) -> io::Result<()> {
        pass(Call::Clone, b"", || rustix::fs::ioctl_ficlone(&self.0, &from.0))
    }

    /// Gives this file `length` bytes of `from` at the same offset; file systems that can share the blocks (whole ones)
    /// do so with copy_file_range(2).
    pub fn share_range(&self, from: &Self, offset: u64, length: u64) -> io::Result<()> {
        let (mut source, mut target, end) = (offset, offset, offset + length);
        while target < end {
            let left = usize::try_from(end - target).unwrap_or(usize::MAX);
            let copy =
                || rustix::fs::copy_file_range(&from.0, Some(&mut source), &self.0, Some(&mut target), left);
            if pass(Call::CopyRange, b"", copy)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    pub fn set_owner(&self, uid: u32, gid: u32) -> io::Result<()> {
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        pass(Call::SetOwner, b"", || rustix::fs::fchown(&self.0, uid, gid))
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        pass(Call::SetMode, b"", || rustix::fs::fchmod(&self.0, Mode::from_raw_mode(mode)))
    }

    pub fn set_mtime(&self, mtime: Timestamp) -> io::Result<()> {
        pass(Call::SetTimes, b"", || rustix::fs::futimens(&self.0, &only_mtime(mtime)))
    }

    /// Takes the exclusive flock(2) if it is free; says whether it was.
    pub fn try_lock(&self) -> io::Result<bool> {
        let take = || rustix::fs::flock(&self.0, FlockOperation::NonBlockingLockExclusive);
        match pass(Call::Lock, b"", take) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            taken => taken.map(|()| true),
        }
    }

    /// Gives the flock(2) back.
    pub fn unlock(&self) -> io::Result<()> {
        pass(Call::Lock, b"", || rustix::fs::flock(&self.0, FlockOperation::Unlock))
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

/// The access time is left as it is: it says nothing of what was saved.
pub(super) fn only_mtime(mtime: Timestamp) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanos.into() },
    }
}
