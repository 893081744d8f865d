//! One restore, from the checks to the report.

use std::ffi::OsStr;
use std::io;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::decide::At;
use super::engine::{Engine, Plan};
use super::markers::{DIGITS, OURS};
use super::node::{Handles, Job, Node, c_string};
use super::reach::reach;
use super::saved::SavedDir;
use super::unsaved::Unsaved;
use super::wanted::Wanted;
use super::worker::Worker;
use super::{RestoreReport, Restorer};
use crate::counts::Counts;
use crate::crew::start;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::manifest::{BlockCache, Manifest};
use crate::monitor::{Action, Monitor, Progress, Reason};
use crate::native::OsStrExt as _;
use crate::os::{Dir, effective_ids, open_file_limit, random_id};
use crate::path::RelPath;
use crate::repository::{manifest_error, parent_of};
use crate::snapshot::{Queue, check_system};

/// Each open directory takes two descriptors at most.
const MOST_OPEN: usize = 100;
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Runs what was asked for.
pub(super) fn run(asked: &Restorer<'_>, monitor: &dyn Monitor) -> Result<RestoreReport> {
    let begun = Instant::now();
    check_system(monitor)?;
    let mut saved = find(asked)?;
    let damage = saved.damage.take();
    let target = open_target(asked, saved.wanted.metadata.kind)?;
    let suits = || asked.repository.threads().unwrap_or_else(cores);
    let workers = asked.threads.map_or_else(suits, usize::from);
    let (queue, locals) = Queue::new(workers);
    let engine = Engine::new(plan(asked, monitor, &mut saved, &target)?, queue);
    if let Some(error) = damage {
        let message = format!("{error}; the snapshot's tree was taken instead");
        let kind = ProblemKind::ReferenceUnreadable;
        engine.add_problem(Problem::new(RelPath::root(), kind, "read the manifest", message));
    }
    let sync = target.dir.as_ref().map(|dir| dir.open_dir(c".")).transpose();
    let sync = sync.map_err(|error| Error::io("open", &asked.target, error))?;
    work(&engine, target, saved.wanted, locals)?;
    engine.tell_out_of_reach();
    asked.repository.tell_odd(monitor);
    if let Some(error) = engine.take_failure() {
        return Err(error);
    }
    if let (Some(dir), false) = (sync, asked.dry_run) {
        dir.sync_file_system().map_err(|error| Error::io("write to disk", &asked.target, error))?;
    }
    Ok(RestoreReport {
        snapshot: asked.snapshot.clone(),
        target: asked.target.clone(),
        counts: *engine.counts.lock().unwrap_or_else(PoisonError::into_inner),
        problems: std::mem::take(&mut *engine.problems.lock().unwrap_or_else(PoisonError::into_inner)),
        duration: begun.elapsed(),
        dry_run: asked.dry_run,
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What is to be restored.
struct Saved {
    wanted: Wanted,
    manifest: Option<Manifest>,
    /// The directory itself, or the one that the entry is in.
    dir: Option<SavedDir>,
    base: RelPath,
    /// Why the manifest cannot be used, where it cannot.
    damage: Option<Error>,
}

/// Finds what is asked for in the snapshot.
fn find(asked: &Restorer<'_>) -> Result<Saved> {
    let repository = asked.repository;
    let at = repository.tree_path(&asked.snapshot);
    let (manifest, damage) = match repository.manifest(&asked.snapshot) {
        Ok(manifest) => (manifest, None),
        Err(error) if error.kind() == ErrorKind::DamagedManifest && repository.is_here() => {
            (None, Some(error))
        }
        Err(error) => return Err(error),
    };
    let (recorded, manifest, damage) = match manifest.as_ref().map(|manifest| recorded(asked, manifest)) {
        Some(Ok(recorded)) => (Some(recorded), manifest, damage),
        Some(Err(error)) if !repository.is_here() => return Err(error),
        Some(Err(error)) => (None, None, Some(error)),
        None => (None, None, damage),
    };
    let failed = |error| Error::io("open", at.join(asked.path.as_path()), error);
    let root = repository.open_tree(&asked.snapshot).map_err(|error| Error::io("open", &at, error))?;
    let (parent, name) = split(&asked.path);
    let no_such = || repository.no_such_path(&asked.snapshot, &asked.path);
    let wanted = match recorded {
        Some(None) => return Err(no_such()),
        Some(Some(wanted)) => wanted,
        None => match open_below(&root, parent).and_then(|dir| dir.stat_at(&c_string(name))) {
            Ok(stat) => as_root(Wanted::on_disk(&c_string(name), stat)),
            Err(error) if crate::os::errno::is_absent(&error) => return Err(no_such()),
            Err(error) => return Err(failed(error)),
        },
    };
    let base = match wanted.metadata.kind {
        Kind::Directory => asked.path.clone(),
        _ => RelPath::new(parent).unwrap_or_default(),
    };
    let dir = open_below(&root, base.as_bytes()).map_err(failed)?;
    Ok(Saved { wanted, manifest, dir: Some(dir), base, damage })
}

/// Finds it in the manifest.
fn recorded(asked: &Restorer<'_>, manifest: &Manifest) -> Result<Option<Wanted>> {
    let found = manifest
        .find(asked.path.as_bytes(), &mut BlockCache::default())
        .map_err(|error| manifest_error(asked.repository.manifest_path(&asked.snapshot), error))?;
    let there = found.filter(|found| !found.entry().is_expunged());
    Ok(there.map(|found| as_root(Wanted::recorded(&found.entry()))))
}

/// A directory is asked about as `.` in itself.
fn as_root(mut wanted: Wanted) -> Wanted {
    if wanted.metadata.kind == Kind::Directory {
        wanted.name = c".".into();
    }
    wanted
}

/// Takes the last name off a path; the root is `.` in itself.
fn split(path: &RelPath) -> (&[u8], &[u8]) {
    let bytes = path.as_bytes();
    match bytes.iter().rposition(|&byte| byte == b'/') {
        _ if bytes.is_empty() => (b"", b"."),
        Some(slash) => (bytes.get(..slash).unwrap_or_default(), bytes.get(slash + 1..).unwrap_or_default()),
        None => (b"", bytes),
    }
}

/// Opens a directory to reach what is in it, one name at a time.
fn open_below(root: &SavedDir, path: &[u8]) -> io::Result<SavedDir> {
    let mut dir = root.open_dir_search(c".")?;
    for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
        dir = dir.open_dir_search(&c_string(part))?;
    }
    Ok(dir)
}

/// Where it goes: the directory itself, or for anything else the one that it will be in.
struct Target {
    dir: Option<Dir>,
    found: Option<Metadata>,
    created: bool,
    /// The name in it, of what is no directory.
    name: Option<std::ffi::CString>,
}

fn open_target(asked: &Restorer<'_>, kind: Kind) -> Result<Target> {
    let path = &asked.target;
    if kind != Kind::Directory {
        return open_parent(asked);
    }
    let failed = |error| Error::io("open", path, error);
    match Dir::open_operator_path(path) {
        Ok(dir) => {
            refuse_inside(asked, &dir)?;
            let found = dir.stat().map_err(failed)?;
            // The owner of a directory may have to be let in first; its mode is set again at the end.
            let user = effective_ids().0;
            if !asked.dry_run && user != 0 && found.uid == user && found.mode & 0o700 != 0o700 {
                dir.set_mode_search(found.mode | 0o700).map_err(failed)?;
            }
            Ok(Target { dir: Some(dir), found: Some(found), created: false, name: None })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = parent_of(path);
            let above =
                Dir::open_operator_path(&parent).map_err(|error| Error::io("open", &parent, error))?;
            refuse_inside(asked, &above)?;
            if asked.dry_run {
                return Ok(Target { dir: None, found: None, created: true, name: None });
            }
            let made = Dir::make_operator_path(path).and_then(|()| Dir::open_operator_path(path));
            let dir = made.map_err(|error| Error::io("make directory", path, error))?;
            let found = dir.stat().map_err(failed)?;
            Ok(Target { dir: Some(dir), found: Some(found), created: true, name: None })
        }
        Err(error) => Err(failed(error)),
    }
}

/// Opens the directory that a single entry will be in.
fn open_parent(asked: &Restorer<'_>) -> Result<Target> {
    let path = &asked.target;
    let unusable = |message| Error::new(ErrorKind::InvalidOption, path, message);
    let name: &OsStr = path.file_name().ok_or_else(|| unusable("an entry cannot be restored as that"))?;
    let parent = parent_of(path);
    let dir = Dir::open_operator_path(&parent).map_err(|error| Error::io("open", &parent, error))?;
    refuse_inside(asked, &dir)?;
    let name = c_string(name.as_bytes());
    let failed = |error| Error::io("open", path, error);
    let found = dir.stat().map_err(failed)?;
    if dir.stat_if_there(&name).map_err(failed)?.is_some_and(|there| there.kind == Kind::Directory) {
        return Err(unusable("is a directory; the entry to restore is none and is written as the target"));
    }
    Ok(Target { dir: Some(dir), found: Some(found), created: false, name: Some(name) })
}

/// Nothing is ever restored into the repository.
fn refuse_inside(asked: &Restorer<'_>, dir: &Dir) -> Result<()> {
    let failed = |error| Error::io("look above", &asked.target, error);
    let Some(repository) = asked.repository.own_inode()? else { return Ok(()) };
    let mut at = dir.open_dir_search(c".").map_err(failed)?;
    let mut last = None;
    loop {
        let id = at.stat().map_err(failed)?.id;
        if id == repository {
            let message = "lies in the repository, which restoring never writes to";
            return Err(Error::new(ErrorKind::InvalidOption, &asked.target, message));
        }
        if last == Some(id) {
            return Ok(());
        }
        last = Some(id);
        at = at.open_parent_search().map_err(failed)?;
    }
}

fn plan<'p>(
    asked: &'p Restorer<'p>,
    monitor: &'p dyn Monitor,
    saved: &mut Saved,
    target: &Target,
) -> Result<Plan<'p>> {
    let failed = |error| Error::io("open", asked.repository.path(), error);
    let (user, group) = effective_ids();
    let id = random_id().map_err(failed)?;
    let prefix = format!("{OURS}{}-", id.get(..DIGITS).unwrap_or(&id));
    let scratch = (!asked.dry_run).then(|| format!("{prefix}probe"));
    Ok(Plan {
        asked,
        monitor,
        manifest: saved.manifest.take(),
        snapshot: saved.dir.take().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?,
        base: saved.base.clone(),
        repository: asked.repository.own_inode()?,
        unsaved: if asked.delete {
            Unsaved::of(asked.repository, &asked.snapshot)?
        } else {
            Unsaved::default()
        },
        reach: reach(target.dir.as_ref(), (user, group), scratch.as_deref()),
        user,
        is_directory: target.name.is_none(),
        prefix,
        budget: (open_file_limit() / 8).clamp(1, MOST_OPEN),
    })
}

