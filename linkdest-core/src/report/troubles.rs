//! The problems of all runs, each once.

use std::collections::HashMap;

use crate::error::{Problem, ProblemKind};
use crate::path::RelPath;
use crate::repository::{RunRecord, Snapshot, SnapshotName};

/// No more different ones are told.
const MOST: usize = 1000;

/// A problem that one run had, or several: see [`Report::troubles`](super::Report::troubles).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    problem: Problem,
    last: SnapshotName,
    runs: u64,
}

impl Trouble {
    /// The problem as the last of the runs had it.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The last snapshot that had it.
    #[must_use]
    pub fn last(&self) -> &SnapshotName {
        &self.last
    }

    /// How many snapshots had it: the same kind at the same path.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }
}

/// Collects the problems of snapshots, the oldest run first; what comes of it has the newest first.
pub(super) fn troubles(snapshots: &[Snapshot]) -> Vec<Trouble> {
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut known: HashMap<(ProblemKind, &RelPath), usize> = HashMap::new();
    for record in snapshots.iter().rev().filter_map(Snapshot::record) {
        let mut told = std::collections::HashSet::new();
        for problem in record.problems() {
            let key = (problem.kind(), problem.path());
            if !told.insert(key) {
                continue;
            }
            let index = known.get(&key).copied().unwrap_or(troubles.len());
            match troubles.get_mut(index) {
                Some(trouble) => trouble.runs += 1,
                None if index < MOST => {
                    known.insert(key, index);
                    troubles.push(first(problem, record));
                }
                None => {}
            }
        }
    }
    troubles
}

fn first(problem: &Problem, record: &RunRecord) -> Trouble {
    Trouble { problem: problem.clone(), last: record.snapshot().clone(), runs: 1 }
}
