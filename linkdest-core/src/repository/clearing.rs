//! Removing trees with several threads: any depth, any width, few open directories, no recursion.
//!
//! Each worker goes down a tree of its own. When others have nothing to do it hands them half of the sub-directories of
//! its uppermost directory. A directory of which a part was handed over may not be empty yet when its worker leaves it:
//! these few stay, and one worker alone removes them at the end. What is mounted in a tree is left alone.

use std::ffi::{CStr, CString};
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::removal::{is_mounted_on, open_writable};
use crate::crew::start;
use crate::entry::{FileId, Kind, Metadata};
use crate::monitor::StopFlag;
use crate::os::{Dir, Listing};

/// So many levels stay open, and can be shared; deeper ones are reached by `..`.
const OPEN_LEVELS: usize = 16;
/// More threads than this only wait for each other.
const MOST_THREADS: usize = 8;

/// Removes all that is in a directory, and goes on where something cannot be removed.
///
/// # Errors
/// The first of what could not be removed.
pub(super) fn clear(dir: &Dir, threads: Option<NonZeroUsize>, stop: &StopFlag) -> io::Result<()> {
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
    let threads = threads.map_or_else(cores, NonZeroUsize::get);
    let home = dir.stat()?;
    let first = Clearing::new(home, stop);
    first.run(dir, threads)?;
    if stop.is_stopped() || names(dir)?.is_empty() {
        return Ok(());
    }
    let last = Clearing::new(home, stop);
    last.run(dir, 1)?;
    last.error.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

pub(super) fn names(dir: &Dir) -> io::Result<Vec<CString>> {
    let mut listing = Listing::default();
    dir.open_dir(c".")?.list(&mut listing)?;
    Ok(listing.entries().iter().map(|entry| listing.name(*entry).to_owned()).collect())
}

/// Directories to be removed, and where they are.
struct Unit {
    parent: Arc<Dir>,
    directories: Vec<CString>,
}

#[derive(Default)]
struct Pool {
    units: Vec<Unit>,
    working: usize,
}

struct Clearing<'s> {
    /// The directory that is emptied.
    home: Metadata,
    stop: &'s StopFlag,
    pool: Mutex<Pool>,
    wake: Condvar,
    hungry: AtomicUsize,
    error: Mutex<Option<io::Error>>,
}

/// One directory on the way down: which it is, and what is still to be removed below it.
struct Level {
    /// Open while a deeper one is worked on, as far as there are few.
    dir: Option<Arc<Dir>>,
    id: FileId,
    name: CString,
    directories: Vec<CString>,
}

impl<'s> Clearing<'s> {
    fn new(home: Metadata, stop: &'s StopFlag) -> Self {
        Self {
            home,
            stop,
            pool: Mutex::default(),
            wake: Condvar::new(),
            hungry: AtomicUsize::new(0),
            error: Mutex::default(),
        }
    }

