//! All inodes of a snapshot's tree, by several threads.
//!
//! What waits is paths, not open directories, so that neither depth nor width needs descriptors. A thread keeps the
//! directory open that it read last: mostly the next one is in it.

use std::ffi::CString;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};

use super::stopped;
use super::tree::{open_below, split};
use crate::crew::start;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, Result};
use crate::monitor::StopFlag;
use crate::os::{Dir, Listing};
use crate::path::RelPath;
use crate::repository::{Repository, SnapshotName};

/// Looks at everything in a snapshot, its root too. `each` gets the entries of one directory at a time.
///
/// # Errors
/// What cannot be read, and that it was told to stop.
pub(super) fn walk(
    repository: &Repository,
    name: &SnapshotName,
    stop: &StopFlag,
    each: &(dyn Fn(&[Metadata]) + Sync),
) -> Result<()> {
    let path = repository.tree_path(name);
    let failed = |at: &RelPath, error| Error::io("list", path.join(at.as_path()), error);
    let root = repository.open_tree(name);
    let root = root.map_err(|error| failed(&RelPath::root(), error))?;
    each(&[root.stat().map_err(|error| failed(&RelPath::root(), error))?]);
    let queue = Queue::default();
    queue.push(vec![RelPath::root()]);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // This thread works as well: any other is a help, and none is needed.
            let _ = start(scope, || queue.work(&root, stop, each));
        }
        queue.work(&root, stop, each);
    });
    if stop.is_stopped() {
        return Err(stopped());
    }
    let state = queue.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failure.map_or(Ok(()), |(at, error)| Err(failed(&at, error)))
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Directories that nobody reads yet.
    waiting: Vec<RelPath>,
    /// How many are being read.
    busy: usize,
    failure: Option<(RelPath, io::Error)>,
}

impl Queue {
    fn push(&self, directories: Vec<RelPath>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.extend(directories);
    }

    /// Takes the next directory; `None` when all is done, or nothing can be.
    fn next(&self) -> Option<RelPath> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.failure.is_some() {
                return None;
            }
            if let Some(path) = state.waiting.pop() {
                state.busy += 1;
                return Some(path);
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, path: RelPath, result: io::Result<Vec<RelPath>>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy -= 1;
        match result {
            Ok(directories) => state.waiting.extend(directories),
            Err(error) => state.failure = Some((path, error)),
        }
        self.changed.notify_all();
    }

    fn work(&self, root: &Dir, stop: &StopFlag, each: &(dyn Fn(&[Metadata]) + Sync)) {
        let mut reader = Reader { root, last: None, listing: Listing::default(), entries: Vec::new() };
        while let Some(path) = self.next() {
            // What is left is taken and let go, so that nobody waits for it.
            let stopped = stop.is_stopped();
            let read = if stopped { Ok(Vec::new()) } else { reader.read(&path) };
            if read.is_ok() && !stopped {
                each(&reader.entries);
            }
            self.done(path, read);
        }
    }
}

/// What one thread has at hand.
struct Reader<'w> {
    root: &'w Dir,
    last: Option<(RelPath, Dir)>,
    listing: Listing,
    entries: Vec<Metadata>,
}

impl Reader<'_> {
    /// Looks at all entries of a directory, and returns the directories among them.
    fn read(&mut self, path: &RelPath) -> io::Result<Vec<RelPath>> {
        let dir = self.open(path)?;
        self.entries.clear();
        dir.list(&mut self.listing)?;
        let mut directories = Vec::new();
        for listed in self.listing.entries() {
            let name = self.listing.name(*listed);
            let metadata = dir.stat_at(name)?;
            if metadata.kind == Kind::Directory {
                directories.push(path.child(name.to_bytes()));
            }
            self.entries.push(metadata);
        }
        self.last = Some((path.clone(), dir));
        Ok(directories)
    }

    fn open(&self, path: &RelPath) -> io::Result<Dir> {
        let (parent, name) = split(path);
        let name = CString::new(name)?;
        match &self.last {
            Some((last, dir)) if last.as_bytes() == parent => dir.open_dir(&name),
            _ => open_below(self.root, parent)?.open_dir(&name),
        }
    }
}
