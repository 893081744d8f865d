//! Placing an entry in staging: linked, copied, cloned or made.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::decide::{Candidate, Decision, Other, Proof, Wanted};
use super::node::{Handles, Node};
use super::recorded::Placing;
use super::stamp::not_stored;
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{Kind, Metadata};
use crate::error::Result;
use crate::manifest::{ContentHash, EntryFlags, Origin};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, errno};
use crate::placing::stamp_name;
use crate::source::{KnownXattrs, Source};

/// What came of an attempt to link to a reference.
pub(super) enum Linked {
    Yes,
    /// It must be made anew, for this reason.
    Instead(Reason),
    /// It cannot be placed; that was reported.
    Failed,
}

impl Candidate {
    /// Where it is: beside the handles, or in a directory that was opened at another path.
    pub fn other<'o, S: Source>(
        &'o self,
        opened: Option<&'o Dir>,
        handles: &'o Handles<S>,
        name: &'o CStr,
    ) -> Option<Other<'o>> {
        match &self.elsewhere {
            Some(at) => opened.map(|dir| Other { dir, name: &at.name }),
            None => handles.reference(self.reference).map(|dir| Other { dir, name }),
        }
    }
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
            Decision::Link { candidate, proof: Proof::Unread } => {
                self.found_unchanged(&candidate);
                let content = candidate.known.content;
                match self.link(node, handles, name, metadata, &candidate, content, Reason::Unchanged)? {
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
        let found = std::mem::take(&mut self.found);
        Wanted { name, metadata: *metadata, decision, group: None, found }
    }

    /// Links a name to a reference, unless that stands for another inode of the source already, and writes it down.
    #[expect(clippy::too_many_arguments, reason = "one entry on its way from a reference to staging")]
    pub fn link(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        name: &CStr,
        metadata: &Metadata,
        candidate: &Candidate,
        content: Option<ContentHash>,
        reason: Reason,
    ) -> Result<Linked> {
        let engine = self.engine;
        // An inode with one name can be met twice: where names are followed by inode, and where references overlap.
        if !engine.given.insert(candidate.metadata.id) {
            return Ok(Linked::Instead(Reason::ReferenceTaken));
        }
        let opened = self.open_elsewhere(candidate);
        let Some(other) = candidate.other(opened.as_deref(), handles, name) else {
            return Ok(Linked::Instead(Reason::LinkRefused));
        };
        if let Some(staged) = &handles.staged {
            match other.dir.link(other.name, staged, name) {
                Ok(()) => {}
                Err(error) if errno::is_link_limit(&error) => {
                    self.count(Counter::RelinkedLimit, 1);
                    return Ok(Linked::Instead(Reason::LinkLimit));
                }
                Err(error)
                    if errno::is_target_failing(&error) || error.kind() == io::ErrorKind::AlreadyExists =>
                {
                    engine.placing_problem(self.index, (node, name), "link", error)?;
                    return Ok(Linked::Failed);
                }
                // Protected, immutable, across a mount, gone: a copy is always possible.
                Err(_) => return Ok(Linked::Instead(Reason::LinkRefused)),
            }
        }
        let reason = if candidate.elsewhere.is_some() { Reason::Moved } else { reason };
        engine.tell_entry(|| node.path_of(name), Action::Link, reason);
        self.record_link(node, name, metadata, candidate, content, EntryFlags::default());
        Ok(Linked::Yes)
    }

    /// Writes down an entry that was linked to a reference.
    pub fn record_link(
        &mut self,
        node: &Node<S>,
        name: &CStr,
        metadata: &Metadata,
        candidate: &Candidate,
        content: Option<ContentHash>,
        mut flags: EntryFlags,
    ) {
        if candidate.recorded_only {
            flags.insert(EntryFlags::RECORDED_ONLY);
            self.count(Counter::RecordedOnly, 1);
        }
        let reference = u32::try_from(candidate.reference).unwrap_or(u32::MAX);
        let moved = match &candidate.elsewhere {
            Some(elsewhere) => Some(elsewhere.path.clone()),
            None if candidate.reference == 0 => node.moved_from(name),
            None => None,
        };
        let origin = match &moved {
            Some(path) => Origin::Elsewhere { reference, path: path.as_bytes() },
            None => Origin::Same { reference },
        };
        let repository_inode = candidate.metadata.id.inode;
        self.record(node, name, metadata, &Placing { repository_inode, origin, content, flags });
    }

    /// Counts an entry that became a link; its bytes only with the first name of an inode.
    pub fn count_linked(&mut self, metadata: &Metadata, first: bool) {
        self.count(Counter::Entries, 1);
        self.count_owner(metadata);
        self.count_out_of_reach();
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

    /// Counts the kinds of attributes that the entry has and this run cannot set.
    pub fn count_out_of_reach(&self) {
        self.found.out_of_reach.iter().for_each(|what| self.engine.count_out_of_reach(what));
    }

    /// Makes a symlink, FIFO, socket or device anew; says whether it is there.
    pub fn make_special(
        &mut self,
        node: &Arc<Node<S>>,
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
        self.found.clear();
        self.found.set_xattrs(&xattrs);
        if let Some(staged) = &handles.staged {
            let (operation, made) = if metadata.kind == Kind::Symlink {
                let target = match engine.plan.source.target(&handles.source, name) {
                    Ok(target) => target,
                    Err(error) => {
                        return engine.source_problem(self.index, path(), "read", &error).map(|()| false);
                    }
                };
                self.found.target.extend_from_slice(target.to_bytes());
                ("make symlink", staged.make_symlink(&target, name))
            } else {
                ("make node", staged.make_node(name, metadata.kind, metadata.rdev))
            };
            if let Err(error) = made {
                return engine.placing_problem(self.index, (node, name), operation, error).map(|()| false);
            }
            let refused = stamp_name(staged, name, metadata, &xattrs.kept, reach, &mut self.xattrs);
            let flags = not_stored(&refused);
            engine.report_refused(self.index, staged, path, refused)?;
            let repository_inode = staged.stat_at(name).map_or(0, |stat| stat.id.inode);
            let placing = Placing { repository_inode, origin: Origin::Fresh, content: None, flags };
            self.record(node, name, metadata, &placing);
        }
        engine.tell_entry(path, Action::Create, reason);
        self.count(Counter::Entries, 1);
        self.count(Counter::OtherCreated, 1);
        self.count_owner(metadata);
        self.count_out_of_reach();
        Ok(true)
    }
}
