//! Placing an entry that is no directory: kept, stamped, linked, or made anew under a name of its own.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::Overwrite;
use super::decide::{At, Decision};
use super::groups::{Claim, Leader};
use super::worker::Worker;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{ProblemKind, Result};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, errno};
use crate::placing::Named;
use crate::repository::remove_tree_but;

/// What came of an attempt to link to the leader.
enum Linked {
    Yes,
    No,
    /// It must be a file of its own.
    Alone(io::Error),
}

impl Worker<'_, '_> {
    /// Places an entry that is no directory.
    pub fn place(&mut self, at: At<'_>) -> Result<()> {
        self.counts.entries += 1;
        if at.wanted.metadata.kind == Kind::File {
            self.counts.bytes += at.wanted.metadata.size;
        }
        let there = match &at.handles.target {
            Some(dir) if !at.node.created => dir.stat_if_there(at.wanted.to()),
            _ => Ok(None),
        };
        let there = match there {
            Ok(there) => there,
            Err(error) => return self.engine.target_problem(&at.path(), "stat", error),
        };
        let Some(key) = at.wanted.group else {
            return self.place_one(at, there.as_ref()).map(drop);
        };
        match self.engine.groups.claim(key, at.wanted.names()) {
            Claim::Lead => {
                let placed = self.place_one(at, there.as_ref());
                // Whatever happened, nobody may wait for ever.
                let leader = placed.as_ref().ok().and_then(|placed| self.leader(at, (*placed)?));
                self.engine.groups.placed(key, leader);
                placed.map(drop)
            }
            Claim::Follow(leader) => self.follow(at, &leader, there.as_ref()),
        }
    }

    /// Places the only entry that is restored, once what killed restores left beside it is removed.
    pub fn place_alone(&mut self, at: At<'_>) -> Result<()> {
        let Some(dir) = &at.handles.target else { return self.place(at) };
        let placed = self.remove_leftovers(at.node, dir).and_then(|()| self.place(at));
        match placed {
            Ok(()) => self.engine.unmark(at.node, dir),
            Err(_) => self.engine.withdraw(dir),
        }
        placed
    }

    fn leader(&self, at: At<'_>, id: Option<FileId>) -> Option<Leader> {
        (id.is_some() || self.engine.is_dry()).then(|| Leader {
            node: Arc::clone(at.node),
            name: at.wanted.to().to_owned(),
            id,
        })
    }

    /// Places an entry by itself; returns its inode, where it has one, if it is as it should be.
    fn place_one(&mut self, at: At<'_>, there: Option<&Metadata>) -> Result<Option<Option<FileId>>> {
        let Some(dir) = &at.handles.target else {
            self.plan(at, Reason::New);
            return Ok(Some(None));
        };
        let decision = match self.decide(at, dir, there) {
            Ok(decision) => decision,
            Err(error) => {
                self.engine.snapshot_problem(&at.path(), "compare", error)?;
                return Ok(None);
            }
        };
        let id = there.map(|there| there.id);
        match (decision, there) {
            (Decision::Unchanged, _) => {
                self.counts.unchanged += 1;
                Ok(Some(id))
            }
            (Decision::Kept, _) => {
                self.counts.kept += 1;
                Ok(None)
            }
            (Decision::Attributes, Some(there)) => self.set_attributes(at, dir, there).map(Some),
            (Decision::Attributes, None) => Ok(None),
            (Decision::Anew(reason), _) if self.engine.is_dry() => {
                self.plan(at, reason);
                Ok(Some(None))
            }
            (Decision::Anew(reason), _) => {
                let made = if at.wanted.metadata.kind == Kind::File {
                    self.write_file(at, dir, there, reason)?
                } else {
                    self.make_special(at, dir, there, reason)?
                };
                Ok(made.map(Some))
            }
        }
    }

    fn plan(&mut self, at: At<'_>, reason: Reason) {
        if at.wanted.metadata.kind == Kind::File {
            return self.plan_file(at, reason);
        }
        self.engine.tell(|| at.path(), Action::Create, reason);
        self.counts.other_created += 1;
    }

    /// Sets attributes alone, on a file that has one name; where it cannot be opened it is written anew.
    fn set_attributes(&mut self, at: At<'_>, dir: &Dir, there: &Metadata) -> Result<Option<FileId>> {
        if self.engine.is_dry() {
            self.engine.tell(|| at.path(), Action::Attributes, Reason::AttributesChanged);
            self.counts.attributes_set += 1;
            return Ok(Some(there.id));
        }
        let opened = dir.open_file(at.wanted.to()).and_then(|file| Ok((file.stat()?, file)));
        match opened {
            Ok((now, file)) if now.id == there.id && now.nlink == 1 && now.kind == Kind::File => {
                self.engine.tell(|| at.path(), Action::Attributes, Reason::AttributesChanged);
                self.counts.attributes_set += 1;
                self.settle(at.parts(), &now, &file, &|| at.path())?;
                Ok(Some(now.id))
            }
            _ => self.write_file(at, dir, Some(there), Reason::AttributesChanged),
        }
    }