fn work(
    engine: &Engine<'_>,
    target: Target,
    mut wanted: Wanted,
    locals: Vec<crossbeam_deque::Worker<Job>>,
) -> Result<()> {
    let handles = Handles::new(target.dir);
    let mut locals = locals.into_iter();
    let Some(local) = locals.next() else { return Ok(()) };
    let mut first = Worker::new(engine, local);
    if let Some(name) = target.name {
        wanted.renamed = Some(name);
        wanted.group = None;
        let above = target.found.map(|found| Wanted::on_disk(c".", found));
        let Some(above) = above else { return Ok(()) };
        let node = Node::new(None, above, target.found, false, &handles);
        let placed = first.place_alone(At { node: &node, handles: &handles, wanted: &wanted });
        first.add_up();
        engine.plan.monitor.progress(&progress(engine));
        return placed;
    }
    if target.created {
        engine.tell(RelPath::root, Action::Create, Reason::New);
        first.counts.directories_created += 1;
    }
    let node = Node::new(None, wanted, target.found, target.created, &handles);
    if target.found.is_some_and(|found| found.mode & 0o700 != 0o700) {
        node.soil();
    }
    let begun = first.restore(&node, &handles);
    first.add_up();
    if begun.is_ok() {
        run_workers(engine, first, locals);
    }
    if let (true, Some(dir)) = (begun.is_err() || engine.has_failed(), &handles.target) {
        engine.withdraw(dir);
    }
    begun
}

