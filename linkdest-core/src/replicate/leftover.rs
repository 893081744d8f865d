//! What killed runs had of a replica: whole files are taken from there.

use std::ffi::CStr;

use super::entry::Made;
use super::far::Far;
use super::recorded::has_xattrs;
use super::tree::Tree;
use crate::descent::{Descent, Enter};
use crate::entry::Kind;
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

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<F: Far> Tree<'_, '_, F> {
    /// Links to a file that a killed run had finished: times are set last. What was written before the machine was
    /// restarted must have the recorded content.
    pub fn take_leftover(
        &mut self,
        directory: &RelPath,
        entry: &Entry<'_>,
        name: &CStr,
    ) -> Result<Option<Made>> {
        let reach = *self.far.reach();
        let apart = super::content::is_apart(entry);
        for Leftover { tree, same_boot } in &mut self.leftovers.0 {
            let Ok(dir) = tree.open(directory) else { continue };
            let Ok(Some(found)) = self.far.look(dir, name) else { continue };
            let record = &entry.metadata;
            let is_finished = !apart
                && found.kind == Kind::File
                && found.size == record.size
                && reach.same_mtime(record, &found)
                && reach.same_stat(record, &found)
                && !self.known.is_damaged(found.id.inode);
            if !is_finished {
                continue;
            }
            if !has_xattrs(&mut self.far, entry, dir, name) {
                continue;
            }
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
