//! Replicating, from the checks to the report.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Instant;

use super::Replicator;
use super::choose::{Choice, choose, choose_again};
use super::earlier::Known;
use super::publish::{bring, estimate};
use super::report::{Replica, ReplicaState, ReplicateReport};
use super::store::{Store, Target};
use super::there::There;
use super::throttle::Throttle;
use super::tree::Running;
use super::watch::Watch;
use crate::abroad::RemoteRepository;
use crate::counts::Counts;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::monitor::Monitor;
use crate::os::Dir;
use crate::path::RelPath;
use crate::repository::{Repository, Snapshot, SnapshotName, parent_of};
use crate::snapshot::check_system;

/// Brings what was asked for.
pub(super) fn run(asked: &Replicator, monitor: &dyn Monitor) -> Result<ReplicateReport> {
    let begun = Instant::now();
    check_system(monitor)?;
    if !asked.keep.is_empty() {
        // Rules that cannot be used are an error before anything is done.
        asked.keep.decide(&[])?;
    }
    let source = Repository::open(&asked.repository)?;
    let watch = Watch::new(monitor);
    let (replicas, removed) = if RemoteRepository::is_address(&asked.target) {
        run_to(asked, &source, open_remote(asked)?.as_ref(), &watch)?
    } else {
        refuse_each_other(asked, &source)?;
        run_to(asked, &source, open_target(asked)?.as_ref(), &watch)?
    };
    watch.tell_out_of_reach();
    watch.tell();
    Ok(ReplicateReport {
        target: asked.target.clone(),
        replicas,
        removed,
        counts: watch.done(),
        problems: watch.into_problems(),
        dry_run: asked.dry_run,
        duration: begun.elapsed(),
    })
}

fn run_to<T: Target>(
    asked: &Replicator,
    source: &Repository,
    target: Option<&T>,
    watch: &Watch<'_>,
) -> Result<Outcome> {
    match target {
        Some(target) if !asked.dry_run => {
            let done = replicate(asked, source, target, watch);
            target.tell_odd(watch.monitor());
            done
        }
        target => plan_all(asked, source, target.map(|target| target as &dyn Store), watch),
    }
}

/// Opens a target on a server.
fn open_remote(asked: &Replicator) -> Result<Option<There>> {
    let repository = if asked.init {
        RemoteRepository::open_or_init(&asked.target, &asked.ssh, asked.dry_run, &asked.stop)?
    } else {
        Some(RemoteRepository::open(&asked.target, &asked.ssh, &asked.stop)?)
    };
    repository.map(There::new).transpose()
}

/// Opens the target, or makes it if that is asked for; `None` if a dry run would.
fn open_target(asked: &Replicator) -> Result<Option<Repository>> {
    match (asked.init, asked.dry_run) {
        (false, _) => Repository::open(&asked.target).map(Some),
        (true, true) => match Repository::open_if_initialised(&asked.target)? {
            Some(target) => Ok(Some(target)),
            None => Repository::check_init(&asked.target).map(|()| None),
        },
        (true, false) => Repository::open_or_init(&asked.target).map(Some),
    }
}

/// A repository is not replicated into itself, nor into what lies in it or around it.
fn refuse_each_other(asked: &Replicator, source: &Repository) -> Result<()> {
    let failed = |path: &std::path::Path| {
        let path = path.to_owned();
        move |error| Error::io("look above", path, error)
    };
    let refused = |message: &str| Err(Error::new(ErrorKind::SourceIsRepository, &asked.target, message));
    let ours = source.root.stat().map_err(failed(source.path()))?.id;
    let (target, is_there) = match Dir::open_operator_path(&asked.target) {
        Ok(target) => (target, true),
        Err(_) => match Dir::open_operator_path(&parent_of(&asked.target)) {
            Ok(parent) => (parent, false),
            // That there is no place for it is the error to report, and it will be.
            Err(_) => return Ok(()),
        },
    };
    let theirs = target.stat().map_err(failed(&asked.target))?.id;
    if is_there && ours == theirs {
        return refused("is the repository that is read");
    }
    if lies_in(&target, ours).map_err(failed(&asked.target))? {
        return refused("lies in the repository that is read");
    }
    if is_there && lies_in(&source.root, theirs).map_err(failed(source.path()))? {
        return refused("the repository that is read lies in it");
    }
    Ok(())
}

