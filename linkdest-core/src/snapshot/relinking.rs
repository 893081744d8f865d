//! Names of a hard-link group that move to another inode, because the first one has as many as the file system allows.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::io;
use std::sync::{Arc, PoisonError};

use super::grouping::Made;
use super::groups::{Group, PlacedName, State};
use super::node::Node;
use super::opening::WaitingName;
use super::recorded::GroupRecord;
use super::worker::Worker;
use crate::counts::Counter;
use crate::error::{Problem, ProblemKind, Result};
use crate::manifest::Entry;
use crate::monitor::Reason;
use crate::os::Dir;
use crate::path::RelPath;
use crate::source::Source;

/// Inodes of references whose names in the snapshot were moved to others: what their records have to tell instead.
#[derive(Debug, Default)]
pub(super) struct Relinked {
    to: HashMap<u64, Arc<GroupRecord>>,
    /// Names in directories that were written down before.
    written: bool,
}

impl Relinked {
    fn add(&mut self, from: u64, to: &Arc<GroupRecord>, written: bool) {
        self.to.insert(from, Arc::clone(to));
        self.written |= written;
    }

    /// Says whether the manifest has records of names that are other inodes by now.
    pub fn needs_correction(&self) -> bool {
        self.written
    }

    /// Makes a record tell of the inode that the name is now.
    pub fn correct(&self, entry: &mut Entry<'_>) {
        // The one that took over may have met the limit in its turn: no more often than there are such inodes.
        for _ in 0..self.to.len() {
            let Some(record) = self.to.get(&entry.repository_inode) else { break };
            record.correct(entry);
        }
    }
}

/// Why the names of a group are no longer one inode.
const TOO_LARGE: (ProblemKind, &str) = (ProblemKind::NotStored, "it is larger than this file system allows");
const CHANGED: (ProblemKind, &str) =
    (ProblemKind::Changed, "it changed meanwhile, and the names before this one are what it was");
const OUT_OF_REACH: (ProblemKind, &str) =
    (ProblemKind::NotStored, "the other names cannot be reached any more");

impl<S: Source> Worker<'_, '_, S> {
    /// The leader's inode has as many names as the file system allows: a fresh one takes over, and the names placed in
    /// this run are linked to that instead.
    pub(super) fn take_over(&mut self, group: &mut Group<S>, node: &Arc<Node<S>>, name: &CStr) -> Result<()> {
        let is_too_large = group.state == (State::Led { fresh: true });
        let Made::Leader { fresh } = self.make_anew(node, name, group.inode, Reason::LinkLimit)? else {
            return Ok(());
        };
        let (before, record) = (group.record.take(), self.last.take());
        let is_changed = before
            .as_ref()
            .zip(record.as_ref())
            .is_some_and(|(before, now)| !before.metadata().same_stamps(&now.metadata()));
        if is_too_large || is_changed {
            // All of its names are of this run, or the names before are what the records of theirs tell.
            let why = if is_too_large { TOO_LARGE } else { CHANGED };
            self.split(group, node, name, fresh, record, why);
            return Ok(());
        }
        self.count(Counter::RelinkedLimit, 1);
        let earlier = self.names_before(group)?;
        group.lead(node, name, fresh, record);
        let mut written = false;
        let was_flagged = before.as_ref().is_some_and(|before| before.is_flagged());
        for one in earlier {
            self.flagged = self.flagged.wrapping_sub(u64::from(was_flagged));
            written |= self.move_name(group, node, name, &one)?;
            self.count(Counter::RelinkedLimit, 1);
            group.follow(one);
        }
        let is_known = |record: &Arc<GroupRecord>| record.repository_inode() != 0;
        if let Some((before, now)) = before.filter(is_known).zip(group.record.as_ref()) {
            let mut relinked = self.engine.relinked.lock().unwrap_or_else(PoisonError::into_inner);
            relinked.add(before.repository_inode(), now, written);
        }
        Ok(())
    }

    /// All names of a group that are in staging.
    fn names_before(&self, group: &mut Group<S>) -> Result<Vec<PlacedName<S>>> {
        let mut names = std::mem::take(&mut group.placed);
        let mut further = group.earlier.take();
        while let Some(place) = further {
            let failed = |error| self.engine.repository_error("read what was set aside of hard links", error);
            let (some, before) = self.engine.groups.read_earlier(place).map_err(failed)?;
            names.extend(some);
            further = before;
        }
        Ok(names)
    }

