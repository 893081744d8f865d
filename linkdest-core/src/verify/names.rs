//! All names of damaged inodes, in all snapshots of the repository.

use std::sync::atomic::{AtomicU64, Ordering};

use super::pending::Damaged;
use super::run::{Run, ended};
use crate::crew::Crew;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::Result;
use crate::finding::Sighting;
use crate::os::{Dir, Listing};
use crate::path::RelPath;
use crate::repository::Snapshot;

/// Walks the snapshots until every name of every damaged inode is found; hands the inodes out with their names.
///
/// # Errors
/// Only when it was stopped; names that cannot be looked at stay unknown.
pub(super) fn find_names(run: &Run<'_>, all: &[Snapshot], tick: &mut dyn FnMut()) -> Result<Vec<Damaged>> {
    let left = AtomicU64::new(run.pending.links());
    // The newest first: it shares most with the others, and its run ended last.
    for snapshot in all.iter().rev() {
        if left.load(Ordering::Relaxed) == 0 {
            break;
        }
        if let Ok(root) = run.repository.open_tree(snapshot.name()) {
            search(run, snapshot, &root, &left, tick)?;
        }
    }
    Ok(run.pending.take())
}

fn search(
    run: &Run<'_>,
    snapshot: &Snapshot,
    root: &Dir,
    left: &AtomicU64,
    tick: &mut dyn FnMut(),
) -> Result<()> {
    let handle = |(descent, listing): &mut (Descent<'_>, Listing), path: RelPath, crew: &Crew<RelPath>| {
        let listed = descent.open(&path).and_then(|dir| dir.open_dir(c".")).and_then(|dir| {
            dir.list(listing)?;
            Ok(dir)
        });
        if let Ok(dir) = listed {
            look_at(run, snapshot, &dir, &path, listing, left, crew);
        }
        Ok(())
    };
    let make = || (Descent::new(root), Listing::default());
    Crew::work(run.threads, vec![RelPath::root()], run.stop, tick, &make, &handle)
}

fn look_at(
    run: &Run<'_>,
    snapshot: &Snapshot,
    dir: &Dir,
    path: &RelPath,
    listing: &Listing,
    left: &AtomicU64,
    crew: &Crew<RelPath>,
) {
    for entry in listing.entries() {
        let name = listing.name(*entry);
        if entry.kind == Some(Kind::Directory) {
            crew.push(path.child(name.to_bytes()));
            continue;
        }
        let Ok(disk) = dir.stat_at(name) else { continue };
        if disk.kind == Kind::Directory {
            crew.push(path.child(name.to_bytes()));
        } else if run.pending.contains(disk.id) {
            let place = Sighting { snapshot: snapshot.name().to_string(), path: path.child(name.to_bytes()) };
            run.pending.name(disk.id, place, ended(snapshot));
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                crew.close();
            }
        }
    }
}
