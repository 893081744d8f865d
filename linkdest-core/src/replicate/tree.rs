//! The second walk: a snapshot is placed in staging and written down, directories after what is in them.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::io;

use super::beside::{Here, Sides};
use super::earlier::Known;
use super::far::Far;
use super::leftover::Leftovers;
use super::plan::{Key, Plan, Table, may_be_shared};
use super::store::Store;
use super::throttle::Throttle;
use super::watch::{Problems, Watch};
use crate::counts::Counts;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{ContentHash, DirectoryDraft, Entry, EntryFlags, ManifestWriter, Totals};
use crate::monitor::{Action, Reason, StopFlag};
use crate::os::{Dir, XattrBuffer, errno};
use crate::path::RelPath;
use crate::placing::Refused;
use crate::repository::{Repository, SnapshotName};

/// What one run shares over all of its snapshots.
pub(super) struct Running<'r> {
    pub source: &'r Repository,
    pub target: &'r dyn Store,
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
    /// So many entries are not there, or not with their content.
    pub lacking: u64,
    /// Has what is in staging compared by content before another run takes it.
    pub distrust: &'t dyn Fn() -> Result<()>,
    /// The inode because of whose names the snapshot must be begun again.
    pub limit: &'t Cell<Option<Key>>,
    totals: Totals,
    met: HashSet<Key>,
    /// The first name here of each inode that was linked and has several.
    pub first: HashMap<Key, RelPath>,
}

/// Says whether an error of the target ends the run: it is full or failing, or the connection is lost.
pub(super) fn ends_run(error: &io::Error) -> bool {
    errno::is_target_failing(error) || Error::within(error).is_some()
}

/// What a replica came to.
pub(super) struct Grown {
    pub digest: ContentHash,
    pub counts: Counts,
    pub problems: Problems,
    pub lacking: u64,
}

/// The trees that a replica grows from, and where it says why it cannot.
pub(super) struct Roots<'t, D> {
    pub staged: &'t D,
    pub base: Option<&'t D>,
    pub source: &'t Dir,
    pub limit: &'t Cell<Option<Key>>,
    pub distrust: &'t dyn Fn() -> Result<()>,
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
            lacking: 0,
            distrust: roots.distrust,
            limit: roots.limit,
            totals: Totals::default(),
            met: HashSet::new(),
            first: HashMap::new(),
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
                let mut root = manifest.root().with_subtree(Some(child));
                root.flags = self.stamp(&path, &root)?;
                let ended = manifest.ended();
                let finished = writer.finish(vec![lane], &root, manifest.devices(), self.totals, ended);
                let digest = finished.map_err(unwritten)?;
                let Self { counts, problems, lacking, .. } = self;
                return Ok(Grown { digest, counts, problems, lacking });
            };
            if let Some(entry) = parent.here.directory.get(parent.next) {
                let mut entry = entry.with_subtree(Some(child));
                entry.flags = self.stamp(&path, &entry)?;
                self.push_directory(&mut parent.draft, &entry);
            }
            parent.next += 1;
        }
    }

    /// Places all in a directory that is no directory.
    fn level(&mut self, here: Here) -> Result<Level> {
        let mut draft = DirectoryDraft::new(&self.sides.manifest.root().metadata);
        let ahead = self.look_ahead(&here);
        let mut begun = 0;
        for (index, entry) in here.directory.entries().enumerate() {
            while ahead > 0
                && begun < index + ahead
                && let Some(entry) = here.directory.get(begun)
            {
                self.begin(&here, &entry)?;
                begun += 1;
            }
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

    /// Tells the far side what is going to be linked from.
    fn look_ahead(&mut self, here: &Here) -> usize {
        let base = self.base.as_mut().filter(|_| here.base.is_some());
        let dir = base.and_then(|base| base.open(here.directory.path()).ok());
        dir.map_or(0, |dir| self.far.look_ahead(dir))
    }

    /// Begins the link of a file that nothing but the base leads to.
    fn begin(&mut self, here: &Here, entry: &Entry<'_>) -> Result<()> {
        if entry.metadata.kind != Kind::File || entry.is_expunged() || may_be_shared(entry) {
            return Ok(());
        }
        let link = self.sides.same_path(self.known, here, entry);
        let (Some(expected), Some(base)) = (link.and_then(|link| link.expected), &mut self.base) else {
            return Ok(());
        };
        let path = here.directory.path();
        let name = CString::new(entry.name).unwrap_or_default();
        // Where something cannot be opened, the link itself will say so.
        if let (Ok(from), Ok(to)) = (base.open(path), self.staged.open(path)) {
            self.far.begin_link(&expected, from, to, &name);
        }
        self.check_stop()
    }

    /// Makes the next sub-directory, and goes into it.
    fn next_below(&mut self, level: &mut Level) -> Result<Option<Level>> {
        while let Some(entry) = level.here.directory.get(level.next) {
            if entry.metadata.kind == Kind::Directory && !entry.is_expunged() {
                self.check_stop()?;
                let path = level.here.directory.path().child(entry.name);
                let name = self.c_name(&path, entry.name)?;
                let made = self.staged.open(level.here.directory.path());
                if let Err(error) = made.and_then(|dir| self.far.make_dir(dir, &name)) {
                    self.target_problem(&path, "make directory", error)?;
                    self.lacking += 1;
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
                    self.lacking += 1;
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
            Ok(refused) => self.refused(path, entry.flags, refused, stamps.incomplete),
            Err(error) => self.target_problem(path, "open", error).map(|()| entry.flags),
        }
    }

    /// Reports what was refused; returns the flags that the record then has. `incomplete` was reported.
    pub fn refused(
        &mut self,
        path: &RelPath,
        recorded: EntryFlags,
        refused: Vec<Refused>,
        incomplete: bool,
    ) -> Result<EntryFlags> {
        let mut flags = EntryFlags::from_bits(recorded.bits() & !EntryFlags::NOT_STORED.bits());
        if incomplete {
            flags.insert(EntryFlags::NOT_STORED);
        }
        for Refused { operation, error } in refused {
            let too_large = errno::is_no_space(&error)
                && operation == "set extended attribute"
                && self.running.target.available().is_some_and(|bytes| bytes > 1 << 20);
            if ends_run(&error) && !too_large {
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
        if ends_run(&error) {
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
