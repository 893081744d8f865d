//! One snapshot: its tree beside its manifest.

use std::ffi::{CStr, CString};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::compare::Stored;
use super::links::Links;
use super::pending::Damaged;
use super::run::Run;
use crate::crew::Crew;
use crate::descent::Descent;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, ProblemKind, Result};
use crate::finding::{Cause, Finding, FindingKind, Sighting};
use crate::manifest::{BlockCache, ContentHash, Directory, Entry, EntryFlags, Locator, Manifest};
use crate::os::{Dir, Listing, XattrBuffer, XattrPlace};
use crate::path::RelPath;
use crate::reading::{Read, read};
use crate::repository::SnapshotName;

/// So many entries of one directory are one task.
const PART: usize = 512;

/// One snapshot while it is checked.
pub(super) struct Tree<'t> {
    pub run: &'t Run<'t>,
    pub name: &'t SnapshotName,
    pub root: &'t Dir,
    pub manifest: &'t Manifest,
    pub stored: Stored,
    pub links: Links,
    /// The snapshot was removed meanwhile.
    pub gone: AtomicBool,
}

/// Something to be compared.
pub(super) enum Task {
    Directory(RelPath, Locator),
    Part(Arc<Directory>, Range<usize>),
}

/// What one thread needs.
pub(super) struct Hand<'t> {
    descent: Descent<'t>,
    cache: BlockCache,
    buffer: Vec<u8>,
    xattrs: XattrBuffer,
    listing: Listing,
}

impl<'t> Hand<'t> {
    pub fn new(root: &'t Dir) -> Self {
        Self {
            descent: Descent::new(root),
            cache: BlockCache::default(),
            buffer: Vec::new(),
            xattrs: XattrBuffer::default(),
            listing: Listing::default(),
        }
    }
}

/// An entry that is being compared.
struct Subject<'s> {
    dir: &'s Dir,
    name: &'s CStr,
    path: RelPath,
    record: &'s Entry<'s>,
    disk: Metadata,
}

