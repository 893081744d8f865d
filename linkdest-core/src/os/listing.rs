//! The names of one directory, in one arena.

use std::ffi::CStr;
use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};

use super::calls::{Call, pass};
use crate::entry::Kind;

/// One name of a listing, and its kind where the directory says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed {
    /// The first bytes of the name, so that most names are compared without being looked up.
    prefix: u64,
    start: u32,
    /// Without the NUL.
    length: u16,
    pub kind: Option<Kind>,
}

/// The names of one directory without `.` and `..`, in the directory's order until they are sorted. Reused from directory to directory.
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

    /// Adds a name.
    ///
    /// # Errors
    /// Names of more than 4 GiB in one directory.
    pub fn push(&mut self, name: &CStr, kind: Option<Kind>) -> io::Result<()> {
        let too_large = |_| io::Error::new(io::ErrorKind::FileTooLarge, "the directory has too many names");
        let bytes = name.to_bytes();
        let start = u32::try_from(self.names.len()).map_err(too_large)?;
        let length = u16::try_from(bytes.len()).map_err(too_large)?;
        self.names.extend_from_slice(name.to_bytes_with_nul());
        self.entries.push(Listed { prefix: prefix(bytes), start, length, kind });
        Ok(())
    }

    /// Brings the names in the order of their bytes.
    pub fn sort(&mut self) {
        let Self { names, entries, .. } = self;
        let name = |entry: &Listed| names.get(entry.range()).unwrap_or_default();
        entries.sort_unstable_by(|one, other| {
            one.prefix.cmp(&other.prefix).then_with(|| name(one).cmp(name(other)))
        });
    }

    /// Forgets all names but one.
    pub fn keep_only(&mut self, name: &CStr) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|entry| self.name(*entry) == name);
        self.entries = entries;
    }

    /// Says whether it has a name; it must be sorted.
    pub fn has(&self, name: &CStr) -> bool {
        let first = prefix(name.to_bytes());
        let order = |entry: &Listed| entry.prefix.cmp(&first).then_with(|| self.name(*entry).cmp(name));
        self.entries.binary_search_by(order).is_ok()
    }

    pub fn entries(&self) -> &[Listed] {
        &self.entries
    }

    pub fn name(&self, entry: Listed) -> &CStr {
        let Range { start, end } = entry.range();
        let bytes = self.names.get(start..=end).unwrap_or(b"\0");
        CStr::from_bytes_with_nul(bytes).unwrap_or(c"")
    }
}

impl Listed {
    fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.length)
    }
}

/// The first eight bytes of a name as a number that sorts as they do.
#[inline]
pub(crate) fn prefix(name: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
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
