//! One directory that is being restored, from its opening until its last child is done.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::saved::SavedDir;
use super::wanted::Wanted;
use crate::entry::{FileId, Metadata};
use crate::os::Dir;
use crate::path::RelPath;

/// A directory that is being restored.
pub(super) struct Node {
    pub parent: Option<Arc<Node>>,
    pub wanted: Wanted,
    /// What the target had when it was opened; `None` where a dry run found nothing.
    pub found: Option<Metadata>,
    /// It was made in this run.
    pub created: bool,
    /// Something was written in it or to it.
    pub dirty: AtomicBool,
    /// Sub-directories that are not done, and one for itself.
    pending: AtomicUsize,
    handles: Mutex<Option<Arc<Handles>>>,
    /// Names in it by what they are without case; kept only where names that differ in case are one.
    folded: Mutex<HashMap<String, CString>>,
    /// Held while a directory in it is looked for and made, where names may be one.
    entering: Mutex<()>,
}

/// What is open of a directory.
pub(super) struct Handles {
    /// In the target; `None` where a dry run found nothing.
    pub target: Option<Dir>,
    /// In the snapshot, once something is read there.
    pub snapshot: OnceLock<SavedDir>,
}

impl Handles {
    pub fn new(target: Option<Dir>) -> Arc<Self> {
        Arc::new(Self { target, snapshot: OnceLock::new() })
    }
}

/// A directory that waits for a worker.
pub(super) struct Job {
    pub parent: Arc<Node>,
    pub wanted: Wanted,
}

impl Node {
    pub fn new(
        parent: Option<Arc<Self>>,
        wanted: Wanted,
        found: Option<Metadata>,
        created: bool,
        handles: &Arc<Handles>,
    ) -> Arc<Self> {
        Arc::new(Self {
            parent,
            wanted,
            found,
            created,
            dirty: AtomicBool::new(created),
            pending: AtomicUsize::new(1),
            handles: Mutex::new(Some(Arc::clone(handles))),
            folded: Mutex::default(),
            entering: Mutex::default(),
        })
    }

    /// The name of another entry that stands for this one in a target where names that differ in case may be one. Without
    /// one, the name is remembered.
    pub fn namesake(&self, target: Option<&Dir>, name: &CStr) -> Option<CString> {
        let key = name.to_str().map_or_else(|_| format!("{name:?}"), str::to_lowercase);
        let mut folded = self.folded.lock().unwrap_or_else(PoisonError::into_inner);
        let first = folded.entry(key).or_insert_with(|| name.to_owned());
        let id = |name: &CStr| target?.stat_at(name).ok().map(|stat| stat.id);
        let is_one = || id(name).is_some_and(|one| id(first) == Some(one));
        (first.as_c_str() != name && is_one()).then(|| first.clone())
    }

    /// Keeps others from looking for and making directories in it.
    pub fn entering(&self) -> MutexGuard<'_, ()> {
        self.entering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its path below what is restored.
    pub fn path(&self) -> RelPath {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut node = self;
        while let Some(parent) = &node.parent {
            names.push(node.wanted.name.to_bytes());
            node = parent;
        }
        RelPath::from_names(names.into_iter().rev())
    }

    /// The path of an entry in it.
    pub fn path_of(&self, name: &CStr) -> RelPath {
        self.path().child(name.to_bytes())
    }

    /// The root of the walk.
    pub fn root(&self) -> &Self {
        let mut node = self;
        while let Some(parent) = &node.parent {
            node = parent;
        }
        node
    }

    pub fn soil(&self) {
        self.dirty.store(true, Ordering::Relaxed);
    }

    pub fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Relaxed)
    }

    pub fn hold(&self, more: usize) {
        self.pending.fetch_add(more, Ordering::AcqRel);
    }

    /// Takes one hold back; says whether it was the last.
    pub fn release(&self) -> bool {
        self.pending.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub fn handles(&self) -> MutexGuard<'_, Option<Arc<Handles>>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id(&self) -> Option<FileId> {
        self.found.map(|found| found.id)
    }

    /// Says whether an open directory is still the one that was opened first.
    pub fn is(&self, dir: &Dir) -> bool {
        dir.stat().is_ok_and(|stat| Some(stat.id) == self.id())
    }

    /// Opens the directory in the target again: one name at a time from the nearest one above that is open.
    pub fn reopen(self: &Arc<Self>) -> io::Result<Arc<Handles>> {
        if let Some(open) = &*self.handles() {
            return Ok(Arc::clone(open));
        }
        if self.found.is_none() {
            return Ok(Handles::new(None));
        }
        let (mut names, mut node) = (Vec::new(), self);
        let start = loop {
            if let Some(open) = &*node.handles() {
                break Arc::clone(open);
            }
            let Some(parent) = &node.parent else { return Err(moved()) };
            names.push(node.wanted.name.as_c_str());
            node = parent;
        };
        let start = start.target.as_ref().ok_or_else(moved)?;
        let dir = open_names(start, &names)?;
        if self.is(&dir) { Ok(Handles::new(Some(dir))) } else { Err(moved()) }
    }
}

/// A chain of thousands of parents must not be dropped by recursion.
impl Drop for Node {
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(node) = next {
            next = Arc::into_inner(node).and_then(|mut node| node.parent.take());
        }
    }
}

/// Goes down by names, the last one first; the lowest directory is opened for listing.
pub(super) fn open_names(start: &Dir, names: &[&CStr]) -> io::Result<Dir> {
    let Some((last, above)) = names.split_first() else { return start.open_dir(c".") };
    let mut dir = start.open_dir_search(c".")?;
    for name in above.iter().rev() {
        dir = dir.open_dir_search(name)?;
    }
    dir.open_dir(last)
}

pub(super) fn moved() -> io::Error {
    io::Error::new(io::ErrorKind::StaleNetworkFileHandle, "a directory of the target was replaced meanwhile")
}

/// Names for the kernel; no file system has one with a NUL byte.
pub(super) fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap_or_default()
}
