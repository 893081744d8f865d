//! The second walk, from directory to directory: what is in one is placed when it is entered, and it is written down after
//! what is in it. Where answers are to be waited for, others are entered meanwhile.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use super::ahead::{ENTRIES, Scouted, UNOPENED};
use super::beside::Here;
use super::entry::Made;
use super::far::Far;
use super::tree::{Grown, Stamped, Tree};
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{DirectoryDraft, Entry, Lane, ManifestWriter, Subtree};
use crate::monitor::{Action, Reason};

/// The right of the owner to enter a directory.
const MAY_ENTER: u32 = 0o100;

/// A directory that was entered.
pub(super) struct Level {
    pub here: Rc<Here>,
    /// Its place in the directory above.
    at: usize,
    /// The entry that comes next when sub-directories are entered.
    next: usize,
    pub draft: DirectoryDraft,
    /// Files with answers still to come, by their place.
    pub sent: VecDeque<(usize, Made)>,
}

/// The directories that are not written down yet.
struct Way {
    /// Those that lie around where the walk is, the root first.
    open: Vec<Level>,
    /// Those that it has left, each with how deep it lies; whatever lies in one is before it.
    left: VecDeque<(usize, Level)>,
    /// So many entries are in those.
    left_entries: usize,
    /// Those before them, all of which is made, and which were asked to have their attributes.
    stamped: VecDeque<(usize, Level, Stamped)>,
    stamped_entries: usize,
}

impl Way {
    fn new(root: Level) -> Self {
        let (left, stamped) = Default::default();
        Self { open: vec![root], left, left_entries: 0, stamped, stamped_entries: 0 }
    }

    /// Leaves the directory where the walk is.
    fn leave(&mut self) {
        if let Some(level) = self.open.pop() {
            self.left_entries += level.here.directory.len();
            self.left.push_back((self.open.len(), level));
        }
    }

    /// The directory around one that was left, and is before all others that are not stamped.
    fn above_left(&mut self, depth: usize) -> Option<&mut Level> {
        let above = depth.checked_sub(1)?;
        let left = self.left.iter_mut().find(|(depth, _)| *depth == above);
        left.map(|(_, level)| level).or_else(|| self.open.get_mut(above))
    }

    /// The directory around one that was stamped, and is before all others that were left.
    fn above_stamped(&mut self, depth: usize) -> Option<&mut Level> {
        let above = depth.checked_sub(1)?;
        match self.stamped.iter().position(|(depth, ..)| *depth == above) {
            Some(place) => self.stamped.get_mut(place).map(|(_, level, _)| level),
            None => self.above_left(depth),
        }
    }

    /// The first directory that was left, if more were than may wait for the answers of what is in them.
    fn next_left(&mut self, most: usize) -> Option<(usize, Level)> {
        let may_wait = !self.open.is_empty();
        if may_wait && self.left.len() <= most && self.left_entries <= ENTRIES {
            return None;
        }
        let first = self.left.pop_front();
        self.left_entries -= first.as_ref().map_or(0, |(_, level)| level.here.directory.len());
        first
    }

    /// The first that was stamped, if more were than may wait for the answers to that: what was asked for before them is
    /// answered first.
    fn next_stamped(&mut self, most: usize) -> Option<(usize, Level, Stamped)> {
        let may_wait = !(self.open.is_empty() && self.left.is_empty());
        if may_wait && self.stamped.len() <= most && self.stamped_entries <= ENTRIES {
            return None;
        }
        let first = self.stamped.pop_front();
        self.stamped_entries -= first.as_ref().map_or(0, |(_, level, _)| level.here.directory.len());
        first
    }
}

