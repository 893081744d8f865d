//! One check, from the choice of snapshots to the report.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::compare::Stored;
use super::links::Links;
use super::names::find_names;
use super::noting::{Note, note};
use super::pending::{Damaged, Pending};
use super::sample::Arc;
use super::state::State;
use super::tree::{Hand, Task, Tree};
use super::{Verifier, VerifyReport};
use crate::counts::Counts;
use crate::crew::{Crew, threads};
use crate::entry::{FileId, Metadata, Timestamp};
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::finding::{Finding, FindingKind, Sighting};
use crate::inodes::InodeSet;
use crate::manifest::{ContentHash, Manifest};
use crate::monitor::{Event, Monitor, Notice, Progress, StopFlag};
use crate::os::{Dir, effective_ids};
use crate::path::RelPath;
use crate::repository::{Repository, RunRecord, Snapshot, SnapshotName};

/// So many findings and problems are in the report; all are told.
const KEPT: usize = 1000;
/// How often a long check writes down how far it is.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// What all threads share.
pub(super) struct Run<'v> {
    pub repository: &'v Repository,
    pub monitor: &'v dyn Monitor,
    pub stop: &'v StopFlag,
    pub threads: usize,
    pub pending: Pending,
    /// Inodes whose content was read and found sound.
    pub verified: InodeSet,
    /// Bytes of content that were read.
    pub bytes: AtomicU64,
    state: State,
    arc: Arc,
    /// Inodes that were met, where the manifest has the same number.
    seen: InodeSet,
    /// Others, with a part of the recorded hash: the repository was copied, or a name now leads to another inode.
    moved: Mutex<HashMap<u64, u64>>,
    entries: AtomicU64,
    expunged: AtomicU64,
    files: AtomicU64,
    told: Mutex<Told>,
}

/// What was told so far.
#[derive(Debug, Default)]
struct Told {
    findings: Vec<Finding>,
    finding_count: u64,
    problems: Vec<Problem>,
    problem_count: u64,
    checked: Vec<SnapshotName>,
    without_manifest: Vec<SnapshotName>,
    notes: Vec<Note>,
}

/// Checks what was asked for.
pub(super) fn run(asked: &Verifier<'_>, monitor: &dyn Monitor) -> Result<VerifyReport> {
    let begun = Instant::now();
    let repository = asked.repository;
    let (state, verified) = State::begin(asked, monitor)?;
    let snapshots = repository.snapshots()?;
    let chosen = chosen(repository, &snapshots, &state)?;
    let run = Run {
        repository,
        monitor,
        stop: &asked.stop,
        threads: threads(asked.threads),
        pending: Pending::default(),
        verified,
        bytes: AtomicU64::new(0),
        arc: Arc::new(state.sample, state.position),
        state,
        seen: InodeSet::default(),
        moved: Mutex::default(),
        entries: AtomicU64::new(0),
        expunged: AtomicU64::new(0),
        files: AtomicU64::new(0),
        told: Mutex::default(),
    };
    let checked = run.check_all(&chosen, &snapshots);
    if checked.is_err() {
        // What was found is told, with the names that are known, and found again when somebody goes on.
        run.pending.take().into_iter().for_each(|damaged| run.tell(damaged.finding()));
        run.save(false);
    }
    checked.map_err(|error| match error.kind() {
        ErrorKind::Interrupted => Error::stopped("stopped; `verify --resume` goes on from here"),
        _ => error,
    })?;
    let noted = note(repository, &std::mem::take(&mut run.told().notes), asked.lock_wait, run.stop);
    if let Err(error) = &noted {
        run.add_problem(Problem::housekeeping(error));
    }
    run.save(true);
    run.tell_progress();
    Ok(run.report(noted.is_ok(), begun.elapsed()))
}

/// The snapshots that were asked for, in the order of their runs.
fn chosen<'s>(repository: &Repository, all: &'s [Snapshot], state: &State) -> Result<Vec<&'s Snapshot>> {
    for name in &state.snapshots {
        if !all.iter().any(|snapshot| snapshot.name() == name) {
            let message = format!("there is no snapshot {name}");
            return Err(Error::new(ErrorKind::NoSuchSnapshot, repository.path(), message));
        }
    }
    let wanted =
        |snapshot: &&Snapshot| state.snapshots.is_empty() || state.snapshots.contains(snapshot.name());
    Ok(all.iter().filter(wanted).collect())
}

