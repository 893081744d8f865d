//! Which snapshots are brought.

use std::collections::{HashMap, HashSet};

use super::report::ReplicaState;
use super::store::Store;
use super::{Replicator, watch::Watch};
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::path::RelPath;
use crate::repository::{Identity, Repository, RunRecord, Snapshot, SnapshotName, plan_retention};

/// What is to become of one snapshot of the source.
pub(super) struct Choice<'c> {
    pub snapshot: &'c Snapshot,
    /// Sent if it is to be brought.
    pub state: ReplicaState,
}

/// Chooses among the snapshots of the source, the oldest run first. What the keep rules would remove at once is not
/// brought.
pub(super) fn choose<'c>(
    asked: &Replicator,
    source: &Repository,
    ours: &'c [Snapshot],
    target: Option<(&dyn Store, &[Snapshot])>,
    watch: &Watch<'_>,
) -> Result<Vec<Choice<'c>>> {
    for name in &asked.snapshots {
        if !ours.iter().any(|snapshot| snapshot.name() == name) {
            let message = format!("there is no snapshot {name}");
            return Err(Error::new(ErrorKind::NoSuchSnapshot, source.path(), message));
        }
    }
    let theirs: HashMap<&SnapshotName, &Snapshot> =
        target.iter().flat_map(|(_, all)| *all).map(|one| (one.name(), one)).collect();
    let mut chosen = Vec::new();
    for snapshot in ours {
        if !(asked.snapshots.is_empty() || asked.snapshots.contains(snapshot.name())) {
            continue;
        }
        let state = match (target, theirs.get(snapshot.name())) {
            (Some((target, _)), Some(there))
                if Identity::of(there, target.id()) == Identity::of(snapshot, source.id()) =>
            {
                if let Some(lacks) = there.record().map(RunRecord::lacks).filter(|lacks| *lacks > 0) {
                    let message = format!(
                        "the target lacks {lacks} of its entries, or their content; delete it there, and it is brought anew"
                    );
                    let problem = Problem::new(RelPath::root(), ProblemKind::NotStored, "replicate", message);
                    watch.problem(Some(snapshot.name()), &problem);
                }
                ReplicaState::Present
            }
            (Some((target, _)), None) if is_free(target, snapshot.name())? => ReplicaState::Sent,
            (None, _) => ReplicaState::Sent,
            (Some(_), _) => {
                let message = "the target has something else of this name, which stays";
                let problem = Problem::new(RelPath::root(), ProblemKind::InTheWay, "replicate", message);
                watch.problem(Some(snapshot.name()), &problem);
                ReplicaState::Failed
            }
        };
        chosen.push(Choice { snapshot, state });
    }
    if !asked.keep.is_empty() {
        let there = target.map_or(&[][..], |(_, all)| all);
        leave_out(asked, &mut chosen, there)?;
    }
    Ok(chosen)
}

/// Says whether nothing that is no snapshot has the name of one.
fn is_free(target: &dyn Store, name: &SnapshotName) -> Result<bool> {
    Ok(target.kind_at(name)?.is_none_or(|kind| kind == Kind::Directory))
}

/// Chooses again after something could not be brought: the keep rules may now keep what they would not have kept. Says
/// whether there is more to bring.
pub(super) fn choose_again(
    asked: &Replicator,
    chosen: &mut [Choice<'_>],
    there: &[Snapshot],
) -> Result<bool> {
    if asked.keep.is_empty() {
        return Ok(false);
    }
    let is_left = |one: &&mut Choice<'_>| one.state == ReplicaState::NotKept;
    let left: Vec<_> = chosen
        .iter_mut()
        .filter(is_left)
        .map(|one| {
            one.state = ReplicaState::Sent;
            one.snapshot.name().clone()
        })
        .collect();
    let before: Vec<_> = chosen.iter().map(|one| one.state).collect();
    leave_out(asked, chosen, there)?;
    // What was brought is there, whatever the rules say now.
    let mut more = false;
    for (one, before) in chosen.iter_mut().zip(before) {
        if left.contains(one.snapshot.name()) {
            more |= one.state == ReplicaState::Sent;
        } else {
            one.state = before;
        }
    }
    Ok(more)
}

/// Leaves out what the keep rules would not keep, once it were there.
fn leave_out(asked: &Replicator, chosen: &mut [Choice<'_>], there: &[Snapshot]) -> Result<()> {
    let coming = chosen.iter().filter(|one| one.state == ReplicaState::Sent);
    let mut all: Vec<Snapshot> =
        there.iter().cloned().chain(coming.map(|one| one.snapshot.clone())).collect();
    all.sort_by(|a, b| (a.sequence(), a.name()).cmp(&(b.sequence(), b.name())));
    let removed: HashSet<SnapshotName> = plan_retention(all, &asked.keep)?.removed().into_iter().collect();
    for one in chosen {
        if one.state == ReplicaState::Sent && removed.contains(one.snapshot.name()) {
            one.state = ReplicaState::NotKept;
        }
    }
    Ok(())
}
