//! Files: bytes, hashed on the way, and extended attributes.

use std::ffi::CStr;
use std::hint::black_box;
use std::io;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, Statx, XattrFlags};
use rustix::io::Errno;

use super::directory::{Sides, stamp};

/// How much is read at a time.
const PIECE: usize = 256 << 10;

/// What holds the names of most files' extended attributes.
const NAMES: usize = 1 << 10;

/// Copies files; keeps its buffer.
pub(super) struct Copier {
    buffer: Vec<u8>,
    hasher: blake3::Hasher,
}

impl Copier {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; PIECE], hasher: blake3::Hasher::new() }
    }

    /// Copies a file that does not exist in the target.
    pub(super) fn file(&mut self, sides: &Sides, name: &CStr, stat: &Statx) -> io::Result<()> {
        let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let write = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let from = rustix::fs::openat(&sides.source, name, read, Mode::empty())?;
        let to = rustix::fs::openat(&sides.target, name, write, Mode::from_raw_mode(0o600))?;
        self.bytes(&from, &to)?;
        copy_xattrs(&from, &to)?;
        stamp(&to, stat)
    }

    fn bytes(&mut self, from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
        self.hasher.reset();
        loop {
            let count = rustix::io::read(from, self.buffer.as_mut_slice())?;
            let mut piece = self.buffer.get(..count).unwrap_or_default();
            if piece.is_empty() {
                black_box(self.hasher.finalize());
                return Ok(());
            }
            self.hasher.update(piece);
            while !piece.is_empty() {
                let written = rustix::io::write(to, piece)?;
                piece = piece.get(written..).unwrap_or_default();
            }
        }
    }
}

/// Copies extended attributes, most often none.
pub(super) fn copy_xattrs(from: &OwnedFd, to: &OwnedFd) -> io::Result<()> {
    let mut short = [0; NAMES];
    let mut long = Vec::new();
    let names = match rustix::fs::flistxattr(from, &mut short[..]) {
        Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(()),
        Ok(length) => short.get(..length).unwrap_or_default(),
        Err(Errno::RANGE) => {
            long.resize(1 << 16, 0);
            let length = rustix::fs::flistxattr(from, &mut long[..])?;
            long.get(..length).unwrap_or_default()
        }
        Err(error) => return Err(error.into()),
    };
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::fgetxattr(from, name, &mut value[..])?;
        rustix::fs::fsetxattr(to, name, value.get(..length).unwrap_or_default(), XattrFlags::empty())?;
    }
    Ok(())
}