impl Tree<'_> {
    /// Does one task.
    pub fn handle(&self, hand: &mut Hand<'_>, task: Task, crew: &Crew<Task>) -> Result<()> {
        if self.gone.load(Ordering::Relaxed) {
            return Ok(());
        }
        match task {
            Task::Directory(path, at) => self.directory(hand, &path, at, crew),
            Task::Part(records, range) => self.part(hand, &records, range, crew),
        }
    }

    /// Compares the root itself.
    pub fn root(&self, hand: &mut Hand<'_>) -> Result<()> {
        let record = self.manifest.root();
        let disk = self.root.stat().map_err(|error| Error::io("stat", self.run.path_of(self.name), error))?;
        let said =
            self.directory_differences(hand, XattrPlace::Dir(self.root), &RelPath::root(), &record, &disk);
        self.attributes_finding(&RelPath::root(), &said);
        Ok(())
    }

    fn directory(&self, hand: &mut Hand<'_>, path: &RelPath, at: Locator, crew: &Crew<Task>) -> Result<()> {
        let records = match self.manifest.directory(at, &mut hand.cache) {
            Ok(records) => Arc::new(records),
            Err(error) => {
                self.run.tell(self.run.damaged_manifest(self.name, &error.to_string()));
                return Ok(());
            }
        };
        if let Err(error) = self.extra_names(hand, path, &records) {
            self.problem(path, "list", &error);
            return Ok(());
        }
        let mut parts = (0..records.len()).step_by(PART).map(|start| start..records.len().min(start + PART));
        let first = parts.next();
        parts.for_each(|range| crew.push(Task::Part(Arc::clone(&records), range)));
        first.map_or(Ok(()), |range| self.part(hand, &records, range, crew))
    }

    /// Looks for names that were not recorded.
    fn extra_names(&self, hand: &mut Hand<'_>, path: &RelPath, records: &Directory) -> io::Result<()> {
        let dir = hand.descent.open(path)?.open_dir(c".")?;
        dir.list(&mut hand.listing)?;
        for entry in hand.listing.entries() {
            let name = hand.listing.name(*entry).to_bytes();
            if records.find(name).is_none() {
                self.extra(path.child(name), "it was not there when it was saved");
            }
        }
        Ok(())
    }

    fn part(
        &self,
        hand: &mut Hand<'_>,
        records: &Arc<Directory>,
        range: Range<usize>,
        crew: &Crew<Task>,
    ) -> Result<()> {
        let Hand { descent, .. } = hand;
        let dir = match descent.open(records.path()).and_then(|dir| dir.open_dir_search(c".")) {
            Ok(dir) => dir,
            Err(error) => {
                self.problem(records.path(), "open", &error);
                return Ok(());
            }
        };
        for record in range.filter_map(|index| records.get(index)) {
            if self.run.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            self.entry(hand, &dir, records.path(), &record, crew)?;
        }
        Ok(())
    }

    fn entry(
        &self,
        hand: &mut Hand<'_>,
        dir: &Dir,
        parent: &RelPath,
        record: &Entry<'_>,
        crew: &Crew<Task>,
    ) -> Result<()> {
        let path = parent.child(record.name);
        let name =
            CString::new(record.name).map_err(|error| Error::io("name", path.as_path(), error.into()))?;
        self.run.count_entry();
        let disk = match dir.stat_if_there(&name) {
            Ok(found) if record.is_expunged() => {
                match found {
                    Some(_) => self.extra(path, "it was expunged, and is there again"),
                    None => self.run.count_expunged(),
                }
                return Ok(());
            }
            Ok(Some(disk)) => disk,
            Ok(None) => return self.missing(path, record),
            Err(error) => {
                self.problem(&path, "stat", &error);
                return Ok(());
            }
        };
        if disk.kind != record.metadata.kind {
            let message = format!("it is a {}, not a {}", disk.kind, record.metadata.kind);
            self.tell(FindingKind::Type, Cause::Tampering, path, &message);
            return Ok(());
        }
        if disk.kind == Kind::Directory {
            let said = self.directory_differences(hand, XattrPlace::At(dir, &name), &path, record, &disk);
            self.attributes_finding(&path, &said);
            record.child.into_iter().for_each(|child| crew.push(Task::Directory(path.clone(), child)));
            return Ok(());
        }
        if self.run.believes_inodes()
            && let Some(message) = self.links.meet(record, &disk)
        {
            self.tell(FindingKind::Links, Cause::Tampering, path.clone(), message);
        }
        self.inode(hand, &Subject { dir, name: &name, path, record, disk })
    }

    /// Compares what belongs to the inode, not to the name.
    fn inode(&self, hand: &mut Hand<'_>, subject: &Subject<'_>) -> Result<()> {
        let (record, disk) = (subject.record, &subject.disk);
        let first = self.run.is_first(disk.id, record.repository_inode, record.content.as_ref());
        let mut said = self.stored.differences(record, disk);
        if first && Stored::binds(record) {
            let place = XattrPlace::At(subject.dir, subject.name);
            said.extend(self.xattr_difference(hand, place, record, &subject.path));
        }
        let spoiled = match (disk.kind, record.content) {
            (Kind::File, Some(hash)) if first => self.content(hand, subject, &hash)?,
            (Kind::File, None) => self.size(record, disk),
            (Kind::Symlink, _) => self.target(subject),
            _ => None,
        };
        if spoiled.is_none() && said.is_empty() || self.run.pending.contains(disk.id) {
            return Ok(());
        }
        let kind = if spoiled.is_some() { FindingKind::Content } else { FindingKind::Attributes };
        let written = !said.is_empty() || disk.kind == Kind::File && disk.size != record.metadata.size;
        let is_spoiled = disk.kind == Kind::File && spoiled.is_some();
        let message = spoiled.into_iter().chain(said).collect::<Vec<_>>().join("; ");
        self.run.damaged(Damaged {
            kind,
            place: self.sighting(subject.path.clone()),
            message,
            written,
            spoiled: is_spoiled,
            disk: *disk,
            claimed: record.repository_inode == disk.id.inode,
            names: Vec::new(),
            last_run: None,
        });
        Ok(())
    }

    /// Reads a file unless that is not its turn; says what is wrong with its bytes.
    fn content(
        &self,
        hand: &mut Hand<'_>,
        subject: &Subject<'_>,
        hash: &ContentHash,
    ) -> Result<Option<String>> {
        let (run, disk) = (self.run, &subject.disk);
        let resized = disk.size != subject.record.metadata.size;
        if !resized && !run.is_wanted(disk) {
            return Ok(None);
        }
        run.count_file();
        let found = match read(subject.dir, subject.name, disk, &mut hand.buffer, (&run.bytes, run.stop)) {
            Read::Whole(Some(found)) => found == *hash,
            Read::Whole(None) => false,
            Read::Stopped => return Err(Error::interrupted()),
            Read::Changed => {
                let error = io::Error::other("it changed while it was read");
                self.problem(&subject.path, "read", &error);
                return Ok(None);
            }
            Read::Failed(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.problem(&subject.path, "read", &error);
                return Ok(None);
            }
            Read::Failed(error) => return Ok(Some(format!("it cannot be read: {error}"))),
        };
        if found {
            run.verified.insert(disk.id);
            return Ok(None);
        }
        Ok(Some(if resized {
            resized_message(subject.record, disk)
        } else {
            "its bytes are not those that were saved".to_owned()
        }))
    }

    /// The size is all that is known of a file without a hash.
    fn size(&self, record: &Entry<'_>, disk: &Metadata) -> Option<String> {
        let torn = EntryFlags::CHANGED_WHILE_READ.union(EntryFlags::CARRIED_FORWARD);
        let known = record.flags.bits() & torn.bits() == 0;
        (known && disk.size != record.metadata.size).then(|| resized_message(record, disk))
    }

    fn target(&self, subject: &Subject<'_>) -> Option<String> {
        match subject.dir.read_link(subject.name) {
            Ok(target) if target.to_bytes() == subject.record.target => None,
            // Nothing was recorded of one that was carried forward without a record.
            Ok(_) if subject.record.target.is_empty() => None,
            Ok(_) => Some("it leads somewhere else".to_owned()),
            Err(error) => Some(format!("it cannot be read: {error}")),
        }
    }

    fn directory_differences(
        &self,
        hand: &mut Hand<'_>,
        place: XattrPlace<'_>,
        path: &RelPath,
        record: &Entry<'_>,
        disk: &Metadata,
    ) -> Vec<String> {
        let mut said = self.stored.differences(record, disk);
        if Stored::binds(record) {
            said.extend(self.xattr_difference(hand, place, record, path));
        }
        said
    }

    fn xattr_difference(
        &self,
        hand: &mut Hand<'_>,
        place: XattrPlace<'_>,
        record: &Entry<'_>,
        path: &RelPath,
    ) -> Option<String> {
        match crate::source::read_xattrs(place, self.stored.reach(), &mut hand.xattrs) {
            Ok(known) => self.stored.xattr_difference(record.xattrs, &known),
            Err(error) => {
                self.problem(path, "read extended attributes", &error);
                None
            }
        }
    }

    fn missing(&self, path: RelPath, record: &Entry<'_>) -> Result<()> {
        if !self.run.is_there(self.name, self.root)? {
            self.gone.store(true, Ordering::Relaxed);
            return Ok(());
        }
        // While it is being expunged, the manifest tells of what is gone already.
        if self.run.repository.expunged_at(self.name, &path)?.is_some() {
            self.run.count_expunged();
            return Ok(());
        }
        let below = if record.child.is_some() { " with everything in it" } else { "" };
        self.tell(
            FindingKind::Missing,
            Cause::Loss,
            path,
            &format!("the {} is gone{below}", record.metadata.kind),
        );
        Ok(())
    }

    fn extra(&self, path: RelPath, message: &str) {
        self.tell(FindingKind::Extra, Cause::Tampering, path, message);
    }

    fn attributes_finding(&self, path: &RelPath, said: &[String]) {
        if !said.is_empty() {
            self.tell(FindingKind::Attributes, Cause::Tampering, path.clone(), &said.join("; "));
        }
    }

    fn tell(&self, kind: FindingKind, cause: Cause, path: RelPath, message: &str) {
        self.run.tell(Finding::new(kind, Some(cause), self.sighting(path), message));
    }

    fn problem(&self, path: &RelPath, operation: &str, error: &io::Error) {
        self.run.problem(self.name, path, ProblemKind::Unreadable, operation, error);
    }

    fn sighting(&self, path: RelPath) -> Sighting {
        Sighting { snapshot: self.name.to_string(), path }
    }
}

fn resized_message(record: &Entry<'_>, disk: &Metadata) -> String {
    format!("its size is {}, not {}", disk.size, record.metadata.size)
}
