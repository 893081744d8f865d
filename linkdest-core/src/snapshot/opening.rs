//! Opening directories, and opening again those that the budget closed.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::Arc;

use super::engine::Engine;
use super::node::{Handles, Node, OpenedNode};
use super::recorded::{encoded, untouched_xattrs};
use crate::entry::FileId;
use crate::error::{Error, ErrorKind, Result};
use crate::os::{Dir, XattrBuffer};
use crate::source::{Opened, Source};

/// Why a directory could not be opened again.
pub(super) enum ReopenError {
    /// The source's directory is gone, or is another one now.
    Source(io::Error),
    /// The directory in staging is not what it was: nothing can be trusted.
    Staged(io::Error),
}

fn same(dir: Dir, id: Option<FileId>) -> io::Result<Dir> {
    if Some(dir.stat()?.id) == id {
        Ok(dir)
    } else {
        Err(io::Error::other("a directory was replaced during the run"))
    }
}

impl<S: Source> Engine<'_, S> {
    /// Opens the roots of source, staging and references.
    pub fn open_root(&self) -> Result<Arc<Node<S>>> {
        let unreadable =
            |error| Error::io_as(ErrorKind::SourceUnreadable, "read the source: open", ".", error);
        let Opened { dir, metadata, unlistable } = self.plan.source.open_root().map_err(unreadable)?;
        if let Some(error) = unlistable {
            return Err(unreadable(error));
        }
        let _ = self.root_mount.set(metadata.mount);
        let failed = |error| self.repository_error("open", error);
        let staged =
            self.plan.staged.as_ref().map(|staged| staged.open_dir(c".")).transpose().map_err(failed)?;
        let mut references = Vec::new();
        for (number, reference) in self.plan.references.iter().enumerate() {
            references.push((number, reference.root.open_dir_search(c".").map_err(failed)?));
        }
        let devices = self.device_numbers(&dir, &metadata);
        let id = FileId { device: devices.before, inode: metadata.id.inode };
        let record = self.predecessor().and_then(|_| self.plan.references.first()?.root_record());
        let inherited = record.filter(|_| self.inherits_xattrs());
        let untouched =
            inherited.and_then(|record| untouched_xattrs(&record, &metadata, id, &self.plan.reach));
        let read = || {
            let mut buffer = XattrBuffer::default();
            self.plan.source.xattrs(&dir, None, &self.plan.reach, &mut buffer).map_err(unreadable)
        };
        let xattrs = untouched.map_or_else(read, Ok)?;
        xattrs.out_of_reach.iter().for_each(|what| self.count_out_of_reach(what));
        let lease = self.budget.lease(Handles::<S>::descriptors(staged.is_some(), references.len()));
        let rules = self.root_rules(0, &dir)?;
        let opened = OpenedNode {
            metadata,
            encoded: encoded(&xattrs),
            xattrs: xattrs.kept,
            rules,
            devices,
            recorded: record.and_then(|record| record.subtree()),
            moved_from: None,
        };
        let handles = Arc::new(Handles { source: dir, staged, references, _lease: lease });
        Ok(Arc::new(Node::new(None, c"", opened, handles)))
    }

    /// Makes the node of a sub-directory whose source and staged directories are open.
    pub fn enter(
        &self,
        parent: &Arc<Node<S>>,
        name: &CStr,
        (source, opened): (S::Dir, OpenedNode),
        staged: Option<Dir>,
        references: Vec<(usize, Dir)>,
    ) -> (Arc<Node<S>>, Arc<Handles<S>>) {
        let lease = self.budget.lease(Handles::<S>::descriptors(staged.is_some(), references.len()));
        let handles = Arc::new(Handles { source, staged, references, _lease: lease });
        let in_use = Arc::clone(&handles);
        let node = Arc::new(Node::new(Some(Arc::clone(parent)), name, opened, handles));
        self.budget.touch(&node);
        // Handles that are opened again cannot be listed: whoever lists keeps these until that is done.
        (node, in_use)
    }

    /// The open handles of a directory, opened again if the budget closed them.
    pub fn handles(&self, node: &Arc<Node<S>>) -> std::result::Result<Arc<Handles<S>>, ReopenError> {
        self.budget.touch(node);
        if let Some(handles) = node.handles().as_ref() {
            return Ok(Arc::clone(handles));
        }
        // Up to the nearest ancestor that is open, and down from there, one name at a time.
        let mut closed: Vec<&Arc<Node<S>>> = Vec::new();
        let mut next = Some(node);
        let mut open = loop {
            let Some(ancestor) = next else {
                return Err(ReopenError::Staged(io::Error::other("the root of the run is closed")));
            };
            if let Some(handles) = ancestor.handles().as_ref() {
                break Arc::clone(handles);
            }
            closed.push(ancestor);
            next = ancestor.parent();
        };
        for node in closed.into_iter().rev() {
            let handles = self.reopen(&open, node)?;
            open = self.keep(node, handles);
        }
        Ok(open)
    }

    /// Opens a closed directory from its open parent.
    fn reopen(&self, parent: &Handles<S>, node: &Node<S>) -> std::result::Result<Handles<S>, ReopenError> {
        let (name, identities) = (node.name(), node.identities.get());
        let source =
            self.plan.source.reopen(&parent.source, name, node.metadata().id).map_err(ReopenError::Source)?;
        let staged_id = identities.and_then(|ids| ids.staged);
        let open = |staged: &Dir| {
            let dir = staged.open_dir(name).or_else(|_| staged.open_dir_search(name))?;
            same(dir, staged_id)
        };
        let staged = parent.staged.as_ref().map(open).transpose().map_err(ReopenError::Staged)?;
        let of = |(number, id): &(usize, FileId)| {
            let dir = parent.reference(*number)?.open_dir_search(name).ok()?;
            Some((*number, same(dir, Some(*id)).ok()?))
        };
        let references: Vec<_> =
            identities.map(|ids| ids.references.iter().filter_map(of).collect()).unwrap_or_default();
        let lease = self.budget.lease(Handles::<S>::descriptors(staged.is_some(), references.len()));
        Ok(Handles { source, staged, references, _lease: lease })
    }

    /// Puts fresh handles into a node, unless another worker was faster.
    fn keep(&self, node: &Arc<Node<S>>, handles: Handles<S>) -> Arc<Handles<S>> {
        let mut slot = node.handles();
        if let Some(handles) = slot.as_ref() {
            return Arc::clone(handles);
        }
        let handles = Arc::new(handles);
        *slot = Some(Arc::clone(&handles));
        drop(slot);
        self.budget.touch(node);
        self.budget.enter(node);
        handles
    }

    /// Opens a closed parent by `..` from a child that is open. If that fails, it is opened by name when needed.
    pub fn open_through_child(&self, parent: &Arc<Node<S>>, child: Option<&Handles<S>>) {
        let Some(child) = child else { return };
        if parent.handles().is_some() {
            return;
        }
        if let Some(handles) = self.through_child(parent, child) {
            self.keep(parent, handles);
        }
    }

    fn through_child(&self, parent: &Node<S>, child: &Handles<S>) -> Option<Handles<S>> {
        let identities = parent.identities.get()?;
        let source = self.plan.source.reopen_parent(&child.source, parent.metadata().id).ok()?;
        let staged = match &child.staged {
            Some(staged) => Some(same(staged.open_dir(c"..").ok()?, identities.staged).ok()?),
            None => None,
        };
        // A reference that the child lacks the parent may have: only the way by name finds it.
        if identities.references.iter().any(|(number, _)| child.reference(*number).is_none()) {
            return None;
        }
        let of = |(number, id): &(usize, FileId)| {
            let dir = child.reference(*number)?.open_parent_search().ok()?;
            Some((*number, same(dir, Some(*id)).ok()?))
        };
        let references: Vec<_> = identities.references.iter().filter_map(of).collect();
        let lease = self.budget.lease(Handles::<S>::descriptors(staged.is_some(), references.len()));
        Some(Handles { source, staged, references, _lease: lease })
    }
}

