//! What programs read: one type for each kind of line or document. Fields may be added, never renamed.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use linkdest_core::{Action, Capabilities, Progress, Reason, RelPath, Repository, RunRecord, SnapshotReport};
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::failure::Failure;

/// Writes a document on one line.
pub fn write_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Harmless))?;
    out.write_all(b"\n")
}

/// JSON as usual, and what a terminal would act on (C1 controls, DEL, bidirectional controls) as `\uNNNN` too.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for part in fragment.split_inclusive(is_acted_on) {
            let acted_on = part.chars().next_back().filter(|&c| is_acted_on(c));
            out.write_all(part.trim_end_matches(is_acted_on).as_bytes())?;
            if let Some(c) = acted_on {
                write!(out, "\\u{:04x}", u32::from(c))?;
            }
        }
        Ok(())
    }
}

/// None of these is beyond U+FFFF, so that four digits do.
fn is_acted_on(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A path as text, and its bytes where the text loses something.
#[derive(Serialize)]
pub struct PathText {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
}

impl From<&[u8]> for PathText {
    fn from(bytes: &[u8]) -> Self {
        let (path, path_b64) = text_of(bytes);
        Self { path, path_b64 }
    }
}

/// Bytes as text, and as base64 where the text loses something.
pub fn text_of(bytes: &[u8]) -> (String, Option<String>) {
    let base64 = std::str::from_utf8(bytes).is_err().then(|| BASE64.encode(bytes));
    (String::from_utf8_lossy(bytes).into_owned(), base64)
}

impl From<&Path> for PathText {
    fn from(path: &Path) -> Self {
        path.as_os_str().as_bytes().into()
    }
}

impl From<&RelPath> for PathText {
    /// The source's root is `.`, as it is for people.
    fn from(path: &RelPath) -> Self {
        if path.as_bytes().is_empty() { b".".as_slice().into() } else { path.as_bytes().into() }
    }
}

/// How far a run is.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "status")]
pub struct StatusLine {
    entries: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_s: Option<f64>,
}

impl StatusLine {
    pub fn new(progress: &Progress, elapsed: Duration) -> Self {
        let tenths = |value: f64| (value * 10.0).round() / 10.0;
        Self {
            entries: progress.counts.entries,
            bytes: progress.counts.bytes,
            percent: progress.fraction().map(|fraction| tenths(fraction * 100.0)),
            eta_s: progress.remaining(elapsed).map(|left| tenths(left.as_secs_f64())),
        }
    }
}

/// An entry that could not be saved as asked, as a line of its own.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "problem")]
pub struct Problem<'a> {
    #[serde(flatten)]
    fields: ProblemFields<'a>,
}

impl<'a> From<&'a linkdest_core::Problem> for Problem<'a> {
    fn from(problem: &'a linkdest_core::Problem) -> Self {
        Self { fields: problem.into() }
    }
}

/// An entry that could not be saved as asked.
#[derive(Serialize)]
pub struct ProblemFields<'a> {
    #[serde(flatten)]
    path: PathText,
    kind: &'static str,
    operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    message: &'a str,
}

impl<'a> From<&'a linkdest_core::Problem> for ProblemFields<'a> {
    fn from(problem: &'a linkdest_core::Problem) -> Self {
        Self {
            path: problem.path().into(),
            kind: problem.kind().as_str(),
            operation: problem.operation(),
            errno: problem.errno(),
            message: problem.message(),
        }
    }
}

/// What would be done with an entry.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "plan")]
pub struct Plan {
    #[serde(flatten)]
    path: PathText,
    action: &'static str,
    reason: String,
}

impl Plan {
    pub fn new(path: &RelPath, action: Action, reason: Reason) -> Self {
        Self { path: path.into(), action: action.as_str(), reason: reason.to_string() }
    }
}

/// What a run came to.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "summary")]
pub struct Summary<'a> {
    snapshot: Option<&'a str>,
    #[serde(flatten)]
    path: Option<PathText>,
    status: &'static str,
    suspect: bool,
    suspect_reasons: &'a [String],
    dry_run: bool,
    entries: u64,
    directories: u64,
    files_linked: u64,
    files_copied: u64,
    files_cloned: u64,
    other_linked: u64,
    other_created: u64,
    relinked_limit: u64,
    vanished: u64,
    skipped: u64,
    excluded: u64,
    carried_forward: u64,
    recorded_only: u64,
    bytes: u64,
    bytes_copied: u64,
    bytes_shared: u64,
    problems: u64,
    duration_s: f64,
}

