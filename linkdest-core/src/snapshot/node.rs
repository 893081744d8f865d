//! One directory being worked on, from its opening until its last child is done.

use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::recorded::DeviceNumbers;
use crate::entry::{FileId, Metadata, Timestamp};
use crate::filter::DirectoryRules;
use crate::manifest::{Directory, DirectoryDraft, EncodedXattrs, Entry, EntryFlags, Origin, Subtree};
use crate::os::{Dir, Xattrs};
use crate::path::RelPath;
use crate::source::Source;

/// The open handles of one directory. They are closed when the last user drops them.
pub(super) struct Handles<S: Source> {
    pub source: S::Dir,
    /// The directory in staging; `None` in a dry run.
    pub staged: Option<Dir>,
    /// The same directory in each reference that has it, with the reference's number.
    pub references: Vec<(usize, Dir)>,
    /// Gives the descriptors back to the budget when the handles are dropped.
    pub _lease: super::budget::Lease,
}

impl<S: Source> Handles<S> {
    /// How many descriptors they are.
    pub fn descriptors(staged: bool, references: usize) -> usize {
        1 + usize::from(staged) + references
    }

    /// The directory in the reference with that number.
    pub fn reference(&self, number: usize) -> Option<&Dir> {
        self.references.iter().find(|(other, _)| *other == number).map(|(_, dir)| dir)
    }
}

/// Which inodes the handles stood for when they were closed, so that they are not taken for others later.
#[derive(Debug)]
pub(super) struct Identities {
    pub staged: Option<FileId>,
    pub references: Vec<(usize, FileId)>,
}

/// The sub-directories that were found, by name, in one arena.
#[derive(Debug, Default)]
pub(super) struct Subdirectories {
    names: Vec<u8>,
    starts: Vec<usize>,
}

impl Subdirectories {
    pub fn push(&mut self, name: &CStr) {
        self.starts.push(self.names.len());
        self.names.extend_from_slice(name.to_bytes_with_nul());
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    pub fn get(&self, index: usize) -> Option<&CStr> {
        CStr::from_bytes_until_nul(self.names.get(*self.starts.get(index)?..)?).ok()
    }
}

/// What is known of a directory when it was opened.
pub(super) struct OpenedNode {
    /// What the source's directory was.
    pub metadata: Metadata,
    /// What the directory in staging will get.
    pub xattrs: Xattrs,
    /// All of its extended attributes, for the manifest.
    pub encoded: EncodedXattrs,
    /// The filter rules that hold in it.
    pub rules: Option<DirectoryRules>,
    /// How its device is numbered.
    pub devices: DeviceNumbers,
    /// Its record in the first reference's manifest.
    pub recorded: Option<Subtree>,
    /// Where the first reference has it, if not at the same path.
    pub moved_from: Option<RelPath>,
}

/// What a directory was when its content could be read.
pub(super) struct CarriedDirectory {
    pub metadata: Metadata,
    pub xattrs: Xattrs,
    pub encoded: EncodedXattrs,
}

/// A directory of the source and what becomes of it.
pub(super) struct Node<S: Source> {
    parent: Option<Arc<Node<S>>>,
    name: CString,
    pub opened: OpenedNode,
    /// When this directory, or one above it, was perhaps renamed.
    renamed: Option<Timestamp>,
    /// The records of its entries so far.
    draft: Mutex<DirectoryDraft>,
    /// What the first reference's manifest has of it, until the last sub-directory was begun.
    records: Mutex<Option<Directory>>,
    /// Its content could not be read: what the reference had stands in its place, with the attributes of then.
    pub carried: OnceLock<CarriedDirectory>,
    /// How many entries it has in the snapshot so far.
    pub placed: AtomicUsize,
    pub subdirectories: OnceLock<Subdirectories>,
    next: AtomicUsize,
    unfinished: AtomicUsize,
    handles: Mutex<Option<Arc<Handles<S>>>>,
    /// Set when the handles were closed for the first time.
    pub identities: OnceLock<Identities>,
    pub last_used: AtomicU64,
    stamped: Mutex<bool>,
    /// A hard-link group may come back to this directory, or to one below it, after it is done.
    kept: AtomicBool,
}

impl<S: Source> Node<S> {
    /// Takes a directory that was just opened; it is unfinished until [`release`](Self::release)d once.
    pub fn new(parent: Option<Arc<Self>>, name: &CStr, opened: OpenedNode, handles: Arc<Handles<S>>) -> Self {
        let base =
            Metadata { id: FileId { device: opened.devices.here, ..opened.metadata.id }, ..opened.metadata };
        let renamed = parent.as_ref().and_then(|parent| parent.renamed.max(rename(parent, &opened)));
        Self {
            parent,
            name: name.to_owned(),
            opened,
            renamed,
            draft: Mutex::new(DirectoryDraft::new(&base)),
            records: Mutex::new(None),
            carried: OnceLock::new(),
            placed: AtomicUsize::new(0),
            subdirectories: OnceLock::new(),
            next: AtomicUsize::new(0),
            unfinished: AtomicUsize::new(1),
            handles: Mutex::new(Some(handles)),
            identities: OnceLock::new(),
            last_used: AtomicU64::new(0),
            stamped: Mutex::new(false),
            kept: AtomicBool::new(false),
        }
    }

