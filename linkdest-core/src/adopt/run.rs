//! Adopting, from recognising to the report.

use std::time::Instant;

use super::plan::{Plan, plan};
use super::recognise::recognise;
use super::report::{AdoptReport, PassedOver};
use super::{Adopter, candidate};
use crate::error::{Error, ErrorKind, Result};
use crate::monitor::Monitor;
use crate::os::Dir;
use crate::reindex::{ReindexReport, Reindexer};
use crate::repository::{Repository, RunRecord, Snapshot, SnapshotName, check_latest};

/// Adopts what is in the directory.
pub(super) fn run(asked: &Adopter, monitor: &dyn Monitor) -> Result<AdoptReport> {
    let begun = Instant::now();
    let path = &asked.repository;
    let not_there = |error| Error::io_as(ErrorKind::NotARepository, "open", path, error);
    let root = Dir::open_operator_path(path).map_err(not_there)?;
    let there = Repository::open_if_initialised(path)?;
    let new = there.is_none();
    let found = recognise(path, &root)?;
    if new && found.found.is_empty() {
        return Err(nothing_found(asked, &found));
    }
    check_latest(&root, path)?;
    if asked.dry_run {
        let planned = plan(path, &root, there.as_ref(), found.found)?;
        return Ok(report(asked, planned, found.passed_over, (new, None), begun));
    }
    let repository = match there {
        Some(repository) => repository,
        None => Repository::init_around(path)?,
    };
    repository.need_inode_numbers("adopt: make manifests in")?;
    let _lock = repository.lock(asked.lock_wait, &asked.stop)?;
    repository.check_latest()?;
    repository.repair()?;
    // While the lock was waited for, another may have adopted.
    let found = recognise(path, &root)?;
    let planned = plan(path, &root, Some(&repository), found.found)?;
    for (_, record) in &planned.new {
        repository.write_run(record)?;
    }
    let indexed = index(asked, &repository, monitor)?;
    repository.repair()?;
    repository.root.sync_file_system().map_err(|error| Error::io("flush", path, error))?;
    Ok(report(asked, planned, found.passed_over, (new, Some(indexed)), begun))
}

fn nothing_found(asked: &Adopter, found: &candidate::Search) -> Error {
    let why = match found.passed_over.first() {
        Some(PassedOver { path, reason }) => format!("{path} {reason}"),
        None => "known are dated directories, daily.0 and the like (rsnapshot), backintime/ and timeshift/"
            .to_owned(),
    };
    let message =
        format!("not a repository, and no snapshots of another tool are in it that could be adopted: {why}");
    Error::new(ErrorKind::NotARepository, &asked.repository, message)
}

/// Makes the manifests of adopted snapshots that have none, or whose making was interrupted.
fn index(asked: &Adopter, repository: &Repository, monitor: &dyn Monitor) -> Result<Option<ReindexReport>> {
    let mut reindexer = Reindexer::new(repository).trust(true).stop(asked.stop.clone());
    if let Some(threads) = asked.threads {
        reindexer = reindexer.threads(threads);
    }
    let mut any = false;
    for snapshot in repository.snapshots()?.iter().filter(|snapshot| snapshot.is_adopted()) {
        if !is_indexed(repository, snapshot)? {
            any = true;
            reindexer = reindexer.snapshot(SnapshotName::clone(snapshot.name()));
        }
    }
    if !any {
        return Ok(None);
    }
    match reindexer.run_locked(monitor) {
        Err(error) if error.kind() == ErrorKind::Interrupted => {
            Err(Error::stopped("stopped; what was adopted until then stays, and the next `adopt` goes on"))
        }
        indexed => indexed.map(Some),
    }
}

/// Says whether a snapshot has a manifest, and its record the figures of that.
fn is_indexed(repository: &Repository, snapshot: &Snapshot) -> Result<bool> {
    match repository.manifest(snapshot.name()) {
        Ok(Some(manifest)) => {
            let counted = snapshot.record().map_or(0, |record: &RunRecord| record.counts().entries);
            Ok(counted == manifest.totals().entries)
        }
        Ok(None) => Ok(false),
        Err(error) if error.kind() == ErrorKind::DamagedManifest => Ok(false),
        Err(error) => Err(error),
    }
}

fn report(
    asked: &Adopter,
    planned: Plan,
    passed_over: Vec<PassedOver>,
    (new, indexed): (bool, Option<Option<ReindexReport>>),
    begun: Instant,
) -> AdoptReport {
    let indexed = indexed.flatten();
    AdoptReport {
        adoptions: planned.new.into_iter().map(|(adoption, _)| adoption).collect(),
        passed_over,
        known: planned.known,
        new,
        files_read: indexed.as_ref().map_or(0, ReindexReport::files_read),
        bytes_read: indexed.as_ref().map_or(0, ReindexReport::bytes_read),
        problem_count: indexed.as_ref().map_or(0, ReindexReport::problem_count),
        problems: indexed.map_or_else(Vec::new, |indexed| indexed.problems().to_vec()),
        dry_run: asked.dry_run,
        duration: begun.elapsed(),
    }
}
