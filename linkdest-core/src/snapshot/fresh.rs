//! Fresh inodes: a file with the content and the attributes of the source.

use std::ffi::CStr;

use super::content::{CopyError, copy};
use super::node::{Handles, Node};
use super::read::Placed;
use super::stamp::stamp_file;
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::Metadata;
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, File, errno};
use crate::source::{KnownXattrs, Source, SourceFile};

/// Where the content of a new file comes from.
pub(super) enum From<'r> {
    Source,
    /// The blocks of a reference whose content was found equal.
    Reference(&'r File),
}

/// How often a file that changes while it is read is read.
const READS: u32 = 3;

/// A new file's content.
struct Filled {
    stamps: Metadata,
    cloned: bool,
    written: u64,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Makes a new file with the content of the source, or of a reference that was found equal.
    #[expect(clippy::too_many_arguments, reason = "one file on its way from source to staging")]
    pub fn copy_file(
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
                Err(CopyError::Repository(error)) => {
                    return engine.repository_problem(self.index, path(), "write", error).map(|()| None);
                }
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
