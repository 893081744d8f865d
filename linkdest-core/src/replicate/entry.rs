//! One entry that is no directory: linked to what the target has, or sent.

use std::ffi::{CStr, CString};
use std::io;
use std::rc::Rc;

use super::beside::{From, Here, Link};
use super::far::{Far, Stamping};
use super::plan::{Key, Place, key, may_be_shared};
use super::same::Content;
use super::tree::{Tree, ends_run};
use super::walk::Level;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{ContentHash, DirectoryDraft, Entry, EntryFlags, Origin};
use crate::monitor::{Action, Reason};
use crate::os::{Xattrs, errno};
use crate::path::RelPath;
use crate::repository::Damage;

/// A new inode at the target.
pub(super) struct Made {
    pub inode: u64,
    pub flags: EntryFlags,
    pub content: Option<ContentHash>,
    /// How it was made.
    pub action: Action,
    /// Its attributes, on their way, and whether some are left out.
    pub stamping: Option<(Stamping, bool)>,
}

impl Made {
    fn is_on_its_way(&self) -> bool {
        self.stamping.as_ref().is_some_and(|(stamping, _)| stamping.is_on_its_way())
    }
}

impl<F: Far> Tree<'_, '_, F> {
    /// Places an entry and writes it down. `found` is what it can be linked to, if that was looked up.
    pub fn place(
        &mut self,
        level: &mut Level,
        (index, entry): (usize, &Entry<'_>),
        found: Option<Option<Link>>,
    ) -> Result<()> {
        let here = Rc::clone(&level.here);
        let directory = here.directory.path();
        let name = self.c_name(directory, entry.name)?;
        if !self.far.can_make(entry.metadata.kind) {
            self.running.watch.cannot_make();
            return Ok(());
        }
        let shared = self.shared(directory, entry);
        let found = match found {
            Some(found) => found,
            None => self.sides.find(self.known, &self.table, &here, entry)?,
        };
        if let Some(link) = found
            && let Some((from, inode)) = self.link(&here, entry, (&name, shared), &link)?
        {
            self.linked(&here, &mut level.draft, entry, shared, &Link { from, inode, ..link });
            return Ok(());
        }
        let made = match entry.metadata.kind {
            Kind::File => self.send(directory, entry, &name)?,
            _ => self.make_special(directory, entry, &name)?,
        };
        let Some(made) = made else {
            self.lacking += 1;
            let taken = self.staged.open(directory).and_then(|dir| self.far.take_back(dir, &name));
            return taken.or_else(|error| self.target_problem(&directory.child(entry.name), "remove", error));
        };
        if made.is_on_its_way() && shared.is_none() {
            level.sent.push_back((index, made));
            return Ok(());
        }
        self.made(directory, &mut level.draft, entry, made, shared)
    }

    /// Writes down what was made, once all answers are there.
    pub fn made(
        &mut self,
        directory: &RelPath,
        draft: &mut DirectoryDraft,
        entry: &Entry<'_>,
        made: Made,
        shared: Option<Key>,
    ) -> Result<()> {
        let Made { inode, mut flags, content, action, stamping } = made;
        let path = directory.child(entry.name);
        if let Some((stamping, incomplete)) = stamping {
            let refused = stamping.wait().map_err(|error| self.target_error(&path, "write", error))?;
            flags = self.refused(&path, flags, refused, incomplete)?;
        }
        self.running.watch.entry(self.name, || path.clone(), action, Reason::New);
        let fresh = Entry { repository_inode: inode, origin: Origin::Fresh, flags, content, ..*entry };
        self.push(draft, &fresh, shared);
        if let Some(key) = shared {
            let flags = EntryFlags::from_bits(flags.bits() & EntryFlags::NOT_STORED.bits());
            self.table.insert(key, Place::Staged { path, inode, flags, content: Content::of(entry) });
        }
        Ok(())
    }

    /// The inode that other names of the snapshot may have as well. A manifest that tells of two files as one is not
    /// believed.
    fn shared(&mut self, directory: &RelPath, entry: &Entry<'_>) -> Option<Key> {
        let shared = may_be_shared(entry).then(|| key(entry)).flatten()?;
        match self.table.get(&shared) {
            Some(Place::Staged { path, content, .. }) if !content.agrees_with(&Content::of(entry)) => {
                let message =
                    format!("its record says that it is one file with {path}, and that it is another one");
                let path = directory.child(entry.name);
                self.problem(Problem::new(path, ProblemKind::Damaged, "read the manifest", message));
                None
            }
            _ => Some(shared),
        }
    }

    /// Links; what it was linked from and its inode, or nothing if it must be sent.
    fn link(
        &mut self,
        here: &Here,
        entry: &Entry<'_>,
        (name, shared): (&CStr, Option<Key>),
        link: &Link,
    ) -> Result<Option<(From, u64)>> {
        let directory = here.directory.path();
        let error = match self.try_link(here, name, link) {
            Ok(inode) => return Ok(Some((link.from.clone(), inode))),
            Err(error) => error,
        };
        if errno::is_link_limit(&error) {
            self.counts.relinked_limit += 1;
            return self.at_link_limit(here, entry, link, shared).map(|()| None);
        }
        if ends_run(&error) {
            return self.target_problem(&directory.child(entry.name), "link", error).map(|()| None);
        }
        // Protected, immutable, gone, changed: another name of the group will do, and it can always be sent.
        let first = shared.and_then(|key| self.first.get(&key)).cloned();
        if let Some(first) = first.filter(|_| !matches!(link.from, From::Staged(_))) {
            let (from, flags) = (From::Staged(first), link.flags);
            let link = Link { from, expected: None, is_ours: true, inode: 0, flags };
            if self.try_link(here, name, &link).is_ok() {
                let inode = self.look_inode(directory, name);
                return Ok(Some((link.from, inode)));
            }
        }
        if shared.is_some_and(|key| self.has_met(&key)) {
            let message =
                format!("it cannot be linked to the other names of its file: {error}; they are parted");
            let path = directory.child(entry.name);
            self.problem(Problem::new(path, ProblemKind::NotStored, "link", message));
        }
        Ok(None)
    }

    /// The inode has as many names as it may have. Where some of its names in this snapshot are linked to it already, the
    /// snapshot is begun again, and all of them get a fresh one.
    fn at_link_limit(
        &mut self,
        here: &Here,
        entry: &Entry<'_>,
        link: &Link,
        shared: Option<Key>,
    ) -> Result<()> {
        let Some(key) = shared.filter(|key| self.has_met(key)) else { return Ok(()) };
        let path = here.directory.path().child(entry.name);
        if matches!(link.from, From::Staged(_)) {
            let message = "it has more names than this file system allows; they are parted";
            self.problem(Problem::new(path, ProblemKind::NotStored, "link", message));
            return Ok(());
        }
        self.limit.set(Some(key));
        Err(Error::new(ErrorKind::Io, self.name.as_str(), "met the link limit in the middle of a group"))
    }

    /// Links to what is as its record says, and returns its inode.
    fn try_link(&mut self, here: &Here, name: &CStr, link: &Link) -> io::Result<u64> {
        let directory = here.directory.path();
        let (far, known) = (&self.far, &*self.known);
        let to = self.staged.open(directory)?;
        let one = |from: &F::Dir, other: &CStr| {
            let inode = match &link.expected {
                None => link.inode,
                Some(_) if link.is_ours && !far.tells_inodes() => 0,
                Some(expected) => {
                    let inode = expected.look(far, from, other)?.filter(|inode| !known.is_damaged(*inode));
                    inode.ok_or(io::ErrorKind::StaleNetworkFileHandle)?
                }
            };
            far.link(from, other, to, name).map(|()| inode)
        };
        match &link.from {
            From::Base => {
                let base = self.base.as_mut().ok_or(io::ErrorKind::NotFound)?;
                one(base.open(directory)?, name)
            }
            From::At(earlier, path) => {
                let (parent, other) = path.split();
                one(Descent::new(&far.tree(&earlier.name)?).open(&parent)?, &CString::new(other)?)
            }
            From::Staged(path) => {
                let (parent, other) = path.split();
                one(Descent::new(self.staged_root).open(&parent)?, &CString::new(other)?)
            }
        }
    }

    /// Writes an entry down that was linked.
    fn linked(
        &mut self,
        here: &Here,
        draft: &mut DirectoryDraft,
        entry: &Entry<'_>,
        shared: Option<Key>,
        link: &Link,
    ) {
        let directory = here.directory.path();
        let number = |snapshot: &str| {
            let place = self.references.iter().position(|name| name == snapshot);
            place.and_then(|place| u32::try_from(place).ok())
        };
        let path = directory.child(entry.name);
        let origin = match &link.from {
            From::Base => self.sides.base.as_ref().and_then(|base| {
                number(base.earlier.name.as_str()).map(|reference| Origin::Same { reference })
            }),
            From::At(earlier, other) => number(earlier.name.as_str()).map(|reference| {
                if *other == path {
                    Origin::Same { reference }
                } else {
                    Origin::Elsewhere { reference, path: other.as_bytes() }
                }
            }),
            From::Staged(_) => Some(Origin::Group),
        };
        let reason = match origin {
            Some(Origin::Group) => Reason::HardLink,
            Some(Origin::Elsewhere { .. }) => Reason::Moved,
            _ => Reason::Unchanged,
        };
        self.running.watch.entry(self.name, || path.clone(), Action::Link, reason);
        let mut flags = EntryFlags::from_bits(entry.flags.bits() & !EntryFlags::NOT_STORED.bits());
        flags.insert(link.flags);
        let origin = origin.unwrap_or_default();
        self.push(draft, &Entry { repository_inode: link.inode, origin, flags, ..*entry }, shared);
        self.counts.recorded_only += u64::from(flags.contains(EntryFlags::RECORDED_ONLY));
        if entry.metadata.kind == Kind::File {
            self.counts.files_linked += 1;
            if !matches!(link.from, From::Staged(_)) {
                self.counts.bytes_shared += entry.metadata.size;
            }
        } else {
            self.counts.other_linked += 1;
        }
        if let From::Staged(other) = &link.from {
            if self.known.is_damaged_at(self.name, other) {
                // Where inodes are unknown each name of what is damaged is written down.
                self.known.note_damage(Damage::new(self.name.clone(), path, 0));
            }
            return;
        }
        if flags.contains(EntryFlags::NOT_STORED) {
            let message = "attributes of it could not be stored when it was brought";
            self.problem(Problem::new(path.clone(), ProblemKind::NotStored, "link", message));
        }
        if let Some(key) = shared {
            self.first.entry(key).or_insert(path);
        }
    }

    /// The inode that a name of the replica has.
    pub fn look_inode(&mut self, directory: &RelPath, name: &CStr) -> u64 {
        if !self.far.tells_inodes() {
            return 0;
        }
        let found = self.staged.open(directory).and_then(|dir| self.far.look(dir, name));
        found.ok().flatten().map_or(0, |found| found.id.inode)
    }
}

/// No attributes.
pub(super) const NO_XATTRS: Xattrs = Xattrs::new();
