//! What the manifest of the first reference tells of the source as it was then, and what is written down of it now.

use std::ffi::CStr;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::node::Node;
use super::worker::Worker;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Problem, ProblemKind, Result};
use crate::manifest::{
    ContentHash, Directory, DirectoryDraft, EncodedXattrs, Entry, EntryFlags, FileSystemId, Manifest, Origin,
    PATH_LIMIT, Subtree, XattrValue,
};
use crate::path::RelPath;
use crate::policy::attributes::{Reach, XattrPlaceInRun};
use crate::source::{KnownXattrs, Source};

/// How a device of the source is numbered in the manifest that is being written, and in that of the first reference.
/// 0 is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DeviceNumbers {
    pub here: u64,
    pub before: u64,
}

/// The devices that the source lies on. A device number is good within one boot only, so that manifests number them.
#[derive(Debug, Default)]
pub(super) struct Devices {
    known: Mutex<Vec<(u64, DeviceNumbers)>>,
    table: Mutex<Vec<FileSystemId>>,
}

impl Devices {
    /// The numbers of a device; `identify` is asked the first time that it is met.
    pub fn numbers(
        &self,
        device: u64,
        before: Option<&Manifest>,
        identify: impl FnOnce() -> io::Result<FileSystemId>,
    ) -> DeviceNumbers {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, numbers)) = known.iter().find(|(other, _)| *other == device) {
            return *numbers;
        }
        let numbers = identify().map_or_else(|_| DeviceNumbers::default(), |id| self.number(id, before));
        known.push((device, numbers));
        numbers
    }

    fn number(&self, id: FileSystemId, before: Option<&Manifest>) -> DeviceNumbers {
        let position = |all: &[FileSystemId]| {
            all.iter().position(|other| *other == id).map_or(0, |index| index as u64 + 1)
        };
        let before = before.map_or(0, |manifest| position(manifest.devices()));
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut here = position(&table);
        if here == 0 {
            table.push(id);
            here = table.len() as u64;
        }
        DeviceNumbers { here, before }
    }

    /// The devices in the order of their numbers.
    pub fn table(&self) -> Vec<FileSystemId> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is known of a reference's entry by its manifest, as far as that may be believed: the inode on disk is the one
/// that the manifest claims.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub content: Option<ContentHash>,
    /// The source has the recorded inode with the recorded ctime, and no flag: nothing at all changed.
    pub untouched: bool,
    /// The source has the recorded inode with another ctime.
    pub touched: bool,
    /// What is recorded is not what the source was.
    pub doubtful: bool,
    /// Another inode of the source had this path: names may have been swapped, which moves no ctime below.
    pub replaced: bool,
    /// The attributes on disk are older than those in the manifest.
    pub recorded_only: bool,
    /// An attribute that the manifest has differs from the source's, or the number of links does.
    pub differs: bool,
    /// The mtime that the manifest has, where that on disk is older.
    pub mtime: Option<crate::entry::Timestamp>,
}

/// Flags of entries whose record does not tell what the source was.
pub(super) const DOUBTFUL: EntryFlags = EntryFlags::CHANGED_WHILE_READ.union(EntryFlags::CARRIED_FORWARD);

impl Known {
    /// Weighs a record against the source's entry and the inode that is on disk.
    pub fn weigh(record: &Entry<'_>, source: &Metadata, disk: &Metadata, id: FileId) -> Self {
        let claim = record.repository_inode != 0 && record.repository_inode == disk.id.inode;
        if !claim || record.metadata.kind != disk.kind {
            return Self::default();
        }
        let then = &record.metadata;
        let recorded_only = record.flags.contains(EntryFlags::RECORDED_ONLY);
        let same_inode = id.device != 0 && then.id == id && then.kind == source.kind;
        let plain = record.flags.bits() & !EntryFlags::RECORDED_ONLY.bits() == 0;
        let inodes_known = id.device != 0 && then.id.device != 0;
        Self {
            replaced: inodes_known && then.id != id,
            content: record.content,
            touched: same_inode
                && then.ctime.is_some()
                && source.ctime.is_some()
                && then.ctime != source.ctime,
            untouched: same_inode && plain && then.ctime.is_some() && then.same_stamps(source),
            // Without a change time, what was written in the very second of the last look shows nothing of it.
            doubtful: record.flags.bits() & DOUBTFUL.bits() != 0
                || source.ctime.is_none() && record.flags.contains(EntryFlags::RACY),
            recorded_only,
            // Without the source's inode the record tells what is on disk, which proves nothing of the source.
            differs: then.id.inode != 0
                && (then.mode, then.uid, then.gid, then.nlink)
                    != (source.mode, source.uid, source.gid, source.nlink),
            mtime: recorded_only.then_some(then.mtime),
        }
    }
}

