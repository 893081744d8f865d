//! One worker: takes directories from the queue and carries each from left to right.

use std::ffi::CStr;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::decide::{Candidate, Wanted};
use super::descending::Content;
use super::engine::Engine;
use super::groups::SharedGroup;
use super::node::{Handles, Node, Subdirectories};
use super::recorded::{Found, GroupRecord};
use crate::counts::Counter;
use crate::descent::Descent;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{BlockCache, Directory, DraftSpace, Lane, ManifestWriter};
use crate::monitor::Event;
use crate::os::{Dir, Listed, Listing, XattrBuffer, errno};
use crate::path::RelPath;
use crate::source::Source;

/// A piece of work.
pub(super) enum Task<S: Source> {
    /// Walk the root.
    Walk(Arc<Node<S>>),
    /// Begin the next sub-directory of this directory.
    Descend(Arc<Node<S>>),
    /// The walk has ended: one of the names that wait for this group's leader becomes it.
    Lead(SharedGroup<S>),
}

/// One worker and the space that it reuses from entry to entry.
pub(super) struct Worker<'e, 'a, S: Source> {
    pub engine: &'e Engine<'a, S>,
    pub index: usize,
    pub local: crossbeam_deque::Worker<Task<S>>,
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
    /// Which of them is likely to be asked for next.
    pub next_record: usize,
    /// Blocks of the first reference's manifest: of records, and of the section by content.
    pub cache: BlockCache,
    pub content_cache: BlockCache,
    /// Where this worker is among the directories in staging that are known by their path alone.
    pub far: Option<Descent<'e>>,
    /// Memory of drafts that were written.
    pub spaces: Vec<DraftSpace>,
    /// The last directory of the first reference that was opened under another path.
    pub elsewhere: Option<(RelPath, Arc<Dir>)>,
    /// Whether content just copied is looked for in the first reference.
    pub search_content: bool,
    /// Whether the entry being placed is to lead a group, of which it may be the last name by now.
    pub leads: bool,
    /// The record of the entry just placed, for the other names of its group.
    pub last: Option<Arc<GroupRecord>>,
    /// Entries of the first reference that were found unchanged; told at the end, so that counting costs nothing.
    pub unchanged: u64,
    /// Entries that were written down with a flag; told at the end.
    pub flagged: u64,
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
            next_record: 0,
            cache: BlockCache::default(),
            content_cache: BlockCache::default(),
            far: engine.plan.staged.as_ref().map(Descent::new),
            spaces: Vec::new(),
            elsewhere: None,
            search_content: true,
            leads: false,
            last: None,
            unchanged: 0,
            flagged: 0,
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
        if let Some(mut lane) = self.lane.take() {
            lane.prepare();
            self.engine.keep_lane(lane);
        }
        self.engine.unchanged.fetch_add(self.unchanged, Ordering::Relaxed);
        self.engine.flagged.fetch_add(self.flagged, Ordering::Relaxed);
        // Whoever waits for the end waits for all workers by joining them; a stop must wake it too.
        self.engine.finish();
    }

    pub fn count(&self, counter: Counter, amount: u64) {
        self.engine.counters.add(self.index, counter, amount);
    }

    /// Counts an entry of which a reference has the content and the attributes, whether a link can be made or not.
    pub fn found_unchanged(&mut self, candidate: &Candidate) {
        self.unchanged += u64::from(candidate.reference == 0);
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
    pub(super) fn walk(
        &mut self,
        node: &Arc<Node<S>>,
        handles: Arc<Handles<S>>,
        content: Content,
    ) -> Result<()> {
        let mut listing = std::mem::take(&mut self.listing);
        let mut found = Subdirectories::default();
        self.records = self.load_records(node.opened.recorded);
        self.next_record = 0;
        let done = self.place_all(node, &handles, content, &mut listing, &mut found);
        *node.records() = self.records.take().filter(|_| found.len() > 0);
        drop(handles);
        self.listing = listing;
        done?;
        let count = found.len();
        // Others are closed right away.
        if count > 0 || node.is_kept() {
            self.engine.budget.enter(node);
        }
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
            node.place_unseen(&error);
            listing.sort();
            if self.engine.plan.select_only || !self.carry_contents(node, handles, listing, "list", &error)? {
                self.engine.source_problem(self.index, node.path(), "list", &error)?;
            }
        }
        let marker = self.marker(&handles.source, listing)?.map(CStr::to_owned);
        if let Some(marker) = marker {
            listing.keep_only(&marker);
        }
        // Sorted names meet their records in order, and are written down in order.
        listing.sort();
        let space = self.spaces.pop().unwrap_or_default();
        node.draft().prepare(space, listing.entries().len(), self.records.as_ref());
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
                Err(error) => {
                    node.place_unseen(&error);
                    self.unreadable(node, handles, name, None, "stat", &error).map(|_| ())
                }
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
                    node.place_unseen(&error);
                    result = self.engine.source_problem(self.index, node.path_of(name), "stat", &error);
                }
                Err(_) => {}
            }
        });
        result
    }
}
