//! The content of one inode, read for its hash, and counted.

use std::ffi::CStr;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::entry::{Kind, Metadata};
use crate::hashing::{Hashed, hash};
use crate::manifest::ContentHash;
use crate::monitor::StopFlag;
use crate::os::{Dir, File, XattrBuffer};
use crate::policy::attributes::Reach;
use crate::source::{KnownXattrs, SourceFile};

/// What reading a file came to.
#[derive(Debug)]
pub(crate) enum Read {
    /// All of it was read: its hash, if it is not mostly holes.
    Whole(Option<ContentHash>),
    /// It was replaced or written to while it was read.
    Changed,
    /// Somebody asked to stop.
    Stopped,
    /// The operating system refused, or the disk failed.
    Failed(io::Error),
}

/// Reads a file for its hash, if it is still the inode that was looked at; counts the bytes that were read.
pub(crate) fn read(
    dir: &Dir,
    name: &CStr,
    looked_at: &Metadata,
    buffer: &mut Vec<u8>,
    (counter, stop): (&AtomicU64, &StopFlag),
) -> Read {
    let opened = dir.open_file(name).and_then(|file| file.stat().map(|stat| (file, stat)));
    let (file, stat) = match opened {
        Ok(opened) => opened,
        Err(error) => return Read::Failed(error),
    };
    if stat.id != looked_at.id || stat.kind != Kind::File || stat.size != looked_at.size {
        return Read::Changed;
    }
    match hash(&Counted { file: &file, counter }, &stat, buffer, stop) {
        Ok(Hashed::As(hash)) => Read::Whole(Some(hash)),
        Ok(Hashed::Unhashable) => Read::Whole(None),
        Ok(Hashed::Short) => Read::Changed,
        Err(_) if stop.is_stopped() => Read::Stopped,
        Err(error) => Read::Failed(error),
    }
}

/// A file that counts what is read of it.
struct Counted<'c> {
    file: &'c File,
    counter: &'c AtomicU64,
}

impl SourceFile for Counted<'_> {
    fn stat(&self) -> io::Result<Metadata> {
        self.file.stat()
    }

    fn xattrs(&self, reach: &Reach, buffer: &mut XattrBuffer) -> io::Result<KnownXattrs> {
        SourceFile::xattrs(self.file, reach, buffer)
    }

    fn local(&self) -> Option<&File> {
        Some(self.file)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        self.counter.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