/// What was found out of an entry besides its stat.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub xattrs: EncodedXattrs,
    pub target: Vec<u8>,
    /// The kinds of attributes that it has and this run cannot set.
    pub out_of_reach: Vec<&'static str>,
}

impl Found {
    pub fn clear(&mut self) {
        self.xattrs.clear();
        self.target.clear();
        self.out_of_reach.clear();
    }

    /// Takes over the extended attributes that were read.
    pub fn set_xattrs(&mut self, known: &KnownXattrs) {
        self.xattrs.clear();
        if !(known.kept.is_empty() && known.beyond.is_empty()) {
            self.xattrs = encoded(known);
        }
        self.out_of_reach.clone_from(&known.out_of_reach);
    }
}

/// The extended attributes as a manifest has them.
pub(super) fn encoded(known: &KnownXattrs) -> EncodedXattrs {
    if known.kept.is_empty() && known.beyond.is_empty() {
        return EncodedXattrs::default();
    }
    let mut all: Vec<(&[u8], &[u8])> = known.all().collect();
    all.sort_unstable();
    EncodedXattrs::new(all)
}

/// The extended attributes of a directory by its record; `None` if they may be others now, or only their digest is
/// known.
pub(super) fn untouched_xattrs(
    record: &Entry<'_>,
    source: &Metadata,
    id: FileId,
    reach: &Reach,
) -> Option<KnownXattrs> {
    let then = &record.metadata;
    let untouched = id.device != 0 && then.id == id && then.ctime.is_some() && then.ctime == source.ctime;
    if !untouched || !record.flags.is_empty() || then.kind != source.kind {
        return None;
    }
    let mut known = KnownXattrs::default();
    for (name, value) in record.xattrs {
        let XattrValue::Whole(value) = value else { return None };
        let one = (std::ffi::CString::new(name).ok()?, value.to_vec());
        match reach.xattr(name) {
            XattrPlaceInRun::Kept => known.kept.push(one),
            XattrPlaceInRun::Ignored => {}
            XattrPlaceInRun::OutOfReach(what) => {
                if !known.out_of_reach.contains(&what) {
                    known.out_of_reach.push(what);
                }
                known.beyond.push(one);
            }
        }
    }
    Some(known)
}

/// What is written down of an entry besides what was found of the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placing<'p> {
    pub repository_inode: u64,
    pub origin: Origin<'p>,
    pub content: Option<ContentHash>,
    pub flags: EntryFlags,
}

/// What the names of a hard-link group share in the manifest.
#[derive(Debug)]
pub(super) struct GroupRecord {
    metadata: Metadata,
    repository_inode: u64,
    content: Option<ContentHash>,
    xattrs: EncodedXattrs,
    target: Vec<u8>,
    flags: EntryFlags,
}

/// So many drafts' memory is kept for the next ones: about as many directories are worked on at a time.
const SPACES: usize = 32;

impl GroupRecord {
    /// The record of one name.
    pub fn entry<'r>(&'r self, name: &'r [u8], metadata: Metadata) -> Entry<'r> {
        Entry {
            name,
            metadata,
            repository_inode: self.repository_inode,
            origin: Origin::Group,
            target: &self.target,
            xattrs: self.xattrs.as_ref(),
            content: self.content,
            flags: self.flags,
            ..Entry::NONE
        }
    }

    /// What the names of a group share, as one of them has it.
    pub fn of(entry: &Entry<'_>) -> Self {
        let mut xattrs = EncodedXattrs::default();
        xattrs.set(entry.xattrs);
        Self {
            metadata: entry.metadata,
            repository_inode: entry.repository_inode,
            content: entry.content,
            xattrs,
            target: entry.target.to_vec(),
            flags: entry.flags,
        }
    }

    /// What a stat of the source told.
    pub fn metadata(&self) -> Metadata {
        self.metadata
    }

    /// The inode that its names are in the snapshot.
    pub fn repository_inode(&self) -> u64 {
        self.repository_inode
    }

    pub fn is_flagged(&self) -> bool {
        !self.flags.is_empty()
    }

    /// Makes the record of a name that was another inode's tell of this one.
    pub fn correct(&self, entry: &mut Entry<'_>) {
        (entry.repository_inode, entry.origin) = (self.repository_inode, Origin::Group);
        (entry.content, entry.flags) = (self.content, self.flags);
    }
}

