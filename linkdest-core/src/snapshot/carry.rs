//! Entries that cannot be read: the version of a reference stands in their place, and every run says so again.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::atomic::Ordering;

use super::decide::Candidate;
use super::node::{CarriedDirectory, Handles, Node};
use super::read::Placed;
use super::recorded::{DeviceNumbers, Known, Placing, encoded};
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::manifest::{Directory, DirectoryDraft, Entry, EntryFlags, Found, Locator, Origin};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, Listing, XattrPlace, errno};
use crate::path::RelPath;
use crate::placing::stamp_dir;
use crate::source::{KnownXattrs, Source, read_xattrs};

/// Deeper directories hold too many descriptors open; what is below is reported instead.
const DEEPEST: usize = 100;

/// A tree of a reference on its way into the snapshot.
struct Carrying {
    reference: usize,
    devices: DeviceNumbers,
    entries: u64,
}

/// One directory of it.
struct Level<'l> {
    from: &'l Dir,
    to: Option<&'l Dir>,
    path: &'l RelPath,
    records: Option<&'l Directory>,
    depth: usize,
}

/// Says whether an entry is there but cannot be read, so that an earlier version is better than nothing.
fn is_unreadable(error: &io::Error) -> bool {
    let gone = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle | io::ErrorKind::NotADirectory
    );
    !gone && !errno::is_symlink(error) && !errno::is_exhausted(error) && Error::within(error).is_none()
}

impl<S: Source> Worker<'_, '_, S> {
    /// Reports an entry that cannot be read; links it to the first reference that has it.
    pub fn unreadable(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        id: Option<FileId>,
        operation: &'static str,
        error: &io::Error,
    ) -> Result<Placed> {
        let carried = if is_unreadable(error) { self.carry_name(node, handles, name, id)? } else { None };
        let Some(reference) = carried else {
            return self
                .engine
                .source_problem(self.index, node.path_of(name), operation, error)
                .map(|()| Placed::No);
        };
        self.carried_problem(node.path_of(name), operation, error, reference, None);
        Ok(Placed::Linked)
    }

    fn carried_problem(
        &self,
        path: RelPath,
        operation: &'static str,
        error: &io::Error,
        reference: usize,
        entries: Option<u64>,
    ) {
        let from = self.engine.plan.references.get(reference).map_or("", |reference| &reference.label);
        let what = entries.map_or_else(String::new, |entries| format!(" with {entries} entries"));
        let problem = Problem::new(
            path,
            ProblemKind::CarriedForward,
            operation,
            format!("{error}; carried forward from {from}{what}"),
        );
        self.engine.problem(self.index, problem.with_errno(error.raw_os_error()));
    }

    /// Links a name to the first reference that has it, as it was recorded then; says to which.
    fn carry_name(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        id: Option<FileId>,
    ) -> Result<Option<usize>> {
        let engine = self.engine;
        for (number, dir) in &handles.references {
            let Ok(disk) = dir.stat_at(name) else { continue };
            if disk.kind == Kind::Directory || engine.is_damaged(&disk) || !engine.given.insert(disk.id) {
                continue;
            }
            if let Some(staged) = &handles.staged
                && let Err(error) = dir.link(name, staged, name)
            {
                if errno::is_target_failing(&error) {
                    return Err(engine.repository_error("link", error));
                }
                continue;
            }
            let recorded = if *number == 0 { self.recorded_at(node, name) } else { None };
            let record = recorded.as_ref().map(Found::entry);
            let record = record.filter(|record| record.repository_inode == disk.id.inode);
            self.found.clear();
            let unknown = Metadata { id: FileId::default(), ..disk };
            let metadata = record.as_ref().map_or(unknown, |record| {
                let device = id.map_or(0, |id| id.device);
                Metadata { id: FileId { device, ..record.metadata.id }, ..record.metadata }
            });
            if let Some(record) = &record {
                self.take_over_attributes(record);
            }
            let candidate = Candidate {
                reference: *number,
                metadata: disk,
                known: Known::default(),
                elsewhere: None,
                recorded_only: false,
            };
            let content = record.as_ref().and_then(|record| record.content);
            let flags = EntryFlags::CARRIED_FORWARD;
            self.record_link(node, name, &metadata, &candidate, content, flags);
            engine.tell_entry(|| node.path_of(name), Action::Link, Reason::CarriedForward);
            self.count(Counter::CarriedForward, 1);
            self.count_linked(&disk, true);
            self.found_unchanged(&candidate);
            return Ok(Some(*number));
        }
        Ok(None)
    }

