//! Placing the names of hard-link groups: one leads, the others are linked to it.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::decide::{Decision, Proof, Wanted};
use super::groups::{Group, Inode, PlacedName, SharedGroup, State, lock};
use super::node::{Handles, Node};
use super::opening::{ReopenError, StagedDir, WaitingName};
use super::place::Linked;
use super::read::Placed;
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{Kind, Metadata};
use crate::error::{Problem, ProblemKind, Result};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, errno};
use crate::source::Source;

/// What came of making one name of a group anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
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
        let failed = |error| self.engine.repository_error("read what was set aside of hard links", error);
        let shared = self.engine.groups.join(metadata).map_err(failed)?;
        let mut group = lock(&shared);
        group.see();
        match group.state {
            State::Led { .. } => {
                self.link_to_leader(&mut group, node, handles.staged.as_ref(), name)?;
                self.leave_group(&shared, &group)
            }
            State::Placing => {
                self.engine.groups.wait(&mut group, node, name);
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
                self.lead_or_wait(&shared, &mut group, node, handles, name, metadata, decision, wanted)?;
                drop(group);
                self.link_waiting(&shared)
            }
        }
    }

    /// Places the first name of a group if a reference is acceptable for it.
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
    ) -> Result<()> {
        let reason = match decision {
            Decision::Link { candidate, proof: Proof::Unread } => {
                self.found_unchanged(&candidate);
                let content = candidate.known.content;
                match self.link(node, handles, name, metadata, &candidate, content, Reason::Unchanged)? {
                    Linked::Yes => {
                        self.count_linked(metadata, true);
                        group.lead(node, name, false, self.last.take());
                        return Ok(());
                    }
                    Linked::Failed => return Ok(()),
                    Linked::Instead(reason) => reason,
                }
            }
            Decision::Anew(reason) => reason,
            decision => {
                group.state = State::Placing;
                let mut one = self.want(name, metadata, decision);
                one.group = Some(Arc::clone(shared));
                wanted.push(one);
                return Ok(());
            }
        };
        if self.may_wait(group, reason) {
            self.engine.groups.wait(group, node, name);
            return Ok(());
        }
        if metadata.kind == Kind::File {
            group.state = State::Placing;
            let mut one = self.want(name, metadata, Decision::Anew(reason));
            one.group = Some(Arc::clone(shared));
            wanted.push(one);
            return Ok(());
        }
        if self.make_special(node, handles, name, metadata, reason)? {
            group.lead(node, name, true, self.last.take());
        }
        Ok(())
    }

    /// A name without an acceptable reference waits as long as another name may still have one.
    fn may_wait(&self, group: &Group<S>, reason: Reason) -> bool {
        let engine = self.engine;
        // At the limit, or refused, the reference was the right one: a fresh inode takes its place.
        let settled = matches!(reason, Reason::LinkLimit | Reason::LinkRefused);
        let hope =
            !engine.plan.references.is_empty() && !group.is_complete() && !engine.groups.walk_has_ended();
        // Each that waits takes memory: beyond some, a copy is made that a later name would have spared.
        hope && !settled && engine.groups.has_waiting_room()
    }

    /// Takes up what came of the content of a name that was to lead its group.
    pub fn placed_in_group(
        &mut self,
        shared: &SharedGroup<S>,
        node: &Arc<Node<S>>,
        name: &CStr,
        placed: Placed,
    ) -> Result<()> {
        let groups = &self.engine.groups;
        let mut group = lock(shared);
        match placed {
            Placed::Linked => group.lead(node, name, false, self.last.take()),
            Placed::Fresh => group.lead(node, name, true, self.last.take()),
            Placed::Rejected(inode) => {
                group.rejected.push(inode);
                group.state = State::Open;
                groups.wait(&mut group, node, name);
            }
            Placed::No => group.state = State::Open,
        }
        let no_more = group.is_complete() || groups.walk_has_ended() || !groups.has_waiting_room();
        let stuck = group.is_stuck() && no_more;
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
            self.engine.groups.waited(1);
            group.state = State::Placing;
            drop(group);
            let of = lock(shared).inode;
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
            return self.leave_group(shared, &group);
        }
        let waiting = std::mem::take(&mut group.waiting);
        engine.groups.waited(waiting.len());
        for WaitingName { node, name } in &waiting {
            let staged = if engine.is_dry() { None } else { Some(engine.staged(node)?) };
            let staged = staged.as_ref().and_then(StagedDir::dir);
            self.link_to_leader(&mut group, node, staged, name)?;
        }
        self.leave_group(shared, &group)?;
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
        let State::Led { fresh } = group.state else { return Ok(()) };
        // Whether the reference has just this name is not looked up: groups are few.
        self.unchanged += u64::from(!fresh);
        if let Some(staged) = staged {
            match self.link_to_placed(group.placed.first(), staged, name)? {
                Ok(()) => {}
                Err(error) if errno::is_link_limit(&error) => return self.take_over(group, node, name),
                Err(error)
                    if !errno::is_target_failing(&error)
                        && group.placed.first().is_some_and(PlacedName::is_far) =>
                {
                    return self.lead_others(group, node, name);
                }
                Err(error) => {
                    return engine.placing_problem(self.index, (node, name), "link", error);
                }
            }
        }
        if let Some(record) = &group.record {
            self.record_in_group(node, name, record);
        }
        engine.tell_entry(|| node.path_of(name), Action::Link, Reason::HardLink);
        self.count(Counter::Entries, 1);
        self.count(
            if group.inode.kind == Kind::File { Counter::FilesLinked } else { Counter::OtherLinked },
            1,
        );
        group.follow(PlacedName::Near(WaitingName::new(node, name)));
        Ok(())
    }

    /// Links a name to one that is in staging; the outer error ends the run.
    fn link_to_placed(
        &mut self,
        placed: Option<&PlacedName<S>>,
        staged: &Dir,
        name: &CStr,
    ) -> Result<io::Result<()>> {
        match placed {
            Some(PlacedName::Near(WaitingName { node, name: from_name })) => {
                let from = self.engine.staged(node)?;
                Ok(from.dir().map_or(Ok(()), |from| from.link(from_name, staged, name)))
            }
            Some(PlacedName::Far { parent, name: from_name }) => {
                let Some(far) = &mut self.far else { return Ok(Ok(())) };
                Ok(far.open(parent).and_then(|from| from.link(from_name, staged, name)))
            }
            None => Ok(Ok(())),
        }
    }

    /// Forgets a group, or sets it aside, if nothing is to be done for it now.
    fn leave_group(&self, shared: &SharedGroup<S>, group: &Group<S>) -> Result<()> {
        let engine = self.engine;
        let aside = engine.plan.scratch.as_ref().map(|scratch| (scratch, &engine.plan.space));
        let left = engine.groups.leave(shared, group, aside);
        left.map_err(|error| engine.repository_error("set hard links aside", error))
    }

    /// Makes one entry anew from the source. What has the name by now may be another inode than the group's: it is
    /// saved all the same, but leads nothing.
    pub(super) fn make_anew(
        &mut self,
        node: &Arc<Node<S>>,
        name: &CStr,
        of: Inode,
        reason: Reason,
    ) -> Result<Made> {
        self.leads = true;
        let made = self.make_one_anew(node, name, of, reason);
        self.leads = false;
        made
    }

    fn make_one_anew(&mut self, node: &Arc<Node<S>>, name: &CStr, of: Inode, reason: Reason) -> Result<Made> {
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
        let made = |fresh| if of.is(&metadata) { Made::Leader { fresh } } else { Made::Alone };
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
