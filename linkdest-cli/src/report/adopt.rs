//! What `adopt` tells: for people and as JSON.

use bytesize::ByteSize;
use linkdest_core::{AdoptReport, Adoption, PassedOver};
use serde::Serialize;

use super::human::counted;
use super::json::PathText;
use super::table::local;

/// What would be adopted, the oldest first, and what would not.
pub fn plan(report: &AdoptReport) -> Vec<String> {
    let adoptions = report.adoptions().iter().map(|one| {
        let (name, tool) = (one.snapshot().as_str(), one.tool().as_str());
        format!("adopt  {name:<21} <- {}  ({tool}, {})", one.tree(), local(one.started()))
    });
    let passed_over =
        report.passed_over().iter().map(|one| format!("skip   {}: {}", one.path(), one.reason()));
    adoptions.chain(passed_over).collect()
}

pub fn question(report: &AdoptReport) -> String {
    format!("Adopt {}?", counted(report.adoptions().len() as u64, "snapshot", "snapshots"))
}

/// The lines at the end.
pub fn summary(report: &AdoptReport) -> String {
    let snapshots = counted(report.adoptions().len() as u64, "snapshot", "snapshots");
    let known = match report.known() {
        0 => String::new(),
        known => format!(", {known} adopted before"),
    };
    if report.is_dry_run() {
        return format!("{snapshots} would be adopted{known}; nothing was written");
    }
    let seconds = report.duration().as_secs_f64();
    let files = counted(report.files_read(), "file", "files");
    let bytes = ByteSize(report.bytes_read()).display().iec();
    let mut text = format!("{snapshots} adopted{known} in {seconds:.1} s\n  {files} read, {bytes}");
    if report.problem_count() > 0 {
        text += &format!("\n  {}", counted(report.problem_count(), "problem", "problems"));
    }
    text
}

/// What the user must do.
pub fn warning(report: &AdoptReport) -> String {
    let mut tools: Vec<_> = report.adoptions().iter().map(|one| one.tool().as_str()).collect();
    tools.sort_unstable();
    tools.dedup();
    format!("{} must not rotate, rename or delete here any more", tools.join(", "))
}

/// One snapshot that was adopted, or would be.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "adopted")]
pub struct Line<'a> {
    snapshot: &'a str,
    #[serde(flatten)]
    tree: PathText,
    tool: &'static str,
    started: String,
    sequence: u64,
}

impl<'a> From<&'a Adoption> for Line<'a> {
    fn from(one: &'a Adoption) -> Self {
        Self {
            snapshot: one.snapshot().as_str(),
            tree: one.tree().into(),
            tool: one.tool().as_str(),
            started: one.started().to_string(),
            sequence: one.sequence(),
        }
    }
}

/// What looks like a snapshot, and is not adopted.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "passed_over")]
pub struct Passed<'a> {
    #[serde(flatten)]
    path: PathText,
    reason: &'a str,
}

impl<'a> From<&'a PassedOver> for Passed<'a> {
    fn from(one: &'a PassedOver) -> Self {
        Self { path: one.path().into(), reason: one.reason() }
    }
}

/// What it came to.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "summary")]
pub struct Summary {
    adopted: usize,
    known: usize,
    passed_over: usize,
    new_repository: bool,
    files_read: u64,
    bytes_read: u64,
    problems: u64,
    dry_run: bool,
    duration_s: f64,
}

impl From<&AdoptReport> for Summary {
    fn from(report: &AdoptReport) -> Self {
        Self {
            adopted: report.adoptions().len(),
            known: report.known(),
            passed_over: report.passed_over().len(),
            new_repository: report.is_new(),
            files_read: report.files_read(),
            bytes_read: report.bytes_read(),
            problems: report.problem_count(),
            dry_run: report.is_dry_run(),
            duration_s: report.duration().as_secs_f64(),
        }
    }
}
