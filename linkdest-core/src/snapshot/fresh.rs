//! Fresh inodes: a file with the content and the attributes of the source.

use super::decide::Subject;
use super::place::Linked;
use super::read::{Content, Placed};
use super::recorded::Placing;
use super::stamp::not_stored;
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::Metadata;
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::hashing::{ContentHasher, Hashed, Value, hash};
use crate::manifest::{ContentHash, EntryFlags, Origin};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, File, errno};
use crate::placing::{CopyError, copy_hashed, patch, stamp_file};
use crate::source::{KnownXattrs, Source, SourceFile};

/// Where the content of a new file comes from.
pub(super) enum From<'r> {
    Source,
    /// The blocks of a reference whose content was found equal, with its hash.
    Reference(&'r File, Option<ContentHash>),
}

/// How often a file that changes while it is read is read.
const READS: u32 = 3;

/// A new file's content.
struct Filled {
    stamps: Metadata,
    cloned: bool,
    written: u64,
    hash: Option<ContentHash>,
    /// What stands for its parts, where that was kept.
    parts: Vec<Value>,
    /// It changed while it was read.
    torn: bool,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Makes a new file with the content of the source, or of a reference that was found equal.
    pub fn copy_file(&mut self, content: &Content<'_, S>, from: &From<'_>, reason: Reason) -> Result<Placed> {
        let (engine, metadata) = (self.engine, content.metadata);
        let Some(staged) = &content.handles.staged else {
            let cloned = matches!(from, From::Reference(..)) || self.may_clone(metadata);
            let cloned = cloned && metadata.size > 0;
            engine.tell_entry(|| content.path(), if cloned { Action::Clone } else { Action::Copy }, reason);
            let written = if cloned { 0 } else { metadata.size.min(metadata.allocated) };
            self.count_copied(metadata, cloned, written);
            return Ok(Placed::Fresh);
        };
        let to = match staged.create_file(content.name) {
            Ok(to) => to,
            Err(error) => {
                let at = (content.node, content.name);
                return engine.placing_problem(self.index, at, "create", error).map(|()| Placed::No);
            }
        };
        let remove = || staged.unlink(content.name).map_err(|error| engine.repository_error("remove", error));
        // A half-written file has the length of a whole one: nobody is to find it.
        let filled = match self.fill(content, from, &to).inspect_err(|_| drop(staged.unlink(content.name)))? {
            Ok(filled) => filled,
            Err(Unfilled::Reported) => {
                remove()?;
                return Ok(Placed::No);
            }
            Err(Unfilled::Unreadable(error)) => {
                remove()?;
                let Content { node, handles, name, metadata, .. } = content;
                return self.unreadable(node, handles, name, Some(metadata.id), "read", &error);
            }
        };
        if matches!(from, From::Source)
            && let Some(placed) = self.link_to_same_content(content, &filled, staged)?
        {
            return Ok(placed);
        }
        if let Some(hash) = filled.hash.filter(|_| !filled.torn) {
            self.keep_parts(&hash, filled.stamps.size, &filled.parts);
        }
        let flags = self.stamp_copied(content, staged, &filled, &to)?;
        let repository_inode = to.stat().map_or(0, |stat| stat.id.inode);
        let placing = Placing { repository_inode, origin: Origin::Fresh, content: filled.hash, flags };
        self.record(content.node, content.name, &filled.stamps, &placing);
        let action = if filled.cloned { Action::Clone } else { Action::Copy };
        engine.tell_entry(|| content.path(), action, reason);
        self.count_copied(&filled.stamps, filled.cloned, filled.written);
        Ok(Placed::Fresh)
    }

    /// Links a name to an entry of the first reference that has the content just read, under whatever path; what was
    /// written meanwhile is dropped.
    fn link_to_same_content(
        &mut self,
        content: &Content<'_, S>,
        filled: &Filled,
        staged: &Dir,
    ) -> Result<Option<Placed>> {
        let Some(hash) = filled.hash.filter(|_| filled.stamps.size > 0 && !filled.torn) else {
            return Ok(None);
        };
        let engine = self.engine;
        if engine.predecessor().is_none() || !self.search_content {
            return Ok(None);
        }
        let Content { node, handles, name, .. } = content;
        let mut subject = Subject::new(&handles.source, name, &filled.stamps);
        let Some(candidate) = self.find_content(&mut subject, &hash) else { return Ok(None) };
        staged.unlink(name).map_err(|error| engine.repository_error("remove", error))?;
        match self.link(node, handles, name, &filled.stamps, &candidate, Some(hash), Reason::SameBytes)? {
            Linked::Yes => {
                self.found_unchanged(&candidate);
                self.count_linked(&filled.stamps, true);
                Ok(Some(Placed::Linked))
            }
            Linked::Failed => Ok(Some(Placed::No)),
            // Its name is free again: the next round copies without looking.
            Linked::Instead(reason) => self.copy_again(content, reason).map(Some),
        }
    }

    /// Copies a file whose content the reference has, where no link to that can be made.
    fn copy_again(&mut self, content: &Content<'_, S>, reason: Reason) -> Result<Placed> {
        let searched = std::mem::replace(&mut self.search_content, false);
        let placed = self.copy_file(content, &From::Source, reason);
        self.search_content = searched;
        placed
    }

