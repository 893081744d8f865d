//! What the commands about profiles tell: a line for each fact, and what programs read.

use jiff::Zoned;
use linkdest_core::{Deleted, ProfileReport, ScheduleFile, SnapshotName, VerifyReport};
use serde::Serialize;

use super::json::{self, PathText};

/// A fact with its time, in UTC.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "step")]
pub struct Fact<'a> {
    time: String,
    step: &'static str,
    outcome: &'static str,
    message: &'a str,
}

impl<'a> From<&'a linkdest_core::Fact> for Fact<'a> {
    fn from(fact: &'a linkdest_core::Fact) -> Self {
        Self {
            time: linkdest_core::Timestamp::now().to_string(),
            step: fact.step.as_str(),
            outcome: fact.outcome.as_str(),
            message: &fact.message,
        }
    }
}

/// A line of the log, with the local time.
pub fn line(fact: &linkdest_core::Fact) -> String {
    format!("{} {fact}", Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z"))
}

/// What a run by profile came to: all that a snapshot's summary has, and more.
#[derive(Serialize)]
pub struct Summary<'a> {
    #[serde(flatten)]
    snapshot: json::Summary<'a>,
    profile: &'a str,
    forgotten: Option<Vec<&'a str>>,
    would_forget: Option<Vec<String>>,
    verify: Option<Verified>,
    failed_hooks: Vec<&'static str>,
    errors: Vec<String>,
    exit_code: u8,
    run_duration_s: f64,
}

/// What the check of a sample came to.
#[derive(Serialize)]
struct Verified {
    files_read: u64,
    bytes_read: u64,
    findings: u64,
    problems: u64,
}

impl<'a> Summary<'a> {
    pub fn new(profile: &'a linkdest_core::Profile, report: &'a ProfileReport) -> Self {
        let names = |deleted: &'a Deleted| deleted.snapshots().iter().map(SnapshotName::as_str).collect();
        let planned = report.plan().filter(|_| report.snapshot().is_dry_run());
        Self {
            snapshot: json::Summary::from(report.snapshot()),
            profile: profile.name(),
            forgotten: report.forgotten().map(names),
            would_forget: planned.map(|plan| plan.removed().iter().map(ToString::to_string).collect()),
            verify: report.verified().map(Verified::from),
            failed_hooks: report.failed_hooks().iter().map(|failure| failure.hook().as_str()).collect(),
            errors: report.errors().iter().map(ToString::to_string).collect(),
            exit_code: report.exit_code(),
            run_duration_s: report.duration().as_secs_f64(),
        }
    }
}

impl From<&VerifyReport> for Verified {
    fn from(report: &VerifyReport) -> Self {
        Self {
            files_read: report.files_read(),
            bytes_read: report.bytes_read(),
            findings: report.finding_count(),
            problems: report.problem_count(),
        }
    }
}

/// What a check of a profile found.
#[derive(Serialize)]
pub struct Check<'a> {
    profile: &'a str,
    #[serde(flatten)]
    path: PathText,
    plan: &'a [String],
    remarks: Vec<Remark<'a>>,
    exit_code: u8,
}

#[derive(Serialize)]
struct Remark<'a> {
    severity: &'static str,
    message: &'a str,
}

impl<'a> Check<'a> {
    pub fn new(profile: &'a linkdest_core::Profile, check: &'a linkdest_core::ProfileCheck) -> Self {
        let remark = |(severity, message): &'a (linkdest_core::Severity, String)| Remark {
            severity: severity.as_str(),
            message,
        };
        Self {
            profile: profile.name(),
            path: profile.path().into(),
            plan: check.plan(),
            remarks: check.remarks().iter().map(remark).collect(),
            exit_code: check.exit_code(),
        }
    }
}

/// What was written, or removed, so that a profile is run.
#[derive(Serialize)]
pub struct Scheduled<'a> {
    files: Vec<File<'a>>,
    crontab_line: Option<&'a str>,
    removed: bool,
    dry_run: bool,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(flatten)]
    path: PathText,
    text: &'a str,
}

impl<'a> Scheduled<'a> {
    pub fn new(files: &'a [ScheduleFile], line: Option<&'a str>, removed: bool, dry_run: bool) -> Self {
        let file = |file: &'a ScheduleFile| File { path: file.path().into(), text: file.text() };
        Self { files: files.iter().map(file).collect(), crontab_line: line, removed, dry_run }
    }
}
