//! One worker: takes directories from the queue and carries each from left to right.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::decide::Wanted;
use super::engine::Engine;
use super::groups::SharedGroup;
use super::node::{Handles, Node, OpenedNode, Subdirectories};
use super::opening::ReopenError;
use super::recorded::{DeviceNumbers, Found, GroupRecord, encoded, untouched_xattrs};
use crate::counts::Counter;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{BlockCache, Directory, Lane, Locator, ManifestWriter};
use crate::monitor::{Event, Notice};
use crate::os::{Dir, Listed, Listing, XattrBuffer, errno};
use crate::path::RelPath;
use crate::source::{KnownXattrs, Opened, Source};

/// A piece of work.
pub(super) enum Task<S: Source> {
    /// Walk the root.
    Walk(Arc<Node<S>>),
    /// Begin the next sub-directory of this directory.
    Descend(Arc<Node<S>>),
    /// The walk has ended: one of the names that wait for this group's leader becomes it.
    Lead(SharedGroup<S>),
}

/// What is to be done with the content of a directory that was opened.
enum Content {
    List,
    /// It is saved as an empty directory, and that is a problem.
    Unlistable(io::Error),
    /// It is a mount point that is not entered.
    LeftEmpty,
}

/// A directory that was opened and is to be walked; its handles are not closed before that is done.
type Begun<S> = (Arc<Node<S>>, Arc<Handles<S>>, Content);

/// One worker and the space that it reuses from entry to entry.
pub(super) struct Worker<'e, 'a, S: Source> {
    pub engine: &'e Engine<'a, S>,
    pub index: usize,
    local: crossbeam_deque::Worker<Task<S>>,
    listing: Listing,
    pub xattrs: XattrBuffer,
    /// Content on its way, and what it is compared with.
    pub buffers: (Vec<u8>, Vec<u8>),
    /// What was found out of the entry just looked at.
    pub found: Found,
    /// Writes records down; `None` in a dry run.
    pub lane: Option<Lane>,
    /// What the first reference's manifest has of the directory being walked.
    pub records: Option<Directory>,
    /// Blocks of the first reference's manifest: of records, and of the section by content.
    pub cache: BlockCache,
    pub content_cache: BlockCache,
    /// The last directory of the first reference that was opened under another path.
    pub elsewhere: Option<(RelPath, Arc<Dir>)>,
    /// Whether content just copied is looked for in the first reference.
    pub search_content: bool,
    /// Whether the entry being placed is to lead a group, of which it may be the last name by now.
    pub leads: bool,
    /// The record of the entry just placed, for the other names of its group.
    pub last: Option<Arc<GroupRecord>>,
}

/// A directory as the references have it.
#[derive(Default)]
struct Referred {
    references: Vec<(usize, Dir)>,
    recorded: Option<Locator>,
    moved_from: Option<RelPath>,
}

/// So many names are looked at before the content that they need is read: bounds memory in huge directories.
const BATCH: usize = 1024;

impl<'e, 'a, S: Source> Worker<'e, 'a, S> {
    pub fn new(engine: &'e Engine<'a, S>, index: usize, local: crossbeam_deque::Worker<Task<S>>) -> Self {
        Self {
            engine,
            index,
            local,
            listing: Listing::default(),
            xattrs: XattrBuffer::default(),
            buffers: Default::default(),
            found: Found::default(),
            lane: engine.plan.manifest.as_ref().map(ManifestWriter::lane),
            records: None,
            cache: BlockCache::default(),
            content_cache: BlockCache::default(),
            elsewhere: None,
            search_content: true,
            leads: false,
            last: None,
        }
    }

    /// Works until the queue is closed.
    pub fn run(mut self) {
        while let Some(task) = self.engine.queue.pop(&self.local) {
            let done = match task {
                Task::Walk(root) => {
                    let handles = root.handles().clone();
                    handles
                        .map_or(Ok(()), |handles| self.walk(&root, handles, Content::List))
                        .and_then(|()| self.engine.release(&mut self, &root))
                }
                Task::Descend(node) => self.descend(&node),
                Task::Lead(group) => self.lead_one(&group),
            };
            if let Err(error) = done {
                self.engine.fail(error);
            }
        }
        if let Some(lane) = self.lane.take() {
            self.engine.keep_lane(lane);
        }
        // Whoever waits for the end waits for all workers by joining them; a stop must wake it too.
        self.engine.finish();
    }

    pub fn count(&self, counter: Counter, amount: u64) {
        self.engine.counters.add(self.index, counter, amount);
    }

