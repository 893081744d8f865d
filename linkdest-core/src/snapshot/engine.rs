//! What all workers of a run share, and the threads themselves.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::Scope;
use std::time::Duration;

use super::budget::Budget;
use super::filtering::Filtering;
use super::groups::Groups;
use super::node::Node;
use super::queue::Queue;
use super::recorded::{DeviceNumbers, Devices};
use super::references::Reference;
use super::relinking::Relinked;
use super::space::Space;
use super::worker::{Task, Worker};
use super::writing_out::WritingOut;
use crate::counts::Counters;
use crate::crew::start;
use crate::entry::{FileId, Metadata, Timestamp};
use crate::error::{Error, Problem, Result};
use crate::inodes::InodeSet;
use crate::manifest::{
    ContentHash, EntryFlags, FileSystemId, Lane, Manifest, ManifestWriter, Subtree, Totals,
};
use crate::monitor::{Action, Event, Monitor, Notice, Progress, Reason, StopFlag};
use crate::os::Dir;
use crate::path::RelPath;
use crate::policy::attributes::Reach;
use crate::policy::{ChangePolicy, MARGIN};
use crate::repository::part_lists::PartLists;
use crate::source::Source;

/// What a run was asked for and what it found out before the walk.
pub(super) struct Plan<'a, S> {
    pub source: &'a S,
    /// The source's absolute path, which some rules are about.
    pub source_path: &'a std::path::Path,
    pub filtering: &'a Filtering,
    /// Entries are only named, not looked at.
    pub select_only: bool,
    /// The root of the tree in staging; `None` in a dry run.
    pub staged: Option<Dir>,
    /// A directory in staging beside the tree, for names that are about to be renamed into it.
    pub scratch: Option<Dir>,
    /// Where it is kept what stands for the parts of large files; `None` where no blocks can be shared.
    pub part_lists: Option<PartLists>,
    /// The device that the repository is on.
    pub device: u64,
    pub references: &'a [Reference],
    /// Inodes of the repository that were found damaged: nothing is linked to them.
    pub damaged: &'a HashSet<u64>,
    /// Where entries are written down; `None` in a dry run.
    pub manifest: Option<ManifestWriter>,
    /// When the run started: what changed since, or shortly before, may change again within the same tick.
    pub started: Timestamp,
    /// Attributes that changed are written down alone, the link is kept.
    pub record_attributes: bool,
    /// All modification times moved by so many seconds (daylight saving on FAT, a phone).
    pub shift: Option<i64>,
    /// Such a shift is believed after a sample.
    pub trust_shift: bool,
    pub policy: &'a dyn ChangePolicy,
    pub reach: Reach,
    pub one_file_system: bool,
    /// Directories that are not entered: the repository's own.
    pub own: Vec<FileId>,
    /// The repository, for messages.
    pub repository: &'a std::path::Path,
    pub space: Space,
    /// Bytes copied after which they are written out; `None` leaves that to the kernel.
    pub write_out: Option<u64>,
    pub threads: usize,
    pub descriptors: usize,
    /// Hard-link groups kept in memory.
    pub hard_links: usize,
    pub monitor: &'a dyn Monitor,
    pub stop: &'a StopFlag,
}

/// What all workers share.
pub(super) struct Engine<'a, S: Source> {
    pub plan: Plan<'a, S>,
    pub counters: Counters,
    pub budget: Budget<S>,
    pub queue: Queue<Task<S>>,
    pub groups: Groups<S>,
    /// Held for writing by who changes a directory that may be stamped at the same time.
    pub stamping: RwLock<()>,
    /// Inodes of references that stand for an inode of the source already.
    pub given: InodeSet,
    /// Those of them that are carried forward.
    carried: Mutex<InodeSet>,
    /// Devices of the source that files cannot be cloned from.
    pub unclonable: Mutex<Vec<u64>>,
    /// Directories found and not yet walked.
    pub walking: AtomicUsize,
    pub root_mount: OnceLock<Option<u64>>,
    devices: Devices,
    /// The first reference's manifest was found damaged: it is not asked again.
    pub manifest_lost: AtomicBool,
    pub damages: Mutex<Vec<(usize, RelPath, FileId)>>,
    pub any_damage: AtomicBool,
    /// Entries of the first reference that are in the source, unchanged, also under another path.
    pub unchanged: AtomicU64,
    /// Entries that were written down with a flag.
    pub flagged: AtomicU64,
    /// Inodes that another one took the place of.
    pub relinked: Mutex<Relinked>,
    lanes: Mutex<Vec<Lane>>,
    root_record: OnceLock<(Subtree, EntryFlags)>,
    pub problems: Mutex<Vec<Problem>>,
    pub out_of_reach: Mutex<BTreeMap<&'static str, u64>>,
    /// A program with more rights than whoever runs it was saved.
    pub setuid: AtomicBool,
    /// The latest modification time that was told by a source without change times, of those before the run.
    latest: AtomicI64,
    fatal: Mutex<Option<Error>>,
    finished: Mutex<bool>,
    finished_wake: Condvar,
}

