//! Regular files: written under a name of their own, complete before they take their place.

use std::ffi::CStr;
use std::io;
use std::sync::atomic::Ordering;

use super::decide::At;
use super::saved::SavedFile;
use super::worker::Worker;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{ProblemKind, Result};
use crate::hashing::{Hashed, hash};
use crate::manifest::ContentHash;
use crate::monitor::{Action, Reason};
use crate::os::{Dir, File, errno};
use crate::placing::{CopyError, copy};
use crate::source::SourceFile as _;

/// A new file's content.
struct Filled {
    cloned: bool,
    written: u64,
    hash: Option<ContentHash>,
}

impl Worker<'_, '_> {
    /// Writes a file anew; returns its inode if it is in its place.
    pub fn write_file(
        &mut self,
        at: At<'_>,
        dir: &Dir,
        there: Option<&Metadata>,
        reason: Reason,
    ) -> Result<Option<FileId>> {
        let opened = self.open_saved(at);
        let (saved, stat) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                return self.engine.snapshot_problem(&at.path(), "open", error).map(|()| None);
            }
        };
        let made = self.engine.fresh_name(at.node).and_then(|name| Ok((dir.create_file(&name)?, name)));
        let (file, name) = match made {
            Ok(made) => made,
            Err(error) => return self.engine.target_problem(&at.path(), "create", error).map(|()| None),
        };
        at.node.soil();
        let written = self.write_named(at, (&saved, &stat), (dir, &name, &file), there);
        match written {
            Ok(Some((id, filled))) => {
                self.count_written(at, &stat, &filled, reason);
                Ok(Some(id))
            }
            failed => {
                self.engine.drop_name(dir, &name);
                failed.map(|_| None)
            }
        }
    }

    fn open_saved(&self, at: At<'_>) -> io::Result<(SavedFile, Metadata)> {
        let file = self.snapshot_dir(at.node, at.handles)?.open_file(&at.wanted.name)?;
        let stat = file.stat()?;
        if stat.kind == Kind::File {
            Ok((file, stat))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "it is no regular file in the snapshot any more"))
        }
    }

    /// Fills, stamps and renames a new file.
    fn write_named(
        &mut self,
        at: At<'_>,
        (saved, stat): (&SavedFile, &Metadata),
        (dir, name, file): (&Dir, &CStr, &File),
        there: Option<&Metadata>,
    ) -> Result<Option<(FileId, Filled)>> {
        let engine = self.engine;
        let filled = match self.fill(saved, stat, file) {
            Ok(filled) => filled,
            Err(CopyError::Source(error)) => {
                return engine.snapshot_problem(&at.path(), "read", error).map(|()| None);
            }
            Err(CopyError::Target(error)) => {
                return engine.target_problem(&at.path(), "write", error).map(|()| None);
            }
            Err(CopyError::Stopped) => return engine.check_stop().map(|()| None),
        };
        if at.wanted.content.is_some_and(|wanted| filled.hash != Some(wanted)) {
            let message = "the content in the snapshot is not what was saved; it was restored as it is";
            engine.problem(&at.path(), ProblemKind::Damaged, "verify", message);
        }
        let now = match file.stat() {
            Ok(now) => now,
            Err(error) => return engine.target_problem(&at.path(), "stat", error).map(|()| None),
        };
        self.settle(at.parts(), &now, file, &|| at.path())?;
        Ok(self.take_place(at, dir, name, there)?.then_some((now.id, filled)))
    }

    /// Shares blocks with the snapshot's file if that is possible, else copies bytes; both are hashed.
    fn fill(
        &mut self,
        saved: &SavedFile,
        stat: &Metadata,
        to: &File,
    ) -> std::result::Result<Filled, CopyError> {
        let stop = &self.engine.plan.asked.stop;
        let local = saved.local().filter(|_| !self.engine.unclonable.load(Ordering::Relaxed));
        if let Some(local) = local.filter(|_| stat.size > 0) {
            match to.clone_from(local) {
                Ok(()) => {
                    let hashed = hash(to, stat, &mut self.buffers.0, stop).map_err(|error| {
                        if stop.is_stopped() { CopyError::Stopped } else { CopyError::Source(error) }
                    })?;
                    let hash = if let Hashed::As(hash) = hashed { Some(hash) } else { None };
                    return Ok(Filled { cloned: true, written: 0, hash });
                }
                Err(error) if errno::is_never_clonable(&error) => {
                    self.engine.unclonable.store(true, Ordering::Relaxed);
                }
                // The copy will meet whatever is wrong.
                Err(_) => {}
            }
        }
        let (written, hash) = copy(saved, stat, to, &mut self.buffers.0, stop)?;
        Ok(Filled { cloned: false, written, hash })
    }

    fn count_written(&mut self, at: At<'_>, stat: &Metadata, filled: &Filled, reason: Reason) {
        let action = if filled.cloned { Action::Clone } else { Action::Copy };
        self.engine.tell(|| at.path(), action, reason);
        if filled.cloned {
            self.counts.files_cloned += 1;
            self.counts.bytes_cloned += stat.size;
        } else {
            self.counts.files_copied += 1;
            self.counts.bytes_copied += filled.written;
        }
    }

    /// Tells of a file that would be written.
    pub fn plan_file(&mut self, at: At<'_>, reason: Reason) {
        self.engine.tell(|| at.path(), Action::Copy, reason);
        self.counts.files_copied += 1;
        self.counts.bytes_copied += at.wanted.metadata.size.min(at.wanted.metadata.allocated);
    }
}
