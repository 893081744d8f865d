//! Placing the names of hard-link groups: one leads, the others are linked to it.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use super::decide::{Decision, Proof, Wanted};
use super::groups::{Group, SharedGroup, State, lock};
use super::node::{Handles, Node};
use super::opening::{ReopenError, StagedDir, WaitingName};
use super::place::Linked;
use super::read::Placed;
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Problem, ProblemKind, Result};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, errno};
use crate::source::Source;

/// What came of making one name of a group anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It is there, and is the group's inode: made in this run, or linked to a reference.
    Leader { fresh: bool },
    /// It is there, but another inode has taken the name meanwhile.
    Alone,
    /// It is not there; that was reported.
    Nothing,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Places a name of an inode that has several.
    pub fn place_in_group<'n>(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        name: &'n CStr,
        metadata: &Metadata,
        wanted: &mut Vec<Wanted<'n, S>>,
    ) -> Result<()> {
        let shared = self.engine.groups.join(metadata);
        let mut group = lock(&shared);
        group.see();
        match group.state {
            State::Led { .. } => {
                self.link_to_leader(&mut group, node, handles.staged.as_ref(), name)?;
                self.engine.groups.leave(&shared, &group);
                Ok(())
            }
            State::Placing => {
                group.wait(node, name);
                Ok(())
            }
            State::Open => {
                let decision = self.decide(node, handles, name, metadata)?;
                let decision = match decision {
                    Decision::Link { candidate, .. } | Decision::Share { candidate, .. }
                        if group.rejected.contains(&candidate.metadata.id) =>
                    {
                        Decision::Anew(Reason::BytesChanged)
                    }
                    decision => decision,
                };
                let placed =
                    self.lead_or_wait(&shared, &mut group, node, handles, name, metadata, decision, wanted)?;
                drop(group);
                if placed { self.link_waiting(&shared) } else { Ok(()) }
            }
        }
    }

    /// Places the first name of a group if a reference is acceptable for it; says whether it leads now.
    #[expect(clippy::too_many_arguments, reason = "one name on its way from source to staging")]
    fn lead_or_wait<'n>(
        &mut self,
        shared: &SharedGroup<S>,
        group: &mut Group<S>,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        name: &'n CStr,
        metadata: &Metadata,
        decision: Decision,
        wanted: &mut Vec<Wanted<'n, S>>,
    ) -> Result<bool> {
        let reason = match decision {
            Decision::Link { candidate, proof: Proof::Unread } => {
                self.found_unchanged(&candidate);
                let content = candidate.known.content;
                match self.link(node, handles, name, metadata, &candidate, content, Reason::Unchanged)? {
                    Linked::Yes => {
                        self.count_linked(metadata, true);
                        group.lead(node, name, false, self.last.take());
                        return Ok(true);
                    }
                    Linked::Failed => return Ok(false),
                    Linked::Instead(reason) => reason,
                }
            }
            Decision::Anew(reason) => reason,
            decision => {
                group.state = State::Placing;
                let mut one = self.want(name, metadata, decision);
                one.group = Some(Arc::clone(shared));
                wanted.push(one);
                return Ok(false);
            }
        };
        if self.may_wait(group, reason) {
            group.wait(node, name);
            return Ok(false);
        }
        if metadata.kind == Kind::File {
            group.state = State::Placing;
            let mut one = self.want(name, metadata, Decision::Anew(reason));
            one.group = Some(Arc::clone(shared));
            wanted.push(one);
            return Ok(false);
        }
        let made = self.make_special(node, handles, name, metadata, reason)?;
        if made {
            group.lead(node, name, true, self.last.take());
        }
        Ok(made)
    }

    /// A name without an acceptable reference waits as long as another name may still have one.
    fn may_wait(&self, group: &Group<S>, reason: Reason) -> bool {
        let engine = self.engine;
        // At the limit, or refused, the reference was the right one: a fresh inode takes its place.
        let settled = matches!(reason, Reason::LinkLimit | Reason::LinkRefused);
        let hope =
            !engine.plan.references.is_empty() && !group.is_complete() && !engine.groups.walk_has_ended();
        hope && !settled
    }

    /// Takes up what came of the content of a name that was to lead its group.
    pub fn placed_in_group(
        &mut self,
        shared: &SharedGroup<S>,
        node: &Arc<Node<S>>,
        name: &CStr,
        placed: Placed,
    ) -> Result<()> {
        let mut group = lock(shared);
        match placed {
            Placed::Linked => group.lead(node, name, false, self.last.take()),
            Placed::Fresh => group.lead(node, name, true, self.last.take()),
            Placed::Rejected(inode) => {
                group.rejected.push(inode);
                group.state = State::Open;
                group.wait(node, name);
            }
            Placed::No => group.state = State::Open,
        }
        let stuck = group.is_stuck() && (group.is_complete() || self.engine.groups.walk_has_ended());
        drop(group);
        if stuck { self.lead_one(shared) } else { self.link_waiting(shared) }
    }

    /// Makes one of the waiting names anew, so that it leads, and links the others to it.
    pub fn lead_one(&mut self, shared: &SharedGroup<S>) -> Result<()> {
        loop {
            let mut group = lock(shared);
            if !matches!(group.state, State::Open) {
                break;
            }
            let Some(WaitingName { node, name }) = group.waiting.pop() else { break };
            group.state = State::Placing;
            drop(group);
            let of = lock(shared).id;
            let made = self.make_anew(&node, &name, of, Reason::New)?;
            let mut group = lock(shared);
            if let Made::Leader { fresh } = made {
                group.lead(&node, &name, fresh, self.last.take());
            } else {
                group.state = State::Open;
            }
            drop(group);
            self.engine.release(self, &node)?;
        }
        self.link_waiting(shared)
    }

    /// Links the names that waited, once there is a leader, and lets their directories go.
    fn link_waiting(&mut self, shared: &SharedGroup<S>) -> Result<()> {
        let engine = self.engine;
        let mut group = lock(shared);
        if !matches!(group.state, State::Led { .. }) {
            return Ok(());
        }
        let waiting = std::mem::take(&mut group.waiting);
        for WaitingName { node, name } in &waiting {
            let staged = if engine.is_dry() { None } else { Some(engine.staged(node)?) };
            let staged = staged.as_ref().and_then(StagedDir::dir);
            self.link_to_leader(&mut group, node, staged, name)?;
        }
        engine.groups.leave(shared, &group);
        drop(group);
        waiting.iter().try_for_each(|name| engine.release(self, &name.node))
    }

    /// Links a name to the leader of its group.
    fn link_to_leader(
        &mut self,
        group: &mut Group<S>,
        node: &Arc<Node<S>>,
        staged: Option<&Dir>,
        name: &CStr,
    ) -> Result<()> {
        let engine = self.engine;
        let State::Led { leader, fresh } = &group.state else { return Ok(()) };
        // Whether the reference has just this name is not looked up: groups are few.
        self.unchanged += u64::from(!fresh);
        if let Some(staged) = staged {
            let from = engine.staged(&leader.node)?;
            let linked = match from.dir() {
                Some(from) => from.link(&leader.name, staged, name),
                None => Ok(()),
            };
            match linked {
                Ok(()) => {}
                Err(error) if errno::is_link_limit(&error) => return self.take_over(group, node, name),
                Err(error) => {
                    return engine.repository_problem(self.index, node.path_of(name), "link", error);
                }
            }
        }
        if let Some(record) = &group.record {
            self.record_in_group(node, name, record);
        }
        engine.tell_entry(|| node.path_of(name), Action::Link, Reason::HardLink);
        self.count(Counter::Entries, 1);
        self.count(if group.kind == Kind::File { Counter::FilesLinked } else { Counter::OtherLinked }, 1);
        group.placed.push(WaitingName::new(node, name));
        Ok(())
    }

    /// The leader's inode has as many names as the file system allows: a fresh one takes over, and the names placed in
    /// this run are linked to that instead.
    fn take_over(&mut self, group: &mut Group<S>, node: &Arc<Node<S>>, name: &CStr) -> Result<()> {
        let full_of_ours = matches!(group.state, State::Led { fresh: true, .. });
        let Made::Leader { fresh } = self.make_anew(node, name, group.id, Reason::LinkLimit)? else {
            return Ok(());
        };
        self.count(Counter::RelinkedLimit, 1);
        let earlier = std::mem::take(&mut group.placed);
        group.lead(node, name, fresh, self.last.take());
        if full_of_ours {
            // All of its names are of this run: the group is larger than any inode here can be.
            let message = "the group of hard links is larger than this file system allows; it was split";
            let problem = Problem::new(node.path_of(name), ProblemKind::NotStored, "link", message);
            self.engine.problem(self.index, problem);
            return Ok(());
        }
        for one in earlier {
            self.relink(node, name, &one)?;
            // The last record of a name counts, where its directory was not yet written down.
            if let Some(record) = &group.record {
                self.record_in_group(&one.node, &one.name, record);
            }
            self.count(Counter::RelinkedLimit, 1);
            group.placed.push(one);
        }
        Ok(())
    }

    /// Makes a placed name a link to another inode; its directory keeps its attributes.
    fn relink(&mut self, from: &Arc<Node<S>>, from_name: &CStr, to: &WaitingName<S>) -> Result<()> {
        let engine = self.engine;
        let failed = |error| engine.repository_error("link", error);
        let (from, target) = (engine.staged(from)?, engine.staged(&to.node)?);
        let (Some(from), Some(target), Some(scratch)) = (from.dir(), target.dir(), &engine.plan.scratch)
        else {
            return Ok(());
        };
        let stamped = to.node.stamped();
        // A descriptor that only stands for the directory cannot be stamped; and its owner must be able to write it.
        let reopened = if *stamped {
            target.set_mode_search(0o700).map_err(failed)?;
            Some(target.open_dir(c".").map_err(failed)?)
        } else {
            None
        };
        let target = reopened.as_ref().unwrap_or(target);
        let temporary = CString::new(format!("relink-{}", self.index)).unwrap_or_default();
        from.link(from_name, scratch, &temporary).map_err(failed)?;
        scratch.rename(&temporary, target, &to.name).map_err(failed)?;
        if *stamped { engine.stamp_directory(self, &to.node, target).map(|_| ()) } else { Ok(()) }
    }

    /// Makes one entry anew from the source. What has the name by now may be another inode than the group's: it is
    /// saved all the same, but leads nothing.
    fn make_anew(&mut self, node: &Arc<Node<S>>, name: &CStr, of: FileId, reason: Reason) -> Result<Made> {
        self.leads = true;
        let made = self.make_one_anew(node, name, of, reason);
        self.leads = false;
        made
    }

    fn make_one_anew(
        &mut self,
        node: &Arc<Node<S>>,
        name: &CStr,
        of: FileId,
        reason: Reason,
    ) -> Result<Made> {
        let engine = self.engine;
        let handles = match engine.handles(node) {
            Ok(handles) => handles,
            Err(ReopenError::Staged(error)) => return Err(engine.repository_error("open", error)),
            Err(ReopenError::Source(error)) => {
                return engine
                    .source_problem(self.index, node.path_of(name), "open", &error)
                    .map(|()| Made::Nothing);
            }
        };
        let mut found = None;
        engine.plan.source.stat(&handles.source, &[name], &mut |_, answer| found = Some(answer));
        let metadata = match found {
            Some(Ok(metadata)) => metadata,
            Some(Err(error)) => {
                return engine
                    .source_problem(self.index, node.path_of(name), "stat", &error)
                    .map(|()| Made::Nothing);
            }
            None => return Ok(Made::Nothing),
        };
        let made = |fresh| if metadata.id == of { Made::Leader { fresh } } else { Made::Alone };
        self.found.clear();
        match metadata.kind {
            Kind::Directory => {
                let message = "a directory took its place meanwhile";
                let problem = Problem::new(node.path_of(name), ProblemKind::Changed, "stat", message);
                engine.problem(self.index, problem);
                Ok(Made::Nothing)
            }
            Kind::File => {
                let mut result = Ok(Placed::No);
                engine.plan.source.contents(&handles.source, &[(name, &metadata)], &mut |_, answer| {
                    result = match answer {
                        Ok((file, metadata)) => {
                            let anew = Decision::Anew(reason);
                            self.place_content(node, &handles, name, &file, &metadata, anew, false)
                        }
                        Err(error) => {
                            self.unreadable(node, &handles, name, Some(metadata.id), "open", &error)
                        }
                    };
                });
                Ok(match result? {
                    Placed::Fresh => made(true),
                    Placed::Linked => made(false),
                    Placed::Rejected(_) | Placed::No => Made::Nothing,
                })
            }
            _ => {
                let there = self.make_special(node, &handles, name, &metadata, reason)?;
                Ok(if there { made(true) } else { Made::Nothing })
            }
        }
    }
}
