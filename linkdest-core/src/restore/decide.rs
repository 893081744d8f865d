//! What becomes of an entry: what is there in the target, beside what should be.

use std::ffi::CStr;
use std::io;

use super::Overwrite;
use super::node::{Handles, Node};
use super::wanted::Wanted;
use super::worker::Worker;
use crate::entry::{Kind, Metadata};
use crate::hashing::{Hashed, hash};
use crate::monitor::Reason;
use crate::os::{Dir, XattrPlace};
use crate::placing::{Compared, same_bytes};
use crate::source::SourceFile as _;

/// What is done with an entry that is no directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is as it should be.
    Unchanged,
    /// It is to stay, whatever it is.
    Kept,
    /// Attributes are set on the inode that is there: nothing else has a name for it.
    Attributes,
    Anew(Reason),
}

/// Where an entry is placed.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub node: &'a std::sync::Arc<Node>,
    pub handles: &'a Handles,
    pub wanted: &'a Wanted,
}

impl<'a> At<'a> {
    pub fn parts(&self) -> (&'a Node, &'a Handles, &'a Wanted) {
        (self.node, self.handles, self.wanted)
    }

    pub fn path(&self) -> crate::path::RelPath {
        self.node.path_of(&self.wanted.name)
    }
}

impl Worker<'_, '_> {
    /// Decides by what is there.
    pub fn decide(&mut self, at: At<'_>, dir: &Dir, there: Option<&Metadata>) -> io::Result<Decision> {
        let Some(there) = there else { return Ok(Decision::Anew(Reason::New)) };
        match self.engine.overwrites() {
            Overwrite::Never => return Ok(Decision::Kept),
            _ if there.kind != at.wanted.metadata.kind => return Ok(Decision::Anew(Reason::KindChanged)),
            Overwrite::Always => return Ok(Decision::Anew(Reason::Always)),
            Overwrite::IfChanged => {}
        }
        if let Some(reason) = self.content_differs(at, dir, there)? {
            return Ok(Decision::Anew(reason));
        }
        let place = XattrPlace::At(dir, at.wanted.to());
        let same = self.same_mtime(at.wanted, there) && self.same_attributes(at.parts(), there, place)?;
        let own = !self.has_other_names(at, there)?;
        Ok(match (same, own) {
            (_, false) => Decision::Anew(Reason::OtherNames),
            (true, true) => Decision::Unchanged,
            (false, true) if there.kind == Kind::File && there.nlink == 1 => Decision::Attributes,
            (false, true) => Decision::Anew(Reason::AttributesChanged),
        })
    }

    /// Says whether the inode that is there has names that it should not have: those of other entries, of the
    /// snapshot, of anything that was planted.
    fn has_other_names(&mut self, at: At<'_>, there: &Metadata) -> io::Result<bool> {
        if there.nlink == 1 {
            return Ok(false);
        }
        if at.wanted.group.is_none() || at.wanted.names().is_some_and(|names| there.nlink > names) {
            return Ok(true);
        }
        let of_snapshot = self.snapshot_stat(at)?.is_some_and(|stat| stat.id == there.id);
        Ok(of_snapshot || !self.engine.groups.take(there.id))
    }

    /// Looks at the inode in the snapshot; `None` if it is gone.
    fn snapshot_stat(&self, at: At<'_>) -> io::Result<Option<Metadata>> {
        self.snapshot_dir(at.node, at.handles)?.stat_if_there(&at.wanted.name)
    }

    /// Says why what is there has other content, if it has.
    fn content_differs(&mut self, at: At<'_>, dir: &Dir, there: &Metadata) -> io::Result<Option<Reason>> {
        let wanted = &at.wanted.metadata;
        let differs = match wanted.kind {
            Kind::File if there.size != wanted.size => {
                // A file of the kernel says that it is empty, and what was saved of it is not.
                let stored = self.snapshot_stat(at)?.map(|stat| stat.size);
                (stored != Some(there.size)).then_some(Reason::SizeChanged)
            }
            Kind::File if self.engine.plan.asked.checksum => {
                (!self.same_content(at, dir, there)?).then_some(Reason::BytesChanged)
            }
            Kind::Symlink => {
                let target = dir.read_link(at.wanted.to())?;
                (target != self.link_target(at)?).then_some(Reason::SizeChanged)
            }
            Kind::BlockDevice | Kind::CharDevice => {
                (there.rdev != wanted.rdev).then_some(Reason::KindChanged)
            }
            _ => None,
        };
        let by_time = wanted.kind == Kind::File && !self.engine.plan.asked.checksum;
        let moved = by_time && !self.same_mtime(at.wanted, there);
        Ok(differs.or(moved.then_some(Reason::TimeChanged)))
    }

    /// Where a symlink should lead.
    pub fn link_target(&self, at: At<'_>) -> io::Result<std::ffi::CString> {
        match &at.wanted.target {
            Some(target) => Ok(target.clone()),
            None => self.snapshot_dir(at.node, at.handles)?.read_link(&at.wanted.name),
        }
    }

    /// Reads what is there, and where no hash is recorded the snapshot's file too.
    fn same_content(&mut self, at: At<'_>, dir: &Dir, there: &Metadata) -> io::Result<bool> {
        let (stop, name): (_, &CStr) = (&self.engine.plan.asked.stop, at.wanted.to());
        // What cannot be read is not what it should be.
        let Ok(file) = dir.open_file(name) else { return Ok(false) };
        if file.stat()?.id != there.id {
            return Ok(false);
        }
        if let Some(wanted) = at.wanted.content {
            return match hash(&file, there, &mut self.buffers.0, stop) {
                Err(error) if stop.is_stopped() => Err(error),
                found => Ok(found.is_ok_and(|found| found == Hashed::As(wanted))),
            };
        }
        let saved = self.snapshot_dir(at.node, at.handles)?.open_file(&at.wanted.name)?;
        let stat = saved.stat()?;
        let same = stat.kind == Kind::File && stat.size == there.size;
        let compared = same.then(|| same_bytes(&saved, &file, &stat, &mut self.buffers, stop));
        Ok(matches!(compared, Some(Ok(Compared::Same(_)))))
    }
}
