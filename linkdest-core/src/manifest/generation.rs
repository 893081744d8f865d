//! A manifest written once more: the same records, but of what was expunged only that it was, and some of them
//! corrected.

use std::collections::{BTreeMap, HashSet};

use super::cache::BlockCache;
use super::directory::Directory;
use super::draft::DirectoryDraft;
use super::error::ManifestError;
use super::flags::EntryFlags;
use super::hash::ContentHash;
use super::header::Totals;
use super::lane::Lane;
use super::reader::Manifest;
use super::record::{Entry, Locator, Subtree};
use super::writer::ManifestWriter;
use crate::entry::{Kind, Metadata};
use crate::path::RelPath;

/// What was expunged of one snapshot: by the path of the directory that it was in, names and kinds.
pub(crate) type ExpungedNames = BTreeMap<RelPath, Vec<(Vec<u8>, Kind)>>;

impl Entry<'_> {
    /// The record of an entry that was expunged: its name and kind, and nothing else of what it was.
    pub(crate) fn expunged(name: &[u8], kind: Kind) -> Entry<'_> {
        let nlink = if kind == Kind::Directory { 2 } else { 1 };
        let metadata = Metadata { kind, nlink, ..Entry::NONE.metadata };
        Entry { name, metadata, flags: EntryFlags::EXPUNGED, ..Entry::NONE }
    }

    /// Says whether the entry was expunged.
    pub(crate) fn is_expunged(&self) -> bool {
        self.flags.contains(EntryFlags::EXPUNGED)
    }
}

/// Writes the further generation; returns its figures.
///
/// # Errors
/// What cannot be read or is damaged, and what cannot be written.
pub(crate) fn write_without(
    old: &Manifest,
    writer: ManifestWriter,
    expunged: &ExpungedNames,
) -> Result<Totals, ManifestError> {
    let mut copy = Copy::new(old, writer, expunged, &|_| ());
    let root = copy.root()?;
    let Copy { writer, lane, totals: Tally { totals, .. }, .. } = copy;
    writer.finish(vec![lane], &root, old.devices(), totals, old.ended())?;
    Ok(totals)
}

/// Writes the same manifest once more with some of its records corrected; returns its digest.
///
/// # Errors
/// What cannot be read or is damaged, and what cannot be written.
pub(crate) fn write_corrected(
    old: &Manifest,
    writer: ManifestWriter,
    correct: &dyn Fn(&mut Entry<'_>),
) -> Result<ContentHash, ManifestError> {
    let expunged = ExpungedNames::new();
    let mut copy = Copy::new(old, writer, &expunged, correct);
    let root = copy.root()?;
    let Copy { writer, lane, .. } = copy;
    Ok(writer.finish(vec![lane], &root, old.devices(), *old.totals(), old.ended())?)
}

/// The figures of what was copied so far.
#[derive(Default)]
struct Tally {
    totals: Totals,
    /// Inodes with several names that were counted.
    met: HashSet<(u64, u64)>,
}

impl Tally {
    fn count(&mut self, entry: &Entry<'_>) {
        let metadata = &entry.metadata;
        self.totals.flagged += u64::from(!entry.flags.is_empty());
        if entry.is_expunged() {
            return;
        }
        self.totals.entries += 1;
        match metadata.kind {
            Kind::Directory => self.totals.directories += 1,
            Kind::File => {
                self.totals.files += 1;
                let known = (metadata.id.device, metadata.id.inode);
                let inode = if known.0 == 0 { (0, entry.repository_inode) } else { known };
                let first = metadata.nlink <= 1 || inode.1 == 0 || self.met.insert(inode);
                self.totals.bytes += if first { metadata.size } else { 0 };
            }
            _ => {}
        }
    }
}

/// A manifest while it is copied.
struct Copy<'c> {
    old: &'c Manifest,
    expunged: &'c ExpungedNames,
    correct: &'c dyn Fn(&mut Entry<'_>),
    writer: ManifestWriter,
    lane: Lane,
    totals: Tally,
    cache: BlockCache,
}

/// A directory while it is copied.
struct Level {
    directory: Directory,
    next: usize,
    draft: DirectoryDraft,
}

impl<'c> Copy<'c> {
    fn new(
        old: &'c Manifest,
        writer: ManifestWriter,
        expunged: &'c ExpungedNames,
        correct: &'c dyn Fn(&mut Entry<'_>),
    ) -> Self {
        let lane = writer.lane();
        Self { old, expunged, correct, writer, lane, totals: Tally::default(), cache: BlockCache::default() }
    }

    /// Copies everything below the root; returns the root as it points at that.
    fn root(&mut self) -> Result<Entry<'c>, ManifestError> {
        let root = self.old.root();
        let child = root.child.map(|child| self.tree(child)).transpose()?;
        Ok(root.with_subtree(child))
    }

    /// Copies a directory with all that is below it, without recursion: what is in a directory is written before it.
    fn tree(&mut self, at: Locator) -> Result<Subtree, ManifestError> {
        let mut levels = vec![self.level(at)?];
        loop {
            let Some(level) = levels.last_mut() else {
                return Err(ManifestError::damaged("a directory without a record"));
            };
            if let Some(below) = self.copy_entries(level) {
                let below = self.level(below)?;
                levels.push(below);
                continue;
            }
            let path = level.directory.path().clone();
            self.add_expunged(level);
            let written = self.lane.write(&self.writer, path.as_bytes(), &mut level.draft, None)?;
            levels.pop();
            let Some(parent) = levels.last_mut() else { return Ok(written) };
            if let Some(entry) = parent.directory.get(parent.next) {
                self.totals.count(&entry);
                parent.draft.push(&entry.with_subtree(Some(written)));
            }
            parent.next += 1;
        }
    }

    fn level(&mut self, at: Locator) -> Result<Level, ManifestError> {
        let directory = self.old.directory(at, &mut self.cache)?;
        Ok(Level { draft: DirectoryDraft::new(&Entry::NONE.metadata), directory, next: 0 })
    }

    /// Copies entries up to the next sub-directory that has a record, and says where that is.
    fn copy_entries(&mut self, level: &mut Level) -> Option<Locator> {
        let gone = self.expunged.get(level.directory.path());
        while let Some(mut entry) = level.directory.get(level.next) {
            let expunged = gone.is_some_and(|gone| gone.iter().any(|(name, _)| name == entry.name));
            if !expunged {
                if entry.child.is_some() {
                    return entry.child;
                }
                (self.correct)(&mut entry);
                self.totals.count(&entry);
                level.draft.push(&entry);
            }
            level.next += 1;
        }
        None
    }

    fn add_expunged(&mut self, level: &mut Level) {
        for (name, kind) in self.expunged.get(level.directory.path()).into_iter().flatten() {
            let entry = Entry::expunged(name, *kind);
            self.totals.count(&entry);
            level.draft.push(&entry);
        }
    }
}