    pub fn parent(&self) -> Option<&Arc<Self>> {
        self.parent.as_ref()
    }

    pub fn name(&self) -> &CStr {
        &self.name
    }

    /// Says whether names below may stand for others than at this time: renaming a directory moves no ctime in it.
    pub fn may_be_renamed_since(&self, time: Timestamp) -> bool {
        self.renamed.is_some_and(|renamed| renamed >= time)
    }

    /// What the source's directory was when it was opened.
    pub fn metadata(&self) -> &Metadata {
        &self.opened.metadata
    }

    /// The records of its entries.
    pub fn draft(&self) -> MutexGuard<'_, DirectoryDraft> {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the first reference's manifest has of it.
    pub fn records(&self) -> MutexGuard<'_, Option<Directory>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metadata of one of its entries, with its device as the manifest numbers it. What was mounted over a name is
    /// on a device that nobody asked for.
    pub fn numbered(&self, metadata: &Metadata) -> Metadata {
        Metadata { id: self.number(metadata, self.opened.devices.here), mount: None, ..*metadata }
    }

    /// The identity that an entry would have in the first reference's manifest; device 0 if it cannot be there.
    pub fn identity_before(&self, metadata: &Metadata) -> FileId {
        self.number(metadata, self.opened.devices.before)
    }

    fn number(&self, metadata: &Metadata, number: u64) -> FileId {
        let known = metadata.id.device == self.opened.metadata.id.device;
        FileId { device: if known { number } else { 0 }, inode: metadata.id.inode }
    }

    /// The entry that stands for this directory in the manifest.
    pub fn entry(&self, subtree: Option<Subtree>, flags: EntryFlags) -> Entry<'_> {
        let here = self.opened.devices.here;
        let (metadata, encoded) = match self.carried.get() {
            Some(carried) => (&carried.metadata, &carried.encoded),
            None => (&self.opened.metadata, &self.opened.encoded),
        };
        Entry {
            name: self.name.to_bytes(),
            metadata: Metadata {
                id: FileId { device: here, ..self.opened.metadata.id },
                mount: None,
                ..*metadata
            },
            repository_inode: 0,
            origin: Origin::Fresh,
            target: &[],
            xattrs: encoded.as_ref(),
            content: None,
            flags,
            ..Entry::NONE
        }
        .with_subtree(subtree)
    }

    /// Where the first reference has a name of this directory, if not at the same path.
    pub fn moved_from(&self, name: &CStr) -> Option<RelPath> {
        self.opened.moved_from.as_ref().map(|path| path.child(name.to_bytes()))
    }

    /// The path of a name in this directory.
    pub fn path_of(&self, name: &CStr) -> RelPath {
        self.path().child(name.to_bytes())
    }

    /// The path of this directory.
    pub fn path(&self) -> RelPath {
        let mut names = Vec::new();
        let mut node = self;
        while let Some(parent) = &node.parent {
            names.push(node.name.to_bytes());
            node = parent;
        }
        RelPath::from_names(names.into_iter().rev())
    }

    /// Counts what cannot be looked at: a directory that it is in is not empty.
    pub fn place_unseen(&self, error: &std::io::Error) {
        let is_there = error.kind() != std::io::ErrorKind::NotFound;
        self.placed.fetch_add(usize::from(is_there), Ordering::AcqRel);
    }

    /// Takes the next sub-directory that nobody has begun, and says whether more are left.
    pub fn next_subdirectory(&self) -> Option<(&CStr, bool)> {
        let all = self.subdirectories.get()?;
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        all.get(index).map(|name| (name, index + 1 < all.len()))
    }

    /// Keeps the directory unfinished for so many more children or waiting names.
    pub fn hold(&self, times: usize) {
        self.unfinished.fetch_add(times, Ordering::AcqRel);
    }

    /// Takes one hold back; says whether it was the last.
    pub fn release(&self) -> bool {
        self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Keeps the way to this directory open, or known, for as long as anybody refers to it.
    pub fn keep(&self) {
        let mut node = Some(self);
        while let Some(kept) = node.filter(|node| !node.kept.swap(true, Ordering::AcqRel)) {
            node = kept.parent.as_deref();
        }
    }

    /// Says whether the directory may be needed again after it is done.
    pub fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Acquire)
    }

    /// The slot of the open handles.
    pub fn handles(&self) -> MutexGuard<'_, Option<Arc<Handles<S>>>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the directory in staging has its last attributes; held while names in it are changed afterwards.
    pub fn stamped(&self) -> MutexGuard<'_, bool> {
        self.stamped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When a directory was perhaps renamed: that changes both itself and the directory that it is in.
fn rename<S: Source>(parent: &Node<S>, opened: &OpenedNode) -> Option<Timestamp> {
    Some(opened.metadata.ctime?.min(parent.metadata().ctime?))
}

impl<S: Source> Drop for Node<S> {
    /// Takes the chain of parents apart in a loop: dropping it link by link would recurse as deep as the tree.
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(parent) = next {
            next = Arc::into_inner(parent).and_then(|mut parent| parent.parent.take());
        }
    }
}