    /// What the first reference's manifest has of a name; the directory need not be the one that is being walked.
    fn recorded_at(&mut self, node: &Node<S>, name: &CStr) -> Option<Found> {
        let engine = self.engine;
        let path = node.moved_from(name).unwrap_or_else(|| node.path_of(name));
        match engine.predecessor()?.find(path.as_bytes(), &mut self.cache) {
            Ok(found) => found,
            Err(error) => {
                engine.manifest_damaged(self.index, &error);
                None
            }
        }
    }

    /// Puts what a reference has in a directory into one whose own content cannot be listed; says whether there was
    /// any.
    pub fn carry_contents(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        operation: &'static str,
        error: &io::Error,
    ) -> Result<bool> {
        if !is_unreadable(error) {
            return Ok(false);
        }
        let Some((number, from)) = handles.references.first() else { return Ok(false) };
        let records = self.records.take();
        let mut carrying = Carrying { reference: *number, devices: node.opened.devices, entries: 0 };
        let path = node.path();
        let level = Level {
            from,
            to: handles.staged.as_ref(),
            path: &path,
            records: records.as_ref().filter(|_| *number == 0),
            depth: 0,
        };
        let carried = self.carry_level(&mut carrying, &level, &mut node.draft());
        self.records = records;
        carried?;
        if carrying.entries == 0 {
            return Ok(false);
        }
        if let Ok(metadata) = from.stat() {
            let place = XattrPlace::Dir(from);
            let known = read_xattrs(place, &self.engine.plan.reach, &mut self.xattrs).unwrap_or_default();
            let encoded = encoded(&known);
            let _ = node.carried.set(CarriedDirectory { metadata, xattrs: known.kept, encoded });
        }
        node.placed.fetch_add(1, Ordering::AcqRel);
        self.carried_problem(path, operation, error, *number, Some(carrying.entries));
        Ok(true)
    }

    /// Puts a whole directory of a reference in the place of one that cannot be opened; says whether there was one.
    pub fn carry_directory(
        &mut self,
        parent: &Node<S>,
        handles: &Handles<S>,
        name: &CStr,
        error: &io::Error,
    ) -> Result<bool> {
        if !is_unreadable(error) {
            return Ok(false);
        }
        let Some((number, from)) = handles
            .references
            .iter()
            .find(|(_, dir)| dir.stat_at(name).is_ok_and(|stat| stat.kind == Kind::Directory))
        else {
            return Ok(false);
        };
        let records = if *number == 0 { self.load_records(parent.opened.recorded) } else { None };
        let mut carrying = Carrying { reference: *number, devices: parent.opened.devices, entries: 0 };
        let path = parent.path();
        let level =
            Level { from, to: handles.staged.as_ref(), path: &path, records: records.as_ref(), depth: 0 };
        self.carry_one(&mut carrying, &level, name, &mut parent.draft())?;
        if carrying.entries == 0 {
            return Ok(false);
        }
        parent.placed.fetch_add(1, Ordering::AcqRel);
        self.carried_problem(parent.path_of(name), "open", error, *number, Some(carrying.entries));
        Ok(true)
    }

    fn carry_level(
        &mut self,
        carrying: &mut Carrying,
        level: &Level<'_>,
        draft: &mut DirectoryDraft,
    ) -> Result<()> {
        let mut listing = Listing::default();
        if let Err(error) = level.from.open_dir(c".").and_then(|dir| dir.list(&mut listing)) {
            // What may not be listed may still be entered, and the manifest knows the names.
            for entry in level.records.into_iter().flat_map(Directory::entries) {
                if let Ok(name) = CString::new(entry.name) {
                    let pushed = listing.push(&name, None);
                    pushed.map_err(|error| self.engine.repository_error("carry forward", error))?;
                }
            }
            if level.depth > 0 && listing.entries().is_empty() {
                let path = level.path.clone();
                let problem = Problem::io(path, ProblemKind::ReferenceUnreadable, "list", &error);
                self.engine.problem(self.index, problem);
            }
        }
        for entry in listing.entries() {
            if self.engine.halted() {
                return Ok(());
            }
            self.carry_one(carrying, level, listing.name(*entry), draft)?;
        }
        Ok(())
    }

