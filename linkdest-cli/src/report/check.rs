//! What `verify` and `reindex` tell: for people and as JSON.

use bytesize::ByteSize;
use linkdest_core::{ReindexReport, VerifyReport};
use serde::Serialize;

use super::human::counted;
use super::json::PathText;

/// One difference.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "finding")]
pub struct Finding<'a> {
    kind: &'static str,
    cause: Option<&'static str>,
    #[serde(flatten)]
    place: Place<'a>,
    shared: Vec<Place<'a>>,
    message: &'a str,
}

/// An entry of a snapshot.
#[derive(Serialize)]
struct Place<'a> {
    snapshot: &'a str,
    #[serde(flatten)]
    path: PathText,
}

impl<'a> From<&'a linkdest_core::Sighting> for Place<'a> {
    fn from(place: &'a linkdest_core::Sighting) -> Self {
        Self { snapshot: &place.snapshot, path: (&place.path).into() }
    }
}

impl<'a> From<&'a linkdest_core::Finding> for Finding<'a> {
    fn from(finding: &'a linkdest_core::Finding) -> Self {
        Self {
            kind: finding.kind().as_str(),
            cause: finding.cause().map(linkdest_core::Cause::as_str),
            place: finding.place().into(),
            shared: finding.shared().iter().map(Place::from).collect(),
            message: finding.message(),
        }
    }
}

/// What a check came to.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "summary")]
pub struct VerifySummary<'a> {
    snapshots: usize,
    without_manifest: Vec<&'a str>,
    entries: u64,
    expunged: u64,
    files_read: u64,
    bytes_read: u64,
    findings: u64,
    problems: u64,
    resumed: bool,
    damage_noted: bool,
    duration_s: f64,
}

impl<'a> From<&'a VerifyReport> for VerifySummary<'a> {
    fn from(report: &'a VerifyReport) -> Self {
        Self {
            snapshots: report.snapshots().len(),
            without_manifest: names(report),
            entries: report.entries(),
            expunged: report.expunged(),
            files_read: report.files_read(),
            bytes_read: report.bytes_read(),
            findings: report.finding_count(),
            problems: report.problem_count(),
            resumed: report.is_resumed(),
            damage_noted: report.is_noted(),
            duration_s: report.duration().as_secs_f64(),
        }
    }
}

fn names(report: &VerifyReport) -> Vec<&str> {
    report.without_manifest().iter().map(linkdest_core::SnapshotName::as_str).collect()
}

/// The lines at the end of a check.
pub fn verified(report: &VerifyReport) -> String {
    let seconds = report.duration().as_secs_f64();
    let snapshots = counted(report.snapshots().len() as u64, "snapshot", "snapshots");
    let entries = counted(report.entries(), "entry", "entries");
    let found = match report.finding_count() {
        0 => "no differences".to_owned(),
        count => counted(count, "difference", "differences"),
    };
    let files = counted(report.files_read(), "file", "files");
    let bytes = ByteSize(report.bytes_read()).display().iec();
    let mut text =
        format!("{snapshots} checked, {entries} in {seconds:.1} s: {found}\n  {files} read, {bytes}");
    if report.expunged() > 0 {
        text += &format!("\n  {} expunged", counted(report.expunged(), "entry", "entries"));
    }
    if report.problem_count() > 0 {
        text += &format!("\n  {}", counted(report.problem_count(), "problem", "problems"));
    }
    text
}

/// One manifest that was made, or would be.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "reindexed")]
pub struct Reindexed<'a> {
    snapshot: &'a str,
    reason: &'static str,
    entries: u64,
    bytes: u64,
}

impl<'a> From<&'a linkdest_core::Reindexed> for Reindexed<'a> {
    fn from(one: &'a linkdest_core::Reindexed) -> Self {
        let totals = one.totals();
        Self {
            snapshot: one.snapshot().as_str(),
            reason: one.reason(),
            entries: totals.entries,
            bytes: totals.bytes,
        }
    }
}

/// What making manifests came to.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "summary")]
pub struct ReindexSummary {
    snapshots: usize,
    dry_run: bool,
    files_read: u64,
    bytes_read: u64,
    problems: u64,
    duration_s: f64,
}

impl From<&ReindexReport> for ReindexSummary {
    fn from(report: &ReindexReport) -> Self {
        Self {
            snapshots: report.snapshots().len(),
            dry_run: report.is_dry_run(),
            files_read: report.files_read(),
            bytes_read: report.bytes_read(),
            problems: report.problem_count(),
            duration_s: report.duration().as_secs_f64(),
        }
    }
}

/// The lines at the end of a `reindex`.
pub fn reindexed(report: &ReindexReport) -> Vec<String> {
    let line = |one: &linkdest_core::Reindexed| {
        let (name, reason) = (one.snapshot(), one.reason());
        if report.is_dry_run() {
            return format!("{name}: would be indexed, its manifest is {reason}");
        }
        format!("{name}: indexed ({reason}), {}", counted(one.totals().entries, "entry", "entries"))
    };
    let mut lines: Vec<String> = report.snapshots().iter().map(line).collect();
    let (count, seconds) = (report.snapshots().len() as u64, report.duration().as_secs_f64());
    lines.push(if report.is_dry_run() {
        format!("dry run, nothing was written: {} would be indexed", counted(count, "snapshot", "snapshots"))
    } else {
        let bytes = ByteSize(report.bytes_read()).display().iec();
        format!("{} indexed in {seconds:.1} s, {bytes} read", counted(count, "snapshot", "snapshots"))
    });
    lines
}
