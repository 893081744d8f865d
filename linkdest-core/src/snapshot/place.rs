//! Placing an entry in staging: linked, copied, cloned or made.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::decide::{Candidate, Decision, Wanted};
use super::node::{Handles, Node};
use super::stamp::stamp_name;
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{Kind, Metadata};
use crate::error::Result;
use crate::monitor::{Action, Reason};
use crate::os::errno;
use crate::source::{KnownXattrs, Source};

/// What came of an attempt to link to a reference.
pub(super) enum Linked {
    Yes,
    /// It must be made anew, for this reason.
    Instead(Reason),
    /// It cannot be placed; that was reported.
    Failed,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Places an entry that is no directory; regular files that must be read are added to `wanted`.
    pub fn place<'n>(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        name: &'n CStr,
        metadata: &Metadata,
        wanted: &mut Vec<Wanted<'n, S>>,
    ) -> Result<()> {
        // Counted before it is there: a directory that only problems are in is not empty.
        node.placed.fetch_add(1, Ordering::AcqRel);
        if metadata.nlink > 1 {
            return self.place_in_group(node, handles, name, metadata, wanted);
        }
        let reason = match self.decide(node, handles, name, metadata)? {
            Decision::Link(candidate) => {
                match self.link(node, handles, name, &candidate, Reason::Unchanged)? {
                    Linked::Yes => {
                        self.count_linked(metadata, true);
                        return Ok(());
                    }
                    Linked::Failed => return Ok(()),
                    Linked::Instead(reason) => reason,
                }
            }
            Decision::Anew(reason) => reason,
            decision => {
                wanted.push(self.want(name, metadata, decision));
                return Ok(());
            }
        };
        if metadata.kind == Kind::File {
            wanted.push(self.want(name, metadata, Decision::Anew(reason)));
        } else {
            self.make_special(node, handles, name, metadata, reason)?;
        }
        Ok(())
    }

    pub fn want<'n>(&mut self, name: &'n CStr, metadata: &Metadata, decision: Decision) -> Wanted<'n, S> {
        let out_of_reach = std::mem::take(&mut self.out_of_reach);
        Wanted { name, id: metadata.id, decision, group: None, out_of_reach }
    }

    /// Links a name to a reference, unless that stands for another inode of the source already.
    pub fn link(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        candidate: &Candidate,
        reason: Reason,
    ) -> Result<Linked> {
        let engine = self.engine;
        // An inode with one name cannot be met twice.
        if candidate.metadata.nlink > 1 && !engine.given.insert(candidate.metadata.id) {
            return Ok(Linked::Instead(Reason::ReferenceTaken));
        }
        if let (Some(staged), Some(reference)) = (&handles.staged, handles.reference(candidate.reference)) {
            match reference.link(name, staged, name) {
                Ok(()) => {}
                Err(error) if errno::is_link_limit(&error) => {
                    self.count(Counter::RelinkedLimit, 1);
                    return Ok(Linked::Instead(Reason::LinkLimit));
                }
                Err(error)
                    if errno::is_target_failing(&error) || error.kind() == io::ErrorKind::AlreadyExists =>
                {
                    engine.repository_problem(self.index, node.path_of(name), "link", error)?;
                    return Ok(Linked::Failed);
                }
                // Protected, immutable, across a mount, gone: a copy is always possible.
                Err(_) => return Ok(Linked::Instead(Reason::LinkRefused)),
            }
        }
        engine.tell_entry(|| node.path_of(name), Action::Link, reason);
        Ok(Linked::Yes)
    }

    /// Counts an entry that became a link; its bytes only with the first name of an inode.
    pub fn count_linked(&mut self, metadata: &Metadata, first: bool) {
        self.count(Counter::Entries, 1);
        self.count_owner(metadata);
        for what in std::mem::take(&mut self.out_of_reach) {
            self.engine.count_out_of_reach(what);
        }
        if metadata.kind == Kind::File {
            self.count(Counter::FilesLinked, 1);
            if first {
                self.count(Counter::Bytes, metadata.size);
                self.count(Counter::BytesShared, metadata.size);
            }
        } else {
            self.count(Counter::OtherLinked, 1);
        }
    }

    /// Makes a symlink, FIFO, socket or device anew; says whether it is there.
    pub fn make_special(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        metadata: &Metadata,
        reason: Reason,
    ) -> Result<bool> {
        let engine = self.engine;
        let path = || node.path_of(name);
        let reach = &engine.plan.reach;
        let xattrs = match engine.plan.source.xattrs(&handles.source, Some(name), reach, &mut self.xattrs) {
            Ok(known) => known,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return engine.source_problem(self.index, path(), "read", &error).map(|()| false);
            }
            Err(error) => {
                engine.source_problem(self.index, path(), "read extended attributes", &error)?;
                KnownXattrs::default()
            }
        };
        if let Some(staged) = &handles.staged {
            let (operation, made) = if metadata.kind == Kind::Symlink {
                let target = match engine.plan.source.target(&handles.source, name) {
                    Ok(target) => target,
                    Err(error) => {
                        return engine.source_problem(self.index, path(), "read", &error).map(|()| false);
                    }
                };
                ("make symlink", staged.make_symlink(&target, name))
            } else {
                ("make node", staged.make_node(name, metadata.kind, metadata.rdev))
            };
            if let Err(error) = made {
                return engine.repository_problem(self.index, path(), operation, error).map(|()| false);
            }
            let refused = stamp_name(staged, name, metadata, &xattrs.kept, reach, &mut self.xattrs);
            engine.report_refused(self.index, staged, path, refused)?;
        }
        engine.tell_entry(path, Action::Create, reason);
        self.count(Counter::Entries, 1);
        self.count(Counter::OtherCreated, 1);
        self.count_owner(metadata);
        xattrs.out_of_reach.iter().for_each(|what| engine.count_out_of_reach(what));
        Ok(true)
    }
}
