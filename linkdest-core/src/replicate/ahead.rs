//! Directories that are read before their turn, so that a server hears early of what will be asked there.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::io;
use std::rc::Rc;

use super::beside::{From, Here, Link, Sides};
use super::earlier::Known;
use super::far::Far;
use super::plan::may_be_shared;
use super::tree::Tree;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::Result;
use crate::manifest::{Entry, Locator};
use crate::path::RelPath;

/// So many entries are in the directories that are read ahead.
pub(super) const ENTRIES: usize = 2048;
/// What holds nothing open at the far side may be so many times as much as what does.
pub(super) const UNOPENED: usize = 4;

/// The directories of a snapshot in the order in which they are placed, some of them before their turn.
#[derive(Default)]
pub(super) struct Ahead {
    /// The way to the directory that was read last, and how far each was looked through.
    levels: Vec<(Rc<Here>, usize)>,
    waiting: VecDeque<Scouted>,
    entries: usize,
}

/// A directory that was read, and so many entries of it were begun.
pub(super) struct Scouted {
    pub here: Rc<Here>,
    pub begun: usize,
    /// What was found then that they can be linked to, by their place.
    found: VecDeque<(usize, Option<Link>)>,
}

impl Scouted {
    fn new(here: &Rc<Here>) -> Self {
        Self { here: Rc::clone(here), begun: 0, found: VecDeque::new() }
    }

    /// Says whether all of it was begun.
    fn is_begun(&self) -> bool {
        self.begun == self.here.directory.len()
    }

    /// What was found for an entry, if it was begun. They are asked for in their order.
    pub fn found(&mut self, index: usize) -> Option<Option<Link>> {
        while self.found.front().is_some_and(|(place, _)| *place < index) {
            self.found.pop_front();
        }
        let is_next = self.found.front().is_some_and(|(place, _)| *place == index);
        if is_next { self.found.pop_front().map(|(_, found)| found) } else { None }
    }
}

impl Ahead {
    /// Begins at the root.
    pub fn begin(&mut self, root: Here) -> Scouted {
        let here = Rc::new(root);
        self.levels = vec![(Rc::clone(&here), 0)];
        Scouted::new(&here)
    }

    /// Reads the directory that comes next, if there is one.
    fn read(&mut self, sides: &mut Sides<'_>, known: &Known<'_>) -> Result<Option<Rc<Here>>> {
        while let Some((here, next)) = self.levels.last_mut() {
            let here = Rc::clone(here);
            while let Some(entry) = here.directory.get(*next) {
                *next += 1;
                if let Some(child) = child(&entry) {
                    let below = Rc::new(sides.below(known, &here, &entry, child)?);
                    self.levels.push((Rc::clone(&below), 0));
                    self.entries += below.directory.len();
                    self.waiting.push_back(Scouted::new(&below));
                    return Ok(Some(below));
                }
            }
            self.levels.pop();
        }
        Ok(None)
    }

    /// Takes the directory whose turn it is.
    pub fn take(&mut self, sides: &mut Sides<'_>, known: &Known<'_>) -> Result<Option<Scouted>> {
        if self.waiting.is_empty() {
            self.read(sides, known)?;
        }
        let taken = self.waiting.pop_front();
        self.entries -= taken.as_ref().map_or(0, |taken| taken.here.directory.len());
        Ok(taken)
    }

    /// Leaves out the directory whose turn it is, with all below it.
    fn skip(&mut self, path: &RelPath, sides: &mut Sides<'_>, known: &Known<'_>) -> Result<()> {
        self.take(sides, known)?;
        let is_below = |here: &Here| {
            let rest = here.directory.path().as_bytes().strip_prefix(path.as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
        };
        let above = self.levels.iter().position(|(here, _)| is_below(here));
        self.levels.truncate(above.unwrap_or(self.levels.len()));
        self.waiting.retain(|scouted| !is_below(&scouted.here));
        self.entries = self.waiting.iter().map(|scouted| scouted.here.directory.len()).sum();
        Ok(())
    }
}

/// Where what is in an entry was written down, if it is a directory that is brought.
fn child(entry: &Entry<'_>) -> Option<Locator> {
    let is_directory = entry.metadata.kind == Kind::Directory && !entry.is_expunged();
    entry.child.filter(|_| is_directory)
}

impl<F: Far> Tree<'_, '_, F> {
    /// Tells the far side what comes next.
    pub fn scout(&mut self) -> Result<()> {
        // Each is listed, where this run did not make what it is linked from; and in what killed runs left.
        let lists = self.leftovers.len() + usize::from(self.lists_base());
        let most = if lists == 0 { UNOPENED * self.far.ahead() } else { self.far.ahead().div_ceil(lists) };
        while self.ahead.waiting.len() < most && self.ahead.entries < ENTRIES {
            let Some(here) = self.ahead.read(&mut self.sides, self.known)? else { break };
            self.begin_directory(&here);
        }
        let mut waiting = std::mem::take(&mut self.ahead.waiting);
        for scouted in waiting.iter_mut().filter(|scouted| !scouted.is_begun()) {
            if !(self.is_listed(&scouted.here, false) && self.begin_entries(scouted, usize::MAX)?) {
                break;
            }
        }
        self.ahead.waiting = waiting;
        Ok(())
    }

