//! The entries of one directory while it is worked on.

use super::codec;
use super::record::Entry;
use crate::entry::Metadata;

/// The entries of one directory while it is worked on, in any order.
///
/// Of two entries with one name the one that was pushed last counts.
#[derive(Debug)]
pub(crate) struct DirectoryDraft {
    arena: Vec<u8>,
    /// Where in the arena each entry ends.
    ends: Vec<usize>,
}

impl DirectoryDraft {
    /// Starts a draft for the directory with this metadata.
    pub fn new(base: &Metadata) -> Self {
        let _ = base;
        Self { arena: Vec::new(), ends: Vec::new() }
    }

    pub fn push(&mut self, entry: &Entry<'_>) {
        codec::encode(entry, &mut self.arena);
        self.ends.push(self.arena.len());
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Takes the encoded entries, sorted by name, and leaves the draft empty.
    pub(super) fn take_sorted(&mut self) -> Vec<Vec<u8>> {
        let mut start = 0;
        let mut entries = Vec::new();
        for end in self.ends.drain(..) {
            entries.push(self.arena.get(start..end).unwrap_or_default().to_vec());
            start = end;
        }
        self.arena.clear();
        let name =
            |entry: &Vec<u8>| codec::decode(entry).map(|entry| entry.name.to_vec()).unwrap_or_default();
        entries.reverse();
        entries.sort_by_key(name);
        entries.dedup_by_key(|entry| name(entry));
        entries
    }
}
