//! Directories that cannot be read: what a reference has of them stands in their place.

use std::ffi::{CStr, CString};
use std::io;

use super::carry::is_unreadable;
use super::node::{CarriedDirectory, Handles, Node};
use super::recorded::{DeviceNumbers, Placing, encoded};
use super::worker::Worker;
use crate::counts::Counter;
use crate::entry::{FileId, Kind, Metadata};
use crate::error::{Problem, ProblemKind, Result};
use crate::filter::DirectoryRules;
use crate::manifest::{Directory, DirectoryDraft, Entry, EntryFlags, Origin, Subtree};
use crate::monitor::{Action, Reason};
use crate::os::{Dir, Listing, XattrPlace};
use crate::path::RelPath;
use crate::placing::stamp_dir;
use crate::source::{KnownXattrs, Source, read_rule_file, read_xattrs};

/// Deeper directories hold too many descriptors open; what is below is reported instead.
const DEEPEST: usize = 100;

/// A tree of a reference on its way into the snapshot.
struct Carrying<'c> {
    reference: usize,
    devices: DeviceNumbers,
    /// What could be read of the first directory: those names are the source's.
    known: Option<&'c Listing>,
    entries: u64,
}

/// One directory of it.
struct Level<'l> {
    from: &'l Dir,
    to: Option<&'l Dir>,
    path: &'l RelPath,
    records: Option<&'l Directory>,
    /// The rules of today, but for rule files that cannot be read.
    rules: Option<&'l DirectoryRules>,
    depth: usize,
}

impl<S: Source> Worker<'_, '_, S> {
    /// Puts what a reference has in a directory into one whose own content cannot be listed, or but in part: names that
    /// were listed, and sorted, are left to the source. Says whether there was any.
    pub fn carry_contents(
        &mut self,
        node: &Node<S>,
        handles: &Handles<S>,
        listed: &Listing,
        operation: &'static str,
        error: &io::Error,
    ) -> Result<bool> {
        if !is_unreadable(error) {
            return Ok(false);
        }
        let Some((number, from)) = handles.references.first() else { return Ok(false) };
        let records = self.records.take();
        let mut carrying =
            Carrying { reference: *number, devices: node.opened.devices, known: Some(listed), entries: 0 };
        let path = node.path();
        let level = Level {
            from,
            to: handles.staged.as_ref(),
            path: &path,
            records: records.as_ref().filter(|_| *number == 0),
            rules: node.opened.rules.as_ref(),
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
        let mut carrying =
            Carrying { reference: *number, devices: parent.opened.devices, known: None, entries: 0 };
        let path = parent.path();
        let level = Level {
            from,
            to: handles.staged.as_ref(),
            path: &path,
            records: records.as_ref(),
            rules: parent.opened.rules.as_ref(),
            depth: 0,
        };
        self.carry_one(&mut carrying, &level, name, &mut parent.draft())?;
        if carrying.entries == 0 {
            return Ok(false);
        }
        self.carried_problem(parent.path_of(name), "open", error, *number, Some(carrying.entries));
        Ok(true)
    }

    fn carry_level(
        &mut self,
        carrying: &mut Carrying<'_>,
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
        let tag = |name: &CStr| read_rule_file(level.from, name);
        let marker = self.engine.plan.filtering.marker_among(&listing, tag)?.map(|(name, _)| name.to_owned());
        if let Some(marker) = marker {
            listing.keep_only(&marker);
        }
        let known = carrying.known.filter(|_| level.depth == 0);
        for entry in listing.entries() {
            if self.engine.halted() {
                return Ok(());
            }
            if known.is_some_and(|known| known.has(listing.name(*entry))) {
                continue;
            }
            self.carry_one(carrying, level, listing.name(*entry), draft)?;
        }
        Ok(())
    }

    fn carry_one(
        &mut self,
        carrying: &mut Carrying<'_>,
        level: &Level<'_>,
        name: &CStr,
        draft: &mut DirectoryDraft,
    ) -> Result<()> {
        let engine = self.engine;
        let path = level.path.child(name.to_bytes());
        let Ok(disk) = level.from.stat_at(name) else { return Ok(()) };
        if !self.takes_part_by(level.rules, name, disk.kind == Kind::Directory)
            || !self.is_small_enough(&disk)
        {
            return Ok(());
        }
        let record = level.records.and_then(|records| records.find(name.to_bytes()));
        let record =
            record.filter(|record| disk.kind == Kind::Directory || record.repository_inode == disk.id.inode);
        let child = if disk.kind == Kind::Directory {
            let recorded = record.as_ref().and_then(Entry::subtree);
            match self.carry_subdirectory(carrying, level, name, &disk, recorded)? {
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
            self.count_flagged(EntryFlags::CARRIED_FORWARD);
            let inode = engine.believed_inode(disk.id.inode);
            push_carried(draft, carrying, name, (&disk, inode), record.as_ref(), child);
        }
        Ok(())
    }

    /// Makes a sub-directory as the reference has it; returns where it is written down.
    #[expect(clippy::option_option, reason = "nothing is written down in a dry run, and that is no failure")]
    fn carry_subdirectory(
        &mut self,
        carrying: &mut Carrying<'_>,
        level: &Level<'_>,
        name: &CStr,
        disk: &Metadata,
        recorded: Option<Subtree>,
    ) -> Result<Option<Option<Subtree>>> {
        let engine = self.engine;
        let path = level.path.child(name.to_bytes());
        let unreadable = |error: &io::Error| {
            engine.problem(
                self.index,
                Problem::io(path.clone(), ProblemKind::ReferenceUnreadable, "carry forward", error),
            );
        };
        if level.depth >= DEEPEST {
            let message = format!("it lies more than {DEEPEST} directories below one that cannot be read");
            unreadable(&io::Error::other(message));
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
        let rules = engine.unread_rules(self.index, level.rules, name)?;
        let mut draft = DirectoryDraft::new(&Metadata { id: FileId::default(), ..*disk });
        let below = Level {
            from: &from,
            to: to.as_ref(),
            path: &path,
            records: records.as_ref(),
            rules: rules.as_ref(),
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
        self.write_draft(&path, &mut draft, None).map(Some)
    }
}

/// Writes an entry down as it was recorded when it could be read.
fn push_carried(
    draft: &mut DirectoryDraft,
    carrying: &Carrying<'_>,
    name: &CStr,
    (disk, inode): (&Metadata, u64),
    record: Option<&Entry<'_>>,
    subtree: Option<Subtree>,
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
    let entry = Entry {
        name: name.to_bytes(),
        metadata,
        repository_inode: placing.repository_inode,
        origin: placing.origin,
        target: record.map_or(&[], |record| record.target),
        xattrs: record.map_or(crate::manifest::RecordedXattrs::NONE, |record| record.xattrs),
        content: placing.content,
        flags: placing.flags,
        ..Entry::NONE
    };
    draft.push(&entry.with_subtree(subtree));
}