impl<S: Source> Worker<'_, '_, S> {
    /// Writes an entry down that was placed.
    pub fn record(&mut self, node: &Node<S>, name: &CStr, metadata: &Metadata, placing: &Placing<'_>) {
        if self.lane.is_none() {
            return;
        }
        if metadata.kind == Kind::File && metadata.mode & 0o6000 != 0 {
            self.engine.setuid.store(true, Ordering::Relaxed);
        }
        let repository_inode = self.engine.believed_inode(placing.repository_inode);
        let mut flags = placing.flags;
        let is_fresh = placing.origin == Origin::Fresh;
        if self.engine.is_racy(metadata) || is_fresh && self.engine.is_racy_by_its_clock(metadata) {
            flags.insert(EntryFlags::RACY);
        }
        self.count_flagged(flags);
        node.draft().push(&Entry {
            name: name.to_bytes(),
            metadata: node.numbered(metadata),
            repository_inode,
            origin: placing.origin,
            target: &self.found.target,
            xattrs: self.found.xattrs.as_ref(),
            content: placing.content,
            flags,
            ..Entry::NONE
        });
        if metadata.nlink > 1 || self.leads {
            self.last = Some(Arc::new(GroupRecord {
                metadata: *metadata,
                repository_inode,
                content: placing.content,
                xattrs: self.found.xattrs.clone(),
                target: self.found.target.clone(),
                flags,
            }));
        }
    }

    /// Writes the record of a directory that is done; `None` in a dry run.
    /// `before` is what the first reference has of it.
    pub fn write_draft(
        &mut self,
        path: &RelPath,
        draft: &mut DirectoryDraft,
        before: Option<Subtree>,
    ) -> Result<Option<Subtree>> {
        let earlier = before.filter(|_| draft.may_be_as_before()).and_then(|before| {
            let directory = self.load_records(Some(before))?;
            Some((directory, before.hash?))
        });
        let engine = self.engine;
        let (Some(lane), Some(writer)) = (&mut self.lane, &engine.plan.manifest) else { return Ok(None) };
        if path.as_bytes().len() > PATH_LIMIT {
            let message = "the path is too long for the manifest, which has nothing of what is in it";
            engine.problem(
                self.index,
                Problem::new(path.clone(), ProblemKind::NotStored, "write down", message),
            );
            return Ok(None);
        }
        let written = lane.write(writer, path.as_bytes(), draft, earlier);
        written.map(Some).map_err(|error| engine.repository_error("write the manifest", error))
    }

    /// Writes a finished directory down, and its entry in its parent.
    pub fn record_directory(&mut self, node: &Node<S>, mut flags: EntryFlags) -> Result<()> {
        if self.lane.is_none() {
            return Ok(());
        }
        let child = self.write_draft(&node.path(), &mut node.draft(), node.opened.recorded)?;
        let space = node.draft().take_space();
        self.spaces.extend(space.filter(|_| self.spaces.len() < SPACES));
        if self.engine.is_racy(node.metadata()) {
            flags.insert(EntryFlags::RACY);
        }
        if node.carried.get().is_some() {
            flags.insert(EntryFlags::CARRIED_FORWARD);
        }
        let Some(parent) = node.parent() else {
            if let Some(child) = child {
                self.engine.set_root_record(child, flags);
            }
            return Ok(());
        };
        self.count_flagged(flags);
        parent.draft().push(&node.entry(child, flags));
        Ok(())
    }

    /// Loads a directory's records from the first reference's manifest.
    pub fn load_records(&mut self, recorded: Option<Subtree>) -> Option<Directory> {
        let engine = self.engine;
        match engine.predecessor()?.directory(recorded?.at, &mut self.cache) {
            Ok(directory) => Some(directory),
            Err(error) => {
                engine.manifest_damaged(self.index, &error);
                None
            }
        }
    }

    pub fn count_flagged(&mut self, flags: EntryFlags) {
        self.flagged = self.flagged.wrapping_add(u64::from(!flags.is_empty()));
    }

    /// Writes a further name of a group down.
    pub fn record_in_group(&mut self, node: &Node<S>, name: &CStr, group: &GroupRecord) {
        if self.lane.is_none() {
            return;
        }
        let metadata = node.numbered(&group.metadata);
        self.count_flagged(group.flags);
        node.draft().push(&group.entry(name.to_bytes(), metadata));
    }
}

/// Says whether an entry of this kind can be the same under another name: directories are never shared.
pub(super) fn is_linkable(kind: Kind) -> bool {
    kind != Kind::Directory
}
