//! The names of one directory, in one arena.

use std::ffi::CStr;
use std::io;
use std::ops::Range;

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
    /// For whoever fills it.
    #[cfg_attr(
        any(not(target_os = "linux"), linkdest_portable),
        expect(dead_code, reason = "for getdents64")
    )]
    pub(super) buffer: Vec<u8>,
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