/// What a walk left to tell.
pub(super) struct Walked {
    pub problems: Vec<Problem>,
    pub counts: crate::counts::Counts,
    /// The source's root as it was when it was opened.
    pub root: Metadata,
    /// The digest of the manifest; `None` after a dry run.
    pub manifest: Option<ContentHash>,
    /// Inodes that names in it have no more.
    pub relinked: Relinked,
    /// What was found damaged: the number of the reference, the path in it, the inode.
    pub damages: Vec<(usize, RelPath, FileId)>,
    /// Entries of the first reference that are in the source, unchanged, also under another path.
    pub unchanged: u64,
    /// The file system that the source's root is on, where that can be told.
    pub file_system: Option<FileSystemId>,
    /// Why the snapshot may not be what it should be.
    pub suspect: Vec<String>,
    /// It has a program that gives whoever runs it more rights.
    pub setuid: bool,
}

impl Walked {
    /// Adds a problem that came up after the walk.
    pub fn add_problem(&mut self, problem: Problem, monitor: &dyn Monitor) {
        self.counts.problems += 1;
        monitor.event(&Event::Problem(problem.clone()));
        self.problems.push(problem);
    }
}

/// The clock of a server may be slow by so much, in seconds.
const SKEW: i64 = 600;
/// So long may pass between a look at a file and its being written down, in seconds.
const LATELY: i64 = 20;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Carries the whole tree from source to staging.
pub(super) fn walk<S: Source>(plan: Plan<'_, S>) -> Result<Walked> {
    let threads = plan.threads;
    let (queue, locals) = Queue::new(threads);
    let engine = Engine {
        counters: Counters::new(threads),
        budget: Budget::new(plan.descriptors),
        queue,
        groups: Groups::new(plan.hard_links),
        stamping: RwLock::new(()),
        given: InodeSet::default(),
        carried: Mutex::default(),
        unclonable: Mutex::default(),
        walking: AtomicUsize::new(1),
        root_mount: OnceLock::new(),
        devices: Devices::default(),
        manifest_lost: AtomicBool::new(false),
        damages: Mutex::default(),
        any_damage: AtomicBool::new(false),
        unchanged: AtomicU64::new(0),
        flagged: AtomicU64::new(0),
        relinked: Mutex::default(),
        lanes: Mutex::default(),
        root_record: OnceLock::new(),
        problems: Mutex::default(),
        out_of_reach: Mutex::default(),
        setuid: AtomicBool::new(false),
        latest: AtomicI64::new(i64::MIN),
        fatal: Mutex::default(),
        finished: Mutex::new(false),
        finished_wake: Condvar::new(),
        plan,
    };
    let root = engine.open_root()?;
    engine.queue.push(Task::Walk(Arc::clone(&root)));
    std::thread::scope(|scope| {
        for (index, local) in locals.into_iter().enumerate() {
            let engine = &engine;
            if let Err(error) = start(scope, move || Worker::new(engine, index, local).run()) {
                // Those that there are do all the work; with none, nothing would ever be done.
                if index == 0 {
                    engine.fail(error);
                }
                break;
            }
        }
        engine.watch(scope);
    });
    engine.tell_progress();
    engine.end(&root)
}

