//! Directories of the target: opened or made on the way down, stamped on the way up.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Overwrite;
use super::node::{Handles, Job, Node};
use super::wanted::Wanted;
use super::worker::Worker;
use crate::entry::Metadata;
use crate::error::{ProblemKind, Result};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, XattrPlace, errno};

/// A directory of the target that can be worked in.
struct Entered {
    dir: Option<Dir>,
    /// What it was before anything was done to it.
    found: Option<Metadata>,
    created: bool,
    /// Its mode was widened to work in it.
    widened: bool,
}

impl Worker<'_, '_> {
    /// Opens or makes a directory; `None` if it cannot be, which was told.
    pub fn enter(&mut self, job: Job) -> Result<Option<(Arc<Node>, Arc<Handles>)>> {
        let Job { parent, wanted } = job;
        self.counts.entries += 1;
        let path = || parent.path_of(&wanted.name);
        let above = match self.handles_of(&parent) {
            Ok(above) => above,
            Err(error) => return self.engine.target_problem(&path(), "open", error).map(|()| None),
        };
        let entered = {
            // Of two names that are one, the second must find what was made of the first.
            let _alone = self.engine.plan.reach.folds.then(|| parent.entering());
            if self.is_taken(&parent, &above, &wanted) {
                return Ok(None);
            }
            match &above.target {
                None => Ok(Some(self.would_create(&parent, &wanted, Reason::New))),
                Some(dir) => self.open_or_make(&parent, dir, &wanted),
            }
        };
        let entered = match entered {
            Ok(Some(entered)) => entered,
            Ok(None) => return Ok(None),
            Err(error) => return self.engine.target_problem(&path(), "open", error).map(|()| None),
        };
        if entered.found.is_some_and(|found| Some(found.id) == self.engine.plan.repository) {
            let message = "the repository is in its place";
            self.engine.problem(&path(), ProblemKind::InTheWay, "restore", message);
            return Ok(None);
        }
        let handles = Handles::new(entered.dir);
        let node = Node::new(Some(parent), wanted, entered.found, entered.created, &handles);
        if entered.widened {
            node.soil();
        }
        self.engine.open.fetch_add(1, Ordering::Relaxed);
        Ok(Some((node, handles)))
    }

    fn would_create(&mut self, parent: &Node, wanted: &Wanted, reason: Reason) -> Entered {
        self.engine.tell(|| parent.path_of(&wanted.name), Action::Create, reason);
        self.counts.directories_created += 1;
        Entered { dir: None, found: None, created: true, widened: false }
    }

