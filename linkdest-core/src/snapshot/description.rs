//! What is written down of a run: before the walk, and at its end.

use std::path::Path;

use super::Snapshotter;
use super::engine::Walked;
use super::references::Reference;
use crate::counts::Counts;
use crate::entry::{FileId, Timestamp};
use crate::error::Result;
use crate::manifest::Header;
use crate::native::OsStrExt as _;
use crate::os::boot_id;
use crate::path::RelPath;
use crate::repository::{Damage, Repository, RunRecord, Staging, Status};

/// What the manifest says of its run before the walk.
pub(super) fn header(
    asked: &Snapshotter,
    staging: &Staging,
    started: Timestamp,
    (source, host): (&Path, &str),
    references: &[Reference],
    sequence: u64,
) -> Header {
    Header {
        snapshot: staging.name().to_string(),
        sequence,
        source: source.as_os_str().as_bytes().to_vec(),
        host: host.to_owned(),
        started,
        policy: asked.policy.name().to_owned(),
        rules: asked.filtering.rules_text(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        references: references.iter().map(|reference| reference.label.clone()).collect(),
        generation: 0,
    }
}

pub(super) fn new_record(
    asked: &Snapshotter,
    repository: &Repository,
    staging: &Staging,
    started: Timestamp,
    (source, host): (&Path, &str),
) -> Result<RunRecord> {
    Ok(RunRecord {
        snapshot: staging.name().clone(),
        sequence: repository.next_sequence()?,
        source: source.to_owned(),
        host: host.to_owned(),
        policy: asked.policy.name().to_owned(),
        started,
        ended: None,
        status: None,
        boot_id: boot_id(),
        synced: asked.sync,
        root_mode: None,
        manifest: None,
        adopted: None,
        replica_of: None,
        lacks: 0,
        counts: Counts::default(),
        problems: Vec::new(),
        suspect: Vec::new(),
    })
}

pub(super) fn finish_record(record: &mut RunRecord, walked: &Walked) {
    record.ended = Some(Timestamp::now());
    record.status = Some(if walked.counts.problems == 0 { Status::Complete } else { Status::Problems });
    record.counts = walked.counts;
    record.manifest = walked.manifest.map(|digest| digest.to_string());
    record.problems.clone_from(&walked.problems);
    record.suspect.clone_from(&walked.suspect);
    record.root_mode = (walked.root.mode & 0o200 == 0).then_some(walked.root.mode);
}

/// What the walk found damaged in snapshots of the repository.
pub(super) fn damages(walked: &Walked, references: &[Reference]) -> Vec<Damage> {
    let of = |(number, path, id): &(usize, RelPath, FileId)| {
        let (snapshot, path) = references.get(*number)?.place(path)?;
        Some(Damage::new(snapshot, path, id.inode))
    };
    walked.damages.iter().filter_map(of).collect()
}
