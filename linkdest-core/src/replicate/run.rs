//! Replicating, from the checks to the report.

use std::cell::RefCell;
use std::time::Instant;

use super::Replicator;
use super::choose::{Choice, choose};
use super::earlier::Known;
use super::publish::{bring, estimate};
use super::report::{Replica, ReplicaState, ReplicateReport};
use super::throttle::Throttle;
use super::tree::Running;
use super::watch::Watch;
use crate::counts::Counts;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::monitor::Monitor;
use crate::os::Dir;
use crate::path::RelPath;
use crate::repository::{Removal, Repository, SnapshotName, parent_of};
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
    refuse_each_other(asked, &source)?;
    let watch = Watch::new(monitor);
    let (replicas, removed) = match open_target(asked)? {
        Some(target) if asked.dry_run => plan_all(asked, &source, Some(&target), &watch)?,
        Some(target) => replicate(asked, &source, &target, &watch)?,
        None => plan_all(asked, &source, None, &watch)?,
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
fn replicate(
    asked: &Replicator,
    source: &Repository,
    target: &Repository,
    watch: &Watch<'_>,
) -> Result<Outcome> {
    target.need_inode_numbers("replicate: link in")?;
    let lock = target.lock(asked.lock_wait, &asked.stop)?;
    target.check_latest()?;
    target.repair()?;
    let (ours, theirs) = (source.snapshots()?, target.snapshots()?);
    let choices = choose(asked, source, &ours, Some((target, &theirs)), watch)?;
    watch.expect(expected(source, &choices));
    watch.tell();
    let mut known = Known::new(source, &ours, Some((target, &theirs)))?;
    let throttle = RefCell::new(Throttle::new(asked.bandwidth));
    let running = Running { source, target, throttle: &throttle, watch, stop: &asked.stop };
    let brought = bring_all(&running, &choices, &mut known);
    if let Err(error) = &brought
        && error.kind() == ErrorKind::NoSpace
    {
        // A full disk is not kept full.
        let _ = remove_replicas_left(target);
    }
    let replicas = brought.map_err(|error| match error.kind() {
        ErrorKind::Interrupted => {
            Error::stopped("stopped; what was replicated until then stays, and the next run goes on")
        }
        _ => error,
    })?;
    let tidied = remove_replicas_left(target).and_then(|()| target.repair_latest());
    drop(lock);
    let tidied = tidied.and_then(|()| target.empty_trash(None, false, &asked.stop));
    if let Err(error) = tidied {
        watch.problem(None, &Problem::housekeeping(&error));
    }
    if watch.done().problems == 0 {
        let removed = forget(asked, target, watch)?;
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

fn bring_all(running: &Running<'_>, choices: &[Choice<'_>], known: &mut Known<'_>) -> Result<Vec<Replica>> {
    let mut replicas = Vec::new();
    for Choice { snapshot, state } in choices {
        let name = snapshot.name();
        let (mut state, mut counts) = (*state, Counts::default());
        if state == ReplicaState::Sent {
            if running.stop.is_stopped() {
                return Err(Error::interrupted());
            }
            match bring(running, snapshot, known) {
                Ok(done) => {
                    counts = done;
                    known.add(name.clone());
                }
                Err(error) if spoils_one(&error) => {
                    state = ReplicaState::Failed;
                    fail(running.watch, name, &error);
                    let staged = crate::os::c_name(name.as_str());
                    let staged = staged.map_err(|error| Error::io("name", name.as_str(), error))?;
                    running.target.drop_staged(&staged)?;
                }
                Err(error) => return Err(error),
            }
        }
        running.watch.finish(&counts);
        replicas.push(Replica { snapshot: name.clone(), state, counts });
    }
    Ok(replicas)
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
    )
}

fn fail(watch: &Watch<'_>, name: &SnapshotName, error: &Error) {
    let cause = error.io_error();
    let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let problem = Problem::new(RelPath::root(), ProblemKind::Unreadable, error.operation(), message);
    watch.problem(Some(name), &problem.with_errno(cause.and_then(std::io::Error::raw_os_error)));
}

/// Removes what killed runs left of replicas; what snapshots left stays for the next one.
fn remove_replicas_left(target: &Repository) -> Result<()> {
    // Without a record it helps nobody: somebody was killed while it was made, or removed.
    let is_replica = |left: &crate::repository::staging::Leftover| {
        left.record.as_ref().is_none_or(|record| record.replica_of.is_some())
    };
    target.remove_leftovers(target.leftovers()?.into_iter().filter(is_replica).collect())
}

fn forget(asked: &Replicator, target: &Repository, watch: &Watch<'_>) -> Result<Vec<SnapshotName>> {
    if asked.keep.is_empty() {
        return Ok(Vec::new());
    }
    let plan = target.plan_forget(&asked.keep)?;
    let how = Removal::default().lock_wait(asked.lock_wait).stop(asked.stop.clone());
    let deleted = target.forget_with(&plan, &how)?;
    deleted.problems().iter().for_each(|problem| watch.problem(None, problem));
    Ok(deleted.snapshots().to_vec())
}

/// Tells what would be brought. Takes no lock: it only reads.
fn plan_all(
    asked: &Replicator,
    source: &Repository,
    target: Option<&Repository>,
    watch: &Watch<'_>,
) -> Result<Outcome> {
    let ours = source.snapshots()?;
    let theirs = target.map_or_else(|| Ok(Vec::new()), Repository::snapshots)?;
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