    fn open_or_make(&mut self, parent: &Node, above: &Dir, wanted: &Wanted) -> io::Result<Option<Entered>> {
        let name: &CStr = &wanted.name;
        let opened =
            if parent.created { Err(io::ErrorKind::NotFound.into()) } else { self.open_there(above, name) };
        let reason = match opened {
            Ok((dir, found, widened)) => {
                return Ok(Some(Entered { dir: Some(dir), found: Some(found), created: false, widened }));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Reason::New,
            Err(error) if errno::is_absent(&error) => Reason::KindChanged,
            Err(error) => return Err(error),
        };
        if reason == Reason::KindChanged && self.engine.overwrites() == Overwrite::Never {
            let message = "something else is in its place, and is to stay";
            self.engine.problem(&parent.path_of(name), ProblemKind::InTheWay, "restore", message);
            return Ok(None);
        }
        if self.engine.is_dry() {
            return Ok(Some(self.would_create(parent, wanted, reason)));
        }
        parent.soil();
        if reason == Reason::KindChanged {
            above.unlink(name)?;
        }
        above.make_dir(name)?;
        let dir = above.open_dir(name)?;
        let found = dir.stat()?;
        self.engine.tell(|| parent.path_of(name), Action::Create, reason);
        self.counts.directories_created += 1;
        Ok(Some(Entered { dir: Some(dir), found: Some(found), created: true, widened: false }))
    }

    /// Opens a directory that is there; its owner may have to be let in first.
    pub fn open_there(&self, above: &Dir, name: &CStr) -> io::Result<(Dir, Metadata, bool)> {
        let opened = above.open_dir(name);
        let refused = matches!(&opened, Err(error) if error.kind() == io::ErrorKind::PermissionDenied);
        let dir = if refused { above.open_dir_search(name)? } else { opened? };
        let found = dir.stat()?;
        let may = self.engine.plan.user == found.uid && found.uid != 0 && !self.engine.is_dry();
        if !may || found.mode & 0o700 == 0o700 {
            return if refused {
                Err(io::ErrorKind::PermissionDenied.into())
            } else {
                Ok((dir, found, false))
            };
        }
        dir.set_mode_search(found.mode | 0o700)?;
        Ok((above.open_dir(name)?, found, true))
    }

    /// The handles of a directory: those at hand, or opened again.
    pub fn handles_of(&mut self, node: &Arc<Node>) -> io::Result<Arc<Handles>> {
        if let Some((last, handles)) = &self.last
            && Arc::ptr_eq(last, node)
        {
            return Ok(Arc::clone(handles));
        }
        let handles = node.reopen()?;
        self.last = Some((Arc::clone(node), Arc::clone(&handles)));
        Ok(handles)
    }

    /// Takes one hold back, and stamps the directory and every parent that this was the last for.
    pub fn release(&mut self, node: &Arc<Node>) -> Result<()> {
        let mut node = Arc::clone(node);
        while node.release() {
            let handles = self.handles_of(&node);
            match &handles {
                Ok(handles) => {
                    if let (None, Some(dir)) = (&node.parent, &handles.target) {
                        self.engine.unmark(&node, dir);
                    }
                    self.stamp(&node, handles)?;
                }
                Err(error) => {
                    let error = io::Error::new(error.kind(), error.to_string());
                    self.engine.target_problem(&node.path(), "open", error)?;
                }
            }
            if node.handles().take().is_some() {
                self.engine.open.fetch_sub(1, Ordering::Relaxed);
            }
            self.last = None;
            let Some(parent) = node.parent.clone() else {
                self.engine.queue.close();
                break;
            };
            // Going up, `..` is the short way to a parent that was closed on the way down.
            if let Ok(handles) = handles {
                self.last = through_child(&parent, &handles).map(|open| (Arc::clone(&parent), open));
            }
            node = parent;
        }
        Ok(())
    }

    /// Gives a directory its last attributes, if they differ.
    fn stamp(&mut self, node: &Arc<Node>, handles: &Handles) -> Result<()> {
        let (Some(dir), Some(found)) = (&handles.target, node.found) else { return Ok(()) };
        let stays = self.engine.overwrites() == Overwrite::Never && !node.created;
        if stays {
            return Ok(());
        }
        let path = || node.path();
        let now = if node.is_dirty() && !self.engine.is_dry() { dir.stat() } else { Ok(found) };
        let now = match now {
            Ok(now) => now,
            Err(error) => return self.engine.target_problem(&path(), "stat", error),
        };
        let parts = (&**node, handles, &node.wanted);
        let same = !node.created
            && self.same_mtime(&node.wanted, &now)
            && match self.same_attributes(parts, &now, XattrPlace::Dir(dir)) {
                Ok(same) => same,
                Err(error) => return self.engine.snapshot_problem(&path(), "compare", error),
            };
        if same {
            self.counts.unchanged += u64::from(node.parent.is_some());
            return Ok(());
        }
        if !node.created {
            // That what is in it was written moves its time: no difference that there was.
            if !node.is_dirty() {
                self.engine.tell(path, Action::Attributes, Reason::AttributesChanged);
            }
            self.counts.attributes_set += 1;
        }
        if self.engine.is_dry() { Ok(()) } else { self.settle(parts, &now, dir, &path) }
    }
}

/// Opens a closed parent by way of its child.
fn through_child(parent: &Arc<Node>, child: &Handles) -> Option<Arc<Handles>> {
    if parent.handles().is_some() {
        return None;
    }
    let up = child.target.as_ref()?.open_parent_search().ok()?;
    let dir = up.open_dir(c".").ok()?;
    parent.is(&dir).then(|| Handles::new(Some(dir)))
}
