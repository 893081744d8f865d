//! Going down: the next sub-directory is opened in the source, made in staging, and found in the references.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;

use super::node::{Handles, Node, OpenedNode};
use super::opening::ReopenError;
use super::recorded::{DeviceNumbers, encoded, untouched_xattrs};
use super::worker::{Task, Worker};
use crate::counts::Counter;
use crate::entry::{FileId, Metadata};
use crate::error::Result;
use crate::manifest::Subtree;
use crate::monitor::Notice;
use crate::os::{Dir, errno};
use crate::path::RelPath;
use crate::source::{KnownXattrs, Opened, Source};

/// What is to be done with the content of a directory that was opened.
pub(super) enum Content {
    List,
    /// It is saved as an empty directory, and that is a problem.
    Unlistable(io::Error),
    /// It is a mount point that is not entered.
    LeftEmpty,
}

/// A directory that was opened and is to be walked; its handles are not closed before that is done.
type Begun<S> = (Arc<Node<S>>, Arc<Handles<S>>, Content);

/// A directory as the references have it.
#[derive(Default)]
struct Referred {
    references: Vec<(usize, Dir)>,
    recorded: Option<Subtree>,
    moved_from: Option<RelPath>,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Begins the next sub-directory of a directory; what is left of them stays in the queue below it.
    pub(super) fn descend(&mut self, parent: &Arc<Node<S>>) -> Result<()> {
        let Some((name, more)) = parent.next_subdirectory() else { return Ok(()) };
        if more {
            self.engine.queue.push_local(&self.local, Task::Descend(Arc::clone(parent)));
        }
        match self.open(parent, name)? {
            Some((node, handles, content)) => {
                self.walk(&node, handles, content)?;
                self.engine.release(self, &node)
            }
            None => {
                self.engine.walked();
                self.engine.release(self, parent)
            }
        }
    }

    /// Opens a sub-directory on all sides; `None` if nothing is saved of it.
    fn open(&mut self, parent: &Arc<Node<S>>, name: &CStr) -> Result<Option<Begun<S>>> {
        let engine = self.engine;
        let path = || parent.path_of(name);
        let handles = match engine.handles(parent) {
            Ok(handles) => handles,
            Err(ReopenError::Staged(error)) => return Err(engine.repository_error("open", error)),
            Err(ReopenError::Source(error)) => {
                return engine.source_problem(self.index, path(), "open", &error).map(|()| None);
            }
        };
        let Opened { dir, metadata, unlistable } = match engine.plan.source.open_dir(&handles.source, name) {
            Ok(opened) => opened,
            Err(error) => {
                parent.place_unseen(&error);
                if engine.plan.select_only || !self.carry_directory(parent, &handles, name, &error)? {
                    engine.source_problem(self.index, path(), "open", &error)?;
                }
                return Ok(None);
            }
        };
        if engine.plan.own.contains(&metadata.id) {
            self.count(Counter::Skipped, 1);
            engine.notice(Notice::RepositorySkipped(path()));
            return Ok(None);
        }
        let devices = engine.device_numbers(&dir, &metadata);
        let (recorded, untouched) = self.recorded_directory(parent, name, &metadata, devices);
        let xattrs = match untouched {
            Some(xattrs) => xattrs,
            None if engine.plan.select_only => KnownXattrs::default(),
            None => self.directory_xattrs(&dir, path)?,
        };
        xattrs.out_of_reach.iter().for_each(|what| engine.count_out_of_reach(what));
        let rules = engine.child_rules(self.index, parent, name, &dir)?;
        let Some(staged) = self.make_dir(parent, &handles, name)? else { return Ok(None) };
        self.count_owner(&metadata);
        let Referred { references, recorded, moved_from } =
            self.open_references(parent, &handles, name, recorded, (&metadata, devices))?;
        self.unchanged += u64::from(references.first().is_some_and(|(number, _)| *number == 0));
        let elsewhere = engine.root_mount.get().is_some_and(|root| *root != metadata.mount);
        let content = if engine.plan.one_file_system && elsewhere {
            self.count(Counter::Skipped, 1);
            engine.notice(Notice::MountSkipped(path()));
            Content::LeftEmpty
        } else {
            unlistable.map_or(Content::List, Content::Unlistable)
        };
        let encoded = encoded(&xattrs);
        let xattrs = xattrs.kept;
        let opened = OpenedNode { metadata, xattrs, encoded, rules, devices, recorded, moved_from };
        let (node, handles) = engine.enter(parent, name, (dir, opened), staged, references);
        Ok(Some((node, handles, content)))
    }

