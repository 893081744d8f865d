//! Names of a hard-link group that move to another inode, because the first one has as many as the file system allows.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::{Arc, PoisonError};

use super::grouping::Made;
use super::groups::{Group, PlacedName, State};
use super::node::Node;
use super::opening::WaitingName;
use super::worker::Worker;
use crate::counts::Counter;
use crate::error::{Problem, ProblemKind, Result};
use crate::monitor::Reason;
use crate::os::Dir;
use crate::path::RelPath;
use crate::source::Source;

impl<S: Source> Worker<'_, '_, S> {
    /// The leader's inode has as many names as the file system allows: a fresh one takes over, and the names placed in
    /// this run are linked to that instead.
    pub(super) fn take_over(&mut self, group: &mut Group<S>, node: &Arc<Node<S>>, name: &CStr) -> Result<()> {
        if group.state == (State::Led { fresh: true }) {
            // All of its names are of this run: the group is larger than any inode here can be.
            return self.lead_others(group, node, name, "it is larger than this file system allows");
        }
        let Made::Leader { fresh } = self.make_anew(node, name, group.inode, Reason::LinkLimit)? else {
            return Ok(());
        };
        self.count(Counter::RelinkedLimit, 1);
        let mut earlier = std::mem::take(&mut group.placed);
        let mut further = group.earlier.take();
        while let Some(place) = further {
            let failed = |error| self.engine.repository_error("read what was set aside of hard links", error);
            let (names, before) = self.engine.groups.read_earlier(place).map_err(failed)?;
            earlier.extend(names);
            further = before;
        }
        group.lead(node, name, fresh, self.last.take());
        for one in earlier {
            match &one {
                PlacedName::Near(near) => {
                    self.relink(node, name, near)?;
                    // The last record of a name counts, where its directory was not yet written down.
                    if let Some(record) = &group.record {
                        self.record_in_group(&near.node, &near.name, record);
                    }
                }
                PlacedName::Far { parent, name: far } => self.relink_far(node, name, parent, far)?,
            }
            self.count(Counter::RelinkedLimit, 1);
            group.follow(one);
        }
        Ok(())
    }

    /// Makes a name anew that leads those to come, while those before it stay what they are.
    pub(super) fn lead_others(
        &mut self,
        group: &mut Group<S>,
        node: &Arc<Node<S>>,
        name: &CStr,
        why: &str,
    ) -> Result<()> {
        let Made::Leader { fresh } = self.make_anew(node, name, group.inode, Reason::LinkLimit)? else {
            return Ok(());
        };
        self.count(Counter::RelinkedLimit, 1);
        group.placed.clear();
        group.earlier = None;
        group.lead(node, name, fresh, self.last.take());
        let message = format!("the group of hard links was split: {why}");
        let problem = Problem::new(node.path_of(name), ProblemKind::NotStored, "link", message);
        self.engine.problem(self.index, problem);
        Ok(())
    }

    /// Makes a placed name a link to another inode; its directory keeps its attributes.
    fn relink(&mut self, from: &Arc<Node<S>>, from_name: &CStr, to: &WaitingName<S>) -> Result<()> {
        let engine = self.engine;
        let failed = |error| engine.repository_error("link", error);
        let (from, target) = (engine.staged(from)?, engine.staged(&to.node)?);
        let (Some(from), Some(target)) = (from.dir(), target.dir()) else { return Ok(()) };
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
        if *stamped { engine.stamp_directory(self, &to.node, target).map(|_| ()) } else { Ok(()) }
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
