//! Making manifests, from the choice of snapshots to the report.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::hashes::Hashes;
use super::indexing::{Done, Indexing, is_fatal};
use super::survey::Survey;
use super::write::Writing;
use super::{ReindexReport, Reindexed, Reindexer};
use crate::crew::threads;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::manifest::{Header, Manifest, Totals};
use crate::monitor::Monitor;
use crate::os::{Dir, effective_ids};
use crate::repository::{Repository, RunRecord, Scratch, Snapshot};

/// Makes the manifests that were asked for.
pub(super) fn run(asked: &Reindexer<'_>, monitor: &dyn Monitor) -> Result<ReindexReport> {
    let repository = asked.repository;
    let lock = if asked.dry_run { None } else { Some(repository.lock(asked.lock_wait, &asked.stop)?) };
    if lock.is_some() {
        repository.repair()?;
    }
    index(asked, monitor)
}

/// Makes the manifests, while nothing else is written.
pub(super) fn index(asked: &Reindexer<'_>, monitor: &dyn Monitor) -> Result<ReindexReport> {
    let begun = Instant::now();
    let repository = asked.repository;
    repository.need_inode_numbers("reindex: make manifests in")?;
    let done = Done::default();
    let all = repository.snapshots()?;
    let chosen = choose(asked, &all, &done, monitor)?;
    let mut snapshots = Vec::new();
    if asked.dry_run {
        let would = |&(index, reason): &(usize, _)| {
            let snapshot = all.get(index)?.name().clone();
            Some(Reindexed { snapshot, reason, totals: Totals::default() })
        };
        snapshots.extend(chosen.iter().filter_map(would));
    } else {
        let hashes = known_hashes(asked, &all, &chosen)?;
        for &(index, reason) in &chosen {
            let read = done.bytes.load(Ordering::Relaxed);
            match index_one(asked, &all, index, &hashes, &done, monitor) {
                Ok(Some((snapshot, totals))) => {
                    let new = done.bytes.load(Ordering::Relaxed) - read;
                    repository.count_adopted(&snapshot, &totals, new)?;
                    snapshots.push(Reindexed { snapshot, reason, totals });
                }
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    return Err(Error::stopped("stopped; the manifests that were made until then stay"));
                }
                Err(error) if is_fatal(&error) => return Err(error),
                Err(error) => done.problem(Problem::not_indexed(&error), monitor),
            }
            hashes.forget_single();
        }
    }
    done.tell_progress(monitor);
    Ok(ReindexReport {
        snapshots,
        files_read: done.files.load(Ordering::Relaxed),
        bytes_read: done.bytes.load(Ordering::Relaxed),
        problem_count: done.problem_count(),
        problems: done.take_problems(),
        dry_run: asked.dry_run,
        duration: begun.elapsed(),
    })
}

/// The snapshots whose manifests are made, by their index, and why.
fn choose(
    asked: &Reindexer<'_>,
    all: &[Snapshot],
    done: &Done,
    monitor: &dyn Monitor,
) -> Result<Vec<(usize, &'static str)>> {
    for name in &asked.snapshots {
        if !all.iter().any(|snapshot| snapshot.name() == name) {
            let message = format!("there is no snapshot {name}");
            return Err(Error::new(ErrorKind::NoSuchSnapshot, asked.repository.path(), message));
        }
    }
    let mut chosen = Vec::new();
    for (index, snapshot) in all.iter().enumerate() {
        let name = snapshot.name();
        let named = asked.snapshots.contains(name);
        if !asked.snapshots.is_empty() && !named {
            continue;
        }
        let checked = asked.repository.manifest(name).and_then(|manifest| match manifest {
            Some(manifest) => asked.repository.check_manifest(name, &manifest).map(|()| true),
            None => Ok(false),
        });
        match checked {
            Ok(true) if !(asked.all || named) => {}
            Ok(true) => chosen.push((index, "asked for")),
            Ok(false) => chosen.push((index, "missing")),
            Err(error) if error.kind() == ErrorKind::DamagedManifest => chosen.push((index, "damaged")),
            // What a newer linkdest wrote, or what may not be read, is not replaced.
            Err(error) => done.problem(Problem::not_indexed(&error), monitor),
        }
    }
    Ok(chosen)
}

