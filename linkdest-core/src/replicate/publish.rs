//! One snapshot, from its manifest to the published replica.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::Path;

use super::beside::Sides;
use super::earlier::Known;
use super::far::Far as _;
use super::leftover::Leftovers;
use super::local::Local;
use super::plan::{Key, Plan, plan};
use super::tree::{Grown, Roots, Running, Tree};
use crate::counts::Counts;
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::manifest::{Header, Manifest};
use crate::monitor::Event;
use crate::os::{Dir, boot_id, is_this_boot};
use crate::repository::{Repository, RunRecord, Sealed, Snapshot, SnapshotName, Status};

/// Opens the manifest of a snapshot that is to be brought.
fn manifest_of(source: &Repository, name: &SnapshotName) -> Result<Manifest> {
    source.manifest(name)?.ok_or_else(|| {
        let message = "the snapshot has no manifest; `reindex` makes one";
        Error::new(ErrorKind::MissingManifest, source.tree_path(name), message)
    })
}

/// Tells what bringing a snapshot would come to.
pub(super) fn estimate(
    source: &Repository,
    snapshot: &Snapshot,
    known: &mut Known<'_>,
    stop: &crate::monitor::StopFlag,
) -> Result<Counts> {
    let manifest = manifest_of(source, snapshot.name())?;
    let mut sides = Sides::new(snapshot.name(), &manifest, known)?;
    Ok(plan(&mut sides, known, stop)?.counts)
}

/// Brings one snapshot. Where the names of an inode would be parted by a link limit, it is begun again.
pub(super) fn bring(running: &Running<'_>, snapshot: &Snapshot, known: &mut Known<'_>) -> Result<Counts> {
    let (mut limited, limit) = (HashSet::new(), Cell::new(None));
    loop {
        match attempt(running, snapshot, known, (&limited, &limit)) {
            Err(error) => match limit.take() {
                Some(key) if limited.insert(key) => {}
                _ => return Err(error),
            },
            brought => return brought,
        }
    }
}

fn attempt(
    running: &Running<'_>,
    snapshot: &Snapshot,
    known: &mut Known<'_>,
    (limited, limit): (&HashSet<Key>, &Cell<Option<Key>>),
) -> Result<Counts> {
    let (source, target, name) = (running.source, running.target, snapshot.name());
    let manifest = manifest_of(source, name)?;
    let tree = source.open_tree(name).map_err(|error| unreadable(source, name, error))?;
    let mut sides = Sides::new(name, &manifest, known)?;
    sides.limited.clone_from(limited);
    let plan = plan(&mut sides, known, running.stop)?;
    let staging = target.stage_as(name)?;
    let place = target.control_path(Path::new("staging").join(name.as_str()));
    let mut record = record_of(running, snapshot, &manifest);
    let leftovers = leftovers(target, running, snapshot)?;
    staging.write_record(&RunRecord { ended: None, status: None, ..record.clone() }, &place)?;
    let (staged, probed) = staging.make_tree(&place)?;
    if let Some(error) = probed.link_error {
        let operation = "keep hard links any more: link";
        return Err(Error::io_as(ErrorKind::NoHardLinks, operation, target.path(), error));
    }
    running.watch.monitor().event(&Event::Started {
        snapshot: Some(name.to_string()),
        reference: sides.base.as_ref().map(|base| base.earlier.name.to_string()),
    });
    let header = header_of(&manifest, &sides, &plan);
    let writer = staging.begin_manifest(&header, &place)?;
    let far = Local::new(target, probed.capabilities.reach(probed.born));
    let base = sides.base.as_ref().map(|base| far.tree(&base.earlier.name)).transpose();
    let base = base.map_err(|error| Error::io("open", target.path(), error))?;
    let roots = Roots { staged: &staged, base: base.as_ref(), source: &tree, limit };
    let leftovers = Leftovers::new(&leftovers);
    let root = manifest.root();
    let grown =
        Tree::new(running, (sides, plan, known), &header.references, far, &roots, leftovers).grow(writer)?;
    let Grown { digest, mut counts, problems } = grown;
    if problems.count > 0 {
        record.status = Some(Status::Problems);
        record.counts.problems += problems.count;
        let room = crate::repository::record::PROBLEMS_KEPT.saturating_sub(record.problems.len());
        record.problems.extend(problems.into_kept().into_iter().take(room));
    }
    record.manifest = Some(digest.to_string());
    record.root_mode = (root.metadata.mode & 0o200 == 0).then_some(root.metadata.mode);
    publish(running, snapshot, staging.seal(record, root.metadata.mtime, false), &mut counts)?;
    if snapshot.is_pinned() {
        target.set_pin(name)?;
    }
    Ok(counts)
}

/// Makes a finished replica visible. Which is the newest is looked up when all are there.
fn publish(running: &Running<'_>, snapshot: &Snapshot, sealed: Sealed, counts: &mut Counts) -> Result<()> {
    if running.stop.is_stopped() {
        return Err(Error::interrupted());
    }
    running.watch.monitor().event(&Event::Publishing);
    for problem in running.target.publish(sealed)? {
        counts.problems += 1;
        running.watch.problem(None, &problem);
    }
    for done in [running.target.repair_latest(), drop_leftovers(running, snapshot)] {
        if let Err(error) = done {
            counts.problems += 1;
            running.watch.problem(None, &Problem::housekeeping(&error));
        }
    }
    Ok(())
}

/// What killed runs left of a snapshot is of no more use once that is published.
fn drop_leftovers(running: &Running<'_>, snapshot: &Snapshot) -> Result<()> {
    let left = running.target.leftovers_of(&running.source.identity(snapshot))?;
    running.target.remove_leftovers(left)
}

fn unreadable(source: &Repository, name: &SnapshotName, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NoSuchSnapshot,
        _ => ErrorKind::SourceUnreadable,
    };
    Error::io_as(kind, "open", source.tree_path(name), error)
}

/// What killed runs left of the same snapshot, each with whether it was written since the machine was started.
fn leftovers(target: &Repository, running: &Running<'_>, snapshot: &Snapshot) -> Result<Vec<(Dir, bool)>> {
    let left = target.leftovers_of(&running.source.identity(snapshot))?;
    let take = |left: crate::repository::staging::Leftover| {
        let same = left.record.as_ref().is_some_and(|record| is_this_boot(&record.boot_id));
        left.tree.map(|tree| (tree, same))
    };
    Ok(left.into_iter().filter_map(take).collect())
}

/// What is known of the run travels with its snapshot.
fn record_of(running: &Running<'_>, snapshot: &Snapshot, manifest: &Manifest) -> RunRecord {
    use crate::native::OsStringExt as _;
    let made_in = running.source.identity(snapshot).repository().to_owned();
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
        suspect: Vec::new(),
    };
    let record = snapshot.record().cloned().unwrap_or_else(lost);
    RunRecord {
        boot_id: boot_id(),
        synced: true,
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
