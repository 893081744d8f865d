//! Writing damage down, so that nothing is ever linked to it again.

use std::collections::HashSet;
use std::time::Duration;

use super::pending::Damaged;
use crate::descent::Descent;
use crate::entry::Metadata;
use crate::error::Result;
use crate::finding::Sighting;
use crate::monitor::StopFlag;
use crate::os::Dir;
use crate::path::RelPath;
use crate::repository::{Damage, Repository, SnapshotName};

/// A damaged inode in one snapshot.
#[derive(Debug)]
pub(super) struct Note {
    snapshot: SnapshotName,
    path: RelPath,
    disk: Metadata,
}

impl Note {
    /// One note for each snapshot that has the inode: any of them may be deleted, and the note with it.
    pub fn of(damaged: &Damaged) -> Vec<Self> {
        let mut noted = HashSet::new();
        let new = |name: &&Sighting| noted.insert(name.snapshot.clone());
        let names: Vec<Self> =
            damaged.names.iter().filter(new).filter_map(|name| Self::new(name, damaged)).collect();
        if names.is_empty() { Self::of_place(damaged).into_iter().collect() } else { names }
    }

    /// A note for the place where it was found.
    pub fn of_place(damaged: &Damaged) -> Option<Self> {
        Self::new(&damaged.place, damaged)
    }

    fn new(name: &Sighting, damaged: &Damaged) -> Option<Self> {
        let snapshot = name.snapshot.parse().ok()?;
        Some(Self { snapshot, path: name.path.clone(), disk: damaged.disk })
    }

    /// Says whether the name still leads to what was found: meanwhile the snapshot may have been deleted, and the
    /// inode's number given to a sound file.
    fn holds(&self, repository: &Repository) -> bool {
        let look = || -> std::io::Result<bool> {
            let root: Dir = repository.open_tree(&self.snapshot)?;
            let (parent, name) = split(&self.path);
            let disk = Descent::new(&root).open(&parent)?.stat_at(&c_bytes(name)?)?;
            Ok(disk.id == self.disk.id && (disk.size, disk.mtime) == (self.disk.size, self.disk.mtime))
        };
        look().unwrap_or(false)
    }
}

fn split(path: &RelPath) -> (RelPath, &[u8]) {
    let bytes = path.as_bytes();
    match bytes.iter().rposition(|&byte| byte == b'/') {
        Some(at) => {
            let (parent, name) = bytes.split_at(at);
            (RelPath::new(parent).unwrap_or_default(), name.get(1..).unwrap_or_default())
        }
        None => (RelPath::root(), bytes),
    }
}

fn c_bytes(name: &[u8]) -> std::io::Result<std::ffi::CString> {
    Ok(std::ffi::CString::new(name)?)
}

/// Writes down what still holds, under the lock.
///
/// # Errors
/// When the lock is held by somebody else, or it cannot be written: nothing is noted then.
pub(super) fn note(
    repository: &Repository,
    notes: &[Note],
    patience: Duration,
    stop: &StopFlag,
) -> Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let _lock = repository.lock(patience, stop)?;
    let damages: Vec<Damage> = notes
        .iter()
        .filter(|note| note.holds(repository))
        .map(|note| Damage::new(note.snapshot.clone(), note.path.clone(), note.disk.id.inode))
        .collect();
    repository.add_damages(&damages)
}
