//! The first walk over a tree: every inode is read that was not read before, and what belongs together is found.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::indexing::Indexing;
use crate::crew::Crew;
use crate::descent::Descent;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Error, Result};
use crate::inodes::InodeSet;
use crate::os::{Dir, Listing};
use crate::path::RelPath;
use crate::reading::{Read, read};

/// What was found out of one tree.
#[derive(Debug, Default)]
pub(super) struct Survey {
    met: InodeSet,
    /// Inodes with several names in this tree, and their number.
    groups: Mutex<HashMap<u64, u64>>,
    /// Inodes that the tree before may have under another path, with that path once it is found.
    moved: Mutex<HashMap<u64, Option<RelPath>>>,
}

/// What one thread needs.
struct Hand<'t> {
    here: Descent<'t>,
    before: Option<Descent<'t>>,
    listing: Listing,
    buffer: Vec<u8>,
}

impl Survey {
    /// Walks a tree beside the one before it.
    ///
    /// # Errors
    /// When a directory cannot be listed or an entry cannot be looked at, or when it was stopped.
    pub fn run(
        indexing: &Indexing<'_>,
        tree: &Dir,
        before: Option<&Dir>,
        tick: &mut dyn FnMut(),
    ) -> Result<Self> {
        let survey = Self::default();
        let handle = |hand: &mut Hand<'_>, path: RelPath, crew: &Crew<RelPath>| {
            survey.directory(indexing, hand, &path, crew)
        };
        let make = || Hand {
            here: Descent::new(tree),
            before: before.map(Descent::new),
            listing: Listing::default(),
            buffer: Vec::new(),
        };
        Crew::work(indexing.threads, vec![RelPath::root()], indexing.stop, tick, &make, &handle)?;
        if let Some(before) = before
            && !survey.moved().is_empty()
        {
            survey.find_moved(indexing, before, tick)?;
        }
        Ok(survey)
    }

    /// The number of names that an inode has in this tree.
    pub fn names(&self, id: FileId) -> u64 {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).get(&id.inode).copied().unwrap_or(1)
    }

    /// The other path that the tree before has an inode under.
    pub fn moved_from(&self, id: FileId) -> Option<RelPath> {
        self.moved().get(&id.inode)?.clone()
    }

    fn moved(&self) -> MutexGuard<'_, HashMap<u64, Option<RelPath>>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory(
        &self,
        indexing: &Indexing<'_>,
        hand: &mut Hand<'_>,
        path: &RelPath,
        crew: &Crew<RelPath>,
    ) -> Result<()> {
        let Hand { here, before, listing, buffer } = hand;
        let failed = |operation| move |error| indexing.failed(operation, path, error);
        let dir = here.open(path).map_err(failed("open"))?;
        dir.open_dir(c".").and_then(|dir| dir.list(listing)).map_err(failed("list"))?;
        let before = before.as_mut().and_then(|before| before.open(path).ok());
        for entry in listing.entries() {
            if indexing.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            let name = listing.name(*entry);
            let disk = dir.stat_at(name).map_err(failed("stat"))?;
            if indexing.is_mounted(&disk) {
                return Err(indexing.hidden(&path.child(name.to_bytes())));
            }
            indexing.count_entry();
            if disk.kind == Kind::Directory {
                crew.push(path.child(name.to_bytes()));
                continue;
            }
            self.meet(&disk, before, name);
            if disk.kind == Kind::File && indexing.hashes.begin(&disk) {
                hash(indexing, dir, name, path, &disk, buffer)?;
            }
        }
        Ok(())
    }

    fn meet(&self, disk: &Metadata, before: Option<&Dir>, name: &CStr) {
        if disk.nlink == 1 {
            return;
        }
        if !self.met.insert(disk.id) {
            let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            *groups.entry(disk.id.inode).or_insert(1) += 1;
        }
        if !is_same_there(before, name, disk) {
            self.moved().insert(disk.id.inode, None);
        }
    }

    /// Looks for inodes in the tree before, under whatever path.
    fn find_moved(&self, indexing: &Indexing<'_>, before: &Dir, tick: &mut dyn FnMut()) -> Result<()> {
        let handle =
            |(descent, listing): &mut (Descent<'_>, Listing), path: RelPath, crew: &Crew<RelPath>| {
                // What cannot be read there is not found there.
                let mut look = || -> io::Result<()> {
                    let dir = descent.open(&path)?.open_dir(c".")?;
                    dir.list(listing)?;
                    for entry in listing.entries() {
                        let name = listing.name(*entry);
                        let disk = dir.stat_at(name)?;
                        if disk.kind == Kind::Directory {
                            crew.push(path.child(name.to_bytes()));
                        } else if let Some(place) = self.moved().get_mut(&disk.id.inode) {
                            let path = path.child(name.to_bytes());
                            // The first path of several, so that the result does not depend on the threads.
                            if place.as_ref().is_none_or(|known| path < *known) {
                                *place = Some(path);
                            }
                        }
                    }
                    Ok(())
                };
                let _ = look();
                Ok(())
            };
        let make = || (Descent::new(before), Listing::default());
        Crew::work(indexing.threads, vec![RelPath::root()], indexing.stop, tick, &make, &handle)
    }
}

/// Says whether the same path leads to the same inode in the tree before.
pub(super) fn is_same_there(before: Option<&Dir>, name: &CStr, disk: &Metadata) -> bool {
    before.is_some_and(|before| before.stat_at(name).is_ok_and(|other| other.id == disk.id))
}

/// Reads a file for its hash; one that cannot be read has none, and is a problem.
fn hash(
    indexing: &Indexing<'_>,
    dir: &Dir,
    name: &CStr,
    parent: &RelPath,
    disk: &Metadata,
    buffer: &mut Vec<u8>,
) -> Result<()> {
    indexing.count_file();
    let error = match read(dir, name, disk, buffer, (indexing.bytes, indexing.stop)) {
        Read::Whole(hash) => {
            hash.into_iter().for_each(|hash| indexing.hashes.insert(disk, hash));
            return Ok(());
        }
        Read::Stopped => return Err(Error::interrupted()),
        Read::Changed => io::Error::other("it changed while it was read"),
        Read::Failed(error) => error,
    };
    indexing.unreadable(&parent.child(name.to_bytes()), &error);
    Ok(())
}