impl<'a> From<&'a SnapshotReport> for Summary<'a> {
    fn from(report: &'a SnapshotReport) -> Self {
        let counts = report.counts();
        Self {
            snapshot: report.snapshot().map(linkdest_core::SnapshotName::as_str),
            path: report.path().map(PathText::from),
            status: report.status().as_str(),
            suspect: report.is_suspect(),
            suspect_reasons: report.suspect(),
            dry_run: report.is_dry_run(),
            entries: counts.entries,
            directories: counts.directories,
            files_linked: counts.files_linked,
            files_copied: counts.files_copied,
            files_cloned: counts.files_cloned,
            other_linked: counts.other_linked,
            other_created: counts.other_created,
            relinked_limit: counts.relinked_limit,
            vanished: counts.vanished,
            skipped: counts.skipped,
            excluded: counts.excluded,
            carried_forward: counts.carried_forward,
            recorded_only: counts.recorded_only,
            bytes: counts.bytes,
            bytes_copied: counts.bytes_copied,
            bytes_shared: counts.bytes_shared,
            problems: counts.problems,
            duration_s: report.duration().as_secs_f64(),
        }
    }
}

/// Why a command failed.
#[derive(Serialize)]
#[serde(tag = "message_type", rename = "error")]
pub struct Error<'a> {
    kind: &'static str,
    exit_code: u8,
    message: &'a str,
    #[serde(flatten)]
    path: Option<PathText>,
}

impl<'a> From<&'a Failure> for Error<'a> {
    fn from(failure: &'a Failure) -> Self {
        let path = failure.path.as_deref().map(PathText::from);
        Self { kind: failure.kind, exit_code: failure.code, message: &failure.message, path }
    }
}

/// The snapshots of a repository.
#[derive(Serialize)]
pub struct List<'a> {
    snapshots: Vec<Snapshot<'a>>,
}

/// One snapshot. What its record would tell is `null` where that was lost.
#[derive(Serialize)]
struct Snapshot<'a> {
    name: &'a str,
    started: String,
    status: &'static str,
    suspect: bool,
    pinned: bool,
    adopted: bool,
    #[serde(flatten)]
    path: PathText,
    entries: Option<u64>,
    bytes: Option<u64>,
    new_bytes: Option<u64>,
    problems: Option<u64>,
}

impl<'a> From<&'a [linkdest_core::Snapshot]> for List<'a> {
    fn from(snapshots: &'a [linkdest_core::Snapshot]) -> Self {
        Self { snapshots: snapshots.iter().map(Snapshot::from).collect() }
    }
}

impl<'a> From<&'a linkdest_core::Snapshot> for Snapshot<'a> {
    fn from(snapshot: &'a linkdest_core::Snapshot) -> Self {
        let counts = snapshot.record().map(RunRecord::counts);
        Self {
            name: snapshot.name().as_str(),
            started: snapshot.started().to_string(),
            status: snapshot.status().as_str(),
            suspect: snapshot.is_suspect(),
            pinned: snapshot.is_pinned(),
            adopted: snapshot.is_adopted(),
            path: snapshot.path().into(),
            entries: counts.map(|counts| counts.entries),
            bytes: counts.map(|counts| counts.bytes),
            new_bytes: counts.map(|counts| counts.bytes_copied),
            problems: counts.map(|counts| counts.problems),
        }
    }
}

/// A repository that could be made.
#[derive(Serialize)]
pub struct WouldInitialise {
    #[serde(flatten)]
    path: PathText,
    dry_run: bool,
}

impl From<&Path> for WouldInitialise {
    fn from(path: &Path) -> Self {
        Self { path: path.into(), dry_run: true }
    }
}

/// A repository that was made.
#[derive(Serialize)]
pub struct Initialised<'a> {
    #[serde(flatten)]
    path: PathText,
    id: &'a str,
    capabilities: &'a Capabilities,
}

impl<'a> From<&'a Repository> for Initialised<'a> {
    fn from(repository: &'a Repository) -> Self {
        Self { path: repository.path().into(), id: repository.id(), capabilities: repository.capabilities() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_is_acted_on_and_all_comes_back() {
        let text = "a\u{7f}\u{9b}\u{9b}31mé\u{202e}\n\"\\\u{1b}z";
        let mut line = Vec::new();
        write_line(&mut line, &text).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(line, "\"a\\u007f\\u009b\\u009b31mé\\u202e\\n\\\"\\\\\\u001bz\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
