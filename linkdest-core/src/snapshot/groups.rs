//! Hard-link groups of the source: the inodes with more than one name, until all of them are placed.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::node::Node;
use super::opening::WaitingName;
use super::recorded::GroupRecord;
use super::resting::Resting;
use super::space::Space;
use crate::entry::{FileId, Kind, Metadata, Timestamp};
use crate::inodes::InodeSet;
use crate::os::Dir;
use crate::path::RelPath;
use crate::source::Source;

/// One group, shared between the table and those who work on it.
pub(super) type SharedGroup<S> = Arc<Mutex<Group<S>>>;

/// The names of one inode of the source.
pub(super) struct Group<S: Source> {
    pub inode: Inode,
    pub(super) mount: Option<u64>,
    pub(super) names: u64,
    pub(super) seen: u64,
    pub state: State,
    /// Names that no reference is acceptable for, until there is a leader.
    pub waiting: Vec<WaitingName<S>>,
    /// Names placed in this run, the leader first. The others are kept only where the leader is an inode of a reference:
    /// the link limit may then make another inode take over.
    pub placed: Vec<PlacedName<S>>,
    /// Where in the file of groups set aside the names are that were placed before those.
    pub earlier: Option<u64>,
    /// Inodes of references whose bytes were found to differ.
    pub rejected: Vec<FileId>,
    /// What all of its names are written down with, once it is led.
    pub record: Option<Arc<GroupRecord>>,
}

/// What tells an inode from another one that gets its number once it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inode {
    pub id: FileId,
    pub kind: Kind,
    /// When it was made, where that is known.
    born: Option<Timestamp>,
}

impl Inode {
    pub fn of(metadata: &Metadata) -> Self {
        Self { id: metadata.id, kind: metadata.kind, born: metadata.btime }
    }

    /// Says whether it was this inode that was looked at.
    pub fn is(&self, metadata: &Metadata) -> bool {
        let born = self.born.zip(metadata.btime);
        self.id == metadata.id && self.kind == metadata.kind && born.is_none_or(|(then, now)| then == now)
    }
}

/// How far a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// No name is placed.
    Open,
    /// A worker is about to place the first name.
    Placing,
    /// A name is placed; the others are linked to it. A fresh inode was made in this run.
    Led { fresh: bool },
}

/// A name of a group that is in staging.
pub(super) enum PlacedName<S: Source> {
    /// It was placed since the group was last set aside.
    Near(WaitingName<S>),
    /// It was placed before that.
    Far { parent: RelPath, name: CString },
}

/// An inode as it is seen through one mount: a bind mount shows the same names once more, which completes no group.
type Key = (Option<u64>, FileId);

/// All groups that are not complete.
pub(super) struct Groups<S: Source> {
    shards: [Mutex<HashMap<Key, SharedGroup<S>>>; SHARDS],
    ended: AtomicBool,
    /// How many there are in memory, and may be.
    count: AtomicUsize,
    /// Names that wait: each keeps its directory unfinished, with all that is to be written down of it.
    waiting: AtomicUsize,
    most: usize,
    resting: Resting,
    /// Those of a dry run that are led, linked to a reference or made, and not in memory.
    planned: [InodeSet; 2],
}

const SHARDS: usize = 16;

/// So many groups are kept in memory unless told otherwise: about 30 MiB.
pub(super) const HARD_LINKS: usize = 1 << 15;

fn spoiled() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a group of hard links came back changed")
}

