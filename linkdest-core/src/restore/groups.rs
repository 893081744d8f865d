//! The hard-link groups of a restore: the first name is placed, the others are linked to it.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::node::Node;
use super::wanted::GroupKey;
use crate::entry::FileId;

/// The name that others of its group are linked to.
#[derive(Clone)]
pub(super) struct Leader {
    pub node: Arc<Node>,
    pub name: CString,
    /// Unknown in a dry run, where it would be new.
    pub id: Option<FileId>,
}

/// What a name of a group is to do.
pub(super) enum Claim {
    /// Be placed, and then tell by [`Groups::placed`].
    Lead,
    Follow(Leader),
}

struct Group {
    /// `None` while a worker places it.
    leader: Option<Leader>,
    met: u64,
}

#[derive(Default)]
struct State {
    groups: HashMap<GroupKey, Group>,
    /// Inodes that were in the target and stand for a group now.
    taken: HashSet<FileId>,
}

/// All groups with names still to come.
#[derive(Default)]
pub(super) struct Groups {
    state: Mutex<State>,
    changed: Condvar,
}

impl Groups {
    /// Says what the next name of a group is to do; waits for a worker that is placing another one.
    /// `names` is how many names the group has, where that is known.
    pub fn claim(&self, key: GroupKey, names: Option<u64>) -> Claim {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Some(group) = state.groups.get_mut(&key) else {
                state.groups.insert(key, Group { leader: None, met: 1 });
                return Claim::Lead;
            };
            if let Some(leader) = group.leader.clone() {
                group.met += 1;
                if Some(group.met) == names {
                    state.groups.remove(&key);
                }
                return Claim::Follow(leader);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells where the leader is; `None` if it could not be placed, and the next name leads.
    pub fn placed(&self, key: GroupKey, leader: Option<Leader>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match leader {
            None => drop(state.groups.remove(&key)),
            Some(leader) => {
                if let Some(group) = state.groups.get_mut(&key) {
                    group.leader = Some(leader);
                }
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Takes another leader in the place of one that can have no more names.
    pub fn replace(&self, key: GroupKey, leader: Leader) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = state.groups.get_mut(&key) {
            group.leader = Some(leader);
        }
    }

    /// Takes an inode of the target for a group; says whether it was free.
    pub fn take(&self, id: FileId) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).taken.insert(id)
    }
}
