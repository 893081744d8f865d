//! One snapshot, from its manifest to the published replica.

use std::cell::Cell;
use std::collections::HashSet;

use super::beside::Sides;
use super::earlier::Known;
use super::far::Far as _;
use super::leftover::Leftovers;
use super::plan::{Key, Plan, plan};
use super::store::Target;
use super::tree::{Grown, Roots, Running, Tree};
use crate::counts::Counts;
use crate::entry::Timestamp;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::manifest::{Header, Manifest};
use crate::monitor::Event;
use crate::os::errno;
use crate::repository::{Identity, Repository, RunRecord, Snapshot, SnapshotName, Status};

/// Opens the manifest of a snapshot that is to be brought.
fn manifest_of(source: &Repository, name: &SnapshotName) -> Result<Manifest> {
    let manifest = source.manifest(name).map_err(|error| match error.kind() {
        // That one manifest cannot be read is no reason to bring nothing.
        ErrorKind::Io if !error.io_error().is_some_and(errno::is_exhausted) => {
            Error::new(ErrorKind::SourceUnreadable, source.manifest_path(name), told(&error))
        }
        _ => error,
    });
    manifest?.ok_or_else(|| {
        let message = "the snapshot has no manifest; `reindex` makes one";
        Error::new(ErrorKind::MissingManifest, source.tree_path(name), message)
    })
}

fn told(error: &Error) -> String {
    error.io_error().map_or_else(|| error.to_string(), std::string::ToString::to_string)
}

/// No run has a higher number: whoever says so would have the target count from there.
const HIGHEST: u64 = 1 << 48;

/// Refuses a snapshot whose run record is there and cannot be read: that it is suspect would be lost.
fn check_record(source: &Repository, snapshot: &Snapshot, manifest: &Manifest) -> Result<()> {
    let damaged = |message: String| {
        let place = source.control_path(format!("runs/{}.toml", snapshot.name()));
        Error::new(ErrorKind::DamagedRecord, place, message)
    };
    if let (None, Some(Err(error))) = (snapshot.record(), source.run_of(snapshot.name())) {
        return Err(damaged(format!("it may say that the snapshot is suspect; {}", told(&error))));
    }
    let sequence = snapshot.record().map_or(manifest.header().sequence, RunRecord::sequence);
    if sequence > HIGHEST {
        return Err(damaged(format!("the run has the number {sequence}, which no run has")));
    }
    Ok(())
}

/// Tells what bringing a snapshot would come to.
pub(super) fn estimate(
    source: &Repository,
    snapshot: &Snapshot,
    known: &mut Known<'_>,
    stop: &crate::monitor::StopFlag,
) -> Result<Counts> {
    let manifest = manifest_of(source, snapshot.name())?;
    check_record(source, snapshot, &manifest)?;
    let mut sides = Sides::new(snapshot.name(), &manifest, known)?;
    Ok(plan(&mut sides, known, stop)?.counts)
}

/// Brings one snapshot. Where the names of an inode would be parted by a link limit, it is begun again.
pub(super) fn bring<T: Target>(
    running: &Running<'_>,
    target: &T,
    snapshot: &Snapshot,
    known: &mut Known<'_>,
) -> Result<Counts> {
    let (mut limited, limit) = (HashSet::new(), Cell::new(None));
    loop {
        let brought = attempt(running, target, snapshot, known, (&limited, &limit));
        if brought.is_err() {
            known.drop_damages();
        }
        match brought {
            Err(error) => match limit.take() {
                Some(key) if limited.insert(key) => {}
                _ => return Err(error),
            },
            brought => return brought,
        }
    }
}

fn attempt<T: Target>(
    running: &Running<'_>,
    target: &T,
    snapshot: &Snapshot,
    known: &mut Known<'_>,
    (limited, limit): (&HashSet<Key>, &Cell<Option<Key>>),
) -> Result<Counts> {
    let (source, name) = (running.source, snapshot.name());
    let manifest = manifest_of(source, name)?;
    check_record(source, snapshot, &manifest)?;
    let tree = source.open_tree(name).map_err(|error| unreadable(source, name, error))?;
    let mut sides = Sides::new(name, &manifest, known)?;
    sides.limited.clone_from(limited);
    let plan = plan(&mut sides, known, running.stop)?;
    let mut growing = target.stage(name)?;
    let mut record = record_of(running, target, snapshot, &manifest);
    let leftovers = target.leftovers_of(&Identity::of(snapshot, source.id()))?;
    let unfinished = RunRecord { ended: None, status: None, ..record.clone() };
    target.write_record(&growing, &unfinished)?;
    let (far, staged) = target.make_tree(&growing)?;
    running.watch.monitor().event(&Event::Started {
        snapshot: Some(name.to_string()),
        reference: sides.base.as_ref().map(|base| base.earlier.name.to_string()),
    });
    let header = header_of(&manifest, &sides, &plan);
    let writer = target.begin_manifest(&mut growing, &header)?;
    let base = sides.base.as_ref().map(|base| far.tree(&base.earlier.name)).transpose();
    let base = base.map_err(|error| Error::io("open", target.path(), error))?;
    // What is of another boot, as far as anybody knows, is compared before it is taken.
    let unknown = RunRecord { boot_id: String::new(), ..unfinished };
    let distrust = || target.write_record(&growing, &unknown);
    let roots = Roots { staged: &staged, base: base.as_ref(), source: &tree, limit, distrust: &distrust };
    let leftovers = Leftovers::new(&leftovers);
    let root = manifest.root();
    let grown =
        Tree::new(running, (sides, plan, known), &header.references, far, &roots, leftovers).grow(writer)?;
    let mut counts = grown.counts;
    complete(&mut record, grown, &manifest);
    known.write_damages()?;
    publish(running, target, snapshot, (growing, record, root.metadata.mtime), &mut counts)?;
    Ok(counts)
}

