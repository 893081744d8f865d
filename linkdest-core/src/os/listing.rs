//! The names of one directory, in one arena.

use std::ffi::CStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};

use super::calls::{Call, pass};
use crate::entry::Kind;

/// One name of a listing, and its kind where the directory says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed {
    start: usize,
    length: usize,
    pub kind: Option<Kind>,
}

/// The names of one directory without `.` and `..`, in the directory's order. Reused from directory to directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    names: Vec<u8>,
    entries: Vec<Listed>,
    buffer: Vec<u8>,
}

impl Listing {
    pub fn clear(&mut self) {
        self.names.clear();
        self.entries.clear();
    }

    pub fn push(&mut self, name: &CStr, kind: Option<Kind>) {
        let start = self.names.len();
        self.names.extend_from_slice(name.to_bytes_with_nul());
        self.entries.push(Listed { start, length: name.to_bytes_with_nul().len(), kind });
    }

    /// Forgets all names but one.
    pub fn keep_only(&mut self, name: &CStr) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|entry| self.name(*entry) == name);
        self.entries = entries;
    }

    pub fn entries(&self) -> &[Listed] {
        &self.entries
    }

    pub fn name(&self, entry: Listed) -> &CStr {
        let bytes = self.names.get(entry.start..entry.start + entry.length).unwrap_or(b"\0");
        CStr::from_bytes_with_nul(bytes).unwrap_or(c"")
    }
}

const BUFFER: usize = 64 << 10;

/// Reads all names of an open directory. What was read before an error stays in the listing.
pub(super) fn read(dir: BorrowedFd<'_>, listing: &mut Listing) -> io::Result<()> {
    listing.clear();
    pass(Call::List, b"", || Ok(()))?;
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
                if name != c"." && name != c".." {
                    listing.push(name, kind(entry.file_type()));
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