    /// Makes a symlink, FIFO, socket or device; returns its inode if it is in its place.
    fn make_special(
        &mut self,
        at: At<'_>,
        dir: &Dir,
        there: Option<&Metadata>,
        reason: Reason,
    ) -> Result<Option<FileId>> {
        let target = match at.wanted.metadata.kind {
            Kind::Symlink => match self.link_target(at) {
                Ok(target) => Some(target),
                Err(error) => {
                    return self.engine.snapshot_problem(&at.path(), "read link", error).map(|()| None);
                }
            },
            _ => None,
        };
        let metadata = &at.wanted.metadata;
        let made = self.engine.fresh_name(at.node).and_then(|name| {
            match &target {
                Some(target) => dir.make_symlink(target, &name)?,
                None => dir.make_node(&name, metadata.kind, metadata.rdev)?,
            }
            let made = dir.stat_at(&name).inspect_err(|_| self.engine.drop_name(dir, &name));
            Ok((made?, name))
        });
        let (now, name) = match made {
            Ok(made) => made,
            Err(error) => return self.engine.target_problem(&at.path(), "make", error).map(|()| None),
        };
        at.node.soil();
        let named = Named { dir, name: &name, kind: metadata.kind };
        let settled = self.settle(at.parts(), &now, &named, &|| at.path());
        let placed = settled.and_then(|()| self.take_place(at, dir, &name, there));
        if !matches!(placed, Ok(true)) {
            self.engine.drop_name(dir, &name);
            return placed.map(|_| None);
        }
        self.engine.tell(|| at.path(), Action::Create, reason);
        self.counts.other_created += 1;
        Ok(Some(now.id))
    }

    /// Gives a finished entry its name, in the place of what has it; says whether it could.
    pub fn take_place(
        &mut self,
        at: At<'_>,
        dir: &Dir,
        name: &CStr,
        there: Option<&Metadata>,
    ) -> Result<bool> {
        let to = at.wanted.to();
        if there.is_some_and(|there| there.kind == Kind::Directory) && !self.make_way(at, dir)? {
            return Ok(false);
        }
        // What came meanwhile is not ours to replace.
        let renamed = match there {
            None => dir.rename_new(name, dir, to),
            Some(_) => dir.rename(name, dir, to),
        };
        match renamed {
            Ok(()) => Ok(true),
            Err(error) => self.engine.target_problem(&at.path(), "rename", error).map(|()| false),
        }
    }

    /// Removes a directory that is in the way, if it is empty or that was asked for.
    fn make_way(&mut self, at: At<'_>, dir: &Dir) -> Result<bool> {
        let engine = self.engine;
        let to = at.wanted.to();
        if engine.plan.asked.delete {
            let spared = engine.spared(dir);
            return match remove_tree_but(dir, to, &spared) {
                Ok(()) => Ok(true),
                Err(error) => engine.target_problem(&at.path(), "remove", error).map(|()| false),
            };
        }
        if dir.remove_dir(to).is_ok() {
            return Ok(true);
        }
        let message = "a directory with something in it is in its place; --delete removes it";
        engine.problem(&at.path(), ProblemKind::InTheWay, "replace", message);
        Ok(false)
    }

    /// Makes a further name of a group.
    fn follow(&mut self, at: At<'_>, leader: &Leader, there: Option<&Metadata>) -> Result<()> {
        let engine = self.engine;
        if let (Some(there), Some(id)) = (there, leader.id)
            && there.id == id
        {
            self.counts.unchanged += 1;
            return Ok(());
        }
        if there.is_some() && engine.overwrites() == Overwrite::Never {
            self.counts.kept += 1;
            return Ok(());
        }
        let linked = match &at.handles.target {
            Some(dir) if !engine.is_dry() => self.link(at, dir, leader, there)?,
            _ => Linked::Yes,
        };
        match linked {
            Linked::Yes => {
                engine.tell(|| at.path(), Action::Link, Reason::HardLink);
                self.counts.linked += 1;
                Ok(())
            }
            Linked::No => Ok(()),
            Linked::Alone(error) => self.stand_alone(at, there, &error),
        }
    }

    fn link(&mut self, at: At<'_>, dir: &Dir, leader: &Leader, there: Option<&Metadata>) -> Result<Linked> {
        let engine = self.engine;
        let made = engine.fresh_name(at.node).and_then(|name| {
            let handles = leader.node.reopen()?;
            let from = handles.target.as_ref().ok_or_else(super::node::moved)?;
            from.link(&leader.name, dir, &name)?;
            let same = dir.stat_at(&name).is_ok_and(|stat| Some(stat.id) == leader.id);
            if same {
                return Ok(name);
            }
            engine.drop_name(dir, &name);
            Err(super::node::moved())
        });
        at.node.soil();
        let name = match made {
            Ok(name) => name,
            Err(error) if errno::is_target_failing(&error) => {
                return self.engine.target_problem(&at.path(), "link", error).map(|()| Linked::No);
            }
            Err(error) => return Ok(Linked::Alone(error)),
        };
        if self.take_place(at, dir, &name, there)? {
            return Ok(Linked::Yes);
        }
        engine.drop_name(dir, &name);
        Ok(Linked::No)
    }

    /// Places a name that cannot be linked to its leader. Where only the link limit keeps it from that, the names
    /// still to come are linked to it.
    fn stand_alone(&mut self, at: At<'_>, there: Option<&Metadata>, error: &io::Error) -> Result<()> {
        let placed = self.place_one(at, there)?;
        if errno::is_link_limit(error) {
            if let (Some(key), Some(leader)) = (at.wanted.group, placed.and_then(|id| self.leader(at, id))) {
                self.engine.groups.replace(key, leader);
            }
            return Ok(());
        }
        let message = format!("it is a file of its own: {error}");
        self.engine.problem(&at.path(), ProblemKind::NotStored, "link", message);
        Ok(())
    }
}