/// Locks a group.
pub(super) fn lock<S: Source>(group: &SharedGroup<S>) -> MutexGuard<'_, Group<S>> {
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Source> Groups<S> {
    /// Keeps so many groups in memory. Led ones beyond that are set aside until the next name of theirs is met. No more
    /// names than that wait for a leader.
    pub fn new(most: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            ended: AtomicBool::new(false),
            count: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            most,
            resting: Resting::default(),
            planned: Default::default(),
        }
    }

    fn shard(&self, id: FileId) -> Option<MutexGuard<'_, HashMap<Key, SharedGroup<S>>>> {
        let index = usize::try_from(id.inode).unwrap_or_default() % SHARDS;
        self.shards.get(index).map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Finds the group of an inode, or begins it.
    ///
    /// # Errors
    /// Of a group that was set aside: what cannot be read.
    pub fn join(&self, metadata: &Metadata) -> io::Result<SharedGroup<S>> {
        let group = self.find(metadata)?;
        let is_known = lock(&group).inode.is(metadata);
        // The number was given to another inode while the source was walked: each of its names is placed alone.
        Ok(if is_known { group } else { Self::alone(metadata) })
    }

    /// Finds the group of an inode number, or begins it.
    fn find(&self, metadata: &Metadata) -> io::Result<SharedGroup<S>> {
        let begin = || Arc::new(Mutex::new(Group::new(metadata)));
        let Some(mut shard) = self.shard(metadata.id) else { return Ok(begin()) };
        let key = (metadata.mount, metadata.id);
        if let Some(known) = shard.get(&key) {
            return Ok(Arc::clone(known));
        }
        let group = match self.resting.take(metadata.mount, metadata.id)? {
            Some((place, bytes)) => {
                let group = Group::unpack(metadata, place, &bytes).ok_or_else(spoiled)?;
                Arc::new(Mutex::new(group))
            }
            None => self.planned(metadata).unwrap_or_else(begin),
        };
        shard.insert(key, Arc::clone(&group));
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(group)
    }

    /// A group of a dry run that is led.
    fn planned(&self, metadata: &Metadata) -> Option<SharedGroup<S>> {
        let fresh = self.planned.iter().position(|planned| planned.contains(metadata.id))? == 1;
        Some(Arc::new(Mutex::new(Group { state: State::Led { fresh }, ..Group::new(metadata) })))
    }

    /// A group that no other name joins.
    fn alone(metadata: &Metadata) -> SharedGroup<S> {
        Arc::new(Mutex::new(Group { names: 1, ..Group::new(metadata) }))
    }

    /// Lets a name of a group wait for a leader; its directory stays unfinished.
    pub fn wait(&self, group: &mut Group<S>, node: &Arc<Node<S>>, name: &CStr) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        node.hold(1);
        group.waiting.push(WaitingName::new(node, name));
    }

    /// Notes that so many names wait no more.
    pub fn waited(&self, names: usize) {
        self.waiting.fetch_sub(names, Ordering::Relaxed);
    }

    /// Says whether a further name may wait.
    pub fn has_waiting_room(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < self.most
    }

    /// Lets go of a group that nothing is to be done for now: all of its names are placed, or there are too many groups
    /// to keep it in memory.
    ///
    /// # Errors
    /// What cannot be written to the directory that is given, or has no space there; `None` in a dry run.
    pub fn leave(
        &self,
        shared: &SharedGroup<S>,
        group: &Group<S>,
        aside: Option<(&Dir, &Space)>,
    ) -> io::Result<()> {
        let are_many = self.count.load(Ordering::Relaxed) > self.most;
        let is_over = group.is_complete();
        if !(group.waiting.is_empty() && (is_over || are_many)) || group.state == State::Placing {
            return Ok(());
        }
        let key = (group.mount, group.inode.id);
        let Some(mut shard) = self.shard(group.inode.id) else { return Ok(()) };
        if !shard.get(&key).is_some_and(|known| Arc::ptr_eq(known, shared)) {
            return Ok(());
        }
        // Somebody else may have it already and wait for its lock: the table and we are not the only ones. What is led
        // stays so.
        let is_ours = Arc::strong_count(shared) <= 2;
        match group.state {
            State::Led { .. } if is_over => {}
            _ if !is_ours => return Ok(()),
            State::Led { .. } if aside.is_some() && group.record.is_none() => return Ok(()),
            State::Led { fresh } => self.set_aside(group, fresh, aside)?,
            // Nothing is known of it that the next name would need.
            State::Open | State::Placing => {}
        }
        shard.remove(&key);
        self.count.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    fn set_aside(&self, group: &Group<S>, fresh: bool, aside: Option<(&Dir, &Space)>) -> io::Result<()> {
        let id = group.inode.id;
        let Some((scratch, space)) = aside else {
            let [linked, made] = &self.planned;
            if fresh { made } else { linked }.insert(id);
            return Ok(());
        };
        let bytes = group.pack();
        space.take(bytes.len() as u64, scratch)?;
        self.resting.put(scratch, group.mount, id, &bytes)
    }

    /// The names that were placed before those that a group has in memory, some of them, and where the others are.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read_earlier(&self, place: u64) -> io::Result<(Vec<PlacedName<S>>, Option<u64>)> {
        let packed = self.resting.read(place)?;
        Group::<S>::unpack_names(&packed).ok_or_else(spoiled)
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
    pub(super) fn new(metadata: &Metadata) -> Self {
        Self {
            inode: Inode::of(metadata),
            mount: metadata.mount,
            names: metadata.nlink,
            seen: 0,
            state: State::Open,
            waiting: Vec::new(),
            placed: Vec::new(),
            earlier: None,
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

    /// Makes a name that was just placed the leader.
    pub fn lead(&mut self, node: &Arc<Node<S>>, name: &CStr, fresh: bool, record: Option<Arc<GroupRecord>>) {
        self.record = record;
        self.placed.push(PlacedName::Near(WaitingName::new(node, name)));
        self.state = State::Led { fresh };
    }

    /// Keeps a name that was linked to the leader, where that may be needed.
    pub fn follow(&mut self, placed: PlacedName<S>) {
        if self.state == (State::Led { fresh: false }) {
            self.placed.push(placed);
        }
    }
}

impl<S: Source> PlacedName<S> {
    /// Says whether its directory is known by its path alone.
    pub fn is_far(&self) -> bool {
        matches!(self, Self::Far { .. })
    }

    /// The directory that it is in, and what it is called there.
    pub fn path(&self) -> (RelPath, &CStr) {
        match self {
            Self::Near(WaitingName { node, name }) => (node.path(), name),
            Self::Far { parent, name } => (parent.clone(), name),
        }
    }
}
