//! The history of the runs: for people and as JSON.

use std::time::Duration;

use bytesize::ByteSize;
use linkdest_core::{Counts, Escaped, RunRecord, Status, Timestamp};
use serde::Serialize;
use std::os::unix::ffi::OsStrExt as _;

use super::human;
use super::json::{ProblemFields, text_of};
use super::table::{local, span, table};

/// The table's lines: a head, and a line for each run.
pub fn lines(runs: &[RunRecord]) -> Vec<String> {
    let head =
        ["RUN", "STARTED", "STATUS", "TOOK", "ENTRIES", "LINKED", "COPIED", "NEW", "PROBLEMS", "SOURCE"];
    let style =
        |run: &RunRecord| human::style(run.status().unwrap_or(Status::Problems), !run.suspect().is_empty());
    let rows = runs.iter().map(|run| (row(run), style(run)));
    table(head, &[0, 1, 2, 9], 2, &rows.collect::<Vec<_>>())
}

fn row(run: &RunRecord) -> [String; 10] {
    let counts = run.counts();
    // Nobody counted what another tool did, and a run that goes on has not told yet.
    let known = |number: u64| if run.ended().is_some() { number.to_string() } else { "-".to_owned() };
    let done = run.status().is_some();
    [
        run.snapshot().to_string(),
        local(run.started()),
        status(run),
        took(run).map_or_else(|| "-".to_owned(), span),
        if done { counts.entries.to_string() } else { "-".to_owned() },
        known(counts.files_linked + counts.other_linked),
        known(counts.files_copied + counts.files_cloned),
        if done { ByteSize(counts.bytes_copied).display().iec().to_string() } else { "-".to_owned() },
        known(counts.problems),
        source(run),
    ]
}

fn status(run: &RunRecord) -> String {
    let status = match run.status() {
        _ if run.is_adopted() => "adopted",
        Some(status) => status.as_str(),
        None => "unfinished",
    };
    let suspect = if run.suspect().is_empty() { "" } else { ", suspect" };
    format!("{status}{suspect}")
}

fn source(run: &RunRecord) -> String {
    let path = Escaped(run.source().as_os_str().as_bytes());
    match (run.host(), run.source().as_os_str().is_empty()) {
        (_, true) => "-".to_owned(),
        ("", false) => path.to_string(),
        (host, false) => format!("{}:{path}", Escaped(host.as_bytes())),
    }
}

/// How long it took; nothing is known of that where the clock was set back.
fn took(run: &RunRecord) -> Option<Duration> {
    let nanos = |time: Timestamp| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let took = nanos(run.ended()?) - nanos(run.started());
    u64::try_from(took).ok().map(Duration::from_nanos)
}

/// The runs of a repository.
#[derive(Serialize)]
pub struct Runs<'a> {
    runs: Vec<Run<'a>>,
}

/// One run. `null` is what is not known: of one that did not end, or that another tool did.
#[derive(Serialize)]
struct Run<'a> {
    snapshot: &'a str,
    sequence: u64,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_b64: Option<String>,
    host: &'a str,
    policy: &'a str,
    started: String,
    ended: Option<String>,
    duration_s: Option<f64>,
    status: &'static str,
    suspect: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    suspect_reasons: &'a [String],
    adopted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tree: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tree_b64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replica_of: Option<&'a str>,
    #[serde(flatten)]
    counts: &'a Counts,
    /// The first 1,000; `problems` is the number of all.
    first_problems: Vec<ProblemFields<'a>>,
}

impl<'a> From<&'a [RunRecord]> for Runs<'a> {
    fn from(runs: &'a [RunRecord]) -> Self {
        Self { runs: runs.iter().map(Run::from).collect() }
    }
}

impl<'a> From<&'a RunRecord> for Run<'a> {
    fn from(run: &'a RunRecord) -> Self {
        let (source, source_b64) = text_of(run.source().as_os_str().as_bytes());
        let tree = run.tree().map(|tree| text_of(tree.as_bytes()));
        Self {
            snapshot: run.snapshot().as_str(),
            sequence: run.sequence(),
            source,
            source_b64,
            host: run.host(),
            policy: run.policy(),
            started: run.started().to_string(),
            ended: run.ended().map(|ended| ended.to_string()),
            duration_s: took(run).map(|took| took.as_secs_f64()),
            status: run.status().map_or("unfinished", Status::as_str),
            suspect: !run.suspect().is_empty(),
            suspect_reasons: run.suspect(),
            adopted: run.is_adopted(),
            tree: tree.as_ref().map(|(text, _)| text.clone()),
            tree_b64: tree.and_then(|(_, bytes)| bytes),
            replica_of: run.replica_of(),
            counts: run.counts(),
            first_problems: run.problems().iter().map(ProblemFields::from).collect(),
        }
    }
}
