//! What `replicate` tells: for people and as JSON.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

use bytesize::ByteSize;
use linkdest_core::{Counts, Escaped, Replica, ReplicaState, ReplicateReport, SnapshotName};
use serde::Serialize;

use super::human::{counted, style};
use super::json::PathText;

/// A line for each snapshot that the target does not have yet, and for each that is removed there.
pub fn lines(report: &ReplicateReport) -> Vec<String> {
    let new = |one: &&Replica| one.state() != ReplicaState::Present;
    let line = |one: &Replica| {
        let name = one.snapshot().as_str();
        match one.state() {
            ReplicaState::Sent => format!("send    {name:<21}  {}", figures(one.counts())),
            ReplicaState::NotKept => format!("skip    {name:<21}  no rule keeps it"),
            _ => format!("failed  {name}"),
        }
    };
    report.replicas().iter().filter(new).map(line).chain(removed(report)).collect()
}

/// A line for each snapshot that is removed at the target.
pub fn removed(report: &ReplicateReport) -> Vec<String> {
    let line = |name: &SnapshotName| format!("remove  {:<21}  no rule keeps it", name.as_str());
    report.removed().iter().map(line).collect()
}

fn figures(counts: &Counts) -> String {
    let sent = counts.files_copied + counts.files_cloned + counts.other_created;
    let linked = counts.files_linked + counts.other_linked;
    format!("{sent} sent, {linked} linked, {}", ByteSize(counts.bytes_copied).display().iec())
}

/// The few lines at the end.
pub struct Text<'a>(pub &'a ReplicateReport);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, counts) = (self.0, self.0.counts());
        let number =
            |state: ReplicaState| report.replicas().iter().filter(|one| one.state() == state).count();
        let sent = counted(number(ReplicaState::Sent) as u64, "snapshot", "snapshots");
        if report.is_dry_run() {
            write!(f, "dry run, nothing was written: {sent} would be sent")?;
        } else {
            let status = report.status();
            write!(f, "{0}{1}{0:#}: {sent} sent", style(status, false), status.as_str())?;
        }
        let told = [
            (number(ReplicaState::Present), "already there"),
            (number(ReplicaState::NotKept), "not kept"),
            (number(ReplicaState::Failed), "failed"),
            (report.removed().len(), "removed"),
        ];
        for (count, text) in told.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {text}")?;
        }
        writeln!(f, " in {:.1} s", report.duration().as_secs_f64())?;
        write!(f, "  {}: {}", counted(counts.entries, "entry", "entries"), figures(counts))?;
        if counts.relinked_limit > 0 {
            write!(f, ", {} given a fresh inode (link limit)", counts.relinked_limit)?;
        }
        if counts.problems > 0 {
            write!(f, ", {}", counted(counts.problems, "problem", "problems"))?;
        }
        write!(f, "\n  {}", Escaped(report.target().as_os_str().as_bytes()))
    }
}

/// What became of one snapshot.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "replica")]
pub struct Line<'a> {
    snapshot: &'a str,
    state: &'static str,
    #[serde(flatten)]
    figures: Figures,
}

/// What was done.
#[derive(Serialize)]
struct Figures {
    entries: u64,
    directories: u64,
    files_linked: u64,
    files_copied: u64,
    files_cloned: u64,
    other_linked: u64,
    other_created: u64,
    recorded_only: u64,
    relinked_limit: u64,
    bytes_copied: u64,
    bytes_shared: u64,
    problems: u64,
}

impl From<&Counts> for Figures {
    fn from(counts: &Counts) -> Self {
        Self {
            entries: counts.entries,
            directories: counts.directories,
            files_linked: counts.files_linked,
            files_copied: counts.files_copied,
            files_cloned: counts.files_cloned,
            other_linked: counts.other_linked,
            other_created: counts.other_created,
            recorded_only: counts.recorded_only,
            relinked_limit: counts.relinked_limit,
            bytes_copied: counts.bytes_copied,
            bytes_shared: counts.bytes_shared,
            problems: counts.problems,
        }
    }
}

impl<'a> From<&'a Replica> for Line<'a> {
    fn from(one: &'a Replica) -> Self {
        Self {
            snapshot: one.snapshot().as_str(),
            state: one.state().as_str(),
            figures: Figures::from(one.counts()),
        }
    }
}

/// What it came to.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "summary")]
pub struct Summary<'a> {
    #[serde(flatten)]
    path: PathText,
    status: &'static str,
    dry_run: bool,
    sent: usize,
    present: usize,
    not_kept: usize,
    failed: usize,
    removed: Vec<&'a str>,
    #[serde(flatten)]
    figures: Figures,
    duration_s: f64,
}

impl<'a> From<&'a ReplicateReport> for Summary<'a> {
    fn from(report: &'a ReplicateReport) -> Self {
        let number =
            |state: ReplicaState| report.replicas().iter().filter(|one| one.state() == state).count();
        Self {
            path: report.target().into(),
            status: report.status().as_str(),
            dry_run: report.is_dry_run(),
            sent: number(ReplicaState::Sent),
            present: number(ReplicaState::Present),
            not_kept: number(ReplicaState::NotKept),
            failed: number(ReplicaState::Failed),
            removed: report.removed().iter().map(SnapshotName::as_str).collect(),
            figures: Figures::from(report.counts()),
            duration_s: report.duration().as_secs_f64(),
        }
    }
}
