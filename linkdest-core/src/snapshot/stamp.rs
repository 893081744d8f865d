//! Stamping in staging: what was refused is the entry's problem, and directories come last.

use std::sync::{Arc, PoisonError};

use super::engine::Engine;
use super::node::{Handles, Node};
use super::worker::Worker;
use crate::error::{Problem, ProblemKind, Result};
use crate::manifest::EntryFlags;
use crate::os::{Dir, errno};
use crate::path::RelPath;
use crate::placing::{Refused, stamp_dir};
use crate::source::Source;

/// The flag of an entry some of whose attributes were refused.
pub(super) fn not_stored(refused: &[Refused]) -> EntryFlags {
    if refused.is_empty() { EntryFlags::default() } else { EntryFlags::NOT_STORED }
}

impl<S: Source> Engine<'_, S> {
    /// Reports what was refused.
    ///
    /// # Errors
    /// Refusals that say that the repository fails. A full disk is told from an attribute that is too large by
    /// asking how much room is left.
    pub fn report_refused(
        &self,
        worker: usize,
        dir: &Dir,
        path: impl Fn() -> RelPath,
        refused: Vec<Refused>,
    ) -> Result<()> {
        for Refused { operation, error } in refused {
            let too_large = errno::is_no_space(&error)
                && operation == "set extended attribute"
                && dir.available().is_ok_and(|bytes| bytes > 1 << 20);
            if errno::is_target_failing(&error) && !too_large {
                return Err(self.repository_error(operation, error));
            }
            self.problem(worker, Problem::io(path(), ProblemKind::NotStored, operation, &error));
        }
        Ok(())
    }

    /// Gives a finished directory its last attributes; returns its handles if they are open, and the flags of its record.
    pub fn stamp(
        &self,
        worker: &mut Worker<'_, '_, S>,
        node: &Arc<Node<S>>,
    ) -> Result<(Option<Arc<Handles<S>>>, EntryFlags)> {
        if self.is_dry() {
            return Ok((node.handles().clone(), EntryFlags::default()));
        }
        let staged = self.staged(node)?;
        let _stamping = self.stamping.read().unwrap_or_else(PoisonError::into_inner);
        let mut stamped = node.stamped();
        let flags =
            staged.dir().map_or(Ok(EntryFlags::default()), |dir| self.stamp_directory(worker, node, dir))?;
        *stamped = true;
        drop(stamped);
        Ok((staged.into_handles(), flags))
    }

    /// Stamps an open directory in staging.
    pub fn stamp_directory(
        &self,
        worker: &mut Worker<'_, '_, S>,
        node: &Node<S>,
        staged: &Dir,
    ) -> Result<EntryFlags> {
        let carried = node.carried.get();
        let mut metadata = carried.map_or(*node.metadata(), |carried| carried.metadata);
        // Renaming a directory changes `..` in it: its owner must be allowed to write it until it is published.
        if node.parent().is_none() && metadata.mode & 0o200 == 0 {
            metadata.mode |= 0o700;
        }
        let reach = &self.plan.reach;
        let xattrs = carried.map_or(&node.opened.xattrs, |carried| &carried.xattrs);
        let refused = stamp_dir(staged, &metadata, xattrs, reach, &mut worker.xattrs);
        let flags = not_stored(&refused);
        self.report_refused(worker.index, staged, || node.path(), refused)?;
        Ok(flags)
    }
}