/// Lets the threads work, and tells on this one how far they are.
fn run_workers<'e, 'p>(
    engine: &'e Engine<'p>,
    mut first: Worker<'e, 'p>,
    locals: impl Iterator<Item = crossbeam_deque::Worker<Job>>,
) {
    let caller = std::thread::current();
    std::thread::scope(|scope| {
        let caller = &caller;
        let first = start(scope, move || {
            first.work();
            caller.unpark();
        });
        let mut threads = Vec::new();
        match first {
            Ok(first) => threads.push(first),
            Err(error) => return engine.fail(error),
        }
        // Those that there are do all the work.
        threads.extend(locals.map_while(|local| {
            let work = move || {
                Worker::new(engine, local).work();
                caller.unpark();
            };
            start(scope, work).ok()
        }));
        let mut told: Option<Instant> = None;
        loop {
            if told.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY) {
                engine.plan.monitor.progress(&progress(engine));
                told = Some(Instant::now());
            }
            if threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
                break;
            }
            std::thread::park_timeout(PROGRESS_EVERY);
        }
    });
}

fn progress(engine: &Engine<'_>) -> Progress {
    let done = *engine.counts.lock().unwrap_or_else(PoisonError::into_inner);
    let counts =
        Counts { entries: done.entries, bytes: done.bytes, problems: done.problems, ..Counts::default() };
    let whole = engine.plan.base.as_bytes().is_empty();
    let manifest = engine.plan.manifest.as_ref().filter(|_| whole);
    Progress { counts, expected: manifest.map(|manifest| manifest.totals().entries) }
}