    fn run(&self, dir: &Dir, threads: usize) -> io::Result<()> {
        let top = Arc::new(dir.open_dir(c".")?);
        let top_level = self.empty_of_files(&top, top.stat()?.id, c"", &mut Listing::default())?;
        self.pool().units.push(Unit { parent: top, directories: top_level.directories });
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // This thread works as well: any other is a help, and none is needed.
                let _ = start(scope, || self.work());
            }
            self.work();
        });
        Ok(())
    }

    fn pool(&self) -> std::sync::MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut listing = Listing::default();
        while let Some(unit) = self.take() {
            if let Err(error) = self.remove(unit, &mut listing) {
                self.note(error);
            }
            self.pool().working -= 1;
            self.wake.notify_all();
        }
    }

    /// Takes work, waiting for some; `None` once there is none and nobody left who could find more.
    fn take(&self) -> Option<Unit> {
        let mut pool = self.pool();
        loop {
            if let Some(unit) = pool.units.pop() {
                pool.working += 1;
                return Some(unit);
            }
            if pool.working == 0 {
                return None;
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            pool = self.wake.wait(pool).unwrap_or_else(PoisonError::into_inner);
            self.hungry.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Removes the directories of a unit with all that is below them.
    fn remove(&self, unit: Unit, listing: &mut Listing) -> io::Result<()> {
        let mut current = unit.parent;
        let id = current.stat()?.id;
        let mut levels =
            vec![Level { dir: None, id, name: CString::default(), directories: unit.directories }];
        loop {
            let depth = levels.len();
            let Some(level) = levels.last_mut() else { break };
            if self.stop.is_stopped() {
                return Ok(());
            }
            if let Some(name) = level.directories.pop() {
                match self.enter(&current, &name, listing) {
                    Ok((child, below)) => {
                        let above = std::mem::replace(&mut current, Arc::new(child));
                        level.dir = (depth <= OPEN_LEVELS).then_some(above);
                        levels.push(below);
                        self.share(&mut levels, &current);
                    }
                    Err(error) => self.note(error),
                }
                continue;
            }
            let Some(done) = levels.pop() else { break };
            let Some(above) = levels.last_mut() else { break };
            current = match above.dir.take() {
                Some(dir) => dir,
                None => Arc::new(parent_of(&current, above.id)?),
            };
            if let Err(error) = current.remove_dir(&done.name) {
                self.note(error);
            }
        }
        Ok(())
    }

    fn enter(&self, parent: &Dir, name: &CStr, listing: &mut Listing) -> io::Result<(Dir, Level)> {
        let (dir, id) = open_writable(parent, name, &|stat| is_mounted_on(&self.home, stat))?;
        let level = self.empty_of_files(&dir, id, name, listing)?;
        Ok((dir, level))
    }

    /// Hands half of the uppermost directories to those who have nothing to do.
    fn share(&self, levels: &mut [Level], current: &Arc<Dir>) {
        if self.hungry.load(Ordering::Relaxed) == 0 {
            return;
        }
        let deepest = levels.len().saturating_sub(1);
        for (depth, level) in levels.iter_mut().enumerate() {
            let dir = if depth == deepest { Some(current) } else { level.dir.as_ref() };
            if let Some(dir) = dir.filter(|_| !level.directories.is_empty()) {
                let parent = Arc::clone(dir);
                let directories = level.directories.split_off(level.directories.len() / 2);
                let mut pool = self.pool();
                // Who was woken for the last one is on the way.
                if pool.units.is_empty() {
                    pool.units.push(Unit { parent, directories });
                    self.wake.notify_one();
                } else {
                    level.directories.extend(directories);
                }
                return;
            }
        }
    }

    /// Removes what is no directory, and returns the directories.
    fn empty_of_files(&self, dir: &Dir, id: FileId, name: &CStr, listing: &mut Listing) -> io::Result<Level> {
        dir.list(listing)?;
        let mut directories = Vec::new();
        for entry in listing.entries() {
            let entry_name = listing.name(*entry);
            let kind = match entry.kind {
                Some(kind) => kind,
                None => dir.stat_at(entry_name)?.kind,
            };
            if kind == Kind::Directory {
                directories.push(entry_name.to_owned());
            } else if let Err(error) = dir.unlink(entry_name) {
                self.note(error);
            }
        }
        Ok(Level { dir: None, id, name: name.to_owned(), directories })
    }

    /// Keeps the first error. That something is in a directory has a reason of its own.
    fn note(&self, error: io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            if first.as_ref().is_none_or(|first| first.kind() == io::ErrorKind::DirectoryNotEmpty) {
                *first = Some(error);
            }
        }
    }
}

fn parent_of(dir: &Dir, id: FileId) -> io::Result<Dir> {
    let up = dir.open_parent_search()?;
    if up.stat()?.id == id {
        Ok(up)
    } else {
        Err(io::Error::other("a directory was moved while it was being removed"))
    }
}
