//! getdents64(2) into a [`Listing`].

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};

use crate::entry::Kind;
use crate::os::Listing;
use crate::os::calls::{Call, pass};

const BUFFER: usize = 64 << 10;

/// Reads all names of an open directory. What was read before an error stays in the listing.
pub(super) fn read(dir: BorrowedFd<'_>, listing: &mut Listing) -> io::Result<()> {
    listing.clear();
    pass(Call::List, b"", || io::Result::Ok(()))?;
    let mut buffer = std::mem::take(&mut listing.buffer);
    buffer.reserve(BUFFER);
    let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
    let result = loop {
        match entries.next() {
            None => break Ok(()),
            Some(Err(rustix::io::Errno::INTR)) => {}
            Some(Err(error)) => break Err(error.into()),
            Some(Ok(entry)) => {
                let name = entry.file_name();
                if name != c"."
                    && name != c".."
                    && let Err(error) = listing.push(name, kind(entry.file_type()))
                {
                    break Err(error);
                }
            }
        }
    };
    listing.buffer = buffer;
    result
}

fn kind(file_type: FileType) -> Option<Kind> {
    match file_type {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Directory),
        FileType::Symlink => Some(Kind::Symlink),
        FileType::Fifo => Some(Kind::Fifo),
        FileType::Socket => Some(Kind::Socket),
        FileType::BlockDevice => Some(Kind::BlockDevice),
        FileType::CharacterDevice => Some(Kind::CharDevice),
        FileType::Unknown => None,
    }
}