/// Says whether a directory is another one, or lies somewhere below it.
fn lies_in(dir: &Dir, above: crate::entry::FileId) -> std::io::Result<bool> {
    let mut at = dir.open_dir_search(c".")?;
    let mut last = None;
    loop {
        let id = at.stat()?.id;
        if id == above {
            return Ok(true);
        }
        if last == Some(id) {
            return Ok(false);
        }
        last = Some(id);
        at = at.open_parent_search()?;
    }
}

type Outcome = (Vec<Replica>, Vec<SnapshotName>);

/// Brings the snapshots under the target's lock, and applies the keep rules after it.
fn replicate<T: Target>(
    asked: &Replicator,
    source: &Repository,
    target: &T,
    watch: &Watch<'_>,
) -> Result<Outcome> {
    let lock = target.lock(asked.lock_wait, &asked.stop)?;
    target.repair()?;
    let (ours, theirs) = (source.snapshots()?, target.snapshots()?);
    let there: Option<(&dyn Store, &[Snapshot])> = Some((target, &theirs));
    let mut choices = choose(asked, source, &ours, there, watch)?;
    watch.expect(expected(source, &choices));
    watch.tell();
    let mut known = Known::new(source, &ours, there)?;
    let throttle = RefCell::new(Throttle::new(asked.bandwidth));
    let running = Running { source, target, throttle: &throttle, watch, stop: &asked.stop };
    let brought = bring_kept(asked, (&running, target), &mut choices, &theirs, &mut known);
    if let Err(error) = &brought
        && error.kind() == ErrorKind::NoSpace
    {
        // A full disk is not kept full.
        let _ = target.remove_replicas_left(&asked.stop);
    }
    let replicas = brought.map_err(|error| match error.kind() {
        ErrorKind::Interrupted => {
            Error::stopped("stopped; what was replicated until then stays, and the next run goes on")
        }
        _ => error,
    })?;
    let tidied = target.remove_replicas_left(&asked.stop).and_then(|()| target.repair_latest());
    drop(lock);
    let tidied = tidied.and_then(|()| target.empty_trash(&asked.stop));
    if let Err(error) = tidied {
        watch.problem(None, &Problem::housekeeping(&error));
    }
    if watch.done().problems == 0 {
        let removed = match forget(asked, target, watch) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                // What was brought is there: it is no error of the run.
                watch.problem(None, &Problem::housekeeping(&error));
                Vec::new()
            }
            removed => removed?,
        };
        return Ok((replicas, removed));
    }
    // What did not arrive whole is no reason to let go of what did.
    if !asked.keep.is_empty() {
        let message = "nothing was removed, because not everything arrived as it should";
        let problem =
            Problem::new(RelPath::root(), ProblemKind::Housekeeping, "apply the keep rules", message);
        watch.problem(None, &problem);
    }
    Ok((replicas, Vec::new()))
}

/// How many entries there are to be brought.
fn expected(source: &Repository, choices: &[Choice<'_>]) -> u64 {
    let coming = choices.iter().filter(|one| one.state == ReplicaState::Sent);
    let entries = |one: &Choice<'_>| {
        let manifest = source.manifest(one.snapshot.name()).ok().flatten();
        manifest.map_or(0, |manifest| manifest.totals().entries)
    };
    coming.map(entries).sum()
}