/// What the manifests that stay say of inodes, if that is to be believed.
fn known_hashes(asked: &Reindexer<'_>, all: &[Snapshot], chosen: &[(usize, &'static str)]) -> Result<Hashes> {
    let mut hashes = Hashes::default();
    if !asked.trust {
        return Ok(hashes);
    }
    for (index, snapshot) in all.iter().enumerate() {
        if chosen.iter().any(|(other, _)| *other == index) {
            continue;
        }
        if let Ok(Some(manifest)) = asked.repository.manifest(snapshot.name()) {
            // It was checked a moment ago.
            let _ = hashes.trust(&manifest);
        }
    }
    Ok(hashes)
}

/// Indexes one snapshot; `None` if it was removed meanwhile.
fn index_one(
    asked: &Reindexer<'_>,
    all: &[Snapshot],
    index: usize,
    hashes: &Hashes,
    done: &Done,
    monitor: &dyn Monitor,
) -> Result<Option<(crate::repository::SnapshotName, Totals)>> {
    let repository = asked.repository;
    let Some(snapshot) = all.get(index) else { return Ok(None) };
    let Some(tree) = open(repository, snapshot)? else { return Ok(None) };
    let previous = index.checked_sub(1).and_then(|index| all.get(index));
    let before = previous.map(|previous| open(repository, previous)).transpose()?.flatten();
    let indexing = Indexing {
        name: snapshot.name(),
        place: snapshot.path().to_owned(),
        root: tree.stat().map_err(|error| Error::io("stat", snapshot.path(), error))?,
        hashes,
        bytes: &done.bytes,
        done,
        threads: threads(asked.threads),
        monitor,
        stop: &asked.stop,
    };
    let mut tick = || done.tell_progress(monitor);
    let survey = Survey::run(&indexing, &tree, before.as_ref(), &mut tick)?;
    let before_name = previous.filter(|_| before.is_some()).map(|previous| previous.name().to_string());
    let scratch: Scratch = repository.scratch()?;
    let writer = scratch.begin_manifest(&header(repository, snapshot, before_name), snapshot.path())?;
    let reach = repository.capabilities().reach(effective_ids());
    let expunged = repository.expunged_names(snapshot.name())?;
    let writing = Writing::new(&indexing, &survey, reach, &tree, before.as_ref(), expunged);
    let totals = writing.run(writer, &mut || {})?;
    repository.adopt_manifest(scratch, snapshot.name())?;
    Ok(Some((snapshot.name().clone(), totals)))
}

fn open(repository: &Repository, snapshot: &Snapshot) -> Result<Option<Dir>> {
    match repository.open_tree(snapshot.name()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).map_err(|error| Error::io("open", snapshot.path(), error)),
    }
}

/// What is still known of the run.
fn header(repository: &Repository, snapshot: &Snapshot, before: Option<String>) -> Header {
    use crate::native::OsStrExt as _;
    let record = snapshot.record();
    let source = record.map_or(Path::new(""), RunRecord::source);
    let earlier = repository.manifest(snapshot.name()).ok().flatten();
    Header {
        snapshot: snapshot.name().to_string(),
        sequence: record.map_or(0, RunRecord::sequence),
        source: source.as_os_str().as_bytes().to_vec(),
        host: record.map_or_else(String::new, |record| record.host().to_owned()),
        started: snapshot.started(),
        policy: record.map_or_else(String::new, |record| record.policy.clone()),
        rules: earlier.as_ref().map_or_else(String::new, |earlier| earlier.header().rules.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        references: before.into_iter().collect(),
        generation: earlier.as_ref().map_or(1, next_generation),
    }
}

fn next_generation(earlier: &Manifest) -> u32 {
    earlier.header().generation.saturating_add(1)
}
