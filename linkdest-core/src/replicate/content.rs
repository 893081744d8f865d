//! Content that is sent: read once, hashed on the way, compared with what was recorded.

use std::ffi::CStr;
use std::io;

use super::entry::Made;
use super::far::{Far, Filled, Stamps};
use super::throttle::Throttled;
use super::tree::Tree;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::manifest::{Entry, EntryFlags};
use crate::monitor::Action;
use crate::os::{Dir, File, XattrPlace};
use crate::path::RelPath;
use crate::placing::CopyError;
use crate::repository::Damage;
use crate::source::read_xattrs;

/// Records of these tell of other attributes than the inode has, and the inode is shared with snapshots that it suits.
const APART: EntryFlags = EntryFlags::RECORDED_ONLY.union(EntryFlags::CARRIED_FORWARD);

/// Says whether an entry gets the attributes that its inode has, not those that its record tells.
pub(super) fn is_apart(entry: &Entry<'_>) -> bool {
    entry.flags.bits() & APART.bits() != 0
}

impl<F: Far> Tree<'_, '_, F> {
    /// Sends a file; `None` if it cannot be, which was told.
    pub fn send(&mut self, directory: &RelPath, entry: &Entry<'_>, name: &CStr) -> Result<Option<Made>> {
        if let Some(made) = self.take_leftover(directory, entry, name)? {
            return Ok(Some(made));
        }
        let path = directory.child(entry.name);
        let opened = self.source.open(directory).and_then(|dir| {
            let file = dir.open_file(name)?;
            let stat = file.stat()?;
            Ok((file, stat))
        });
        let (file, stat) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.source_problem(&path, "open", error).map(|()| None),
        };
        if stat.kind != Kind::File {
            let message = "it is no regular file any more";
            self.problem(Problem::new(path, ProblemKind::Damaged, "read", message));
            return Ok(None);
        }
        let to = match self.staged.open(directory).and_then(|dir| self.far.create(dir, name)) {
            Ok(to) => to,
            Err(error) => return self.target_problem(&path, "create", error).map(|()| None),
        };
        let Some(filled) = self.fill(directory, name, &file, &stat, &to)? else { return Ok(None) };
        let inode = self.far.inode(&to);
        self.check_content(&path, entry, &stat, &filled, inode)?;
        let stamps = if is_apart(entry) {
            self.as_it_is(&path, &file, stat)?
        } else {
            let open = |tree: &mut Self| tree.source.open(directory)?.open_dir_search(c".");
            self.recorded(entry, open, &path)?
        };
        // The times come last: only what has them is taken for whole by the next run, if this one is killed.
        let stamping = self.far.stamp_file(to, &stamps);
        if filled.cloned {
            self.counts.files_cloned += 1;
            self.counts.bytes_shared += stat.size;
        } else {
            self.counts.files_copied += 1;
            self.counts.bytes_copied += filled.written;
        }
        self.running.watch.show(&self.counts);
        let action = if filled.cloned { Action::Clone } else { Action::Copy };
        let stamping = Some((stamping, stamps.incomplete));
        Ok(Some(Made { inode, flags: entry.flags, content: entry.content.or(filled.hash), action, stamping }))
    }

    /// Sends the bytes; `None` if that cannot be done, which was told, and nothing is left.
    fn fill(
        &mut self,
        directory: &RelPath,
        name: &CStr,
        file: &File,
        stat: &Metadata,
        to: &F::File,
    ) -> Result<Option<Filled>> {
        let running = self.running;
        let from = Throttled { file, throttle: running.throttle, watch: running.watch, stop: running.stop };
        let error = match self.far.fill(to, &from, stat, running.stop) {
            Ok(filled) => return Ok(Some(filled)),
            Err(CopyError::Stopped) => return Err(Error::interrupted()),
            Err(error) => error,
        };
        let path = directory.child(name.to_bytes());
        let removed = self.staged.open(directory).and_then(|dir| self.far.remove(dir, name));
        match error {
            CopyError::Source(error) => self.source_problem(&path, "read", error)?,
            CopyError::Target(error) => self.target_problem(&path, "write", error)?,
            CopyError::Stopped => {}
        }
        removed.or_else(|error| self.target_problem(&path, "remove", error)).map(|()| None)
    }

    /// Compares what arrived with what was recorded.
    fn check_content(
        &mut self,
        path: &RelPath,
        entry: &Entry<'_>,
        stat: &Metadata,
        filled: &Filled,
        inode: u64,
    ) -> Result<()> {
        let differs = entry.content.zip(filled.hash).is_some_and(|(recorded, found)| recorded != found);
        if !differs && stat.size == entry.metadata.size {
            return Ok(());
        }
        let message = "its content is not what was saved; it was brought as it is";
        self.problem(Problem::new(path.clone(), ProblemKind::Damaged, "compare", message));
        self.lacking += 1;
        if self.known.note_damage(Damage::new(self.name.clone(), path.clone(), inode)) {
            // If this run is killed before the damage is written down, nothing that it had is taken unread.
            (self.distrust)()?;
        }
        Ok(())
    }

    /// The attributes that the inode has in the repository that is read.
    fn as_it_is(&mut self, path: &RelPath, file: &File, metadata: Metadata) -> Result<Stamps> {
        let reach = *self.far.reach();
        match read_xattrs(XattrPlace::File(file), &reach, &mut self.xattrs) {
            Ok(known) => Ok(Stamps { metadata, xattrs: known.kept, incomplete: false }),
            Err(error) => {
                self.source_problem(path, "read extended attributes", error)?;
                Ok(Stamps { metadata, xattrs: super::entry::NO_XATTRS, incomplete: true })
            }
        }
    }

    /// The same of what is not opened.
    pub fn as_name_is(&mut self, directory: &RelPath, name: &CStr) -> io::Result<Stamps> {
        let reach = *self.far.reach();
        let dir: &Dir = self.source.open(directory)?;
        let metadata = dir.stat_at(name)?;
        let known = read_xattrs(XattrPlace::At(dir, name), &reach, &mut self.xattrs)?;
        Ok(Stamps { metadata, xattrs: known.kept, incomplete: false })
    }
}
