//! Symlinks, FIFOs, sockets and devices: made from their records.

use std::ffi::{CStr, CString};
use std::io;

use super::content::is_apart;
use super::entry::Made;
use super::far::{Far, Stamps};
use super::tree::Tree;
use crate::entry::Kind;
use crate::error::Result;
use crate::manifest::Entry;
use crate::monitor::Action;
use crate::path::RelPath;

impl<F: Far> Tree<'_, '_, F> {
    /// Makes an entry that has no content; `None` if it cannot be made, which was told.
    pub fn make_special(
        &mut self,
        directory: &RelPath,
        entry: &Entry<'_>,
        name: &CStr,
    ) -> Result<Option<Made>> {
        let path = directory.child(entry.name);
        let stamps = match self.stamps_of(directory, entry, name, &path)? {
            Ok(stamps) => stamps,
            Err(error) => return self.source_problem(&path, "read", error).map(|()| None),
        };
        let (operation, made) = if entry.metadata.kind == Kind::Symlink {
            let made = CString::new(entry.target).map_err(io::Error::from).and_then(|target| {
                let dir = self.staged.open(directory)?;
                self.far.make_symlink(&target, dir, name)
            });
            ("make symlink", made)
        } else {
            let (kind, device) = (entry.metadata.kind, entry.metadata.rdev);
            let dir = self.staged.open(directory);
            ("make node", dir.and_then(|dir| self.far.make_node(dir, name, kind, device)))
        };
        if let Err(error) = made {
            return self.target_problem(&path, operation, error).map(|()| None);
        }
        let stamping = match self.staged.open(directory) {
            Ok(dir) => self.far.stamp_name(dir, name, &stamps),
            Err(error) => return self.target_problem(&path, "open", error).map(|()| None),
        };
        self.counts.other_created += 1;
        Ok(Some(Made {
            inode: self.look_inode(directory, name),
            flags: entry.flags,
            content: None,
            action: Action::Create,
            stamping: Some((stamping, stamps.incomplete)),
        }))
    }

    fn stamps_of(
        &mut self,
        directory: &RelPath,
        entry: &Entry<'_>,
        name: &CStr,
        path: &RelPath,
    ) -> Result<io::Result<Stamps>> {
        if is_apart(entry) {
            return Ok(self.as_name_is(directory, name));
        }
        let open = |tree: &mut Self| tree.source.open(directory)?.open_dir_search(c".");
        self.recorded(entry, open, path).map(Ok)
    }
}
