//! A run's record as it stands in its file: one small TOML file for each snapshot, also while it is being made.

use std::ffi::OsString;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::adopted::WrittenTree;
use super::record::{InvalidRunRecord, RunRecord, Status};
use crate::counts::Counts;
use crate::entry::Timestamp;
use crate::error::{Problem, ProblemKind};
use crate::native::{OsStrExt as _, OsStringExt as _};
use crate::path::RelPath;

/// The record as it stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    format: u32,
    snapshot: String,
    sequence: u64,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_b64: Option<String>,
    host: String,
    policy: String,
    started: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    boot_id: String,
    synced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_mode: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifest: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suspect: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replica_of: Option<String>,
    #[serde(default, skip_serializing_if = "is_none")]
    replica_lacks: u64,
    #[serde(flatten)]
    adopted: WrittenTree,
    #[serde(default)]
    counts: Counts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<WrittenProblem>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
struct WrittenProblem {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_b64: Option<String>,
    kind: String,
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    message: String,
}

impl From<&RunRecord> for Written {
    fn from(record: &RunRecord) -> Self {
        let (source, source_b64) = text_of(record.source.as_os_str().as_bytes());
        Self {
            format: 1,
            snapshot: record.snapshot.to_string(),
            sequence: record.sequence,
            source,
            source_b64,
            host: record.host.clone(),
            policy: record.policy.clone(),
            started: record.started.to_string(),
            ended: record.ended.map(|ended| ended.to_string()),
            status: record.status,
            boot_id: record.boot_id.clone(),
            synced: record.synced,
            root_mode: record.root_mode,
            manifest: record.manifest.clone(),
            suspect: record.suspect.clone(),
            replica_of: record.replica_of.clone(),
            replica_lacks: record.lacks,
            adopted: WrittenTree::of(record.adopted.as_ref()),
            counts: record.counts,
            problems: record.problems.iter().map(WrittenProblem::from).collect(),
        }
    }
}

impl Written {
    pub fn read(self) -> Result<RunRecord, InvalidRunRecord> {
        let invalid = |what: &str| InvalidRunRecord(what.to_owned());
        if self.format != 1 {
            return Err(invalid("its format is not 1: it was written by a newer linkdest"));
        }
        // Kinds that only a newer version knows are passed over; the counts have them all.
        let known = |problem: &WrittenProblem| ProblemKind::from_word(&problem.kind).is_some();
        let problems =
            self.problems.into_iter().filter(known).map(WrittenProblem::read).collect::<Option<_>>();
        Ok(RunRecord {
            snapshot: self.snapshot.parse().map_err(|_| invalid("its name is not the name of a snapshot"))?,
            sequence: self.sequence,
            source: bytes_of(self.source, self.source_b64)
                .map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
                .ok_or_else(|| invalid("source_b64"))?,
            host: self.host,
            policy: self.policy,
            started: parse_rfc3339(&self.started).ok_or_else(|| invalid("started is not a time"))?,
            ended: match self.ended {
                Some(ended) => Some(parse_rfc3339(&ended).ok_or_else(|| invalid("ended is not a time"))?),
                None => None,
            },
            status: self.status,
            boot_id: self.boot_id,
            synced: self.synced,
            root_mode: self.root_mode.filter(|mode| *mode <= 0o7777),
            manifest: self.manifest,
            suspect: self.suspect,
            replica_of: self.replica_of,
            lacks: self.replica_lacks,
            adopted: self.adopted.read().map_err(invalid)?,
            counts: self.counts,
            problems: problems.ok_or_else(|| invalid("a problem's path or kind"))?,
        })
    }
}

impl From<&Problem> for WrittenProblem {
    fn from(problem: &Problem) -> Self {
        let (path, path_b64) = text_of(problem.path().as_bytes());
        Self {
            path,
            path_b64,
            kind: problem.kind().as_str().to_owned(),
            operation: problem.operation().to_owned(),
            errno: problem.errno(),
            message: problem.message().to_owned(),
        }
    }
}

impl WrittenProblem {
    fn read(self) -> Option<Problem> {
        let path = RelPath::new(bytes_of(self.path, self.path_b64)?)?;
        let kind = ProblemKind::from_word(&self.kind)?;
        Some(Problem::new(path, kind, self.operation, self.message).with_errno(self.errno))
    }
}

/// Bytes as text, and as base64 where the text loses something.
pub(super) fn text_of(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(BASE64.encode(bytes))),
    }
}

pub(super) fn bytes_of(text: String, base64: Option<String>) -> Option<Vec<u8>> {
    match base64 {
        Some(base64) => BASE64.decode(base64).ok(),
        None => Some(text.into_bytes()),
    }
}

pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    let nanos = time.as_nanosecond();
    let second = 1_000_000_000;
    let seconds = i64::try_from(nanos.div_euclid(second)).ok()?;
    Some(Timestamp { seconds, nanos: u32::try_from(nanos.rem_euclid(second)).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_come_back(seconds in -62_135_596_800_i64..253_402_207_200, nanos in 0_u32..1_000_000_000) {
            let time = Timestamp { seconds, nanos };
            prop_assert_eq!(parse_rfc3339(&time.to_string()), Some(time));
        }
    }
}