    /// Makes an earlier name of a group a link to its new leader; says whether what was written down of it may tell of
    /// the inode that it was.
    fn move_name(
        &mut self,
        group: &Group<S>,
        node: &Arc<Node<S>>,
        name: &CStr,
        one: &PlacedName<S>,
    ) -> Result<bool> {
        match one {
            PlacedName::Near(near) => {
                // Written down first: the last record counts unless the directory is done, which shows afterwards.
                if let Some(record) = &group.record {
                    self.record_in_group(&near.node, &near.name, record);
                }
                self.relink(node, name, near)
            }
            PlacedName::Far { parent, name: far } => {
                let is_flagged = group.record.as_ref().is_some_and(|record| record.is_flagged());
                self.flagged = self.flagged.wrapping_add(u64::from(is_flagged));
                self.relink_far(node, name, parent, far).map(|()| true)
            }
        }
    }

    /// Makes a name anew that leads those to come, while those before it, out of reach, stay what they are.
    pub(super) fn lead_others(
        &mut self,
        group: &mut Group<S>,
        node: &Arc<Node<S>>,
        name: &CStr,
    ) -> Result<()> {
        if let Made::Leader { fresh } = self.make_anew(node, name, group.inode, Reason::LinkLimit)? {
            let record = self.last.take();
            self.split(group, node, name, fresh, record, OUT_OF_REACH);
        }
        Ok(())
    }

    /// Makes a name the leader of those to come, and says so.
    fn split(
        &mut self,
        group: &mut Group<S>,
        node: &Arc<Node<S>>,
        name: &CStr,
        fresh: bool,
        record: Option<Arc<GroupRecord>>,
        (kind, why): (ProblemKind, &str),
    ) {
        self.count(Counter::RelinkedLimit, 1);
        group.placed.clear();
        group.earlier = None;
        group.lead(node, name, fresh, record);
        let message = format!("the group of hard links was split: {why}");
        self.engine.problem(self.index, Problem::new(node.path_of(name), kind, "link", message));
    }

    /// Makes a placed name a link to another inode; its directory keeps its attributes. Says whether that was done
    /// already.
    fn relink(&mut self, from: &Arc<Node<S>>, from_name: &CStr, to: &WaitingName<S>) -> Result<bool> {
        let engine = self.engine;
        let failed = |error| engine.repository_error("link", error);
        let (from, target) = (engine.staged(from)?, engine.staged(&to.node)?);
        let (Some(from), Some(target)) = (from.dir(), target.dir()) else { return Ok(false) };
        let _stamping = engine.stamping.read().unwrap_or_else(PoisonError::into_inner);
        let stamped = to.node.stamped();
        // A descriptor that only stands for the directory cannot be stamped; and its owner must be able to write it.
        let reopened = if *stamped {
            target.set_mode_search(0o700).map_err(failed)?;
            Some(target.open_dir(c".").map_err(failed)?)
        } else {
            None
        };
        let target = reopened.as_ref().unwrap_or(target);
        self.replace(from, from_name, target, &to.name).map_err(failed)?;
        if *stamped {
            engine.stamp_directory(self, &to.node, target)?;
        }
        Ok(*stamped)
    }

    /// The same for a name that is known by its path alone: its directory may have been stamped or not, and is left as
    /// it was found.
    fn relink_far(
        &mut self,
        from: &Arc<Node<S>>,
        from_name: &CStr,
        parent: &RelPath,
        name: &CStr,
    ) -> Result<()> {
        let engine = self.engine;
        let failed = |error| engine.repository_error("link", error);
        let from = engine.staged(from)?;
        let (Some(from), Some(far)) = (from.dir(), &mut self.far) else { return Ok(()) };
        let target = far.open(parent).map_err(failed)?;
        let _nobody_stamps = engine.stamping.write().unwrap_or_else(PoisonError::into_inner);
        let before = target.stat().map_err(failed)?;
        target.set_mode_search(0o700).map_err(failed)?;
        let target = target.open_dir(c".").map_err(failed)?;
        self.replace(from, from_name, &target, name).map_err(failed)?;
        target.set_mode(before.mode).map_err(failed)?;
        target.set_mtime(before.mtime).map_err(failed)
    }

    fn replace(&self, from: &Dir, from_name: &CStr, target: &Dir, name: &CStr) -> io::Result<()> {
        let Some(scratch) = &self.engine.plan.scratch else { return Ok(()) };
        let temporary = CString::new(format!("relink-{}", self.index))?;
        from.link(from_name, scratch, &temporary)?;
        scratch.rename(&temporary, target, name)
    }
}