    fn stamp_copied(
        &mut self,
        content: &Content<'_, S>,
        staged: &Dir,
        filled: &Filled,
        to: &File,
    ) -> Result<EntryFlags> {
        let engine = self.engine;
        let path = || content.path();
        let xattrs = match content.file.xattrs(&engine.plan.reach, &mut self.xattrs) {
            Ok(known) => known,
            Err(error) => {
                engine.source_problem(self.index, path(), "read extended attributes", &error)?;
                KnownXattrs::default()
            }
        };
        self.found.set_xattrs(&xattrs);
        self.count_out_of_reach();
        let refused = stamp_file(to, &filled.stamps, &xattrs.kept, &engine.plan.reach, &mut self.xattrs);
        let mut flags = not_stored(&refused);
        if filled.torn {
            flags.insert(EntryFlags::CHANGED_WHILE_READ);
        }
        engine.report_refused(self.index, staged, path, refused)?;
        Ok(flags)
    }

    /// Fills a new file, again if the source changed meanwhile.
    ///
    /// The stamps are those from before the last read: if it was torn, they differ from the source's, and the next run
    /// takes the file again.
    fn fill(
        &mut self,
        content: &Content<'_, S>,
        from: &From<'_>,
        to: &File,
    ) -> Result<std::result::Result<Filled, Unfilled>> {
        let engine = self.engine;
        let path = || content.path();
        let mut stamps = *content.metadata;
        for read in 1..=READS {
            // What a reference was found equal to is no more, once the source has changed.
            let from = if read == 1 { from } else { &From::Source };
            let mut filled = match self.fill_once(content, &stamps, from, to) {
                Ok(filled) => filled,
                Err(CopyError::Source(error)) => return Ok(Err(Unfilled::Unreadable(error))),
                Err(CopyError::Target(error)) => {
                    engine.repository_problem(self.index, path(), "write", error)?;
                    return Ok(Err(Unfilled::Reported));
                }
                Err(CopyError::Stopped) => return Err(Error::interrupted()),
            };
            let now = match content.file.stat() {
                Ok(now) => now,
                Err(error) => return Ok(Err(Unfilled::Unreadable(error))),
            };
            if now.same_stamps(&stamps) {
                return Ok(Ok(filled));
            }
            if read == READS {
                let message =
                    format!("it changed each of the {READS} times it was read; the last copy was kept");
                engine.problem(self.index, Problem::new(path(), ProblemKind::Changed, "read", message));
                filled.torn = true;
                return Ok(Ok(filled));
            }
            stamps = now;
            to.set_len(0).map_err(|error| engine.repository_error("write", error))?;
        }
        Ok(Err(Unfilled::Reported))
    }

    /// Fills a new file once: by sharing blocks if that is possible, else by copying bytes.
    fn fill_once(
        &mut self,
        content: &Content<'_, S>,
        stamps: &Metadata,
        from: &From<'_>,
        to: &File,
    ) -> std::result::Result<Filled, CopyError> {
        let file = content.file;
        let filled = |cloned, written, hash| Filled {
            stamps: *stamps,
            cloned,
            written,
            hash,
            parts: Vec::new(),
            torn: false,
        };
        if stamps.size > 0 && self.may_clone(stamps) && self.clone_from_source(file, stamps, to)? {
            return Ok(filled(true, 0, self.hash_clone(stamps, to)?));
        }
        if let From::Reference(reference, hash) = from
            && stamps.size > 0
            && to.clone_from(reference).is_ok()
        {
            let hash = if hash.is_some() { *hash } else { self.hash_clone(stamps, to)? };
            return Ok(filled(true, 0, hash));
        }
        let plan = &self.engine.plan;
        let space = |bytes| plan.scratch.as_ref().map_or(Ok(()), |scratch| plan.space.take(bytes, scratch));
        if let Some(earlier) = self.earlier_version(content, stamps) {
            let patched = patch(file, stamps, &earlier, to, &mut self.buffers, &space, plan.stop)?;
            return Ok(Filled {
                parts: patched.parts,
                ..filled(patched.shared, patched.written, patched.hash)
            });
        }
        space(stamps.size.min(stamps.allocated)).map_err(CopyError::Target)?;
        let hasher = match plan.part_lists {
            Some(_) => ContentHasher::for_parts(stamps.size),
            None => ContentHasher::for_size(stamps.size),
        };
        let (copied, hasher) = copy_hashed(file, stamps, to, &mut self.buffers.0, hasher, plan.stop)?;
        let (hash, parts) =
            hasher.finish_parts().map_or((None, Vec::new()), |(hash, parts)| (Some(hash), parts));
        Ok(Filled { parts, ..filled(false, copied, hash) })
    }

    /// Hashes what was cloned; the bytes did not pass by.
    fn hash_clone(
        &mut self,
        stamps: &Metadata,
        to: &File,
    ) -> std::result::Result<Option<ContentHash>, CopyError> {
        let stop = self.engine.plan.stop;
        match hash(to, stamps, &mut self.buffers.0, stop) {
            Ok(Hashed::As(hash)) => Ok(Some(hash)),
            Ok(Hashed::Unhashable | Hashed::Short) => Ok(None),
            Err(_) if stop.is_stopped() => Err(CopyError::Stopped),
            Err(error) => Err(CopyError::Target(error)),
        }
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
                Err(CopyError::Target(error))
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
            self.count(Counter::BytesShared, metadata.size.saturating_sub(written));
            self.count(Counter::BytesCopied, written);
        } else {
            self.count(Counter::FilesCopied, 1);
            self.count(Counter::BytesCopied, written);
        }
    }
}

/// Why a new file has no content.
enum Unfilled {
    /// That was reported.
    Reported,
    /// The source cannot be read.
    Unreadable(std::io::Error),
}