    /// What the first reference's manifest has of a sub-directory: its record, and the extended attributes if they are
    /// surely still those.
    fn recorded_directory(
        &self,
        parent: &Node<S>,
        name: &CStr,
        metadata: &Metadata,
        devices: DeviceNumbers,
    ) -> (Option<Subtree>, Option<KnownXattrs>) {
        let records = parent.records();
        let Some(record) = records.as_ref().and_then(|records| records.find(name.to_bytes())) else {
            return (None, None);
        };
        if !self.engine.inherits_xattrs() {
            return (record.subtree(), None);
        }
        let id = FileId { device: devices.before, inode: metadata.id.inode };
        (record.subtree(), untouched_xattrs(&record, metadata, id, &self.engine.plan.reach))
    }

    fn directory_xattrs(&mut self, dir: &S::Dir, path: impl Fn() -> RelPath) -> Result<KnownXattrs> {
        let engine = self.engine;
        match engine.plan.source.xattrs(dir, None, &engine.plan.reach, &mut self.xattrs) {
            Ok(known) => Ok(known),
            Err(error) => {
                engine.source_problem(self.index, path(), "read extended attributes", &error)?;
                Ok(KnownXattrs::default())
            }
        }
    }

    /// Makes the directory in staging; the outer `None` says that it could not be made, the inner that this is a dry
    /// run.
    #[expect(clippy::option_option, reason = "a dry run makes nothing, and that is no failure")]
    fn make_dir(
        &mut self,
        parent: &Arc<Node<S>>,
        handles: &Handles<S>,
        name: &CStr,
    ) -> Result<Option<Option<Dir>>> {
        let made = handles.staged.as_ref().map(|staged| {
            staged.make_dir(name)?;
            // One that cannot be filled is not saved: an empty one in its place would have no record.
            staged.open_dir(name).inspect_err(|_| drop(staged.remove_dir(name)))
        });
        match made.transpose() {
            Ok(dir) => Ok(Some(dir)),
            Err(error) => {
                let at = (parent, name);
                self.engine.placing_problem(self.index, at, "make directory", error).map(|()| None)
            }
        }
    }

    /// Opens a directory in each reference that has it. Where the first one has nothing of that name, it is looked for
    /// by its inode: it may have been renamed.
    fn open_references(
        &mut self,
        parent: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        recorded: Option<Subtree>,
        (metadata, devices): (&Metadata, DeviceNumbers),
    ) -> Result<Referred> {
        let mut referred = Referred::default();
        for (number, dir) in &handles.references {
            match dir.open_dir_search(name) {
                Ok(dir) => referred.references.push((*number, dir)),
                Err(error) if errno::is_absent(&error) => {}
                Err(error) => self.reference_problem(parent, name, "open", error)?,
            }
        }
        if self.engine.predecessor().is_none() {
            return Ok(referred);
        }
        if referred.references.first().is_some_and(|(number, _)| *number == 0) {
            referred.recorded = recorded;
            referred.moved_from = parent.moved_from(name);
        } else {
            let id = FileId { device: devices.before, inode: metadata.id.inode };
            if let Some(moved) = self.find_moved_directory(id, metadata) {
                referred.references.insert(0, (0, moved.dir));
                referred.recorded = moved.recorded;
                referred.moved_from = Some(moved.path);
            }
        }
        Ok(referred)
    }
}
