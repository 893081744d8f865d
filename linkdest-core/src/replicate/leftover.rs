//! What killed runs had of a replica: whole files are taken from there.

use std::ffi::CStr;

use super::entry::Made;
use super::far::Far;
use super::recorded::has_xattrs;
use super::tree::Tree;
use crate::descent::{Descent, Enter};
use crate::entry::{Kind, Metadata};
use crate::error::{Error, Result};
use crate::manifest::{Entry, EntryFlags};
use crate::monitor::Action;
use crate::path::RelPath;

/// The trees that killed runs left of one replica, the newest first.
pub(super) struct Leftovers<'l, D>(Vec<Leftover<'l, D>>);

struct Leftover<'l, D> {
    tree: Descent<'l, D>,
    /// It was written since the machine was started, so that what was written is there.
    same_boot: bool,
}

impl<'l, D: Enter> Leftovers<'l, D> {
    /// Takes the roots of the trees, each with whether it was written in this boot.
    pub fn new(roots: &'l [(D, bool)]) -> Self {
        let open =
            |(root, same_boot): &'l (D, bool)| Leftover { tree: Descent::new(root), same_boot: *same_boot };
        Self(roots.iter().map(open).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Goes to a directory in each of them that has it.
    pub fn each(&mut self, directory: &RelPath, mut act: impl FnMut(&D)) {
        for Leftover { tree, .. } in &mut self.0 {
            if let Ok(dir) = tree.open(directory) {
                act(dir);
            }
        }
    }
}

impl<F: Far> Tree<'_, '_, F> {
    /// Looks for a file that a killed run had finished, from the leftover with this number on: times are set last.
    fn leftover(
        &mut self,
        directory: &RelPath,
        entry: &Entry<'_>,
        name: &CStr,
        from: usize,
    ) -> Option<(usize, Metadata)> {
        if super::content::is_apart(entry) {
            return None;
        }
        let (reach, record) = (*self.far.reach(), &entry.metadata);
        for (number, Leftover { tree, .. }) in self.leftovers.0.iter_mut().enumerate().skip(from) {
            let Ok(dir) = tree.open(directory) else { continue };
            let Ok(Some(found)) = self.far.look(dir, name) else { continue };
            let is_finished = found.kind == Kind::File
                && found.size == record.size
                && reach.same_mtime(record, &found)
                && reach.same_stat(record, &found)
                && !self.known.is_damaged(found.id.inode);
            if is_finished && has_xattrs(&mut self.far, entry, dir, name) {
                return Some((number, found));
            }
        }
        None
    }

    /// Begins a file that nothing of the target leads to: a link to what a killed run left, or what is to be sent.
    pub fn begin_file(&mut self, directory: &RelPath, entry: &Entry<'_>, name: &CStr) {
        let found = self.leftover(directory, entry, name, 0);
        // Where something cannot be opened, whoever needs it will say so.
        let Ok(to) = self.staged.open(directory) else { return };
        match found.and_then(|(number, _)| self.leftovers.0.get_mut(number)) {
            None => self.far.begin_file(to, name),
            Some(Leftover { tree, same_boot: true }) => {
                if let Ok(from) = tree.open(directory) {
                    self.far.begin_link(None, (from, name), (to, name));
                }
            }
            // It is read first.
            Some(_) => {}
        }
    }

    /// Links to a file that a killed run had finished. What was written before the machine was restarted must have the
    /// recorded content.
    pub fn take_leftover(
        &mut self,
        directory: &RelPath,
        entry: &Entry<'_>,
        name: &CStr,
    ) -> Result<Option<Made>> {
        let mut next = 0;
        while let Some((number, found)) = self.leftover(directory, entry, name, next) {
            next = number + 1;
            let Some(Leftover { tree, same_boot }) = self.leftovers.0.get_mut(number) else { break };
            let Ok(dir) = tree.open(directory) else { continue };
            if !*same_boot {
                let Some(recorded) = entry.content else { continue };
                match self.far.hash(dir, name, &found, self.running.stop) {
                    Ok(Some(hash)) if hash == recorded => {}
                    _ if self.running.stop.is_stopped() => return Err(Error::interrupted()),
                    _ => continue,
                }
            }
            let linked = self.staged.open(directory).and_then(|to| self.far.link(dir, name, to, name));
            if linked.is_err() {
                continue;
            }
            self.counts.files_linked += 1;
            self.counts.bytes_shared += found.size;
            let flags = EntryFlags::from_bits(entry.flags.bits() & !EntryFlags::NOT_STORED.bits());
            return Ok(Some(Made {
                inode: found.id.inode,
                flags,
                content: entry.content,
                action: Action::Link,
                stamping: None,
            }));
        }
        Ok(None)
    }
}