    fn carry_one(
        &mut self,
        carrying: &mut Carrying,
        level: &Level<'_>,
        name: &CStr,
        draft: &mut DirectoryDraft,
    ) -> Result<()> {
        let engine = self.engine;
        let path = level.path.child(name.to_bytes());
        let Ok(disk) = level.from.stat_at(name) else { return Ok(()) };
        let record = level.records.and_then(|records| records.find(name.to_bytes()));
        let record =
            record.filter(|record| disk.kind == Kind::Directory || record.repository_inode == disk.id.inode);
        let child = if disk.kind == Kind::Directory {
            let locator = record.as_ref().and_then(|record| record.child);
            match self.carry_subdirectory(carrying, level, name, &disk, locator)? {
                Some(child) => child,
                None => return Ok(()),
            }
        } else {
            let free = engine.give_carried(disk.id);
            let linked = match level.to.filter(|_| free) {
                Some(to) => level.from.link(name, to, name),
                None if free => Ok(()),
                None => Err(io::Error::other("the reference stands for another file already")),
            };
            if let Err(error) = linked {
                return engine.repository_problem(self.index, path, "link", error);
            }
            self.found.clear();
            self.count_linked(&disk, true);
            engine.tell_entry(|| path.clone(), Action::Link, Reason::CarriedForward);
            None
        };
        carrying.entries += 1;
        self.unchanged += u64::from(carrying.reference == 0);
        self.count(Counter::CarriedForward, 1);
        if self.lane.is_some() {
            let inode = engine.believed_inode(disk.id.inode);
            push_carried(draft, carrying, name, (&disk, inode), record.as_ref(), child);
        }
        Ok(())
    }

    /// Makes a sub-directory as the reference has it; returns where it is written down.
    #[expect(clippy::option_option, reason = "nothing is written down in a dry run, and that is no failure")]
    fn carry_subdirectory(
        &mut self,
        carrying: &mut Carrying,
        level: &Level<'_>,
        name: &CStr,
        disk: &Metadata,
        recorded: Option<Locator>,
    ) -> Result<Option<Option<Locator>>> {
        let engine = self.engine;
        let path = level.path.child(name.to_bytes());
        let unreadable = |error: &io::Error| {
            engine.problem(
                self.index,
                Problem::io(path.clone(), ProblemKind::ReferenceUnreadable, "carry forward", error),
            );
        };
        if level.depth >= DEEPEST {
            unreadable(&io::Error::other(format!("more than {DEEPEST} directories deep")));
            return Ok(None);
        }
        let from = match level.from.open_dir_search(name) {
            Ok(from) => from,
            Err(error) => {
                unreadable(&error);
                return Ok(None);
            }
        };
        let to = match level.to.map(|to| to.make_dir(name).and_then(|()| to.open_dir(name))).transpose() {
            Ok(to) => to,
            Err(error) => {
                return engine.repository_problem(self.index, path, "make directory", error).map(|()| None);
            }
        };
        let records = self.load_records(recorded);
        let mut draft = DirectoryDraft::new(&Metadata { id: FileId::default(), ..*disk });
        let below = Level {
            from: &from,
            to: to.as_ref(),
            path: &path,
            records: records.as_ref(),
            depth: level.depth + 1,
        };
        self.carry_level(carrying, &below, &mut draft)?;
        self.count(Counter::Entries, 1);
        self.count(Counter::Directories, 1);
        engine.tell_entry(|| path.clone(), Action::Create, Reason::CarriedForward);
        if let Some(to) = &to {
            let place = XattrPlace::Dir(&from);
            let xattrs: KnownXattrs =
                read_xattrs(place, &engine.plan.reach, &mut self.xattrs).unwrap_or_default();
            let refused = stamp_dir(to, disk, &xattrs.kept, &engine.plan.reach, &mut self.xattrs);
            engine.report_refused(self.index, to, || path.clone(), refused)?;
        }
        self.write_draft(&path, &mut draft).map(Some)
    }
}

/// Writes an entry down as it was recorded when it could be read.
fn push_carried(
    draft: &mut DirectoryDraft,
    carrying: &Carrying,
    name: &CStr,
    (disk, inode): (&Metadata, u64),
    record: Option<&Entry<'_>>,
    child: Option<Locator>,
) {
    let DeviceNumbers { here, before } = carrying.devices;
    let unknown = Metadata { id: FileId::default(), mount: None, ..*disk };
    let metadata = record.map_or(unknown, |record| {
        let device = if record.metadata.id.device == before && before != 0 { here } else { 0 };
        Metadata { id: FileId { device, ..record.metadata.id }, ..record.metadata }
    });
    let reference = u32::try_from(carrying.reference).unwrap_or(u32::MAX);
    let directory = disk.kind == Kind::Directory;
    let placing = Placing {
        repository_inode: if directory { 0 } else { inode },
        origin: if directory { Origin::Fresh } else { Origin::Same { reference } },
        content: record.and_then(|record| record.content),
        flags: EntryFlags::CARRIED_FORWARD,
    };
    draft.push(&Entry {
        name: name.to_bytes(),
        metadata,
        repository_inode: placing.repository_inode,
        origin: placing.origin,
        target: record.map_or(&[], |record| record.target),
        xattrs: record.map_or(crate::manifest::RecordedXattrs::NONE, |record| record.xattrs),
        content: placing.content,
        flags: placing.flags,
        child,
    });
}
