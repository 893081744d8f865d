//! The second walk: a snapshot is placed in staging and written down, directories after what is in them.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ffi::CString;
use std::io;

use super::beside::{Here, Sides};
use super::earlier::Known;
use super::far::{Far, Stamps};
use super::leftover::Leftovers;
use super::plan::{Key, Plan, Table};
use super::throttle::Throttle;
use super::watch::{Problems, Watch};
use crate::counts::Counts;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{ContentHash, DirectoryDraft, Entry, EntryFlags, ManifestWriter, Totals, XattrValue};
use crate::monitor::{Action, Reason, StopFlag};
use crate::os::{Dir, XattrBuffer, XattrPlace, Xattrs, errno};
use crate::path::RelPath;
use crate::placing::Refused;
use crate::policy::attributes::XattrPlaceInRun;
use crate::repository::{Repository, SnapshotName};
use crate::source::read_xattrs;

/// What one run shares over all of its snapshots.
pub(super) struct Running<'r> {
    pub source: &'r Repository,
    pub target: &'r Repository,
    pub throttle: &'r RefCell<Throttle>,
    pub watch: &'r Watch<'r>,
    pub stop: &'r StopFlag,
}

/// One replica while it grows.
pub(super) struct Tree<'t, 'k, F: Far> {
    pub running: &'t Running<'t>,
    pub name: &'t SnapshotName,
    pub sides: Sides<'t>,
    pub known: &'t mut Known<'k>,
    pub table: Table,
    /// The names that the manifest's references have.
    pub references: &'t [String],
    pub far: F,
    pub staged_root: &'t F::Dir,
    pub staged: Descent<'t, F::Dir>,
    pub base: Option<Descent<'t, F::Dir>>,
    pub leftovers: Leftovers<'t, F::Dir>,
    pub source: Descent<'t, Dir>,
    pub xattrs: XattrBuffer,
    pub counts: Counts,
    pub problems: Problems,
    /// The inode because of whose names the snapshot must be begun again.
    pub limit: &'t Cell<Option<Key>>,
    totals: Totals,
    met: HashSet<Key>,
}

/// What a replica came to.
pub(super) struct Grown {
    pub digest: ContentHash,
    pub counts: Counts,
    pub problems: Problems,
}

/// The trees that a replica grows from, and where it says why it cannot.
pub(super) struct Roots<'t, D> {
    pub staged: &'t D,
    pub base: Option<&'t D>,
    pub source: &'t Dir,
    pub limit: &'t Cell<Option<Key>>,
}

struct Level {
    here: Here,
    next: usize,
    draft: DirectoryDraft,
}

