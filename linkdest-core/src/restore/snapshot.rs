//! The snapshot's tree: opened only where something must be read.

use std::ffi::CString;
use std::io;
use std::sync::Arc;

use super::node::{Handles, Node};
use super::saved::SavedDir;
use super::wanted::Wanted;
use super::worker::Worker;
use crate::manifest::XattrValue;
use crate::os::{XattrPlace, Xattrs};
use crate::policy::attributes::{Reach, XattrPlaceInRun};
use crate::source::read_xattrs;

impl Worker<'_, '_> {
    /// The directory of the snapshot that a node stands for.
    pub fn snapshot_dir<'h>(&self, node: &Node, handles: &'h Handles) -> io::Result<&'h SavedDir> {
        if let Some(dir) = handles.snapshot.get() {
            return Ok(dir);
        }
        let dir = self.open_snapshot(node)?;
        Ok(handles.snapshot.get_or_init(|| dir))
    }

    /// Opens one name at a time from the nearest directory above that is open. Listing needs more than searching.
    pub fn open_snapshot(&self, node: &Node) -> io::Result<SavedDir> {
        let (mut names, mut at) = (Vec::new(), node);
        let mut start: Option<Arc<Handles>> = None;
        while let Some(parent) = &at.parent {
            names.push(at.wanted.name.as_c_str());
            at = parent;
            start = at.handles().clone().filter(|handles| handles.snapshot.get().is_some());
            if start.is_some() {
                break;
            }
        }
        let open = start.as_ref().and_then(|handles| handles.snapshot.get());
        let mut dir = open.unwrap_or(&self.engine.plan.snapshot).open_dir_search(c".")?;
        for name in names.iter().rev() {
            dir = dir.open_dir_search(name)?;
        }
        Ok(dir)
    }

    /// The extended attributes that an entry should have, as far as they can be set here; the others are counted, once.
    pub fn wanted_xattrs<'w>(
        &mut self,
        node: &Node,
        handles: &Handles,
        wanted: &'w Wanted,
    ) -> io::Result<&'w Xattrs> {
        if let Some(known) = wanted.settable.get() {
            return Ok(known);
        }
        let found = self.find_xattrs(node, handles, wanted)?;
        Ok(wanted.settable.get_or_init(|| found))
    }

    fn find_xattrs(&mut self, node: &Node, handles: &Handles, wanted: &Wanted) -> io::Result<Xattrs> {
        let reach = self.engine.plan.reach;
        let Some(recorded) = &wanted.xattrs else {
            let dir = self.snapshot_dir_of(node, handles, wanted)?;
            let place = XattrPlace::At(dir.here()?, &wanted.name);
            let known = read_xattrs(place, &reach, &mut self.xattrs)?;
            known.out_of_reach.iter().for_each(|what| self.engine.count_out_of_reach(what));
            return Ok(known.kept);
        };
        let mut kept = Xattrs::new();
        let mut beyond: Vec<&'static str> = Vec::new();
        for (name, value) in recorded.as_ref() {
            match sort(&reach, name, &mut beyond) {
                None => {}
                Some(name) => match value {
                    XattrValue::Whole(value) => kept.push((name, value.to_vec())),
                    XattrValue::Digest { hash, .. } => {
                        let value = self.stored_xattr(node, handles, wanted, &name)?;
                        if crate::manifest::ContentHash::of(&value) != hash {
                            return Err(io::Error::other("a long extended attribute is not what was saved"));
                        }
                        kept.push((name, value));
                    }
                },
            }
        }
        beyond.iter().for_each(|what| self.engine.count_out_of_reach(what));
        Ok(kept)
    }

    /// Of a long attribute the manifest has a digest alone: its value is in the tree.
    fn stored_xattr(
        &mut self,
        node: &Node,
        handles: &Handles,
        wanted: &Wanted,
        name: &CString,
    ) -> io::Result<Vec<u8>> {
        let dir = self.snapshot_dir_of(node, handles, wanted)?;
        let value = self.xattrs.get(XattrPlace::At(dir.here()?, &wanted.name), name)?;
        value
            .map(<[u8]>::to_vec)
            .ok_or_else(|| io::Error::other("a long extended attribute is not in the snapshot"))
    }

    /// The directory that an entry is in; of the root of the walk that is the root itself.
    fn snapshot_dir_of(&self, node: &Node, handles: &Handles, wanted: &Wanted) -> io::Result<SavedDir> {
        // What is asked of a directory as such is asked by its name in the parent.
        if std::ptr::eq(&raw const node.wanted, wanted) {
            return match &node.parent {
                Some(parent) => self.open_snapshot(parent),
                None => self.engine.plan.snapshot.open_dir_search(c"."),
            };
        }
        self.snapshot_dir(node, handles)?.open_dir_search(c".")
    }
}

/// Sorts an attribute: its name if it can be set here; else its kind is noted, each kind once.
fn sort(reach: &Reach, name: &[u8], beyond: &mut Vec<&'static str>) -> Option<CString> {
    match reach.xattr(name) {
        XattrPlaceInRun::Ignored => None,
        XattrPlaceInRun::Kept => CString::new(name).ok(),
        XattrPlaceInRun::OutOfReach(what) => {
            if !beyond.contains(&what) {
                beyond.push(what);
            }
            None
        }
    }
}
