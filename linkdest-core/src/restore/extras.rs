//! What the target has and the snapshot has not: what killed restores left, and what --delete removes.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use super::engine::Engine;
use super::markers::OURS;
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
        let repository: Option<FileId> = self.plan.repository;
        move |stat| {
            let elsewhere = above.is_none_or(|above| {
                above.id.device != stat.id.device || (above.mount.is_some() && above.mount != stat.mount)
            });
            elsewhere || Some(stat.id) == repository
        }
    }
}

impl Worker<'_, '_> {
    /// Removes from a directory what killed restores left, and what else the snapshot does not have if that was asked.
    pub fn remove_others(&mut self, node: &Arc<Node>, handles: &Handles, records: &Records) -> Result<()> {
        let engine = self.engine;
        let (is_root, deletes) = (node.parent.is_none(), engine.plan.asked.delete);
        let Some(dir) = &handles.target else { return Ok(()) };
        if !is_root && !deletes && !engine.markers.any_found() {
            return Ok(());
        }
        let others = match others(dir, records, deletes) {
            Ok(others) => others,
            Err(error) if deletes => return engine.target_problem(&node.path(), "list", error),
            Err(_) => {
                engine.markers.keep();
                return Ok(());
            }
        };
        if is_root {
            engine.find_markers(dir, &others);
        }
        for name in others {
            engine.check_stop()?;
            if engine.is_marker(node, &name) {
                continue;
            }
            if engine.is_leftover(dir, &name) {
                self.remove_leftover(node, dir, &name)?;
            } else if deletes {
                self.remove_extra(node, dir, &name)?;
            }
        }
        Ok(())
    }

    /// Removes what killed restores of single entries left in the directory that one is restored into now.
    pub fn remove_leftovers(&self, node: &Node, dir: &Dir) -> Result<()> {
        let engine = self.engine;
        let mut listing = Listing::default();
        // Who may not list a directory may write in it all the same.
        if dir.open_dir(c".").and_then(|dir| dir.list(&mut listing)).is_err() {
            return Ok(());
        }
        let names = listing.entries().iter().map(|listed| listing.name(*listed));
        let ours: Vec<CString> = names.filter(|name| is_ours(name)).map(CString::from).collect();
        engine.find_markers(dir, &ours);
        for name in ours {
            if !engine.is_marker(node, &name) && engine.is_leftover(dir, &name) {
                self.remove_leftover(node, dir, &name)?;
            }
        }
        Ok(())
    }

    /// Removes what a killed restore left. That was never an entry: nobody is told.
    fn remove_leftover(&self, node: &Node, dir: &Dir, name: &CStr) -> Result<()> {
        if self.engine.is_dry() {
            return Ok(());
        }
        node.soil();
        dir.unlink(name).or_else(|error| {
            self.engine.markers.keep();
            self.engine.target_problem(&node.path_of(name), "remove", error)
        })
    }

    fn remove_extra(&mut self, node: &Arc<Node>, dir: &Dir, name: &CStr) -> Result<()> {
        let engine = self.engine;
        let path = node.path_of(name);
        if let Some(why) = engine.plan.unsaved.may_be(&engine.full(&path)) {
            engine.problem(&path, ProblemKind::InTheWay, "remove", format!("it stays: {why}"));
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

/// The names in a directory that the snapshot does not have: all of them, or those alone that a restore may have made.
fn others(dir: &Dir, records: &Records, all: bool) -> std::io::Result<Vec<CString>> {
    let mut listing = Listing::default();
    // A directory is listed once per opening.
    dir.open_dir(c".")?.list(&mut listing)?;
    let names = listing.entries().iter().map(|listed| listing.name(*listed));
    let mut others: Vec<CString> = names.filter(|name| all || is_ours(name)).map(CString::from).collect();
    if !others.is_empty() {
        let known = records.names();
        others.retain(|name| !known.contains(name.to_bytes()));
    }
    Ok(others)
}

/// Says whether a restore may have made a name.
fn is_ours(name: &CStr) -> bool {
    name.to_bytes().starts_with(OURS.as_bytes())
}