impl<'t, 'k, F: Far> Tree<'t, 'k, F> {
    pub fn new(
        running: &'t Running<'t>,
        (sides, plan, known): (Sides<'t>, Plan, &'t mut Known<'k>),
        references: &'t [String],
        far: F,
        roots: &Roots<'t, F::Dir>,
        leftovers: Leftovers<'t, F::Dir>,
    ) -> Self {
        Self {
            running,
            name: sides.name,
            sides,
            known,
            table: plan.table,
            references,
            far,
            staged_root: roots.staged,
            staged: Descent::new(roots.staged),
            base: roots.base.map(Descent::new),
            leftovers,
            source: Descent::new(roots.source),
            xattrs: XattrBuffer::default(),
            counts: Counts::default(),
            problems: Problems::default(),
            limit: roots.limit,
            totals: Totals::default(),
            met: HashSet::new(),
        }
    }

    /// Places everything.
    pub fn grow(mut self, writer: ManifestWriter) -> Result<Grown> {
        let mut lane = writer.lane();
        let manifest = self.sides.manifest;
        let Some(root) = manifest.root().child else {
            let place = self.running.source.tree_path(self.name);
            return Err(Error::new(ErrorKind::DamagedManifest, place, "its manifest has no root"));
        };
        let here = self.sides.root(self.known, root)?;
        let mut levels = vec![self.level(here)?];
        let unwritten = |error| Error::io("write the manifest of", self.name.as_str(), error);
        loop {
            let Some(level) = levels.last_mut() else {
                return Err(unwritten(io::Error::other("the walk did not end at the root")));
            };
            if let Some(below) = self.next_below(level)? {
                levels.push(below);
                continue;
            }
            let path = level.here.directory.path().clone();
            let child = lane.write(&writer, path.as_bytes(), &mut level.draft).map_err(unwritten)?;
            levels.pop();
            let Some(parent) = levels.last_mut() else {
                let mut root = manifest.root();
                root.flags = self.stamp(&path, &root)?;
                root.child = Some(child);
                let ended = manifest.ended();
                let finished = writer.finish(vec![lane], &root, manifest.devices(), self.totals, ended);
                let digest = finished.map_err(unwritten)?;
                return Ok(Grown { digest, counts: self.counts, problems: self.problems });
            };
            if let Some(mut entry) = parent.here.directory.get(parent.next) {
                entry.flags = self.stamp(&path, &entry)?;
                entry.child = Some(child);
                self.push_directory(&mut parent.draft, &entry);
            }
            parent.next += 1;
        }
    }

    /// Places all in a directory that is no directory.
    fn level(&mut self, here: Here) -> Result<Level> {
        let mut draft = DirectoryDraft::new(&self.sides.manifest.root().metadata);
        for entry in here.directory.entries() {
            if entry.is_expunged() {
                self.totals.flagged += 1;
                draft.push(&entry);
            } else if entry.metadata.kind != Kind::Directory {
                self.check_stop()?;
                self.place(&here, &mut draft, &entry)?;
            }
        }
        self.running.watch.show(&self.counts);
        Ok(Level { here, next: 0, draft })
    }

    /// Makes the next sub-directory, and goes into it.
    fn next_below(&mut self, level: &mut Level) -> Result<Option<Level>> {
        while let Some(entry) = level.here.directory.get(level.next) {
            if entry.metadata.kind == Kind::Directory && !entry.is_expunged() {
                let path = level.here.directory.path().child(entry.name);
                let name = self.c_name(&path, entry.name)?;
                let made = self.staged.open(level.here.directory.path());
                if let Err(error) = made.and_then(|dir| self.far.make_dir(dir, &name)) {
                    self.target_problem(&path, "make directory", error)?;
                    level.next += 1;
                    continue;
                }
                self.running.watch.entry(self.name, || path.clone(), Action::Create, Reason::Directory);
                if let Some(child) = entry.child {
                    let here = self.sides.below(self.known, &level.here, &entry, child)?;
                    return self.level(here).map(Some);
                } else {
                    let message = "its path is too long for a manifest; what is in it was not brought";
                    let kind = ProblemKind::NotStored;
                    self.problem(Problem::new(path.clone(), kind, "replicate", message));
                    let flags = self.stamp(&path, &entry)?;
                    self.push_directory(&mut level.draft, &Entry { flags, ..entry });
                }
            }
            level.next += 1;
        }
        Ok(None)
    }

    fn push_directory(&mut self, draft: &mut DirectoryDraft, entry: &Entry<'_>) {
        draft.push(entry);
        self.totals.entries += 1;
        self.totals.directories += 1;
        self.totals.flagged += u64::from(!entry.flags.is_empty());
        self.counts.entries += 1;
        self.counts.directories += 1;
    }

    /// Writes an entry down that was placed; `first` if no other name of its inode was.
    pub fn push(&mut self, draft: &mut DirectoryDraft, entry: &Entry<'_>, key: Option<Key>) {
        draft.push(entry);
        let first = key.is_none_or(|key| self.met.insert(key));
        self.totals.entries += 1;
        self.totals.flagged += u64::from(!entry.flags.is_empty());
        self.counts.entries += 1;
        if entry.metadata.kind == Kind::File {
            self.totals.files += 1;
            if first {
                self.totals.bytes += entry.metadata.size;
                self.counts.bytes += entry.metadata.size;
            }
        }
    }

    /// Gives a directory its last attributes; returns the flags of its record.
    fn stamp(&mut self, path: &RelPath, entry: &Entry<'_>) -> Result<EntryFlags> {
        let mut stamps = self.recorded(entry, |tree| tree.source.open(path)?.open_dir_search(c"."), path)?;
        // Renaming a directory changes `..` in it: its owner must be allowed to write it until it is published.
        if path.as_bytes().is_empty() && stamps.metadata.mode & 0o200 == 0 {
            stamps.metadata.mode |= 0o700;
        }
        let refused = match self.staged.open(path) {
            Ok(dir) => self.far.stamp_dir(dir, &stamps),
            Err(error) => Err(error),
        };
        match refused {
            Ok(refused) => self.refused(path, entry.flags, refused),
            Err(error) => self.target_problem(path, "open", error).map(|()| entry.flags),
        }
    }

    /// The attributes that an entry's record has. Long values are read from the tree, of what `open` opens.
    pub fn recorded(
        &mut self,
        entry: &Entry<'_>,
        open: impl FnOnce(&mut Self) -> io::Result<Dir>,
        path: &RelPath,
    ) -> Result<Stamps> {
        let (metadata, mut xattrs) = (entry.metadata, Xattrs::new());
        let mut is_whole = true;
        for (name, value) in entry.xattrs {
            match (self.far.reach().xattr(name), value) {
                (XattrPlaceInRun::Kept, XattrValue::Whole(value)) => {
                    xattrs.push((CString::new(name).unwrap_or_default(), value.to_vec()));
                }
                (XattrPlaceInRun::Kept, XattrValue::Digest { .. }) => is_whole = false,
                (XattrPlaceInRun::OutOfReach(what), _) => self.running.watch.out_of_reach(what),
                (XattrPlaceInRun::Ignored, _) => {}
            }
        }
        if !is_whole {
            let reach = *self.far.reach();
            let read = open(self).and_then(|dir| match metadata.kind {
                Kind::Directory => read_xattrs(XattrPlace::Dir(&dir), &reach, &mut self.xattrs),
                _ => {
                    let name = CString::new(entry.name)?;
                    read_xattrs(XattrPlace::At(&dir, &name), &reach, &mut self.xattrs)
                }
            });
            match read {
                Ok(known) => xattrs = known.kept,
                Err(error) => self.source_problem(path, "read extended attributes", error)?,
            }
        }
        let reach = self.far.reach();
        if !reach.owner && (metadata.uid, metadata.gid) != reach.born {
            self.running.watch.out_of_reach("owners");
        }
        Ok(Stamps { metadata, xattrs })
    }

    /// Reports what was refused; returns the flags that the record then has.
    pub fn refused(
        &mut self,
        path: &RelPath,
        recorded: EntryFlags,
        refused: Vec<Refused>,
    ) -> Result<EntryFlags> {
        let mut flags = EntryFlags::from_bits(recorded.bits() & !EntryFlags::NOT_STORED.bits());
        for Refused { operation, error } in refused {
            let too_large = errno::is_no_space(&error)
                && operation == "set extended attribute"
                && self.running.target.root.available().is_ok_and(|bytes| bytes > 1 << 20);
            if errno::is_target_failing(&error) && !too_large {
                return Err(self.target_error(path, operation, error));
            }
            flags.insert(EntryFlags::NOT_STORED);
            self.problem(Problem::io(path.clone(), ProblemKind::NotStored, operation, &error));
        }
        Ok(flags)
    }

    /// Says whether a name of this inode was placed.
    pub fn has_met(&self, key: &Key) -> bool {
        self.met.contains(key)
    }

    pub fn check_stop(&self) -> Result<()> {
        if self.running.stop.is_stopped() { Err(Error::interrupted()) } else { Ok(()) }
    }

    pub fn c_name(&self, path: &RelPath, name: &[u8]) -> Result<CString> {
        CString::new(name).map_err(|error| self.target_error(path, "name", error.into()))
    }

    pub fn problem(&mut self, problem: Problem) {
        self.running.watch.problem(Some(self.name), &problem);
        self.counts.problems += 1;
        self.problems.add(problem);
    }

    fn target_error(&self, path: &RelPath, operation: &'static str, error: io::Error) -> Error {
        let place = self.running.target.path().join(self.name.as_str()).join(path.as_path());
        Error::io(operation, place, error)
    }

    /// Sorts an error of the target: some end the run, the others are the entry's problem.
    pub fn target_problem(
        &mut self,
        path: &RelPath,
        operation: &'static str,
        error: io::Error,
    ) -> Result<()> {
        if errno::is_target_failing(&error) {
            return Err(self.target_error(path, operation, error));
        }
        let kind = match error.kind() {
            io::ErrorKind::AlreadyExists => ProblemKind::Collision,
            _ => ProblemKind::NotStored,
        };
        self.problem(Problem::io(path.clone(), kind, operation, &error));
        Ok(())
    }

    /// Takes an error of the repository that is read as the entry's problem, unless the whole snapshot is gone, or this
    /// process is out of something.
    pub fn source_problem(
        &mut self,
        path: &RelPath,
        operation: &'static str,
        error: io::Error,
    ) -> Result<()> {
        let source = self.running.source;
        if errno::is_exhausted(&error) {
            let place = source.tree_path(self.name).join(path.as_path());
            return Err(Error::io(operation, place, error));
        }
        if !source.has_snapshot(self.name)? {
            let message = "was removed while it was being replicated";
            return Err(Error::new(
                ErrorKind::NoSuchSnapshot,
                source.path().join(self.name.as_str()),
                message,
            ));
        }
        self.problem(Problem::io(path.clone(), ProblemKind::Unreadable, operation, &error));
        Ok(())
    }
}