    /// Begins the next sub-directory of a directory; what is left of them stays in the queue below it.
    fn descend(&mut self, parent: &Arc<Node<S>>) -> Result<()> {
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
    ) -> (Option<Locator>, Option<KnownXattrs>) {
        let records = parent.records();
        let Some(record) = records.as_ref().and_then(|records| records.find(name.to_bytes())) else {
            return (None, None);
        };
        if !self.engine.inherits_xattrs() {
            return (record.child, None);
        }
        let id = FileId { device: devices.before, inode: metadata.id.inode };
        (record.child, untouched_xattrs(&record, metadata, id, &self.engine.plan.reach))
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
        parent: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
    ) -> Result<Option<Option<Dir>>> {
        let made =
            handles.staged.as_ref().map(|staged| staged.make_dir(name).and_then(|()| staged.open_dir(name)));
        match made.transpose() {
            Ok(dir) => Ok(Some(dir)),
            Err(error) => {
                let path = parent.path_of(name);
                self.engine.repository_problem(self.index, path, "make directory", error).map(|()| None)
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
        recorded: Option<Locator>,
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

    /// Records that a reference could not be used; the entry is taken from the source.
    ///
    /// # Errors
    /// When this process is out of something: every further reference would fail as well.
    pub fn reference_problem(
        &mut self,
        node: &Node<S>,
        name: &CStr,
        operation: &'static str,
        error: io::Error,
    ) -> Result<()> {
        if errno::is_exhausted(&error) {
            return Err(self.engine.repository_error(operation, error));
        }
        let problem = Problem::io(node.path_of(name), ProblemKind::ReferenceUnreadable, operation, &error);
        self.engine.problem(self.index, problem);
        Ok(())
    }

    /// Counts an entry whose owner this run cannot set.
    pub fn count_owner(&self, metadata: &Metadata) {
        let reach = &self.engine.plan.reach;
        if !reach.owner && (metadata.uid, metadata.gid) != reach.born {
            self.engine.count_out_of_reach("owners");
        }
    }

    /// Lists an open directory and places everything in it; its sub-directories become new work.
    fn walk(&mut self, node: &Arc<Node<S>>, handles: Arc<Handles<S>>, content: Content) -> Result<()> {
        let mut listing = std::mem::take(&mut self.listing);
        let mut found = Subdirectories::default();
        self.records = self.load_records(node.opened.recorded);
        let done = self.place_all(node, &handles, content, &mut listing, &mut found);
        *node.records() = self.records.take().filter(|_| found.len() > 0);
        drop(handles);
        self.listing = listing;
        done?;
        let count = found.len();
        node.hold(count);
        self.engine.walking.fetch_add(count, Ordering::AcqRel);
        let _ = node.subdirectories.set(found);
        if count > 0 {
            self.engine.queue.push_local(&self.local, Task::Descend(Arc::clone(node)));
        }
        self.engine.walked();
        Ok(())
    }

    fn place_all(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        content: Content,
        listing: &mut Listing,
        found: &mut Subdirectories,
    ) -> Result<()> {
        listing.clear();
        let listed = match content {
            Content::List => self.engine.plan.source.list(&handles.source, listing),
            Content::Unlistable(error) => Err(error),
            Content::LeftEmpty => Ok(()),
        };
        if let Err(error) = listed {
            if node.parent().is_none() {
                return Err(Error::io_as(ErrorKind::SourceUnreadable, "read the source: list", ".", error));
            }
            // A directory that was removed while it was open lists as gone; it is saved as empty.
            if self.engine.plan.select_only || !self.carry_contents(node, handles, "list", &error)? {
                self.engine.source_problem(self.index, node.path(), "list", &error)?;
            }
        }
        let marker = self.marker(&handles.source, listing).map(CStr::to_owned);
        if let Some(marker) = marker {
            listing.keep_only(&marker);
        }
        for batch in listing.entries().chunks(BATCH) {
            if self.engine.halted() {
                return Ok(());
            }
            self.place_batch(node, handles, listing, batch, found)?;
        }
        Ok(())
    }

    /// Places one batch of names: those that can be linked or made at once, then those that need content.
    fn place_batch(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        listing: &Listing,
        batch: &[Listed],
        found: &mut Subdirectories,
    ) -> Result<()> {
        let mut names: Vec<&CStr> = Vec::with_capacity(batch.len());
        for entry in batch {
            let name = listing.name(*entry);
            match entry.kind {
                Some(Kind::Directory) if self.takes_part(node, name, true) => {
                    found.push(name);
                }
                Some(Kind::Directory) => {}
                Some(_) if !self.takes_part(node, name, false) => {}
                _ => names.push(name),
            }
        }
        if self.engine.plan.select_only {
            return self.select(node, handles, &names, found);
        }
        let unsure = batch.iter().any(|entry| entry.kind.is_none());
        let mut wanted: Vec<Wanted<'_, S>> = Vec::new();
        let mut result = Ok(());
        self.engine.plan.source.stat(&handles.source, &names, &mut |index, answer| {
            let Some(name) = names.get(index).copied() else { return };
            if result.is_err() || self.engine.halted() {
                return;
            }
            result = match answer {
                Ok(metadata) if unsure && !self.takes_part(node, name, metadata.kind == Kind::Directory) => {
                    Ok(())
                }
                Ok(metadata) if metadata.kind == Kind::Directory => {
                    found.push(name);
                    Ok(())
                }
                Ok(metadata) if !self.is_small_enough(&metadata) => Ok(()),
                Ok(metadata) => self.place(node, handles, name, &metadata, &mut wanted),
                Err(error) => self.unreadable(node, handles, name, None, "stat", &error).map(|_| ()),
            };
        });
        result?;
        self.place_wanted(node, handles, wanted)
    }

    /// Names the entries that take part, and looks only where their names do not say enough.
    fn select(
        &mut self,
        node: &Arc<Node<S>>,
        handles: &Handles<S>,
        names: &[&CStr],
        found: &mut Subdirectories,
    ) -> Result<()> {
        let mut result = Ok(());
        self.engine.plan.source.stat(&handles.source, names, &mut |index, answer| {
            let Some(name) = names.get(index).copied() else { return };
            match answer {
                Ok(metadata) if !self.takes_part(node, name, metadata.kind == Kind::Directory) => {}
                Ok(metadata) if metadata.kind == Kind::Directory => found.push(name),
                Ok(metadata) if !self.is_small_enough(&metadata) => {}
                Ok(_) => {
                    node.placed.fetch_add(1, Ordering::AcqRel);
                    self.count(Counter::Entries, 1);
                    let path = node.path_of(name);
                    self.engine.plan.monitor.event(&Event::Selected { path, directory: false });
                }
                Err(error) if result.is_ok() => {
                    result = self.engine.source_problem(self.index, node.path_of(name), "stat", &error);
                }
                Err(_) => {}
            }
        });
        result
    }
}
