//! The first walk over the manifests: what belongs together, and how much there is to send.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::beside::{From, Here, Link, Sides};
use super::earlier::Known;
use super::same::Content;
use crate::counts::Counts;
use crate::entry::Kind;
use crate::error::{Error, Result};
use crate::manifest::{Entry, EntryFlags, Origin};
use crate::monitor::StopFlag;
use crate::path::RelPath;
use crate::repository::SnapshotName;

/// An inode of the source repository as its manifests name it: 0 and the number there. Where that is unknown, the
/// device and inode that the entry had when it was saved, which are good within one manifest.
pub(super) type Key = (u64, u64);

/// Where inodes are at the target: those with several names, and those that no record but a search could tell.
pub(super) type Table = HashMap<Key, Place>;

/// Where the target has an inode.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// In a snapshot that is there.
    At(SnapshotName, RelPath),
    /// In the one that grows.
    Staged { path: RelPath, inode: u64, flags: EntryFlags, content: Content },
}

/// What was found out before anything is placed.
#[derive(Default)]
pub(super) struct Plan {
    pub table: Table,
    /// The snapshots that something is linked from, the base left out.
    pub used: BTreeSet<SnapshotName>,
    /// What would be done.
    pub counts: Counts,
}

pub(super) fn key(entry: &Entry<'_>) -> Option<Key> {
    let id = entry.metadata.id;
    match entry.repository_inode {
        0 => (id.inode != 0).then_some((id.device.saturating_add(1), id.inode)),
        inode => Some((0, inode)),
    }
}

/// Says whether other names of the same snapshot may have the inode.
pub(super) fn may_be_shared(entry: &Entry<'_>) -> bool {
    entry.metadata.nlink != 1 || entry.flags.contains(EntryFlags::CARRIED_FORWARD)
}

/// Plans one snapshot.
pub(super) fn plan(sides: &mut Sides<'_>, known: &mut Known<'_>, stop: &StopFlag) -> Result<Plan> {
    let is_first = !known.has_newer(sides.name);
    let is_alone = known.nearest(sides.name).is_empty();
    let mut planning = Planning {
        is_first,
        is_alone,
        is_remade: sides.manifest.header().generation > 0,
        plan: Plan::default(),
        open: HashMap::new(),
        lost: HashSet::new(),
        fresh: HashSet::new(),
    };
    planning.walk(sides, known, stop)?;
    let (fresh, table) = (&planning.fresh, &planning.plan.table);
    planning.lost.retain(|key| !fresh.contains(key) && !table.contains_key(key));
    planning.search(sides, known, stop)?;
    let Planning { mut plan, open, .. } = planning;
    for (key, Open { kind, bytes, names }) in open {
        let linked = if plan.table.contains_key(&key) {
            names
        } else {
            count_sent(&mut plan.counts, kind, bytes);
            names - 1
        };
        count_linked(&mut plan.counts, kind, linked, 0);
    }
    Ok(plan)
}

/// An inode that is not found yet.
struct Open {
    kind: Kind,
    bytes: u64,
    names: u64,
}

struct Planning {
    /// The target has no newer snapshot of the source.
    is_first: bool,
    /// The target has no other snapshot of the source that could have an inode of this one.
    is_alone: bool,
    /// `reindex` or `expunge` wrote the manifest.
    is_remade: bool,
    plan: Plan,
    /// Inodes that were not found where they were met.
    open: HashMap<Key, Open>,
    /// Those of them that no record leads to.
    lost: HashSet<Key>,
    /// Inodes with several names that were made in the run.
    fresh: HashSet<Key>,
}

