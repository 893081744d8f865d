//! What the target has and the snapshot has not.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use super::engine::Engine;
use super::node::{Handles, Node};
use super::worker::{Records, Worker};
use crate::entry::{FileId, Metadata};
use crate::error::{ProblemKind, Result};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, Listing};
use crate::repository::remove_tree_but;

impl Engine<'_> {
    /// What is never removed with the rest: the repository, and what is mounted.
    pub fn spared(&self, above: &Dir) -> impl Fn(&Metadata) -> bool + use<> {
        let above = above.stat().ok();
        let repository: FileId = self.plan.repository;
        move |stat| {
            let elsewhere = above.is_none_or(|above| {
                above.id.device != stat.id.device || (above.mount.is_some() && above.mount != stat.mount)
            });
            elsewhere || stat.id == repository
        }
    }
}

impl Worker<'_, '_> {
    /// Removes entries of a directory that the snapshot does not have.
    pub fn remove_extras(&mut self, node: &Arc<Node>, handles: &Handles, records: &Records) -> Result<()> {
        let engine = self.engine;
        let Some(dir) = &handles.target else { return Ok(()) };
        let extras = match self.extras(dir, records) {
            Ok(extras) => extras,
            Err(error) => return engine.target_problem(&node.path(), "list", error),
        };
        for name in extras {
            engine.check_stop()?;
            self.remove_extra(node, dir, &name)?;
        }
        Ok(())
    }

    fn extras(&mut self, dir: &Dir, records: &Records) -> std::io::Result<Vec<CString>> {
        let mut listing = Listing::default();
        // A directory is listed once per opening.
        dir.open_dir(c".")?.list(&mut listing)?;
        let names = listing.entries().iter().map(|listed| listing.name(*listed));
        let known = records.names();
        Ok(names.filter(|name| !known.contains(name.to_bytes())).map(CString::from).collect())
    }

    fn remove_extra(&mut self, node: &Arc<Node>, dir: &Dir, name: &CStr) -> Result<()> {
        let engine = self.engine;
        let path = node.path_of(name);
        if engine.plan.unsaved.may_be(&engine.full(&path)) {
            let message = "it stays: the snapshot lacks it, or a part of it, because it could not be saved";
            engine.problem(&path, ProblemKind::InTheWay, "remove", message);
            return Ok(());
        }
        if !engine.is_dry() {
            node.soil();
            if let Err(error) = remove_tree_but(dir, name, &engine.spared(dir)) {
                return engine.target_problem(&path, "remove", error);
            }
        }
        engine.tell(|| path, Action::Delete, Reason::Extra);
        self.counts.deleted += 1;
        Ok(())
    }
}
