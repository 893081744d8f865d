//! Hard-link groups of the source: the inodes with more than one name, until all of them are placed.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::node::Node;
use super::opening::WaitingName;
use super::recorded::GroupRecord;
use crate::entry::{FileId, Kind, Metadata};
use crate::source::Source;

/// One group, shared between the table and those who work on it.
pub(super) type SharedGroup<S> = Arc<Mutex<Group<S>>>;

/// The names of one inode of the source.
pub(super) struct Group<S: Source> {
    pub id: FileId,
    pub kind: Kind,
    mount: Option<u64>,
    names: u64,
    seen: u64,
    pub state: State<S>,
    /// Names that no reference is acceptable for, until there is a leader.
    pub waiting: Vec<WaitingName<S>>,
    /// Names placed in this run, for the case that the link limit makes another inode take over.
    pub placed: Vec<WaitingName<S>>,
    /// Inodes of references whose bytes were found to differ.
    pub rejected: Vec<FileId>,
    /// What all of its names are written down with, once it is led.
    pub record: Option<Arc<GroupRecord>>,
}

/// How far a group is.
pub(super) enum State<S: Source> {
    /// No name is placed.
    Open,
    /// A worker is about to place the first name.
    Placing,
    /// A name is placed; the others are linked to it. A fresh inode was made in this run.
    Led { leader: WaitingName<S>, fresh: bool },
}

/// An inode as it is seen through one mount: a bind mount shows the same names once more, which completes no group.
type Key = (Option<u64>, FileId);

/// All groups that are not complete.
pub(super) struct Groups<S: Source> {
    shards: [Mutex<HashMap<Key, SharedGroup<S>>>; SHARDS],
    ended: AtomicBool,
}

const SHARDS: usize = 16;

impl<S: Source> Default for Groups<S> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), ended: AtomicBool::new(false) }
    }
}

/// Locks a group.
pub(super) fn lock<S: Source>(group: &SharedGroup<S>) -> MutexGuard<'_, Group<S>> {
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Source> Groups<S> {
    fn shard(&self, id: FileId) -> Option<MutexGuard<'_, HashMap<Key, SharedGroup<S>>>> {
        let index = usize::try_from(id.inode).unwrap_or_default() % SHARDS;
        self.shards.get(index).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Finds the group of an inode, or begins it.
    pub fn join(&self, metadata: &Metadata) -> SharedGroup<S> {
        let begin = || Arc::new(Mutex::new(Group::new(metadata)));
        match self.shard(metadata.id) {
            Some(mut shard) => Arc::clone(shard.entry((metadata.mount, metadata.id)).or_insert_with(begin)),
            None => begin(),
        }
    }

    /// Forgets a group all of whose names are placed.
    pub fn leave(&self, shared: &SharedGroup<S>, group: &Group<S>) {
        let key = (group.mount, group.id);
        if group.is_complete()
            && group.waiting.is_empty()
            && let Some(mut shard) = self.shard(group.id)
            && shard.get(&key).is_some_and(|known| Arc::ptr_eq(known, shared))
        {
            shard.remove(&key);
        }
    }

    /// Says whether every name of the source was seen.
    pub fn walk_has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Ends the walk: returns the groups that still have names waiting and nobody to place one.
    pub fn end_walk(&self) -> Vec<SharedGroup<S>> {
        self.ended.store(true, Ordering::SeqCst);
        // A group is locked before its shard elsewhere, so that the shards must be let go first here.
        let mut groups = Vec::new();
        for shard in &self.shards {
            groups.extend(shard.lock().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone));
        }
        groups.retain(|group| lock(group).is_stuck());
        groups
    }
}

impl<S: Source> Group<S> {
    fn new(metadata: &Metadata) -> Self {
        Self {
            id: metadata.id,
            kind: metadata.kind,
            mount: metadata.mount,
            names: metadata.nlink,
            seen: 0,
            state: State::Open,
            waiting: Vec::new(),
            placed: Vec::new(),
            rejected: Vec::new(),
            record: None,
        }
    }

    /// Counts one more name of the inode.
    pub fn see(&mut self) {
        self.seen += 1;
    }

    /// Says whether all names that the inode has were seen; some may lie outside of the source.
    pub fn is_complete(&self) -> bool {
        self.seen >= self.names
    }

    /// Says whether names wait and nobody is about to place one.
    pub fn is_stuck(&self) -> bool {
        matches!(self.state, State::Open) && !self.waiting.is_empty()
    }

    /// Lets a name wait for a leader; its directory stays unfinished.
    pub fn wait(&mut self, node: &Arc<Node<S>>, name: &CStr) {
        node.hold(1);
        self.waiting.push(WaitingName::new(node, name));
    }

    /// Makes a name that was just placed the leader.
    pub fn lead(&mut self, node: &Arc<Node<S>>, name: &CStr, fresh: bool, record: Option<Arc<GroupRecord>>) {
        self.record = record;
        self.placed.push(WaitingName::new(node, name));
        self.state = State::Led { leader: WaitingName::new(node, name), fresh };
    }
}