impl Planning {
    fn walk(&mut self, sides: &mut Sides<'_>, known: &mut Known<'_>, stop: &StopFlag) -> Result<()> {
        let Some(root) = sides.manifest.root().child else { return Ok(()) };
        let mut levels = vec![(sides.root(known, root)?, 0)];
        while let Some((here, next)) = levels.last_mut() {
            if stop.is_stopped() {
                return Err(Error::interrupted());
            }
            let mut below = None;
            while let Some(entry) = here.directory.get(*next) {
                *next += 1;
                if entry.metadata.kind != Kind::Directory {
                    self.take(sides, known, here, &entry)?;
                } else if !entry.is_expunged() {
                    self.plan.counts.entries += 1;
                    self.plan.counts.directories += 1;
                    if let Some(child) = entry.child {
                        below = Some(sides.below(known, here, &entry, child)?);
                        break;
                    }
                }
            }
            match below {
                Some(below) => levels.push((below, 0)),
                None => drop(levels.pop()),
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        sides: &Sides<'_>,
        known: &mut Known<'_>,
        here: &Here,
        entry: &Entry<'_>,
    ) -> Result<()> {
        if entry.is_expunged() {
            return Ok(());
        }
        self.plan.counts.entries += 1;
        let (kind, shared) = (entry.metadata.kind, may_be_shared(entry));
        let key = key(entry);
        if let Some(Link { from, .. }) = sides.find(known, &self.plan.table, here, entry)? {
            count_linked(&mut self.plan.counts, kind, 1, entry.metadata.size);
            let place = match from {
                From::Base => sides.base.as_ref().map(|base| {
                    Place::At(base.earlier.name.clone(), here.directory.path().child(entry.name))
                }),
                From::At(earlier, path) => {
                    self.plan.used.insert(earlier.name.clone());
                    Some(Place::At(earlier.name.clone(), path))
                }
                From::Staged(_) => None,
            };
            if let (true, Some(key), Some(place)) = (shared, key, place) {
                self.plan.table.entry(key).or_insert(place);
            }
            return Ok(());
        }
        let bytes = entry.metadata.size.min(entry.metadata.allocated);
        let fresh = self.is_surely_fresh(entry);
        let Some(key) = key.filter(|_| shared || !fresh) else {
            count_sent(&mut self.plan.counts, kind, bytes);
            return Ok(());
        };
        self.open.entry(key).or_insert(Open { kind, bytes, names: 0 }).names += 1;
        if fresh {
            self.fresh.insert(key);
        } else if key.0 == 0 {
            self.lost.insert(key);
        }
        Ok(())
    }

    /// Whether no snapshot that the target has can have the inode: it was made in the run, and nothing newer is there. What
    /// `reindex` wrote without knowing the source tells only of the snapshot before.
    fn is_surely_fresh(&self, entry: &Entry<'_>) -> bool {
        let is_known = !(self.is_remade && entry.metadata.id.inode == 0);
        self.is_alone || (self.is_first && is_known && entry.origin == Origin::Fresh)
    }

    /// Searches the snapshots that both have for inodes that no record leads to: what came by way of a snapshot that the
    /// target does not have.
    fn search(&mut self, sides: &Sides<'_>, known: &mut Known<'_>, stop: &StopFlag) -> Result<()> {
        if self.lost.is_empty() {
            return Ok(());
        }
        for name in known.nearest(sides.name) {
            let Some(manifest) = known.source_manifest(&name) else { continue };
            let Some(earlier) = known.open(&name)? else { continue };
            for directory in manifest.walk() {
                if stop.is_stopped() {
                    return Err(Error::interrupted());
                }
                // What cannot be read there is not found there.
                let Ok(directory) = directory else { break };
                for entry in directory.entries() {
                    let Some(key) = key(&entry).filter(|key| self.lost.contains(key)) else { continue };
                    let path = directory.path().child(entry.name);
                    if known.find(&earlier, path.as_bytes(), &entry, |_| ())?.is_some()
                        && self.lost.remove(&key)
                    {
                        self.plan.used.insert(name.clone());
                        self.plan.table.insert(key, Place::At(name.clone(), path));
                    }
                }
            }
            if self.lost.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

fn count_linked(counts: &mut Counts, kind: Kind, names: u64, bytes: u64) {
    if kind == Kind::File {
        counts.files_linked += names;
        counts.bytes_shared += bytes;
    } else {
        counts.other_linked += names;
    }
}

fn count_sent(counts: &mut Counts, kind: Kind, bytes: u64) {
    if kind == Kind::File {
        counts.files_copied += 1;
        counts.bytes_copied += bytes;
    } else {
        counts.other_created += 1;
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make their trees by path")]
mod tests {
    use super::*;
    use crate::monitor::Silent;
    use crate::repository::Repository;
    use crate::snapshot::Snapshotter;

    /// The snapshots that the oldest one was linked to are gone, and the target has nothing: no record leads to anything.
    #[test]
    fn what_nothing_can_lead_to_is_not_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let (source, place) = (dir.path().join("source"), dir.path().join("repository"));
        std::fs::create_dir(&source).unwrap();
        for number in 0..100 {
            std::fs::write(source.join(number.to_string()), number.to_string()).unwrap();
        }
        std::fs::hard_link(source.join("7"), source.join("seven")).unwrap();
        let take = || Snapshotter::new(&source, &place).init(true).run(&Silent).unwrap();
        let first = take().snapshot().unwrap().clone();
        let second = take().snapshot().unwrap().clone();
        let repository = Repository::open(&place).unwrap();
        repository.delete(&[first]).unwrap();
        let ours = repository.snapshots().unwrap();
        let manifest = repository.manifest(&second).unwrap().unwrap();
        for (is_alone, remembered) in [(true, 1), (false, 100)] {
            let mut known = Known::new(&repository, &ours, None).unwrap();
            let mut sides = Sides::new(&second, &manifest, &mut known).unwrap();
            let (plan, open, lost, fresh) = Default::default();
            let mut planning =
                Planning { is_first: true, is_alone, is_remade: false, plan, open, lost, fresh };
            planning.walk(&mut sides, &mut known, &StopFlag::default()).unwrap();
            assert_eq!(planning.open.len(), remembered, "{is_alone}");
        }
        let mut known = Known::new(&repository, &ours, None).unwrap();
        let mut sides = Sides::new(&second, &manifest, &mut known).unwrap();
        let counts = plan(&mut sides, &mut known, &StopFlag::default()).unwrap().counts;
        assert_eq!((counts.files_copied, counts.files_linked), (100, 1));
    }
}
