//! What a replica is grown with, and what becomes of errors on the way.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::io;

use super::ahead::Ahead;
use super::beside::Sides;
use super::earlier::Known;
use super::far::{Far, Stamping};
use super::leftover::Leftovers;
use super::plan::{Key, Plan, Table};
use super::store::Store;
use super::throttle::Throttle;
use super::watch::{Problems, Watch};
use crate::counts::Counts;
use crate::descent::Descent;
use crate::entry::Kind;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{ContentHash, DirectoryDraft, Entry, EntryFlags, Totals};
use crate::monitor::StopFlag;
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
    pub totals: Totals,
    /// Directories that are read before their turn.
    pub ahead: Ahead,
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

/// The attributes of a directory on their way; `None` where that failed, which was told.
pub(super) type Stamped = Option<(Stamping, bool)>;

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
            ahead: Ahead::default(),
            met: HashSet::new(),
            first: HashMap::new(),
        }
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

    /// Gives a directory its last attributes.
    pub fn stamp(&mut self, path: &RelPath, entry: &Entry<'_>) -> Result<Stamped> {
        let mut stamps = self.recorded(entry, |tree| tree.source.open(path)?.open_dir_search(c"."), path)?;
        // Renaming a directory changes `..` in it: its owner must be allowed to write it until it is published.
        if path.as_bytes().is_empty() && stamps.metadata.mode & 0o200 == 0 {
            stamps.metadata.mode |= 0o700;
        }
        let stamping = match self.staged.open(path) {
            Ok(dir) => self.far.stamp_dir(dir, &stamps),
            Err(error) => Err(error),
        };
        match stamping {
            Ok(stamping) => Ok(Some((stamping, stamps.incomplete))),
            Err(error) => self.target_problem(path, "open", error).map(|()| None),
        }
    }

    /// Waits for that; returns the flags of its record.
    pub fn stamped(&mut self, path: &RelPath, flags: EntryFlags, stamped: Stamped) -> Result<EntryFlags> {
        let Some((stamping, incomplete)) = stamped else { return Ok(flags) };
        let refused = stamping.wait().map_err(|error| self.target_error(path, "write", error))?;
        self.refused(path, flags, refused, incomplete)
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

    pub fn target_error(&self, path: &RelPath, operation: &'static str, error: io::Error) -> Error {
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
