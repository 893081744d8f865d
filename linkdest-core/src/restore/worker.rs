//! A worker: takes one directory, compares and places what is in it, and hands its sub-directories on.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::RestoreCounts;
use super::decide::At;
use super::engine::Engine;
use super::node::{Handles, Job, Node};
use super::wanted::Wanted;
use crate::entry::Kind;
use crate::error::{ProblemKind, Result};
use crate::manifest::{BlockCache, Directory};
use crate::os::{Listing, XattrBuffer};
use crate::path::Escaped;

/// What one thread has at hand.
pub(super) struct Worker<'e, 'p> {
    pub engine: &'e Engine<'p>,
    pub local: crossbeam_deque::Worker<Job>,
    pub cache: BlockCache,
    pub xattrs: XattrBuffer,
    pub buffers: (Vec<u8>, Vec<u8>),
    /// The figures since they were last added up.
    pub counts: RestoreCounts,
    /// The directory that was open last.
    pub last: Option<(Arc<Node>, Arc<Handles>)>,
}

/// What a directory should have.
pub(super) enum Records {
    Manifest(Directory),
    Tree(Listing),
}

impl Records {
    pub fn names(&self) -> HashSet<&[u8]> {
        match self {
            Self::Manifest(directory) => directory.entries().map(|entry| entry.name).collect(),
            Self::Tree(listing) => {
                listing.entries().iter().map(|listed| listing.name(*listed).to_bytes()).collect()
            }
        }
    }
}

impl<'e, 'p> Worker<'e, 'p> {
    pub fn new(engine: &'e Engine<'p>, local: crossbeam_deque::Worker<Job>) -> Self {
        Self {
            engine,
            local,
            cache: BlockCache::default(),
            xattrs: XattrBuffer::default(),
            buffers: Default::default(),
            counts: RestoreCounts::default(),
            last: None,
        }
    }

    /// Works until there is no more work.
    pub fn work(&mut self) {
        while let Some(job) = self.engine.queue.pop(&self.local) {
            let done = self.engine.check_stop().and_then(|()| self.take(job));
            self.add_up();
            if let Err(error) = done {
                self.engine.fail(error);
            }
        }
    }

    pub fn add_up(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        self.engine.counts.lock().unwrap_or_else(PoisonError::into_inner).add(&counts);
    }

    fn take(&mut self, job: Job) -> Result<()> {
        let parent = Arc::clone(&job.parent);
        match self.enter(job)? {
            // Its last child takes the parent's hold back.
            Some((node, handles)) => self.restore(&node, &handles),
            None => self.release(&parent),
        }
    }

    /// Restores what is in an open directory.
    pub fn restore(&mut self, node: &Arc<Node>, handles: &Arc<Handles>) -> Result<()> {
        let records = match self.records(node, handles) {
            Ok(records) => records,
            Err(error) => {
                self.engine.snapshot_problem(&node.path(), "list", error)?;
                return self.release(node);
            }
        };
        // In a directory that was just made nothing can be too much.
        if !node.created {
            self.remove_others(node, handles, &records)?;
        }
        let directories = match &records {
            Records::Manifest(directory) => self.place_recorded(node, handles, directory)?,
            Records::Tree(listing) => self.place_listed(node, handles, listing)?,
        };
        self.last = Some((Arc::clone(node), Arc::clone(handles)));
        self.hand_on(node, directories);
        self.release(node)
    }

    /// What the directory should have: by the manifest, or by the tree where there is none or it is damaged.
    fn records(&mut self, node: &Node, handles: &Handles) -> io::Result<Records> {
        if let (Some(manifest), Some(at)) = (&self.engine.plan.manifest, node.wanted.record) {
            match manifest.directory(at, &mut self.cache) {
                Ok(directory) => return Ok(Records::Manifest(directory)),
                Err(error) => {
                    let message = format!("{error}; the snapshot's tree was taken instead");
                    let kind = ProblemKind::ReferenceUnreadable;
                    self.engine.problem(&node.path(), kind, "read the manifest", message);
                }
            }
        }
        let mut listing = Listing::default();
        self.snapshot_dir(node, handles)?.list(&mut listing)?;
        Ok(Records::Tree(listing))
    }

    fn place_recorded(
        &mut self,
        node: &Arc<Node>,
        handles: &Handles,
        directory: &Directory,
    ) -> Result<Vec<Wanted>> {
        let mut directories = Vec::new();
        for entry in directory.entries().filter(|entry| !entry.is_expunged()) {
            let wanted = Wanted::recorded(&entry);
            self.take_entry(node, handles, wanted, &mut directories)?;
        }
        Ok(directories)
    }

    fn place_listed(
        &mut self,
        node: &Arc<Node>,
        handles: &Handles,
        listing: &Listing,
    ) -> Result<Vec<Wanted>> {
        let mut directories = Vec::new();
        for listed in listing.entries() {
            let name = listing.name(*listed);
            match self.snapshot_dir(node, handles).and_then(|dir| dir.stat_at(name)) {
                Ok(stat) => {
                    self.take_entry(node, handles, Wanted::on_disk(name, stat), &mut directories)?;
                }
                Err(error) => self.engine.snapshot_problem(&node.path_of(name), "stat", error)?,
            }
        }
        Ok(directories)
    }

    fn take_entry(
        &mut self,
        node: &Arc<Node>,
        handles: &Handles,
        wanted: Wanted,
        directories: &mut Vec<Wanted>,
    ) -> Result<()> {
        if wanted.metadata.kind == Kind::Directory {
            directories.push(wanted);
            return Ok(());
        }
        self.engine.check_stop()?;
        if self.is_taken(node, handles, &wanted) {
            return Ok(());
        }
        self.place(At { node, handles, wanted: &wanted })
    }

    /// Says whether another entry of the directory stands for this one in the target, and tells that.
    pub fn is_taken(&self, node: &Node, handles: &Handles, wanted: &Wanted) -> bool {
        let folds = self.engine.plan.reach.folds;
        let first = folds.then(|| node.namesake(handles.target.as_ref(), wanted.to())).flatten();
        if let Some(first) = &first {
            let first = Escaped(first.to_bytes()).to_string();
            let message =
                format!("{first:?} already stands for this one here (case): this one is not restored");
            let path = node.path_of(wanted.to());
            self.engine.problem(&path, ProblemKind::Collision, "restore", message);
        }
        first.is_some()
    }

    /// Gives sub-directories to whoever has time. Where too many directories are open, this one is closed meanwhile.
    fn hand_on(&mut self, node: &Arc<Node>, directories: Vec<Wanted>) {
        let engine = self.engine;
        node.hold(directories.len());
        if !directories.is_empty()
            && node.parent.is_some()
            && engine.open.load(Ordering::Relaxed) > engine.plan.budget
            && node.handles().take().is_some()
        {
            engine.open.fetch_sub(1, Ordering::Relaxed);
        }
        // The first name comes first.
        for wanted in directories.into_iter().rev() {
            engine.queue.push_local(&self.local, Job { parent: Arc::clone(node), wanted });
        }
    }
}
