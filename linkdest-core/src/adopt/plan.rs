//! The names and the order that adopted snapshots get.

use std::collections::BTreeSet;
use std::path::Path;

use super::candidate::Candidate;
use super::report::Adoption;
use crate::counts::Counts;
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::os::{Dir, c_name};
use crate::repository::{AdoptedTree, Repository, RunRecord, Snapshot, SnapshotName};

/// What is to be adopted, with its record, the oldest first; and how much had been adopted before.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub new: Vec<(Adoption, RunRecord)>,
    pub known: usize,
}

/// Decides what candidates are called. Without a repository yet, names are free unless something in the directory has them.
pub(super) fn plan(
    path: &Path,
    root: &Dir,
    repository: Option<&Repository>,
    candidates: Vec<Candidate>,
) -> Result<Plan> {
    let snapshots = repository.map(Repository::snapshots).transpose()?.unwrap_or_default();
    let mut plan = Plan::default();
    let mut given = BTreeSet::new();
    let records = repository.map(Repository::records_inode).transpose()?;
    for candidate in candidates {
        if snapshots
            .iter()
            .any(|snapshot| snapshot.record().and_then(RunRecord::tree) == Some(&candidate.tree))
        {
            plan.known += 1;
            continue;
        }
        let name = free_name(path, root, repository, candidate.started, &mut given)?;
        let sequence = sequence(&snapshots, candidate.started);
        let adoption = Adoption {
            snapshot: name.clone(),
            tree: candidate.tree.clone(),
            tool: candidate.tool,
            started: candidate.started,
            sequence,
        };
        plan.new.push((adoption, record(candidate, name, sequence, records)));
    }
    Ok(plan)
}

/// The number of the newest run that began before; snapshots of one number stand in the order of their names.
fn sequence(snapshots: &[Snapshot], started: Timestamp) -> u64 {
    let mut own = snapshots.iter().rev().filter(|snapshot| !snapshot.is_adopted());
    own.find(|snapshot| snapshot.started() <= started).map_or(0, Snapshot::sequence)
}

fn free_name(
    path: &Path,
    root: &Dir,
    repository: Option<&Repository>,
    started: Timestamp,
    given: &mut BTreeSet<SnapshotName>,
) -> Result<SnapshotName> {
    let no_name =
        |_| Error::new(ErrorKind::Io, path, format!("there is no name for a snapshot of {started}"));
    let mut name = SnapshotName::at(started).map_err(no_name)?;
    loop {
        let taken = match repository {
            Some(repository) => repository.is_taken(&name)?,
            None => {
                let failed = |error| Error::io("stat", path.join(name.as_str()), error);
                c_name(name.as_str()).and_then(|name| root.stat_if_there(&name)).map_err(failed)?.is_some()
            }
        };
        if !taken && given.insert(name.clone()) {
            return Ok(name);
        }
        name = name.next().ok_or_else(|| {
            let message = format!("more than 99 snapshots were made within the second {started}");
            Error::new(ErrorKind::Io, path, message)
        })?;
    }
}

fn record(candidate: Candidate, name: SnapshotName, sequence: u64, records: Option<u64>) -> RunRecord {
    let Candidate { tree, started, status, source, host, root, .. } = candidate;
    RunRecord {
        snapshot: name,
        sequence,
        source,
        host,
        policy: String::new(),
        started,
        ended: None,
        status: Some(status),
        boot_id: String::new(),
        synced: true,
        root_mode: (root.mode & 0o200 == 0).then_some(root.mode),
        manifest: None,
        replica_of: None,
        lacks: 0,
        adopted: Some(AdoptedTree { tree, inode: root.id.inode, mtime: root.mtime, records }),
        counts: Counts::default(),
        problems: Vec::new(),
        suspect: Vec::new(),
    }
}
