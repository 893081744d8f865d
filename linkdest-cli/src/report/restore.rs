//! What a restore came to, for people and for programs.

use std::fmt;
use std::os::unix::ffi::OsStrExt as _;

use bytesize::ByteSize;
use linkdest_core::{Escaped, RestoreReport};
use serde::Serialize;

use super::human::{counted, style};
use super::json::PathText;

/// The last line with `--json`.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "summary")]
pub struct Summary<'a> {
    snapshot: &'a str,
    #[serde(flatten)]
    path: PathText,
    status: &'static str,
    dry_run: bool,
    entries: u64,
    unchanged: u64,
    kept: u64,
    files_copied: u64,
    files_cloned: u64,
    linked: u64,
    directories_created: u64,
    other_created: u64,
    attributes_set: u64,
    deleted: u64,
    bytes: u64,
    bytes_copied: u64,
    bytes_cloned: u64,
    problems: u64,
    duration_s: f64,
}

impl<'a> From<&'a RestoreReport> for Summary<'a> {
    fn from(report: &'a RestoreReport) -> Self {
        let counts = report.counts();
        Self {
            snapshot: report.snapshot().as_str(),
            path: report.target().into(),
            status: report.status().as_str(),
            dry_run: report.is_dry_run(),
            entries: counts.entries,
            unchanged: counts.unchanged,
            kept: counts.kept,
            files_copied: counts.files_copied,
            files_cloned: counts.files_cloned,
            linked: counts.linked,
            directories_created: counts.directories_created,
            other_created: counts.other_created,
            attributes_set: counts.attributes_set,
            deleted: counts.deleted,
            bytes: counts.bytes,
            bytes_copied: counts.bytes_copied,
            bytes_cloned: counts.bytes_cloned,
            problems: counts.problems,
            duration_s: report.duration().as_secs_f64(),
        }
    }
}

/// The few lines at the end of a restore.
pub struct Text<'a>(pub &'a RestoreReport);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (report, counts) = (self.0, self.0.counts());
        if report.is_dry_run() {
            write!(f, "dry run, nothing was written: ")?;
        } else {
            let status = report.status();
            write!(f, "{}: {1}{2}{1:#}, ", report.snapshot(), style(status, false), status.as_str())?;
        }
        let seconds = report.duration().as_secs_f64();
        writeln!(f, "{} in {seconds:.1} s", counted(counts.entries, "entry", "entries"))?;
        let created = counts.directories_created + counts.other_created;
        writeln!(
            f,
            "  {} unchanged, {} copied, {} cloned, {} linked, {created} created",
            counts.unchanged, counts.files_copied, counts.files_cloned, counts.linked,
        )?;
        write!(f, "  {} copied", ByteSize(counts.bytes_copied).display().iec())?;
        let told = [
            (counts.problems, counted(counts.problems, "problem", "problems")),
            (counts.attributes_set, format!("{} with new attributes", counts.attributes_set)),
            (counts.kept, format!("{} kept", counts.kept)),
            (counts.deleted, format!("{} removed", counts.deleted)),
        ];
        for (_, text) in told.iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {text}")?;
        }
        write!(f, "\n  {}", Escaped(report.target().as_os_str().as_bytes()))
    }
}