/// Adds what came of it to the record of the run.
fn complete(record: &mut RunRecord, grown: Grown, manifest: &Manifest) {
    let Grown { digest, problems, lacking, .. } = grown;
    if problems.count > 0 {
        record.status = Some(Status::Problems);
        record.counts.problems = record.counts.problems.saturating_add(problems.count);
        let room = crate::repository::record::PROBLEMS_KEPT.saturating_sub(record.problems.len());
        record.problems.extend(problems.into_kept().into_iter().take(room));
    }
    if lacking > 0 {
        let entries = if lacking == 1 { "entry" } else { "entries" };
        record.lacks = record.lacks.saturating_add(lacking);
        record.suspect.push(format!("{lacking} {entries} could not be brought as they were saved"));
    }
    let mode = manifest.root().metadata.mode;
    record.manifest = Some(digest.to_string());
    record.root_mode = (mode & 0o200 == 0).then_some(mode);
}

/// Makes a finished replica visible. Which is the newest is looked up when all are there.
fn publish<T: Target>(
    running: &Running<'_>,
    target: &T,
    snapshot: &Snapshot,
    (growing, record, root_mtime): (T::Growing, RunRecord, Timestamp),
    counts: &mut Counts,
) -> Result<()> {
    if running.stop.is_stopped() {
        return Err(Error::interrupted());
    }
    // A pin comes first: one without a snapshot is dropped by the next run, a snapshot without its pin could be removed.
    let pinned = snapshot.is_pinned() && target.set_pin(snapshot.name())?;
    running.watch.monitor().event(&Event::Publishing);
    let published = target.publish(growing, record, root_mtime, running.stop);
    if published.is_err() && pinned {
        let _ = target.drop_pin(snapshot.name());
    }
    for problem in published? {
        counts.problems += 1;
        running.watch.problem(None, &problem);
    }
    // What killed runs left of a snapshot is of no more use once that is published.
    let left = target.drop_leftovers_of(&Identity::of(snapshot, running.source.id()), running.stop);
    for done in [target.repair_latest(), left] {
        if let Err(error) = done {
            counts.problems += 1;
            running.watch.problem(None, &Problem::housekeeping(&error));
        }
    }
    Ok(())
}

fn unreadable(source: &Repository, name: &SnapshotName, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NoSuchSnapshot,
        _ => ErrorKind::SourceUnreadable,
    };
    Error::io_as(kind, "open", source.tree_path(name), error)
}

/// What is known of the run travels with its snapshot.
fn record_of<T: Target>(
    running: &Running<'_>,
    target: &T,
    snapshot: &Snapshot,
    manifest: &Manifest,
) -> RunRecord {
    use crate::native::OsStringExt as _;
    let made_in = Identity::of(snapshot, running.source.id()).repository().to_owned();
    let header = manifest.header();
    let lost = || RunRecord {
        snapshot: snapshot.name().clone(),
        sequence: header.sequence,
        source: std::ffi::OsString::from_vec(header.source.clone()).into(),
        host: header.host.clone(),
        policy: header.policy.clone(),
        started: snapshot.started(),
        ended: Some(manifest.ended()),
        status: Some(Status::Complete),
        boot_id: String::new(),
        synced: true,
        root_mode: None,
        manifest: None,
        adopted: None,
        replica_of: None,
        counts: Counts::default(),
        problems: Vec::new(),
        suspect: vec!["its run record was lost".to_owned()],
        lacks: 0,
    };
    let record = snapshot.record().cloned().unwrap_or_else(lost);
    RunRecord {
        boot_id: target.boot_id(),
        synced: target.is_flushed(),
        root_mode: None,
        adopted: None,
        replica_of: Some(made_in),
        ..record
    }
}

/// What is known of the run, with all snapshots that something is linked from.
fn header_of(manifest: &Manifest, sides: &Sides<'_>, plan: &Plan) -> Header {
    let mut header = manifest.header().clone();
    let base = sides.base.iter().map(|base| &base.earlier.name);
    for name in base.chain(&plan.used) {
        if !header.references.iter().any(|known| known == name.as_str()) {
            header.references.push(name.to_string());
        }
    }
    header
}
