//! Placing an entry in staging: linked, copied, cloned or made.

use std::ffi::CStr;
use std::io;

use super::content::{CopyError, copy, same_bytes};
use super::decide::{Candidate, Decision, Wanted};
use super::node::{Handles, Node};
use super::stamp::{stamp_file, stamp_name};
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, File, errno};
use crate::source::{KnownXattrs, Source, SourceFile};
use std::sync::Arc;

/// What came of an attempt to link to a reference.
pub(super) enum Linked {
    Yes,
    /// It must be made anew, for this reason.
    Instead(Reason),
    /// It cannot be placed; that was reported.
    Failed,
}

/// Where the content of a new file comes from.
enum From<'r> {
    Source,
    /// The blocks of a reference whose content was found equal.
    Reference(&'r File),
}

/// How often a file that changes while it is read is read.
const READS: u32 = 3;

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

    /// Reads the content of one directory's entries that could not be placed without.
    pub fn place_wanted(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        wanted: Vec<Wanted<'_, S>>,
    ) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let request: Vec<(&CStr, FileId)> = wanted.iter().map(|one| (one.name, one.id)).collect();
        let mut wanted: Vec<Option<Wanted<'_, S>>> = wanted.into_iter().map(Some).collect();
        let mut result = Ok(());
        self.engine.plan.source.contents(&handles.source, &request, &mut |index, answer| {
            let Some(one) = wanted.get_mut(index).and_then(Option::take) else { return };
            if result.is_ok() && !self.engine.halted() {
                result = self.place_one(node, handles, one, answer);
            }
        });
        result
    }

    fn place_one(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        wanted: Wanted<'_, S>,
        answer: io::Result<(S::File, Metadata)>,
    ) -> Result<()> {
        let Wanted { name, decision, group, out_of_reach, .. } = wanted;
        self.out_of_reach = out_of_reach;
        let placed = match answer {
            Ok((file, metadata)) => {
                self.place_content(node, handles, name, &file, &metadata, decision, group.is_some())?
            }
            Err(error) => {
                self.engine.source_problem(self.index, node.path_of(name), "open", &error)?;
                Placed::No
            }
        };
        match group {
            Some(group) => self.placed_in_group(&group, node, name, placed),
            None => Ok(()),
        }
    }

    /// Places a file that is open for reading.
    #[expect(clippy::too_many_arguments, reason = "one file on its way from source to staging")]
    pub fn place_content(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        file: &S::File,
        metadata: &Metadata,
        decision: Decision,
        in_group: bool,
    ) -> Result<Placed> {
        let (candidate, shareable) = match decision {
            Decision::Link(candidate) | Decision::Compare(candidate) => (candidate, false),
            Decision::Share { candidate, .. } => (candidate, true),
            Decision::Anew(reason) => {
                return self.copy_file(node, handles, name, file, metadata, &From::Source, reason);
            }
        };
        let sure = matches!(decision, Decision::Link(_) | Decision::Share { sure: true, .. });
        let opened = handles.reference(candidate.reference).map(|dir| dir.open_file(name));
        let reference = match opened {
            Some(Ok(reference)) => reference,
            Some(Err(error)) => {
                self.reference_problem(node, name, "open", &error);
                return self.copy_file(
                    node,
                    handles,
                    name,
                    file,
                    metadata,
                    &From::Source,
                    Reason::BytesChanged,
                );
            }
            None => return self.copy_file(node, handles, name, file, metadata, &From::Source, Reason::New),
        };
        let same = sure || self.is_same(node, name, file, metadata, &reference, &candidate)?;
        let reason = match (same, shareable) {
            (true, true) => {
                let from = From::Reference(&reference);
                return self.copy_file(node, handles, name, file, metadata, &from, Reason::AttributesChanged);
            }
            (true, false) => match self.link(node, handles, name, &candidate, Reason::SameBytes)? {
                Linked::Yes => {
                    self.count_linked(metadata, true);
                    return Ok(Placed::Linked);
                }
                Linked::Failed => return Ok(Placed::No),
                Linked::Instead(reason) => reason,
            },
            (false, _) if in_group => return Ok(Placed::Rejected(candidate.metadata.id)),
            (false, _) => Reason::BytesChanged,
        };
        self.copy_file(node, handles, name, file, metadata, &From::Source, reason)
    }

    /// Compares the bytes of both sides; a source that changes meanwhile is not the same.
    fn is_same(
        &mut self,
        node: &Node<S>,
        name: &CStr,
        file: &S::File,
        metadata: &Metadata,
        reference: &File,
        candidate: &Candidate,
    ) -> Result<bool> {
        match reference.stat() {
            Ok(stat) if stat.id == candidate.metadata.id && stat.size == metadata.size => {}
            _ => return Ok(false),
        }
        match same_bytes(file, reference, metadata, &mut self.buffers, self.engine.plan.stop) {
            Ok(same) => Ok(same && file.stat().is_ok_and(|now| now.same_stamps(metadata))),
            // It will be read again, and reported, when it is copied.
            Err(CopyError::Source(_)) => Ok(false),
            Err(CopyError::Repository(error)) => {
                self.reference_problem(node, name, "read", &error);
                Ok(false)
            }
            Err(CopyError::Stopped) => Err(Error::interrupted()),
        }
    }

    /// Makes a new file with the content of the source, or of a reference that was found equal.
    #[expect(clippy::too_many_arguments, reason = "one file on its way from source to staging")]
    fn copy_file(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        file: &S::File,
        metadata: &Metadata,
        from: &From<'_>,
        reason: Reason,
    ) -> Result<Placed> {
        let engine = self.engine;
        let path = || node.path_of(name);
        let Some(staged) = &handles.staged else {
            let cloned = matches!(from, From::Reference(_)) || self.may_clone(metadata);
            let cloned = cloned && metadata.size > 0;
            engine.tell_entry(path, if cloned { Action::Clone } else { Action::Copy }, reason);
            self.count_copied(metadata, cloned, metadata.size.min(metadata.allocated));
            return Ok(Placed::Fresh);
        };
        let to = match staged.create_file(name) {
            Ok(to) => to,
            Err(error) => {
                return engine.repository_problem(self.index, path(), "create", error).map(|()| Placed::No);
            }
        };
        let Some(filled) = self.fill(node, name, file, metadata, from, &to)? else {
            staged.unlink(name).map_err(|error| engine.repository_error("remove", error))?;
            return Ok(Placed::No);
        };
        self.stamp_copied(node, staged, name, file, &filled.stamps, &to)?;
        engine.tell_entry(path, if filled.cloned { Action::Clone } else { Action::Copy }, reason);
        self.count_copied(&filled.stamps, filled.cloned, filled.written);
        Ok(Placed::Fresh)
    }

    fn stamp_copied(
        &mut self,
        node: &Node<S>,
        staged: &Dir,
        name: &CStr,
        file: &S::File,
        stamps: &Metadata,
        to: &File,
    ) -> Result<()> {
        let engine = self.engine;
        let xattrs = match file.xattrs(&engine.plan.reach, &mut self.xattrs) {
            Ok(known) => known,
            Err(error) => {
                engine.source_problem(self.index, node.path_of(name), "read extended attributes", &error)?;
                KnownXattrs::default()
            }
        };
        xattrs.out_of_reach.iter().for_each(|what| engine.count_out_of_reach(what));
        let refused = stamp_file(to, stamps, &xattrs.kept, &engine.plan.reach, &mut self.xattrs);
        engine.report_refused(self.index, staged, || node.path_of(name), refused)
    }

    /// Fills a new file, again if the source changed meanwhile; `None` if it could not be read, which is reported.
    ///
    /// The stamps are those from before the last read: if it was torn, they differ from the source's, and the next run
    /// takes the file again.
    fn fill(
        &mut self,
        node: &Node<S>,
        name: &CStr,
        file: &S::File,
        metadata: &Metadata,
        from: &From<'_>,
        to: &File,
    ) -> Result<Option<Filled>> {
        let engine = self.engine;
        let path = || node.path_of(name);
        let mut stamps = *metadata;
        for read in 1..=READS {
            let (cloned, written) = match self.fill_once(file, &stamps, from, to) {
                Ok(filled) => filled,
                Err(CopyError::Source(error)) => {
                    return engine.source_problem(self.index, path(), "read", &error).map(|()| None);
                }
                Err(CopyError::Repository(error)) => return Err(engine.repository_error("write", error)),
                Err(CopyError::Stopped) => return Err(Error::interrupted()),
            };
            let now = match file.stat() {
                Ok(now) => now,
                Err(error) => {
                    return engine.source_problem(self.index, path(), "stat", &error).map(|()| None);
                }
            };
            if now.same_stamps(&stamps) {
                return Ok(Some(Filled { stamps, cloned, written }));
            }
            if read == READS {
                let message =
                    format!("it changed each of the {READS} times it was read; the last copy was kept");
                engine.problem(self.index, Problem::new(path(), ProblemKind::Changed, "read", message));
                return Ok(Some(Filled { stamps, cloned, written }));
            }
            stamps = now;
            to.set_len(0).map_err(|error| engine.repository_error("write", error))?;
        }
        Ok(None)
    }

    /// Fills a new file once: by sharing blocks if that is possible, else by copying bytes.
    fn fill_once(
        &mut self,
        file: &S::File,
        stamps: &Metadata,
        from: &From<'_>,
        to: &File,
    ) -> std::result::Result<(bool, u64), CopyError> {
        if stamps.size > 0 && self.may_clone(stamps) && self.clone_from_source(file, stamps, to)? {
            return Ok((true, 0));
        }
        if let From::Reference(reference) = from
            && stamps.size > 0
            && to.clone_from(reference).is_ok()
        {
            return Ok((true, 0));
        }
        let copied = copy(file, stamps, to, &mut self.buffers.0, self.engine.plan.stop)?;
        Ok((false, copied))
    }

    fn may_clone(&self, metadata: &Metadata) -> bool {
        let engine = self.engine;
        // A dry run cannot try: within one device it is likely.
        let possible = !engine.is_dry() || metadata.id.device == engine.plan.device;
        engine.plan.reach.reflink && possible && !engine.is_unclonable(metadata.id.device)
    }

    fn clone_from_source(
        &self,
        file: &S::File,
        stamps: &Metadata,
        to: &File,
    ) -> std::result::Result<bool, CopyError> {
        let Some(local) = file.local() else { return Ok(false) };
        match to.clone_from(local) {
            Ok(()) => Ok(true),
            Err(error) if errno::is_target_failing(&error) && !errno::is_exhausted(&error) => {
                Err(CopyError::Repository(error))
            }
            Err(error) => {
                if errno::is_never_clonable(&error) {
                    self.engine.set_unclonable(stamps.id.device);
                }
                Ok(false)
            }
        }
    }

    fn count_copied(&mut self, metadata: &Metadata, cloned: bool, written: u64) {
        self.count(Counter::Entries, 1);
        self.count_owner(metadata);
        self.count(Counter::Bytes, metadata.size);
        if cloned {
            self.count(Counter::FilesCloned, 1);
            self.count(Counter::BytesShared, metadata.size);
        } else {
            self.count(Counter::FilesCopied, 1);
            self.count(Counter::BytesCopied, written);
        }
    }
}

/// What came of placing a file whose content was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is a link to a reference.
    Linked,
    /// It is a fresh inode.
    Fresh,
    /// Its bytes are not those of this inode of a reference; other names of its group may find a better one.
    Rejected(FileId),
    /// It is not there; that was reported.
    No,
}

/// A new file's content.
struct Filled {
    stamps: Metadata,
    cloned: bool,
    written: u64,
}