impl<F: Far> Tree<'_, '_, F> {
    /// Places everything.
    pub fn grow(mut self, writer: ManifestWriter) -> Result<Grown> {
        let mut lane = writer.lane();
        let manifest = self.sides.manifest;
        let Some(root) = manifest.root().child else {
            let place = self.running.source.tree_path(self.name);
            return Err(Error::new(ErrorKind::DamagedManifest, place, "its manifest has no root"));
        };
        let root = self.sides.root(self.known, root)?;
        let root = self.ahead.begin(root);
        self.begin_list(&root.here);
        let mut way = Way::new(self.level(root, 0)?);
        let most = self.far.ahead() * UNOPENED;
        let root = loop {
            if let Some(level) = way.open.last_mut() {
                match self.next_below(level)? {
                    Some(below) => way.open.push(below),
                    None => {
                        way.leave();
                        way.open.last_mut().into_iter().for_each(|above| above.next += 1);
                    }
                }
            }
            if let Some(level) = way.next_left(most) {
                self.finish_entries(&mut way, level, (&mut lane, &writer))?;
            }
            if let Some(level) = way.next_stamped(most)
                && let Some(root) = self.write_down(&mut way, level, (&mut lane, &writer))?
            {
                break root;
            }
        };
        let mut entry = manifest.root().with_subtree(Some(root.child));
        let stamped = self.stamp(root.here.directory.path(), &entry)?;
        entry.flags = self.stamped(root.here.directory.path(), entry.flags, stamped)?;
        let ended = manifest.ended();
        let finished = writer.finish(vec![lane], &entry, manifest.devices(), self.totals, ended);
        let digest = finished.map_err(|error| self.unwritten(error))?;
        let Self { counts, problems, lacking, .. } = self;
        Ok(Grown { digest, counts, problems, lacking })
    }

    fn unwritten(&self, error: io::Error) -> Error {
        Error::io("write the manifest of", self.name.as_str(), error)
    }

    /// Takes the answers that are still to come in a directory that was left, and has it get its attributes.
    fn finish_entries(
        &mut self,
        way: &mut Way,
        (depth, mut level): (usize, Level),
        (lane, writer): (&mut Lane, &ManifestWriter),
    ) -> Result<()> {
        self.settle(&mut level, 0)?;
        let mut stamped = None;
        if let Some(here) = way.above_left(depth).map(|above| Rc::clone(&above.here))
            && let Some(entry) = here.directory.get(level.at)
        {
            if entry.metadata.mode & MAY_ENTER == 0 {
                // A server that does several things at once may do this before what was asked for below.
                while let Some(stamped) = way.next_stamped(0) {
                    self.write_down(way, stamped, (lane, writer))?;
                }
            }
            stamped = self.stamp(level.here.directory.path(), &entry)?;
        }
        way.stamped_entries += level.here.directory.len();
        way.stamped.push_back((depth, level, stamped));
        Ok(())
    }

    /// Writes a directory down that has its attributes; returns the root.
    fn write_down(
        &mut self,
        way: &mut Way,
        (depth, mut level, stamped): (usize, Level, Stamped),
        (lane, writer): (&mut Lane, &ManifestWriter),
    ) -> Result<Option<Root>> {
        let path = level.here.directory.path();
        let child = lane.write(writer, path.as_bytes(), &mut level.draft, None);
        let child = child.map_err(|error| self.unwritten(error))?;
        let Some(above) = way.above_stamped(depth) else { return Ok(Some(Root { here: level.here, child })) };
        let here = Rc::clone(&above.here);
        if let Some(entry) = here.directory.get(level.at) {
            let mut entry = entry.with_subtree(Some(child));
            entry.flags = self.stamped(path, entry.flags, stamped)?;
            self.push_directory(&mut above.draft, &entry);
        }
        Ok(None)
    }

    /// Takes the answers to what was sent in a directory, but for so many.
    pub fn settle(&mut self, level: &mut Level, keep: usize) -> Result<()> {
        let here = Rc::clone(&level.here);
        let directory = here.directory.path();
        while level.sent.len() > keep
            && let Some((at, made)) = level.sent.pop_front()
            && let Some(entry) = here.directory.get(at)
        {
            self.made(directory, &mut level.draft, &entry, made, None)?;
        }
        Ok(())
    }