/// A directory in staging: by the node's handles, or by a descriptor of its own.
pub(super) enum StagedDir<S: Source> {
    Shared(Arc<Handles<S>>),
    Own(Dir),
}

impl<S: Source> StagedDir<S> {
    pub fn dir(&self) -> Option<&Dir> {
        match self {
            Self::Shared(handles) => handles.staged.as_ref(),
            Self::Own(dir) => Some(dir),
        }
    }

    pub fn into_handles(self) -> Option<Arc<Handles<S>>> {
        match self {
            Self::Shared(handles) => Some(handles),
            Self::Own(_) => None,
        }
    }
}

impl<S: Source> Engine<'_, S> {
    /// The directory in staging, also when the source's one was moved away meanwhile: staging is ours and still there.
    pub fn staged(&self, node: &Arc<Node<S>>) -> Result<StagedDir<S>> {
        let failed = |error| self.repository_error("open a directory in staging again", error);
        match self.handles(node) {
            Ok(handles) => return Ok(StagedDir::Shared(handles)),
            Err(ReopenError::Staged(error)) => return Err(failed(error)),
            Err(ReopenError::Source(_)) => {}
        }
        let mut names = Vec::new();
        let mut above = node;
        while let Some(parent) = above.parent() {
            names.push(above.name());
            above = parent;
        }
        let root = self.plan.staged.as_ref().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let mut staged = root.open_dir(c".").map_err(failed)?;
        for name in names.into_iter().rev() {
            staged = staged.open_dir(name).or_else(|_| staged.open_dir_search(name)).map_err(failed)?;
        }
        Ok(StagedDir::Own(staged))
    }
}

/// Remembers a name in a directory without keeping anything open.
pub(super) struct WaitingName<S: Source> {
    pub node: Arc<Node<S>>,
    pub name: CString,
}

impl<S: Source> WaitingName<S> {
    pub fn new(node: &Arc<Node<S>>, name: &CStr) -> Self {
        node.keep();
        Self { node: Arc::clone(node), name: name.to_owned() }
    }
}