impl<S: Source> Engine<'_, S> {
    /// Tells progress on the calling thread until the workers are done, and passes the wish to stop on to them.
    fn watch<'s, 'e>(&'e self, scope: &'s Scope<'s, 'e>) {
        let mut writing_out = WritingOut::default();
        while !self.is_finished_after_a_tick() {
            self.tell_progress();
            writing_out.go_on(self, scope);
            if self.plan.stop.is_stopped() {
                self.queue.close();
                return;
            }
        }
    }

    /// Waits a moment, or until the workers are done, and says whether they are.
    fn is_finished_after_a_tick(&self) -> bool {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.finished_wake.wait_timeout_while(finished, TICK, |finished| !*finished);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn tell_progress(&self) {
        let first = self.plan.references.first().filter(|first| first.at.is_none());
        let expected = first.and_then(|first| first.manifest.as_ref());
        let expected = expected.map(|manifest| manifest.totals().entries);
        self.plan.monitor.progress(&Progress { counts: self.counters.sum(), expected });
    }

    /// Ends the work, done or not.
    pub fn finish(&self) {
        self.queue.close();
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.finished_wake.notify_all();
    }

    /// Ends the run without a snapshot. The first reason counts.
    pub fn fail(&self, error: Error) {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.finish();
    }

    /// Says whether no new entry is to be begun.
    pub fn halted(&self) -> bool {
        self.plan.stop.is_stopped() || self.queue.is_closed()
    }

    fn end(self, root: &Node<S>) -> Result<Walked> {
        if let Some(error) = self.fatal.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        if self.plan.stop.is_stopped() {
            let select_only = self.plan.select_only;
            return Err(if select_only { Error::stopped("stopped") } else { Error::interrupted() });
        }
        let out_of_reach = self.out_of_reach.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (what, entries) in out_of_reach {
            self.plan.monitor.event(&Event::Notice(Notice::OutOfReach { what, entries }));
        }
        let problems = self.problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        let counts = self.counters.sum();
        let devices = self.devices.table();
        let number = usize::try_from(root.opened.devices.here).unwrap_or_default();
        let file_system = number.checked_sub(1).and_then(|index| devices.get(index).cloned());
        let manifest = match (self.plan.manifest, self.root_record.get()) {
            (Some(writer), Some((child, flags))) => {
                let lanes = self.lanes.into_inner().unwrap_or_else(PoisonError::into_inner);
                let totals = Totals {
                    entries: counts.entries,
                    directories: counts.directories,
                    files: counts.files_linked + counts.files_copied + counts.files_cloned,
                    bytes: counts.bytes,
                    flagged: self.flagged.load(Ordering::Relaxed),
                };
                let entry = root.entry(Some(*child), *flags);
                let finished = writer.finish(lanes, &entry, &devices, totals, Timestamp::now());
                let failed = |error| Error::io("write the manifest of", self.plan.repository, error);
                Some(finished.map_err(failed)?)
            }
            _ => None,
        };
        let damages = self.damages.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (root, unchanged) = (*root.metadata(), self.unchanged.into_inner());
        let suspect = Vec::new();
        let setuid = self.setuid.into_inner();
        let relinked = self.relinked.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Walked {
            problems,
            counts,
            root,
            manifest,
            relinked,
            damages,
            unchanged,
            file_system,
            suspect,
            setuid,
        })
    }

    /// The first reference's manifest, while it is sound.
    pub fn predecessor(&self) -> Option<&Manifest> {
        let manifest = self.plan.references.first()?.manifest.as_ref()?;
        (!self.manifest_lost.load(Ordering::Relaxed)).then_some(manifest)
    }

    /// Says whether extended attributes that the first reference's manifest has need not be read again: another user
    /// sees others, and stores others.
    pub fn inherits_xattrs(&self) -> bool {
        self.plan.references.first().is_some_and(|first| first.same_user)
    }

    /// Gives an inode of a reference to a name that is carried forward, together with its other names there.
    pub fn give_carried(&self, id: FileId) -> bool {
        let carried = self.carried.lock().unwrap_or_else(PoisonError::into_inner);
        carried.contains(id) || (self.given.insert(id) && carried.insert(id))
    }

    /// How the device of a directory is numbered.
    pub fn device_numbers(&self, dir: &S::Dir, metadata: &Metadata) -> DeviceNumbers {
        let identify = || self.plan.source.file_system(dir);
        self.devices.numbers(metadata.id.device, self.predecessor(), identify)
    }

    /// Keeps what a worker has still to write.
    pub fn keep_lane(&self, lane: Lane) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }

    /// The number of an inode in the repository as it is written down: 0, unknown, where numbers prove nothing.
    pub fn believed_inode(&self, number: u64) -> u64 {
        if self.plan.reach.inodes { number } else { 0 }
    }

    /// Takes where the root was written down.
    pub fn set_root_record(&self, subtree: Subtree, flags: EntryFlags) {
        let _ = self.root_record.set((subtree, flags));
    }

    /// Says whether an entry may have changed in the tick in which it was looked at.
    pub fn is_racy(&self, metadata: &Metadata) -> bool {
        let changed = metadata.ctime.unwrap_or(metadata.mtime);
        changed >= self.plan.started.minus_seconds(MARGIN)
    }

    /// Says so of an entry that was read in this run, where the clock of a server may be slow: by as much as is known, or it
    /// is no earlier there than the latest time that was told. What an earlier run read as well is older than that run.
    pub fn is_racy_by_its_clock(&self, metadata: &Metadata) -> bool {
        let changed = metadata.mtime;
        if metadata.ctime.is_some() {
            return false;
        }
        if let Some(lag) = self.plan.source.lag() {
            return changed >= self.plan.started.minus_seconds(MARGIN.saturating_add(lag));
        }
        if changed < self.plan.started.minus_seconds(SKEW) {
            return false;
        }
        let latest = self.latest.fetch_max(changed.seconds, Ordering::Relaxed);
        changed.seconds >= latest.saturating_sub(LATELY)
    }

    pub fn is_dry(&self) -> bool {
        self.plan.staged.is_none()
    }

    /// Says whether files of a device were found to share no blocks with the repository.
    pub fn is_unclonable(&self, device: u64) -> bool {
        self.unclonable.lock().unwrap_or_else(PoisonError::into_inner).contains(&device)
    }

    pub fn set_unclonable(&self, device: u64) {
        self.unclonable.lock().unwrap_or_else(PoisonError::into_inner).push(device);
    }

    /// Tells what is done with an entry, if anybody wants to know.
    pub fn tell_entry(&self, path: impl FnOnce() -> RelPath, action: Action, reason: Reason) {
        if self.is_dry() || self.plan.monitor.wants_entries() {
            self.plan.monitor.event(&Event::Entry { path: path(), action, reason });
        }
    }
}
