//! The second walk over a tree: everything is written down, directories after what is in them.

use std::ffi::{CStr, CString};
use std::io;

use super::indexing::Indexing;
use super::survey::{Survey, is_same_there};
use crate::descent::Descent;
use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::error::{Error, Result};
use crate::inodes::InodeSet;
use crate::manifest::{
    DirectoryDraft, EncodedXattrs, Entry, EntryFlags, ExpungedNames, Lane, ManifestWriter, Origin,
    RecordedXattrs, Subtree, Totals,
};
use crate::os::{Dir, Listing, XattrBuffer, XattrPlace};
use crate::path::RelPath;
use crate::policy::attributes::Reach;
use crate::source::read_xattrs;

/// One tree on its way into its manifest.
pub(super) struct Writing<'w> {
    indexing: &'w Indexing<'w>,
    survey: &'w Survey,
    reach: Reach,
    here: Descent<'w>,
    before: Option<Descent<'w>>,
    listing: Listing,
    xattrs: XattrBuffer,
    /// Inodes with several names that have a record.
    placed: InodeSet,
    totals: Totals,
    /// What is known to be gone.
    expunged: ExpungedNames,
}

/// A directory that is being written down.
struct Level {
    path: RelPath,
    name: Vec<u8>,
    metadata: Metadata,
    xattrs: EncodedXattrs,
    draft: DirectoryDraft,
    directories: Vec<CString>,
}

impl<'w> Writing<'w> {
    pub fn new(
        indexing: &'w Indexing<'w>,
        survey: &'w Survey,
        reach: Reach,
        tree: &'w Dir,
        before: Option<&'w Dir>,
        expunged: ExpungedNames,
    ) -> Self {
        Self {
            indexing,
            survey,
            reach,
            here: Descent::new(tree),
            before: before.map(Descent::new),
            listing: Listing::default(),
            xattrs: XattrBuffer::default(),
            placed: InodeSet::default(),
            totals: Totals::default(),
            expunged,
        }
    }

    /// Writes the whole tree down.
    pub fn run(mut self, writer: ManifestWriter, tick: &mut dyn FnMut()) -> Result<Totals> {
        let mut lane = writer.lane();
        let mut levels = vec![self.level(&RelPath::root(), Vec::new())?];
        let unwritten = |error| Error::io("write the manifest of", self.indexing.place.clone(), error);
        while let Some(level) = levels.last_mut() {
            if self.indexing.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            if let Some(name) = level.directories.pop() {
                let path = level.path.child(name.to_bytes());
                levels.push(self.level(&path, name.into_bytes())?);
                continue;
            }
            tick();
            let Some(mut done) = levels.pop() else { break };
            let child = self.write(&mut lane, &writer, &mut done)?;
            let Some(parent) = levels.last_mut() else {
                let entry = directory_entry(&done, child);
                let finished = writer.finish(vec![lane], &entry, &[], self.totals, Timestamp::now());
                return finished.map(|_| self.totals).map_err(unwritten);
            };
            parent.draft.push(&directory_entry(&done, child));
            self.totals.entries += 1;
            self.totals.directories += 1;
        }
        Ok(self.totals)
    }

    fn write(&self, lane: &mut Lane, writer: &ManifestWriter, done: &mut Level) -> Result<Subtree> {
        let written = lane.write(writer, done.path.as_bytes(), &mut done.draft, None);
        written.map_err(|error| Error::io("write the manifest of", self.indexing.place.clone(), error))
    }

    /// Opens a directory and writes down all in it that is no directory.
    fn level(&mut self, path: &RelPath, name: Vec<u8>) -> Result<Level> {
        let filled = self.fill(path, name);
        filled.map_err(|error| self.indexing.failed("index", path, error))
    }

    fn fill(&mut self, path: &RelPath, name: Vec<u8>) -> io::Result<Level> {
        let mut listing = std::mem::take(&mut self.listing);
        let dir = self.here.open(path)?.open_dir(c".")?;
        let before = self.before.as_mut().and_then(|before| before.open(path).ok());
        let before = before.and_then(|dir| dir.open_dir_search(c".").ok());
        dir.list(&mut listing)?;
        let metadata = unknown_source(dir.stat()?, 1);
        let xattrs = self.xattrs_of(XattrPlace::Dir(&dir))?;
        let (draft, directories) = (DirectoryDraft::new(&metadata), Vec::new());
        let mut level = Level { path: path.clone(), name, metadata, xattrs, draft, directories };
        for entry in listing.entries() {
            let name = listing.name(*entry);
            let disk = dir.stat_at(name)?;
            if disk.kind == Kind::Directory {
                level.directories.push(name.to_owned());
            } else {
                self.entry(&mut level, &dir, before.as_ref(), name, &disk)?;
            }
        }
        self.listing = listing;
        for (name, kind) in self.expunged.get(path).into_iter().flatten() {
            // What is there again is an entry as any other.
            if dir.stat_if_there(&CString::new(name.as_slice())?)?.is_none() {
                level.draft.push(&Entry::expunged(name, *kind));
                self.totals.flagged += 1;
            }
        }
        Ok(level)
    }

    fn entry(
        &mut self,
        level: &mut Level,
        dir: &Dir,
        before: Option<&Dir>,
        name: &CStr,
        disk: &Metadata,
    ) -> io::Result<()> {
        let names = self.survey.names(disk.id);
        let first = names == 1 || self.placed.insert(disk.id);
        let moved = self.survey.moved_from(disk.id);
        let origin = match &moved {
            _ if !first => Origin::Group,
            _ if is_same_there(before, name, disk) => Origin::Same { reference: 0 },
            Some(path) => Origin::Elsewhere { reference: 0, path: path.as_bytes() },
            None => Origin::Fresh,
        };
        let target = match disk.kind {
            Kind::Symlink => dir.read_link(name)?.into_bytes(),
            _ => Vec::new(),
        };
        let xattrs = self.xattrs_of(XattrPlace::At(dir, name))?;
        let content = if disk.kind == Kind::File { self.indexing.hashes.get(disk.id) } else { None };
        level.draft.push(&Entry {
            name: name.to_bytes(),
            metadata: unknown_source(*disk, names),
            repository_inode: disk.id.inode,
            origin,
            target: &target,
            xattrs: xattrs.as_ref(),
            content,
            flags: EntryFlags::default(),
            ..Entry::NONE
        });
        self.totals.entries += 1;
        if disk.kind == Kind::File {
            self.totals.files += 1;
            self.totals.bytes += if first { disk.size } else { 0 };
        }
        Ok(())
    }

    fn xattrs_of(&mut self, place: XattrPlace<'_>) -> io::Result<EncodedXattrs> {
        let known = read_xattrs(place, &self.reach, &mut self.xattrs)?;
        Ok(EncodedXattrs::new(known.all()))
    }
}

fn directory_entry(done: &Level, subtree: Subtree) -> Entry<'_> {
    Entry {
        name: &done.name,
        metadata: done.metadata,
        repository_inode: 0,
        origin: Origin::Fresh,
        target: &[],
        xattrs: if done.xattrs.as_ref().is_empty() { RecordedXattrs::NONE } else { done.xattrs.as_ref() },
        content: None,
        flags: EntryFlags::default(),
        ..Entry::NONE
    }
    .with_subtree(Some(subtree))
}

/// What a tree tells of the source: which inode it was and when that was changed is not in it, and of its names only
/// those that were saved.
fn unknown_source(disk: Metadata, names: u64) -> Metadata {
    Metadata { id: FileId::default(), ctime: None, btime: None, mount: None, nlink: names, ..disk }
}
