//! One entry that is no directory: linked to what the target has, or sent.

use std::ffi::CStr;
use std::io;

use super::beside::{From, Here, Link};
use super::far::Far;
use super::plan::{Place, key, may_be_shared};
use super::tree::Tree;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{ContentHash, DirectoryDraft, Entry, EntryFlags, Origin};
use crate::monitor::{Action, Reason};
use crate::os::{Xattrs, errno};

/// A new inode at the target.
pub(super) struct Made {
    pub inode: u64,
    pub flags: EntryFlags,
    pub content: Option<ContentHash>,
    /// How it was made.
    pub action: Action,
}

/// What came of an attempt to link.
enum Linked {
    Yes,
    /// It must be sent.
    No,
}

impl<F: Far> Tree<'_, '_, F> {
    /// Places an entry and writes it down.
    pub fn place(&mut self, here: &Here, draft: &mut DirectoryDraft, entry: &Entry<'_>) -> Result<()> {
        let directory = here.directory.path();
        let name = self.c_name(directory, entry.name)?;
        let shared = may_be_shared(entry).then(|| key(entry)).flatten();
        if let Some(link) = self.sides.find(self.known, &self.table, here, entry)?
            && matches!(self.link(here, entry, &name, &link)?, Linked::Yes)
        {
            return self.linked(here, draft, entry, &name, &link);
        }
        let made = match entry.metadata.kind {
            Kind::File => self.send(directory, entry, &name)?,
            _ => self.make_special(directory, entry, &name)?,
        };
        let Some(Made { inode, flags, content, action }) = made else { return Ok(()) };
        self.running.watch.entry(self.name, || directory.child(entry.name), action, Reason::New);
        let fresh = Entry { repository_inode: inode, origin: Origin::Fresh, flags, content, ..*entry };
        self.push(draft, &fresh, shared);
        if let Some(key) = shared {
            let flags = EntryFlags::from_bits(flags.bits() & EntryFlags::NOT_STORED.bits());
            let place = Place::Staged { path: directory.child(entry.name), inode, flags };
            self.table.insert(key, place);
        }
        Ok(())
    }

    fn link(&mut self, here: &Here, entry: &Entry<'_>, name: &CStr, link: &Link) -> Result<Linked> {
        let directory = here.directory.path();
        let linked = self.try_link(here, name, link);
        let Err(error) = linked else { return Ok(Linked::Yes) };
        if errno::is_link_limit(&error) {
            self.counts.relinked_limit += 1;
            return self.at_link_limit(here, entry, link).map(|()| Linked::No);
        }
        if errno::is_target_failing(&error) || error.kind() == io::ErrorKind::AlreadyExists {
            // Making it anew would fail alike, and says so.
            self.target_error_of(directory, entry, &error)?;
        }
        // Protected, immutable, gone: it can always be sent.
        Ok(Linked::No)
    }

    /// The inode has as many names as it may have. Where some of its names in this snapshot are linked to it already, the
    /// snapshot is begun again, and all of them get a fresh one.
    fn at_link_limit(&mut self, here: &Here, entry: &Entry<'_>, link: &Link) -> Result<()> {
        let shared = may_be_shared(entry).then(|| key(entry)).flatten();
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

    fn target_error_of(
        &mut self,
        directory: &crate::path::RelPath,
        entry: &Entry<'_>,
        error: &io::Error,
    ) -> Result<()> {
        if !errno::is_target_failing(error) {
            return Ok(());
        }
        let error = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
        self.target_problem(&directory.child(entry.name), "link", error)
    }

    fn try_link(&mut self, here: &Here, name: &CStr, link: &Link) -> io::Result<()> {
        let directory = here.directory.path();
        let to = self.staged.open(directory)?;
        match &link.from {
            From::Base => {
                let base = self.base.as_mut().ok_or(io::ErrorKind::NotFound)?;
                self.far.link(base.open(directory)?, name, to, name)
            }
            From::At(earlier, path) => {
                let (parent, other) = path.split();
                let root = self.far.tree(&earlier.name)?;
                let other = std::ffi::CString::new(other)?;
                self.far.link(Descent::new(&root).open(&parent)?, &other, to, name)
            }
            From::Staged(path) => {
                let (parent, other) = path.split();
                let other = std::ffi::CString::new(other)?;
                self.far.link(Descent::new(self.staged_root).open(&parent)?, &other, to, name)
            }
        }
    }

    /// Writes an entry down that was linked.
    fn linked(
        &mut self,
        here: &Here,
        draft: &mut DirectoryDraft,
        entry: &Entry<'_>,
        name: &CStr,
        link: &Link,
    ) -> Result<()> {
        let directory = here.directory.path();
        let holds = match &link.from {
            From::Base => self.sides.base.as_ref().is_none_or(|base| base.earlier.holds),
            From::At(earlier, _) => earlier.holds,
            From::Staged(_) => true,
        };
        let inode = if holds { link.inode } else { self.look_inode(directory, name) };
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
        let shared = may_be_shared(entry).then(|| key(entry)).flatten();
        self.push(draft, &Entry { repository_inode: inode, origin, flags, ..*entry }, shared);
        self.counts.recorded_only += u64::from(flags.contains(EntryFlags::RECORDED_ONLY));
        if entry.metadata.kind == Kind::File {
            self.counts.files_linked += 1;
            if !matches!(link.from, From::Staged(_)) {
                self.counts.bytes_shared += entry.metadata.size;
            }
        } else {
            self.counts.other_linked += 1;
        }
        Ok(())
    }

    /// The inode that a name of the replica has.
    pub fn look_inode(&mut self, directory: &crate::path::RelPath, name: &CStr) -> u64 {
        let found = self.staged.open(directory).and_then(|dir| self.far.look(dir, name));
        found.ok().flatten().map_or(0, |found| found.id.inode)
    }
}

/// No attributes.
pub(super) const NO_XATTRS: Xattrs = Xattrs::new();
