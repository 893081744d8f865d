//! What is told of suspect snapshots.

use std::os::unix::ffi::OsStrExt as _;

use linkdest_core::{Escaped, SnapshotName, SnapshotReport};
use serde::Serialize;

/// What can be done about a suspect snapshot; nothing if it is none.
pub fn hint(report: &SnapshotReport) -> Option<String> {
    let (name, path) = report.snapshot().zip(report.path()).filter(|_| report.is_suspect())?;
    let repository = Escaped(path.parent().unwrap_or(path).as_os_str().as_bytes());
    Some(format!("older ones are not forgotten for it; if it is right: linkdest accept {repository} {name}"))
}

/// What `accept` did.
#[derive(Serialize)]
pub struct Accepted<'a> {
    snapshot: &'a str,
    suspect_reasons: &'a [String],
    changed: bool,
    dry_run: bool,
}

impl<'a> Accepted<'a> {
    pub fn new(
        snapshot: &'a SnapshotName,
        suspect_reasons: &'a [String],
        changed: bool,
        dry_run: bool,
    ) -> Self {
        Self { snapshot: snapshot.as_str(), suspect_reasons, changed, dry_run }
    }
}
