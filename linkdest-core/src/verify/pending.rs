//! What was found of inodes, until all of their names are known.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::entry::{FileId, Metadata, Timestamp};
use crate::finding::{Cause, Finding, FindingKind, Sighting};

/// More are told with the one name that they were found by, so that memory is bounded.
const MOST: usize = 50_000;

/// One inode that differs from its record.
#[derive(Debug)]
pub(super) struct Damaged {
    pub kind: FindingKind,
    pub place: Sighting,
    pub message: String,
    /// Size or an attribute says that somebody wrote.
    pub written: bool,
    /// A regular file's bytes are wrong: nothing may be linked to it.
    pub spoiled: bool,
    /// What was on disk.
    pub disk: Metadata,
    /// The manifest knows this inode, so that its change time means something.
    pub claimed: bool,
    /// Its names, as far as they were found.
    pub names: Vec<Sighting>,
    /// When the last run ended that linked to it, as far as the names tell; `None` where one of them does not.
    pub last_run: Option<Timestamp>,
}

impl Damaged {
    /// Makes the finding, once all names are known.
    pub fn finding(&self) -> Finding {
        // Threads find names in any order; the first of that snapshot stands for them. An inode that is not the recorded
        // one may be right under its other names.
        let first = self.names.iter().find(|name| self.claimed && name.snapshot == self.place.snapshot);
        let first = first.unwrap_or(&self.place);
        let others = self.names.iter().filter(|name| *name != first).cloned().collect();
        Finding::new(self.kind, Some(self.cause()), first.clone(), &*self.message).shared_with(others)
    }

    fn cause(&self) -> Cause {
        let later = match (self.disk.ctime, self.last_run) {
            (Some(ctime), Some(last_run)) => self.claimed && ctime > last_run,
            _ => false,
        };
        if self.written || later { Cause::Tampering } else { Cause::Rot }
    }
}

/// Damaged inodes by their identity.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<HashMap<FileId, Damaged>>);

impl Pending {
    /// Adds an inode unless it is there; hands it back if there is no room for it.
    pub fn add(&self, damaged: Damaged) -> Option<Damaged> {
        let mut all = self.lock();
        if all.len() >= MOST && !all.contains_key(&damaged.disk.id) {
            return Some(damaged);
        }
        all.entry(damaged.disk.id).or_insert(damaged);
        None
    }

    /// Says whether something was found of the inode before.
    pub fn contains(&self, id: FileId) -> bool {
        self.lock().contains_key(&id)
    }

    /// Adds a name of an inode, and when the run ended that made that name.
    pub fn name(&self, id: FileId, name: Sighting, ended: Option<Timestamp>) {
        if let Some(damaged) = self.lock().get_mut(&id) {
            damaged.last_run = match (damaged.names.is_empty(), damaged.last_run) {
                (true, _) => ended,
                (false, last) => last.zip(ended).map(|(last, ended)| last.max(ended)),
            };
            damaged.names.push(name);
        }
    }

    /// The names of all inodes together, found or not.
    pub fn links(&self) -> u64 {
        self.lock().values().map(|damaged| damaged.disk.nlink).sum()
    }

    /// Takes everything out, in the order of the places.
    pub fn take(&self) -> Vec<Damaged> {
        let mut all: Vec<Damaged> = std::mem::take(&mut *self.lock()).into_values().collect();
        all.iter_mut().for_each(|damaged| damaged.names.sort_unstable());
        all.sort_unstable_by(|a, b| a.place.cmp(&b.place));
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FileId, Damaged>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RelPath;

    #[test]
    fn the_cause_is_what_the_disk_can_tell() {
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        let place = Sighting { snapshot: "s".into(), path: RelPath::root() };
        for (written, claimed, ctime, runs, cause) in [
            (false, true, Some(5), &[Some(9)][..], Cause::Rot),
            (true, true, Some(5), &[Some(9)], Cause::Tampering),
            (false, true, Some(10), &[Some(9)], Cause::Tampering),
            (false, true, Some(10), &[Some(9), Some(11)], Cause::Rot),
            (false, true, Some(10), &[Some(9), None], Cause::Rot),
            (false, true, Some(10), &[None, Some(9)], Cause::Rot),
            (false, true, None, &[Some(9)], Cause::Rot),
            (false, true, Some(10), &[], Cause::Rot),
            // The repository was copied: the change time is that of the copy.
            (false, false, Some(10), &[Some(9)], Cause::Rot),
        ] {
            let disk = Metadata { ctime: ctime.map(at), ..Metadata::file(1, at(1)) };
            let pending = Pending::default();
            pending.add(Damaged {
                kind: FindingKind::Content,
                place: place.clone(),
                message: String::new(),
                written,
                spoiled: true,
                disk,
                claimed,
                names: Vec::new(),
                last_run: None,
            });
            runs.iter().for_each(|ended| pending.name(disk.id, place.clone(), ended.map(at)));
            assert_eq!(pending.take()[0].cause(), cause, "{written} {claimed} {ctime:?} {runs:?}");
        }
    }
}