/// Brings what was chosen. Where one that the keep rules would keep cannot be brought, others take its place.
fn bring_kept<T: Target>(
    asked: &Replicator,
    to: (&Running<'_>, &T),
    choices: &mut [Choice<'_>],
    theirs: &[Snapshot],
    known: &mut Known<'_>,
) -> Result<Vec<Replica>> {
    let mut counts = HashMap::new();
    loop {
        let failed = bring_all(to, choices, known, &mut counts)?;
        if !(failed && choose_again(asked, choices, theirs)?) {
            break;
        }
    }
    let replica = |one: &Choice<'_>| {
        let snapshot = one.snapshot.name().clone();
        let counts = counts.remove(&snapshot).unwrap_or_default();
        Replica { snapshot, state: one.state, counts }
    };
    Ok(choices.iter().map(replica).collect())
}

/// Brings what is to be brought and was not yet; says whether something could not be.
fn bring_all<T: Target>(
    (running, target): (&Running<'_>, &T),
    choices: &mut [Choice<'_>],
    known: &mut Known<'_>,
    done: &mut HashMap<SnapshotName, Counts>,
) -> Result<bool> {
    let mut failed = false;
    for Choice { snapshot, state } in choices {
        let (name, mut counts) = (snapshot.name(), Counts::default());
        if *state == ReplicaState::Sent && !done.contains_key(name) {
            if running.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            match bring_persistently(running, target, snapshot, known) {
                Ok(brought) => {
                    counts = brought;
                    done.insert(name.clone(), counts);
                    known.add(name.clone());
                }
                Err(error) if spoils_one(&error) => {
                    *state = ReplicaState::Failed;
                    failed = true;
                    fail(running.watch, name, &error);
                    target.drop_staged(name, running.stop)?;
                }
                Err(error) => return Err(error),
            }
        }
        running.watch.finish(&counts);
    }
    Ok(failed)
}

/// Brings one. Where the connection was lost and could be made anew, it is begun again, and takes what was sent.
fn bring_persistently<T: Target>(
    running: &Running<'_>,
    target: &T,
    snapshot: &Snapshot,
    known: &mut Known<'_>,
) -> Result<Counts> {
    loop {
        match bring(running, target, snapshot, known) {
            Err(error) if target.revive(&error) => {}
            brought => return brought,
        }
    }
}

/// Whether an error is that of one snapshot in the repository that is read; the others can be brought.
fn spoils_one(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NoSuchSnapshot
            | ErrorKind::SourceUnreadable
            | ErrorKind::MissingManifest
            | ErrorKind::DamagedManifest
            | ErrorKind::NewerManifest
            | ErrorKind::DamagedRecord
    )
}

fn fail(watch: &Watch<'_>, name: &SnapshotName, error: &Error) {
    let cause = error.io_error();
    let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let problem = Problem::new(RelPath::root(), ProblemKind::Unreadable, error.operation(), message);
    watch.problem(Some(name), &problem.with_errno(cause.and_then(std::io::Error::raw_os_error)));
}

fn forget<T: Target>(asked: &Replicator, target: &T, watch: &Watch<'_>) -> Result<Vec<SnapshotName>> {
    if asked.keep.is_empty() {
        return Ok(Vec::new());
    }
    let (removed, problems) = target.forget(&asked.keep, asked.lock_wait, &asked.stop)?;
    problems.iter().for_each(|problem| watch.problem(None, problem));
    Ok(removed)
}

/// Tells what would be brought. Takes no lock: it only reads.
fn plan_all(
    asked: &Replicator,
    source: &Repository,
    target: Option<&dyn Store>,
    watch: &Watch<'_>,
) -> Result<Outcome> {
    let ours = source.snapshots()?;
    let theirs = target.map_or_else(|| Ok(Vec::new()), |target| target.snapshots())?;
    let there = target.map(|target| (target, &theirs[..]));
    let choices = choose(asked, source, &ours, there, watch)?;
    let mut known = Known::new(source, &ours, there)?;
    let mut replicas = Vec::new();
    for Choice { snapshot, state } in &choices {
        let (mut state, mut counts) = (*state, Counts::default());
        if state == ReplicaState::Sent {
            match estimate(source, snapshot, &mut known, &asked.stop) {
                Ok(would) => {
                    counts = would;
                    known.add(snapshot.name().clone());
                }
                Err(error) if spoils_one(&error) => {
                    state = ReplicaState::Failed;
                    fail(watch, snapshot.name(), &error);
                }
                Err(error) => return Err(error),
            }
        }
        watch.finish(&counts);
        replicas.push(Replica { snapshot: snapshot.name().clone(), state, counts });
    }
    let removed = match asked.keep.is_empty() {
        true => Vec::new(),
        false => {
            let coming = choices.iter().filter(|one| one.state == ReplicaState::Sent);
            let coming = coming.map(|one| one.snapshot.clone());
            let mut all: Vec<_> = theirs.iter().cloned().chain(coming).collect();
            all.sort_by(|a, b| (a.sequence(), a.name()).cmp(&(b.sequence(), b.name())));
            crate::repository::plan_retention(all, &asked.keep)?.removed()
        }
    };
    Ok((replicas, removed))
}