    /// Places all in a directory that is no directory.
    fn level(&mut self, mut scouted: Scouted, at: usize) -> Result<Level> {
        let here = Rc::clone(&scouted.here);
        let draft = DirectoryDraft::new(&self.sides.manifest.root().metadata);
        let mut level = Level { here: Rc::clone(&here), at, next: 0, draft, sent: VecDeque::new() };
        self.is_listed(&here, true);
        self.begin_entries(&mut scouted, usize::MAX)?;
        self.scout()?;
        for (index, entry) in here.directory.entries().enumerate() {
            if scouted.begun < here.directory.len() {
                scouted.begun = scouted.begun.max(index);
                self.begin_entries(&mut scouted, usize::MAX)?;
            }
            if entry.is_expunged() {
                self.totals.flagged += 1;
                level.draft.push(&entry);
            } else if entry.metadata.kind != Kind::Directory {
                self.check_stop()?;
                let found = scouted.found(index);
                self.place(&mut level, (index, &entry), found)?;
                let most = self.far.ahead() * UNOPENED;
                if level.sent.len() > most {
                    self.settle(&mut level, most / 2)?;
                }
            }
        }
        self.leave(&here);
        self.running.watch.show(&self.counts);
        Ok(level)
    }

    /// Makes the next sub-directory, and goes into it.
    fn next_below(&mut self, level: &mut Level) -> Result<Option<Level>> {
        let here = Rc::clone(&level.here);
        let directory = here.directory.path();
        while let Some(entry) = here.directory.get(level.next) {
            if entry.metadata.kind == Kind::Directory && !entry.is_expunged() {
                self.check_stop()?;
                let path = directory.child(entry.name);
                let name = self.c_name(&path, entry.name)?;
                let made = self.staged.open(directory);
                if let Err(error) = made.and_then(|dir| self.far.make_dir(dir, &name)) {
                    self.target_problem(&path, "make directory", error)?;
                    self.lacking += 1;
                    level.next += 1;
                    self.skip(directory, &entry)?;
                    continue;
                }
                self.running.watch.entry(self.name, || path.clone(), Action::Create, Reason::Directory);
                if entry.child.is_some() {
                    let below = self.ahead.take(&mut self.sides, self.known)?;
                    let below = below.filter(|below| *below.here.directory.path() == path);
                    let out_of_step =
                        || self.unwritten(io::Error::other("the walk is not where it should be"));
                    let below = below.ok_or_else(out_of_step)?;
                    return self.level(below, level.next).map(Some);
                }
                self.without_content(level, &entry)?;
            }
            level.next += 1;
        }
        Ok(None)
    }

    /// Writes a directory down of which the manifest has nothing that is in it.
    fn without_content(&mut self, level: &mut Level, entry: &Entry<'_>) -> Result<()> {
        let path = level.here.directory.path().child(entry.name);
        let message = "its path is too long for a manifest; what is in it was not brought";
        self.problem(Problem::new(path.clone(), ProblemKind::NotStored, "replicate", message));
        self.lacking += 1;
        let stamped = self.stamp(&path, entry)?;
        let flags = self.stamped(&path, entry.flags, stamped)?;
        self.push_directory(&mut level.draft, &Entry { flags, ..*entry });
        Ok(())
    }

    fn push_directory(&mut self, draft: &mut DirectoryDraft, entry: &Entry<'_>) {
        draft.push(entry);
        self.totals.entries += 1;
        self.totals.directories += 1;
        self.totals.flagged += u64::from(!entry.flags.is_empty());
        self.counts.entries += 1;
        self.counts.directories += 1;
    }
}

/// The root, after all that is in it.
struct Root {
    here: Rc<Here>,
    child: Subtree,
}