impl Run<'_> {
    fn check_all(&self, chosen: &[&Snapshot], all: &[Snapshot]) -> Result<()> {
        let mut saved = Instant::now();
        let mut tick = || {
            self.tell_progress();
            if saved.elapsed() >= SAVE_EVERY {
                self.save(false);
                saved = Instant::now();
            }
        };
        for snapshot in chosen {
            if self.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            self.check(snapshot, &mut tick)?;
        }
        let damaged = find_names(self, all, &mut tick)?;
        let mut notes = Vec::new();
        for damaged in damaged {
            if damaged.spoiled {
                notes.extend(Note::of(&damaged));
            }
            self.tell(damaged.finding());
        }
        self.told().notes.extend(notes);
        Ok(())
    }

    /// Checks one snapshot.
    fn check(&self, snapshot: &Snapshot, tick: &mut dyn FnMut()) -> Result<()> {
        let name = snapshot.name();
        let manifest = match self.repository.manifest(name) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => {
                self.monitor.event(&Event::Notice(Notice::NoManifest(name.to_string())));
                self.told().without_manifest.push(name.clone());
                return Ok(());
            }
            Err(error) => {
                self.unusable_manifest(name, &error);
                return Ok(());
            }
        };
        self.told().checked.push(name.clone());
        if let Err(error) = manifest.check() {
            self.tell(self.damaged_manifest(name, &error.to_string()));
            return Ok(());
        }
        let opened = self.repository.open_tree(name);
        match opened {
            Ok(root) => self.check_tree(name, &root, &manifest, tick),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.removed(name);
                Ok(())
            }
            Err(error) => {
                self.problem(name, &RelPath::root(), ProblemKind::Unreadable, "open", &error);
                Ok(())
            }
        }
    }

    fn check_tree(
        &self,
        name: &SnapshotName,
        root: &Dir,
        manifest: &Manifest,
        tick: &mut dyn FnMut(),
    ) -> Result<()> {
        let by = self.repository.manifest_owner(name)?.unwrap_or_default();
        let tree = Tree {
            run: self,
            name,
            root,
            manifest,
            stored: Stored::new(self.repository.capabilities(), by, effective_ids().0),
            links: Links::default(),
            gone: false.into(),
        };
        tree.root(&mut Hand::new(root))?;
        let first = manifest.root().child.map(|child| Task::Directory(RelPath::root(), child));
        let handle = |hand: &mut Hand<'_>, task, crew: &Crew<Task>| tree.handle(hand, task, crew);
        Crew::work(self.threads, first.into_iter().collect(), self.stop, tick, &|| Hand::new(root), &handle)?;
        if tree.gone.into_inner() {
            self.removed(name);
        }
        Ok(())
    }

    /// A manifest that cannot be opened: damaged, or out of this program's reach.
    fn unusable_manifest(&self, name: &SnapshotName, error: &Error) {
        if error.kind() == ErrorKind::DamagedManifest {
            self.told().checked.push(name.clone());
            self.tell(self.damaged_manifest(name, &error.to_string()));
        } else {
            self.add_problem(Problem::housekeeping(error));
        }
    }

    fn removed(&self, name: &SnapshotName) {
        self.told().checked.retain(|checked| checked != name);
        self.monitor.event(&Event::Notice(Notice::SnapshotRemoved(name.to_string())));
    }

    /// The finding that a manifest is damaged.
    pub fn damaged_manifest(&self, name: &SnapshotName, message: &str) -> Finding {
        let file = format!(".linkdest/manifests/{name}.ldm");
        let message = message.rsplit(".ldm: ").next().unwrap_or(message);
        let place = Sighting { snapshot: name.to_string(), path: RelPath::new(file).unwrap_or_default() };
        let message =
            format!("{message}; the snapshot itself can be read, `reindex` makes the manifest anew");
        Finding::new(FindingKind::Manifest, None, place, message)
    }

    /// Says whether a snapshot is still the one that was opened.
    pub fn is_there(&self, name: &SnapshotName, root: &Dir) -> Result<bool> {
        let look = || -> io::Result<bool> {
            match self.repository.open_tree(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                now => Ok(now?.stat()?.id == root.stat()?.id),
            }
        };
        look().map_err(|error| Error::io("stat", self.path_of(name), error))
    }

    /// Where a snapshot is.
    pub fn path_of(&self, name: &SnapshotName) -> PathBuf {
        self.repository.tree_path(name)
    }

    /// Says whether inode numbers tell inodes apart in this repository; where they do not, each name is one of its own.
    pub fn believes_inodes(&self) -> bool {
        self.repository.capabilities().inode_numbers
    }

    /// Says whether an inode is met for the first time, and takes it that it is.
    ///
    /// An inode that the manifest knows by another number is met once for each content that it should have.
    pub fn is_first(&self, id: FileId, claim: u64, content: Option<&ContentHash>) -> bool {
        if !self.believes_inodes() {
            return true;
        }
        match content.and_then(|hash| hash.0.first_chunk()) {
            Some(part) if claim != id.inode => {
                let part = u64::from_le_bytes(*part);
                let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
                moved.insert(id.inode, part) != Some(part)
            }
            _ => self.seen.insert(id),
        }
    }

    /// Says whether the content of an inode is to be read.
    pub fn is_wanted(&self, disk: &Metadata) -> bool {
        self.arc.contains(disk.id) && !self.was_verified(disk)
    }

    /// An inode that was made since then is another one under the same number.
    fn was_verified(&self, disk: &Metadata) -> bool {
        let Some(since) = self.state.resumed.filter(|_| self.believes_inodes()) else { return false };
        let born = disk.btime.or(disk.ctime);
        self.verified.contains(disk.id) && born.is_some_and(|born| born < since)
    }

    /// Keeps a damaged inode until its names are known.
    pub fn damaged(&self, damaged: Damaged) {
        let alone = if self.believes_inodes() { self.pending.add(damaged) } else { Some(damaged) };
        if let Some(alone) = alone {
            let mut told = Vec::new();
            if alone.spoiled {
                told.extend(Note::of_place(&alone));
            }
            self.told().notes.extend(told);
            self.tell(alone.finding());
        }
    }

    /// Tells a finding and keeps it for the report.
    pub fn tell(&self, finding: Finding) {
        self.monitor.event(&Event::Finding(finding.clone()));
        let mut told = self.told();
        told.finding_count += 1;
        if told.findings.len() < KEPT {
            told.findings.push(finding);
        }
    }

    /// Tells that an entry could not be checked.
    pub fn problem(
        &self,
        name: &SnapshotName,
        path: &RelPath,
        kind: ProblemKind,
        operation: &str,
        error: &io::Error,
    ) {
        let names = [name.as_str().as_bytes(), path.as_bytes()];
        let path = RelPath::from_names(names.into_iter().filter(|name| !name.is_empty()));
        self.add_problem(Problem::io(path, kind, operation, error));
    }

    fn add_problem(&self, problem: Problem) {
        self.monitor.event(&Event::Problem(problem.clone()));
        let mut told = self.told();
        told.problem_count += 1;
        if told.problems.len() < KEPT {
            told.problems.push(problem);
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count_entry(&self) {
        self.entries.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count_expunged(&self) {
        self.expunged.fetch_add(1, Ordering::Relaxed);
    }

    pub fn count_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    fn tell_progress(&self) {
        let counts = Counts {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            problems: self.told().problem_count,
            ..Counts::default()
        };
        self.monitor.progress(&Progress { counts, expected: None });
    }

    /// Writes down how far the check is; that it cannot be is a problem of the next check alone.
    fn save(&self, done: bool) {
        let next = if done { self.arc.end() } else { self.state.position };
        if let Err(error) = self.state.save(self.repository, &self.verified, done, next) {
            self.add_problem(Problem::housekeeping(&error));
        }
    }

    fn report(&self, noted: bool, duration: Duration) -> VerifyReport {
        let told = std::mem::take(&mut *self.told());
        VerifyReport {
            snapshots: told.checked,
            without_manifest: told.without_manifest,
            entries: self.entries.load(Ordering::Relaxed),
            expunged: self.expunged.load(Ordering::Relaxed),
            files_read: self.files.load(Ordering::Relaxed),
            bytes_read: self.bytes.load(Ordering::Relaxed),
            findings: told.findings,
            finding_count: told.finding_count,
            problems: told.problems,
            problem_count: told.problem_count,
            resumed: self.state.resumed.is_some(),
            noted,
            duration,
        }
    }
}

/// When the run ended that made a snapshot, where that is known.
pub(super) fn ended(snapshot: &Snapshot) -> Option<Timestamp> {
    snapshot.record().and_then(RunRecord::ended)
}