    fn begin_directory(&mut self, here: &Here) {
        let path = here.directory.path();
        let (above, name) = path.split();
        // Where something cannot be opened, whoever needs it will say so.
        let name = CString::new(name).unwrap_or_default();
        if let Ok(dir) = self.staged.open(&above) {
            self.far.begin_dir(dir, &name);
        }
        self.begin_list(here);
    }

    /// Says whether directories of the base are listed: this run did not make it.
    fn lists_base(&self) -> bool {
        self.sides.base.as_ref().is_some_and(|base| !base.is_ours)
    }

    /// Begins to list what names of a directory may be linked from.
    pub fn begin_list(&mut self, here: &Here) {
        let lists_base = self.lists_base();
        if let Some(base) = self.base.as_mut().filter(|_| here.base.is_some() && lists_base)
            && let Ok(dir) = base.open(here.directory.path())
        {
            self.far.begin_list(dir);
        }
        if self.far.ahead() > 0 {
            self.leftovers.each(here.directory.path(), |dir| self.far.begin_list(dir));
        }
    }

    /// Says whether that is done; with `wait`, waits for it.
    pub fn is_listed(&mut self, here: &Here, wait: bool) -> bool {
        let lists_base = self.lists_base();
        let base = self.base.as_mut().filter(|_| here.base.is_some() && lists_base);
        let dir = base.and_then(|base| base.open(here.directory.path()).ok());
        let mut is_listed = dir.is_none_or(|dir| self.far.is_listed(dir, wait));
        self.leftovers.each(here.directory.path(), |dir| is_listed &= self.far.is_listed(dir, wait));
        is_listed
    }

    /// Hears that a directory is placed.
    pub fn leave(&mut self, here: &Here) {
        let lists_base = self.lists_base();
        if let Some(base) = self.base.as_mut().filter(|_| here.base.is_some() && lists_base)
            && let Ok(dir) = base.open(here.directory.path())
        {
            self.far.leave(dir);
        }
        self.leftovers.each(here.directory.path(), |dir| self.far.leave(dir));
    }

    /// Begins what there is room for, up to an entry; says whether there is room for more.
    pub fn begin_entries(&mut self, scouted: &mut Scouted, end: usize) -> Result<bool> {
        let here = Rc::clone(&scouted.here);
        while scouted.begun < end
            && let Some(entry) = here.directory.get(scouted.begun)
        {
            if !self.far.has_room() {
                return Ok(false);
            }
            if let Some(found) = self.begin(&here, &entry)? {
                scouted.found.push_back((scouted.begun, found));
            }
            scouted.begun += 1;
        }
        Ok(true)
    }

    /// Begins an entry: a link to the base, or what is to be made. Returns what it can be linked to, if that was looked up.
    /// Of what has other names those that are placed before it decide, so that it is looked up again.
    fn begin(&mut self, here: &Here, entry: &Entry<'_>) -> Result<Option<Option<Link>>> {
        let kind = entry.metadata.kind;
        if !matches!(kind, Kind::File | Kind::Symlink) || entry.is_expunged() {
            return Ok(None);
        }
        let shared = may_be_shared(entry);
        self.check_stop()?;
        let found = self.sides.find(self.known, &self.table, here, entry)?;
        let path = here.directory.path();
        let name = CString::new(entry.name).unwrap_or_default();
        match &found {
            // Where something cannot be opened, whoever needs it will say so.
            Some(link) => drop(self.begin_link(path, &name, link)),
            None if shared => {}
            None if kind == Kind::Symlink => {
                if let Ok(to) = self.staged.open(path) {
                    let target = CString::new(entry.target).unwrap_or_default();
                    self.far.begin_symlink(&target, to, &name);
                }
            }
            None => self.begin_file(path, entry, &name),
        }
        Ok((!shared).then_some(found))
    }

    fn begin_link(&mut self, path: &RelPath, name: &CStr, link: &Link) -> io::Result<()> {
        let to = (self.staged.open(path)?, name);
        match (&link.from, &mut self.base, &link.expected) {
            (From::Base, Some(base), Some(expected)) => {
                let check = (!link.is_ours).then_some(expected);
                self.far.begin_link(check, (base.open(path)?, name), to);
            }
            (From::At(earlier, other), ..) if link.is_ours => {
                let (parent, other) = other.split();
                let tree = self.far.tree(&earlier.name)?;
                let other = CString::new(other)?;
                self.far.begin_link(None, (Descent::new(&tree).open(&parent)?, &other), to);
            }
            (From::Staged(other), ..) => {
                let (parent, other) = other.split();
                let other = CString::new(other)?;
                self.far.begin_link(None, (Descent::new(self.staged_root).open(&parent)?, &other), to);
            }
            _ => {}
        }
        Ok(())
    }

    /// Leaves out a directory that could not be made.
    pub fn skip(&mut self, above: &RelPath, entry: &Entry<'_>) -> Result<()> {
        if child(entry).is_none() {
            return Ok(());
        }
        let name = CString::new(entry.name).unwrap_or_default();
        if let Ok(dir) = self.staged.open(above) {
            self.far.forget_below(dir, &name);
        }
        self.ahead.skip(&above.child(entry.name), &mut self.sides, self.known)
    }
}
